//! Roles and access of a tenant's users, and invitations.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::Arc;

use bwp_domain::{
    accounts::{PasswordHash, TypedPassword, ports::MockPasswordHasher},
    clock::Timestamp,
    execute::{Applied, Command, Context, Failure},
    fields::Field,
    ids::{InvitationId, UserId},
    invitations::{
        AcceptError, Invitation, InvitationError, InvitationState, InvitationToken, InviteUser, NewcomerDraft,
        WithdrawInvitation, accept_as_newcomer, accept_signed_in,
        ports::{MockInvitationReader, SeenInvitation},
    },
    principal::Principal,
    security::{Actor, SecurityAction},
    sessions::Session,
    sign_in::Origin,
    store::UnitOfWork,
    testing::{
        Ending, ScriptedStore, ScriptedUnitOfWork, SequentialEntropy, account, credential, environment, open_session,
        tenant, tenant_id, user,
    },
    text::Email,
    users::{AccountToUse, ChangeRole, CreateUser, DeactivateUser, ReactivateUser, Role, User, UserError, UserState},
};
use futures_executor::block_on;

fn apply<C>(
    command: &C,
    uow: &mut (dyn UnitOfWork + 'static),
    principal: &Principal,
) -> Result<Applied<C::Output>, Failure<C::Error>>
where
    C: Command<dyn UnitOfWork>,
{
    block_on(command.apply(&Context::new(principal, &environment()), uow))
}

fn admin() -> Principal {
    Principal::User(open_session(Role::CompanyAdmin).signed_in.expect("somebody"))
}

fn id(id: i64) -> UserId {
    UserId::new(id).expect("positive")
}

fn email() -> Email {
    Email::parse("Bob@example.com".to_owned()).expect("an address")
}

/// One that holds this user, whom the change leaves so many admins.
fn with(held: Option<User>, admins_then: i64) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.users.expect_lock().return_once(move |tenant, _| {
        assert_eq!(tenant, tenant_id(1));
        Ok(held)
    });
    uow.users.expect_update().returning(|_, _| Ok(()));
    uow.users.expect_active_admins().returning(move |_| Ok(admins_then));
    uow.sessions.expect_stop_acting().returning(|_, _| Ok(()));
    uow
}

/// Like [`with`], and the invitations that the user made are withdrawn.
fn withdrawing(held: User, admins_then: i64) -> ScriptedUnitOfWork {
    let mut uow = with(Some(held), admins_then);
    uow.invitations.expect_withdraw_those_of().times(1).return_once(|tenant, user, now| {
        assert_eq!((tenant, user, now), (tenant_id(1), id(7), environment().clock.now()));
        Ok(())
    });
    uow
}

fn deactivated(role: Role) -> User {
    User { state: UserState::Deactivated { at: Timestamp::MIN }, ..user(tenant_id(1), 7, role) }
}

fn active(role: Role) -> User {
    user(tenant_id(1), 7, role)
}

#[test]
fn a_role_is_changed_and_noted_and_the_same_one_is_no_change() {
    let command = ChangeRole { user: id(7), role: Role::Manager };
    let done = apply(&command, &mut with(Some(active(Role::Viewer)), 1), &admin()).expect("changed");
    assert_eq!(done.output.role, Role::Manager);
    assert!(
        matches!(done.noted.as_slice(), [SecurityAction::RoleChanged { from, to, .. }] if from == "viewer" && to == "manager"),
        "{:?}",
        done.noted
    );
    let mut untouched = ScriptedUnitOfWork::default();
    untouched.users.expect_lock().return_once(|_, _| Ok(Some(active(Role::Manager))));
    assert!(apply(&command, &mut untouched, &admin()).expect("no change").noted.is_empty());
}

