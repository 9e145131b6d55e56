import { AppError } from "../base/errors.ts";
import { SHUTTING_DOWN } from "../commands/checks.ts";
import type { Readiness } from "../commands/exec.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import { MAIN } from "../api/configured.ts";

interface ReadinessPorts {
  dispatcher: Pick<Dispatcher, "view" | "listen">;
  hasMain: boolean;
  maxWaitMs: number;
  /** Of the components: those that are not ready, each with what it is instead. */
  unready: () => readonly string[];
}

/** Phases of the main process in which it may still come. */
const COMING = new Set(["pending", "starting", "restarting", "crashed"]);

/** Whether the environment runs that commands are run in. One whose main process has ended is open to whoever looks for the reason. */
export function environmentReadiness(ports: ReadinessPorts): Readiness {
  const { dispatcher, hasMain, maxWaitMs } = ports;
  const missing = (): string[] => {
    const main = hasMain ? dispatcher.view.service(MAIN) : undefined;
    const isComing = hasMain && (main === undefined || COMING.has(main.phase));
    return [
      ...ports.unready(),
      ...(isComing ? [`the main process is ${main?.phase ?? "not started"}`] : []),
    ];
  };
  return {
    wait: (left) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          clearTimeout(timer);
          unlisten();
          left.removeEventListener("abort", look);
        };
        const look = (): void => {
          const isEnding = dispatcher.view.environment()?.phase === "draining";
          if (!left.aborted && !isEnding && missing().length > 0) return;
          done();
          if (isEnding) reject(SHUTTING_DOWN);
          else resolve();
        };
        const timer = setTimeout(() => {
          done();
          reject(
            new AppError(
              "environment_not_ready",
              `the environment is not ready after ${maxWaitMs / 1_000} s: ${missing().join("; ")}. Try again, or see "sprite-env services list"`,
              { details: { waiting_for: missing() } },
            ),
          );
        }, maxWaitMs);
        const unlisten = dispatcher.listen(look);
        left.addEventListener("abort", look);
        look();
      }),
  };
}
