import type { History, HistoryLife, HistoryWish } from "../offline/history.ts";
import { formatDuration } from "../base/duration.ts";
import { table } from "./table.ts";

const timeText = (wall: number | undefined): string =>
  wall === undefined ? "" : new Date(wall).toISOString();

/** Lives and wishes of a service in the order of the log, newest last. */
export function historyTable({ lives, wishes }: History): string {
  const rows = [...lives.map(lifeRow), ...wishes.map(wishRow)].toSorted((a, b) => a.seq - b.seq);
  const header = ["seq", "time", "what", "pid", "ran", "how it ended", "because"];
  return table(
    header,
    rows.map(({ cells }) => cells),
  );
}

interface Row {
  seq: number;
  cells: string[];
}

function lifeRow(life: HistoryLife): Row {
  const { seq, number, start, pid, ranMs, because, becauseSeq } = life;
  const ran = ranMs === undefined ? "" : formatDuration(ranMs);
  const cells = [
    String(seq),
    timeText(start ?? life.end),
    `life ${number}`,
    pid === undefined ? "" : String(pid),
    ran,
    endOf(life),
    `${because} (event ${becauseSeq})`,
  ];
  return { seq, cells };
}

function endOf({ ended, endedBy, endSeq, start }: HistoryLife): string {
  if (ended === undefined) return start === undefined ? "is being started" : "";
  return `${ended} (event ${endSeq})${endedBy === undefined ? "" : `: ${endedBy}`}`;
}

const wishRow = ({ seq, wall, text }: HistoryWish): Row => ({
  seq,
  cells: [String(seq), timeText(wall), text, "", "", "", ""],
});
