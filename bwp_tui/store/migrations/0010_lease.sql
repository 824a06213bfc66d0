-- Counts the engines there have been: a transaction of an engine whose term is over fails.
ALTER TABLE engine ADD COLUMN term INTEGER NOT NULL DEFAULT 0;
-- What the engine may do: 2 all, 1 polls alone, since its profile is read-only.
ALTER TABLE engine ADD COLUMN ability INTEGER NOT NULL DEFAULT 2;
-- What the last look at the pages and the daily copy found wrong; NULL when nothing was.
ALTER TABLE engine ADD COLUMN upkeep TEXT;
