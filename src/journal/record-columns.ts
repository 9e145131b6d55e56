/** The columns of `events` and of `archived_commands`, by the names that the tables have. */
export const COLUMNS_STORED =
  "seq, id, stream, version, type, schema, data, at, wall, boot_id, incarnation, cause, correlation, actor, from_state, to_state, prev_hash, hash";
