-- Orders by the day of the answer, and by the day on which the service is done: it has that order where requests that
-- were sent are compared, and those that were not come behind them, by their holds.
CREATE INDEX tasks_answer_order ON tasks (answered_on);
CREATE INDEX tasks_end_order ON tasks (
    terminal,
    iif(
        terminal = 1, NULL,
        coalesce(julianday(submitted_at), 9e9) + coalesce(holding_period, iif(kind = 'DELETION', 10, 0))
    )
);
-- That index is for an order alone: it must not be taken to find the tasks that have ended.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tasks', 'tasks_answer_order', '1000000 1000'),
    ('tasks', 'tasks_end_order', '1000000 1000000 10');
ANALYZE sqlite_schema;