#[test]
fn access_is_taken_and_given_back_once() {
    let (take, give) = (DeactivateUser { user: id(7) }, ReactivateUser { user: id(7) });
    let done = apply(&take, &mut withdrawing(active(Role::Viewer), 1), &admin()).expect("taken");
    assert_eq!(done.output.state, UserState::Deactivated { at: environment().clock.now() });
    assert!(matches!(done.noted.as_slice(), [SecurityAction::UserDeactivated { .. }]));
    let done = apply(&give, &mut with(Some(deactivated(Role::Viewer)), 1), &admin()).expect("given");
    assert!(done.output.is_active() && matches!(done.noted.as_slice(), [SecurityAction::UserReactivated { .. }]));
    let again = apply(&take, &mut with(Some(deactivated(Role::Viewer)), 1), &admin());
    assert!(matches!(again, Err(Failure::Rejected(UserError::AlreadyDeactivated))), "{again:?}");
    let again = apply(&give, &mut with(Some(active(Role::Viewer)), 1), &admin());
    assert!(matches!(again, Err(Failure::Rejected(UserError::AlreadyActive))), "{again:?}");
}

#[test]
fn the_last_admin_keeps_role_and_access() {
    let demote = ChangeRole { user: id(7), role: Role::Manager };
    let refused = apply(&demote, &mut with(Some(active(Role::CompanyAdmin)), 0), &admin());
    assert!(matches!(refused, Err(Failure::Rejected(UserError::LastAdmin))), "{refused:?}");
    let take = DeactivateUser { user: id(7) };
    let refused = apply(&take, &mut with(Some(active(Role::CompanyAdmin)), 0), &admin());
    assert!(matches!(refused, Err(Failure::Rejected(UserError::LastAdmin))), "{refused:?}");
    // Who cannot invite any more has invited nobody.
    assert!(apply(&demote, &mut withdrawing(active(Role::CompanyAdmin), 1), &admin()).is_ok());
}

#[test]
fn somebody_of_another_tenant_is_not_there() {
    let change = ChangeRole { user: id(7), role: Role::Manager };
    let refused = apply(&change, &mut with(None, 1), &admin());
    assert!(matches!(refused, Err(Failure::Rejected(UserError::NotFound))), "{refused:?}");
}

/// No role but that of a company admin, and no key, may do anything about the team. Nothing is asked of the store.
#[test]
fn only_an_admin_manages_the_team() {
    let roles = [Role::Manager, Role::Member, Role::FieldCrew, Role::Viewer].map(open_session);
    let mut others: Vec<_> = roles.map(|open| Principal::User(open.signed_in.expect("somebody"))).to_vec();
    others.push(Principal::Key(Arc::new(credential(bwp_domain::scopes::ScopeId::ALL))));
    for other in others {
        let nothing = &mut ScriptedUnitOfWork::default();
        let change = apply(&ChangeRole { user: id(7), role: Role::Viewer }, nothing, &other);
        assert!(matches!(change, Err(Failure::Rejected(UserError::Forbidden(_)))), "{change:?}");
        let take = apply(&DeactivateUser { user: id(7) }, nothing, &other);
        assert!(matches!(take, Err(Failure::Rejected(UserError::Forbidden(_)))), "{take:?}");
        let give = apply(&ReactivateUser { user: id(7) }, nothing, &other);
        assert!(matches!(give, Err(Failure::Rejected(UserError::Forbidden(_)))), "{give:?}");
        let password = PasswordHash::from_stored("$".to_owned());
        let create = apply(
            &CreateUser { email: email(), role: Role::Viewer, account: AccountToUse::New(password) },
            nothing,
            &other,
        );
        assert!(matches!(create, Err(Failure::Rejected(UserError::Forbidden(_)))), "{create:?}");
        let invite = apply(&InviteUser { email: email(), role: Role::Viewer }, nothing, &other);
        assert!(matches!(invite, Err(Failure::Rejected(InvitationError::Forbidden(_)))), "{invite:?}");
        let withdraw = apply(&WithdrawInvitation { id: InvitationId::new(1).expect("positive") }, nothing, &other);
        assert!(matches!(withdraw, Err(Failure::Rejected(InvitationError::Forbidden(_)))), "{withdraw:?}");
    }
}

