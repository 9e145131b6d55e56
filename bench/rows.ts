import { join } from "node:path";
import Database from "better-sqlite3";
import { randomIds } from "../src/base/ids.ts";
import type { Group } from "../src/journal/journal.ts";
import type { Draft } from "../src/journal/record.ts";

/** Rows as a supervisor writes them, for one service. */
export function rowMaker(stream: string): () => Group {
  let version = 0;
  return () => {
    version += 1;
    const id = randomIds.event();
    const draft: Draft = {
      id,
      stream,
      version,
      type: "process.spawned",
      schema: 1,
      data: {
        pid: 1_000 + version,
        startTime: "123456789",
        wall: 1_780_420_274_555,
        logFrom: 4_096,
      },
      at: 1_780_420_274_555 + version,
      wall: 1_780_420_274_555 + version,
      bootId: "bt_0123456789abcdef",
      incarnation: "in_0123456789abcdef",
      cause: id,
      correlation: id,
      actor: "runtime",
      fromState: "starting",
      toState: "running",
    };
    return { rows: [{ draft, view: VIEW }] };
  };
}

/** What a service's machine remembers. */
const VIEW = {
  definition: { cmd: "python3", args: ["-m", "http.server", "3000"] },
  version: 1,
  desired: "running",
  attempt: 1,
  failures: [1_780_420_274_555],
  restartCount: 1,
  open: { id: "in_0123456789abcdef", pid: 1_234, startTime: "123456789", exited: false },
  armed: { healthy: "ev_0123456789abcdef" },
};

const COLUMNS =
  "id, stream, version, type, schema, data, at, wall, boot_id, incarnation, cause, correlation, actor, from_state, to_state, prev_hash, hash";

/** The least that a log in SQLite can be: rows of the same columns and length, in a table without index or rule, no hash made. */
export interface BareLog {
  /** Inserts so many rows in one transaction. */
  append(rows: number): void;
  close(): void;
}

/** @param directory where it lies, as the log does, so that both sync the same disk */
export function openBareLog(directory: string): BareLog {
  const db = new Database(join(directory, "bare.db"));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("wal_autocheckpoint = 1000"); // 4 MB, which is then overwritten
  db.exec(`CREATE TABLE events (seq INTEGER PRIMARY KEY, ${COLUMNS})`);
  db.exec("CREATE TABLE filler (bytes BLOB)");
  db.prepare("INSERT INTO filler VALUES (zeroblob(4000000))").run();
  db.exec("DELETE FROM filler");
  db.pragma("wal_checkpoint(RESTART)");
  const marks = COLUMNS.replaceAll(/\w+/g, "?");
  const insert = db.prepare(`INSERT INTO events (${COLUMNS}) VALUES (${marks})`);
  const make = rowMaker("service/bare");
  const hash = "0".repeat(64);
  const one = (): void => {
    const draft = make().rows[0]?.draft;
    if (!draft) return;
    const { id, stream, version, type, schema, data, at, wall, bootId, incarnation } = draft;
    const { cause, correlation, actor, fromState, toState } = draft;
    const place = [id, stream, version, type, schema, JSON.stringify(data), at, wall, bootId];
    insert.run(...place, incarnation, cause, correlation, actor, fromState, toState, hash, hash);
  };
  const append = db.transaction((rows: number) => {
    for (let row = 0; row < rows; row += 1) one();
  });
  return { append: (rows) => append.immediate(rows), close: () => void db.close() };
}
