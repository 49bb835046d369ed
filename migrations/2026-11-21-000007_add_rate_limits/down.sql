ALTER TABLE api_keys DROP COLUMN rate_limit;
ALTER TABLE tenants DROP COLUMN rate_limit;
