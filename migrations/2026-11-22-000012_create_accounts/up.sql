-- People, and the browsers they have signed in with. A person may be a user of many tenants, so neither belongs to one: of
-- all tables that grow with use, these alone are not led by tenant_id.
CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    first_name text,
    last_name text,
    password_hash text NOT NULL,
    created_at timestamptz(3) NOT NULL
);

CREATE UNIQUE INDEX accounts_email ON accounts (lower(email));

-- Until now each user had an address and a password of their own, and nobody could sign in. Who has one address in many
-- tenants keeps the newest password.
INSERT INTO accounts (email, password_hash, created_at)
SELECT DISTINCT ON (lower(email)) email, password_hash, min(created_at) OVER (PARTITION BY lower(email))
FROM users ORDER BY lower(email), users.created_at DESC, users.id DESC;

ALTER TABLE users ADD COLUMN account_id bigint REFERENCES accounts (id);
ALTER TABLE users ADD COLUMN deactivated_at timestamptz(3);
UPDATE users SET account_id = accounts.id FROM accounts WHERE lower(accounts.email) = lower(users.email);

-- An older server's `bwp user create` makes users without an account, who cannot sign in, as they could not before. The
-- columns that it writes go with a later release.
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
CREATE UNIQUE INDEX users_account ON users (tenant_id, account_id);
CREATE INDEX users_of_account ON users (account_id);

-- Of a session's token, only the SHA-256 is kept. A session that has ended is deleted, under its account's advisory lock.
CREATE TABLE sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    account_id bigint NOT NULL REFERENCES accounts (id),
    tenant_id bigint,
    user_id bigint,
    created_at timestamptz(3) NOT NULL,
    seen_at timestamptz(3) NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CHECK ((tenant_id IS NULL) = (user_id IS NULL))
);

CREATE INDEX sessions_of_account ON sessions (account_id);
CREATE INDEX sessions_by_age ON sessions (created_at);
