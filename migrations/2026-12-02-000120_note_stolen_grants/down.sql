DROP INDEX oauth_grants_connected;
ALTER TABLE oauth_grants DROP COLUMN stolen;
