CREATE TABLE documents (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    -- A record of one of many tables: it is pinned when a document is made, and may be deleted afterwards.
    entity_type text NOT NULL,
    entity_id bigint NOT NULL,
    original_filename text NOT NULL,
    storage_path text NOT NULL,
    mime_type text NOT NULL,
    file_size bigint NOT NULL,
    category text,
    description text,
    uploaded_by bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, uploaded_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX documents_newest ON documents (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_newest_of_type ON documents (tenant_id, entity_type, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_newest_of_id ON documents (tenant_id, entity_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_newest_of_record ON documents (tenant_id, entity_type, entity_id, created_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX documents_newest_of_category ON documents (tenant_id, category, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_changed ON documents (tenant_id, updated_at) WHERE deleted_at IS NULL;

CREATE FUNCTION document_search_text(original_filename text, description text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN original_filename || E'\n' || coalesce(description, '');

CREATE INDEX documents_search ON documents USING gin (
    tenant_id, document_search_text(original_filename, description) gin_trgm_ops
) WHERE deleted_at IS NULL;
