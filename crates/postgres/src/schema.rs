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

    document_numbers (tenant_id, kind) {
        tenant_id -> Int8,
        kind -> Text,
        prefix -> Text,
        last -> Int8,
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

    key_usage (tenant_id, key_id) {
        tenant_id -> Int8,
        key_id -> Int8,
        last_used_at -> Timestamptz,
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
        checklist -> Jsonb,
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
diesel::joinable!(data_retention_settings -> tenants (tenant_id));
diesel::joinable!(document_numbers -> tenants (tenant_id));
diesel::joinable!(invitations -> tenants (tenant_id));
diesel::joinable!(known_browsers -> accounts (account_id));
diesel::joinable!(lead_stages -> tenants (tenant_id));
diesel::joinable!(leads -> tenants (tenant_id));
diesel::joinable!(project_templates -> tenants (tenant_id));
diesel::joinable!(projects -> tenants (tenant_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(users -> accounts (account_id));
diesel::joinable!(users -> tenants (tenant_id));
diesel::joinable!(webhook_endpoints -> tenants (tenant_id));

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    activity,
    api_audit_logs,
    api_keys,
    branding_settings,
    contacts,
    credentials_revision,
    cursor_secrets,
    data_retention_settings,
    document_numbers,
    idempotency_receipts,
    invitations,
    key_usage,
    known_browsers,
    lead_stages,
    leads,
    outbox,
    project_phases,
    project_task_dependencies,
    project_tasks,
    project_templates,
    projects,
    security_log,
    sessions,
    sign_in_failures,
    tenants,
    users,
    webhook_deliveries,
    webhook_endpoints,
    webhook_queues,
    webhook_workers,
);
