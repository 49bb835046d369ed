-- The key and the contact in one statement.
SELECT k.id, k.scopes, k.allowlist, k.expires_at, k.revoked_at, t.status,
    c.id, c.first_name, c.last_name, c.company_name, c.position, c.parent_contact_id, c.email,
    c.phone, c.mobile, c.website, c.notes, c.type, c.created_at, c.updated_at
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
LEFT JOIN contacts c ON c.tenant_id = k.tenant_id AND c.id = :id AND c.deleted_at IS NULL
WHERE k.tenant_id = :tenant AND k.id = :key;
