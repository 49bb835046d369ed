DELETE FROM document_numbers WHERE within <> 0;
ALTER TABLE document_numbers DROP CONSTRAINT document_numbers_pkey;
ALTER TABLE document_numbers DROP COLUMN within;
ALTER TABLE document_numbers ADD PRIMARY KEY (tenant_id, kind);
