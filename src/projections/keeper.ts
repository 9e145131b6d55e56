import { AppError, messageOf } from "../base/errors.ts";
import type { OnAppend } from "../journal/append.ts";
import type { ProjectionNews, ProjectionOutcome } from "../journal/protocol.ts";
import { codeOf, type Db } from "../journal/sqlite.ts";
import { projectionHook, refold } from "./engine.ts";
import { lastSeq, markStale, whyStale } from "./heads.ts";
import type { Projection } from "./projection.ts";
import { type OpenSource, Rebuild } from "./rebuild.ts";

interface KeeperPorts {
  open: OpenSource;
  /** Calls back later, between appends. */
  later: (ms: number, run: () => void) => void;
  tell: (news: ProjectionNews) => void;
  /** Milliseconds of a clock that never goes back; by default Node's own. */
  now?: () => number;
}

/** Looks after the projections of one write connection. */
export interface ProjectionKeeper {
  onAppend: OnAppend;
  /** Makes one anew beside what is there, whatever is noted of it. False where there is none of that name. */
  rebuild(name: string, reason: string): boolean;
  /** The connection is being closed: no more work. */
  stop(): void;
}

/** Between two pieces of work, in milliseconds: as long as a piece, so that appends have half of the thread at least. */
const PAUSE_MS = 10;
/** The shortest time between two makings of one projection, in milliseconds: a handler that fails at every crash must not take the thread. */
const AGAIN_MS = 5_000;
/** Between two tries where the disk refused. */
const DISK_MS = 60_000;
const DISK = /^SQLITE_(FULL|IOERR|BUSY|NOMEM)/;

/**
 * Keeps projections in step with the log: those that are new, of another version, behind, or stale since their handler failed are made anew on
 * the side, a piece at a time, while rows go on being stored. Until then nobody reads them; see `follows` in heads.ts.
 */
export function keepProjections(
  db: Db,
  projections: readonly Projection[],
  ports: KeeperPorts,
): ProjectionKeeper {
  const keeper = new Keeper(db, ports);
  const end = lastSeq(db);
  if (end === 0) refold(db, projections, () => []);
  for (const projection of projections) {
    const reason = whyStale(db, projection, end);
    if (reason !== undefined) keeper.begin(projection, reason);
  }
  return {
    onAppend: projectionHook(db, projections, (projection, reason) =>
      keeper.begin(projection, reason),
    ),
    rebuild: (name, reason) => {
      const found = projections.find((projection) => projection.name === name);
      if (found) keeper.begin(found, reason, 0);
      return found !== undefined;
    },
    stop: () => keeper.stop(),
  };
}

/** A projection on its way. */
interface Task {
  projection: Projection;
  began: number;
  rebuild?: Rebuild;
}

class Keeper {
  readonly #db: Db;
  readonly #ports: KeeperPorts;
  readonly #now: () => number;
  /** What is to be made later: the newest plan for it counts. */
  readonly #plans = new Map<Projection, symbol>();
  readonly #due = new Set<Projection>();
  /** When each was made last. */
  readonly #made = new Map<Projection, number>();
  #task: Task | undefined;
  #isWorking = false;
  #isStopped = false;

  constructor(db: Db, ports: KeeperPorts) {
    this.#db = db;
    this.#ports = ports;
    this.#now = ports.now ?? (() => performance.now());
  }

  /** Nobody is to read it any more, and it is to be made anew. What was made of it so far is thrown away. */
  begin(projection: Projection, reason: string, ms = this.#pauseBefore(projection)): void {
    markStale(this.#db, projection.name, reason);
    this.#tell(projection, { outcome: "stale", reason });
    if (this.#task?.projection === projection) this.#task = undefined;
    this.#plan(projection, ms);
  }

  stop(): void {
    this.#isStopped = true;
  }

  #pauseBefore(projection: Projection): number {
    const made = this.#made.get(projection);
    return made === undefined ? 0 : Math.max(0, made + AGAIN_MS - this.#now());
  }

  #plan(projection: Projection, ms: number): void {
    const plan = Symbol(projection.name);
    this.#plans.set(projection, plan);
    this.#later(ms, () => {
      if (this.#plans.get(projection) !== plan) return;
      this.#due.add(projection);
      if (!this.#isWorking) this.#work();
    });
  }

  #later(ms: number, run: () => void): void {
    this.#ports.later(ms, () => void (this.#isStopped || run()));
  }

  #work(): void {
    const task = (this.#task ??= this.#next());
    this.#isWorking = task !== undefined;
    if (!task) return;
    if (this.#step(task)) this.#task = undefined;
    this.#later(PAUSE_MS, () => this.#work());
  }

  #next(): Task | undefined {
    const [projection] = this.#due;
    if (!projection) return undefined;
    this.#due.delete(projection);
    return { projection, began: this.#now() };
  }

  /** @returns whether it is over, well or not */
  #step(task: Task): boolean {
    const { projection, began } = task;
    try {
      task.rebuild ??= new Rebuild(this.#db, projection, this.#ports.open, this.#now);
      if (!task.rebuild.step()) return false;
      this.#made.set(projection, this.#now());
      this.#tell(projection, { outcome: "made", tookMs: this.#now() - began });
    } catch (error) {
      this.#failed(task, error);
    }
    return true;
  }

  /** What retention cut off meanwhile, or a disk refused, is tried again. A handler that fails would fail again. */
  #failed({ projection, rebuild }: Task, error: unknown): void {
    const isGone = error instanceof AppError && error.code === "events_gone";
    if (isGone) return this.#plan(projection, 0);
    const reason = `it could not be made: ${messageOf(error)}`;
    this.#tell(projection, { outcome: "failed", reason });
    if (DISK.test(codeOf(error))) return this.#plan(projection, DISK_MS);
    rebuild?.abandon();
    markStale(this.#db, projection.name, reason);
  }

  #tell({ name }: Projection, news: ProjectionOutcome): void {
    this.#ports.tell({ projection: name, ...news });
  }
}
