import { AppError } from "../../src/base/errors.ts";
import type { Caller, ServiceCommands, StreamLine } from "../../src/commands/ports.ts";
import { KEY_LIFE_MS } from "../../src/journal/journal.ts";
import type { EventRow } from "../../src/journal/record.ts";
import { Broken, keeps } from "./broken.ts";
import type { Daemon } from "./daemon.ts";
import type { Request } from "./decisions.ts";
import type { World } from "./world.ts";

/** A request and what its sender knows of it. */
export interface Asked {
  readonly id: string;
  readonly request: Request;
  readonly caller: Caller;
  /** The version it insisted on. */
  readonly ifMatch?: number | "*" | undefined;
  state: "sent" | "acknowledged" | "done" | "refused" | "lost";
  /** Where the log ended when it was sent. */
  readonly since: number;
  /** Whether an earlier try may have been carried out. */
  isRepeat: boolean;
  answer?: string;
  lines: string[];
}

/** Rows that say what a service is to be. */
const DEFINES = /^service\.(created|changed)$/;

const WISHES: Readonly<Record<Request["verb"], readonly string[]>> = {
  put: ["service.created", "service.changed", "service.start_requested"],
  update: ["service.changed"],
  rollback: ["service.changed", "service.start_requested"],
  start: ["service.start_requested"],
  restart: ["service.restart_requested"],
  stop: ["service.stop_requested"],
  delete: ["service.delete_requested"],
  signal: ["service.signal_requested"],
  list: [],
};

/** What may be answered to somebody who asks at a bad moment. */
const EXPECTED = new Set([
  "service_not_found",
  "service_deleting",
  "service_needed",
  "service_stopped",
  "service_not_running",
  "version_conflict",
  "version_not_found",
  "invalid_request",
  "http_port_taken",
  "shutting_down",
  "storage_full",
  "storage_failed",
  "busy",
  "timed_out",
  "event_refused",
]);

/** Refusals after which it may have been carried out all the same. */
const UNSURE = new Set(["storage_failed", "timed_out"]);

/** People who ask for everything at every moment, and hold the daemon to its answers. */
export class People {
  readonly asked: Asked[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  ask(request: Request): void {
    const id = `person:${this.asked.length + 1}`;
    const ifMatch = this.#version(request);
    const key = { value: `key of ${id}`, request: JSON.stringify(request) };
    const caller: Caller = {
      actor: id,
      full: true,
      ...(request.isKeyed && { key }),
      ...(ifMatch !== undefined && { ifMatch }),
    };
    const since = this.#world.ledger.end.seq;
    this.#send({ id, request, caller, ifMatch, since, state: "sent", isRepeat: false, lines: [] });
  }

  /** Sends a request once more: with its key, if it has one, else as a new one. */
  again(back: number): void {
    const earlier = this.asked.at(-1 - back);
    if (!earlier) return;
    if (!earlier.request.isKeyed) return this.ask(earlier.request);
    this.#send({ ...earlier, state: "sent", isRepeat: true, lines: [] });
  }

  /** The daemon is gone: who has no answer yet gets none. */
  loseAnswers(): void {
    for (const one of this.asked)
      if (one.state === "sent" || one.state === "acknowledged") one.state = "lost";
  }

  #version({ ifMatch, service }: Request): number | "*" | undefined {
    if (ifMatch === undefined || ifMatch === "*") return ifMatch;
    const version = this.#world.ledger.services.get(service)?.version ?? 1;
    return ifMatch === "current" ? version : version + 1;
  }

