-- The log. One row an event, in the order in which they were committed; nothing in it ever changes.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, -- 1, 2, 3 …: no gaps, never used again
  id TEXT NOT NULL UNIQUE,
  stream TEXT NOT NULL, -- kind/id: service/web
  version INTEGER NOT NULL, -- 1, 2, 3 … within its stream
  type TEXT NOT NULL,
  schema INTEGER NOT NULL, -- version of the machine that took the event
  data TEXT NOT NULL, -- JSON
  at INTEGER NOT NULL, -- ms, never goes back
  wall INTEGER NOT NULL, -- ms since the epoch, as the system's clock had it
  boot_id TEXT NOT NULL, -- life of the daemon
  incarnation TEXT, -- life of a process
  cause TEXT, -- id of the event that led to this one
  correlation TEXT NOT NULL, -- id of the first event of the chain
  actor TEXT NOT NULL, -- who asked
  from_state TEXT, -- NULL: a birth
  to_state TEXT NOT NULL,
  prev_hash TEXT NOT NULL, -- hash of row seq - 1
  hash TEXT NOT NULL, -- SHA-256 over prev_hash and every other column
  UNIQUE (stream, version)
) STRICT;

CREATE INDEX events_incarnation ON events (incarnation) WHERE incarnation IS NOT NULL;

-- The last row's place and hash, kept by the transaction that appends it: so rows cut off the end are missed.
CREATE TABLE log_head (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;

INSERT INTO log_head VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'events are never changed');
END;

-- Retention removes what its newest anchor covers. (The table `anchors` comes with 0002.)
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
WHEN OLD.seq > coalesce((SELECT max(seq) FROM anchors), 0)
BEGIN
  SELECT RAISE(ABORT, 'events above the retention anchor are never deleted');
END;

CREATE TRIGGER events_follow_each_other BEFORE INSERT ON events
WHEN NEW.seq IS NOT coalesce((SELECT max(seq) FROM events), (SELECT max(seq) FROM anchors), 0) + 1
BEGIN
  SELECT RAISE(ABORT, 'events: seq must be the last one + 1');
END;

-- INSERT OR REPLACE deletes what it replaces without asking a DELETE trigger.
CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
BEGIN
  SELECT RAISE(ABORT, 'events: id or (stream, version) is taken');
END;
