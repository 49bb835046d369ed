//! `bwp rate`

use serde_json::json;

use super::Operator;

#[tokio::test]
async fn rates_are_set_from_a_day_on_and_listed() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let email = "ada@example.com";
    let create = ["user", "create", "--tenant", &tenant, "--email", email, "--role", "field_crew", "--password-stdin"];
    assert!(operator.feed(&create, crate::support::PASSWORD).await.status.success());
    let set = async |more: &[&str]| operator.json(&[&["rate", "set", "--tenant", &tenant][..], more].concat()).await;
    let of_all = set(&["--from", "2026-02-01", "42.5"]).await;
    let expected = json!({
        "id": of_all["id"], "user": null, "userId": null, "projectId": null, "from": "2026-02-01", "hourlyRate": "42.50",
    });
    assert_eq!(of_all, expected);
    let of_one = set(&["--user", "ADA@example.com", "--from", "2026-01-01", "50"]).await;
    assert_eq!((&of_one["user"], of_one["userId"].is_i64()), (&json!(email), true));
    // Once more for the same day: it is that rate that changes.
    let again = set(&["--from", "2026-02-01", "43"]).await;
    assert_eq!((&again["id"], &again["hourlyRate"]), (&of_all["id"], &json!("43.00")));
    assert_eq!(operator.json(&["rate", "list", "--tenant", &tenant]).await, json!([of_one, again]));
    let said = operator.text(&["rate", "list", "--tenant", &tenant]).await;
    assert_eq!(said, "2026-01-01  50.00  ada@example.com\n2026-02-01  43.00  everybody\n");
}

#[tokio::test]
async fn bad_rates_are_refused() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    for (more, named) in [
        (&["--from", "2026-02-30", "1"][..], "2026-02-30"),
        (&["--from", "2026-02-01", "1,50"], "1,50"),
        (&["--from", "2026-02-01", "1.505"], "1.505"),
        (&["--from", "2026-02-01", "10000000000000"], "10000000000000"),
        (&["--from", "2026-02-01", "1", "--project", "5"], "--user"),
        (&["--from", "2026-02-01", "1", "--user", "nobody@example.com"], "nobody@example.com"),
    ] {
        let said = operator.refusal(&[&["rate", "set", "--tenant", &tenant][..], more].concat()).await;
        assert!(said.contains(named), "{said}");
    }
    assert_eq!(operator.json(&["rate", "list", "--tenant", &tenant]).await, json!([]));
}
