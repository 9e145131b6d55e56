import { resolve } from "node:path";
import type { Logger } from "../base/logger.ts";
import { createFileWatch } from "../effects/file-watch.ts";
import { idOf, kindOf } from "../journal/record.ts";
import { type Dispatcher, inWords } from "../runtime/dispatch.ts";

const UP = new Set(["starting", "running"]);

/**
 * Restarts services when files change that they watch, while they run: one that is down is never started by it.
 *
 * @returns the way to end it
 */
export function watchFiles(
  dispatcher: Pick<Dispatcher, "view" | "listen" | "command">,
  defaultDir: string,
  logger: Logger,
): () => void {
  const { view } = dispatcher;
  const files = createFileWatch({
    logger,
    changed: (name, path) => {
      const stream = `service/${name}`;
      dispatcher
        .command({
          actor: "watch",
          decide: (now) =>
            UP.has(now.service(name)?.phase ?? "")
              ? [{ stream, event: { type: "service.restart_requested", path } }]
              : [],
        })
        .catch((error: unknown) =>
          logger.warn({ service: name }, `it is not restarted for ${path}: ${inWords(error)}`),
        );
    },
  });
  const look = (name: string): void => {
    const service = view.service(name);
    const { watch = [], dir = "" } = service?.context.definition ?? { watch: [] };
    if (service && UP.has(service.phase) && watch.length > 0)
      files.watch(
        name,
        watch.map((path) => resolve(defaultDir, dir, path)),
      );
    else if (!service || watch.length === 0 || !RETURNS.has(service.phase)) files.forget(name);
  };
  const unlisten = dispatcher.listen((rows) => {
    const names = new Set(
      rows.filter(({ stream }) => kindOf(stream) === "service").map(({ stream }) => idOf(stream)),
    );
    for (const name of names) look(name);
  });
  for (const [name] of view.services()) look(name);
  return () => {
    unlisten();
    files.close();
  };
}

/** Phases that lead back up: what is watched stays so, and says nothing meanwhile. */
const RETURNS = new Set(["pending", "restarting", "crashed"]);
