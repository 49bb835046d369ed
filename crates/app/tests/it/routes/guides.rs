//! The guides whose commands can be pasted into a shell, one after the other: they print what they say that they print.

use std::process::Stdio;

use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::World;

const SCOPES: &[&str] = &[
    "contacts:write",
    "bids:read",
    "bids:write",
    "bids:send",
    "bids:accept_reject",
    "projects:read",
    "projects:write",
    "change_orders:write",
    "change_orders:approve",
    "pay_apps:read",
    "pay_apps:write",
    "pay_apps:approve",
    "pay_apps:mark_paid",
    "invoices:read",
    "invoices:write",
    "invoices:send",
    "invoices:mark_paid",
];

/// The blocks of a guide in these languages, in their order.
fn blocks(guide: &str, language: &str) -> String {
    let mut found = String::new();
    let mut inside = false;
    for line in guide.lines() {
        match line.strip_prefix("```") {
            Some("") => inside = false,
            Some(opened) => inside = opened == language,
            None if inside => found.extend([line, "\n"]),
            None => {}
        }
    }
    found
}

#[tokio::test]
async fn the_recipes_do_what_they_say() {
    let world = World::start().await;
    let made = world.key(&world.tenant, SCOPES, &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let guides = [
        include_str!("../../../../../docs/guides/bid-to-project.md"),
        include_str!("../../../../../docs/guides/work-to-payment.md"),
    ];
    let mut shell = Command::new("sh")
        .current_dir(folder.path())
        .env("BWP_URL", &world.server.url)
        .env("BWP_KEY", made["key"].as_str().expect("a key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut commands = shell.stdin.take().expect("its input");
    let script: String = guides.iter().map(|guide| blocks(guide, "sh")).collect();
    commands.write_all(script.as_bytes()).await.expect("written");
    drop(commands);
    let done = shell.wait_with_output().await.expect("it ends");
    let said: String = guides.iter().map(|guide| blocks(guide, "text")).collect();
    assert_eq!(
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)),
        (said.into(), "".into())
    );
    assert!(done.status.success());
    for scope in SCOPES {
        assert!(guides.iter().any(|guide| guide.contains(&format!("`{scope}`"))), "no guide names the scope {scope}");
    }
}
