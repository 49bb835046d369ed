CREATE TABLE pay_apps (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    pay_app_number text NOT NULL,
    project_id bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'submitted', 'approved', 'rejected', 'paid', 'voided')),
    period_start timestamptz(3),
    period_end timestamptz(3),
    contract_sum numeric(15, 2),
    change_orders_total numeric(15, 2),
    revised_contract_sum numeric(15, 2) NOT NULL,
    previously_billed numeric(15, 2) NOT NULL,
    current_billed numeric(15, 2) NOT NULL,
    materials_stored numeric(15, 2) NOT NULL,
    total_completed numeric(15, 2) NOT NULL,
    retainage_percent numeric(9, 4),
    retainage_amount numeric(15, 2) NOT NULL,
    current_payment_due numeric(15, 2) NOT NULL,
    application_no bigint NOT NULL,
    previous_certificates numeric(15, 2) NOT NULL,
    retainage_this_period numeric(15, 2) NOT NULL,
    balance_to_finish numeric(15, 2) NOT NULL,
    percent_complete numeric(15, 2) NOT NULL,
    scheduled_value_difference numeric(15, 2) NOT NULL,
    change_orders_total_follows boolean NOT NULL,
    submitted_at timestamptz(3),
    submitted_by bigint,
    approved_at timestamptz(3),
    approved_by bigint,
    rejected_at timestamptz(3),
    rejection_reason text,
    paid_at timestamptz(3),
    sent_at timestamptz(3),
    sent_by bigint,
    voided_at timestamptz(3),
    voided_by bigint,
    void_reason text,
    notes text,
    change_orders jsonb,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
    FOREIGN KEY (tenant_id, submitted_by) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, approved_by) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, sent_by) REFERENCES users (tenant_id, account_id),
    FOREIGN KEY (tenant_id, voided_by) REFERENCES users (tenant_id, account_id)
);

CREATE INDEX pay_apps_newest ON pay_apps (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX pay_apps_newest_of_status ON pay_apps (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX pay_apps_newest_of_project ON pay_apps (tenant_id, project_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX pay_apps_in_order ON pay_apps (tenant_id, project_id, application_no, id) WHERE deleted_at IS NULL;
CREATE INDEX pay_apps_submitted ON pay_apps (tenant_id, submitted_at) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX pay_apps_number ON pay_apps (tenant_id, project_id, lower(pay_app_number)) WHERE deleted_at IS NULL;

CREATE FUNCTION pay_app_search_text(pay_app_number text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pay_app_number;

CREATE INDEX pay_apps_search ON pay_apps USING gin (
    tenant_id, pay_app_search_text(pay_app_number) gin_trgm_ops
) WITH (gin_pending_list_limit = 65536) WHERE deleted_at IS NULL;

CREATE TABLE pay_app_lines (
    tenant_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    pay_app_id bigint NOT NULL,
    item_number text,
    description text NOT NULL,
    scheduled_value numeric(15, 2) NOT NULL,
    previous_billed numeric(15, 2) NOT NULL,
    current_billed numeric(15, 2) NOT NULL,
    materials_stored numeric(15, 2) NOT NULL,
    total_to_date numeric(15, 2) NOT NULL,
    balance numeric(15, 2) NOT NULL,
    percent_complete numeric(15, 2) NOT NULL,
    bid_line_item_id bigint,
    change_order_id bigint,
    origin text NOT NULL CHECK (origin IN ('manual', 'bid_line', 'sales_tax', 'contract', 'change_order')),
    -- Of one of an earlier application of the project, which may be deleted.
    first_line_id bigint,
    opening_billed numeric(15, 2) NOT NULL,
    "order" bigint,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz(3),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, pay_app_id) REFERENCES pay_apps (tenant_id, id),
    FOREIGN KEY (tenant_id, bid_line_item_id) REFERENCES bid_line_items (tenant_id, id),
    FOREIGN KEY (tenant_id, change_order_id) REFERENCES change_orders (tenant_id, id)
);

CREATE INDEX pay_app_lines_in_order ON pay_app_lines (tenant_id, pay_app_id, "order", id) WHERE deleted_at IS NULL;
CREATE INDEX pay_app_lines_of_change_order ON pay_app_lines (tenant_id, change_order_id) WHERE deleted_at IS NULL;
