-- Both are trusted: the database's owner may create them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE contacts (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    first_name text,
    last_name text,
    company_name text,
    position text,
    parent_contact_id bigint,
    email text,
    phone text,
    mobile text,
    website text,
    notes text,
    type text NOT NULL
        CHECK (type IN ('customer', 'general_contractor', 'architect', 'city', 'hoa', 'vendor', 'subcontractor',
                        'supplier', 'employee', 'partner', 'other')),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_contact_id) REFERENCES contacts (tenant_id, id)
);

-- A page of contacts is one range of this index, wherever it starts, and so is a page of one type of this second one.
CREATE INDEX contacts_newest ON contacts (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_newest_of_type ON contacts (tenant_id, type, created_at, id) WHERE deleted_at IS NULL;

-- What a search looks in. Fields are parted by line breaks, so that a match does not run from one into the next; a
-- first and a last name are parted by a space, so that a full name is found.
CREATE FUNCTION contact_search_text(
    first_name text, last_name text, company_name text, email text, phone text, mobile text, notes text
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(first_name || ' ', '') || coalesce(last_name, '') || E'\n' || coalesce(company_name, '') || E'\n'
    || coalesce(email, '') || E'\n' || coalesce(phone, '') || E'\n' || coalesce(mobile, '') || E'\n'
    || coalesce(notes, '');

CREATE INDEX contacts_search ON contacts USING gin (
    tenant_id,
    contact_search_text(first_name, last_name, company_name, email, phone, mobile, notes) gin_trgm_ops
) WHERE deleted_at IS NULL;
