import { GENESIS, rowHash } from "../../src/journal/record.ts";
import { COLUMNS, type StoredRow } from "../../src/journal/read.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { forgersDatabase } from "../journal/fixture.ts";

/** Every column of the log, with another value that its type allows, for a row in the middle. */
export const FORGERIES: Readonly<Record<string, string>> = {
  seq: "seq + 1000",
  id: "id || 'x'",
  stream: "'service/other'",
  version: "version + 100",
  type: "'process.lost'",
  schema: "schema + 1",
  data: '\'{"status":{"code":0},"jitter":0.5}\'',
  at: "at + 1",
  wall: "wall - 1",
  boot_id: "'bt_9'",
  incarnation: "'in_9'",
  cause: "NULL",
  correlation: "'ev_9'",
  actor: "'uid:7'",
  from_state: "'pending'",
  to_state: "'failed'",
  prev_hash: "hash",
  hash: "prev_hash",
};

/** Changes one row as somebody does who knows SQL, triggers and all, but not of the chain. */
export function forge(stateDirectory: string, seq: number, change: string): void {
  const db = forgersDatabase(stateDirectory);
  const { changes } = db.prepare(`UPDATE events SET ${change} WHERE seq = ?`).run(seq);
  if (changes !== 1) throw new Error(`row ${seq} was not changed`);
}

/** Changes one row, and every hash after it, so that the chain holds. */
export function forgeWell(stateDirectory: string, seq: number, change: string): void {
  forge(stateDirectory, seq, change);
  rechain(forgersDatabase(stateDirectory));
}

function rechain(db: Db): void {
  const rows = db.prepare<[], StoredRow>(`SELECT ${COLUMNS} FROM events ORDER BY seq`).all();
  const update = db.prepare("UPDATE events SET prev_hash = ?, hash = ? WHERE seq = ?");
  let last = { seq: 0, hash: GENESIS };
  for (const row of rows) {
    const hash = rowHash(last.hash, row, row.data);
    update.run(last.hash, hash, row.seq);
    last = { seq: row.seq, hash };
  }
  db.prepare("UPDATE log_head SET seq = ?, hash = ?").run(last.seq, last.hash);
}

/** Does to the database what its triggers would refuse. */
export function tamper(stateDirectory: string, sql: string): void {
  forgersDatabase(stateDirectory).exec(sql);
}
