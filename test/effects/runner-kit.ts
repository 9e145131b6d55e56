import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EnvValue, type ResolvedDefinition, resolved } from "../../machines/definition.ts";
import { createLogger, type Logger } from "../../src/base/logger.ts";
import { type Nofile, UNTOUCHED } from "../../src/effects/nofile.ts";
import { fromDaemon } from "../../src/effects/environment.ts";
import { createProbes } from "../../src/effects/probes.ts";
import { createProcessRunner } from "../../src/effects/process.ts";
import { createSigns } from "../../src/effects/signs.ts";
import { createSurroundings, type SurroundingsDeps } from "../../src/effects/surroundings.ts";
import { type Ids, ownIds } from "../../src/effects/user.ts";
import type { Awaited, ServiceLogs } from "../../src/logs/ports.ts";
import { createChildren } from "../../src/pid1/children.ts";
import { setChildSubreaper } from "../../src/posix/calls.ts";
import { mkfifo, openFifoToRead } from "../../src/posix/fifo.ts";
import { isAlive, readStat } from "../../src/posix/proc.ts";
import type { ProbeRunner, ProcessRunner, RunnerReport } from "../../src/runtime/ports.ts";

/** Path of one of the tiny programs in test/fixtures. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** Waits until `seen` gives something, 10 seconds at most. */
export async function until<Value>(
  what: string,
  seen: () => Value | undefined | false,
  ms = 10_000,
): Promise<Value> {
  const deadline = performance.now() + ms;
  for (;;) {
    const value = seen();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await pause(5);
  }
}

/** Whether a pid is that of something that runs. */
export function runs(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && isAlive(stat);
}

export interface FakeLogs extends ServiceLogs {
  /** What an incarnation has written so far, both streams as they came. */
  text(incarnation: string): string;
  notes: string[];
  reopened: string[];
}

/** Real FIFOs, read into memory. */
export function fakeLogs(runDir: string): FakeLogs {
  const open = new Map<
    string,
    { text: string; sockets: Socket[]; awaited?: Awaited | undefined }
  >();
  const notes: string[] = [];
  const reopened: string[] = [];
  const read = (incarnation: string, awaited?: Awaited) => {
    const entry = { text: "", sockets: [] as Socket[], awaited };
    open.set(incarnation, entry);
    for (const name of ["out", "err"]) {
      const fd = openFifoToRead(join(runDir, incarnation, name));
      const socket = new Socket({ fd, readable: true, writable: false });
      socket.on("data", (chunk: Buffer) => {
        entry.text += chunk.toString();
        if (!entry.awaited || !entry.text.includes(entry.awaited.text)) return;
        entry.awaited.seen();
        entry.awaited = undefined;
      });
      socket.on("error", () => {});
      entry.sockets.push(socket);
    }
  };
  return {
    text: (incarnation) => open.get(incarnation)?.text ?? "",
    notes,
    reopened,
    open: async (_, incarnation, awaited) => {
      const dir = join(runDir, incarnation);
      if (!open.has(incarnation)) {
        mkdirSync(dir, { recursive: true });
        for (const name of ["out", "err"]) mkfifo(join(dir, name), 0o622);
        read(incarnation, awaited);
      }
      return { stdout: join(dir, "out"), stderr: join(dir, "err"), offset: 17 };
    },
    reopen: async (_, incarnation) => {
      reopened.push(incarnation);
      read(incarnation);
    },
    finish: async (incarnation, drainMs) => {
      const entry = open.get(incarnation);
      const ends = (entry?.sockets ?? [])
        .filter((socket) => !socket.closed)
        .map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      await Promise.race([Promise.all(ends), pause(drainMs)]);
      for (const socket of entry?.sockets ?? []) socket.destroy();
      rmSync(join(runDir, incarnation), { recursive: true, force: true });
      const lines = (entry?.text ?? "").split("\n").length - 1;
      return { offset: 17 + (entry?.text.length ?? 0), lines, droppedBytes: 0 };
    },
    note: async (_, text) => void notes.push(text),
    follow: () => () => {},
    fileOf: (service) => join(runDir, `${service}.log`),
    close: async () => {},
  };
}

