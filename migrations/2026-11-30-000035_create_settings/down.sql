DROP TRIGGER make_settings ON tenants;
DROP FUNCTION make_settings;
DROP TABLE data_retention_settings;
DROP TABLE branding_settings;
