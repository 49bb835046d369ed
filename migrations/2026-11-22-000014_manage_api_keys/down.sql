DROP INDEX users_page;
DROP INDEX api_keys_page;
ALTER TABLE api_keys DROP COLUMN replaces, DROP COLUMN replaced_by, DROP COLUMN created_by_key;
