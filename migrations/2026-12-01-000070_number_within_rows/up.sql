-- Numbers of some kinds run on within a row that they belong to, such as the change orders of a project: its id. Zero is the tenant.
ALTER TABLE document_numbers ADD COLUMN within bigint NOT NULL DEFAULT 0;
ALTER TABLE document_numbers DROP CONSTRAINT document_numbers_pkey;
ALTER TABLE document_numbers ADD PRIMARY KEY (tenant_id, kind, within);
