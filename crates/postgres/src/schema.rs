// @generated automatically by Diesel CLI.

diesel::table! {
    use diesel::sql_types::*;

    accounts (id) {
        id -> Int8,
        email -> Text,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        password_hash -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    activity (tenant_id, created_at, id) {
        tenant_id -> Int8,
        created_at -> Timestamptz,
        id -> Int8,
        account_id -> Nullable<Int8>,
        key_id -> Nullable<Int8>,
        resource -> Text,
        row_id -> Int8,
        action -> Text,
        previous -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    api_audit_logs (tenant_id, created_at, id) {
        tenant_id -> Int8,
        created_at -> Timestamptz,
        id -> Int8,
        api_key_id -> Nullable<Int8>,
        oauth_token_id -> Nullable<Int8>,
        user_id -> Nullable<Int8>,
        duration_ms -> Int4,
        status -> Int2,
        ip -> Nullable<Inet>,
        method -> Text,
        path -> Text,
        request_id -> Text,
        user_agent -> Nullable<Text>,
        error_code -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    api_keys (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        public_id -> Uuid,
        key_hash -> Bytea,
        display_prefix -> Text,
        name -> Text,
        scopes -> Array<Nullable<Text>>,
        allowlist -> Array<Nullable<Cidr>>,
        created_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        rate_limit -> Int4,
        revision -> Uuid,
        replaces -> Nullable<Int8>,
        replaced_by -> Nullable<Int8>,
        created_by_key -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    bid_cost_items (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        bid_id -> Int8,
        line_item_id -> Int8,
        #[sql_name = "type"]
        type_ -> Text,
        description -> Nullable<Text>,
        product_id -> Nullable<Int8>,
        quantity -> Numeric,
        unit_cost -> Numeric,
        buy_tax_percent -> Nullable<Numeric>,
        sell_tax_percent -> Nullable<Numeric>,
        order -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    bid_line_items (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        bid_id -> Int8,
        product_id -> Nullable<Int8>,
        mark_name -> Nullable<Text>,
        description -> Text,
        quantity -> Nullable<Numeric>,
        unit_price -> Numeric,
        total -> Numeric,
        sell_total -> Numeric,
        sell_unit_price -> Numeric,
        raw_total -> Numeric,
        sell_tax_percent -> Nullable<Numeric>,
        written_unit_price -> Numeric,
        unit_cost -> Nullable<Numeric>,
        unit_buy_tax -> Nullable<Numeric>,
        unit_sell_tax -> Nullable<Numeric>,
        width -> Nullable<Numeric>,
        height -> Nullable<Numeric>,
        depth -> Nullable<Numeric>,
        area -> Nullable<Numeric>,
        perimeter_lf -> Nullable<Numeric>,
        volume_cf -> Nullable<Numeric>,
        order -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    bid_project_costs (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        bid_id -> Int8,
        description -> Nullable<Text>,
        product_id -> Nullable<Int8>,
        rate -> Numeric,
        per_unit -> Numeric,
        order -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    branding_settings (tenant_id) {
        tenant_id -> Int8,
        id -> Int8,
        company_name -> Nullable<Text>,
        primary_color -> Nullable<Text>,
        accent_color -> Nullable<Text>,
        has_logo -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    change_order_items (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        change_order_id -> Int8,
        change_type -> Text,
        bid_line_item_id -> Nullable<Int8>,
        mark_name -> Nullable<Text>,
        description -> Nullable<Text>,
        quantity -> Nullable<Numeric>,
        unit_price -> Nullable<Numeric>,
        labor_amount -> Nullable<Numeric>,
        tax_amount -> Nullable<Numeric>,
        amount -> Nullable<Numeric>,
        given_amount -> Nullable<Numeric>,
        order -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    change_orders (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        change_order_number -> Text,
        project_id -> Int8,
        title -> Text,
        description -> Nullable<Text>,
        status -> Text,
        reason -> Text,
        total_amount -> Numeric,
        total -> Numeric,
        additions -> Numeric,
        deductions -> Numeric,
        round_sales_amounts -> Nullable<Bool>,
        submitted_at -> Nullable<Timestamptz>,
        submitted_by -> Nullable<Text>,
        approved_at -> Nullable<Timestamptz>,
        approved_by -> Nullable<Text>,
        rejected_at -> Nullable<Timestamptz>,
        rejection_reason -> Nullable<Text>,
        voided_at -> Nullable<Timestamptz>,
        voided_by -> Nullable<Text>,
        void_reason -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        created_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    comments (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        entity_type -> Text,
        entity_id -> Int8,
        user_id -> Nullable<Int8>,
        content -> Text,
        parent_id -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    contacts (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        company_name -> Nullable<Text>,
        position -> Nullable<Text>,
        parent_contact_id -> Nullable<Int8>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        mobile -> Nullable<Text>,
        website -> Nullable<Text>,
        notes -> Nullable<Text>,
        #[sql_name = "type"]
        type_ -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    credentials_revision (only_row) {
        only_row -> Bool,
        revision -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    cursor_secrets (id) {
        id -> Bool,
        current -> Bytea,
        previous -> Nullable<Bytea>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    data_retention_settings (tenant_id) {
        tenant_id -> Int8,
        id -> Int8,
        audit_log_retention_days -> Nullable<Int8>,
        activity_log_retention_days -> Nullable<Int8>,
        notification_retention_days -> Nullable<Int8>,
        deleted_records_retention_days -> Nullable<Int8>,
        export_retention_days -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    document_numbers (tenant_id, kind, within) {
        tenant_id -> Int8,
        kind -> Text,
        prefix -> Text,
        last -> Int8,
        within -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    documents (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        entity_type -> Text,
        entity_id -> Int8,
        original_filename -> Text,
        storage_path -> Text,
        mime_type -> Text,
        file_size -> Int8,
        category -> Nullable<Text>,
        description -> Nullable<Text>,
        uploaded_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    files (tenant_id, sha256) {
        tenant_id -> Int8,
        sha256 -> Bytea,
        name -> Text,
        size -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    idempotency_receipts (tenant_id, key) {
        tenant_id -> Int8,
        key -> Text,
        fingerprint -> Bytea,
        status -> Nullable<Int2>,
        headers -> Nullable<Jsonb>,
        body -> Nullable<Bytea>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    invitations (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        email -> Text,
        role -> Text,
        token_hash -> Bytea,
        invited_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        accepted_at -> Nullable<Timestamptz>,
        user_id -> Nullable<Int8>,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    invoice_lines (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        invoice_id -> Int8,
        product_id -> Nullable<Int8>,
        description -> Text,
        quantity -> Numeric,
        unit_price -> Numeric,
        amount -> Numeric,
        is_taxable -> Bool,
        position -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    invoice_payments (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        invoice_id -> Int8,
        amount -> Numeric,
        paid_at -> Nullable<Timestamptz>,
        method -> Nullable<Text>,
        reference -> Nullable<Text>,
        notes -> Nullable<Text>,
        voided_at -> Nullable<Timestamptz>,
        source -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    job_changes (tenant_id, job_id, position) {
        tenant_id -> Int8,
        job_id -> Int8,
        position -> Int8,
        changed_at -> Timestamptz,
        created -> Array<Nullable<Int8>>,
        updated -> Jsonb,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    job_errors (tenant_id, job_id, row_number) {
        tenant_id -> Int8,
        job_id -> Int8,
        row_number -> Int8,
        code -> Text,
        message -> Text,
        source -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    job_files (tenant_id, name) {
        tenant_id -> Int8,
        name -> Text,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    job_uploads (tenant_id, id) {
        tenant_id -> Int8,
        id -> Uuid,
        file -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    jobs (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        public_id -> Uuid,
        kind -> Text,
        resource -> Text,
        status -> Text,
        params -> Jsonb,
        result -> Nullable<Jsonb>,
        error -> Nullable<Text>,
        key_id -> Nullable<Int8>,
        address -> Nullable<Inet>,
        source -> Nullable<Text>,
        position -> Int8,
        artifact -> Nullable<Text>,
        errors_artifact -> Nullable<Text>,
        processed -> Int8,
        total -> Int8,
        errors -> Int8,
        created -> Int8,
        updated -> Int8,
        attempts -> Int4,
        lease_token -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    key_usage (tenant_id, key_id) {
        tenant_id -> Int8,
        key_id -> Int8,
        last_used_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    kit_items (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        kit_product_id -> Int8,
        component_product_id -> Int8,
        default_quantity -> Numeric,
        override_cost_price -> Nullable<Numeric>,
        sort_order -> Nullable<Int8>,
        component_deleted -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    known_browsers (account_id, token_hash) {
        account_id -> Int8,
        token_hash -> Bytea,
        signed_in_at -> Timestamptz,
        id -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    labor_rates (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        covers -> Text,
        user_id -> Nullable<Int8>,
        project_id -> Nullable<Int8>,
        in_force_from -> Date,
        hourly_rate -> Numeric,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    lead_stages (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        name -> Text,
        color -> Nullable<Text>,
        order -> Int8,
        is_default -> Bool,
        is_won -> Bool,
        is_lost -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    leads (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        name -> Text,
        contact_id -> Nullable<Int8>,
        stage_id -> Int8,
        assigned_to -> Nullable<Int8>,
        source -> Nullable<Text>,
        project_type -> Nullable<Text>,
        estimated_value -> Nullable<Numeric>,
        probability -> Nullable<Int8>,
        expected_close_date -> Nullable<Timestamptz>,
        description -> Nullable<Text>,
        site_address -> Nullable<Text>,
        site_city -> Nullable<Text>,
        site_state -> Nullable<Text>,
        site_zip_code -> Nullable<Text>,
        converted_project_id -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    letterhead_settings (tenant_id) {
        tenant_id -> Int8,
        id -> Int8,
        address -> Nullable<Text>,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        website -> Nullable<Text>,
        license_number -> Nullable<Text>,
        tagline -> Nullable<Text>,
        footer -> Nullable<Text>,
        how_to_pay -> Nullable<Text>,
        currency_symbol -> Nullable<Text>,
        layout -> Text,
        typeface -> Text,
        logo -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    mail_outbox (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        enclosed -> Text,
        enclosed_id -> Int8,
        recipient -> Text,
        cc -> Array<Nullable<Text>>,
        bcc -> Array<Nullable<Text>>,
        subject -> Nullable<Text>,
        body -> Nullable<Text>,
        status -> Text,
        sent_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        request_id -> Nullable<Int8>,
        message_id -> Nullable<Text>,
        attempts -> Int8,
        queued_at -> Nullable<Timestamptz>,
        due_at -> Nullable<Timestamptz>,
        sent_at -> Nullable<Timestamptz>,
        fault -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    muted_notifications (tenant_id, account_id, type_) {
        tenant_id -> Int8,
        account_id -> Int8,
        #[sql_name = "type"]
        type_ -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    notifications (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        account_id -> Int8,
        #[sql_name = "type"]
        type_ -> Text,
        title -> Text,
        message -> Nullable<Text>,
        entity_type -> Nullable<Text>,
        entity_id -> Nullable<Int8>,
        read_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    oauth_access_tokens (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        grant_id -> Int8,
        token_hash -> Bytea,
        given_with -> Nullable<Int8>,
        scopes -> Array<Nullable<Text>>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    oauth_clients (id) {
        id -> Int8,
        public_id -> Uuid,
        name -> Text,
        redirect_uris -> Array<Nullable<Text>>,
        auth_method -> Text,
        refreshes -> Bool,
        scopes -> Array<Nullable<Text>>,
        contact -> Nullable<Text>,
        secret_hash -> Nullable<Bytea>,
        fingerprint -> Nullable<Bytea>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    oauth_codes (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        code_hash -> Bytea,
        client_id -> Int8,
        user_id -> Int8,
        scopes -> Array<Nullable<Text>>,
        resource -> Text,
        redirect_uri -> Text,
        challenge -> Text,
        expires_at -> Timestamptz,
        spent -> Bool,
        grant_id -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    oauth_grants (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        client_id -> Int8,
        user_id -> Int8,
        scopes -> Array<Nullable<Text>>,
        resource -> Text,
        current_refresh -> Nullable<Int8>,
        previous_refresh -> Nullable<Int8>,
        arrived -> Bool,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        stolen -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    oauth_refresh_tokens (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        grant_id -> Int8,
        token_hash -> Bytea,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    outbox (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        event_id -> Uuid,
        kind -> Text,
        version -> Int2,
        occurred_at -> Timestamptz,
        data -> Nullable<Jsonb>,
        previous_attributes -> Nullable<Jsonb>,
        delivered_at -> Nullable<Timestamptz>,
        resource -> Nullable<Text>,
        row_id -> Nullable<Int8>,
        account_id -> Nullable<Int8>,
        key_id -> Nullable<Int8>,
        body -> Nullable<Text>,
        position -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    pay_app_lines (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        pay_app_id -> Int8,
        item_number -> Nullable<Text>,
        description -> Text,
        scheduled_value -> Numeric,
        previous_billed -> Numeric,
        current_billed -> Numeric,
        materials_stored -> Numeric,
        total_to_date -> Numeric,
        balance -> Numeric,
        percent_complete -> Numeric,
        bid_line_item_id -> Nullable<Int8>,
        change_order_id -> Nullable<Int8>,
        origin -> Text,
        first_line_id -> Nullable<Int8>,
        opening_billed -> Numeric,
        order -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    payment_terms (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        name -> Text,
        days -> Nullable<Int8>,
        text -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    products (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        sku -> Text,
        name -> Text,
        description -> Nullable<Text>,
        sales_description -> Nullable<Text>,
        #[sql_name = "type"]
        type_ -> Text,
        category_id -> Nullable<Int8>,
        cost_price -> Nullable<Numeric>,
        sell_price -> Nullable<Numeric>,
        own_cost_price -> Nullable<Numeric>,
        own_sell_price -> Nullable<Numeric>,
        unit -> Nullable<Text>,
        manufacturer_id -> Nullable<Int8>,
        manufacturer_code -> Nullable<Text>,
        is_kit -> Bool,
        is_active -> Bool,
        buy_tax_percent -> Nullable<Numeric>,
        sell_tax_percent -> Nullable<Numeric>,
        qbo_id -> Nullable<Text>,
        qbo_sync_token -> Nullable<Text>,
        qbo_last_synced_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    project_phases (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        project_id -> Int8,
        name -> Text,
        status -> Text,
        start_date -> Nullable<Timestamptz>,
        end_date -> Nullable<Timestamptz>,
        order -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    project_task_checks (tenant_id, task_id, place) {
        tenant_id -> Int8,
        task_id -> Int8,
        place -> Int4,
        title -> Text,
        done -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    project_task_dependencies (tenant_id, task_id, depends_on) {
        tenant_id -> Int8,
        project_id -> Int8,
        task_id -> Int8,
        depends_on -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    project_tasks (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        project_id -> Int8,
        phase_id -> Nullable<Int8>,
        name -> Text,
        description -> Nullable<Text>,
        status -> Text,
        priority -> Text,
        assigned_to -> Nullable<Int8>,
        start_date -> Nullable<Timestamptz>,
        due_date -> Nullable<Timestamptz>,
        duration -> Nullable<Int8>,
        order -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    project_templates (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        name -> Text,
        description -> Nullable<Text>,
        project_type -> Nullable<Text>,
        created_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        phase_count -> Int8,
        task_count -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    projects (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        name -> Text,
        project_number -> Text,
        contact_id -> Nullable<Int8>,
        bid_id -> Nullable<Int8>,
        lead_id -> Nullable<Int8>,
        project_type -> Nullable<Text>,
        status -> Text,
        priority -> Nullable<Text>,
        start_date -> Nullable<Timestamptz>,
        expected_end_date -> Nullable<Timestamptz>,
        actual_end_date -> Nullable<Timestamptz>,
        contract_value -> Nullable<Numeric>,
        original_contract_value -> Nullable<Numeric>,
        description -> Nullable<Text>,
        site_address -> Nullable<Text>,
        site_city -> Nullable<Text>,
        site_state -> Nullable<Text>,
        site_zip_code -> Nullable<Text>,
        assigned_to -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    security_log (tenant_id, created_at, id) {
        tenant_id -> Int8,
        created_at -> Timestamptz,
        id -> Int8,
        actor_kind -> Text,
        actor_id -> Nullable<Int8>,
        actor_name -> Nullable<Text>,
        address -> Nullable<Inet>,
        key_id -> Nullable<Int8>,
        action -> Jsonb,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    selling_settings (tenant_id) {
        tenant_id -> Int8,
        id -> Int8,
        margin_percent -> Nullable<Numeric>,
        company_oh_percent -> Nullable<Numeric>,
        commission_percent -> Nullable<Numeric>,
        sales_tax_base -> Text,
        validity_days -> Nullable<Int8>,
        terms -> Nullable<Text>,
        payment_terms_text -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    sessions (id) {
        id -> Int8,
        token_hash -> Bytea,
        account_id -> Int8,
        tenant_id -> Nullable<Int8>,
        user_id -> Nullable<Int8>,
        created_at -> Timestamptz,
        seen_at -> Timestamptz,
        address -> Nullable<Inet>,
        user_agent -> Nullable<Text>,
        noted -> Jsonb,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    sign_in_failures (key) {
        key -> Bytea,
        failed_at -> Array<Nullable<Timestamptz>>,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    signature_requests (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        entity_type -> Text,
        entity_id -> Int8,
        status -> Text,
        signer_name -> Nullable<Text>,
        signer_email -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        signed_at -> Nullable<Timestamptz>,
        signed_document_id -> Nullable<Int8>,
        message -> Nullable<Text>,
        expires_at -> Nullable<Timestamptz>,
        decline_reason -> Nullable<Text>,
        created_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    signing_papers (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        request_id -> Int8,
        paper -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    signing_records (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        request_id -> Int8,
        nonce -> Text,
        fingerprint -> Text,
        signer -> Nullable<Text>,
        typed -> Nullable<Text>,
        drawn -> Nullable<Text>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        viewed_at -> Nullable<Timestamptz>,
        answered_at -> Nullable<Timestamptz>,
        reminders -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    site_logs (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        project_id -> Int8,
        log_date -> Date,
        title -> Nullable<Text>,
        notes -> Text,
        personnel_count -> Nullable<Int8>,
        work_performed -> Nullable<Text>,
        materials_received -> Nullable<Text>,
        visitors_on_site -> Nullable<Text>,
        issues -> Nullable<Text>,
        tags -> Array<Nullable<Text>>,
        lat -> Nullable<Numeric>,
        lng -> Nullable<Numeric>,
        is_reviewed -> Bool,
        reviewed_by -> Nullable<Int8>,
        reviewed_at -> Nullable<Timestamptz>,
        created_by -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    tenants (id) {
        id -> Int8,
        public_id -> Uuid,
        name -> Text,
        status -> Text,
        created_at -> Timestamptz,
        rate_limit -> Int4,
        revision -> Uuid,
        time_zone -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    time_entries (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        project_id -> Int8,
        user_id -> Int8,
        task_id -> Nullable<Int8>,
        phase_id -> Nullable<Int8>,
        date -> Date,
        hours -> Numeric,
        hourly_rate -> Nullable<Numeric>,
        total_cost -> Nullable<Numeric>,
        description -> Nullable<Text>,
        entry_type -> Text,
        clock_in -> Nullable<Timestamptz>,
        clock_out -> Nullable<Timestamptz>,
        lat -> Nullable<Numeric>,
        lng -> Nullable<Numeric>,
        clock_in_accuracy_m -> Nullable<Numeric>,
        clock_out_lat -> Nullable<Numeric>,
        clock_out_lng -> Nullable<Numeric>,
        clock_out_accuracy_m -> Nullable<Numeric>,
        is_reviewed -> Bool,
        reviewed_by -> Nullable<Int8>,
        reviewed_at -> Nullable<Timestamptz>,
        created_by -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    users (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        email -> Nullable<Text>,
        role -> Text,
        password_hash -> Nullable<Text>,
        created_at -> Timestamptz,
        account_id -> Nullable<Int8>,
        deactivated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    webhook_deliveries (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        endpoint_id -> Int8,
        outbox_id -> Int8,
        event_id -> Uuid,
        event_type -> Text,
        status -> Text,
        is_first -> Bool,
        replays -> Int4,
        attempts -> Int4,
        next_attempt_at -> Nullable<Timestamptz>,
        last_attempted_at -> Nullable<Timestamptz>,
        response_status -> Nullable<Int2>,
        response_body -> Nullable<Text>,
        response_headers -> Nullable<Jsonb>,
        error_message -> Nullable<Text>,
        created_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    webhook_endpoints (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        url -> Text,
        description -> Nullable<Text>,
        event_types -> Array<Nullable<Text>>,
        secret -> Bytea,
        previous_secret -> Nullable<Bytea>,
        previous_secret_until -> Nullable<Timestamptz>,
        active_since -> Timestamptz,
        inactive_since -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        disabled_reason -> Nullable<Text>,
        consecutive_failures -> Int4,
        last_delivered_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    webhook_queues (tenant_id, endpoint_id) {
        tenant_id -> Int8,
        endpoint_id -> Int8,
        due_at -> Nullable<Timestamptz>,
        worker -> Nullable<Uuid>,
        state -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    webhook_workers (id) {
        id -> Uuid,
        seen_at -> Timestamptz,
    }
}

diesel::joinable!(api_keys -> tenants (tenant_id));
diesel::joinable!(branding_settings -> tenants (tenant_id));
diesel::joinable!(change_orders -> tenants (tenant_id));
diesel::joinable!(comments -> tenants (tenant_id));
diesel::joinable!(data_retention_settings -> tenants (tenant_id));
diesel::joinable!(document_numbers -> tenants (tenant_id));
diesel::joinable!(documents -> tenants (tenant_id));
diesel::joinable!(files -> tenants (tenant_id));
diesel::joinable!(invitations -> tenants (tenant_id));
diesel::joinable!(job_files -> tenants (tenant_id));
diesel::joinable!(job_uploads -> tenants (tenant_id));
diesel::joinable!(jobs -> tenants (tenant_id));
diesel::joinable!(kit_items -> tenants (tenant_id));
diesel::joinable!(known_browsers -> accounts (account_id));
diesel::joinable!(labor_rates -> tenants (tenant_id));
diesel::joinable!(lead_stages -> tenants (tenant_id));
diesel::joinable!(leads -> tenants (tenant_id));
diesel::joinable!(letterhead_settings -> tenants (tenant_id));
diesel::joinable!(mail_outbox -> tenants (tenant_id));
diesel::joinable!(oauth_codes -> oauth_clients (client_id));
diesel::joinable!(oauth_codes -> tenants (tenant_id));
diesel::joinable!(oauth_grants -> oauth_clients (client_id));
diesel::joinable!(oauth_grants -> tenants (tenant_id));
diesel::joinable!(payment_terms -> tenants (tenant_id));
diesel::joinable!(products -> tenants (tenant_id));
diesel::joinable!(project_templates -> tenants (tenant_id));
diesel::joinable!(projects -> tenants (tenant_id));
diesel::joinable!(selling_settings -> tenants (tenant_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(signature_requests -> tenants (tenant_id));
diesel::joinable!(site_logs -> tenants (tenant_id));
diesel::joinable!(time_entries -> tenants (tenant_id));
diesel::joinable!(users -> accounts (account_id));
diesel::joinable!(users -> tenants (tenant_id));
diesel::joinable!(webhook_endpoints -> tenants (tenant_id));

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    activity,
    api_audit_logs,
    api_keys,
    bid_cost_items,
    bid_line_items,
    bid_project_costs,
    branding_settings,
    change_order_items,
    change_orders,
    comments,
    contacts,
    credentials_revision,
    cursor_secrets,
    data_retention_settings,
    document_numbers,
    documents,
    files,
    idempotency_receipts,
    invitations,
    invoice_lines,
    invoice_payments,
    job_changes,
    job_errors,
    job_files,
    job_uploads,
    jobs,
    key_usage,
    kit_items,
    known_browsers,
    labor_rates,
    lead_stages,
    leads,
    letterhead_settings,
    mail_outbox,
    muted_notifications,
    notifications,
    oauth_access_tokens,
    oauth_clients,
    oauth_codes,
    oauth_grants,
    oauth_refresh_tokens,
    outbox,
    pay_app_lines,
    payment_terms,
    products,
    project_phases,
    project_task_checks,
    project_task_dependencies,
    project_tasks,
    project_templates,
    projects,
    security_log,
    selling_settings,
    sessions,
    sign_in_failures,
    signature_requests,
    signing_papers,
    signing_records,
    site_logs,
    tenants,
    time_entries,
    users,
    webhook_deliveries,
    webhook_endpoints,
    webhook_queues,
    webhook_workers,
);
