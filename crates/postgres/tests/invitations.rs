//! The contracts of `InvitationReader` and `InvitationRepository`; what several people do to one invitation, or to each other,
//! at the same moment.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bwp_domain::{
    accounts::{
        Password, PasswordHash, TypedPassword,
        ports::{Asker, PasswordHasher, PasswordHasherError},
    },
    execute::{Command, ExecuteError, Executed, execute},
    fields::Field,
    idempotency::RenderedResponse,
    ids::TenantId,
    invitations::{
        AcceptError, Invitation, InvitationError, InvitationState, InvitationToken, InviteUser, Invited, NewcomerDraft,
        WithdrawInvitation, accept_as_newcomer, accept_signed_in, look_at,
        ports::{InvitationReader, InvitationRecord},
    },
    paging::{Limit, PageRequest},
    principal::{Caller, Refusal},
    sessions::ports::SessionReader,
    sign_in::{Origin, SignedInNow},
    store::UnitOfWork,
    text::Email,
    users::{ChangeRole, DeactivateUser, Role, User, UserError, ports::TeamReader},
};
use bwp_postgres::testing::{Fixture, caller, within};
use tokio::task::JoinSet;

struct PlainHasher;

#[async_trait]
impl PasswordHasher for PlainHasher {
    async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordHasherError> {
        Ok(PasswordHash::from_stored(format!("plain {}", password.expose())))
    }

    async fn verify(&self, _: TypedPassword, _: Option<PasswordHash>, _: Asker) -> Result<bool, PasswordHasherError> {
        Ok(false)
    }
}

fn email(text: &str) -> Email {
    Email::parse(text.to_owned()).expect("an address")
}

async fn run<C, O, E>(fixture: &Fixture, caller: &Caller, command: &C) -> Result<O, ExecuteError<E>>
where
    C: Command<dyn UnitOfWork, Output = O, Error = E>,
    O: Send,
    E: Send,
{
    match execute(&fixture.store, &fixture.environment, caller, None, command, |_| RenderedResponse::default()).await? {
        Executed::Applied { output, .. } => Ok(output),
        Executed::Replayed(_) => panic!("nothing was repeated"),
    }
}

async fn invite(fixture: &Fixture, tenant: TenantId, address: &str) -> Invited {
    let command = InviteUser { email: email(address), role: Role::Manager };
    run(fixture, &Caller::operator(tenant), &command).await.expect("invited")
}

async fn accept_new(fixture: &Fixture, token: &InvitationToken) -> Result<SignedInNow, AcceptError> {
    let draft = NewcomerDraft {
        first_name: Field::Value("Bob".to_owned()),
        last_name: Field::Absent,
        password: TypedPassword::new("correct horse battery".to_owned()),
    };
    let (store, origin) = (&fixture.store, Origin::default());
    accept_as_newcomer(store, store, &fixture.environment, &PlainHasher, token, draft, &origin).await
}

async fn begin() -> (Fixture, TenantId) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    (fixture, tenant)
}

#[tokio::test]
async fn an_invitation_is_found_by_its_token_with_where_it_leads_to() {
    let (fixture, tenant) = begin().await;
    let Invited { invitation, token } = invite(&fixture, tenant, "Bob@example.com").await;
    let seen = look_at(&fixture.store, &fixture.environment, &token).await.expect("a look").expect("good");
    assert_eq!((&seen.invitation, seen.tenant.id, seen.has_account), (&invitation, tenant, false));
    assert_eq!((seen.invitation.role, &*seen.invitation.email), (Role::Manager, "Bob@example.com"));
    let other = fixture.tenant().await.id;
    fixture.user(other, "bob@EXAMPLE.com", Role::Viewer).await;
    let seen = InvitationReader::find(&fixture.store, &token.hash()).await.expect("a look").expect("there");
    assert!(seen.has_account);
    let unknown = InvitationToken::generate(&*fixture.environment.entropy);
    assert_eq!(look_at(&fixture.store, &fixture.environment, &unknown).await.expect("a look"), None);
    let kept = format!("SELECT count(*) FROM invitations WHERE invitations::text LIKE '%{}%'", token.expose());
    assert_eq!(fixture.number(&kept).await, 0, "the token is not kept");
    fixture.clock.set(invitation.expires_at);
    assert_eq!(look_at(&fixture.store, &fixture.environment, &token).await.expect("a look"), None);
}

