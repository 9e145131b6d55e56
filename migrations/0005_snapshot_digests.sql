-- SHA-256 over a state and the row it was taken after: one that was changed or torn is told apart, and passed over.
ALTER TABLE snapshots ADD COLUMN digest TEXT NOT NULL DEFAULT '';

-- The same, and of the last row of the stream below the cut what is asked for after it is gone.
ALTER TABLE anchor_states ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE anchor_states ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anchor_states ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anchor_states ADD COLUMN wall INTEGER NOT NULL DEFAULT 0;
