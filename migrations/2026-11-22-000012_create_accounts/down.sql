DROP TABLE sessions;
UPDATE users SET email = accounts.email, password_hash = accounts.password_hash
FROM accounts WHERE accounts.id = users.account_id AND (users.email IS NULL OR users.password_hash IS NULL);
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL;
DROP INDEX users_account;
DROP INDEX users_of_account;
ALTER TABLE users DROP COLUMN account_id;
ALTER TABLE users DROP COLUMN deactivated_at;
DROP TABLE accounts;