fn invitation() -> Invitation {
    let now = environment().clock.now();
    Invitation {
        id: InvitationId::new(3).expect("positive"),
        tenant: tenant_id(1),
        email: email(),
        role: Role::Member,
        created_at: now,
        expires_at: now.plus(Invitation::LIFETIME),
        state: InvitationState::Pending,
    }
}

/// Each way in which an invitation is not good.
fn no_good() -> Vec<Option<Invitation>> {
    let at = environment().clock.now();
    vec![
        None,
        Some(Invitation { expires_at: at, ..invitation() }),
        Some(Invitation { state: InvitationState::Withdrawn { at }, ..invitation() }),
        Some(Invitation { state: InvitationState::Accepted { at, user: id(8) }, ..invitation() }),
    ]
}

#[test]
fn everything_that_is_wrong_with_an_invitation_is_said() {
    let text = |text: &str| Field::Value(text.to_owned());
    let fields = |errors: bwp_domain::fields::FieldErrors| {
        errors.iter().map(|error| (error.field.clone(), error.fault.code)).collect::<Vec<_>>()
    };
    let both = [("email".to_owned(), "invalid_format"), ("role".to_owned(), "invalid_value")];
    assert_eq!(fields(InviteUser::parse(text("nobody"), text("boss")).expect_err("wrong")), both);
    let both = [("email".to_owned(), "required"), ("role".to_owned(), "required")];
    assert_eq!(fields(InviteUser::parse(Field::Absent, Field::Absent).expect_err("wrong")), both);
    let good = InviteUser::parse(text(" Bob@example.com "), text("field_crew")).expect("good");
    assert_eq!(good, InviteUser { email: email(), role: Role::FieldCrew });
}

#[test]
fn an_invitation_is_good_for_a_week_and_its_token_is_told_once() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.users.expect_find_by_email().return_once(|_, _| Ok(None));
    uow.invitations.expect_put().times(1).return_once(|tenant, record| {
        assert_eq!((tenant, record.invited_by), (tenant_id(1), Some(id(5))));
        assert_eq!(record.expires_at, environment().clock.now().plus(Invitation::LIFETIME));
        Ok(invitation())
    });
    let done = apply(&InviteUser { email: email(), role: Role::Member }, &mut uow, &admin()).expect("invited");
    assert!(!format!("{:?}", done.output).contains(done.output.token.expose()));
    assert!(
        matches!(done.noted.as_slice(), [SecurityAction::UserInvited { email, role }] if email == "Bob@example.com" && role == "member")
    );
}

#[test]
fn who_is_a_user_or_was_one_is_not_invited() {
    for (user, said) in [(active(Role::Viewer), "already"), (deactivated(Role::Viewer), "Give it back")] {
        let mut uow = ScriptedUnitOfWork::default();
        uow.users.expect_find_by_email().return_once(move |_, _| Ok(Some(user)));
        let refused = apply(&InviteUser { email: email(), role: Role::Member }, &mut uow, &admin());
        let Err(Failure::Rejected(InvitationError::Invalid(errors))) = refused else { panic!("{refused:?}") };
        let error = errors.iter().next().expect("an error");
        assert!(error.field == "email" && error.fault.message.contains(said), "{error:?}");
    }
}

#[test]
fn an_invitation_is_withdrawn_once_and_not_when_it_was_accepted() {
    let command = WithdrawInvitation { id: InvitationId::new(3).expect("positive") };
    let at = environment().clock.now();
    let run = |held: Option<Invitation>| {
        let mut uow = ScriptedUnitOfWork::default();
        uow.invitations.expect_lock().return_once(move |_, _| Ok(held));
        uow.invitations.expect_update_state().returning(|_, _| Ok(()));
        apply(&command, &mut uow, &admin())
    };
    let over = Invitation { expires_at: at, ..invitation() };
    for pending in [invitation(), over] {
        let done = run(Some(pending)).expect("withdrawn");
        assert_eq!(done.output.state, InvitationState::Withdrawn { at });
        assert!(matches!(done.noted.as_slice(), [SecurityAction::InvitationWithdrawn { .. }]));
    }
    for state in [InvitationState::Withdrawn { at }, InvitationState::Accepted { at, user: id(8) }] {
        let refused = run(Some(Invitation { state, ..invitation() }));
        assert!(matches!(refused, Err(Failure::Rejected(InvitationError::NotPending))), "{refused:?}");
    }
    assert!(matches!(run(None), Err(Failure::Rejected(InvitationError::NotFound))));
}

