-- The key and the page in one statement. The key stands in every row.
SELECT k.id, k.scopes, k.allowlist, k.expires_at, k.revoked_at, t.status,
    c.*
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
LEFT JOIN LATERAL (
    SELECT id, first_name, last_name, company_name, position, parent_contact_id, email,
        phone, mobile, website, notes, type, created_at, updated_at
    FROM contacts
    WHERE tenant_id = k.tenant_id AND deleted_at IS NULL
    ORDER BY created_at DESC, id DESC
    LIMIT 26
) c ON true
WHERE k.tenant_id = :tenant AND k.id = :key;
