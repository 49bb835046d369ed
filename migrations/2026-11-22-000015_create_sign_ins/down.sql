DROP TABLE sign_in_failures;
DROP TABLE known_browsers;
ALTER TABLE sessions DROP COLUMN user_agent;
ALTER TABLE sessions DROP COLUMN address;
