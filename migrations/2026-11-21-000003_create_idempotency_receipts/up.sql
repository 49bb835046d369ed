-- A row without a status is a claim whose transaction is still open: nobody else sees it.
-- No foreign key to tenants: tenants are never deleted, and checking it would lock the tenant's row on every write.
CREATE TABLE idempotency_receipts (
    tenant_id bigint NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    status smallint,
    headers jsonb,
    body bytea,
    expires_at timestamptz(3) NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE INDEX idempotency_receipts_expiry ON idempotency_receipts (expires_at);
