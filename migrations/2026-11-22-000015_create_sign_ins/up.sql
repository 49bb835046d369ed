-- From where somebody signed in, for them to recognise their sessions.
ALTER TABLE sessions ADD COLUMN address inet;
ALTER TABLE sessions ADD COLUMN user_agent text;

-- Browsers in which somebody has signed in. Of the token that one is known by, only the SHA-256 is kept.
CREATE TABLE known_browsers (
    account_id bigint NOT NULL REFERENCES accounts (id),
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    signed_in_at timestamptz(3) NOT NULL,
    PRIMARY KEY (account_id, token_hash)
);

CREATE INDEX known_browsers_by_token ON known_browsers (token_hash);
CREATE INDEX known_browsers_by_age ON known_browsers (signed_in_at);

-- When attempts failed of late, by whom: a SHA-256 of an address, an account or a browser. A row's lock makes attempts at
-- once take turns.
CREATE TABLE sign_in_failures (
    key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    failed_at timestamptz(3)[] NOT NULL,
    last_at timestamptz(3) NOT NULL
);

CREATE INDEX sign_in_failures_by_age ON sign_in_failures (last_at);
