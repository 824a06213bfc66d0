-- The digests of each task's timeline, by which a change with another program is found; `store/database/digest_chain`
-- has the rule. A row stays when its task is removed, so that a number without a row has lost one.
CREATE TABLE chains (
    task INTEGER PRIMARY KEY,
    -- The digest of each event, 32 bytes each, in their order.
    links BLOB NOT NULL,
    -- What the details are salted with; NULL after a purge, which keeps their commitments, 32 bytes each.
    salt BLOB,
    commitments BLOB NOT NULL DEFAULT x'',
    -- How many events were there when the chain was begun, and when that was; 0 and NULL for one as old as its task.
    found INTEGER NOT NULL DEFAULT 0,
    begun_at TEXT,
    -- A digest of the task's row and of the last link, and a checksum of one byte for each column of the row.
    record BLOB NOT NULL
) STRICT;
