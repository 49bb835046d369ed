-- Tenants and contacts to measure with. psql variables: tenants, rounds, per_round, tenant_base.
--
-- The contacts lie on disk as they would after a year of use: in the order in which they were made, all tenants mixed.
-- In each of `rounds` rounds every small tenant gets one contact, and the large tenant `per_round`. So that a load
-- generator needs no list of ids, an id tells its tenant: in round r, slot s of a round has the id
-- r * (tenants + per_round) + s + 1. Slots below `tenants` are the small tenants, the others the large one.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
SET max_parallel_maintenance_workers = 2;
-- No triggers, and so no look-ups of parents: the parents below are right.
SET session_replication_role = replica;

BEGIN;

INSERT INTO tenants (id, public_id, name, status, created_at) OVERRIDING SYSTEM VALUE
SELECT :tenant_base + slot, gen_random_uuid(), 'Measured company ' || slot, 'active', '2025-01-01'
FROM generate_series(0, :tenants) slot;
SELECT setval(pg_get_serial_sequence('tenants', 'id'), :tenant_base + :tenants) \g /dev/null

-- Indexes are made after the rows, which is many times faster, from their own definitions.
CREATE TEMPORARY TABLE put_off ON COMMIT DROP AS
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'contacts' AND indexname <> 'contacts_pkey';
SELECT format('DROP INDEX %I', indexname) FROM put_off \gexec

CREATE FUNCTION pg_temp.pick(words text[], id bigint, salt bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN words[1 + (hashint8extended(id, salt) & 1073741823) % cardinality(words)];

INSERT INTO contacts (tenant_id, id, first_name, last_name, company_name, position, parent_contact_id, email, phone,
                      mobile, website, notes, type, created_at, updated_at) OVERRIDING SYSTEM VALUE
SELECT
    :tenant_base + least(slot, :tenants),
    id,
    first_name,
    last_name,
    company_name,
    CASE WHEN dice % 10 < 6 THEN
        pg_temp.pick('{Owner,Site manager,Estimator,Project manager,Bookkeeper,Foreman,Superintendent,Architect,Inspector}', id, 4)
    END,
    -- One in ten belongs to the first contact of its slot, which is the same tenant's.
    CASE WHEN round > 0 AND dice % 100 BETWEEN 60 AND 69 THEN slot + 1 END,
    CASE WHEN dice % 100 < 92 THEN
        lower(first_name || '.' || last_name) || id || '@' || lower(trade) || '.example.com'
    END,
    CASE WHEN dice % 100 < 85 THEN
        '+1 ' || (200 + dice % 790) || ' 555 ' || lpad(((dice / 1000) % 10000)::text, 4, '0')
    END,
    CASE WHEN dice % 2 = 0 THEN
        '+1 ' || (200 + dice % 611) || ' 555 ' || lpad(((dice / 7000) % 10000)::text, 4, '0')
    END,
    CASE WHEN dice % 5 < 2 THEN 'https://www.' || lower(trade) || (dice % 5000) || '.example.com' END,
    CASE WHEN dice % 3 = 0 THEN
        pg_temp.pick(ARRAY['Prefers to be called in the morning.', 'Invoices go to the office, not to the site.',
            'Met at the spring trade fair.', 'Has keys to the yard; ring twice.', 'Pays within thirty days.',
            'Asks for drawings as PDF.', 'Works with us since the school on Mill Street.'], id, 5)
        || ' ' ||
        pg_temp.pick(ARRAY['Ask for the crew on site.', 'No deliveries before seven.', 'Insurance papers are on file.',
            'Next review in autumn.', 'Speaks Spanish and English.', 'Reference: job ' || dice % 100000 || '.'], id, 6)
    END,
    pg_temp.pick('{customer,general_contractor,architect,city,hoa,vendor,subcontractor,supplier,employee,partner,other}', id, 7),
    made,
    made
FROM (
    SELECT
        id,
        (id - 1) / (:tenants + :per_round) AS round,
        (id - 1) % (:tenants + :per_round) AS slot,
        hashint8extended(id, 8) & 1073741823 AS dice,
        -- A year, in steps of a millisecond, in the order of the ids.
        (timestamptz '2025-01-01 UTC' + interval '365 days' * (id::float8 / ((:tenants + :per_round)::bigint * :rounds)))::timestamptz(3) AS made,
        pg_temp.pick('{Ada,Ben,Carla,David,Elena,Frank,Grace,Hector,Ines,Jack,Karen,Luis,Maria,Nora,Omar,Paula,Quinn,Rosa,Sam,Tara,Uwe,Vera,Will,Yara,Zoe,Amir,Bea,Chen,Dora,Emil}', id, 1) AS first_name,
        pg_temp.pick('{Byron,Smith,Garcia,Miller,Lopez,Clark,Nguyen,Walker,Young,Allen,King,Wright,Scott,Torres,Hill,Flores,Green,Adams,Nelson,Baker,Hall,Rivera,Campbell,Mitchell,Carter,Roberts,Gomez,Phillips,Evans,Turner,Diaz,Parker,Cruz,Edwards,Collins,Reyes,Stewart,Morris,Morales,Murphy}', id, 2) AS last_name,
        pg_temp.pick('{Masonry,Roofing,Plumbing,Electric,Drywall,Painting,Concrete,Flooring,Glazing,Landscaping,Carpentry,Steel,Excavation,Insulation,Tiling}', id, 3) AS trade,
        pg_temp.pick('{Summit,River,Oak,Pioneer,Delta,Harbor,Granite,Prairie,Canyon,Lakeside,Union,Liberty,Cedar,Eagle,Metro,Valley}', id, 9)
            || ' ' ||
        pg_temp.pick('{Masonry,Roofing,Plumbing,Electric,Drywall,Painting,Concrete,Flooring,Glazing,Landscaping,Carpentry,Steel,Excavation,Insulation,Tiling}', id, 3)
            || ' ' || pg_temp.pick('{LLC,Inc.,Group,& Sons,Co.}', id, 10) AS company_name
    FROM generate_series(1, (:tenants + :per_round)::bigint * :rounds) id
    OFFSET 0
) made_up;
SELECT setval(pg_get_serial_sequence('contacts', 'id'), (:tenants + :per_round)::bigint * :rounds) \g /dev/null

SELECT indexdef FROM put_off \gexec

-- A lead for each contact, with its id, in its tenant's only stage.
\if :leads
INSERT INTO lead_stages (tenant_id, id, name, "order", is_default, is_won, is_lost, created_at, updated_at) OVERRIDING SYSTEM VALUE
SELECT :tenant_base + slot, :first_stage + slot, 'New', 1, true, false, false, '2025-01-01', '2025-01-01'
FROM generate_series(0, :tenants) slot;
TRUNCATE put_off;
INSERT INTO put_off SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'leads' AND indexname <> 'leads_pkey';
SELECT format('DROP INDEX %I', indexname) FROM put_off \gexec
INSERT INTO leads (tenant_id, id, name, contact_id, stage_id, source, estimated_value, description, site_address, site_city, created_at,
                   updated_at) OVERRIDING SYSTEM VALUE
SELECT tenant_id, id, 'Work for ' || company_name, id, :first_stage + tenant_id - :tenant_base, position, id % 100000 + 0.5,
       notes, phone || ' Elm Street', last_name, created_at, updated_at
FROM contacts WHERE tenant_id >= :tenant_base;
SELECT setval(pg_get_serial_sequence('leads', 'id'), (:tenants + :per_round)::bigint * :rounds) \g /dev/null
SELECT indexdef FROM put_off \gexec
\endif

COMMIT;
