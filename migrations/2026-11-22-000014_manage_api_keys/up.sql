-- A key that was rotated and its successor know each other; a key may be made by another key. Of these columns, only
-- replaced_by ever changes: it is given once.
ALTER TABLE api_keys ADD COLUMN replaces bigint;
ALTER TABLE api_keys ADD COLUMN replaced_by bigint;
ALTER TABLE api_keys ADD COLUMN created_by_key bigint;
ALTER TABLE api_keys ADD FOREIGN KEY (tenant_id, replaces) REFERENCES api_keys (tenant_id, id);
ALTER TABLE api_keys ADD FOREIGN KEY (tenant_id, replaced_by) REFERENCES api_keys (tenant_id, id);
ALTER TABLE api_keys ADD FOREIGN KEY (tenant_id, created_by_key) REFERENCES api_keys (tenant_id, id);
ALTER TABLE api_keys ADD CHECK (created_by IS NULL OR created_by_key IS NULL);

-- A key has one successor.
CREATE UNIQUE INDEX api_keys_successor ON api_keys (tenant_id, replaces) WHERE replaces IS NOT NULL;

-- The lists, newest first.
CREATE INDEX api_keys_page ON api_keys (tenant_id, created_at, id);
CREATE INDEX users_page ON users (tenant_id, created_at, id);
