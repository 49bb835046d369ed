-- Imports find contacts by their addresses.
CREATE INDEX contacts_by_email ON contacts (tenant_id, lower(email)) WHERE deleted_at IS NULL;
