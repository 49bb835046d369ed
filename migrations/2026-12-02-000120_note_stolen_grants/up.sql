-- A grant that ended because a refresh token was in two hands: its user is told.
ALTER TABLE oauth_grants ADD COLUMN stolen boolean NOT NULL DEFAULT false;

-- Connected apps, newest first.
CREATE INDEX oauth_grants_connected ON oauth_grants (tenant_id, created_at, id) WHERE ended_at IS NULL OR stolen;
