import { AppError } from "../base/errors.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { EventRow } from "../journal/record.ts";
import { ENVIRONMENT } from "../runtime/group.ts";
import { numberOf, textOf } from "./words.ts";
import { timeText } from "../base/time-text.ts";

/** One life of the daemon. */
export interface Boot {
  /** Its place among those that the log still tells of: 1 is the oldest. */
  number: number;
  /** `bt_…`: the same for ever, also when retention has removed older ones. */
  id: string;
  /** The environment's row of it. */
  booted: EventRow;
  /** Its first row and its last one so far. */
  first: number;
  last: EventRow;
  ready?: EventRow;
  drainAsked?: EventRow;
  drained?: EventRow;
  /** The row of the one that came after it. */
  next?: EventRow;
  /** The machine under it had booted since the one before. Absent for the oldest, of which nothing was before. */
  newMachine?: boolean;
}

/** How a life of the daemon ended, as far as the log can tell. */
type BootEnd =
  /** `left`: services that were not down at the deadline. Without reason and time where retention has taken the rows that had them. */
  | { kind: "shut down"; reason?: string; left: readonly string[]; wall?: number }
  /** Between two rows. `draining`: it had begun to shut down. */
  | { kind: "killed"; draining: boolean; after: number; before: number }
  /** It has not, or it was killed and none came after it. */
  | { kind: "open" };

/** Every life of the daemon that the log tells of, oldest first. It reads the environment's rows alone: some for each. */
export function bootsOf(reader: EventReader): Boot[] {
  const boots: Boot[] = [];
  let created: EventRow | undefined;
  for (const row of rowsOf(reader)) {
    const current = boots.at(-1);
    if (row.type === "environment.created") created = row;
    else if (row.type === "environment.booted") {
      boots.push(begun(boots, row, created ?? row));
      if (current) current.next = row;
      created = undefined;
    } else if (current) note(current, row);
  }
  const { seq: end } = reader.head();
  for (const boot of boots)
    boot.last = reader.bySeq(boot.next ? boot.next.seq - 1 : end) ?? boot.last;
  return boots;
}

/** Of the environment: boots are archived when what was around them goes. */
const rowsOf = (reader: EventReader): EventRow[] => [
  ...reader.archived(ENVIRONMENT).filter(({ type }) => type === "environment.booted"),
  ...reader.stream(ENVIRONMENT),
];

function begun(boots: readonly Boot[], booted: EventRow, first: EventRow): Boot {
  const before = boots.at(-1)?.booted;
  return {
    number: boots.length + 1,
    id: booted.bootId,
    booted,
    first: first.seq,
    last: booted,
    ...(before && { newMachine: before.data["machineBoot"] !== booted.data["machineBoot"] }),
  };
}

function note(boot: Boot, row: EventRow): void {
  if (row.type === "environment.ready_reached") boot.ready = row;
  if (row.type === "environment.drain_requested") boot.drainAsked = row;
  if (row.type === "environment.drained") boot.drained = row;
}

/** How it ended. */
export function endOf({ drained, drainAsked, next, last }: Boot): BootEnd {
  if (drained) {
    const left = drained.data["left"] as string[]; // its machine took it
    const reason = drainAsked && { reason: textOf(drainAsked, "reason") };
    return { kind: "shut down", ...reason, left, wall: drained.wall };
  }
  if (!next) return { kind: "open" };
  if (next.fromState === "down") return { kind: "shut down", left: [] };
  return {
    kind: "killed",
    draining: drainAsked !== undefined,
    after: last.wall,
    before: next.wall,
  };
}

/** From its first row until it answered and had decided what to start, in milliseconds of our own clock. */
export const readyMs = ({ booted, ready }: Boot): number | undefined =>
  ready && ready.at - booted.at;

/**
 * The boot that is meant: by its place (1 is the oldest), counted back from the newest (0, -1), or by its id.
 *
 * @throws AppError `invalid_request` for what names none, `not_found`
 */
export function bootNamed(boots: readonly Boot[], text: string | undefined): Boot {
  const word = text ?? "0";
  if (!/^(-?\d{1,9}|bt_\w+)$/.test(word))
    throw new AppError(
      "invalid_request",
      `"${word.slice(0, 80)}" names no boot: allowed is a number of "boot list", 0 for the newest, -1 for the one before it, or an id such as bt_…`,
    );
  const found = word.startsWith("bt_")
    ? boots.find(({ id }) => id === word)
    : byNumber(boots, Number(word));
  if (found) return found;
  const range = `there are 1 to ${boots.length}, which are ${1 - boots.length} to 0`;
  const few = ["the log tells of none", "there is one, which is 1 and 0"];
  const there = few[boots.length] ?? range;
  throw new AppError("not_found", `there is no boot ${word}: ${there}`);
}

const byNumber = (boots: readonly Boot[], number: number): Boot | undefined =>
  number > 0 ? boots[number - 1] : boots[boots.length - 1 + number];

/** How it ended, in words. @param answers whether the daemon of this log answers */
export function bootEndInWords(boot: Boot, answers: boolean): string {
  const end = endOf(boot);
  if (end.kind === "open")
    return answers ? "runs" : "no daemon answers: killed, or it listens elsewhere";
  if (end.kind === "killed") return end.draining ? "killed while it shut down" : "killed";
  const left = end.left.length > 0 ? `; not ended in time: ${end.left.join(", ")}` : "";
  return `shut down${end.reason ? ` by ${end.reason}` : ""}${left}`;
}

/** What `boot list --json` prints of one. */
export function bootJson(boot: Boot, answers: boolean): object {
  const { number, id, booted, first, last, newMachine, ready } = boot;
  const ms = readyMs(boot);
  const end = endOf(boot);
  return {
    boot: number,
    id,
    seq: booted.seq,
    time: timeText(booted.wall),
    release: textOf(booted, "release"),
    pid: numberOf(booted, "pid"),
    machine_boot: textOf(booted, "machineBoot"),
    ...(newMachine !== undefined && { new_machine_boot: newMachine }),
    found: booted.data["found"],
    events: last.seq - first + 1,
    ...(ready && { ready: timeText(ready.wall), ready_ms: ms }),
    end: {
      kind: end.kind === "open" && answers ? "runs" : end.kind,
      ...(end.kind === "shut down" && {
        ...(end.wall !== undefined && { time: timeText(end.wall) }),
        ...(end.reason !== undefined && { reason: end.reason }),
        left: end.left,
      }),
      ...(end.kind === "killed" && {
        draining: end.draining,
        after: timeText(end.after),
        before: timeText(end.before),
      }),
    },
  };
}
