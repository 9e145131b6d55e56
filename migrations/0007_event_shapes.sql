-- Every shape of event that the log ever held, so that a release knows at once whether one of them is too new for it.
CREATE TABLE event_shapes (
  kind TEXT NOT NULL, -- of the stream
  type TEXT NOT NULL,
  schema INTEGER NOT NULL, -- version of the machine that took it
  PRIMARY KEY (kind, type, schema)
) STRICT, WITHOUT ROWID;

INSERT INTO event_shapes
SELECT DISTINCT substr(stream, 1, instr(stream, '/') - 1), type, schema FROM events;
