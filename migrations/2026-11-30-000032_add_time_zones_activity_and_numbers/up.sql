-- Which day it is at a tenant's: a name of the IANA database.
ALTER TABLE tenants ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';

-- What was done to each row of a resource. Keys and people are never deleted, and rows stay when they are: none of the ids
-- needs a foreign key, whose check would cost each change as much as its entry.
CREATE TABLE activity (
    tenant_id bigint NOT NULL,
    created_at timestamptz(3) NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    account_id bigint,
    key_id bigint,
    resource text NOT NULL,
    row_id bigint NOT NULL,
    action text NOT NULL CHECK (action IN ('created', 'updated', 'deleted', 'restored')),
    previous jsonb,
    PRIMARY KEY (tenant_id, created_at, id)
);

CREATE INDEX activity_of_row ON activity (tenant_id, resource, row_id, created_at, id);

-- The last number that a tenant gave to something of a kind, such as its projects. A row is made with the first number.
CREATE TABLE document_numbers (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    kind text NOT NULL,
    prefix text NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (tenant_id, kind)
) WITH (fillfactor = 50);
