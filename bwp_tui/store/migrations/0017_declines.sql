-- When, why and in which words the shop declined a request, and the appeal against it.
-- A decline stops the legal clock, which runs again while an appeal waits for its answer, and once it was upheld. No row is
-- declined yet, so none changes by that. The text of the schema is edited, as in 0007, for the columns too: each ALTER TABLE would read all rows.
DROP TRIGGER tally_changed;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = substr(sql, 1, length(sql) - length(') STRICT')) || ', declined_on TEXT, decline_reason TEXT CHECK (decline_reason IN (
    ''not_verified'', ''exempt'', ''fraud'', ''excessive'', ''not_a_shopper'', ''withdrawn'', ''other''
)), decline_text TEXT, appealed_on TEXT, appeal_answered_on TEXT, appeal_upheld INTEGER CHECK (appeal_upheld IN (0, 1))) STRICT'
WHERE type = 'table' AND name = 'tasks';
UPDATE sqlite_schema SET sql = replace(sql, 'answered_on IS NULL AND status <> ''CANCELLED''
', 'answered_on IS NULL AND status <> ''CANCELLED''
        AND (status <> ''DECLINED'' OR (appealed_on IS NOT NULL AND (appeal_answered_on IS NULL OR appeal_upheld IS 1)))
')
WHERE type = 'table' AND name = 'tasks';
PRAGMA writable_schema = RESET;
CREATE TRIGGER tally_changed AFTER UPDATE OF
    kind, status, terminal, saved, resubmitted, purged_at, answered_on, appealed_on, appeal_answered_on,
    appeal_upheld ON tasks
WHEN (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open)
    IS NOT (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open)
BEGIN
    UPDATE tallies SET tasks = tasks - 1
    WHERE (kind, status, terminal, saved, resubmitted, open)
        = (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open);
    INSERT INTO tallies VALUES (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open, 1)
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;

-- Only what was declined here is DECLINED, and RECEIVED what was never sent: what the service once called so is not.
UPDATE tasks SET status = 'SERVICE_' || status
WHERE status = 'DECLINED' OR (status = 'RECEIVED' AND task_id IS NOT NULL);
