-- At most one row: the secret that signs cursors when none is configured, and the one before it.
CREATE TABLE cursor_secrets (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    current bytea NOT NULL CHECK (octet_length(current) >= 32),
    previous bytea CHECK (octet_length(previous) >= 32)
);
