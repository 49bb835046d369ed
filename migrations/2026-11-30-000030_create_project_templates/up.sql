CREATE TABLE project_templates (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    description text,
    project_type text,
    created_by bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX project_templates_newest ON project_templates (tenant_id, created_at, id) WHERE deleted_at IS NULL;