export interface Kit {
  runner: ProcessRunner;
  /** Whoever waits for a service to be ready; reports beside the runner. */
  probes: ProbeRunner;
  logs: FakeLogs;
  dir: string;
  /** Each report as it came: facts that were told together. */
  reports: RunnerReport[][];
  /** All facts of an incarnation so far, or those of one type. */
  facts(incarnation: string): RunnerReport[];
  /** Waits for a fact of an incarnation. */
  fact<Type extends RunnerReport["type"]>(
    incarnation: string,
    type: Type,
    ms?: number,
  ): Promise<Extract<RunnerReport, { type: Type }>>;
  /** Spawns, under a fresh incarnation id. */
  spawn(definition: Partial<ResolvedDefinition> & { cmd: string }): string;
  stop(
    incarnation: string,
    timeoutMs?: number,
    signal?: string,
    definition?: Partial<ResolvedDefinition> & { cmd: string },
  ): void;
  /** Waits for a line of output. */
  line(incarnation: string, pattern: RegExp): Promise<RegExpExecArray>;
  close(): Promise<void>;
}

export interface KitOptions {
  baseEnv?: Record<string, string>;
  openEnv?: (references: Readonly<Record<string, EnvValue>>) => Record<string, string>;
  runDir?: string;
  nofile?: Nofile;
  own?: Ids;
  config?: Partial<SurroundingsDeps["config"]>;
  logger?: Logger;
}

let count = 0;

/** A runner over the real system, with logs in memory. */
export function createKit(options: KitOptions = {}): Kit {
  setChildSubreaper();
  const dir = options.runDir ?? mkdtempSync(join(tmpdir(), "sprite-env-runner-"));
  const logs = fakeLogs(dir);
  const children = createChildren();
  const reports: RunnerReport[][] = [];
  const report = (_: string, facts: readonly RunnerReport[]) => void reports.push([...facts]);
  const logger = options.logger ?? createLogger({ level: "error", json: true });
  const signs = createSigns({ runDir: dir, logger });
  const nofile = options.nofile ?? UNTOUCHED;
  const surroundings = createSurroundings({
    openEnv: options.openEnv ?? ((references) => fromDaemon(references, process.env)),
    baseEnv: options.baseEnv ?? process.env,
    own: options.own ?? ownIds(),
    config: { defaultDir: dir, isDefaultDirChosen: true, ...options.config },
  });
  const begun = new Map<string, ResolvedDefinition>();
  const probes = createProbes({
    ...{ report, children, signs, nofile },
    surroundings: ({ incarnation }) =>
      surroundings.of(incarnation, begun.get(incarnation) ?? resolved({ cmd: "" })),
  });
  const runner = createProcessRunner({
    report,
    logs,
    children,
    signs,
    surroundings,
    wall: () => Date.now(),
    logger,
    config: { nofile },
  });
  const facts = (incarnation: string) =>
    reports.flat().filter((fact) => fact.incarnation === incarnation);
  const kit: Kit = {
    runner,
    probes,
    logs,
    dir,
    reports,
    facts,
    fact: (incarnation, type, ms) =>
      until(
        `${type} of ${incarnation}`,
        () => facts(incarnation).find((fact) => fact.type === type) as never,
        ms,
      ),
    spawn: (definition) => {
      const incarnation = `in_${process.pid}_${(count += 1)}_${Date.now()}`;
      begun.set(incarnation, resolved(definition));
      runner.spawn({ stream: "service/web", incarnation, definition: resolved(definition) });
      return incarnation;
    },
    stop: (incarnation, timeoutMs = 5_000, signal = "TERM", definition) =>
      runner.stop({
        ...{ stream: "service/web", incarnation, signal, timeoutMs },
        ...(definition && { definition: resolved(definition) }),
      }),
    line: (incarnation, pattern) =>
      until(`${pattern}`, () => pattern.exec(logs.text(incarnation)) ?? undefined),
    close: async () => {
      const isOver = (incarnation: string) =>
        facts(incarnation).some(({ type }) =>
          ["incarnation.emptied", "process.spawn_failed"].includes(type),
        );
      for (const incarnation of begun.keys()) if (!isOver(incarnation)) kit.stop(incarnation, 0);
      await until("the end of all", () => [...begun.keys()].every(isOver));
      children.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return kit;
}
