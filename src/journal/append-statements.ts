import { KEY_LIFE_MS, type KeyClaim, type SealedValue } from "./journal.ts";
import type { EventRow } from "./record.ts";
import type { Db } from "./sqlite.ts";

/** What a batch writes, prepared once a connection. */
export interface AppendStatements {
  /** @param data the text of the `data` column */
  insert(row: EventRow, data: string): void;
  noteHead: { run(seq: number, hash: string): unknown };
  seal(value: SealedValue): void;
  /** Also drops keys that are past their life, this one too. */
  claim(claim: KeyClaim): void;
}

export function appendStatements(db: Db): AppendStatements {
  const insert = db.prepare(
    `INSERT INTO events (seq, id, stream, version, type, schema, data, at, wall, boot_id, incarnation,
       cause, correlation, actor, from_state, to_state, prev_hash, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const seal = db.prepare("INSERT INTO env_values (ref, sealed, at) VALUES (?, ?, ?)");
  const forget = db.prepare("DELETE FROM idempotency_keys WHERE at <= ?");
  const claim = db.prepare(
    "INSERT INTO idempotency_keys (actor, key, request, event_id, at) VALUES (?, ?, ?, ?, ?)",
  );
  return {
    insert: (row, data) =>
      void insert.run(
        row.seq,
        row.id,
        row.stream,
        row.version,
        row.type,
        row.schema,
        data,
        row.at,
        row.wall,
        row.bootId,
        row.incarnation,
        row.cause,
        row.correlation,
        row.actor,
        row.fromState,
        row.toState,
        row.prevHash,
        row.hash,
      ),
    noteHead: db.prepare<[number, string]>("UPDATE log_head SET seq = ?, hash = ?"),
    seal: (value) => void seal.run(value.ref, value.sealed, value.at),
    claim: ({ actor, key, request, eventId, at }) => {
      forget.run(at - KEY_LIFE_MS);
      claim.run(actor, key, request, eventId, at);
    },
  };
}
