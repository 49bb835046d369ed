//! `bwp key`

use std::time::{Duration, Instant};

use serde_json::json;

use super::{NOBODY, Operator, has_fields, text};
use crate::support::{Client, PATIENCE, World, attempt_bwp, is_public_id};

const LISTED: &[&str] = &[
    "id",
    "keyId",
    "name",
    "prefix",
    "mode",
    "scopes",
    "allowlist",
    "rateLimit",
    "status",
    "createdBy",
    "createdAt",
    "expiresAt",
    "revokedAt",
    "replaces",
    "replacedBy",
];

#[tokio::test]
async fn one_is_made_and_shown_once() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let made = operator
        .json(&[
            "key",
            "create",
            "--tenant",
            &tenant,
            "--name",
            "nightly sync",
            "--scope",
            "contacts:write",
            "--scope",
            "contacts:read",
            "--allow-ip",
            "192.0.2.7/24",
            "--allow-ip",
            "2001:db8::1",
        ])
        .await;
    has_fields(&made, &[LISTED, &["key", "tenantId"]].concat());
    let key = text(&made["key"]);
    assert!(key.starts_with("bwp_live_") && key.len() == 58, "{key}");
    assert!(is_public_id("key_", &text(&made["keyId"])));
    let expected = json!({
        "tenantId": tenant, "name": "nightly sync", "prefix": &key[..13], "scopes": ["contacts:read", "contacts:write"],
        "allowlist": ["192.0.2.0/24", "2001:db8::1"], "rateLimit": 60, "status": "active", "createdBy": { "type": "operator", "id": null },
        "mode": "live", "expiresAt": null, "revokedAt": null,
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&made[name], value, "{name}");
    }

    let said = operator.text(&["key", "create", "--tenant", &tenant, "--name", "by hand", "--test"]).await;
    let shown: Vec<&str> =
        said.split_whitespace().filter(|word| word.starts_with("bwp_test_") && word.len() == 58).collect();
    assert_eq!(shown.len(), 1, "{said}");
    assert!(said.contains("shown this once") && said.contains("It has no scope"), "{said}");
    let scoped = ["key", "create", "--tenant", &tenant, "--name", "by hand", "--scope", "contacts:read"];
    assert!(!operator.text(&scoped).await.contains("It has no scope"));
}

/// Names of before, of which a terminal would obey parts, and which would look like rows of their own.
#[tokio::test]
async fn names_are_printed_on_one_line_and_commands_to_the_terminal_not_at_all() {
    let world = World::start().await;
    world.client(&[]).await;
    let name = "a\x1b]0;owned\x07\r\nkey_forged  \u{202e}b\u{9b}2J";
    world.sql(&format!("UPDATE api_keys SET name = '{name}'; UPDATE tenants SET name = '{name}'")).await;
    let url = world.database.url();
    for command in [&["key", "list", "--tenant", &world.tenant][..], &["tenant", "list"]] {
        let done = attempt_bwp(&[&["--database-url", &url], command].concat()).await;
        let said = String::from_utf8(done.stdout).expect("UTF-8");
        let shown = r"a\u{1b}]0;owned\u{7}\u{d}\u{a}key_forged  \u{202e}b\u{9b}2J";
        assert!(said.lines().count() == 1 && said.contains(shown), "{said:?}");
    }
}

#[tokio::test]
async fn the_list_shows_no_secret() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let create = |name| ["key", "create", "--tenant", &tenant, "--name", name].map(str::to_owned);
    let mut keys = Vec::new();
    for name in ["first", "second"] {
        let arguments = create(name);
        keys.push(operator.json(&arguments.each_ref().map(String::as_str)).await);
    }
    let list = operator.json(&["key", "list", "--tenant", &tenant]).await;
    let said = operator.text(&["key", "list", "--tenant", &tenant]).await;
    assert_eq!([&list[0]["name"], &list[1]["name"]], ["second", "first"]);
    assert_eq!(said.lines().count(), 2);
    has_fields(&list[0], &[LISTED, &["lastUsedAt"]].concat());
    assert!(said.lines().all(|line| line.ends_with("never used")), "{said}");
    for key in keys {
        let (secret, prefix) = (text(&key["key"]), text(&key["prefix"]));
        for shown in [list.to_string(), said.clone()] {
            assert!(shown.contains(&prefix) && !shown.contains(&secret[..=prefix.len()]), "{shown}");
        }
    }
    let other = operator.tenant().await;
    assert_eq!(operator.json(&["key", "list", "--tenant", &other]).await, json!([]));
}

#[tokio::test]
async fn one_is_revoked_for_good() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let made = operator.json(&["key", "create", "--tenant", &tenant, "--name", "k"]).await;
    let id = text(&made["keyId"]);
    let revoked = operator.json(&["key", "revoke", &id]).await;
    has_fields(&revoked, LISTED);
    assert_eq!((&revoked["status"], revoked["revokedAt"].is_string()), (&json!("revoked"), true));
    let mut listed = operator.json(&["key", "list", "--tenant", &tenant]).await[0].clone();
    listed.as_object_mut().expect("an object").remove("lastUsedAt");
    assert_eq!(listed, revoked);
    let refusal = operator.refusal(&["key", "revoke", &id]).await;
    assert!(refusal.contains("already") && refusal.contains(&text(&revoked["revokedAt"])), "{refusal}");
}

