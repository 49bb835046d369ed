//! What strangers, and people who are signed in, can ask of the pages without end: little, and nothing that the API feels.

use crate::support::{Client, PASSWORD, Page, Person, Sql, World, contact};

/// The cookie and the form of somebody who may try to sign in as often as they like.
struct Stranger {
    person: Person,
    token: String,
}

impl Stranger {
    async fn of(world: &World) -> Self {
        let mut person = world.person();
        let token = person.get("/sign-in").await.hidden("csrf").to_owned();
        Self { person, token }
    }

    async fn attempt(&mut self, email: &str) -> Page {
        let form = [("csrf", self.token.as_str()), ("email", email), ("password", "wrong horse battery")];
        self.person.post("/sign-in", &form).await
    }

    /// Attempts until there were too many failures.
    async fn until_refused(&mut self, email: &str) {
        while self.attempt(email).await.status != 429 {}
    }
}

fn retry_after(page: &Page) -> u64 {
    page.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds")
}

async fn works(client: &Client) {
    client.post("/contacts", &contact("Works")).await.data(201);
    client.get("/contacts").await.data(200);
}

#[tokio::test]
async fn who_was_refused_is_refused_again_without_the_database() {
    let world = World::start().await;
    world.user(&world.tenant, "ada@example.com", "viewer").await;
    let mut stranger = Stranger::of(&world).await;
    stranger.until_refused("ada@example.com").await;
    // From here on, whoever reads or locks any of these waits.
    let mut lock = Sql::connect(&world.database.url()).await;
    lock.run("BEGIN; LOCK TABLE accounts, sign_in_failures, known_browsers, sessions").await;
    for _ in 0..20 {
        let page = stranger.attempt("ada@example.com").await;
        assert_eq!(page.status, 429, "{}", page.text);
        assert!((1..=900).contains(&retry_after(&page)));
        assert!(page.text.contains("There were too many attempts. Try again in "), "{}", page.text);
    }
    assert_eq!(Sql::connect(&world.database.url()).await.waiting().await, 0);
    lock.run("COMMIT").await;
}

/// More than there are connections for pages, and than may wait for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_wait_for_the_database_leave_the_api_its_connections() {
    const AT_ONCE: usize = 120;
    let world = World::start_with(&["--workers", "1"]).await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let mut strangers = Vec::new();
    for _ in 0..AT_ONCE {
        strangers.push(Stranger::of(&world).await);
    }
    let mut lock = Sql::connect(&world.database.url()).await;
    lock.run("BEGIN; LOCK TABLE accounts").await;
    let attempt = |(n, mut stranger): (usize, Stranger)| {
        tokio::spawn(async move { stranger.attempt(&format!("{n}@example.com")).await })
    };
    let waiting: Vec<_> = strangers.into_iter().enumerate().map(attempt).collect();
    // Four hold a connection; of the others some wait, and those for whom there is no room are turned away at once.
    // Looked at from elsewhere: within a transaction it would always look the same.
    Sql::connect(&world.database.url()).await.until_waiting(4).await;
    for _ in 0..5 {
        works(&client).await;
    }
    for one in waiting {
        let page = one.await.expect("no panic");
        assert_eq!(page.status, 503, "{}", page.text);
        assert!(retry_after(&page) > 0);
        assert!(page.text.contains("Try again in a moment"), "{}", page.text);
    }
    works(&client).await;
    lock.run("COMMIT").await;
    let log = world.server.log();
    let lines = log.lines().filter(|line| line.contains("too much is asked for at once")).count();
    assert!(lines <= 1, "one line a minute: {log}");
}

#[tokio::test]
async fn an_address_has_a_budget_of_forms() {
    let world = World::start().await;
    let mut stranger = Stranger::of(&world).await;
    let mut statuses = Vec::new();
    // Anything that is sent counts, whatever it is: rubbish is read no further.
    while statuses.last() != Some(&429) {
        assert!(statuses.len() < 2_000, "there is no end");
        statuses.push(stranger.person.post("/invitations", &[("csrf", "none")]).await.status);
    }
    assert!(statuses.len() > 300, "{}", statuses.len());
    let page = stranger.person.post("/sign-in", &[]).await;
    if page.status == 429 {
        assert!(retry_after(&page) > 0 && page.text.contains("Wait 1 second"), "{}", page.text);
    }
    // Pages can be looked at all the same.
    assert_eq!(stranger.person.get("/sign-in").await.status, 200);
}

