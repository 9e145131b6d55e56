import { resolved } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";
import type { KeyClaim } from "../journal/journal.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import type { Caller } from "./ports.ts";
import { mustBeOpen, mustMatch, mustTakeWishes } from "./checks.ts";

export interface RemovePorts {
  dispatcher: Dispatcher;
  after: (ms: number, callback: () => void) => () => void;
  /** For a quarantined service. */
  retire: (name: string, actor: string) => Promise<void>;
}

/** How long over its stop timeout a delete waits for the end, in milliseconds: KILL and what comes after it. */
const PATIENCE_MS = 10_000;

/**
 * Stops a service and removes its definition; the log file stays. Resolves when nothing of it is left.
 *
 * @param claim the idempotency key to store with the wish
 * @throws AppError `service_needed` while another one needs it; `timed_out` where it cannot be ended: the wish stands
 */
export async function removeService(
  ports: RemovePorts,
  name: string,
  caller: Caller,
  claim: Omit<KeyClaim, "eventId"> | undefined,
): Promise<void> {
  const { dispatcher } = ports;
  if (dispatcher.view.quarantined(name) !== undefined) return ports.retire(name, caller.actor);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {}); // also where the command itself was refused
  const unlisten = dispatcher.listen((rows) => {
    for (const row of rows) {
      if (row.stream !== `service/${name}`) continue;
      if (row.toState === "deleted") resolve();
      if (row.type === "process.unkillable")
        reject(stuck(name, `process ${Number(row.data["pid"])} survives SIGKILL`));
    }
  });
  try {
    const definition = dispatcher.view.service(name)?.context.definition;
    const rows = await dispatcher.command({
      actor: caller.actor,
      ...(claim && { claim }),
      decide: (view) => {
        mustBeOpen(view);
        if (!view.service(name)?.context.deleting) mustTakeWishes(view, name);
        mustMatch(view, name, caller.ifMatch);
        for (const [other, { context }] of view.services()) {
          if (!resolved(context.definition).needs.includes(name)) continue;
          throw new AppError(
            "service_needed",
            `service ${other} depends on ${name}: delete it or its need first`,
            {
              details: { service: other },
            },
          );
        }
        return [{ stream: `service/${name}`, event: { type: "service.delete_requested" } }];
      },
    });
    if (rows.some((row) => row.toState === "deleted")) return;
    const timeoutMs = (definition ? resolved(definition).stopTimeoutMs : 0) + PATIENCE_MS;
    const cancel = ports.after(timeoutMs, () =>
      reject(stuck(name, "its processes are still there")),
    );
    await promise.finally(cancel);
  } finally {
    unlisten();
  }
}

const stuck = (name: string, why: string): AppError =>
  new AppError(
    "timed_out",
    `service "${name}" could not be ended: ${why}. It is removed as soon as it is gone`,
  );
