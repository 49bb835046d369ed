-- What there is to check of a task, in its order. The tables of plans are new, and empty but where they are tried out.
CREATE TABLE project_task_checks (
    tenant_id bigint NOT NULL,
    task_id bigint NOT NULL,
    place integer NOT NULL,
    title text NOT NULL,
    done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, task_id, place),
    FOREIGN KEY (tenant_id, task_id) REFERENCES project_tasks (tenant_id, id)
);

INSERT INTO project_task_checks (tenant_id, task_id, place, title, done)
SELECT tenant_id, project_tasks.id, place, item ->> 'title', coalesce((item ->> 'done')::boolean, false)
FROM project_tasks CROSS JOIN jsonb_array_elements(checklist) WITH ORDINALITY AS items (item, place);

ALTER TABLE project_tasks DROP COLUMN checklist;

-- What a template holds is counted where it is filled.
ALTER TABLE project_templates
    ADD COLUMN phase_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN task_count bigint NOT NULL DEFAULT 0;
