-- A purged task is closed: nobody is left whom the shop could answer. The expression of a stored column cannot be
-- altered, and a new column would leave the old one to be mistaken for it; the text of the schema is edited instead,
-- and the rows concerned are computed anew.
DROP TRIGGER tally_changed;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'resubmitted = 0' || char(10), 'resubmitted = 0 AND purged_at IS NULL' || char(10))
WHERE type = 'table' AND name = 'tasks';
PRAGMA writable_schema = RESET;
CREATE TRIGGER tally_changed AFTER UPDATE OF kind, status, terminal, saved, resubmitted, purged_at ON tasks
WHEN (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open)
    IS NOT (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open)
BEGIN
    UPDATE tallies SET tasks = tasks - 1
    WHERE (kind, status, terminal, saved, resubmitted, open)
        = (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open);
    INSERT INTO tallies VALUES (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open, 1)
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
UPDATE tasks SET purged_at = purged_at WHERE purged_at IS NOT NULL;
