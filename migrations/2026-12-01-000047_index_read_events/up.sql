-- The oldest are thrown away.
CREATE INDEX CONCURRENTLY outbox_read ON outbox (position) WHERE position IS NOT NULL;
