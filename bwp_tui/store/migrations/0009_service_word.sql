-- The first attempt by the service's clock, as the `Date` of its answers tells it.
ALTER TABLE intents ADD COLUMN first_sent_service_at TEXT;

-- Only what was cancelled here is CANCELLED: what the service once called so is asked about again.
UPDATE tasks SET status = 'SERVICE_CANCELLED', terminal = 0, finished_at = NULL,
    next_poll_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'), polls = 0
WHERE status = 'CANCELLED' AND task_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM timeline WHERE task = tasks.number AND what = 'status' AND after = 'CANCELLED'
);
