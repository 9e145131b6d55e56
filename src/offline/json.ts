import type { Verification } from "../journal/verify.ts";
import type { JsonObject } from "../journal/record.ts";
import type { History, HistoryWish } from "./history.ts";
import type { LastLines } from "./last-lines.ts";
import type { FoldedService, ReplayCheck } from "./replay.ts";
import type { Why } from "./why.ts";
import { numberOf } from "./words.ts";
import { timeText } from "../base/time-text.ts";

/*
 * The answers as JSON: snake_case, times as log files have them, durations in milliseconds, what is absent left out.
 */

/** What `why --json` prints. */
export function whyJson(answer: Why, { file, lines, problem }: LastLines): object {
  const { service, phase, quarantined, headline, steps, life } = answer;
  return {
    service,
    phase,
    ...(quarantined && { quarantined }),
    headline,
    steps: steps.map(({ row, text }) => ({
      seq: row.seq,
      time: timeText(row.wall),
      stream: row.stream,
      type: row.type,
      from_state: row.fromState,
      to_state: row.toState,
      actor: row.actor,
      text,
    })),
    ...(life && {
      last_lines: {
        incarnation: life.incarnation,
        life: life.number,
        ...(life.spawned && { pid: numberOf(life.spawned, "pid") }),
        log_file: file,
        lines: lines.map(({ time, stream, text }) => ({ time: timeText(time), stream, text })),
        ...(problem !== undefined && { problem }),
      },
    }),
  };
}

/** What `history --json` prints. */
export const historyJson = ({ service, lives, earlier, wishes, goneUpTo }: History): object => ({
  service,
  ...(goneUpTo !== undefined && { gone_up_to: goneUpTo }),
  earlier_lives: earlier,
  lives: lives.map((life) => ({
    life: life.number,
    incarnation: life.incarnation,
    seq: life.seq,
    because: life.because,
    because_seq: life.becauseSeq,
    ...(life.start !== undefined && { start: timeText(life.start) }),
    ...(life.pid !== undefined && { pid: life.pid }),
    ...(life.end !== undefined && { end: timeText(life.end), end_seq: life.endSeq }),
    ...(life.ranMs !== undefined && { ran_ms: life.ranMs }),
    ...(life.ended !== undefined && { ended: life.ended }),
    ...(life.exit && { exit: life.exit }),
    ...(life.endedBy !== undefined && { ended_by: life.endedBy }),
  })),
  wishes: wishes.map(wishJson),
});

/** What somebody asked for. */
export const wishJson = ({ seq, wall, type, actor, text }: HistoryWish): object => ({
  seq,
  time: timeText(wall),
  type,
  actor,
  text,
});

/** What `audit verify --json` prints. */
export const verificationJson = (found: Verification): JsonObject =>
  found.ok
    ? {
        ok: true,
        events: found.rows,
        first: found.first,
        seq: found.head.seq,
        hash: found.head.hash,
      }
    : { ok: false, events: found.rows, seq: found.seq, message: found.message };

/** What `replay --check --json` prints. */
export const replayCheckJson = (check: ReplayCheck): object => ({
  ok: check.ok,
  events: check.events,
  streams: check.streams,
  mismatches: check.mismatches.map(({ seq, stream, type, recorded, folded, reason }) => ({
    seq,
    stream,
    ...(stream.startsWith("service/") && { service: stream.slice("service/".length) }),
    type,
    recorded,
    folded,
    reason,
  })),
  same_bytes: check.sameBytes,
  projection: check.projection,
});

/** What `replay --json` prints of one service. */
export const foldedServiceJson = (service: FoldedService): object => ({
  name: service.name,
  phase: service.phase,
  desired: service.desired,
  version: service.version,
  restart_count: service.restartCount,
  ...(service.lastExit !== undefined && { last_exit: service.lastExit }),
  ...(service.quarantined !== undefined && { quarantined: service.quarantined }),
  seq: service.seq,
  time: timeText(service.wall),
});
