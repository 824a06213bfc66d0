-- The age of a task counts from its recording, which never changes.
DROP INDEX tasks_by_age;
CREATE INDEX tasks_by_recording ON tasks (recorded_at);
UPDATE sqlite_stat1 SET idx = 'tasks_by_recording' WHERE idx = 'tasks_by_age';
ANALYZE sqlite_schema;
