import { AppError } from "../base/errors.ts";
import { GENESIS } from "./record.ts";
import type { Db } from "./sqlite.ts";

/** The end of the log: its last row's place and hash; `0` and `GENESIS` before the first one. */
export interface Head {
  seq: number;
  hash: string;
}

/** Where the log ends by its own rows, or by the anchor where retention took them all. */
export const lastRow = (db: Db): Head =>
  db.prepare<[], Head>("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").get() ??
  db.prepare<[], Head>("SELECT seq, hash FROM anchors ORDER BY seq DESC LIMIT 1").get() ?? {
    seq: 0,
    hash: GENESIS,
  };

/** Where the log ended when it was last written, noted beside it in the same transaction. */
export const notedHead = (db: Db): Head | undefined =>
  db.prepare<[], Head>("SELECT seq, hash FROM log_head").get();

/**
 * The head to append to.
 *
 * @throws AppError `log_corrupt` where rows and note disagree: going on would give out sequence numbers a second time
 */
export function trustedHead(db: Db): Head {
  const last = lastRow(db);
  const noted = notedHead(db);
  if (noted?.seq === last.seq && noted.hash === last.hash) return last;
  throw new AppError(
    "log_corrupt",
    `the event log ends at row ${last.seq}, but was written up to row ${noted?.seq ?? "?"}: ` +
      'see "sprite-env audit verify", then restore a copy of it or name another state directory',
  );
}
