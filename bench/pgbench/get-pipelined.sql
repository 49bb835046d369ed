-- The key and the contact, sent together.
\startpipeline
SELECT k.tenant_id, k.id, k.scopes, k.allowlist, k.expires_at, k.revoked_at, t.status
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
WHERE k.tenant_id = :tenant AND k.id = :key;
SELECT id, first_name, last_name, company_name, position, parent_contact_id, email,
    phone, mobile, website, notes, type, created_at, updated_at
FROM contacts
WHERE tenant_id = :tenant AND id = :id AND deleted_at IS NULL;
\endpipeline
