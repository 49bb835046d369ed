-- The same, sent together: what is between two Syncs is one transaction. The client cannot decide in the middle, so a
-- key that may not, or a claim that is not fresh, divides by zero, which undoes all.
\startpipeline
SELECT pg_advisory_xact_lock_shared(:lock);
SELECT k.tenant_id, k.id, k.scopes, k.allowlist, k.expires_at, k.revoked_at, t.status, 1 / (
        k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND t.status = 'active'
        AND :scope = ANY (k.scopes) AND cardinality(k.allowlist) = 0
    )::int
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
WHERE k.tenant_id = :tenant AND k.id = :key;
WITH claim AS (
    INSERT INTO idempotency_receipts AS r (tenant_id, key, fingerprint, expires_at)
    VALUES (:tenant, :a::text || '-' || :b::text, sha256('request'), now() + interval '24 hours')
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at, status = NULL, headers = NULL, body = NULL
    WHERE r.expires_at <= now()
    RETURNING 1
)
SELECT 1 / count(*) FROM claim;
INSERT INTO contacts (tenant_id, first_name, last_name, company_name, position, email, phone, mobile, website, notes, type,
    created_at, updated_at)
VALUES (:tenant, 'Ada', 'Byron', 'Granite Masonry ' || :v || ' LLC', 'Site manager', 'ada.byron' || :v || '@masonry.example.com',
    '+1 555 0' || :v, '+1 555 1' || :v, 'https://www.masonry' || :v || '.example.com',
    'Prefers to be called in the morning. Reference: job ' || :v || '.', 'subcontractor', now(), now())
RETURNING id;
INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, data, previous_attributes)
VALUES (:tenant, gen_random_uuid(), 'contact.created', 1, now(),
    ('{"id": ' || currval('contacts_id_seq') || ', "firstName": "Ada", "lastName": "Byron", "companyName": "Granite Masonry 123456 LLC", "position": "Site manager", "parentContactId": null, "email": "ada.byron123456@masonry.example.com", "phone": "+1 555 0123456", "mobile": "+1 555 1123456", "website": "https://www.masonry123456.example.com", "notes": "Prefers to be called in the morning. Reference: job 123456.", "type": "subcontractor", "createdAt": "2026-01-31T08-00-00.000Z", "updatedAt": "2026-01-31T08-00-00.000Z"}')::jsonb,
    NULL);
UPDATE idempotency_receipts SET status = 201, headers = '[["content-type", "application/json"]]',
    body = ('{"data": {"id": ' || currval('contacts_id_seq') || ', "firstName": "Ada", "lastName": "Byron", "companyName": "Granite Masonry 123456 LLC", "position": "Site manager", "parentContactId": null, "email": "ada.byron123456@masonry.example.com", "phone": "+1 555 0123456", "mobile": "+1 555 1123456", "website": "https://www.masonry123456.example.com", "notes": "Prefers to be called in the morning. Reference: job 123456.", "type": "subcontractor", "createdAt": "2026-01-31T08-00-00.000Z", "updatedAt": "2026-01-31T08-00-00.000Z"}, "meta": {"request_id": "req_01JD0C9Z3T7QWERTYV5K8M2N4P"}}')::bytea
WHERE tenant_id = :tenant AND key = :a::text || '-' || :b::text;
\endpipeline
