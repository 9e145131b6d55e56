import type { ELK } from "elkjs/lib/elk-api.js";

let made: Promise<ELK> | undefined;

/** The layout library, with its work in a thread; both are loaded at the first drawing. */
export function elk(): Promise<ELK> {
  made ??= load();
  return made;
}

async function load(): Promise<ELK> {
  const [{ default: Elk }, { default: workerUrl }] = await Promise.all([
    import("elkjs/lib/elk-api.js"),
    import("elkjs/lib/elk-worker.min.js?url"),
  ]);
  return new Elk({ workerFactory: () => new Worker(workerUrl) });
}
