//! The contracts of `SessionReader`, `SessionRepository` and `CredentialRepository::hold_session`, and what they are for: by
//! what was ended, nothing is changed any more.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{net::IpAddr, time::Duration};

use bwp_domain::{
    accounts::{PasswordHash, set_password},
    audit::Excerpt,
    contacts::CreateContact,
    execute::{Command, ExecuteError, execute},
    idempotency::RenderedResponse,
    ids::{SessionId, TenantId},
    paging::{Limit, PageRequest},
    principal::Refusal,
    sessions::{
        MOST_SESSIONS, OpenSession, Session, SessionError, SessionToken, choose, end_session,
        ports::{SessionListing, SessionReader, SessionRecord},
        sign_out, sign_out_everywhere,
    },
    store::{Store, StoreError, UnitOfWork},
    testing::details,
    users::{ChangeRole, DeactivateUser, Role, User},
};
use bwp_postgres::testing::{Fixture, caller, within};
use tokio::task::JoinHandle;

/// A millisecond before a session is over.
const ALMOST_IDLE: Duration = Session::IDLE.saturating_sub(Duration::from_millis(1));

async fn ann() -> (Fixture, User) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let user = fixture.user(tenant, "ann@example.com", Role::Member).await;
    (fixture, user)
}

fn later(fixture: &Fixture, by: Duration) {
    fixture.clock.set(fixture.environment.clock.now().plus(by));
}

