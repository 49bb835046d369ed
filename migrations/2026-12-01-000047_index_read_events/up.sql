-- The oldest are thrown away.
CREATE INDEX outbox_read ON outbox (position) WHERE position IS NOT NULL;
