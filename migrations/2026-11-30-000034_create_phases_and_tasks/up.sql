-- The plan of a project: people change it on the pages, and conversions of bids make it.
CREATE TABLE project_phases (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    project_id bigint NOT NULL,
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed')),
    start_date timestamptz(3),
    end_date timestamptz(3),
    "order" bigint NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    -- What a task names: a phase of its own project.
    UNIQUE (tenant_id, project_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);

CREATE INDEX project_phases_in_order ON project_phases (tenant_id, project_id, "order", id) WHERE deleted_at IS NULL;
CREATE INDEX project_phases_by_start ON project_phases (tenant_id, start_date) WHERE deleted_at IS NULL;

CREATE TABLE project_tasks (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    project_id bigint NOT NULL,
    phase_id bigint,
    name text NOT NULL,
    description text,
    status text NOT NULL CHECK (status IN ('todo', 'in_progress', 'done')),
    priority text NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
    assigned_to bigint,
    start_date timestamptz(3),
    due_date timestamptz(3),
    -- In workdays.
    duration bigint CHECK (duration >= 0),
    "order" bigint NOT NULL,
    -- [{ "title": "…", "done": false }, …]
    checklist jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(checklist) = 'array'),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, project_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id, phase_id) REFERENCES project_phases (tenant_id, project_id, id),
    FOREIGN KEY (tenant_id, assigned_to) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX project_tasks_in_order ON project_tasks (tenant_id, project_id, "order", id) WHERE deleted_at IS NULL;
CREATE INDEX project_tasks_due ON project_tasks (tenant_id, due_date) WHERE deleted_at IS NULL;
CREATE INDEX project_tasks_of_user ON project_tasks (tenant_id, assigned_to) WHERE deleted_at IS NULL;

-- A task begins when another one of its project is done.
CREATE TABLE project_task_dependencies (
    tenant_id bigint NOT NULL,
    project_id bigint NOT NULL,
    task_id bigint NOT NULL,
    depends_on bigint NOT NULL CHECK (depends_on <> task_id),
    PRIMARY KEY (tenant_id, task_id, depends_on),
    FOREIGN KEY (tenant_id, project_id, task_id) REFERENCES project_tasks (tenant_id, project_id, id),
    FOREIGN KEY (tenant_id, project_id, depends_on) REFERENCES project_tasks (tenant_id, project_id, id)
);

CREATE INDEX project_tasks_depending ON project_task_dependencies (tenant_id, depends_on);
