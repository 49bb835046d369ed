-- Both tables are new, and empty but where they are tried out.
ALTER TABLE leads ADD FOREIGN KEY (tenant_id, converted_project_id) REFERENCES projects (tenant_id, id);
ALTER TABLE projects ADD FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id);
