//! `bwp user`

use serde_json::json;

use super::{NOBODY, Operator, has_fields, parsed, printed, refused};
use crate::support::Sql;

fn create<'a>(tenant: &'a str, email: &'a str, role: &'a str) -> [&'a str; 9] {
    ["user", "create", "--tenant", tenant, "--email", email, "--role", role, "--password-stdin"]
}

#[tokio::test]
async fn one_is_made_with_a_password_from_standard_input() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let json = [&create(&tenant, "Ada@example.com", "company_admin")[..], &["--json"]].concat();
    let made = parsed(&operator.feed(&json, "correct horse battery\n").await);
    has_fields(&made, &["id", "tenantId", "email", "role", "createdAt"]);
    assert_eq!(
        (&made["tenantId"], &made["email"], &made["role"]),
        (&json!(tenant), &json!("Ada@example.com"), &json!("company_admin"))
    );
    let said = printed(&operator.feed(&create(&tenant, "eve@example.com", "viewer"), "correct horse battery").await);
    assert!(said.contains("eve@example.com") && said.contains("viewer") && !said.contains("horse"), "{said}");

    let mut sql = Sql::connect(&operator.0.url()).await;
    let hashed = "SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$%'";
    assert_eq!(sql.number(hashed).await, 2);
}

#[tokio::test]
async fn every_role_is_known() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    for role in ["company_admin", "manager", "member", "field_crew", "viewer"] {
        let email = format!("{role}@example.com");
        printed(&operator.feed(&create(&tenant, &email, role), "correct horse battery").await);
    }
}

#[tokio::test]
async fn a_password_is_12_bytes_or_more() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    for password in ["", "\n", "elevenbytes", "elevenbytes\r\n", &"x".repeat(5_000)] {
        let refusal = refused(&operator.feed(&create(&tenant, "ada@example.com", "member"), password).await);
        assert!(refusal.contains("password"), "{refusal}");
        assert!(password.trim().is_empty() || !refusal.contains(password.trim()), "it is not repeated: {refusal}");
    }
    printed(&operator.feed(&create(&tenant, "ada@example.com", "member"), "twelve bytes\n").await);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    printed(&operator.feed(&create(&tenant, "ada@example.com", "member"), "correct horse battery").await);
    let nobody = format!("tnt_{NOBODY}");
    let without_password = &create(&tenant, "eve@example.com", "member")[..8];
    for (arguments, said) in [
        (&create(&tenant, "ADA@example.com", "viewer")[..], "address"),
        (&create(&tenant, "nobody", "viewer"), "--email"),
        (&create(&tenant, "eve@example.com", "boss"), "field_crew"),
        (&create(&nobody, "eve@example.com", "viewer"), "bwp tenant list"),
        (&create("Acme", "eve@example.com", "viewer"), "tnt_"),
        (without_password, "--password-stdin"),
    ] {
        let refusal = refused(&operator.feed(arguments, "correct horse battery").await);
        assert!(refusal.contains(said), "{arguments:?}: {refusal}");
    }
    // Another tenant may know the same person.
    let other = operator.tenant().await;
    printed(&operator.feed(&create(&other, "ada@example.com", "member"), "correct horse battery").await);
}
