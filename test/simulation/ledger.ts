import type { EventReader } from "../../src/journal/event-reader.ts";
import { type EventRow, idOf, kindOf } from "../../src/journal/record.ts";
import { Fold } from "../../src/runtime/replay.ts";
import { keeps } from "./broken.ts";
import { type Plain, read } from "./plain.ts";
import { mustBeAllowed } from "./rules.ts";

/** Where a log ends. */
export interface End {
  seq: number;
  hash: string;
}

/** Takes one more row; a stream that retention forgot begins anew. */
export function foldInto(fold: Fold, row: EventRow): void {
  if (row.fromState === null && row.version === 1) fold.versions.delete(row.stream);
  fold.add(row);
}

/** Everything that is in the log, read row by row as it comes, with what a plain reader makes of it. */
export class Ledger {
  rows: EventRow[] = [];
  services = new Map<string, Plain>();
  environment = "down";
  fold = new Fold();
  /** Retention removed the rows up to here. */
  cut = 0;
  /** Streams with new rows since somebody last looked. */
  readonly touched = new Set<string>();
  #last = new Map<string, EventRow>();
  #byId = new Map<string, EventRow>();
  #byActor = new Map<string, EventRow[]>();
  #incarnations = new Set<string>();
  /** Up to here the log was promised to somebody. */
  #promised: End = { seq: 0, hash: "" };

  get end(): End {
    const { seq, hash } = this.rows.at(-1) ?? { seq: 0, hash: "" };
    return { seq, hash };
  }

  /** One more row. @throws Broken where it must not be there */
  add(row: EventRow): void {
    const lastOfStream = this.#last.get(row.stream);
    const isService = kindOf(row.stream) === "service";
    const service = isService ? this.services.get(idOf(row.stream)) : undefined;
    const { services, environment } = this;
    const known = { last: this.rows.at(-1), lastOfStream, services, environment, cut: this.cut };
    mustBeAllowed(row, { ...known, byId: this.#byId, incarnations: this.#incarnations }, service);
    this.#keep(row);
    if (isService) this.#read(service, row);
    else this.environment = row.toState;
    this.#refold(row);
  }

  #keep(row: EventRow): void {
    this.rows.push(row);
    this.#last.set(row.stream, row);
    this.#byId.set(row.id, row);
    const ofActor = this.#byActor.get(row.actor) ?? [];
    this.#byActor.set(row.actor, ofActor);
    ofActor.push(row);
    if (row.type === "process.spawn_requested") this.#incarnations.add(row.incarnation ?? "");
    this.touched.add(row.stream);
  }

  #read(before: Plain | undefined, row: EventRow): void {
    const name = idOf(row.stream);
    const after = read(before, name, row);
    if (after) this.services.set(name, after);
    else this.services.delete(name);
  }

  /** I13: the machine of the row's version has an edge for it; I3: and says of the service what the plain reader says. */
  #refold(row: EventRow): void {
    foldInto(this.fold, row);
    const mismatch = this.fold.mismatches.get(row.stream);
    keeps(!mismatch, "I13", () => `row ${row.seq} is no edge: ${mismatch?.reason}`);
    if (row.type === "stream.quarantined")
      keeps(false, "I13", () => `row ${row.seq}: ${JSON.stringify(row.data)}`);
    const plain = this.services.get(idOf(row.stream));
    if (!plain || kindOf(row.stream) !== "service") return;
    const context = this.fold.streams.get(row.stream)?.snapshot.context as Partial<Plain> & {
      restartCount: number;
    };
    const said = [context.desired, context.deleting, context.version, context.restartCount];
    const wanted = [plain.desired, plain.deleting, plain.version, plain.restarts];
    keeps(
      JSON.stringify([said, context.open?.id]) === JSON.stringify([wanted, plain.open?.id]),
      "I6",
      () =>
        `after row ${row.seq} (${row.type}) ${plain.name} is ${said.join(", ")} with ${context.open?.id}, and its rows say ${wanted.join(", ")} with ${plain.open?.id}`,
    );
  }

  /** Rows of one who asked. */
  of(actor: string): readonly EventRow[] {
    return this.#byActor.get(actor) ?? [];
  }

  /** Whether the log has the row that asks for a life of a process. */
  asksFor(incarnation: string): boolean {
    return this.#incarnations.has(incarnation);
  }

  lastOf(stream: string): EventRow | undefined {
    return this.#last.get(stream);
  }

  promise(end: End): void {
    this.#promised = end;
  }

  get promised(): End {
    return this.#promised;
  }

  /**
   * A daemon begins with the log as it finds it: from here on that is what there is.
   *
   * @throws Broken where something of what was promised is gone (I2)
   */
  reopened(log: Pick<EventReader, "all" | "anchor" | "bySeq" | "head">): void {
    const { seq, hash } = this.#promised;
    const hashAt = (at: number) =>
      log.bySeq(at)?.hash ?? (log.anchor()?.seq === at ? log.anchor()?.hash : undefined);
    const isThere = seq === 0 || hashAt(seq) === hash;
    keeps(isThere, "I2", () => `row ${seq} was acknowledged and is gone`);
    this.cut = log.anchor()?.seq ?? 0;
    const last = this.rows.findLast((row) => hashAt(row.seq) === row.hash);
    if (last?.seq !== this.rows.at(-1)?.seq) this.#goBack(last?.seq ?? 0);
    for (const row of log.all(this.end.seq + 1)) this.add(row);
    const head = log.head();
    this.#promised = { seq: head.seq, hash: head.hash };
  }

  /** What was never promised is gone. */
  #goBack(seq: number): void {
    const kept = this.rows.slice(0, seq);
    this.rows = [];
    this.services = new Map();
    this.environment = "down";
    this.fold = new Fold();
    this.#last = new Map();
    this.#byId = new Map();
    this.#byActor = new Map();
    this.#incarnations = new Set();
    for (const row of kept) this.add(row);
  }
}
