-- Of a key, only the SHA-256 is kept. Revoking sets revoked_at under the key's advisory lock; rows are never deleted.
CREATE TABLE api_keys (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    public_id uuid NOT NULL UNIQUE,
    key_hash bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    display_prefix text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    allowlist cidr[] NOT NULL,
    created_by bigint,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3),
    revoked_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
);
