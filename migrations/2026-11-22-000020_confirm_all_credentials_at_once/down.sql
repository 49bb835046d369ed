DROP TRIGGER renew_credentials_revision_of_none ON tenants;
DROP TRIGGER renew_credentials_revision_of_none ON api_keys;
DROP TRIGGER renew_credentials_revision ON tenants;
DROP TRIGGER renew_credentials_revision ON api_keys;
DROP FUNCTION renew_credentials_revision();
DROP TABLE credentials_revision;
