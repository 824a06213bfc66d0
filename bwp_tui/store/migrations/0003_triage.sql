-- What the office does about a request: who has it in hand, how the person was verified, what was told to them.
-- The reason of an extension and the several notes of a task are lines of its timeline.
ALTER TABLE tasks ADD COLUMN assigned_to TEXT;
ALTER TABLE tasks ADD COLUMN verified_on TEXT;
ALTER TABLE tasks ADD COLUMN verified_by TEXT;
ALTER TABLE tasks ADD COLUMN verified_how TEXT;
ALTER TABLE tasks ADD COLUMN extended_on TEXT;
ALTER TABLE tasks ADD COLUMN acknowledged_on TEXT;

-- From here on every note is a line of the timeline; the notes of before had none when they came with the request.
INSERT INTO timeline (task, at, actor, what, detail)
SELECT number, recorded_at, 'bwp-tui', 'note', note FROM tasks t WHERE note <> '' AND NOT EXISTS (
    SELECT 1 FROM timeline WHERE task = t.number AND what = 'note' AND detail = t.note
);
CREATE INDEX timeline_notes ON timeline (task) WHERE what = 'note';
CREATE INDEX timeline_imports ON timeline (detail) WHERE what = 'imported';

CREATE TABLE views (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    filter TEXT NOT NULL,
    sort TEXT NOT NULL,
    columns TEXT NOT NULL DEFAULT '[]',
    position INTEGER NOT NULL
) STRICT;
