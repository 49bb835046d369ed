//! What the migrations have made.

use std::fmt::Write;

/// Generated from the migrated database, so every table is in it but those of [`WIDE`].
const SCHEMA: &str = include_str!("schema.rs");

const FUNCTIONS: &[&str] = &[
    "api_audit_logs_make_partition",
    "bid_search_text",
    "calendar_span",
    "change_order_search_text",
    "claim_idempotency_key",
    "contact_search_text",
    "document_search_text",
    "fan_out_events",
    "hold_expected_key",
    "hold_expected_keys",
    "invoice_search_text",
    "keep_security_log",
    "lead_search_text",
    "lower_texts",
    "make_letterhead_settings",
    "make_selling_settings",
    "make_settings",
    "product_search_text",
    "notify_users",
    "pay_app_search_text",
    "project_search_text",
    "refuse_unexpected",
    "renew_credentials_revision",
    "renew_revision",
    "site_log_search_text",
];

/// Tables of more columns than diesel's tuples have.
const WIDE: [&str; 3] = ["bids", "invoices", "pay_apps"];

/// Those that belong to no column.
const SEQUENCES: [&str; 2] = ["api_audit_log_ids", "event_positions"];

/// The statements that drop all of it, as far as it is there. They fail where something else hangs on it.
pub fn drop_everything() -> String {
    let tables: Vec<_> = tables().map(|table| format!("public.{table}")).collect();
    let mut statements = format!("DROP TABLE IF EXISTS {};\n", tables.join(", "));
    for function in FUNCTIONS {
        let _ = writeln!(statements, "DROP FUNCTION IF EXISTS public.{function};");
    }
    for sequence in SEQUENCES {
        let _ = writeln!(statements, "DROP SEQUENCE IF EXISTS public.{sequence};");
    }
    statements
}

/// The names in the list that ends the schema, and those that are not in it.
fn tables() -> impl Iterator<Item = &'static str> {
    let lines = SCHEMA.lines().skip_while(|line| !line.starts_with("diesel::allow_tables_to_appear_in_same_query!"));
    lines.skip(1).map_while(|line| line.strip_prefix("    ")?.strip_suffix(',')).chain(WIDE)
}
