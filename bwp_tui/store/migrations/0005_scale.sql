-- What a register of a million tasks needs: no answer to an operator may take a scan.

-- How many tasks there are, by what the views ask, kept as they change so that no screen counts rows.
DROP TRIGGER count_new;
DROP TRIGGER count_changed;
DROP TRIGGER count_gone;
DROP TABLE status_counts;
CREATE TABLE tallies (
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    terminal INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    resubmitted INTEGER NOT NULL,
    open INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (kind, status, terminal, saved, resubmitted, open)
) STRICT, WITHOUT ROWID;
INSERT INTO tallies
SELECT kind, status, terminal, saved, resubmitted, open, count(*) FROM tasks GROUP BY 1, 2, 3, 4, 5, 6;
CREATE TRIGGER tally_new AFTER INSERT ON tasks
BEGIN
    INSERT INTO tallies VALUES (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open, 1)
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
CREATE TRIGGER tally_changed AFTER UPDATE OF kind, status, terminal, saved, resubmitted ON tasks
WHEN (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted)
    IS NOT (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted)
BEGIN
    UPDATE tallies SET tasks = tasks - 1
    WHERE (kind, status, terminal, saved, resubmitted, open)
        = (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open);
    INSERT INTO tallies VALUES (NEW.kind, NEW.status, NEW.terminal, NEW.saved, NEW.resubmitted, NEW.open, 1)
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
CREATE TRIGGER tally_gone AFTER DELETE ON tasks
BEGIN
    UPDATE tallies SET tasks = tasks - 1
    WHERE (kind, status, terminal, saved, resubmitted, open)
        = (OLD.kind, OLD.status, OLD.terminal, OLD.saved, OLD.resubmitted, OLD.open);
END;

-- The sort orders that have no index yet, and the conditions that would read every row.
DROP INDEX tasks_by_status;
CREATE INDEX tasks_by_status ON tasks (status, kind, saved, number DESC);
CREATE INDEX tasks_status_order ON tasks (status, number DESC);
CREATE INDEX tasks_kind_order ON tasks (kind, number DESC);
CREATE INDEX tasks_due_order ON tasks (due_on IS NULL, due_on);
CREATE INDEX tasks_receipt_order ON tasks (received_on);
CREATE INDEX tasks_submission_order ON tasks (submitted_at);
CREATE INDEX tasks_update_order ON tasks (updated_at);
CREATE INDEX tasks_assignee_order ON tasks (assigned_to IS NULL, assigned_to COLLATE NOCASE, number DESC);
CREATE INDEX tasks_note_order ON tasks (note = '', note COLLATE NOCASE, number DESC);
CREATE INDEX tasks_by_age ON tasks (coalesce(submitted_at, recorded_at));
CREATE INDEX tasks_by_name ON tasks (task_id COLLATE NOCASE);
CREATE INDEX tasks_by_regulation ON tasks (regulation, number DESC);
CREATE INDEX tasks_numbers ON tasks (number);
CREATE INDEX tasks_active ON tasks (number) WHERE terminal = 0;
CREATE INDEX tasks_resubmitted ON tasks (number) WHERE resubmitted = 1;
CREATE INDEX tasks_assigned ON tasks (number) WHERE assigned_to IS NOT NULL;
CREATE INDEX tasks_verified ON tasks (number) WHERE verified_on IS NOT NULL;
CREATE INDEX tasks_extended ON tasks (number) WHERE extended_on IS NOT NULL;

-- The pieces of three letters of what operators search for, without the texts: what is found is compared with the
-- row itself. The words of a task are its address, its note, its tags and its errors.
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram'
);
INSERT INTO words (rowid, text)
SELECT number, email || char(10) || note || char(10) || tags || char(10) || errors FROM tasks;
CREATE TRIGGER words_new AFTER INSERT ON tasks
BEGIN
    INSERT INTO words (rowid, text)
    VALUES (NEW.number, NEW.email || char(10) || NEW.note || char(10) || NEW.tags || char(10) || NEW.errors);
END;
CREATE TRIGGER words_changed AFTER UPDATE OF email, note, tags, errors ON tasks
WHEN (OLD.email, OLD.note, OLD.tags, OLD.errors) IS NOT (NEW.email, NEW.note, NEW.tags, NEW.errors)
BEGIN
    INSERT OR REPLACE INTO words (rowid, text)
    VALUES (NEW.number, NEW.email || char(10) || NEW.note || char(10) || NEW.tags || char(10) || NEW.errors);
END;
CREATE TRIGGER words_gone AFTER DELETE ON tasks
BEGIN
    DELETE FROM words WHERE rowid = OLD.number;
END;

-- The same for every note there ever was: one row a line of the timeline.
CREATE VIRTUAL TABLE note_words USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram'
);
INSERT INTO note_words (rowid, text) SELECT id, detail FROM timeline WHERE what = 'note' AND detail IS NOT NULL;
CREATE TRIGGER note_words_new AFTER INSERT ON timeline WHEN NEW.what = 'note' AND NEW.detail IS NOT NULL
BEGIN
    INSERT INTO note_words (rowid, text) VALUES (NEW.id, NEW.detail);
END;
CREATE TRIGGER note_words_purged AFTER UPDATE OF detail ON timeline
WHEN OLD.what = 'note' AND OLD.detail IS NOT NULL AND NEW.detail IS NULL
BEGIN
    DELETE FROM note_words WHERE rowid = OLD.id;
END;
CREATE TRIGGER note_words_gone AFTER DELETE ON timeline WHEN OLD.what = 'note' AND OLD.detail IS NOT NULL
BEGIN
    DELETE FROM note_words WHERE rowid = OLD.id;
END;

-- What the planner is to take for granted, whatever the size: the shape of a register of a million tasks. So a
-- question is answered in the same way on every operator's disk, and the tests see that way.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tasks', 'tasks_by_status', '1000000 100000 80000 30000 1'),
    ('tasks', 'tasks_status_order', '1000000 100000 1'),
    ('tasks', 'tasks_kind_order', '1000000 500000 1'),
    ('tasks', 'tasks_due_order', '1000000 900000 1000'),
    ('tasks', 'tasks_receipt_order', '1000000 1000'),
    ('tasks', 'tasks_submission_order', '1000000 1'),
    ('tasks', 'tasks_update_order', '1000000 1'),
    ('tasks', 'tasks_assignee_order', '1000000 900000 10000 1'),
    ('tasks', 'tasks_note_order', '1000000 500000 10000 1'),
    ('tasks', 'tasks_by_age', '1000000 1'),
    ('tasks', 'tasks_by_name', '1000000 1'),
    ('tasks', 'tasks_by_regulation', '1000000 300000 1'),
    ('tasks', 'tasks_numbers', '1000000 1'),
    ('tasks', 'tasks_active', '10000 1'),
    ('tasks', 'tasks_resubmitted', '20000 1'),
    ('tasks', 'tasks_assigned', '50000 1'),
    ('tasks', 'tasks_verified', '50000 1'),
    ('tasks', 'tasks_extended', '5000 1'),
    ('tasks', 'tasks_by_due', '50000 100'),
    ('tasks', 'tasks_by_subject', '1000000 5 4'),
    ('tasks', 'tasks_by_poll', '10000 10'),
    ('tasks', 'tasks_by_revision', '1000000 100'),
    ('tasks', 'tasks_by_original', '20000 1'),
    ('timeline', 'timeline_by_task', '4000000 4 1'),
    ('timeline', 'timeline_notes', '200000 1');
ANALYZE sqlite_schema;
