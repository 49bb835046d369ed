-- Apps of others: they belong to no tenant, for one app serves many. Of secrets only the SHA-256 is kept.
CREATE TABLE oauth_clients (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id uuid NOT NULL UNIQUE,
    name text NOT NULL,
    redirect_uris text[] NOT NULL,
    auth_method text NOT NULL CHECK (auth_method IN ('none', 'client_secret_basic', 'client_secret_post')),
    refreshes boolean NOT NULL,
    scopes text[] NOT NULL,
    contact text,
    secret_hash bytea CHECK (octet_length(secret_hash) = 32),
    -- What a public client says of itself: one that registers again finds itself.
    fingerprint bytea UNIQUE CHECK (octet_length(fingerprint) = 32),
    created_at timestamptz(3) NOT NULL,
    CHECK ((auth_method = 'none') = (secret_hash IS NULL)),
    CHECK ((auth_method = 'none') = (fingerprint IS NOT NULL))
);

-- What a user gave an app. Ending sets ended_at under the grant's advisory lock.
CREATE TABLE oauth_grants (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    client_id bigint NOT NULL REFERENCES oauth_clients (id),
    user_id bigint NOT NULL,
    scopes text[] NOT NULL,
    resource text NOT NULL CHECK (resource IN ('server', 'api', 'mcp')),
    -- The newest refresh token, the one that it succeeds, and whether what was given with the newest was used.
    current_refresh bigint,
    previous_refresh bigint,
    arrived boolean NOT NULL DEFAULT false,
    created_at timestamptz(3) NOT NULL,
    ended_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CHECK (previous_refresh IS NULL OR current_refresh IS NOT NULL)
) WITH (fillfactor = 70);

CREATE INDEX oauth_grants_of_user ON oauth_grants (tenant_id, user_id) WHERE ended_at IS NULL;
CREATE INDEX oauth_grants_of_client ON oauth_grants (client_id);

CREATE TABLE oauth_codes (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    client_id bigint NOT NULL REFERENCES oauth_clients (id),
    user_id bigint NOT NULL,
    scopes text[] NOT NULL,
    resource text NOT NULL CHECK (resource IN ('server', 'api', 'mcp')),
    redirect_uri text NOT NULL,
    challenge text NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    spent boolean NOT NULL DEFAULT false,
    grant_id bigint,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES oauth_grants (tenant_id, id),
    CHECK (grant_id IS NULL OR spent)
);

CREATE INDEX oauth_codes_expired ON oauth_codes (expires_at);
CREATE INDEX oauth_codes_of_client ON oauth_codes (client_id);

CREATE TABLE oauth_refresh_tokens (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    grant_id bigint NOT NULL,
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    expires_at timestamptz(3) NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES oauth_grants (tenant_id, id)
);

CREATE INDEX oauth_refresh_tokens_of_grant ON oauth_refresh_tokens (tenant_id, grant_id);
CREATE INDEX oauth_refresh_tokens_expired ON oauth_refresh_tokens (expires_at);

CREATE TABLE oauth_access_tokens (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    grant_id bigint NOT NULL,
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    -- The refresh token that was given with it.
    given_with bigint,
    scopes text[] NOT NULL,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    ended boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES oauth_grants (tenant_id, id)
);

CREATE INDEX oauth_access_tokens_of_grant ON oauth_access_tokens (tenant_id, grant_id);
CREATE INDEX oauth_access_tokens_expired ON oauth_access_tokens (expires_at);