#[tokio::test]
async fn one_is_rotated_once() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let made = operator.json(&["key", "create", "--tenant", &tenant, "--name", "k"]).await;
    let id = text(&made["keyId"]);
    let rotated = operator.json(&["key", "rotate", &id, "--overlap", "1day"]).await;
    has_fields(&rotated, &[LISTED, &["key", "replaced"]].concat());
    assert_ne!(rotated["key"], made["key"]);
    assert_eq!((&rotated["replaces"], &rotated["replaced"]["replacedBy"]), (&made["id"], &rotated["id"]));
    assert_eq!(rotated["replaced"]["status"], "active");
    let refusal = operator.refusal(&["key", "rotate", &id]).await;
    assert!(refusal.contains(&format!("already replaced by key {}", rotated["id"])), "{refusal}");
    let refusal = operator.refusal(&["key", "rotate", &text(&rotated["keyId"]), "--overlap", "8days"]).await;
    assert!(refusal.contains("--overlap") && refusal.contains("7 days"), "{refusal}");

    let said = operator.text(&["key", "rotate", &text(&rotated["keyId"]), "--overlap", "0s"]).await;
    assert!(said.contains("revoked") && said.contains("shown this once"), "{said}");
    let listed = operator.text(&["key", "list", "--tenant", &tenant]).await;
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines[0].contains("  active  "), "{listed}");
    assert!(lines[1].contains("  revoked ") && lines[1].contains("  replaced by "), "{listed}");
    assert!(lines[2].contains("  active until ") && lines[2].contains("  replaced by "), "{listed}");
}

#[tokio::test]
async fn one_that_expires_ends_by_itself() {
    let world = World::start().await;
    let key = world.key(&world.tenant, &["contacts:write"], &["--expires-in", "1s"]).await;
    assert!(key["expiresAt"].as_str() > key["createdAt"].as_str());
    let client = Client::new(&world.server, &text(&key["key"]));
    let started = Instant::now();
    loop {
        let answer = client.get("/me").await;
        if answer.status == 401 {
            break;
        }
        answer.data(200);
        assert!(started.elapsed() < PATIENCE, "it goes on for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.post("/contacts", &json!({ "type": "other" })).await.problem(401, "unauthorized");
    let list = world.bwp(&["key", "list", "--tenant", &world.tenant]).await;
    assert_eq!((&list[0]["expiresAt"], &list[0]["status"]), (&key["expiresAt"], &json!("expired")));
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let operator = Operator::new().await;
    let tenant = operator.tenant().await;
    let long = "n".repeat(101);
    let (no_tenant, no_key) = (format!("tnt_{NOBODY}"), format!("key_{NOBODY}"));
    let create = ["key", "create", "--tenant", &tenant, "--name", "k"];
    for (arguments, said) in [
        (vec!["--scope", "contacts:red"], "contacts:red"),
        (vec!["--scope", "contact:read"], "'contacts:read'"),
        (vec!["--scope", "contacts:read", "--scope", ""], "--scope"),
        (vec!["--allow-ip", "192.0.2.0/33", "--allow-ip", "::1", "--allow-ip", "localhost"], "192.0.2.0/33"),
        (vec!["--allow-ip", "192.0.2.0/33", "--allow-ip", "localhost"], "localhost"),
        (vec!["--allow-ip", ""], "--allow-ip"),
        (vec!["--expires-in", "soon"], "--expires-in"),
        (vec!["--rate-limit", "lots"], "`lots` is no rate limit"),
        (vec!["--expires-in", "0s"], "future"),
    ] {
        let refusal = operator.refusal(&[&create[..], &arguments].concat()).await;
        assert!(refusal.contains(said), "{arguments:?}: {refusal}");
    }
    for (arguments, said) in [
        (["key", "create", "--tenant", &tenant, "--name", ""], "--name"),
        (["key", "create", "--tenant", &tenant, "--name", &long], "--name"),
        (["key", "create", "--tenant", &no_tenant, "--name", "k"], "bwp tenant list"),
    ] {
        let refusal = operator.refusal(&arguments).await;
        assert!(refusal.contains(said), "{arguments:?}: {refusal}");
    }
    assert!(operator.refusal(&["key", "list", "--tenant", &no_tenant]).await.contains("bwp tenant list"));
    assert!(operator.refusal(&["key", "revoke", &no_key]).await.contains(&no_key));
    assert!(operator.refusal(&["key", "revoke", "k"]).await.contains("key_"));
    assert_eq!(operator.json(&["key", "list", "--tenant", &tenant]).await, json!([]));
}
