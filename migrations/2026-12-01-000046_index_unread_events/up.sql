-- The reader finds what it has not read.
CREATE INDEX outbox_unread ON outbox (id) WHERE position IS NULL;
