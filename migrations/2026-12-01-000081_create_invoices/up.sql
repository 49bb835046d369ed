CREATE TABLE invoices (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    invoice_number text NOT NULL,
    project_id bigint,
    contact_id bigint,
    status text NOT NULL CHECK (status IN ('draft', 'sent', 'partial', 'paid', 'voided')),
    issue_date timestamptz(3),
    due_date timestamptz(3),
    subtotal numeric(15, 2) NOT NULL,
    tax_amount numeric(15, 2) NOT NULL,
    total numeric(15, 2) NOT NULL,
    amount_paid numeric(15, 2) NOT NULL,
    balance_due numeric(15, 2) NOT NULL,
    notes_to_customer text,
    source_type text NOT NULL CHECK (source_type IN ('bid', 'pay_app', 'ad_hoc')),
    source_bid_id bigint,
    source_pay_app_id bigint,
    tax_rate numeric(9, 4) NOT NULL,
    discount_type text NOT NULL CHECK (discount_type IN ('fixed', 'percentage')),
    discount numeric(16, 4) NOT NULL,
    discount_amount numeric(15, 2) NOT NULL,
    terms text,
    payment_terms_text text,
    payment_term_id bigint,
    payment_term_installment_id bigint,
    percent_of_bid numeric(9, 4),
    sent_at timestamptz(3),
    paid_at timestamptz(3),
    voided_at timestamptz(3),
    void_reason text,
    qbo_sync_status text NOT NULL CHECK (qbo_sync_status IN ('never', 'queued', 'synced', 'failed')),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, source_bid_id) REFERENCES bids (tenant_id, id),
    FOREIGN KEY (tenant_id, source_pay_app_id) REFERENCES pay_apps (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_term_id) REFERENCES payment_terms (tenant_id, id)
);

CREATE INDEX invoices_newest ON invoices (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX invoices_newest_of_status ON invoices (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX invoices_newest_of_project ON invoices (tenant_id, project_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX invoices_newest_of_contact ON invoices (tenant_id, contact_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX invoices_that_are_due ON invoices (tenant_id, due_date)
WHERE status IN ('sent', 'partial') AND deleted_at IS NULL;
CREATE INDEX invoices_of_bid ON invoices (tenant_id, source_bid_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX invoices_of_pay_app ON invoices (tenant_id, source_pay_app_id)
WHERE status <> 'voided' AND deleted_at IS NULL;
CREATE UNIQUE INDEX invoices_number ON invoices (tenant_id, lower(invoice_number)) WHERE deleted_at IS NULL;

CREATE FUNCTION invoice_search_text(invoice_number text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN invoice_number;

CREATE INDEX invoices_search ON invoices USING gin (
    tenant_id, invoice_search_text(invoice_number) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536) WHERE deleted_at IS NULL;

CREATE TABLE invoice_lines (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    invoice_id bigint NOT NULL,
    product_id bigint,
    description text NOT NULL,
    quantity numeric(16, 4) NOT NULL,
    unit_price numeric(16, 4) NOT NULL,
    amount numeric(15, 2) NOT NULL,
    is_taxable boolean NOT NULL,
    position bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);

CREATE INDEX invoice_lines_in_order ON invoice_lines (tenant_id, invoice_id, position, id) WHERE deleted_at IS NULL;

CREATE TABLE invoice_payments (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    invoice_id bigint NOT NULL,
    amount numeric(15, 2) NOT NULL,
    paid_at timestamptz(3),
    method text CHECK (method IN ('check', 'cash', 'ach', 'card', 'other')),
    reference text,
    notes text,
    voided_at timestamptz(3),
    source text NOT NULL CHECK (source IN ('manual', 'quickbooks')),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);

CREATE INDEX invoice_payments_in_order ON invoice_payments (tenant_id, invoice_id, paid_at, id) WHERE deleted_at IS NULL;