/// The sessions of the user's account that are not over, in pages of seven.
async fn listed(fixture: &Fixture, user: &User) -> Vec<SessionListing> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: Limit::new(7).expect("a limit"), after };
        let page = fixture.store.list(user.account.id, fixture.environment.clock.now(), page).await.expect("a page");
        assert!(page.items.len() <= 7);
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// A change that needs no role.
async fn change(fixture: &Fixture, open: &OpenSession) -> Result<(), Refusal> {
    let command = CreateContact(details("Acme"));
    let nothing = |_: &_| RenderedResponse::default();
    match execute(&fixture.store, &fixture.environment, &caller(open), None, &command, nothing).await {
        Ok(_) => Ok(()),
        Err(ExecuteError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_token_with_whose_it_is_and_as_whom_it_acts() {
    let (fixture, ann) = ann().await;
    let (token, open) = fixture.sign_in(&ann).await;
    let signed_in = open.signed_in.clone().expect("somebody");
    assert_eq!((&open.account, &signed_in.user, signed_in.tenant.id), (&ann.account, &ann, ann.tenant));
    assert_eq!(signed_in.session, open.session);
    assert_eq!(open.session.acts_as, Some((ann.tenant, ann.id)));
    let other = SessionToken::generate(&*fixture.environment.entropy);
    assert_eq!(fixture.session(&other).await, None);
    assert_eq!(fixture.session(&token).await, Some(open));
    let kept = format!("SELECT count(*) FROM sessions WHERE sessions::text LIKE '%{}%'", token.expose());
    assert_eq!(fixture.number(&kept).await, 0, "the token is not kept");
}

#[tokio::test]
async fn a_session_is_over_when_it_is_idle_or_old() {
    let (fixture, ann) = ann().await;
    let (token, _) = fixture.sign_in(&ann).await;
    later(&fixture, ALMOST_IDLE);
    assert!(fixture.session(&token).await.is_some());
    later(&fixture, Session::IDLE);
    assert_eq!(fixture.session(&token).await, None);
    assert_eq!(listed(&fixture, &ann).await, []);

    let (token, open) = fixture.sign_in(&ann).await;
    let start = fixture.environment.clock.now();
    while fixture.environment.clock.now().plus(Session::IDLE) < start.plus(Session::LIFETIME) {
        later(&fixture, ALMOST_IDLE);
        assert!(fixture.session(&token).await.is_some());
    }
    fixture.clock.set(start.plus(Session::LIFETIME));
    assert_eq!(fixture.session(&token).await, None);
    assert_eq!(change(&fixture, &open).await, Err(Refusal::SignedOut), "nor is anything changed by it");
}

#[tokio::test]
async fn that_a_session_was_seen_is_noted_once_a_minute() {
    let (fixture, ann) = ann().await;
    let (token, open) = fixture.sign_in(&ann).await;
    let version = "SELECT xmin::text::bigint FROM sessions";
    let before = fixture.number(version).await;
    later(&fixture, Duration::from_millis(59_999));
    fixture.session(&token).await.expect("open");
    assert_eq!(fixture.number(version).await, before);
    later(&fixture, Duration::from_millis(1));
    fixture.session(&token).await.expect("open");
    let seen = fixture.session(&token).await.expect("open").session.seen_at;
    assert_eq!(seen, open.session.seen_at.plus(Duration::from_mins(1)));
}

#[tokio::test]
async fn an_account_sees_its_own_sessions_with_where_they_came_from() {
    let (fixture, ann) = ann().await;
    let bob = fixture.user(ann.tenant, "bob@example.com", Role::Member).await;
    fixture.sign_in(&bob).await;
    let (_, first) = fixture.sign_in(&ann).await;
    later(&fixture, Duration::from_mins(5));
    let address: IpAddr = "2001:db8::1".parse().expect("an address");
    let now = fixture.environment.clock.now();
    let record = SessionRecord {
        account: ann.account.id,
        hash: SessionToken::generate(&*fixture.environment.entropy).hash(),
        acts_as: None,
        created_at: now,
        address: Some(address),
        user_agent: Some(Excerpt::of(b"Browser/1", 300)),
    };
    let mut uow = fixture.begin().await;
    let second = uow.sessions().insert(record).await.expect("stored");
    uow.commit().await.expect("a commit");
    let listed = listed(&fixture, &ann).await;
    assert_eq!(listed.iter().map(|one| one.session.clone()).collect::<Vec<_>>(), [second, first.session]);
    assert_eq!((listed[0].address, listed[0].user_agent.as_deref()), (Some(address), Some("Browser/1")));
    assert_eq!((listed[1].address, listed[1].user_agent.as_deref()), (None, None));
}

#[tokio::test]
async fn memberships_are_those_of_active_users_by_the_tenants_names() {
    let (fixture, ann) = ann().await;
    let (second, third) = (fixture.tenant().await, fixture.tenant().await);
    fixture.run(&format!("UPDATE tenants SET name = 'aardvark' WHERE id = {}", second.id)).await;
    fixture.user(second.id, "ANN@example.com", Role::Viewer).await;
    let gone = fixture.user(third.id, "ann@example.com", Role::Viewer).await;
    fixture.user(third.id, "bob@example.com", Role::Viewer).await;
    fixture.run(&format!("UPDATE users SET deactivated_at = now() WHERE id = {}", gone.id)).await;
    let memberships = SessionReader::memberships(&fixture.store, ann.account.id).await.expect("a list");
    let seen: Vec<_> = memberships.iter().map(|one| (one.tenant.id, one.user.role)).collect();
    assert_eq!(seen, [(second.id, Role::Viewer), (ann.tenant, Role::Member)]);
    let mut uow = fixture.begin().await;
    assert_eq!(uow.sessions().memberships(ann.account.id).await.expect("a list"), memberships);
}

#[tokio::test]
async fn who_chooses_another_tenant_acts_there_under_a_new_token_and_the_old_one_is_nothing() {
    let (fixture, ann) = ann().await;
    let other = fixture.tenant().await.id;
    let there = fixture.user(other, "ann@example.com", Role::CompanyAdmin).await;
    let (old, before) = fixture.sign_in(&ann).await;
    let (_, open) = fixture.choose(&before, other).await;
    assert_eq!(open.signed_in.as_ref().expect("somebody").user, there);
    assert_eq!((open.session.created_at, open.account.id), (before.session.created_at, ann.account.id));
    assert_eq!(fixture.session(&old).await, None);
    assert_eq!(change(&fixture, &before).await, Err(Refusal::SignedOut));
    assert_eq!(change(&fixture, &open).await, Ok(()));
    assert_eq!(fixture.number("SELECT count(*) FROM sessions").await, 1);
    let noted =
        format!("SELECT count(*) FROM security_log WHERE tenant_id = {other} AND action->>'kind' = 'signed_in'");
    assert_eq!(fixture.number(&noted).await, 1);
    // Back again in the same one is a new session too.
    let (_, back) = fixture.choose(&open, other).await;
    assert_eq!(change(&fixture, &open).await, Err(Refusal::SignedOut));
    assert_eq!(change(&fixture, &back).await, Ok(()));
    let nowhere = fixture.tenant().await.id;
    let refused = choose(&fixture.store, &fixture.environment, &back, None, nowhere).await;
    assert!(matches!(refused, Err(SessionError::NotAMember)), "{refused:?}");
}

#[tokio::test]
async fn of_an_accounts_sessions_the_latest_are_kept() {
    let (fixture, ann) = ann().await;
    let bob = fixture.user(ann.tenant, "bob@example.com", Role::Member).await;
    let (bobs, _) = fixture.sign_in(&bob).await;
    let mut tokens = Vec::new();
    for n in 0..MOST_SESSIONS + 5 {
        // Some of them in one millisecond.
        later(&fixture, Duration::from_millis(u64::from(n % 2 == 0)));
        tokens.push(fixture.sign_in(&ann).await.0);
    }
    let (ended, kept) = tokens.split_at(5);
    for token in ended {
        assert_eq!(fixture.session(token).await, None);
    }
    for token in kept.iter().chain([&bobs]) {
        assert!(fixture.session(token).await.is_some());
    }
    let listed = listed(&fixture, &ann).await;
    assert_eq!(listed.len(), MOST_SESSIONS);
    assert!(listed.windows(2).all(|two| two[0].session.position() > two[1].session.position()), "newest first");
}

#[tokio::test]
async fn a_session_that_is_over_ends_before_an_older_one_that_is_not() {
    let (fixture, ann) = ann().await;
    let (used, _) = fixture.sign_in(&ann).await;
    for _ in 0..MOST_SESSIONS - 1 {
        fixture.sign_in(&ann).await;
    }
    later(&fixture, ALMOST_IDLE);
    assert!(fixture.session(&used).await.is_some());
    later(&fixture, Duration::from_mins(1));
    fixture.sign_in(&ann).await;
    assert!(fixture.session(&used).await.is_some());
}

#[tokio::test]
async fn who_switches_to_and_fro_is_noted_once_an_hour_in_each_tenant() {
    let (fixture, ann) = ann().await;
    let other = fixture.tenant().await.id;
    fixture.user(other, "ann@example.com", Role::Viewer).await;
    let (_, mut open) = fixture.sign_in(&ann).await;
    let (_, elsewhere) = fixture.sign_in(&ann).await;
    let noted = "SELECT count(*) FROM security_log WHERE action->>'kind' = 'signed_in'";
    for (minutes, expected) in [(0, 2), (59, 2), (1, 4), (30, 4)] {
        later(&fixture, Duration::from_mins(minutes));
        for _ in 0..3 {
            open = fixture.choose(&open, other).await.1;
            open = fixture.choose(&open, ann.tenant).await.1;
        }
        assert_eq!(fixture.number(noted).await, expected, "after {minutes} more minutes");
    }
    // Another session is another one.
    fixture.choose(&elsewhere, other).await;
    assert_eq!(fixture.number(noted).await, 5);
}

#[tokio::test]
async fn one_session_or_all_end_and_those_of_others_do_not() {
    let (fixture, ann) = ann().await;
    let bob = fixture.user(ann.tenant, "bob@example.com", Role::Member).await;
    let (bobs, bobs_open) = fixture.sign_in(&bob).await;
    let ((first, first_open), (second, second_open), (third, third_open)) =
        (fixture.sign_in(&ann).await, fixture.sign_in(&ann).await, fixture.sign_in(&ann).await);
    let end =
        async |open: &OpenSession, id: SessionId| end_session(&fixture.store, &fixture.environment, open, id).await;
    let refused = end(&bobs_open, first_open.session.id).await;
    assert!(matches!(refused, Err(SessionError::NotFound)), "{refused:?}");
    end(&first_open, second_open.session.id).await.expect("ended");
    assert_eq!(fixture.session(&second).await, None);
    let refused = end(&second_open, first_open.session.id).await;
    assert!(matches!(refused, Err(SessionError::SignedOut)), "{refused:?}");
    sign_out(&fixture.store, &first_open).await.expect("signed out");
    sign_out(&fixture.store, &first_open).await.expect("signed out before");
    assert_eq!(fixture.session(&first).await, None);
    assert_eq!(change(&fixture, &first_open).await, Err(Refusal::SignedOut));
    assert!(fixture.session(&third).await.is_some());
    sign_out_everywhere(&fixture.store, &fixture.environment, &third_open, None, None).await.expect("signed out");
    assert_eq!(fixture.session(&third).await, None);
    assert!(fixture.session(&bobs).await.is_some());
}

/// Makes a contact by the session, in a task that has held it and goes on when it is told to.
async fn under_way(fixture: &Fixture, open: &OpenSession) -> Box<dyn UnitOfWork> {
    let mut uow = fixture.begin().await;
    let held = uow.credentials().hold_session(open.account.id, open.session.id).await.expect("no failure");
    assert!(held.is_some());
    uow
}

/// What ends what a session may do.
#[derive(Clone, Copy, Debug)]
enum End {
    Everywhere,
    Password,
    One,
    SignOut,
    Choose,
    Role,
    Access,
}

const ENDS: [End; 7] = [End::Everywhere, End::Password, End::One, End::SignOut, End::Choose, End::Role, End::Access];

fn start(fixture: &Fixture, end: End, open: &OpenSession, of: &User) -> JoinHandle<()> {
    let (store, environment, open, of) = (fixture.store.clone(), fixture.environment.clone(), open.clone(), of.clone());
    tokio::spawn(async move {
        match end {
            End::Everywhere => sign_out_everywhere(&store, &environment, &open, None, None).await.expect("done"),
            End::Password => {
                let new = PasswordHash::from_stored("$new".to_owned());
                set_password(&store, &environment, &open.account.email, &new).await.expect("done").expect("somebody");
            }
            End::One => end_session(&store, &environment, &open, open.session.id).await.expect("done"),
            End::SignOut => sign_out(&store, &open).await.expect("done"),
            End::Choose => drop(choose(&store, &environment, &open, None, of.tenant).await.expect("done")),
            End::Role => {
                operate(&store, &environment, of.tenant, &ChangeRole { user: of.id, role: Role::Viewer }).await;
            }
            End::Access => operate(&store, &environment, of.tenant, &DeactivateUser { user: of.id }).await,
        }
    })
}

async fn operate<C>(store: &dyn Store, environment: &bwp_domain::execute::Environment, tenant: TenantId, command: &C)
where
    C: Command<dyn UnitOfWork, Output = User, Error = bwp_domain::users::UserError>,
{
    let caller = bwp_domain::principal::Caller::operator(tenant);
    execute(store, environment, &caller, None, command, |_| RenderedResponse::default()).await.expect("done");
}

#[tokio::test]
async fn what_ends_a_session_waits_for_what_is_under_way_by_it_however_that_ends() {
    for end in ENDS {
        for ending in ["commit", "drop"] {
            let (fixture, ann) = ann().await;
            fixture.user(ann.tenant, "admin@example.com", Role::CompanyAdmin).await;
            let (_, open) = fixture.sign_in(&ann).await;
            let (first, second) = (under_way(&fixture, &open).await, under_way(&fixture, &open).await);
            let ended = start(&fixture, end, &open, &ann);
            fixture.until_waiting(1).await;
            assert!(!ended.is_finished(), "{end:?}");
            first.commit().await.expect("a commit");
            fixture.until_waiting(1).await;
            match ending {
                "commit" => second.commit().await.expect("a commit"),
                _ => drop(second),
            }
            within("the end", ended).await.expect("no panic");
            match end {
                End::Role => assert_eq!(change(&fixture, &open).await, Ok(()), "a viewer may make a contact yet"),
                _ => assert_eq!(change(&fixture, &open).await, Err(Refusal::SignedOut), "{end:?}"),
            }
        }
    }
}

#[tokio::test]
async fn whoever_comes_after_the_end_waits_for_it_and_is_refused() {
    let (fixture, ann) = ann().await;
    let (_, open) = fixture.sign_in(&ann).await;
    let mut ending = fixture.begin().await;
    ending.sessions().lock(open.account.id, open.session.id).await.expect("held").expect("there");
    ending.sessions().end_all(open.account.id, None).await.expect("ended");
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let (store, open) = (fixture.store.clone(), open.clone());
            tokio::spawn(async move {
                let mut uow = store.begin().await.expect("a unit of work");
                uow.credentials().hold_session(open.account.id, open.session.id).await
            })
        })
        .collect();
    fixture.until_waiting(3).await;
    ending.commit().await.expect("a commit");
    for held in waiting {
        let held: Result<_, StoreError> = within("a holder", held).await.expect("no panic");
        assert_eq!(held.expect("no failure"), None);
    }
}

/// Many write without pause, and one signs out everywhere: from the moment on at which that is done, nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_committed_after_signing_out_everywhere_was_acknowledged() {
    let (fixture, ann) = ann().await;
    let fixture = std::sync::Arc::new(fixture);
    let (_, open) = fixture.sign_in(&ann).await;
    let writers: Vec<_> = (0..6)
        .map(|_| {
            let (fixture, open) = (std::sync::Arc::clone(&fixture), open.clone());
            tokio::spawn(async move { while change(&fixture, &open).await.is_ok() {} })
        })
        .collect();
    let many = "SELECT least(count(*), 30) FROM contacts";
    fixture.until(many, 30).await;
    let ended = sign_out_everywhere(&fixture.store, &fixture.environment, &open, None, None);
    within("signing out under load", ended).await.expect("done");
    let then = fixture.number("SELECT count(*) FROM contacts").await;
    for writer in writers {
        within("a writer", writer).await.expect("no panic");
    }
    assert_eq!(fixture.number("SELECT count(*) FROM contacts").await, then);
}

