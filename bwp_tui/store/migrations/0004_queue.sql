-- Paused is a fact beside the state: one that runs is paused before its transfer has stopped.
ALTER TABLE downloads ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));

-- Where an operator put it among those that wait; NULL is where it was asked for, its own id. Moving swaps places,
-- so that what is asked for later still comes last.
ALTER TABLE downloads ADD COLUMN place INTEGER;

-- 1 from a cancellation until the engine, which alone writes there, has removed the part file.
ALTER TABLE downloads ADD COLUMN part_unwanted INTEGER NOT NULL DEFAULT 0 CHECK (part_unwanted IN (0, 1));

CREATE INDEX downloads_ended ON downloads (finished_at, id) WHERE state IN ('done', 'failed', 'cancelled');
CREATE INDEX downloads_unwanted ON downloads (id) WHERE part_unwanted = 1;