  #send(asked: Asked): void {
    this.asked.push(asked);
    const { daemon } = this.#world;
    if (!daemon) return void (asked.state = "lost");
    this.#isAnswered(asked, daemon).catch((error: unknown) => this.#world.broke(asBroken(error)));
  }

  async #isAnswered(asked: Asked, daemon: Daemon): Promise<void> {
    try {
      await daemon.booted.catch(() => new Promise(() => {})); // the socket closes, and nobody answers
      const lines = await ORDERS[asked.request.verb](daemon.commands, asked.request, asked.caller);
      if (asked.state === "lost") return;
      this.#acknowledged(asked);
      await this.#reads(asked, lines);
      if (asked.state === "acknowledged") asked.state = "done";
    } catch (error) {
      if (error instanceof Broken || asked.state === "lost") throw error;
      this.#refused(asked, error);
    }
  }

  async #reads(asked: Asked, lines: AsyncIterable<StreamLine>): Promise<void> {
    const { leaves } = asked.request;
    if (leaves === "at once") return void (await lines[Symbol.asyncIterator]().return?.());
    for await (const line of lines) {
      if (asked.state === "lost") return;
      asked.lines.push(line.type);
      if (line.type === "stopped" && asked.request.verb === "stop") this.#mustBeGone(asked);
      if (leaves === "after a line") return;
    }
  }

  #rowsOf({ id, request }: Asked): readonly EventRow[] {
    const wishes = WISHES[request.verb];
    const stream = `service/${request.service}`;
    const rows = this.#world.ledger.of(id);
    return rows.filter((row) => row.stream === stream && wishes.includes(row.type));
  }

  #acknowledged(asked: Asked): void {
    asked.state = "acknowledged";
    this.#world.count(`${asked.request.verb} acknowledged`);
    const { verb } = asked.request;
    if (verb === "list") return;
    const rows = this.#rowsOf(asked);
    const say = (what: string) => () => `${inWords(asked)} was acknowledged, and ${what}`;
    const [first, second] = rows;
    const isForgotten = first && second && second.at - first.at >= KEY_LIFE_MS;
    keeps(
      !second || isForgotten === true,
      "idempotency",
      say(`was carried out ${rows.length} times`),
    );
    const [row] = rows;
    if (verb === "delete") this.#mustBeDeleted(asked, row);
    if (row) return this.#mustMatch(asked, row);
    keeps(/put|update|rollback/.test(verb), "I2", say("no row says so"));
    if (asked.isRepeat || verb !== "put") return;
    const isThere = this.#definitionsSince(asked).includes(
      JSON.stringify(argsOf(asked.request.definition)),
    );
    keeps(isThere, "I2", say("it was never the definition meanwhile"));
  }

  /** What was the definition's tag at any time since somebody asked. */
  #definitionsSince({ request, since }: Asked): string[] {
    const rows = this.#world.ledger.rows.filter(
      ({ stream, type }) => stream === `service/${request.service}` && DEFINES.test(type),
    );
    const first = rows.findLastIndex(({ seq }) => seq <= since);
    return rows
      .slice(Math.max(0, first))
      .map(({ data }) => JSON.stringify(argsOf(data["definition"])));
  }

  #mustBeDeleted(asked: Asked, wish: EventRow | undefined): void {
    const { rows } = this.#world.ledger;
    const end = rows.findLast(
      ({ stream, toState }) => stream === wish?.stream && toState === "deleted",
    );
    const isGone = wish !== undefined && (end?.seq ?? 0) >= wish.seq;
    keeps(isGone, "I4", () => `${inWords(asked)} was acknowledged, and the service is there`);
  }

  /** `If-Match`: the version before was the one that was insisted on. */
  #mustMatch(asked: Asked, row: EventRow): void {
    if (asked.ifMatch === undefined || asked.isRepeat) return;
    const version = this.#world.ledger.rows
      .slice(0, row.seq - 1)
      .findLast(({ stream, type }) => stream === row.stream && DEFINES.test(type));
    const before = Number(version?.data["version"]);
    const kept = asked.ifMatch === "*" ? version !== undefined : before === asked.ifMatch;
    keeps(
      kept && row.type !== "service.created",
      "If-Match",
      () => `${inWords(asked)} changed version ${before}`,
    );
  }

  #refused(asked: Asked, error: unknown): void {
    asked.state = "refused";
    const code = error instanceof AppError ? error.code : "not an AppError";
    asked.answer = code;
    this.#world.count(`${asked.request.verb} refused: ${code}`);
    const say = (what: string) => () => `${inWords(asked)} ${what}: ${String(error)}`;
    keeps(EXPECTED.has(code), "answers", say("was answered"));
    if (UNSURE.has(code)) return;
    const now = this.#world.ledger.rows.at(-1)?.at ?? 0;
    const rows = this.#rowsOf(asked).filter(({ at }) => now - at < KEY_LIFE_MS);
    keeps(rows.length === 0, "answers", say("was carried out, and refused"));
  }

  /** I4: once a stop is acknowledged, nothing of what was there before it lives. */
  #mustBeGone(asked: Asked): void {
    const [wish] = this.#rowsOf(asked);
    const { kernel, ledger } = this.#world;
    for (const one of kernel.ofService(asked.request.service)) {
      const begun = ledger.rows.findLast(
        ({ type, incarnation }) =>
          type === "process.spawn_requested" && incarnation === one.incarnation,
      );
      const isNewer = (begun?.seq ?? 0) > (wish?.seq ?? Infinity);
      keeps(
        isNewer,
        "I4",
        () => `${inWords(asked)} said stopped, and ${one.role} ${one.pid} lives`,
      );
    }
  }
}

const inWords = ({ id, request }: Asked): string => `${request.verb} ${request.service} (${id})`;

const argsOf = (definition: unknown): unknown =>
  (definition as { args?: unknown } | undefined)?.args ?? [];

const asBroken = (error: unknown): Broken =>
  error instanceof Broken ? error : new Broken("answers", String(error));

type Lines = AsyncIterable<StreamLine>;
type Order = (commands: ServiceCommands, request: Request, caller: Caller) => Promise<Lines>;

const ORDERS: Readonly<Record<Request["verb"], Order>> = {
  put: (commands, { service, definition, durationMs }, caller) =>
    commands.put(service, definition ?? { cmd: service }, durationMs, caller),
  update: (commands, { service, change, durationMs }, caller) =>
    commands.update(service, change ?? {}, durationMs, caller),
  rollback: (commands, { service, version, durationMs }, caller) =>
    commands.rollback(service, version, durationMs, caller),
  start: (commands, { service, durationMs }, caller) => commands.start(service, durationMs, caller),
  restart: (commands, { service, durationMs, timeoutMs }, caller) =>
    commands.restart(service, durationMs, timeoutMs, caller),
  stop: (commands, { service, timeoutMs, withDependents }, caller) =>
    commands.stop(
      service,
      { withDependents, ...(timeoutMs !== undefined && { timeoutMs }) },
      caller,
    ),
  delete: async (commands, { service }, caller) => {
    await commands.remove(service, caller);
    return nothing();
  },
  signal: async (commands, { service, signal = "HUP" }, caller) => {
    await commands.signal(service, signal, caller);
    return nothing();
  },
  list: async (commands, _, caller) => {
    commands.list(caller);
    return nothing();
  },
};

async function* nothing(): AsyncGenerator<StreamLine> {}
