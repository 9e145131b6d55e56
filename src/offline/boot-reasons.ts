import { resolved } from "../../machines/definition.ts";
import { exitInWords } from "../../machines/service-context.ts";
import type { Found } from "../../machines/service-events.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";
import type { PastService } from "./past-services.ts";
import { wishInWords } from "./steps.ts";
import { timeText } from "../base/time-text.ts";

/*
 * Why a boot started a service, or did not, in words. The machine has decided it (machines/service.ts, at `environment.booted`); here its reasons
 * are read from what the service was before and from the boot's row.
 */

/** What was found of its earlier life. */
export function foundReason(found: Found): string[] {
  if (found.kind === "proven")
    return [
      `process ${found.pids.join(", ")} of its earlier life was found, proved ours and ended first`,
    ];
  if (found.kind === "unproven")
    return [
      `process ${found.pid} may be of its earlier life and nothing proves it ours: it is left alone, and nothing starts beside it`,
    ];
  return [];
}

const isNewMachine = ({ data }: EventRow): boolean => data["newMachineBoot"] === true;

/** Why it was to be started. */
export function startReason({ phase, context }: PastService, booted: EventRow): string {
  const machine = isNewMachine(booted) ? ", and the machine has booted anew" : "";
  switch (phase) {
    case "running":
    case "starting":
      return `it should run, and was ${phase} when the daemon before was killed${machine}`;
    case "crashed":
      return isNewMachine(booted)
        ? "it waited for its next try, which comes at once since the machine has booted anew"
        : "it waits for what remains of the delay before its next try";
    case "stopped":
      return context.ending === "drained"
        ? `it should run: the shutdown before had stopped it${machine}`
        : "it had ended well, and should run again since the machine has booted anew";
    case "failed":
      return "it had failed, and is tried again since the machine has booted anew";
    case "pending":
      return "it should run, and had been waiting for its start already";
    default:
      return `it should run, and was ${phase} when the daemon before was killed${machine}`;
  }
}

/** Why it was left down. */
export function notStartedReason(
  reader: EventReader,
  service: PastService,
  booted: EventRow,
): string {
  const { phase, context } = service;
  if (context.deleting) return "it was being deleted";
  if (context.desired === "stopped") return stoppedBy(reader, service);
  const { restart, oneshot } = resolved(context.definition);
  const policy = oneshot ? "a oneshot" : `restart: ${restart}`;
  const same = "the machine has not booted since, so it stays down until somebody starts it";
  if (context.ending === "succeeded") return `it had ended well (${policy}), and ${same}`;
  const { lastExit } = context;
  const exit = lastExit && (lastExit.spawnError ?? exitInWords(lastExit));
  if (phase === "failed" || context.ending === "failed")
    return `it had failed (${policy}${exit === undefined ? "" : `; ${exit}`}), and ${same}`;
  return `it was ${phase}, and is ${booted.toState} now`;
}

/** Rows that are looked through at a time for who stopped it: it did little since. */
const PAGE = 50;

function stoppedBy(reader: EventReader, service: PastService): string {
  const stop = lastStop(reader, service);
  if (!stop) return "it should be stopped; who asked for that is before what retention has kept";
  const words = wishInWords(stop) ?? "sprite-env was to stop it";
  return `it should be stopped: ${words} (event ${stop.seq}, ${timeText(stop.wall)})`;
}

const isStop = ({ type }: EventRow): boolean => type === "service.stop_requested";

/** Back from its last row; at last among the wishes that retention has archived. */
function lastStop(reader: EventReader, { name, seq }: PastService): EventRow | undefined {
  const stream = `service/${name}`;
  for (let before = seq + 1; ;) {
    const rows = reader.newest(PAGE, { stream, before });
    const [oldest] = rows;
    const stop = rows.findLast(isStop);
    if (stop) return stop;
    if (!oldest) return reader.archived(stream).findLast(isStop);
    before = oldest.seq;
  }
}