#[tokio::test]
async fn who_switches_the_organization_without_end_is_stopped_and_fills_no_log() {
    const NOTED: &str = "SELECT count(*) FROM security_log WHERE action->>'kind' = 'signed_in'";
    let world = World::start().await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    let tenant = world.number("SELECT id FROM tenants").await.to_string();
    let mut choices = 0;
    let refused = loop {
        let token = ada.get("/choose").await.hidden("csrf").to_owned();
        let page = ada.post("/choose", &[("csrf", &token), ("tenant", &tenant)]).await;
        if page.status != 303 {
            break page;
        }
        choices += 1;
        assert!(choices < 1_000, "there is no end");
    };
    assert!(choices >= 120, "no person is stopped: {choices}");
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!((1..=5).contains(&retry_after(&refused)), "{}", refused.text);
    assert!(refused.text.contains("Nothing was done.") && refused.text.contains("Wait "), "{}", refused.text);
    assert_eq!(world.number(NOTED).await, 1, "as she signed in");
    // Others are not.
    let mut bob = world.signed_in("bob@example.com", "viewer").await;
    assert_eq!(bob.fill("/choose", "/choose", &[("tenant", &tenant)]).await.status, 303);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_sessions_on_short_pages() {
    const ACCOUNT: &str = "/settings/account";
    let world = World::start().await;
    let mut first = world.signed_in("ada@example.com", "company_admin").await;
    let mut last = world.person();
    for _ in 0..52 {
        last = world.person();
        assert_eq!(last.sign_in("ada@example.com", PASSWORD).await.status, 303);
    }
    assert_eq!(world.number("SELECT count(*) FROM sessions").await, 50);
    assert_eq!(first.get("/").await.location(), "/sign-in");
    let page = last.get(ACCOUNT).await;
    assert_eq!(page.text.matches("data-label=\"Browser\"").count(), 25, "{}", page.text);
    assert!(page.text.len() < 40_000, "{}", page.text.len());
    assert!(!page.text.contains("First page"), "{}", page.text);
    let older = linked(&page, "Older").expect("a second page");
    let page = last.get(&older).await;
    assert_eq!(page.text.matches("data-label=\"Browser\"").count(), 25, "{}", page.text);
    assert_eq!(linked(&page, "Older"), None);
    assert_eq!(linked(&page, "First page").as_deref(), Some("/settings/account?"));
}

#[tokio::test]
async fn the_team_its_invitations_and_the_log_are_shown_in_pages() {
    const USERS: &str = "/settings/organization/users";
    let world = World::start().await;
    let mut ada = world.signed_in("ada@example.com", "company_admin").await;
    world
        .sql(
            "INSERT INTO accounts (email, password_hash, created_at)
             SELECT 'u' || lpad(n::text, 3, '0') || '@example.com', '$', now() FROM generate_series(1, 60) n;
             INSERT INTO users (tenant_id, account_id, role, created_at)
             SELECT tenants.id, accounts.id, 'viewer', now() FROM tenants, accounts WHERE accounts.email LIKE 'u%';
             INSERT INTO invitations (tenant_id, email, role, token_hash, created_at, expires_at)
             SELECT tenants.id, 'i' || n || '@example.com', 'viewer', sha256(n::text::bytea), now(), now() + '1 day'
             FROM tenants, generate_series(1, 30) n",
        )
        .await;
    let (mut seen, mut at, mut pages) = (Vec::new(), USERS.to_owned(), 0);
    loop {
        let page = ada.get(&at).await;
        assert_eq!(page.status, 200, "{at}");
        let members = page.text.split("Role of ").skip(1);
        seen.extend(members.map(|rest| rest.split('"').next().expect("quoted").to_owned()));
        pages += 1;
        match linked(&page, "More") {
            Some(next) => at = next,
            None => break,
        }
    }
    let mut expected: Vec<_> = (1..=60).map(|n| format!("u{n:03}@example.com")).collect();
    expected.insert(0, "ada@example.com".to_owned());
    assert_eq!((seen, pages), (expected, 3));
    let page = ada.get(USERS).await;
    assert_eq!(page.text.matches("Withdraw the invitation of ").count(), 25);
    let page = ada.get(&linked(&page, "Older").expect("more invitations")).await;
    assert_eq!(page.text.matches("Withdraw the invitation of ").count(), 5);
    // Whose page of the team is not the first is found all the same.
    let id = world.number("SELECT max(id) FROM users").await;
    let page = ada.get(&format!("{USERS}/{id}/deactivate")).await;
    assert!(page.text.contains("u060@example.com"), "{}", page.text);
}

#[tokio::test]
async fn who_is_in_many_organizations_chooses_from_pages() {
    let world = World::start().await;
    let mut ada = world.signed_in("ada@example.com", "viewer").await;
    world
        .sql(
            "INSERT INTO tenants (public_id, name, status, created_at)
             SELECT gen_random_uuid(), 'Org ' || lpad(n::text, 3, '0'), 'active', now() FROM generate_series(1, 120) n;
             INSERT INTO users (tenant_id, account_id, role, created_at)
             SELECT tenants.id, accounts.id, 'viewer', now() FROM tenants, accounts WHERE tenants.name LIKE 'Org %'",
        )
        .await;
    let page = ada.get("/choose?next=%2Fsettings%2Faccount").await;
    assert_eq!(page.text.matches("name=\"tenant\"").count(), 100);
    let page = ada.get(&linked(&page, "More").expect("a second page")).await;
    assert_eq!(page.text.matches("name=\"tenant\"").count(), 21, "{}", page.text);
    assert_eq!(page.hidden("next"), "/settings/account");
    assert!(page.text.contains("Test Builders") && linked(&page, "More").is_none(), "{}", page.text);
}

/// Where the link with this text leads.
fn linked(page: &Page, text: &str) -> Option<String> {
    let (before, _) = page.text.split_once(&format!("\">{text}</a>"))?;
    let (_, path) = before.rsplit_once("href=\"")?;
    Some(path.replace("&amp;", "&"))
}
