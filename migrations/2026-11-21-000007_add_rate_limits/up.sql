-- Units an hour of a tenant, requests a minute of a key. 0: no limit.
ALTER TABLE tenants ADD COLUMN rate_limit integer NOT NULL DEFAULT 10000 CHECK (rate_limit >= 0);
ALTER TABLE api_keys ADD COLUMN rate_limit integer NOT NULL DEFAULT 60 CHECK (rate_limit >= 0);
