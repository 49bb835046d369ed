//! The team, managed in pages, as a browser without scripts does it.

use crate::support::{PASSWORD, Page, Person, World};

const USERS: &str = "/settings/organization/users";
const INVITE: &str = "/settings/organization/users/invite";

/// The link that a page shows, without the server's address.
fn link_of(page: &Page) -> String {
    let (_, rest) = page.text.split_once("data-secret").unwrap_or_else(|| panic!("no link: {}", page.text));
    let url = rest.split_once('>').expect("a tag").1.split('<').next().expect("a text");
    url[url.find("/invitations").expect("an invitation")..].to_owned()
}

async fn invite(admin: &mut Person, email: &str, role: &str) -> String {
    let page = admin.fill(INVITE, INVITE, &[("email", email), ("role", role)]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    link_of(&page)
}

async fn id_of(world: &World, email: &str) -> i64 {
    world
        .number(&format!(
            "SELECT users.id FROM users JOIN accounts ON accounts.id = account_id WHERE accounts.email = '{email}'"
        ))
        .await
}

const JOIN: [(&str, &str); 4] =
    [("firstName", "Grace"), ("lastName", "Hopper"), ("password", PASSWORD), ("again", PASSWORD)];

#[tokio::test]
async fn who_has_the_link_joins_once() {
    let world = World::start_with(&["--log", "trace"]).await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    let link = invite(&mut ada, "grace@example.com", "viewer").await;
    assert!(ada.get(USERS).await.text.contains("grace@example.com"));

    let mut grace = world.person();
    let page = grace.get(&link).await;
    assert!(page.words().contains("Join Test Builders") && page.text.contains("Viewer"), "{}", page.text);
    let short = [("password", "short"), ("again", "short")];
    assert_eq!(grace.fill(&link, &link, &short).await.status, 422);
    let page = grace.fill(&link, &link, &JOIN).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.text);
    assert!(grace.get("/").await.words().contains("Welcome, Grace Hopper"));

    let mut other = world.person();
    assert_eq!(other.get(&link).await.status, 404);
    assert!(ada.get("/settings/developer/security-log").await.words().contains("grace@example.com joined as Viewer."));
    // Whoever reads the log could have joined instead.
    let (_, token) = link.split_once("token=").expect("a token");
    assert!(!world.server.log().contains(token), "the log tells the link");
}

#[tokio::test]
async fn who_has_an_account_signs_in_and_comes_back() {
    let world = World::start().await;
    let other = world.another_tenant().await;
    world.user(&other, "grace@example.com", "viewer").await;
    world.user(&other, "bob@example.com", "viewer").await;
    let third = world.another_tenant().await;
    world.user(&third, "grace@example.com", "viewer").await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    let link = invite(&mut ada, "Grace@Example.com", "manager").await;

    // Somebody else's account does not do.
    let mut bob = world.person();
    bob.sign_in("bob@example.com", PASSWORD).await;
    assert!(bob.get(&link).await.text.contains("You are signed in as"));
    let page = bob.fill("/", &link, &[]).await;
    assert_eq!(page.status, 409, "{}", page.text);

    let mut grace = world.person();
    let page = grace.get(&link).await;
    // The page of somebody new is the same.
    let other = invite(&mut ada, "newcomer@example.com", "manager").await;
    let plain = |page: &Page, link: &str, email: &str| {
        let (_, token) = link.split_once("token=").expect("a token");
        let (before, rest) = page.text.split_once("<time").expect("until when");
        let (_, behind) = rest.split_once("</time>").expect("a tag");
        format!("{before}{behind}").replace(page.hidden("csrf"), "").replace(token, "").replace(email, "")
    };
    let newcomers = grace.get(&other).await;
    assert_eq!(plain(&page, &link, "Grace@Example.com"), plain(&newcomers, &other, "newcomer@example.com"));
    let short = [("password", "short"), ("again", "short")];
    let (wrong, newcomers) = (grace.fill(&link, &link, &short).await, grace.fill(&other, &other, &short).await);
    assert_eq!(plain(&wrong, &link, "Grace@Example.com"), plain(&newcomers, &other, "newcomer@example.com"));
    let refused = grace.fill(&link, &link, &JOIN).await;
    assert!(refused.status == 409 && refused.text.contains("sign in to accept"), "{}", refused.text);
    let start = page.text.find("/sign-in?next=").expect("a way");
    let way = page.text[start..].split('"').next().expect("quoted").to_owned();
    let shown = grace.get(&way).await;
    let next = shown.hidden("next").replace("&amp;", "&");
    let fields = [("email", "grace@example.com"), ("password", PASSWORD), ("next", next.as_str())];
    let page = grace.fill(&way, "/sign-in", &fields).await;
    assert_eq!(page.location(), link, "she is in two organizations, and was on the way to a third");
    let page = grace.fill(&link, &link, &[]).await;
    assert_eq!(page.location(), "/", "{}", page.text);
    let home = grace.get("/").await.text;
    assert!(home.contains("Test Builders") && home.contains("Manager"), "{home}");
}

#[tokio::test]
async fn roles_and_access_are_given_and_taken() {
    let world = World::start().await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    let mut bob = world.signed_in("bob@example.com", "company_admin").await;
    let link = invite(&mut bob, "bob@private.example", "company_admin").await;
    let path = format!("{USERS}/{}", id_of(&world, "bob@example.com").await);

    let page = ada.fill(USERS, &format!("{path}/role"), &[("role", "viewer")]).await;
    assert_eq!(page.location(), format!("{USERS}?done=role"), "{}", page.text);
    assert_eq!(bob.get("/settings/developer/api-keys").await.status, 403);
    // What he did while he could is not a way back.
    assert_eq!(world.person().get(&link).await.status, 404);

    let page = ada.fill(&format!("{path}/deactivate"), &format!("{path}/deactivate"), &[]).await;
    assert_eq!(page.location(), format!("{USERS}?done=deactivated"), "{}", page.text);
    assert_eq!(bob.get("/").await.location(), "/choose");
    assert!(bob.get("/choose").await.text.contains("You are in no organization"));
    let page = ada.fill(USERS, &format!("{path}/reactivate"), &[]).await;
    assert_eq!(page.location(), format!("{USERS}?done=reactivated"), "{}", page.text);

    let own = format!("{USERS}/{}", id_of(&world, "ada@example.com").await);
    for (form, fields) in [("role", &[("role", "viewer")][..]), ("deactivate", &[])] {
        let page = ada.fill(USERS, &format!("{own}/{form}"), fields).await;
        assert_eq!(page.status, 409, "{form}");
        assert!(page.text.contains("the last active company admin keeps role and access"), "{}", page.text);
    }
}

#[tokio::test]
async fn an_invitation_is_withdrawn_or_replaced() {
    let world = World::start().await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    let first = invite(&mut ada, "grace@example.com", "viewer").await;
    let second = invite(&mut ada, "GRACE@example.com", "member").await;
    assert_eq!(world.person().get(&first).await.status, 404);
    assert_eq!(world.person().get(&second).await.status, 200);
    let page = ada.get(USERS).await;
    let invitation = page.hidden("invitation").to_owned();
    let page = ada.fill(USERS, &format!("{USERS}/withdraw"), &[("invitation", &invitation)]).await;
    assert_eq!(page.location(), format!("{USERS}?done=withdrawn"), "{}", page.text);
    assert_eq!(world.person().get(&second).await.status, 404);
    let page = ada.fill(INVITE, INVITE, &[("email", "ada@example.com"), ("role", "viewer")]).await;
    assert_eq!(page.status, 422);
    assert!(page.text.contains("is a user already"), "{}", page.text);
}
