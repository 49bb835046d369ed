DROP TRIGGER make_letterhead_settings ON tenants;
DROP FUNCTION make_letterhead_settings;
DROP TABLE letterhead_settings;
