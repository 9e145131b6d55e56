import type { OnAppend } from "../../src/journal/append.ts";
import type { AppendResult, Group, Journal } from "../../src/journal/journal.ts";
import { eventReader } from "../../src/journal/read.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import type { Waiting } from "../../src/journal/waiting.ts";
import type { RetentionRequest, RetentionStep } from "../../src/journal/retention.ts";
import { openWriter, type Writer } from "../../src/journal/writer.ts";
import { projections } from "../../src/projections/index.ts";
import { keepProjections, type ProjectionKeeper } from "../../src/projections/keeper.ts";
import { knowsShape } from "../../src/runtime/known-shapes.ts";
import { logSource } from "../../src/runtime/log-source.ts";
import { retentionPorts } from "../../src/runtime/retained.ts";
import type { Chance } from "./chance.ts";
import type { Disk, Fate } from "./disk.ts";
import type { Plans, Scheduler } from "./scheduler.ts";

export interface StorePorts {
  disk: Disk;
  chance: Chance;
  scheduler: Scheduler;
  plans: Plans;
  count: (what: string) => void;
  /** All up to this row is gone. */
  cut: (seq: number) => void;
  /** Rows are in the file; whoever sent them does not know yet. */
  written: () => void;
  /** Rows are in the file, and whoever sent them knows: they must be there for ever. */
  delivered: (head: { seq: number; hash: string }) => void;
}

/** A call on its way to the store and back. */
interface Call {
  /** By which its luck is drawn. */
  name: string;
  /** Does it; its answer is given by calling what it resolves to. */
  perform: () => Promise<() => void>;
}

/**
 * The real writer in the place of its thread: calls wait for one another and for the disk, and their answers take their time, so that the world goes on meanwhile.
 * Between a call, its commit and its answer a daemon can die.
 */
export class SimulatedStore implements Journal {
  readonly writer: Writer;
  /** A commit failed, and whether it is stored is not known yet: who reads the file may see it. */
  isInDoubt = false;
  readonly #ports: StorePorts;
  readonly #calls: Call[] = [];
  #isBusy = false;
  #isPerformed = false;
  #isDead = false;
  #keeper: ProjectionKeeper | undefined;

  constructor(ports: StorePorts) {
    this.#ports = ports;
    this.writer = openWriter({
      stateDirectory: ports.disk.directory,
      hook: (db) => this.#hook(db),
      knows: knowsShape,
      retention: retentionPorts,
      waiting: waitingOf(ports),
    });
  }

  /** Whether anything is on its way. */
  get isIdle(): boolean {
    return this.#calls.length === 0;
  }

  append(groups: readonly Group[]): Promise<AppendResult> {
    const { draft } = groups[0]?.rows[0] ?? {};
    return this.#call(`${draft?.stream}@${draft?.version}`, async () => {
      const result = await this.writer.append(groups);
      this.#ports.count(`commit ${result.outcome}`);
      this.isInDoubt = result.outcome === "failed";
      if (result.outcome === "committed" && !this.#isDead) this.#ports.written();
      return () => {
        const rows = groups.reduce((sum, group) => sum + group.rows.length, 0);
        if (result.outcome === "committed" && rows > 0)
          this.#ports.delivered({ seq: result.firstSeq + rows - 1, hash: result.head });
        return result;
      };
    });
  }

  retain(request: RetentionRequest): Promise<RetentionStep> {
    return this.#call("retain", async () => {
      const step = await this.writer.retain(request);
      if (step.cut !== undefined && !this.#isDead) this.#ports.cut(step.cut);
      return () => step;
    });
  }

  settleKey(key: string, actor: string, status: number, reply: string): Promise<void> {
    return this.#call(key, async () => {
      await this.writer.settleKey(key, actor, status, reply);
      return () => {};
    });
  }

  /** In the end, when nothing is on its way. */
  close(): Promise<void> {
    return this.#call("close", async () => {
      await this.writer.close();
      return () => {};
    });
  }

  /** The daemon dies. @returns the files before a commit that was cut off in its middle */
  die(fate: Fate): string | undefined {
    this.#isDead = true;
    const [call] = this.#calls.splice(0);
    if (!call || this.#isPerformed || fate === "none") return undefined;
    this.#ports.count(`cut off in a commit: ${fate}`);
    const before = fate === "torn" ? this.#ports.disk.remember() : undefined;
    void call.perform().catch(() => {}); // SQLite does it at once; nobody hears of it
    return before;
  }

  #call<Answer>(name: string, perform: () => Promise<() => Answer>): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#calls.push({
      name,
      perform: () =>
        perform().then(
          (answer) => () => resolve(answer()),
          (error: unknown) => () => reject(error),
        ),
    });
    if (!this.#isBusy) this.#next();
    return promise;
  }

  #next(): void {
    const [call] = this.#calls;
    this.#isBusy = call !== undefined;
    if (!call) return;
    const { plans } = this.#ports;
    plans.after(this.#delay(`write ${call.name}`), () => {
      this.#isPerformed = true;
      void call.perform().then((answer) => {
        plans.after(this.#delay(`answer ${call.name}`), () => {
          this.#isPerformed = false;
          this.#calls.shift();
          answer();
          this.#next();
        });
      });
    });
  }

  #delay(what: string): number {
    const { chance, disk } = this.#ports;
    return chance.whole(what, 0, disk.slowMs);
  }

  #hook(db: Db): OnAppend {
    const { disk, plans, scheduler, count } = this.#ports;
    disk.opened(db);
    this.#keeper?.stop();
    this.#keeper = keepProjections(db, projections, {
      open: logSource(eventReader(db)),
      later: (ms, run) => void plans.after(ms, run),
      now: () => scheduler.now,
      tell: ({ outcome }) => count(`read model ${outcome}`),
    });
    const { onAppend } = this.#keeper;
    return (rows) => {
      onAppend(rows);
      disk.commits(db);
    };
  }
}

/** Upkeep in quiet times costs real time and changes nothing that can be seen: now and then is enough. */
const UPKEEP = 0.02;

function waitingOf({ scheduler, plans, chance }: StorePorts): Waiting {
  let quiet = 0;
  return {
    now: () => scheduler.now,
    pause: (ms) => new Promise((resolve) => void plans.after(ms, resolve)),
    whenQuiet: (ms, callback) => {
      let cancel = (): void => {};
      const refresh = (): void => {
        cancel();
        quiet += 1;
        if (chance.draw(`upkeep ${quiet}`) < UPKEEP) cancel = plans.after(ms, callback);
      };
      refresh();
      return { refresh, end: () => cancel() };
    },
  };
}
