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
    has_fields(&made, &["id", "tenantId", "email", "role", "active", "createdAt", "hadAccount"]);
    assert_eq!(
        (&made["tenantId"], &made["email"], &made["role"]),
        (&json!(tenant), &json!("Ada@example.com"), &json!("company_admin"))
    );
    let said = printed(&operator.feed(&create(&tenant, "eve@example.com", "viewer"), "correct horse battery").await);
    assert!(said.contains("eve@example.com") && said.contains("viewer") && !said.contains("horse"), "{said}");

    let mut sql = Sql::connect(&operator.0.url()).await;
    let hashed = "SELECT count(*) FROM accounts WHERE password_hash LIKE '$argon2id$%'";
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
}

#[tokio::test]
async fn who_has_an_account_in_another_tenant_keeps_their_password() {
    let operator = Operator::new().await;
    let (tenant, other) = (operator.tenant().await, operator.tenant().await);
    let said = printed(&operator.feed(&create(&tenant, "ada@example.com", "member"), "correct horse battery").await);
    assert!(!said.contains("already"), "{said}");
    let mut sql = Sql::connect(&operator.0.url()).await;
    let before = sql.number("SELECT hashtext(password_hash) FROM accounts").await;
    let refused = operator.feed(&create(&other, "ADA@example.com", "viewer"), "another horse battery").await;
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("--existing-account"), "{text}");
    let existing = [&create(&other, "ADA@example.com", "viewer")[..8], &["--existing-account"]].concat();
    let said = operator.text(&existing).await;
    assert!(said.contains("account already") && said.contains("ada@example.com"), "{said}");
    let third = operator.tenant().await;
    let existing = [&create(&third, "ada@example.com", "viewer")[..8], &["--existing-account"]].concat();
    assert_eq!(operator.json(&existing).await["hadAccount"], json!(true));
    assert_eq!(sql.number("SELECT hashtext(password_hash) FROM accounts").await, before);
    assert_eq!(sql.number("SELECT count(*) FROM users").await, 3);
}

#[tokio::test]
async fn an_account_that_nobody_has_is_not_taken() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let existing = [&create(&tenant, "ada@example.com", "member")[..8], &["--existing-account"]].concat();
    let refusal = operator.refusal(&existing).await;
    assert!(refusal.contains("nobody has") && refusal.contains("--password-stdin"), "{refusal}");
    assert_eq!(Sql::connect(&operator.0.url()).await.number("SELECT count(*) FROM accounts").await, 0);
    // A password would be thrown away.
    let both = [&existing[..], &["--password-stdin"]].concat();
    assert!(refused(&operator.feed(&both, "correct horse battery").await).contains("cannot be used with"));
}

#[tokio::test]
async fn they_are_listed() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    printed(&operator.feed(&create(&tenant, "eve@example.com", "member"), "correct horse battery").await);
    printed(&operator.feed(&create(&tenant, "ada@example.com", "company_admin"), "correct horse battery").await);
    let listed = operator.json(&["user", "list", "--tenant", &tenant]).await;
    let seen: Vec<_> = listed.as_array().expect("a list").iter().map(|user| &user["email"]).collect();
    assert_eq!(seen, [&json!("ada@example.com"), &json!("eve@example.com")]);
    has_fields(&listed[0], &["id", "email", "role", "active", "createdAt"]);
    let said = operator.text(&["user", "list", "--tenant", &tenant]).await;
    assert!(said.contains("ada@example.com") && said.contains("company_admin"), "{said}");
    let nobody = format!("tnt_{NOBODY}");
    assert!(operator.refusal(&["user", "list", "--tenant", &nobody]).await.contains("bwp tenant list"));
}

#[tokio::test]
async fn who_forgot_their_password_is_given_another_one() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    printed(&operator.feed(&create(&tenant, "ada@example.com", "member"), "correct horse battery").await);
    let mut sql = Sql::connect(&operator.0.url()).await;
    let before = sql.number("SELECT hashtext(password_hash) FROM accounts").await;
    let set = |email| ["user", "set-password", "--email", email, "--password-stdin"];
    let said = printed(&operator.feed(&set("ADA@example.com"), "another horse battery\n").await);
    assert!(said.contains("ada@example.com") && !said.contains("horse"), "{said}");
    assert_ne!(sql.number("SELECT hashtext(password_hash) FROM accounts").await, before);
    let noted =
        "SELECT count(*) FROM security_log WHERE actor_kind = 'operator' AND action->>'kind' = 'password_changed'";
    assert_eq!(sql.number(noted).await, 1);
    let json = [&set("ada@example.com")[..], &["--json"]].concat();
    assert_eq!(parsed(&operator.feed(&json, "correct horse battery").await), json!({ "email": "ada@example.com" }));
    for (email, password, said) in [
        ("bob@example.com", "correct horse battery", "bwp user list"),
        ("nobody", "correct horse battery", "--email"),
        ("ada@example.com", "short", "12 characters"),
        ("ada@example.com", "passwordpassword", "guessed"),
        ("ada.lovelace@example.com", "ada.lovelace@example.com", "address"),
    ] {
        let refusal = refused(&operator.feed(&set(email), password).await);
        assert!(refusal.contains(said), "{refusal}");
    }
}
