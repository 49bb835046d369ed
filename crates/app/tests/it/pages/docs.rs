//! The pages at /docs.

use crate::support::{Browser, World};

#[tokio::test]
async fn everyone_can_read_the_guides() {
    let world = World::start().await;
    let browser = Browser::start(&world.server).await;
    browser.open("/docs/quickstart").await;
    for guide in ["Quickstart", "Scopes", "Idempotency", "Pagination", "Rate limits", "Errors"] {
        browser.within("navigation", "Documentation").await.press(guide).await;
        let name = guide.to_lowercase().replace(' ', "-");
        assert_eq!(browser.path().await, format!("/docs/{name}"));
        browser.check(&format!("docs-{name}")).await;
    }
    browser.open("/docs/none").await;
    browser.check("docs-not-found").await;
}

#[tokio::test]
async fn the_reference_shows_every_operation() {
    let world = World::start().await;
    let browser = Browser::start(&world.server).await;
    browser.open("/docs").await;
    browser.sees("/contacts/get-many").await;
    // Swagger UI's colours are pale, its buttons have links in them, and its list of servers has no label: its markup and
    // styles are not ours. The same facts are in the OpenAPI document, which the page links to.
    browser.check_without("docs-reference", &["#reference .swagger-ui"]).await;
}
