//! What each role may delegate, against every operation: the table is written down here once more, and not taken from the code.

use std::collections::BTreeSet;

use serde_json::json;

use super::Stage;
use crate::support::{operations, send};

const ROLES: [&str; 5] = ["company_admin", "manager", "member", "field_crew", "viewer"];

/// Scopes, and how many of the roles have them. The roles stand from the most to the least; field crews alone miss some that viewers have.
const OF_ALL: &[&str] = &[
    "contacts:read",
    "projects:read",
    "documents:read",
    "site_logs:read",
    "time_entries:read",
    "comments:read",
    "notifications:read",
    "notifications:write",
    "offline_access",
];
const NOT_OF_FIELD_CREWS: &[&str] = &[
    "leads:read",
    "bids:read",
    "pay_apps:read",
    "change_orders:read",
    "invoices:read",
    "products:read",
    "signatures:read",
    "reports:read",
];
const NOT_OF_VIEWERS: &[&str] = &["site_logs:write", "time_entries:write"];
const OF_MEMBERS: &[&str] = &[
    "contacts:write",
    "leads:write",
    "projects:write",
    "bids:write",
    "pay_apps:write",
    "change_orders:write",
    "invoices:write",
    "documents:write",
    "comments:write",
    "comments:delete",
    "users:read",
    "jobs:read",
    "jobs:write",
    "messaging:read",
];
const OF_MANAGERS: &[&str] = &[
    "products:write",
    "contacts:delete",
    "leads:delete",
    "projects:delete",
    "bids:delete",
    "pay_apps:delete",
    "change_orders:delete",
    "invoices:delete",
    "products:delete",
    "documents:delete",
    "site_logs:delete",
    "time_entries:delete",
    "bids:send",
    "pay_apps:send",
    "change_orders:send",
    "invoices:send",
    "signatures:send",
    "messaging:send",
    "bids:accept_reject",
    "pay_apps:approve",
    "change_orders:approve",
    "pay_apps:mark_paid",
    "invoices:mark_paid",
    "invoices:void",
];
const OF_ADMINS: &[&str] = &["webhooks:manage", "audit:read", "settings:read", "settings:write", "support:read"];

fn held(role: &str) -> BTreeSet<&'static str> {
    let rows: &[&[&str]] = match role {
        "company_admin" => &[OF_ALL, NOT_OF_FIELD_CREWS, NOT_OF_VIEWERS, OF_MEMBERS, OF_MANAGERS, OF_ADMINS],
        "manager" => &[OF_ALL, NOT_OF_FIELD_CREWS, NOT_OF_VIEWERS, OF_MEMBERS, OF_MANAGERS],
        "member" => &[OF_ALL, NOT_OF_FIELD_CREWS, NOT_OF_VIEWERS, OF_MEMBERS],
        "field_crew" => &[OF_ALL, NOT_OF_VIEWERS],
        _ => &[OF_ALL, NOT_OF_FIELD_CREWS],
    };
    rows.iter().flat_map(|row| row.iter().copied()).collect()
}

#[tokio::test]
async fn an_app_may_do_what_the_role_of_its_user_may_and_nothing_else() {
    let all: Vec<_> = held("company_admin").into_iter().collect();
    for role in ROLES {
        let mut stage = Stage::with(role).await;
        let tokens = stage.tokens(&all.join(" ")).await;
        let granted: BTreeSet<_> = tokens["scope"].as_str().expect("scopes").split(' ').collect();
        assert_eq!(granted, held(role), "{role}");
        let client = stage.api(&tokens);
        let (mut admitted, mut refused) = (0, 0);
        for operation in operations(&stage.world).await {
            // Of an id that there is not: what is asked about here comes before that.
            let request = client.request(operation.method.clone(), &operation.path_of(999_999));
            let answer = send(request.header("content-type", "application/json").body(json!({}).to_string())).await;
            let may = operation.scopes.iter().all(|scope| granted.contains(scope.as_str()));
            let is_refused = answer.status == 403 && answer.json["code"] == "scope_insufficient";
            assert_eq!(is_refused, !may, "{role}: {} needs {:?}: {answer}", operation.name, operation.scopes);
            if may { admitted += 1 } else { refused += 1 }
        }
        assert!(admitted > 20 && (refused > 5 || role == "company_admin"), "{role}: {admitted} and {refused}");
    }
}
