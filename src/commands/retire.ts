import type { ServiceContext } from "../../machines/service-context.ts";
import { resolved } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { ServiceRow } from "../projections/services.ts";
import type { Dispatcher } from "../runtime/dispatch.ts";
import { openOf } from "../runtime/boot.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import type { ProcessRunner } from "../runtime/ports.ts";
import type { Registry } from "../runtime/registry.ts";

interface RetirePorts {
  dispatcher: Dispatcher;
  registry: Registry;
  processes: ProcessRunner;
  rows: Pick<EventReader, "lastVersion">;
  byName: (name: string) => ServiceRow | undefined;
  after: (ms: number, callback: () => void) => () => void;
}

const LOOK_AGAIN_MS = 200;

/**
 * Deletes a service whose log and machine disagree: ends what is provably of its last recorded life, then gives its stream up. A new service of that name begins
 * behind what is there.
 *
 * @throws AppError `timed_out` where something of it cannot be ended
 */
export async function retireService(
  ports: RetirePorts,
  name: string,
  actor: string,
): Promise<void> {
  const stream = `service/${name}`;
  const row = ports.byName(name);
  if (row) await endWhatIsLeft(ports, stream, row.context);
  const version = ports.rows.lastVersion(stream);
  await ports.dispatcher.command({
    actor,
    decide: () => [
      {
        stream: ENVIRONMENT,
        event: { type: "stream.retired", stream, version },
      },
    ],
  });
  ports.registry.forget(stream);
}

async function endWhatIsLeft(
  ports: RetirePorts,
  stream: string,
  context: ServiceContext,
): Promise<void> {
  const [asked] = openOf(stream, context);
  if (!asked) return;
  const { incarnation } = asked;
  const { stopSignal: signal, stopTimeoutMs: timeoutMs } = resolved(context.definition);
  const tries = Math.ceil((timeoutMs + 10_000) / LOOK_AGAIN_MS);
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const found = (await ports.processes.look([asked])).get(incarnation);
    if (!found || found.kind === "none") return;
    if (found.kind === "unproven") {
      throw new AppError(
        "timed_out",
        `process ${found.pid} may be of ${stream} and nothing proves it: end it by hand, then delete again`,
      );
    }
    if (attempt === 0) ports.processes.stop({ stream, incarnation, signal, timeoutMs });
    await new Promise<void>((resolve) => void ports.after(LOOK_AGAIN_MS, resolve));
  }
  throw new AppError(
    "timed_out",
    `what is left of ${stream} could not be ended: look at it by hand, then delete again`,
  );
}
