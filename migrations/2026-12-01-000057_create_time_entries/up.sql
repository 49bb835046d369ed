CREATE TABLE time_entries (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    project_id bigint NOT NULL,
    user_id bigint NOT NULL,
    task_id bigint,
    phase_id bigint,
    date date NOT NULL,
    hours numeric(5, 2) NOT NULL,
    -- Kept as they were when the work was logged: later rates do not change what was paid.
    hourly_rate numeric(15, 2),
    total_cost numeric(15, 2),
    description text,
    entry_type text NOT NULL,
    clock_in timestamptz(3),
    clock_out timestamptz(3),
    lat numeric(11, 8),
    lng numeric(11, 8),
    clock_in_accuracy_m numeric(14, 8),
    clock_out_lat numeric(11, 8),
    clock_out_lng numeric(11, 8),
    clock_out_accuracy_m numeric(14, 8),
    is_reviewed boolean NOT NULL,
    reviewed_by bigint,
    reviewed_at timestamptz(3),
    created_by bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, task_id) REFERENCES project_tasks (tenant_id, id),
    FOREIGN KEY (tenant_id, phase_id) REFERENCES project_phases (tenant_id, id),
    FOREIGN KEY (tenant_id, reviewed_by) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX time_entries_newest ON time_entries (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX time_entries_newest_of_project ON time_entries (tenant_id, project_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX time_entries_newest_of_user ON time_entries (tenant_id, user_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX time_entries_newest_reviewed ON time_entries (tenant_id, is_reviewed, created_at, id) WHERE deleted_at IS NULL;
-- Sums of a period are one range of it, without a look at the rows.
CREATE INDEX time_entries_by_day ON time_entries (tenant_id, date)
    INCLUDE (hours, total_cost, user_id, project_id) WHERE deleted_at IS NULL;
