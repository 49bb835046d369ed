DROP TABLE project_task_dependencies;
DROP TABLE project_tasks;
DROP TABLE project_phases;
