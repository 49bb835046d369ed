//! Who may not see a page sees none of it, and what its form does is not done.

use actix_web::http::Method;
use bwp_console::{Access, entries};
use bwp_domain::users::Role;

use super::{make_key, signed_in};
use crate::support::World;

#[tokio::test]
async fn a_member_is_refused_every_page_and_command_of_an_admin() {
    let world = World::start().await;
    let admin = signed_in(&world, "company_admin").await;
    make_key(&admin, "Nightly sync", &[]).await;
    let key = world.number("SELECT max(id) FROM api_keys").await.to_string();
    let user = world.number("SELECT max(id) FROM users").await.to_string();
    let endpoint = world.endpoint(&world.client(&["webhooks:manage"]).await).await;
    let delivery = world.delivery(endpoint).await.to_string();
    let changes = "SELECT count(*) FROM security_log";
    let member = signed_in(&world, "member").await;
    let before = world.number(changes).await;

    let mut refused = 0;
    for entry in entries() {
        let Access::May(permission) = entry.access else { continue };
        if Role::Member.may(permission) {
            continue;
        }
        refused += 1;
        let path = entry.path.replace("{key}", &key).replace("{user}", &user);
        let path = path.replace("{endpoint}", &endpoint.to_string()).replace("{delivery}", &delivery);
        if entry.method == Method::GET {
            member.open(&path).await;
            member.sees("Not permitted").await;
            assert!(!member.html().await.contains("Nightly sync"), "{path}");
        } else {
            // With the token that the member's own forms carry.
            member.open("/").await;
            let fields = [("name", "Nightly sync"), ("overlap", "0"), ("role", "viewer"), ("email", "a@example.com")];
            assert_eq!(member.post(&path, &fields).await, 403, "{path}");
        }
    }
    assert!(refused >= 15, "{refused}");
    assert_eq!(world.number(changes).await, before);
    member.open("/").await;
    assert_eq!(
        member.names("link").await.iter().filter(|name| *name == "API keys" || *name == "Security log").count(),
        0
    );
    member.open("/settings/developer/api-keys").await;
    member.check("forbidden").await;
}
