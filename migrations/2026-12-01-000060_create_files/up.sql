-- Which bytes a tenant keeps in the store of files, each once, and under which name they lie there.
CREATE TABLE files (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    name text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    created_at timestamptz(3) NOT NULL,
    PRIMARY KEY (tenant_id, sha256)
);

-- How many bytes a tenant keeps is a sum over this index alone.
CREATE INDEX files_by_size ON files (tenant_id) INCLUDE (size);
