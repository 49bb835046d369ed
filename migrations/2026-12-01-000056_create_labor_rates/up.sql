-- What an hour of work costs, from a day on: a user's work on one project, a user's work, anybody's work.
CREATE TABLE labor_rates (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    covers text NOT NULL,
    user_id bigint,
    project_id bigint,
    in_force_from date NOT NULL,
    hourly_rate numeric(15, 2) NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    CHECK (covers = CASE WHEN user_id IS NULL THEN 'tenant' WHEN project_id IS NULL THEN 'user' ELSE 'user_on_project' END),
    CHECK (project_id IS NULL OR user_id IS NOT NULL)
);

CREATE INDEX labor_rates_newest ON labor_rates (tenant_id, created_at, id) WHERE deleted_at IS NULL;
-- One rate begins on a day.
CREATE UNIQUE INDEX labor_rates_in_force ON labor_rates (tenant_id, user_id, project_id, in_force_from)
    NULLS NOT DISTINCT WHERE deleted_at IS NULL;
