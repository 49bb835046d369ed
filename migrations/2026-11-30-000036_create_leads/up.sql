CREATE TABLE leads (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    contact_id bigint,
    stage_id bigint NOT NULL,
    assigned_to bigint,
    source text,
    project_type text CHECK (project_type IN ('residential', 'commercial', 'industrial')),
    estimated_value numeric(15, 2),
    probability bigint,
    expected_close_date timestamptz(3),
    description text,
    site_address text,
    site_city text,
    site_state text,
    site_zip_code text,
    converted_project_id bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, stage_id) REFERENCES lead_stages (tenant_id, id),
    FOREIGN KEY (tenant_id, assigned_to) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX leads_newest ON leads (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_newest_of_stage ON leads (tenant_id, stage_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_newest_of_assignee ON leads (tenant_id, assigned_to, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_changed ON leads (tenant_id, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX leads_of_contact ON leads (tenant_id, contact_id) WHERE deleted_at IS NULL;
CREATE INDEX leads_closing ON leads (tenant_id, expected_close_date) WHERE deleted_at IS NULL;

-- What a search looks in, besides the linked contact. Fields are parted by line breaks, so that a match does not run from one
-- into the next.
CREATE FUNCTION lead_search_text(name text, source text, description text, site_address text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN name || E'\n' || coalesce(source, '') || E'\n' || coalesce(description, '') || E'\n' || coalesce(site_address, '');

-- As for contacts: servers sort in what is new, apart from any change.
CREATE INDEX leads_search ON leads USING gin (
    tenant_id, lead_search_text(name, source, description, site_address) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536) WHERE deleted_at IS NULL;
