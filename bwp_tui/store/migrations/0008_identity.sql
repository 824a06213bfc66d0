-- Which history this is, wherever its file is copied to: the high-water mark beside it names it.
ALTER TABLE meta ADD COLUMN identity TEXT NOT NULL DEFAULT '';
UPDATE meta SET identity = lower(hex(randomblob(16)));

-- Whose requests it holds: the shop whose settings recorded the first of them.
ALTER TABLE meta ADD COLUMN target_id TEXT;
ALTER TABLE meta ADD COLUMN api_host TEXT;
