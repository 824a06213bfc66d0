-- Instants are ISO 8601 in UTC with microseconds and Z, days are YYYY-MM-DD: text that sorts as time does
-- and that any SQLite tool shows readably, since this file is also evidence.

CREATE TABLE meta (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL,
    -- The newest instant at which anything was recorded: a clock that is behind it has gone back.
    newest_at TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO meta (only, revision) VALUES (1, 0);

CREATE TABLE tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('RETRIEVAL', 'DELETION')),
    email TEXT NOT NULL,
    status TEXT NOT NULL,
    terminal INTEGER NOT NULL DEFAULT 0 CHECK (terminal IN (0, 1)),
    saved INTEGER NOT NULL DEFAULT 0 CHECK (saved IN (0, 1)),
    errors TEXT NOT NULL DEFAULT '[]',
    holding_period INTEGER,
    reason TEXT,
    note TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '[]',
    received_on TEXT NOT NULL,
    regulation TEXT NOT NULL,
    due_on TEXT,
    recorded_at TEXT NOT NULL,
    submitted_at TEXT,
    updated_at TEXT,
    finished_at TEXT,
    polled_at TEXT,
    next_poll_at TEXT,
    polls INTEGER NOT NULL DEFAULT 0,
    unknown_since TEXT,
    unknown_answers INTEGER NOT NULL DEFAULT 0,
    trouble TEXT,
    resubmit_of INTEGER REFERENCES tasks (number),
    resubmitted INTEGER NOT NULL DEFAULT 0 CHECK (resubmitted IN (0, 1)),
    earlier INTEGER REFERENCES tasks (number),
    cancel_asked INTEGER NOT NULL DEFAULT 0 CHECK (cancel_asked IN (0, 1)),
    download INTEGER REFERENCES downloads (id),
    revision INTEGER NOT NULL,
    -- Whether something is left to do for the shopper: the legal clock of an open task runs.
    open INTEGER NOT NULL GENERATED ALWAYS AS (
        resubmitted = 0
        AND (
            terminal = 0
            OR status IN ('FAILED', 'REJECTED', 'MISSING')
            OR (status = 'COMPLETED' AND kind = 'RETRIEVAL' AND saved = 0)
        )
    ) STORED
) STRICT;
CREATE TRIGGER resubmission AFTER INSERT ON tasks WHEN NEW.resubmit_of IS NOT NULL
BEGIN
    UPDATE tasks SET resubmitted = 1 WHERE number = NEW.resubmit_of;
END;
CREATE INDEX tasks_by_revision ON tasks (revision);
CREATE INDEX tasks_by_poll ON tasks (next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX tasks_by_subject ON tasks (email COLLATE NOCASE, kind);
CREATE INDEX tasks_by_status ON tasks (status, kind);
CREATE INDEX tasks_by_due ON tasks (due_on) WHERE open = 1;
CREATE INDEX tasks_by_original ON tasks (resubmit_of) WHERE resubmit_of IS NOT NULL;

-- What an operator asked of the service, on disk before the first byte of it is sent.
CREATE TABLE intents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks (number),
    action TEXT NOT NULL CHECK (action IN ('submit', 'cancel')),
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'refused', 'lapsed')),
    client_token TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_sent_at TEXT,
    -- The same instant by the machine's uptime: which run of the machine, and seconds into it.
    first_sent_boot TEXT,
    first_sent_uptime REAL,
    not_before TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    settled_at TEXT,
    actor TEXT NOT NULL,
    CHECK (action <> 'submit' OR client_token IS NOT NULL)
) STRICT;
CREATE INDEX intents_waiting ON intents (not_before) WHERE state = 'waiting';
CREATE INDEX intents_by_task ON intents (task);
CREATE UNIQUE INDEX intents_by_client_token ON intents (client_token) WHERE client_token IS NOT NULL;

CREATE TABLE downloads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks (number),
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    directory TEXT NOT NULL,
    path TEXT,
    bytes INTEGER NOT NULL DEFAULT 0,
    total INTEGER,
    rate REAL,
    sha256 TEXT,
    etag TEXT,
    trouble TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    actor TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX downloads_open ON downloads (id) WHERE state IN ('queued', 'running');
CREATE INDEX downloads_by_task ON downloads (task);
CREATE INDEX downloads_by_revision ON downloads (revision);

CREATE TABLE timeline (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks (number),
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    before TEXT,
    after TEXT,
    detail TEXT
) STRICT;
CREATE INDEX timeline_by_task ON timeline (task, id);
CREATE TRIGGER timeline_is_append_only BEFORE UPDATE ON timeline
BEGIN
    SELECT RAISE(ABORT, 'the timeline is append-only');
END;

-- How many tasks there are of each kind and status, kept as they change so that no screen counts rows.
CREATE TABLE status_counts (
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (kind, status)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER count_new AFTER INSERT ON tasks
BEGIN
    INSERT INTO status_counts VALUES (NEW.kind, NEW.status, 1)
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
CREATE TRIGGER count_changed AFTER UPDATE OF status ON tasks WHEN OLD.status <> NEW.status
BEGIN
    UPDATE status_counts SET tasks = tasks - 1 WHERE kind = OLD.kind AND status = OLD.status;
    INSERT INTO status_counts VALUES (NEW.kind, NEW.status, 1)
    ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
CREATE TRIGGER count_gone AFTER DELETE ON tasks
BEGIN
    UPDATE status_counts SET tasks = tasks - 1 WHERE kind = OLD.kind AND status = OLD.status;
END;

-- What the engine says of itself, so that every console of the profile shows the same.
CREATE TABLE engine (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    pid INTEGER,
    host TEXT,
    service TEXT NOT NULL DEFAULT 'untried',
    message TEXT,
    next_try_at TEXT,
    -- Requests a second that may go out at most, or NULL without such a bound.
    most_a_second REAL,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO engine (only, revision) VALUES (1, 0);
