-- Which history this is, wherever its file is copied to: the tripwire beside it names it (see `tripwire`).
ALTER TABLE meta ADD COLUMN identity TEXT NOT NULL DEFAULT '';
UPDATE meta SET identity = lower(hex(randomblob(16)));

-- Whose requests it holds: the shop whose settings recorded the first of them.
ALTER TABLE meta ADD COLUMN target_id TEXT;
ALTER TABLE meta ADD COLUMN api_host TEXT;
