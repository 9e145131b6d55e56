-- Which projection has read how far. Its own tables are not here: it makes and refolds them itself.
CREATE TABLE projection_heads (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL, -- of its schema and handlers; another one in the code: drop and refold
  seq INTEGER NOT NULL, -- of the last row that is in it
  stale TEXT -- why it stopped there and is not to be believed; NULL: it follows the log
) STRICT, WITHOUT ROWID;
