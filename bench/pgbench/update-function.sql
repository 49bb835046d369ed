-- All in one statement, the lock included.
-- The row is locked before the key is claimed, for the receipt holds the row's values and can be written but once in a
-- statement. All do it in this order, so none waits for another in a circle.
WITH credential AS MATERIALIZED (
    SELECT :tenant::bigint AS tenant_id WHERE bench_hold(:lock, :tenant, :key, :scope)
), before AS MATERIALIZED (
    SELECT c.tenant_id, c.id, c.first_name, c.last_name, c.company_name, c.position, c.parent_contact_id, c.email,
        c.phone, c.mobile, c.website, c.notes, c.type, c.created_at, c.updated_at,
        '+1 555 ' || :phone AS new_phone
    FROM credential k JOIN contacts c ON c.tenant_id = k.tenant_id
    WHERE c.id = :id AND c.deleted_at IS NULL
    FOR NO KEY UPDATE OF c
), after AS MATERIALIZED (
    SELECT tenant_id, id, new_phone, phone, updated_at, jsonb_build_object(
        'id', id, 'firstName', first_name, 'lastName', last_name, 'companyName', company_name, 'position', position,
        'parentContactId', parent_contact_id, 'email', email, 'phone', new_phone, 'mobile', mobile, 'website', website,
        'notes', notes, 'type', type, 'createdAt', created_at, 'updatedAt', now()
    ) AS data
    FROM before
), claim AS (
    INSERT INTO idempotency_receipts AS r (tenant_id, key, fingerprint, expires_at, status, headers, body)
    SELECT tenant_id, :a::text || '-' || :b::text, sha256('request'), now() + interval '24 hours', 200,
        '[["content-type", "application/json"]]',
        convert_to('{"data": ' || data::text || ', "meta": {"request_id": "req_01JD0C9Z3T7QWERTYV5K8M2N4P"}}', 'UTF8')
    FROM after
    ON CONFLICT (tenant_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at, status = excluded.status,
        headers = excluded.headers, body = excluded.body
    WHERE r.expires_at <= now()
    RETURNING body
), changed AS (
    UPDATE contacts c SET phone = after.new_phone, updated_at = now()
    FROM claim, after
    WHERE c.tenant_id = after.tenant_id AND c.id = after.id
), told AS (
    INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, data, previous_attributes)
    SELECT tenant_id, gen_random_uuid(), 'contact.updated', 1, now(), data,
        jsonb_build_object('phone', phone, 'updatedAt', updated_at)
    FROM claim, after
)
SELECT body FROM claim;
