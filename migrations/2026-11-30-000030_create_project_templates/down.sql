DROP TABLE project_templates;
