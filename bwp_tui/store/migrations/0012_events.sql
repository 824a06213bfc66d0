-- The service's events as they were received: each once, by its id, and by its task and type.
CREATE TABLE service_events (
    event_id TEXT PRIMARY KEY,
    task INTEGER NOT NULL REFERENCES tasks (number),
    type TEXT NOT NULL,
    occurred_at TEXT,
    received_at TEXT NOT NULL,
    UNIQUE (task, type)
) STRICT;

-- The event queue: NULL without one, 'on', or a sentence on what is wrong.
ALTER TABLE engine ADD COLUMN events TEXT;
-- 1 if an event has come since the last end of a task that only a poll found.
ALTER TABLE engine ADD COLUMN events_proven INTEGER NOT NULL DEFAULT 0;
-- 1 while polls are rare, since events come.
ALTER TABLE engine ADD COLUMN polls_relaxed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE engine ADD COLUMN last_event_at TEXT;
-- Messages that were no events of the service, and events that were received again.
ALTER TABLE engine ADD COLUMN foreign_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE engine ADD COLUMN duplicate_events INTEGER NOT NULL DEFAULT 0;

CREATE INDEX tasks_adopted ON tasks (number) WHERE instr(tags, '"adopted"');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('tasks', 'tasks_adopted', '1000 1');
ANALYZE sqlite_schema;
