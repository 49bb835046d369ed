-- What each batch of an import changed, so that the import can be undone. It goes with the import.
CREATE TABLE job_changes (
    tenant_id bigint NOT NULL,
    job_id bigint NOT NULL,
    -- How many bytes of the file end with the batch.
    position bigint NOT NULL,
    -- When the rows were changed: one that was changed since is left alone.
    changed_at timestamptz(3) NOT NULL,
    -- The rows that were made.
    created bigint[] NOT NULL,
    -- By the rows that were changed: what the file set, as it was before.
    updated jsonb NOT NULL,
    PRIMARY KEY (tenant_id, job_id, position),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE
);
