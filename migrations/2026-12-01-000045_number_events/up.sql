-- What the outbox's reader needs. What is sent is rendered once and kept as it is: jsonb would bring it into another order. Rows
-- that servers of the version before write have no body; it is rendered from what they keep whenever it is asked for.
ALTER TABLE outbox ADD COLUMN resource text;
ALTER TABLE outbox ADD COLUMN row_id bigint;
ALTER TABLE outbox ADD COLUMN account_id bigint;
ALTER TABLE outbox ADD COLUMN key_id bigint;
ALTER TABLE outbox ADD COLUMN body text;
ALTER TABLE outbox ALTER COLUMN data DROP NOT NULL;

-- In which order events were read: the reader numbers them. Numbers are given to what is visible, by one transaction at a time,
-- smaller ids first. An id is taken when the rows of a change are locked already, so that of two events of a row the earlier one has
-- the smaller id and is visible whenever the later one is.
CREATE SEQUENCE event_positions AS bigint;
ALTER TABLE outbox ADD COLUMN position bigint;

-- Nothing was ever delivered by these.
DROP INDEX outbox_pending;
DROP INDEX outbox_delivered;
