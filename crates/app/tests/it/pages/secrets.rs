//! A secret that is shown once is nowhere afterwards.

use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{copied, signed_in};
use crate::support::{Client, PASSWORD, World, contact};

/// All that is in the database, as `pg_dump` writes it.
fn dump(world: &World) -> Vec<u8> {
    let programs = bwp_embedded::find_installation(None).expect("PostgreSQL's programs").bin_dir;
    let done = Command::new(programs.join("pg_dump")).arg(world.database.url()).output().expect("pg_dump runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn holds(place: &[u8], text: &str) -> bool {
    place.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Whether a secret is in `place`: its last part, as it is or written otherwise.
fn betrays(place: &[u8], secret: &str) -> bool {
    let tail = &secret[secret.len() - 16..];
    let hex = tail.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let wide: String = tail.chars().flat_map(|letter| [letter, '\0']).collect();
    [tail, &hex, &wide, &STANDARD.encode(secret)].iter().any(|written| holds(place, written))
}

#[tokio::test]
async fn what_was_shown_once_is_nowhere_afterwards() {
    // What says little unless it is asked is asked.
    let log = "trace,actix_http=trace,actix_server=trace,hyper_util=trace,mio=trace,tokio_postgres=trace";
    let world = World::start_with(&["--log", log]).await;
    let browser = signed_in(&world, "company_admin").await;
    browser.press("New API key").await;
    browser.fill("Name", "Nightly sync").await;
    browser.tick("contacts:write", true).await;
    browser.press("Create").await;
    let first = copied(&browser).await;

    // The form is sent again.
    browser.reload().await;
    browser.sees("This form was sent before").await;
    assert!(!betrays(browser.html().await.as_bytes(), &first));
    assert_eq!(world.number("SELECT count(*) FROM api_keys").await, 1);
    browser.press("To the key").await;
    browser.press("Rotate").await;
    browser.press("Rotate").await;
    let second = copied(&browser).await;
    browser.press("Done").await;
    browser.sees("Last used").await;
    // Back at the page that showed it.
    browser.back().await;
    assert!(!betrays(browser.html().await.as_bytes(), &second));
    browser.open("/settings/organization/users/invite").await;
    browser.fill("E-mail address", "newcomer@example.com").await;
    browser.press("Make the link").await;
    let link = copied(&browser).await;
    browser.back().await;
    assert!(!betrays(browser.html().await.as_bytes(), &link));

    for key in [&first, &second] {
        let client = Client::new(&world.server, key);
        client.post("/contacts", &contact("Byron Masonry")).await.data(201);
    }
    let cookies = browser.cookies().await;
    let session = &cookies.iter().find(|cookie| cookie.name == "bwp_session").expect("a session").value;
    let (dump, log, history) = (dump(&world), world.server.log(), browser.history().await.join("\n"));
    let files = browser.close();

    // These are places where something is to be found.
    assert!(holds(&dump, "Nightly sync") && holds(&dump, "Byron Masonry"));
    assert!(log.contains("/settings/developer/api-keys/new") && log.contains("tokio_postgres"));
    assert!(history.contains("/settings/developer/api-keys/new"));
    assert!(files.iter().any(|(_, content)| holds(content, "/settings/developer/api-keys/new")));
    for (name, secret) in
        [("first", &*first), ("second", &second), ("link", &link), ("password", PASSWORD), ("session", session)]
    {
        assert!(!betrays(&dump, secret), "the database has the {name}");
        assert!(!betrays(log.as_bytes(), secret), "the log has the {name}");
        assert!(!betrays(history.as_bytes(), secret), "the history has the {name}");
        for (file, content) in &files {
            // A browser keeps its cookies.
            let is_kept = name == "session" && file.ends_with("Cookies");
            assert!(is_kept || !betrays(content, secret), "{} has the {name}", file.display());
        }
    }
}
