ALTER TABLE contacts ALTER COLUMN id SET GENERATED ALWAYS;
DROP FUNCTION refuse_unexpected();
DROP FUNCTION hold_expected_key(bigint, bigint, bigint, uuid, uuid);
DROP TRIGGER renew_revision ON tenants;
DROP TRIGGER renew_revision ON api_keys;
DROP FUNCTION renew_revision();
ALTER TABLE tenants DROP COLUMN revision;
ALTER TABLE api_keys DROP COLUMN revision;
