-- The order by due date has the tasks whose clock runs first; all others show no due date, and so come last whichever way
-- the order goes. The same for the tasks to answer, and an order by tags.
DROP INDEX tasks_due_order;
DROP INDEX tasks_to_answer;
CREATE INDEX tasks_to_answer ON tasks (iif(open = 1, due_on, NULL) IS NULL, iif(open = 1, due_on, NULL), number) WHERE open = 1 AND terminal = 1;
CREATE INDEX tasks_due_order ON tasks (iif(open = 1, due_on, NULL) IS NULL, iif(open = 1, due_on, NULL));
-- Made anew behind the first: of two that suit as well the planner takes the older one, and this is for an order alone.
DROP INDEX tasks_end_order;
CREATE INDEX tasks_end_order ON tasks (
    terminal,
    iif(
        terminal = 1, NULL,
        coalesce(julianday(submitted_at), 9e9) + coalesce(holding_period, iif(kind = 'DELETION', 10, 0))
    )
);
CREATE INDEX tasks_tag_order ON tasks (tags = '[]', tags COLLATE NOCASE);
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tasks', 'tasks_due_order', '1000000 900000 1000'),
    ('tasks', 'tasks_to_answer', '20000 10000 100 1'),
    ('tasks', 'tasks_end_order', '1000000 1000000 10'),
    ('tasks', 'tasks_tag_order', '1000000 900000 100');
ANALYZE sqlite_schema;
