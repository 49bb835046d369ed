CREATE TABLE site_logs (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    project_id bigint NOT NULL,
    log_date date NOT NULL,
    title text,
    notes text NOT NULL,
    personnel_count bigint,
    work_performed text,
    materials_received text,
    visitors_on_site text,
    issues text,
    tags text[] NOT NULL,
    lat numeric(11, 8),
    lng numeric(11, 8),
    is_reviewed boolean NOT NULL,
    reviewed_by bigint,
    reviewed_at timestamptz(3),
    created_by bigint NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    FOREIGN KEY (tenant_id, reviewed_by) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX site_logs_newest ON site_logs (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX site_logs_newest_of_project ON site_logs (tenant_id, project_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX site_logs_newest_reviewed ON site_logs (tenant_id, is_reviewed, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX site_logs_by_day ON site_logs (tenant_id, log_date) WHERE deleted_at IS NULL;

-- What a list holds is sought in any case.
CREATE FUNCTION lower_texts(texts text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT lower(item) FROM unnest(texts) AS item);

CREATE INDEX site_logs_tags ON site_logs USING gin (tenant_id, lower_texts(tags)) WHERE deleted_at IS NULL;

CREATE FUNCTION site_log_search_text(
    title text, notes text, work_performed text, materials_received text, visitors_on_site text, issues text
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(title, '') || E'\n' || notes || E'\n' || coalesce(work_performed, '') || E'\n'
    || coalesce(materials_received, '') || E'\n' || coalesce(visitors_on_site, '') || E'\n' || coalesce(issues, '');

CREATE INDEX site_logs_search ON site_logs USING gin (
    tenant_id,
    site_log_search_text(title, notes, work_performed, materials_received, visitors_on_site, issues) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536) WHERE deleted_at IS NULL;
