-- "BwPr": tells this file from any other program's SQLite file.
PRAGMA application_id = 1115115634;

-- When the personal data of a task was removed; the row stays as evidence (CCPA regulations §7101).
ALTER TABLE tasks ADD COLUMN purged_at TEXT;

-- 1 from a purge until its traces are gone from free pages and backups too.
ALTER TABLE meta ADD COLUMN traces_left INTEGER NOT NULL DEFAULT 0;

-- The timeline of a purged task may lose its details, or go with the task; nothing else ever changes or goes.
DROP TRIGGER timeline_is_append_only;
CREATE TRIGGER timeline_is_append_only BEFORE UPDATE ON timeline
WHEN NEW.detail IS NOT NULL
    OR (NEW.id, NEW.task, NEW.at, NEW.actor, NEW.what) <> (OLD.id, OLD.task, OLD.at, OLD.actor, OLD.what)
    OR NEW.before IS NOT OLD.before
    OR NEW.after IS NOT OLD.after
    OR NOT EXISTS (SELECT 1 FROM tasks WHERE number = OLD.task AND purged_at IS NOT NULL)
BEGIN
    SELECT RAISE(ABORT, 'the timeline is append-only');
END;
CREATE TRIGGER timeline_is_kept BEFORE DELETE ON timeline
WHEN NOT EXISTS (SELECT 1 FROM tasks WHERE number = OLD.task AND purged_at IS NOT NULL)
BEGIN
    SELECT RAISE(ABORT, 'the timeline is kept');
END;
