//! Signing in and out, and who is on the team.

use super::{copied, sign_in, signed_in};
use crate::support::{Browser, PASSWORD, World};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_are_told_alike() {
    let world = World::start().await;
    world.user(&world.tenant, "member@example.com", "member").await;
    let browser = Browser::start(&world.server).await;
    browser.open("/settings/account").await;
    assert!(browser.path().await.starts_with("/sign-in?next="));
    let mut told = Vec::new();
    for (email, password) in [("member@example.com", "a wrong password"), ("nobody@example.com", PASSWORD)] {
        sign_in(&browser, email, password).await;
        browser.sees("wrong").await;
        assert_eq!(
            (browser.value("E-mail address").await, browser.value("Password").await),
            (email.to_owned(), String::new())
        );
        told.push(browser.text().await);
    }
    assert_eq!(told[0], told[1]);
    // The way on is not forgotten meanwhile.
    sign_in(&browser, "member@example.com", PASSWORD).await;
    browser.sees("Your account").await;
}

#[tokio::test]
async fn the_cookie_of_a_session_is_for_this_server_alone_and_for_no_script() {
    let world = World::start().await;
    let browser = signed_in(&world, "member").await;
    for cookie in browser.cookies().await {
        assert_eq!(cookie.http_only, Some(true), "{cookie:?}");
        assert_eq!(cookie.same_site, Some(thirtyfour::SameSite::Lax), "{cookie:?}");
        assert_eq!(cookie.path.as_deref(), Some("/"), "{cookie:?}");
    }
    // What came back after signing out is not the page.
    browser.open("/settings/account").await;
    browser.press("Sign out").await;
    browser.sees("You are signed out.").await;
    browser.back().await;
    browser.sees("Sign in").await;
    browser.sees_no("Your account").await;
}

#[tokio::test]
async fn a_password_is_changed_and_other_sessions_end() {
    let world = World::start().await;
    let browser = signed_in(&world, "member").await;
    let elsewhere = Browser::start(&world.server).await;
    elsewhere.open("/").await;
    sign_in(&elsewhere, "member@example.com", PASSWORD).await;
    elsewhere.sees("Welcome").await;

    browser.open("/settings/account").await;
    browser.fill("Present password", PASSWORD).await;
    browser.fill("New password", "another horse entirely").await;
    browser.fill("New password, again", "another horse entirely").await;
    browser.press("Change password").await;
    browser.sees("Your password is changed").await;
    elsewhere.open("/settings/account").await;
    assert!(elsewhere.path().await.starts_with("/sign-in"));
    sign_in(&elsewhere, "member@example.com", "another horse entirely").await;
    elsewhere.sees("Your account").await;
    elsewhere.press("Sign out everywhere").await;
    elsewhere.sees("You are signed out everywhere.").await;
    browser.reload().await;
    assert!(browser.path().await.starts_with("/sign-in"));
}

#[tokio::test]
async fn somebody_is_invited_joins_rises_and_leaves() {
    let world = World::start().await;
    let admin = signed_in(&world, "company_admin").await;
    admin.within("navigation", "Main").await.press("Team").await;
    admin.press("Invite").await;
    admin.fill("E-mail address", "newcomer@example.com").await;
    admin.press("Make the link").await;
    let link = copied(&admin).await;

    let newcomer = Browser::start(&world.server).await;
    newcomer.open(&link).await;
    newcomer.sees("You are invited as Member").await;
    newcomer.fill("First name", "New").await;
    newcomer.fill("Password", PASSWORD).await;
    newcomer.fill("Password, again", PASSWORD).await;
    newcomer.press("Join").await;
    newcomer.sees("Your role there is Member").await;
    newcomer.open(&link).await;
    newcomer.sees("not good (any more)").await;

    admin.press("Done").await;
    admin.choose("Role of newcomer@example.com", "Company admin").await;
    admin.press("Save the role of newcomer@example.com").await;
    admin.sees("The role is changed").await;
    newcomer.open("/settings/developer/api-keys").await;
    newcomer.sees("There is no key yet.").await;

    admin.press("Take away the access of newcomer@example.com").await;
    admin.press("Take access away").await;
    admin.sees("Their access is taken away").await;
    newcomer.reload().await;
    newcomer.sees_no("There is no key yet.").await;
    admin.press("Security log").await;
    let log = admin.text().await;
    for said in [
        "Invited newcomer@example.com",
        "newcomer@example.com joined",
        "Changed the role of newcomer@example.com from Member to Company admin",
        "Took newcomer@example.com",
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
}
