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

    outbox (tenant_id, id) {
        tenant_id -> Int8,
        id -> Int8,
        event_id -> Uuid,
        kind -> Text,
        version -> Int2,
        occurred_at -> Timestamptz,
        data -> Jsonb,
        previous_attributes -> Nullable<Jsonb>,
        delivered_at -> Nullable<Timestamptz>,
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

diesel::joinable!(api_keys -> tenants (tenant_id));
diesel::joinable!(invitations -> tenants (tenant_id));
diesel::joinable!(known_browsers -> accounts (account_id));
diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(users -> accounts (account_id));
diesel::joinable!(users -> tenants (tenant_id));

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    api_audit_logs,
    api_keys,
    contacts,
    credentials_revision,
    cursor_secrets,
    idempotency_receipts,
    invitations,
    key_usage,
    known_browsers,
    outbox,
    security_log,
    sessions,
    sign_in_failures,
    tenants,
    users,
);
