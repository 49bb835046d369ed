-- When a session was noted last in the security log of each tenant that it acted in, in milliseconds since 1970, by the tenant's id:
-- switching to and fro must not fill the logs.
ALTER TABLE sessions ADD COLUMN noted jsonb NOT NULL DEFAULT '{}';

-- The pending invitations are shown in pages.
CREATE INDEX invitations_pending_by_age ON invitations (tenant_id, created_at, id)
    WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
