-- What takes longer than a request may. A worker claims a job with a lease; how far the job is stands in its row, and is committed
-- with each batch of changes.
CREATE TABLE jobs (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    public_id uuid NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('csv_export', 'csv_import', 'bulk', 'pdf')),
    resource text NOT NULL,
    status text NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled')),
    params jsonb NOT NULL,
    result jsonb,
    error text,
    -- Who started it. NULL: the operator.
    key_id bigint,
    -- From where.
    address inet,
    -- The file that it reads, and how many bytes of that are done.
    source text,
    position bigint NOT NULL DEFAULT 0,
    -- The files that it made.
    artifact text,
    errors_artifact text,
    processed bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    created bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    -- How often it was claimed since it last came further.
    attempts integer NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    started_at timestamptz(3),
    completed_at timestamptz(3),
    expires_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, key_id) REFERENCES api_keys (tenant_id, id)
);

CREATE INDEX jobs_newest ON jobs (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_unfinished ON jobs (tenant_id, created_at, id) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_without_errors_file ON jobs (completed_at)
    WHERE errors > 0 AND errors_artifact IS NULL AND status IN ('succeeded', 'partial', 'failed', 'cancelled');
CREATE INDEX jobs_expiring ON jobs (expires_at);

-- Which rows of an import's file are wrong, until a file tells of them.
CREATE TABLE job_errors (
    tenant_id bigint NOT NULL,
    job_id bigint NOT NULL,
    row_number bigint NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    -- The row as JSON, its columns in the order of the file.
    source text NOT NULL,
    PRIMARY KEY (tenant_id, job_id, row_number),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE
);

-- Places to upload files to that imports read. NULL: nothing was uploaded yet.
CREATE TABLE job_uploads (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    file text,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX job_uploads_expiring ON job_uploads (expires_at);

-- Every file that is written for a job or an upload, from before it is written until it is thrown away.
CREATE TABLE job_files (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    name text NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE INDEX job_files_expiring ON job_files (expires_at);
