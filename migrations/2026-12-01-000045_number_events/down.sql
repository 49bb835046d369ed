ALTER TABLE outbox DROP COLUMN position;
DROP SEQUENCE event_positions;

-- Their data is in the body.
UPDATE outbox SET
    data = coalesce(data, body::jsonb -> 'data'),
    previous_attributes = coalesce(previous_attributes, body::jsonb -> 'previous_attributes');
ALTER TABLE outbox ALTER COLUMN data SET NOT NULL;
ALTER TABLE outbox DROP COLUMN body;
ALTER TABLE outbox DROP COLUMN key_id;
ALTER TABLE outbox DROP COLUMN account_id;
ALTER TABLE outbox DROP COLUMN row_id;
ALTER TABLE outbox DROP COLUMN resource;
CREATE INDEX outbox_pending ON outbox (id) WHERE delivered_at IS NULL;
CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;