#[tokio::test]
async fn a_role_is_what_it_is_at_the_next_request_and_access_that_was_taken_is_gone_there_alone() {
    let (fixture, ann) = ann().await;
    fixture.user(ann.tenant, "admin@example.com", Role::CompanyAdmin).await;
    let other = fixture.tenant().await.id;
    let there = fixture.user(other, "ann@example.com", Role::Manager).await;
    let ((token, _), (elsewhere, elsewhere_open)) = (fixture.sign_in(&ann).await, fixture.sign_in(&there).await);
    let (store, environment) = (&fixture.store, &fixture.environment);
    operate(store, environment, ann.tenant, &ChangeRole { user: ann.id, role: Role::Viewer }).await;
    let signed_in = fixture.session(&token).await.expect("open").signed_in.expect("somebody");
    assert_eq!(signed_in.user.role, Role::Viewer);
    operate(store, environment, ann.tenant, &DeactivateUser { user: ann.id }).await;
    let open = fixture.session(&token).await.expect("still signed in");
    assert_eq!((open.signed_in, open.session.acts_as), (None, None));
    assert_eq!(fixture.session(&elsewhere).await, Some(elsewhere_open));
    // Given back, it is not acted upon by itself.
    operate(store, environment, ann.tenant, &bwp_domain::users::ReactivateUser { user: ann.id }).await;
    assert_eq!(fixture.session(&token).await.expect("open").signed_in, None);
}
