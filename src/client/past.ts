import type {
  PastCauses,
  PastEdges,
  PastEvents,
  PastJump,
  PastLogs,
  PastRestarts,
  PastSpan,
  PastState,
  PastStrip,
} from "./types.ts";

/** What narrows a question. */
type Query = Readonly<Record<string, string | number | undefined>>;

/** Asks the daemon. */
export type Ask = <Answer>(path: string, query: Query) => Promise<Answer>;

/** A moment: a sequence number, the id of an event, or a time such as `10 min ago`. */
export type Moment = string | number;

/** As the command line prints it with `--json`. */
export type Told = Readonly<Record<string, unknown>>;

const of = (name: string): string => encodeURIComponent(name);

/** Questions about any moment of the past. Each is answered beside the daemon's loop. @throws AppError `busy`, `timed_out`, `events_gone` where retention has removed what is asked for */
export class Past {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Where the log begins and ends. */
  span(): Promise<PastSpan> {
    return this.#ask("/past/span", {});
  }

  /** The log in pieces, and what stands out in each. */
  strip(
    query: {
      by?: "time" | "seq";
      buckets?: number;
      from?: number;
      to?: number;
      service?: string;
    } = {},
  ): Promise<PastStrip> {
    return this.#ask("/past/strip", query);
  }

  /** What every service was. @throws AppError `service_not_found` where the one that is asked for was not there */
  state(at: Moment, service?: string): Promise<PastState> {
    return this.#ask("/past/state", { at, service });
  }

  /** What differs between two moments; without `to`: until now. */
  diff(from: Moment, to?: Moment, service?: string): Promise<Told> {
    return this.#ask("/past/diff", { from, to, service });
  }

  /** The next or previous event of a kind. */
  jump(query: {
    from: number;
    direction: "next" | "previous";
    to: "start" | "restart" | "crash" | "command" | "boot" | "change";
    service?: string;
  }): Promise<PastJump> {
    return this.#ask("/past/jump", query);
  }

  /** Every boot of the daemon. */
  boots(): Promise<readonly Told[]> {
    return this.#ask("/past/boots", {});
  }

  /** What became of each service at a boot. @param boot its number, 0 for the newest, or its id */
  boot(boot: string | number): Promise<Told> {
    return this.#ask(`/past/boots/${of(String(boot))}`, {});
  }

  /** What two boots did differently; by default the newest and the one before it. */
  bootDiff(from?: string | number, to?: string | number): Promise<Told> {
    return this.#ask("/past/boots/diff", { from, to });
  }

  /** Why a service is as it is. */
  why(service: string): Promise<Told> {
    return this.#ask(`/past/why/${of(service)}`, {});
  }

  /** The lives of a service, the newest `limit` of them. */
  history(service: string, limit?: number): Promise<Told> {
    return this.#ask(`/past/history/${of(service)}`, { limit });
  }

  /** What led to an event, and what came of the same cause. */
  causes(seq: number): Promise<PastCauses> {
    return this.#ask(`/past/causes/${seq}`, {});
  }

  /** How often a service went each way, up to an event. */
  edges(service: string, to?: number): Promise<PastEdges> {
    return this.#ask(`/past/edges/${of(service)}`, { to });
  }

  /** The events that led a service from one state to another, the newest first. */
  taken(
    service: string,
    query: { from?: string; to: string; event?: string; before?: number; limit?: number },
  ): Promise<PastEvents> {
    return this.#ask(`/past/taken/${of(service)}`, query);
  }

  /** The newest events, in words. @param query.type types, with commas between */
  timeline(
    query: { service?: string; before?: number; type?: string; limit?: number } = {},
  ): Promise<PastEvents> {
    return this.#ask("/past/timeline", query);
  }

  /** How often services were started again, in pieces of time. */
  restarts(query: { from_wall?: number; buckets?: number } = {}): Promise<PastRestarts> {
    return this.#ask("/past/restarts", query);
  }

  /** What a service said around an event, or last. */
  logs(
    service: string,
    query: { around?: number; before?: number; after?: number } = {},
  ): Promise<PastLogs> {
    return this.#ask(`/past/logs/${of(service)}`, query);
  }
}
