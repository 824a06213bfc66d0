-- When the shopper was asked who they are or what they mean, and when the reply came: some laws do not count the time
-- between. And what an answer left out: NULL means nothing, an empty text that a purge has removed the reason.
ALTER TABLE tasks ADD COLUMN inquired_on TEXT;
ALTER TABLE tasks ADD COLUMN replied_on TEXT;
ALTER TABLE tasks ADD COLUMN answered_in_part TEXT;
