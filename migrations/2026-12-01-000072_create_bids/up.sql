CREATE TABLE bids (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    bid_number text NOT NULL,
    name text,
    contact_id bigint,
    lead_id bigint,
    project_id bigint,
    status text NOT NULL CHECK (status IN ('draft', 'sent', 'accepted', 'rejected', 'expired', 'cancelled')),
    subtotal numeric(15, 2) NOT NULL,
    tax_amount numeric(15, 2) NOT NULL,
    total numeric(15, 2) NOT NULL,
    discount_amount numeric(15, 2) NOT NULL,
    tax_rate numeric(9, 4),
    discount numeric(16, 4),
    discount_type text CHECK (discount_type IN ('fixed', 'percentage', 'percent')),
    due_date timestamptz(3),
    valid_until timestamptz(3),
    notes text,
    terms text,
    site_address text,
    site_city text,
    site_state text,
    site_zip_code text,
    latitude numeric(11, 8),
    longitude numeric(11, 8),
    sent_at timestamptz(3),
    accepted_at timestamptz(3),
    accepted_by text,
    rejected_at timestamptz(3),
    cancel_reason text,
    cancelled_at timestamptz(3),
    cancelled_from_status text
        CHECK (cancelled_from_status IN ('draft', 'sent', 'accepted', 'rejected', 'expired', 'cancelled')),
    margin_percent numeric(9, 4),
    company_oh_percent numeric(9, 4),
    commission_percent numeric(9, 4),
    show_sublines boolean,
    round_sales_amounts boolean,
    payment_terms_text text,
    payment_term_id bigint,
    kanban_order bigint NOT NULL,
    created_by bigint,
    viewed_at timestamptz(3),
    sales_tax_base text NOT NULL CHECK (sales_tax_base IN ('price', 'cost')),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_term_id) REFERENCES payment_terms (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX bids_newest ON bids (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX bids_newest_of_status ON bids (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX bids_newest_of_contact ON bids (tenant_id, contact_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX bids_newest_of_lead ON bids (tenant_id, lead_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX bids_newest_of_project ON bids (tenant_id, project_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX bids_of_maker ON bids (tenant_id, created_by, created_at) WHERE deleted_at IS NULL;
CREATE INDEX bids_changed ON bids (tenant_id, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX bids_that_expire ON bids (valid_until) WHERE status = 'sent' AND deleted_at IS NULL;
CREATE UNIQUE INDEX bids_number ON bids (tenant_id, lower(bid_number)) WHERE deleted_at IS NULL;

CREATE FUNCTION bid_search_text(bid_number text, name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN bid_number || E'\n' || coalesce(name, '');

CREATE INDEX bids_search ON bids USING gin (
    tenant_id, bid_search_text(bid_number, name) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536) WHERE deleted_at IS NULL;

-- Projects know the bid that they were made from: they are older than the table of bids.
ALTER TABLE projects ADD FOREIGN KEY (tenant_id, bid_id) REFERENCES bids (tenant_id, id);
