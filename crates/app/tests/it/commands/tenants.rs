//! `bwp tenant`

use serde_json::json;

use super::{NOBODY, Operator, has_fields, text};
use crate::support::is_public_id;

const FIELDS: &[&str] = &["id", "publicId", "name", "status", "rateLimit", "timeZone", "createdAt"];

#[tokio::test]
async fn one_is_made_and_shown() {
    let operator = Operator::new().await;
    let made = operator.json(&["tenant", "create", "--name", "Byron & Söhne"]).await;
    has_fields(&made, FIELDS);
    assert!(made["id"].is_i64() && is_public_id("tnt_", &text(&made["publicId"])));
    assert_eq!((&made["name"], &made["status"]), (&json!("Byron & Söhne"), &json!("active")));
    let said = operator.text(&["tenant", "create", "--name", "Second"]).await;
    assert!(said.starts_with("Made tnt_") && said.ends_with("  active  10000 units an hour  UTC  Second\n"), "{said}");
}

#[tokio::test]
async fn they_are_listed_oldest_first() {
    let operator = Operator::new().await;
    assert_eq!(operator.json(&["tenant", "list"]).await, json!([]));
    let first = operator.json(&["tenant", "create", "--name", "First"]).await;
    let second = operator.json(&["tenant", "create", "--name", "Second"]).await;
    assert_eq!(operator.json(&["tenant", "list"]).await, json!([first, second]));
    let said = operator.text(&["tenant", "list"]).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with(&text(&first["publicId"])) && lines[0].ends_with("First"), "{said}");
}

#[tokio::test]
async fn a_status_is_set() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    for status in ["suspended", "subscription_inactive", "active"] {
        assert_eq!(operator.json(&["tenant", "set-status", &tenant, status]).await["status"], status);
        assert_eq!(operator.json(&["tenant", "list"]).await[0]["status"], status);
    }
    let said = operator.text(&["tenant", "set-status", &tenant, "suspended"]).await;
    assert!(said.contains(&format!("{tenant}  suspended")), "{said}");
}

#[tokio::test]
async fn a_rate_limit_is_set() {
    let operator = Operator::new().await;
    let made = operator.json(&["tenant", "create", "--name", "Acme", "--rate-limit", "42"]).await;
    assert_eq!(made["rateLimit"], 42);
    let tenant = operator.tenant().await;
    assert_eq!(operator.json(&["tenant", "list"]).await[1]["rateLimit"], 10_000);
    for limit in ["2147483647", "0", "500"] {
        let expected: u32 = limit.parse().expect("a number");
        assert_eq!(operator.json(&["tenant", "set-limit", &tenant, limit]).await["rateLimit"], expected);
        assert_eq!(operator.json(&["tenant", "list"]).await[1]["rateLimit"], expected);
    }
    let said = operator.text(&["tenant", "set-limit", &tenant, "0"]).await;
    assert!(said.contains(&format!("{tenant}  active  no rate limit  ")), "{said}");
    for limit in ["-1", "1.5", "2147483648", "many", ""] {
        let said = operator.refusal(&["tenant", "set-limit", "--", &tenant, limit]).await;
        assert!(said.contains("is no rate limit"), "{said}");
    }
}

#[tokio::test]
async fn a_time_zone_is_set() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    assert_eq!(operator.json(&["tenant", "list"]).await[0]["timeZone"], "UTC");
    let set = operator.json(&["tenant", "set-time-zone", &tenant, "Europe/Berlin"]).await;
    assert_eq!((&set["timeZone"], &set), (&json!("Europe/Berlin"), &operator.json(&["tenant", "list"]).await[0]));
    let said = operator.text(&["tenant", "set-time-zone", &tenant, "America/New_York"]).await;
    assert!(said.contains("  America/New_York  "), "{said}");
    for zone in ["Berlin", "europe/berlin", "+02:00", ""] {
        let said = operator.refusal(&["tenant", "set-time-zone", &tenant, zone]).await;
        assert!(said.contains("expected a name such as UTC, Europe/Berlin"), "{said}");
    }
    assert_eq!(operator.json(&["tenant", "list"]).await[0]["timeZone"], "America/New_York");
}

#[tokio::test]
async fn a_letterhead_is_set() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let folder = tempfile::tempdir().expect("a folder");
    let logo = folder.path().join("logo.png");
    std::fs::write(&logo, b"\x89PNG\r\n\x1a\n").expect("written");
    let logo = logo.to_str().expect("UTF-8");
    let text = folder.path().join("logo.txt");
    std::fs::write(&text, b"no picture").expect("written");
    let text = text.to_str().expect("UTF-8");
    let set = ["tenant", "set-letterhead", tenant.as_str()];
    let said = operator
        .json(
            &[&set[..], &["--company-name", "Byron & Co", "--layout", "plain", "--typeface", "serif", "--logo", logo]]
                .concat(),
        )
        .await;
    let expected = json!({
        "companyName": "Byron & Co", "primaryColor": null, "accentColor": null, "hasLogo": true, "layout": "plain", "typeface": "serif",
    });
    assert_eq!(said, expected);
    let said = operator.text(&[&set[..], &["--logo", "", "--accent-color", "#b45309"]].concat()).await;
    assert!(said.contains("Byron & Co, plain, serif, without a logo"), "{said}");
    for (argument, value, told) in [
        ("--accent-color", "red", "Must be a colour such as #1f2a44."),
        ("--layout", "fancy", "`fancy` is none of them"),
        ("--logo", "/nowhere.png", "/nowhere.png"),
        ("--logo", text, "a logo is a PNG or a JPEG file"),
        ("--currency-symbol", "much too long", "at most 8 characters"),
    ] {
        let said = operator.refusal(&[&set[..], &[argument, value]].concat()).await;
        assert!(said.contains(told), "{said}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let nobody = format!("tnt_{NOBODY}");
    for (arguments, said) in [
        (&["tenant", "create", "--name", ""][..], "--name"),
        (&["tenant", "create", "--name", "  "], "--name"),
        (&["tenant", "create"], "--name"),
        (&["tenant", "set-status", &tenant, "gone"], "suspended"),
        (&["tenant", "set-status", "Acme", "active"], "tnt_"),
        (&["tenant", "set-status", &nobody, "active"], "bwp tenant list"),
        (&["tenant"], "Usage"),
    ] {
        let refusal = operator.refusal(arguments).await;
        assert!(refusal.contains(said), "{arguments:?}: {refusal}");
    }
    assert_eq!(operator.json(&["tenant", "list"]).await.as_array().map(Vec::len), Some(1));
}
