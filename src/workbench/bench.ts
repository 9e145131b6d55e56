import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { MachineProcess } from "./machine-process.ts";
import type {
  Paper,
  PaperEvent,
  MachineReport as Report,
} from "../inspector/page/machine/workbench-wire.ts";
import { mustBeFile, reportOn, type WorkbenchRequest } from "./report.ts";

/** Editors write a file in several steps: it is loaded when nothing changed for so long, in milliseconds. */
const SETTLED_MS = 200;
/** The log is looked at so often for what came, in milliseconds, while a replay of it takes no longer than the other. */
const LOG_MS = 3_000;
const QUICK_MS = 2_000;

const CODE: ReadonlySet<string> = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"]);

/** A machine file on the bench: loaded again whenever it, or a file beside it, is saved. */
export class Bench {
  readonly #request: WorkbenchRequest;
  readonly #listeners = new Set<() => void>();
  #report: Report;
  #process: MachineProcess;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #logState = "";
  #isLoading = false;
  #isStale = false;

  private constructor(request: WorkbenchRequest, report: Report, process: MachineProcess) {
    this.#request = request;
    this.#report = report;
    this.#process = process;
  }

  /** @throws AppError where there is no such file; what is wrong in it is told by the report */
  static async open(request: WorkbenchRequest): Promise<Bench> {
    mustBeFile(request.file);
    const { report, process } = await reportOn({ ...request, stateDirectory: undefined });
    const bench = new Bench(request, report, process);
    bench.#watch();
    void bench.#load();
    return bench;
  }

  get report(): Report {
    return this.#report;
  }

  /** Told whenever there is another report. @returns the way out */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws AppError what the machine did with the events */
  paper(asked: { input?: unknown; events: readonly PaperEvent[] }): Promise<Paper> {
    return this.#process.ask<Paper>({ op: "paper", input: asked.input, events: asked.events });
  }

  close(): void {
    this.#watcher?.close();
    clearTimeout(this.#settling);
    clearInterval(this.#looking);
    this.#process.close();
  }

  #tell(report: Report): void {
    this.#report = report;
    for (const listener of this.#listeners) listener();
  }

  #watch(): void {
    const { file } = this.#request;
    this.#watcher = watch(dirname(file), (_, name) => {
      if (name !== null && !CODE.has(extname(name)) && name !== basename(file)) return;
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => void this.#load(), SETTLED_MS);
    });
    this.#looking = setInterval(() => {
      if ((this.#report.replay?.took_ms ?? 0) > QUICK_MS || this.#isLoading) return;
      if (this.#logState !== this.#stateOfLog()) void this.#load();
    }, LOG_MS).unref();
  }

  #stateOfLog(): string {
    const { stateDirectory } = this.#request;
    if (stateDirectory === undefined) return "";
    return ["events.db", "events.db-wal"]
      .map((name) => {
        const stats = statSync(join(stateDirectory, name), { throwIfNoEntry: false });
        return `${stats?.size} ${stats?.mtimeMs}`;
      })
      .join();
  }

  async #load(): Promise<void> {
    if (this.#isLoading) {
      this.#isStale = true;
      return;
    }
    this.#isLoading = true;
    do {
      this.#isStale = false;
      this.#logState = this.#stateOfLog();
      const { report, process } = await reportOn(this.#request, (partly) => this.#tell(partly));
      this.#process.close();
      this.#process = process;
      this.#tell(report);
    } while (this.#isStale);
    this.#isLoading = false;
  }
}
