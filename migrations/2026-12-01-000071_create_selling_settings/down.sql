DROP TABLE payment_terms;
DROP TRIGGER make_selling_settings ON tenants;
DROP FUNCTION make_selling_settings;
DROP TABLE selling_settings;