/// All that are pending, in pages of three.
async fn pending(fixture: &Fixture, tenant: TenantId) -> Vec<Invitation> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: Limit::new(3).expect("a limit"), after };
        let page = fixture.store.pending(tenant, page).await.expect("a page");
        assert!(page.items.len() <= 3);
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn the_pending_ones_are_listed_in_pages_newest_first() {
    let (fixture, tenant) = begin().await;
    let mut invited = Vec::new();
    for n in 0..8 {
        // Some of them in one millisecond.
        fixture.clock.set(fixture.environment.clock.now().plus(Duration::from_millis(n % 2)));
        invited.push(invite(&fixture, tenant, &format!("{n}@example.com")).await.invitation);
    }
    invited.reverse();
    assert_eq!(pending(&fixture, tenant).await, invited);
}

#[tokio::test]
async fn another_one_for_the_same_address_takes_its_place_in_its_own_tenant() {
    let (fixture, tenant) = begin().await;
    let other = fixture.tenant().await.id;
    let elsewhere = invite(&fixture, other, "bob@example.com").await;
    let first = invite(&fixture, tenant, "bob@example.com").await;
    let second = invite(&fixture, tenant, "BOB@example.com").await;
    let ann = invite(&fixture, tenant, "ann@example.com").await;
    assert_eq!(InvitationReader::find(&fixture.store, &first.token.hash()).await.expect("a look"), None);
    let pending = pending(&fixture, tenant).await;
    assert_eq!(pending, [ann.invitation, second.invitation.clone()]);
    assert_eq!(self::pending(&fixture, other).await, [elsewhere.invitation]);
    let refused = accept_new(&fixture, &first.token).await;
    assert!(matches!(refused, Err(AcceptError::NotGood)), "{refused:?}");
    // One of another tenant is not there.
    let withdraw = WithdrawInvitation { id: second.invitation.id };
    let refused = run(&fixture, &Caller::operator(other), &withdraw).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(InvitationError::NotFound))), "{refused:?}");
    let withdrawn = run(&fixture, &Caller::operator(tenant), &withdraw).await.expect("withdrawn");
    assert!(matches!(withdrawn.state, InvitationState::Withdrawn { .. }));
    let seen = InvitationReader::find(&fixture.store, &second.token.hash()).await.expect("a look").expect("there");
    assert_eq!(seen.invitation, withdrawn);
    assert_eq!(self::pending(&fixture, tenant).await.len(), 1);
    let refused = accept_new(&fixture, &second.token).await;
    assert!(matches!(refused, Err(AcceptError::NotGood)), "{refused:?}");
    // That one was withdrawn: another is a new one.
    let third = invite(&fixture, tenant, "bob@example.com").await;
    assert_ne!(third.invitation.id, second.invitation.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_for_one_address_at_once_one_is_left() {
    let (fixture, tenant) = begin().await;
    let mut puts = JoinSet::new();
    for n in 0..12 {
        let (store, environment) = (fixture.store.clone(), fixture.environment.clone());
        puts.spawn(async move {
            let command = InviteUser { email: email("bob@example.com"), role: Role::ALL[n % 5] };
            let nothing = |_: &_| RenderedResponse::default();
            execute(&store, &environment, &Caller::operator(tenant), None, &command, nothing).await.expect("invited");
        });
    }
    while let Some(put) = within("an invitation", puts.join_next()).await {
        put.expect("no panic");
    }
    assert_eq!(self::pending(&fixture, tenant).await.len(), 1);
}

#[tokio::test]
async fn who_is_new_becomes_a_user_and_is_signed_in_as_it() {
    let (fixture, tenant) = begin().await;
    let Invited { token, .. } = invite(&fixture, tenant, "bob@example.com").await;
    let done = accept_new(&fixture, &token).await.expect("accepted");
    let signed_in = fixture.session(&done.session).await.expect("open").signed_in.expect("somebody");
    assert_eq!((signed_in.tenant.id, signed_in.user.role), (tenant, Role::Manager));
    assert_eq!(signed_in.account().label(), "Bob");
    assert_eq!(
        fixture.number("SELECT count(*) FROM accounts WHERE password_hash = 'plain correct horse battery'").await,
        1
    );
    let seen = InvitationReader::find(&fixture.store, &token.hash()).await.expect("a look").expect("there").invitation;
    assert!(matches!(seen.state, InvitationState::Accepted { user, .. } if user == signed_in.user.id), "{seen:?}");
    assert_eq!(pending(&fixture, tenant).await, []);
    let noted = "SELECT count(*) FROM security_log WHERE action->>'kind' IN ('user_joined', 'signed_in') AND actor_kind = 'user'";
    assert_eq!(fixture.number(noted).await, 2);
    let again = accept_new(&fixture, &token).await;
    assert!(matches!(again, Err(AcceptError::NotGood)), "{again:?}");
}

#[tokio::test]
async fn the_owner_of_an_account_joins_with_it() {
    let (fixture, tenant) = begin().await;
    let other = fixture.tenant().await.id;
    let bob = fixture.user(other, "bob@example.com", Role::Viewer).await;
    let eve = fixture.user(other, "eve@example.com", Role::Viewer).await;
    let Invited { token, .. } = invite(&fixture, tenant, "BOB@example.com").await;
    let refused = accept_new(&fixture, &token).await;
    assert!(matches!(refused, Err(AcceptError::HasAccount)), "{refused:?}");
    let ((_, eves), (old, bobs)) = (fixture.sign_in(&eve).await, fixture.sign_in(&bob).await);
    let accept = async |open| accept_signed_in(&fixture.store, &fixture.environment, open, &token, None).await;
    let refused = accept(&eves).await;
    assert!(matches!(refused, Err(AcceptError::AnotherAddress)), "{refused:?}");
    let session = accept(&bobs).await.expect("accepted");
    let open = fixture.session(&session).await.expect("open");
    let signed_in = open.signed_in.clone().expect("somebody");
    assert_eq!(
        (signed_in.tenant.id, signed_in.user.role, &signed_in.user.account),
        (tenant, Role::Manager, &bob.account)
    );
    assert_eq!(fixture.session(&old).await, None);
    assert_eq!(SessionReader::memberships(&fixture.store, bob.account.id).await.expect("a list").len(), 2);
    let again = accept(&open).await;
    assert!(matches!(again, Err(AcceptError::NotGood)), "{again:?}");
    // A user is not invited, active or not.
    for deactivated in ["NULL", "now()"] {
        fixture.run(&format!("UPDATE users SET deactivated_at = {deactivated}")).await;
        let command = InviteUser { email: email("bob@example.com"), role: Role::Member };
        let refused = run(&fixture, &Caller::operator(tenant), &command).await;
        assert!(matches!(refused, Err(ExecuteError::Rejected(InvitationError::Invalid(_)))), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_accept_one_invitation_at_once_one_joins() {
    let (fixture, tenant) = begin().await;
    let other = fixture.tenant().await.id;
    let bob = fixture.user(other, "bob@example.com", Role::Viewer).await;
    let (new, known) =
        (invite(&fixture, tenant, "new@example.com").await, invite(&fixture, tenant, "bob@example.com").await);
    let fixture = Arc::new(fixture);
    let mut accepts = JoinSet::new();
    for _ in 0..8 {
        let (joining, token) = (Arc::clone(&fixture), new.token.clone());
        accepts.spawn(async move { accept_new(&joining, &token).await.map(|_| "new") });
        let (fixture, token, bob) = (Arc::clone(&fixture), known.token.clone(), bob.clone());
        accepts.spawn(async move {
            let (_, open) = fixture.sign_in(&bob).await;
            accept_signed_in(&fixture.store, &fixture.environment, &open, &token, None).await.map(|_| "known")
        });
    }
    let mut joined = Vec::new();
    while let Some(accept) = within("an acceptance", accepts.join_next()).await {
        match accept.expect("no panic") {
            Ok(who) => joined.push(who),
            Err(AcceptError::NotGood | AcceptError::HasAccount) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    joined.sort_unstable();
    assert_eq!(joined, ["known", "new"]);
    assert_eq!(fixture.store.team(tenant, None, Limit::LARGEST).await.expect("a list").members.len(), 2);
    assert_eq!(fixture.number("SELECT count(*) FROM accounts").await, 2);
}

#[tokio::test]
async fn who_holds_an_invitation_keeps_others_waiting() {
    let (fixture, tenant) = begin().await;
    let Invited { invitation, token } = invite(&fixture, tenant, "bob@example.com").await;
    let mut first = fixture.begin().await;
    let held = first.invitations().lock(tenant, invitation.id).await.expect("held");
    assert_eq!(held, Some(invitation.clone()));
    let (store, hash) = (fixture.store.clone(), token.hash());
    let second = tokio::spawn(async move {
        let mut uow = bwp_domain::store::Store::begin(&store).await.expect("a unit of work");
        uow.invitations().lock_by_hash(&hash).await.expect("held")
    });
    fixture.until_waiting(1).await;
    let record = InvitationRecord {
        email: invitation.email.clone(),
        role: Role::Viewer,
        hash: InvitationToken::generate(&*fixture.environment.entropy).hash(),
        invited_by: None,
        created_at: invitation.created_at,
        expires_at: invitation.created_at.plus(Invitation::LIFETIME),
    };
    first.invitations().put(tenant, record).await.expect("replaced");
    first.commit().await.expect("a commit");
    assert_eq!(within("the second", second).await.expect("no panic"), None, "the link finds nothing any more");
}

/// Two admins, each signed in.
async fn two_admins() -> (Arc<Fixture>, [(User, Caller); 2]) {
    let (mut fixture, tenant) = begin().await;
    let ann = fixture.user(tenant, "ann@example.com", Role::CompanyAdmin).await;
    let bob = fixture.user(tenant, "bob@example.com", Role::CompanyAdmin).await;
    let (anns, bobs) = (caller(&fixture.sign_in(&ann).await.1), caller(&fixture.sign_in(&bob).await.1));
    // A deadlock is to fail, and not to be noticed and tried again.
    let database = fixture.database.name();
    fixture.run(&format!("ALTER DATABASE {database} SET deadlock_timeout = '1h'")).await;
    fixture.store = fixture.database.store();
    (Arc::new(fixture), [(ann, anns), (bob, bobs)])
}

/// What one of two does to the other, or to themselves, at the same moment as the other one.
#[tokio::test(flavor = "multi_thread")]
async fn two_admins_cannot_take_the_last_one_away_between_them() {
    for round in 0..12 {
        let (fixture, [(ann, anns), (bob, bobs)]) = two_admins().await;
        let tenant = ann.tenant;
        let themselves = round % 2 == 0;
        let (of_ann, of_bob) = if themselves { (ann.id, bob.id) } else { (bob.id, ann.id) };
        let (one, other) = (Arc::clone(&fixture), Arc::clone(&fixture));
        let one = tokio::spawn(async move {
            run(&one, &anns, &ChangeRole { user: of_ann, role: Role::Viewer }).await.map(|_| ())
        });
        let other = tokio::spawn(async move {
            if round % 3 == 0 {
                run(&other, &bobs, &DeactivateUser { user: of_bob }).await.map(|_| ())
            } else {
                run(&other, &bobs, &ChangeRole { user: of_bob, role: Role::Viewer }).await.map(|_| ())
            }
        });
        let (one, other) =
            (within("one", one).await.expect("no panic"), within("the other", other).await.expect("no panic"));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let refused = one.and(other).expect_err("one was refused");
        let right = match &refused {
            ExecuteError::Rejected(UserError::LastAdmin) => themselves,
            // They were demoted, or had their access taken, before they could do the same.
            ExecuteError::Rejected(UserError::Forbidden(_)) | ExecuteError::Refused(Refusal::SignedOut) => !themselves,
            _ => false,
        };
        assert!(right, "{refused:?}");
        assert_eq!(fixture.begin().await.users().active_admins(tenant).await.expect("a count"), 1);
    }
}

#[tokio::test]
async fn the_last_admin_cannot_demote_or_deactivate_themselves_and_with_another_one_can() {
    let (fixture, tenant) = begin().await;
    let ann = fixture.user(tenant, "ann@example.com", Role::CompanyAdmin).await;
    let anns = caller(&fixture.sign_in(&ann).await.1);
    let refused = run(&fixture, &anns, &ChangeRole { user: ann.id, role: Role::Viewer }).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(UserError::LastAdmin))), "{refused:?}");
    let refused = run(&fixture, &anns, &DeactivateUser { user: ann.id }).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(UserError::LastAdmin))), "{refused:?}");
    fixture.user(tenant, "bob@example.com", Role::CompanyAdmin).await;
    run(&fixture, &anns, &DeactivateUser { user: ann.id }).await.expect("taken");
    let gone = run(&fixture, &anns, &ChangeRole { user: ann.id, role: Role::Viewer }).await;
    assert!(matches!(gone, Err(ExecuteError::Refused(Refusal::SignedOut))), "{gone:?}");
}
