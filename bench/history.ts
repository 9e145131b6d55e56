import Database from "better-sqlite3";
import { randomIds } from "../src/base/ids.ts";
import { databaseFile } from "../src/journal/database.ts";
import type { Group, NewRow } from "../src/journal/journal.ts";
import type { Draft, JsonObject } from "../src/journal/record.ts";
import { openWriter } from "../src/journal/writer.ts";
import { projectionHook, refold } from "../src/projections/engine.ts";
import { projections } from "../src/projections/index.ts";
import { ENVIRONMENT } from "../src/runtime/group.ts";
import { Fold } from "../src/runtime/replay.ts";

/*
 * A log as long as asked for, as a supervisor of flapping services would have written it: every row is what its machine makes of the rows before, snapshots
 * and read models are in their place. Half a minute for a million rows.
 */

interface Step {
  type: string;
  to: string;
  data?: (service: Flapping) => JsonObject;
}

/** A life that ends in a crash, and the way to the next one. */
const LIFE: readonly Step[] = [
  {
    type: "process.spawn_requested",
    to: "starting",
    data: () => ({ machineBoot: "bench/1" }),
  },
  {
    type: "process.spawned",
    to: "running",
    data: ({ place }) => ({ pid: 1_000 + place, startTime: "123456789", wall: 1, logFrom: 0 }),
  },
  {
    type: "timer.fired",
    to: "running",
    data: ({ armed }) => ({ timer: "healthy", armed }),
  },
  {
    type: "process.exited",
    to: "crashed",
    data: () => ({ status: { code: 1 }, jitter: 0.5 }),
  },
  // A minute after: its delay is over.
  { type: "incarnation.emptied", to: "pending", data: () => ({ jitter: 0.5 }) },
];

/** One service, row by row. */
class Flapping {
  readonly place: number;
  readonly stream: string;
  version = 0;
  armed = "";
  #from: string | null = null;
  #step = 0;
  #hasFailed = false;
  #incarnation = "";

  constructor(place: number) {
    this.place = place;
    this.stream = `service/s${place}`;
  }

  next(at: number): Draft {
    if (this.version === 0)
      return this.#draft("service.created", "pending", at, {
        definition: { cmd: "sleep", args: ["1d"], needs: [] },
        version: 1,
      });
    const step = this.#nextStep();
    if (step.type === "process.spawn_requested") this.#incarnation = randomIds.incarnation();
    return this.#draft(step.type, step.to, at, step.data?.(this) ?? {});
  }

  /** Only who has failed before is found healthy. */
  #nextStep(): Step {
    const step = LIFE[this.#step % LIFE.length] as Step; // it has some
    this.#step += 1;
    if (step.type === "process.exited") this.#hasFailed = true;
    return step.to === "running" && step.type === "timer.fired" && !this.#hasFailed
      ? this.#nextStep()
      : step;
  }

  #draft(type: string, toState: string, at: number, data: JsonObject): Draft {
    const id = randomIds.event();
    this.version += 1;
    if (type === "process.spawned" || type === "process.exited") this.armed = id;
    const fromState = this.#from;
    this.#from = toState;
    const isOfLife = /^(process|incarnation)\./.test(type);
    const place = { id, stream: this.stream, version: this.version, bootId: "bt_bench" };
    const event = { type, schema: 1, data, at, wall: at, fromState, toState };
    const incarnation = isOfLife ? this.#incarnation : null;
    return { ...place, ...event, incarnation, cause: null, correlation: id, actor: "runtime" };
  }
}

const BATCH = 2_000;
/** A row of all services together each so many milliseconds: each of a hundred takes a step every minute. */
const EVERY_MS = 600;

function* birthOfSprite(at: number): Generator<Draft> {
  const common = { stream: ENVIRONMENT, schema: 1, at, wall: at, bootId: "bt_bench", cause: null };
  const rest = { ...common, incarnation: null, actor: "runtime" };
  const booted = {
    machineBoot: "bench/1",
    pid: 1,
    release: "0.0.0",
    logDir: "/tmp",
    found: { open: 0, proven: 0, unproven: 0 },
  };
  const facts: [string, JsonObject, string | null, string][] = [
    ["environment.created", { name: "sprite" }, null, "down"],
    ["environment.booted", booted, "down", "booting"],
    ["environment.ready_reached", {}, "booting", "ready"],
  ];
  for (const [place, [type, data, fromState, toState]] of facts.entries()) {
    const id = randomIds.event();
    yield { ...rest, id, correlation: id, version: place + 1, type, data, fromState, toState };
  }
}

/** @param count of all rows */
function* drafts(count: number, services: number): Generator<Draft> {
  let at = Date.now() - count * EVERY_MS;
  yield* birthOfSprite(at);
  const flapping = Array.from({ length: services }, (_, place) => new Flapping(place));
  for (let row = 3; row < count; row += 1)
    yield (flapping[row % services] as Flapping).next((at += EVERY_MS));
}

/**
 * Writes such a log into a state directory.
 *
 * @throws Error where a row is not what its machine makes of the rows before
 */
export async function writeHistory(
  stateDirectory: string,
  count: number,
  services = 100,
): Promise<void> {
  const writer = openWriter({
    stateDirectory,
    hook: (db) => {
      refold(db, projections, () => []);
      db.pragma("synchronous = OFF"); // only here: nobody waits for this log
      return projectionHook(db, projections);
    },
  });
  const fold = new Fold();
  const write = async (rows: NewRow[]): Promise<void> => {
    const result = await writer.append([{ rows } satisfies Group]);
    if (result.outcome !== "committed") throw new Error(result.message);
  };
  let batch: NewRow[] = [];
  for (const draft of drafts(count, services)) {
    fold.add({ ...draft, seq: 0, prevHash: "", hash: "" });
    const view = fold.streams.get(draft.stream)?.snapshot.context as JsonObject;
    batch.push({ draft, view });
    if (batch.length < BATCH) continue;
    await write(batch);
    batch = [];
  }
  await write(batch);
  await writer.close();
  const [mismatch] = fold.mismatches.values();
  if (mismatch) throw new Error(JSON.stringify(mismatch));
}

/** The least that reading a log's rows can cost: all columns of all rows, nothing made of them. Milliseconds. */
export function readingOf(stateDirectory: string): number {
  const db = new Database(databaseFile(stateDirectory), { readonly: true });
  const began = performance.now();
  let bytes = 0;
  for (const row of db.prepare<[], { data: string }>("SELECT * FROM events ORDER BY seq").iterate())
    bytes += row.data.length;
  db.close();
  if (bytes === 0) throw new Error("an empty log");
  return performance.now() - began;
}