fn token() -> InvitationToken {
    InvitationToken::generate(&SequentialEntropy::default())
}

fn draft(password: &str) -> NewcomerDraft {
    NewcomerDraft {
        first_name: Field::Value("Bob".to_owned()),
        last_name: Field::Absent,
        password: TypedPassword::new(password.to_owned()),
    }
}

fn reader(seen: Option<Invitation>, has_account: bool) -> MockInvitationReader {
    let mut reader = MockInvitationReader::new();
    reader.expect_find().returning(move |_| {
        Ok(seen.clone().map(|invitation| SeenInvitation { invitation, tenant: tenant(1), has_account }))
    });
    reader
}

fn hasher() -> MockPasswordHasher {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_hash().returning(|_| Ok(PasswordHash::from_stored("$".to_owned())));
    hasher
}

/// One in which the invitation is this, and that makes a user of whoever accepts it.
fn accepting(held: Option<Invitation>, joins: bool) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.invitations.expect_lock_by_hash().times(1).return_once(move |_| Ok(held));
    uow.users.expect_insert().return_once(move |tenant, record| {
        let user = User { account: record.account, ..user(tenant, 12, record.role) };
        Ok(joins.then_some(user))
    });
    uow.invitations.expect_update_state().times(0..=1).returning(|_, invitation| {
        assert_eq!(invitation.state, InvitationState::Accepted { at: environment().clock.now(), user: id(12) });
        Ok(())
    });
    uow.security_log.expect_append().returning(|tenant, entries| {
        assert_eq!(tenant, tenant_id(1));
        assert_eq!(entries[0].actor, Actor::User { id: id(12), email: "Bob@example.com".to_owned() });
        Ok(())
    });
    uow
}

fn newcomer(
    uow: Option<ScriptedUnitOfWork>,
    reader: &MockInvitationReader,
    hasher: &MockPasswordHasher,
    draft: NewcomerDraft,
) -> (Result<(), AcceptError>, Vec<Ending>) {
    let store = ScriptedStore::new(uow);
    let (environment, origin, token) = (environment(), Origin::default(), token());
    let done = accept_as_newcomer(&store, reader, &environment, hasher, &token, draft, &origin);
    (block_on(done).map(|_| ()), store.endings())
}

#[test]
fn a_newcomer_gets_an_account_a_user_and_a_session_that_acts_as_it() {
    let mut uow = accepting(Some(invitation()), true);
    uow.accounts.expect_insert().times(1).return_once(|record| {
        assert_eq!((record.email, record.name.first.as_deref()), (email(), Some("Bob")));
        Ok(Some(account(12, "Bob@example.com")))
    });
    uow.sign_ins.expect_remember().return_once(|_, _, _, _| Ok(()));
    uow.sessions.expect_memberships().return_once(|_| Ok(Vec::new()));
    uow.sessions.expect_insert().times(1).return_once(|record| {
        assert_eq!(record.acts_as, Some((tenant_id(1), id(12))));
        Ok(open_session(Role::Member).session)
    });
    uow.sessions.expect_note().times(1).returning(|_, _, _| Ok(true));
    let (done, endings) =
        newcomer(Some(uow), &reader(Some(invitation()), false), &hasher(), draft("correct horse battery"));
    done.expect("accepted");
    assert_eq!(endings, [Ending::Committed]);
}

