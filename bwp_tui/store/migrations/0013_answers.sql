-- When and how the shopper was answered.
ALTER TABLE tasks ADD COLUMN answered_on TEXT;
ALTER TABLE tasks ADD COLUMN answered_how TEXT;

-- So far the legal clock stopped when the service had finished: what it had stopped for counts as answered on that day.
-- The event has the instant of the finish, so that a migrated backup has the same one and is not taken for a later copy.
UPDATE tasks SET answered_how = 'finished, before answers were recorded',
    answered_on = local_day(coalesce(finished_at, updated_at, recorded_at))
WHERE open = 0 AND resubmitted = 0 AND purged_at IS NULL AND status <> 'CANCELLED';
INSERT INTO timeline (task, at, actor, what, detail)
SELECT number, coalesce(finished_at, updated_at, recorded_at), 'bwp-tui', 'answered',
    'on ' || answered_on || ': ' || answered_how
FROM tasks WHERE answered_on IS NOT NULL;

-- From now on only an answer, a cancellation, a resubmission or a purge stops it. No row changes by that: each that was
-- open is open still, and each that was not is answered now or was one of the others. The text of the schema is edited,
-- as in 0007.
DROP TRIGGER tally_changed;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'resubmitted = 0 AND purged_at IS NULL
        AND (
            terminal = 0
            OR status IN (''FAILED'', ''REJECTED'', ''MISSING'')
            OR (status = ''COMPLETED'' AND kind = ''RETRIEVAL'' AND saved = 0)
        )
', 'resubmitted = 0 AND purged_at IS NULL AND answered_on IS NULL AND status <> ''CANCELLED''
')
WHERE type = 'table' AND name = 'tasks';
PRAGMA writable_schema = RESET;
CREATE TRIGGER tally_changed AFTER UPDATE OF kind, status, terminal, saved, resubmitted, purged_at, answered_on ON tasks
WHEN (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open)
    IS NOT (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open)
BEGIN
    UPDATE tallies SET tasks = tasks - 1
    WHERE (kind, status, terminal, saved, resubmitted, open)
        = (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open);
    INSERT INTO tallies VALUES (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open, 1)
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;

CREATE INDEX tasks_answered ON tasks (answered_on, received_on, due_on) WHERE answered_on IS NOT NULL;
CREATE INDEX tasks_to_answer ON tasks (due_on IS NULL, due_on, number) WHERE open = 1 AND terminal = 1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tasks', 'tasks_answered', '900000 1000 50 10'),
    ('tasks', 'tasks_to_answer', '20000 10000 100 1');
ANALYZE sqlite_schema;
