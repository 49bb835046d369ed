CREATE TABLE notifications (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    account_id bigint NOT NULL,
    type text NOT NULL,
    title text NOT NULL,
    message text,
    -- A record of one of many tables, which may be deleted.
    entity_type text,
    entity_id bigint,
    read_at timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX notifications_newest ON notifications (tenant_id, account_id, created_at, id);
CREATE INDEX notifications_unread ON notifications (tenant_id, account_id, created_at, id) WHERE read_at IS NULL;

-- What a user has switched off.
CREATE TABLE muted_notifications (
    tenant_id bigint NOT NULL,
    account_id bigint NOT NULL,
    type text NOT NULL,
    PRIMARY KEY (tenant_id, account_id, type),
    FOREIGN KEY (tenant_id, account_id) REFERENCES users (tenant_id, account_id)
);

-- Notifies those of the users who have access, one of the roles, and have not switched that off. Gives 1: it is done, whomever it
-- concerned.
CREATE FUNCTION notify_users(
    tenant bigint, accounts bigint[], roles text[], kind text, title text, message text, entity_type text, entity_id bigint,
    at timestamptz
) RETURNS integer
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notifications (tenant_id, account_id, type, title, message, entity_type, entity_id, created_at)
    SELECT u.tenant_id, u.account_id, $4, $5, $6, $7, $8, $9
    FROM users u
    WHERE u.tenant_id = $1 AND u.account_id = ANY ($2) AND u.role = ANY ($3) AND u.deactivated_at IS NULL
        AND NOT EXISTS (
            SELECT FROM muted_notifications muted
            WHERE muted.tenant_id = $1 AND muted.account_id = u.account_id AND muted.type = $4
        )
    ORDER BY u.account_id;
    RETURN 1;
END
$$;