#[test]
fn a_newcomers_name_and_password_have_rules_and_all_that_is_wrong_is_said() {
    let wrong = NewcomerDraft { first_name: Field::Value(String::new()), ..draft("bob@EXAMPLE.com") };
    // Whether or not somebody has an account: what costs nothing does not tell.
    for has_account in [false, true] {
        let reader = reader(Some(invitation()), has_account);
        let (done, _) = newcomer(None, &reader, &MockPasswordHasher::new(), wrong.clone());
        let Err(AcceptError::Invalid(errors)) = done else { panic!("{done:?}") };
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["firstName", "password"]);
    }
}

#[test]
fn what_is_not_good_any_more_is_not_accepted_and_costs_no_hashing() {
    for seen in no_good() {
        let (done, _) =
            newcomer(None, &reader(seen, false), &MockPasswordHasher::new(), draft("correct horse battery"));
        assert!(matches!(done, Err(AcceptError::NotGood)), "{done:?}");
    }
    let (done, _) =
        newcomer(None, &reader(Some(invitation()), true), &MockPasswordHasher::new(), draft("correct horse battery"));
    assert!(matches!(done, Err(AcceptError::HasAccount)), "{done:?}");
    // It may have become so since it was looked at.
    for held in no_good() {
        let good = reader(Some(invitation()), false);
        let (done, endings) = newcomer(Some(accepting(held, true)), &good, &hasher(), draft("correct horse battery"));
        assert!(matches!(done, Err(AcceptError::NotGood)), "{done:?}");
        assert_eq!(endings, [Ending::RolledBack]);
    }
    let mut uow = accepting(Some(invitation()), true);
    uow.accounts.expect_insert().return_once(|_| Ok(None));
    let (done, _) = newcomer(Some(uow), &reader(Some(invitation()), false), &hasher(), draft("correct horse battery"));
    assert!(matches!(done, Err(AcceptError::HasAccount)), "{done:?}");
}

/// Accepts as the account with this address.
fn signed_in(mut uow: ScriptedUnitOfWork, address: &str) -> (Result<(), AcceptError>, Vec<Ending>) {
    let mut open = open_session(Role::Member);
    open.account = account(5, address);
    let session: Session = open.session.clone();
    uow.sessions.expect_lock().return_once(move |_, _| Ok(Some(session)));
    uow.sessions.expect_renew().returning(|_, _, acts_as| {
        assert_eq!(acts_as, Some((tenant_id(1), id(12))));
        Ok(())
    });
    let store = ScriptedStore::new([uow]);
    let done = block_on(accept_signed_in(&store, &environment(), &open, &token(), None));
    (done.map(|_| ()), store.endings())
}

#[test]
fn the_owner_of_the_address_accepts_with_their_account_and_nobody_else_does() {
    let mut uow = accepting(Some(invitation()), true);
    uow.security_log = bwp_domain::security::ports::MockSecurityLog::new();
    uow.security_log.expect_append().times(1).return_once(|_, entries| {
        assert!(matches!(entries[0].action, SecurityAction::UserJoined { .. }));
        Ok(())
    });
    let (done, endings) = signed_in(uow, "bob@EXAMPLE.com");
    done.expect("accepted");
    assert_eq!(endings, [Ending::Committed]);
    let (done, endings) = signed_in(accepting(Some(invitation()), true), "eve@example.com");
    assert!(matches!(done, Err(AcceptError::AnotherAddress)), "{done:?}");
    assert_eq!(endings, [Ending::RolledBack]);
    for held in no_good() {
        let (done, _) = signed_in(accepting(held, true), "bob@example.com");
        assert!(matches!(done, Err(AcceptError::NotGood)), "{done:?}");
    }
}

#[test]
fn who_is_a_user_meanwhile_or_was_one_is_told() {
    for (there, said) in [(active(Role::Viewer), "already"), (deactivated(Role::Viewer), "no access")] {
        let mut uow = accepting(Some(invitation()), false);
        uow.users.expect_find_by_email().return_once(move |_, _| Ok(Some(there)));
        let (done, endings) = signed_in(uow, "bob@example.com");
        let Err(AcceptError::AlreadyAUser(text)) = done else { panic!("{done:?}") };
        assert!(text.contains(said), "{text}");
        assert_eq!(endings, [Ending::RolledBack]);
    }
}
