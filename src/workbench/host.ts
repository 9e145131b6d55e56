import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import type { AnyStateMachine } from "xstate";
import { isStreamKind, machines, type StreamKind } from "../../machines/index.ts";
import { graphOf } from "../diagram/graph.ts";
import { openStore } from "../offline/store.ts";
import { chosen, machinesIn } from "./find-machines.ts";
import { onPaper } from "./paper-steps.ts";
import type { Replayed } from "../inspector/page/machine/workbench-wire.ts";
import type { HostReply, HostRequest, Loaded } from "./protocol.ts";
import { replayThrough } from "./replay-through.ts";

/*
 * The process that holds a machine file. What the file does, it does here: it may throw, print, or never come back, and whoever asked ends this process and says so. One
 * request after another; a file that was saved gets a process of its own.
 */

let held: { machine: AnyStateMachine; kind: StreamKind | undefined } | undefined;

/** A file that lies where no xstate is found gets ours. */
registerHooks({
  resolve: (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      if (specifier !== "xstate" && !specifier.startsWith("xstate/")) throw error;
      return next(specifier, { ...context, parentURL: import.meta.url });
    }
  },
});

async function load({
  file,
  export: wanted,
  kind,
}: Extract<HostRequest, { op: "load" }>): Promise<Loaded> {
  const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const found = machinesIn(exported);
  const [name, machine] = chosen(found, wanted);
  const standsFor = kind ?? machine.id;
  held = { machine, kind: isStreamKind(standsFor) ? standsFor : undefined };
  const ours = held.kind === undefined ? undefined : machines[held.kind].version;
  return {
    export: name,
    exports: [...found.keys()],
    kind: held.kind ?? null,
    graph: graphOf(machine, ours),
  };
}

function replay(
  stateDirectory: string,
  progress: (done: number, of: number) => void,
): Replayed | null {
  if (!held || held.kind === undefined) return null;
  const store = openStore(stateDirectory);
  try {
    return replayThrough(store.reader, held.kind, held.machine, progress);
  } finally {
    store.close();
  }
}

const send = (reply: HostReply): void => void process.send?.(reply);

/** Where in the file it went wrong, as Node tells it; nothing of ours. */
function detailOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined;
  const lines = stack?.split("\n").filter((line) => !/node:internal|\/workbench\//.test(line));
  return lines && lines.length > 1 ? lines.slice(0, 8).join("\n") : undefined;
}

async function answer(request: HostRequest): Promise<unknown> {
  if (request.op === "load") return load(request);
  if (request.op === "replay")
    return replay(request.stateDirectory, (done, of) =>
      send({ id: request.id, progress: { done, of } }),
    );
  if (!held) throw new Error("no machine is loaded");
  return onPaper(held.machine, held.kind, request);
}

process.on("message", (request: HostRequest) => {
  void answer(request).then(
    (value) => send({ id: request.id, value }),
    (error: unknown) => {
      const detail = detailOf(error);
      const message = error instanceof Error ? error.message : String(error);
      send({ id: request.id, error: { message, ...(detail !== undefined && { detail }) } });
    },
  );
});
process.on("disconnect", () => process.exit());
