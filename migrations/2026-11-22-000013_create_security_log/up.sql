-- What was changed about a tenant's keys and people. Rows are never changed or deleted. The action is a versioned payload of
-- the domain; the key it is about stands beside it, to be found by. No foreign keys: what the log says stays true without
-- the rows it speaks of.
CREATE TABLE security_log (
    tenant_id bigint NOT NULL,
    created_at timestamptz(3) NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    actor_kind text NOT NULL CHECK (actor_kind IN ('operator', 'user', 'key')),
    actor_id bigint,
    actor_name text,
    address inet,
    key_id bigint,
    action jsonb NOT NULL,
    PRIMARY KEY (tenant_id, created_at, id),
    CHECK ((actor_kind = 'operator') = (actor_id IS NULL))
);

CREATE INDEX security_log_of_key ON security_log (tenant_id, key_id, created_at, id) WHERE key_id IS NOT NULL;
