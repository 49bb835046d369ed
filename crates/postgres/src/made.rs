//! What the migrations have made.

use std::fmt::Write;

/// Generated from the migrated database, so every table is in it.
const SCHEMA: &str = include_str!("schema.rs");

const FUNCTIONS: [&str; 12] = [
    "api_audit_logs_make_partition",
    "claim_idempotency_key",
    "contact_search_text",
    "fan_out_events",
    "hold_expected_key",
    "hold_expected_keys",
    "lead_search_text",
    "make_settings",
    "project_search_text",
    "refuse_unexpected",
    "renew_credentials_revision",
    "renew_revision",
];

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

/// The names in the list that ends the schema.
fn tables() -> impl Iterator<Item = &'static str> {
    let lines = SCHEMA.lines().skip_while(|line| !line.starts_with("diesel::allow_tables_to_appear_in_same_query!"));
    lines.skip(1).map_while(|line| line.strip_prefix("    ")?.strip_suffix(','))
}
