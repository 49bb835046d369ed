-- A tenant's followers.
CREATE UNIQUE INDEX outbox_feed ON outbox (tenant_id, position) WHERE position IS NOT NULL;
