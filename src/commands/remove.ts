import { resolved } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";
import type { KeyClaim } from "../journal/journal.ts";
import type { EventRow } from "../journal/record.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import type { Caller } from "./ports.ts";
import { mustBeOpen, mustMatch, mustTakeWishes } from "./checks.ts";

interface RemovePorts {
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
  const end = endOf(ports, name);
  try {
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
            `service ${other} depends on ${name}: delete ${other} first, or take ${name} out of what it needs`,
            {
              details: { service: other },
            },
          );
        }
        return [{ stream: `service/${name}`, event: { type: "service.delete_requested" } }];
      },
    });
    if (!rows.some((row) => row.toState === "deleted")) await end.reached(rows[0]);
  } finally {
    end.leave();
  }
}

/**
 * For a delete that is asked for a second time and is under way: resolves when nothing of the service is left, at once where nothing is.
 *
 * @throws AppError `timed_out` as the first one
 */
export async function removalOf(ports: RemovePorts, name: string): Promise<void> {
  if (!ports.dispatcher.view.service(name)?.context.deleting) return;
  const end = endOf(ports, name);
  await end.reached().finally(end.leave);
}

/** Listens for the end of a service, from now on. */
function endOf({ dispatcher, after }: RemovePorts, name: string) {
  const definition = dispatcher.view.service(name)?.context.definition;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {}); // also where the command itself was refused
  /** Rows that came before it is known which of them follow the wish. */
  let early: EventRow[] | undefined = [];
  const see = (row: EventRow): void => {
    if (row.toState === "deleted") resolve();
    if (row.type === "process.unkillable")
      reject(stuck(name, `process ${Number(row.data["pid"])} survives SIGKILL`));
  };
  const leave = dispatcher.listen((rows) => {
    const own = rows.filter(({ stream }) => stream === `service/${name}`);
    if (early) early.push(...own);
    else own.forEach(see);
  });
  return {
    leave,
    /** Within its stop timeout and our patience. An end before the wish was that of an earlier service of the name. */
    reached: (wish?: EventRow): Promise<void> => {
      early?.filter(({ seq }) => seq > (wish?.seq ?? 0)).forEach(see);
      early = undefined;
      const timeoutMs = (definition ? resolved(definition).stopTimeoutMs : 0) + PATIENCE_MS;
      const cancel = after(timeoutMs, () => reject(stuck(name, "its processes are still there")));
      return promise.finally(cancel);
    },
  };
}

const stuck = (name: string, why: string): AppError =>
  new AppError(
    "timed_out",
    `service "${name}" could not be ended: ${why}. It is removed as soon as it is gone`,
  );
