-- Of an invitation's link, only the SHA-256 is kept. An invitation is pending until it is accepted or withdrawn.
CREATE TABLE invitations (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    email text NOT NULL,
    role text NOT NULL CHECK (role IN ('company_admin', 'manager', 'member', 'field_crew', 'viewer')),
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    invited_by bigint,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    accepted_at timestamptz(3),
    user_id bigint,
    withdrawn_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, invited_by) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CHECK ((accepted_at IS NULL) = (user_id IS NULL)),
    CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);

-- One address has one pending invitation: another one takes its place.
CREATE UNIQUE INDEX invitations_pending ON invitations (tenant_id, lower(email))
    WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
