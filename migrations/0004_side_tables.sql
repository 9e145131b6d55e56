-- Commands that came with an idempotency key, and how each ended.
CREATE TABLE idempotency_keys (
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  request TEXT NOT NULL, -- SHA-256 of method, path and body
  event_id TEXT NOT NULL, -- the first event it led to
  at INTEGER NOT NULL,
  status INTEGER, -- of the reply; NULL while it runs
  reply TEXT, -- its final line
  PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at);

-- Values of `env`, sealed with the key file beside the database; events hold the references.
CREATE TABLE env_values (
  ref TEXT PRIMARY KEY,
  sealed BLOB NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people asked for, kept when retention removes the rows around it: whole rows, hashes too.
CREATE TABLE archived_commands (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  type TEXT NOT NULL,
  schema INTEGER NOT NULL,
  data TEXT NOT NULL,
  at INTEGER NOT NULL,
  wall INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  incarnation TEXT,
  cause TEXT,
  correlation TEXT NOT NULL,
  actor TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE INDEX archived_commands_by_stream ON archived_commands (stream, seq);
