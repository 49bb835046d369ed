-- When a session was noted last in a tenant's security log, so that switching to and fro does not fill the log. A session that is
-- renewed gets another number, and keeps what was noted of it.
CREATE TABLE session_notes (
    session_id bigint NOT NULL REFERENCES sessions (id) ON UPDATE CASCADE ON DELETE CASCADE,
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    noted_at timestamptz(3) NOT NULL,
    PRIMARY KEY (session_id, tenant_id)
);

-- The pending invitations are shown in pages.
CREATE INDEX invitations_pending_by_age ON invitations (tenant_id, created_at, id)
    WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
