-- When the shopper was asked who they are or what they mean, and when the reply came: some laws do not count the time
-- between. And what an answer left out: NULL means nothing, an empty text that a purge has removed the reason.
-- The columns are added to the text of the schema, as in 0007: ALTER TABLE would read all rows for each of them.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = substr(sql, 1, length(sql) - length(') STRICT'))
    || ', inquired_on TEXT, replied_on TEXT, answered_in_part TEXT) STRICT'
WHERE type = 'table' AND name = 'tasks';
PRAGMA writable_schema = RESET;
