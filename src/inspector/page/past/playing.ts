import { effect, signal } from "@preact/signals";
import { get, OURS, Refused } from "../data/http.ts";
import { lastSeq } from "../data/feed.ts";
import { shownPast } from "../data/services.ts";
import { at, lookAt } from "../data/time.ts";
import type { EventWire, Moment } from "../data/wire.ts";
import { toast } from "../parts/toast.tsx";
import { place } from "../router.ts";

export const SPEEDS = [1, 2, 5, 10, 25, 50, 100] as const;

export const playing = signal(false);
export const speed = signal<(typeof SPEEDS)[number]>(10);

/** So often a new moment is shown while the past is played. */
const STEP_MS = 100;
/** A pause in which nothing happened is not sat through: this much of it is shown, in milliseconds as they are watched. */
const PAUSE_MOST_MS = 1_000;

export type Jump = "restart" | "crash" | "boot" | "command" | "change";

/** The service whose events count while one is looked at. */
const serviceHere = (): string | undefined =>
  place.value.path[0] === "service" ? place.value.path[1] : undefined;

/** To the next or the previous event of a kind; `to` undefined: to the neighbour. */
export async function jump(direction: "next" | "previous", to: Jump | undefined): Promise<void> {
  playing.value = false;
  const from = at.value ?? lastSeq.value + 1;
  if (to === undefined) {
    const neighbour = from + (direction === "next" ? 1 : -1);
    lookAt(neighbour > lastSeq.value ? undefined : Math.max(1, neighbour), true);
    return;
  }
  try {
    const query = { from, direction, to, service: serviceHere() };
    const { event } = await get<{ event: EventWire | null }>("/v1/past/jump", query);
    if (event) lookAt(event.seq, true);
    else
      toast(
        `There is no ${direction === "next" ? "later" : "earlier"} ${to}${query.service ? ` of ${query.service}` : ""}.`,
      );
  } catch (error) {
    toast(error instanceof Refused ? error.message : String(error), true);
  }
}

/** Goes on by itself while it plays: the log's own time passes, `speed` times as fast. */
export function followPlaying(): () => void {
  return effect(() => {
    if (!playing.value) return undefined;
    const player = new Player();
    const timer = setInterval(() => void player.step(), STEP_MS);
    return () => clearInterval(timer);
  });
}

class Player {
  #events: Moment[] = [];
  #isAsking = false;
  #clock: number | undefined;
  #stood = 0;

  async step(): Promise<void> {
    const seq = at.peek();
    if (seq === undefined) return void (playing.value = false);
    const shown = shownPast.peek();
    if (shown?.place.seq !== seq) return; // the last step is not painted yet
    this.#clock = (this.#clock ?? shown.place.at) + STEP_MS * speed.peek();
    await this.#fill(seq);
    const next = this.#events.findLast(
      (event) => event.seq > seq && event.at <= (this.#clock ?? 0),
    );
    if (next) {
      this.#stood = 0;
      lookAt(next.seq, true);
      return;
    }
    this.#stood += STEP_MS;
    const coming = this.#events.find((event) => event.seq > seq);
    if (!coming) {
      if (seq >= lastSeq.peek()) {
        playing.value = false;
        lookAt(undefined, true);
      }
      return;
    }
    if (this.#stood >= PAUSE_MOST_MS) this.#clock = coming.at;
  }

  /** Keeps what comes next at hand. */
  async #fill(seq: number): Promise<void> {
    if (this.#isAsking || (this.#events.at(-1)?.seq ?? 0) > seq + PAGE / 2) return;
    this.#isAsking = true;
    try {
      const reply = await fetch(`/v1/events?from=${seq + 1}&limit=${PAGE}`, {
        credentials: "same-origin",
        headers: OURS,
      });
      const lines = (await reply.text()).split("\n").filter(Boolean);
      this.#events = lines.map((line) => JSON.parse(line) as Moment);
    } finally {
      this.#isAsking = false;
    }
  }
}

/** Events read ahead. */
const PAGE = 1_000;
