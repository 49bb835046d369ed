ALTER TABLE project_templates DROP COLUMN task_count, DROP COLUMN phase_count;
ALTER TABLE project_tasks ADD COLUMN checklist jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(checklist) = 'array');
UPDATE project_tasks SET checklist = checks.list
FROM (
    SELECT tenant_id, task_id, jsonb_agg(jsonb_build_object('title', title, 'done', done) ORDER BY place) AS list
    FROM project_task_checks GROUP BY tenant_id, task_id
) AS checks
WHERE project_tasks.tenant_id = checks.tenant_id AND project_tasks.id = checks.task_id;
DROP TABLE project_task_checks;
