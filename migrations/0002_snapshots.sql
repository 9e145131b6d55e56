-- What a fold of a stream gives after one of its rows. Kept until retention cuts past them, so any past moment is near one.
CREATE TABLE snapshots (
  stream TEXT NOT NULL,
  version INTEGER NOT NULL, -- of the stream's row it was taken after
  seq INTEGER NOT NULL, -- of that row
  hash TEXT NOT NULL, -- of that row: a snapshot of another log is told apart
  schema INTEGER NOT NULL, -- version of the machine whose state it is
  state TEXT NOT NULL, -- JSON
  PRIMARY KEY (stream, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX snapshots_by_seq ON snapshots (stream, seq);

-- Where retention cut the log: rows up to `seq` are gone, the next one is chained to `hash`.
CREATE TABLE anchors (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  at INTEGER NOT NULL, -- `at` of the row that was last
  wall INTEGER NOT NULL -- when it was cut
) STRICT;

-- Each stream that lived on past the cut, folded up to it. Its next row has version + 1.
CREATE TABLE anchor_states (
  anchor INTEGER NOT NULL REFERENCES anchors (seq) ON DELETE CASCADE,
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  schema INTEGER NOT NULL,
  state TEXT NOT NULL, -- JSON
  PRIMARY KEY (anchor, stream)
) STRICT, WITHOUT ROWID;

-- An anchor lets rows be deleted, so it must name one that is there.
CREATE TRIGGER anchors_name_a_row BEFORE INSERT ON anchors
WHEN NOT EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq AND hash = NEW.hash)
BEGIN
  SELECT RAISE(ABORT, 'an anchor names the seq and hash of an event');
END;

CREATE TRIGGER anchors_never_change BEFORE UPDATE ON anchors
BEGIN
  SELECT RAISE(ABORT, 'anchors are never changed');
END;

CREATE TRIGGER newest_anchor_is_kept BEFORE DELETE ON anchors
WHEN OLD.seq = (SELECT max(seq) FROM anchors)
BEGIN
  SELECT RAISE(ABORT, 'the newest anchor is what the log is chained to');
END;
