import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { machines, type StreamKind } from "../../machines/index.ts";
import { AppError, messageOf } from "../base/errors.ts";
import { compareGraphs, edgeInWords } from "../diagram/compare.ts";
import { graphOf } from "../diagram/graph.ts";
import { reachIn } from "../diagram/reach.ts";
import { MachineProblem, MachineProcess } from "./machine-process.ts";
import type {
  Differing,
  Replayed,
  MachineReport as Report,
} from "../inspector/page/machine/workbench-wire.ts";
import type { Loaded } from "./protocol.ts";

export interface WorkbenchRequest {
  file: string;
  export?: string | undefined;
  kind?: string | undefined;
  /** State directory whose log is replayed; absent: none is. */
  stateDirectory?: string | undefined;
}

const NOTHING = { graph: null, reach: null, compared: null, replay: null } as const;

/**
 * Loads a machine file, compares it with ours and sends the log through it.
 *
 * @param tell called with what is known so far, whenever there is more
 * @returns the report, and the process that holds the machine
 */
export async function reportOn(
  request: WorkbenchRequest,
  tell: (report: Report) => void = () => {},
): Promise<{ report: Report; process: MachineProcess }> {
  const { file, stateDirectory } = request;
  const process = new MachineProcess(file);
  const base = {
    file,
    export: request.export ?? "",
    exports: [],
    kind: null,
    loaded_at: Date.now(),
    error: null,
    ...NOTHING,
  };
  try {
    mustBeFile(file);
    const loaded = await process.ask<Loaded>({
      op: "load",
      file,
      export: request.export,
      kind: request.kind,
    });
    const report: Report = {
      ...base,
      ...loaded,
      reach: reachIn(loaded.graph),
      compared: comparedWithOurs(loaded),
    };
    if (stateDirectory === undefined || loaded.kind === null) return { report, process };
    const log = stateDirectory;
    tell({ ...report, replay: { ...NONE, log, progress: { done: 0, of: 1 } } });
    const replayed = await process.ask<Replayed>({ op: "replay", stateDirectory }, (done, of) =>
      tell({ ...report, replay: { ...NONE, log, progress: { done, of } } }),
    );
    return {
      report: { ...report, replay: { ...replayed, log, first: withEdge(replayed.first, report) } },
      process,
    };
  } catch (error) {
    const detail = error instanceof MachineProblem ? error.detail : undefined;
    return {
      report: {
        ...base,
        error: { message: messageOf(error), ...(detail !== undefined && { detail }) },
      },
      process,
    };
  }
}

const NONE = {
  rows: 0,
  streams: 0,
  took_ms: 0,
  differing_rows: 0,
  differing_streams: 0,
  first: null,
  by_stream: [],
} as const;

/** @throws AppError `not_found`, `invalid_request` */
export function mustBeFile(file: string): void {
  if (!existsSync(file)) throw new AppError("not_found", `there is no ${file}`);
  if (!statSync(file).isFile()) throw new AppError("invalid_request", `${file} is no file`);
}

function comparedWithOurs({ kind, graph }: Loaded): Report["compared"] {
  if (kind === null) return null;
  const { machine, version } = machines[kind as StreamKind];
  return { against: kind, version, ...compareGraphs(graphOf(machine, version), graph) };
}

/** The edge of ours that led the row, where it is gone. */
function withEdge(
  first: Differing | null,
  { compared }: Report,
): (Differing & { edge?: string }) | null {
  const edge = compared?.edges_removed.find(
    ({ from, to, event }) =>
      from === first?.recorded.from && to === first.recorded.to && event === first.type,
  );
  return first && { ...first, ...(edge && { edge: edgeInWords(edge) }) };
}

/**
 * The state directory that somebody means with a directory, or with a copied database of any name: that is led to by a link in a folder of its own, which is removed when
 * this process ends.
 *
 * @throws AppError `not_found`
 */
export function stateDirectoryOf(log: string): string {
  const path = resolve(log);
  if (!existsSync(path)) throw new AppError("not_found", `there is no ${path}`);
  if (statSync(path).isDirectory()) return path;
  if (basename(path) === "events.db") return dirname(path);
  const folder = mkdtempSync(join(tmpdir(), "sprite-env-log-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(path, join(folder, "events.db")); // SQLite follows it, and finds the log that was written ahead beside the copy
  return folder;
}
