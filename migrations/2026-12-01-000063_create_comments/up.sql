CREATE TABLE comments (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    -- A record of one of many tables: it is pinned when a comment is made, and may be deleted afterwards.
    entity_type text NOT NULL,
    entity_id bigint NOT NULL,
    user_id bigint,
    content text NOT NULL,
    parent_id bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES comments (tenant_id, id)
);

CREATE INDEX comments_newest ON comments (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX comments_newest_of_record ON comments (tenant_id, entity_type, entity_id, created_at, id)
    WHERE deleted_at IS NULL;
