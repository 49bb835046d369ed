CREATE TABLE projects (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    project_number text NOT NULL,
    contact_id bigint,
    -- Set by conversions. The tables that these two are ids of come later, and their foreign keys with them.
    bid_id bigint,
    lead_id bigint,
    project_type text,
    status text NOT NULL
        CHECK (status IN ('planning', 'in_progress', 'on_hold', 'closeout', 'completed', 'cancelled')),
    priority text,
    start_date timestamptz(3),
    expected_end_date timestamptz(3),
    actual_end_date timestamptz(3),
    contract_value numeric(15, 2),
    original_contract_value numeric(15, 2),
    description text,
    site_address text,
    site_city text,
    site_state text,
    site_zip_code text,
    assigned_to bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, assigned_to) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX projects_newest ON projects (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX projects_newest_of_status ON projects (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX projects_newest_of_contact ON projects (tenant_id, contact_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX projects_changed ON projects (tenant_id, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX projects_of_user ON projects (tenant_id, assigned_to) WHERE deleted_at IS NULL;
CREATE INDEX projects_by_start ON projects (tenant_id, start_date) WHERE deleted_at IS NULL;
CREATE INDEX projects_by_expected_end ON projects (tenant_id, expected_end_date) WHERE deleted_at IS NULL;
-- Not unique: clients may send any number.
CREATE INDEX projects_by_number ON projects (tenant_id, lower(project_number)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX projects_of_lead ON projects (tenant_id, lead_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX projects_of_bid ON projects (tenant_id, bid_id) WHERE deleted_at IS NULL;

CREATE FUNCTION project_search_text(name text, project_number text, description text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN name || E'\n' || project_number || E'\n' || coalesce(description, '');

CREATE INDEX projects_search ON projects USING gin (
    tenant_id, project_search_text(name, project_number, description) gin_trgm_ops
) WHERE deleted_at IS NULL;
