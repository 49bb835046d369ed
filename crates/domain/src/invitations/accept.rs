//! Accepting an invitation: by somebody new, or by the owner of an account.

use std::net::IpAddr;

use super::{
    Invitation, InvitationToken,
    commands::is_a_user,
    ports::{InvitationReader, SeenInvitation},
};
use crate::{
    accounts::{
        Account, PasswordHash, PersonName, TypedPassword,
        ports::{AccountRecord, PasswordHasher, PasswordHasherError},
    },
    clock::Timestamp,
    execute::Environment,
    fields::{Field, FieldErrors},
    security::{Actor, SecurityAction, SecurityEntry, UserNote},
    sessions::{Membership, OpenSession, SessionError, SessionToken, hold, renew},
    sign_in::{Origin, SignedInNow, start_session},
    store::{Store, StoreError, UnitOfWork, ended},
    text::Name,
    users::{User, ports::UserRecord},
};

/// What somebody who has no account tells about themselves.
#[derive(Clone, Debug)]
pub struct NewcomerDraft {
    /// Given name.
    pub first_name: Field<String>,
    /// Family name.
    pub last_name: Field<String>,
    /// The password that they want.
    pub password: TypedPassword,
}

/// Why an invitation was not accepted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AcceptError {
    /// The link is unknown, or the invitation was accepted, withdrawn or replaced, or its time is over.
    #[error("this invitation is not good any more: ask for another one")]
    NotGood,
    /// The invitation's address has an account: its owner signs in to accept.
    #[error("there is an account with this address: sign in to accept")]
    HasAccount,
    /// The invitation is for another address than that of the account.
    #[error("this invitation is for another e-mail address")]
    AnotherAddress,
    /// They are a user of the tenant, or were one and have no access now. The text is for them.
    #[error("{0}")]
    AlreadyAUser(String),
    /// What is wrong with the fields `firstName`, `lastName` and `password`.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The session has ended.
    #[error("the session has ended: sign in again")]
    SignedOut,
    /// Too many passwords are being looked at just now, or none can be.
    #[error(transparent)]
    Hasher(#[from] PasswordHasherError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SessionError> for AcceptError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::SignedOut | SessionError::NotAMember | SessionError::NotFound => Self::SignedOut,
            SessionError::Store(error) => Self::Store(error),
        }
    }
}

/// What an invitation says, to who holds its link. `None` if it is not good.
pub async fn look_at(
    reader: &dyn InvitationReader,
    environment: &Environment,
    token: &InvitationToken,
) -> Result<Option<SeenInvitation>, StoreError> {
    let found = reader.find(&token.hash()).await?;
    Ok(found.filter(|seen| seen.invitation.is_good(environment.clock.now())))
}

/// Makes an account for who holds the link, has them become a user of the tenant, and signs them in as it.
pub async fn accept_as_newcomer(
    store: &dyn Store,
    reader: &dyn InvitationReader,
    environment: &Environment,
    hasher: &dyn PasswordHasher,
    token: &InvitationToken,
    draft: NewcomerDraft,
    origin: &Origin,
) -> Result<SignedInNow, AcceptError> {
    let seen = look_at(reader, environment, token).await?.ok_or(AcceptError::NotGood)?;
    let mut errors = FieldErrors::new();
    let first = errors.optional("firstName", draft.first_name, Name::legible).into_option();
    let last = errors.optional("lastName", draft.last_name, Name::legible).into_option();
    let password = match draft.password.choose(&seen.invitation.email) {
        Ok(password) if errors.is_empty() => password,
        Ok(_) => return Err(AcceptError::Invalid(errors)),
        Err(fault) => {
            errors.push("password", fault);
            return Err(AcceptError::Invalid(errors));
        }
    };
    // After the fields: an answer that costs nothing must not tell whether somebody has an account.
    if seen.has_account {
        return Err(AcceptError::HasAccount);
    }
    // No transaction waits for this, and nobody without a link can ask for it.
    let password = hasher.hash(password).await?;
    let mut uow = store.begin().await?;
    let done = newcomer_in(&mut *uow, environment, token, &seen, (PersonName { first, last }, password), origin).await;
    ended(uow, done).await
}

async fn newcomer_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    token: &InvitationToken,
    seen: &SeenInvitation,
    (name, password): (PersonName, PasswordHash),
    origin: &Origin,
) -> Result<SignedInNow, AcceptError> {
    let now = environment.clock.now();
    let invitation = lock(uow, token, now).await?;
    let record = AccountRecord { email: invitation.email.clone(), name, password, created_at: now };
    let account = uow.accounts().insert(record).await?.ok_or(AcceptError::HasAccount)?;
    let user = join(uow, invitation, account.clone(), now, origin.address).await?;
    let membership = Membership { tenant: seen.tenant.clone(), user };
    Ok(start_session(uow, environment, account, origin, Some(&membership)).await?)
}

/// Has the owner of the account, which the invitation must be for, become a user of the tenant. Their session acts as it
/// from now on, under the token that is returned.
pub async fn accept_signed_in(
    store: &dyn Store,
    environment: &Environment,
    open: &OpenSession,
    token: &InvitationToken,
    address: Option<IpAddr>,
) -> Result<SessionToken, AcceptError> {
    let mut uow = store.begin().await?;
    let done = signed_in_in(&mut *uow, environment, open, token, address).await;
    ended(uow, done).await
}

async fn signed_in_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    open: &OpenSession,
    token: &InvitationToken,
    address: Option<IpAddr>,
) -> Result<SessionToken, AcceptError> {
    let now = environment.clock.now();
    let session = hold(uow, open, now).await?;
    let invitation = lock(uow, token, now).await?;
    if !invitation.is_for(&open.account.email) {
        return Err(AcceptError::AnotherAddress);
    }
    let tenant = invitation.tenant;
    let user = join(uow, invitation, open.account.clone(), now, address).await?;
    Ok(renew(uow, environment, session.id, Some((tenant, user.id))).await?)
}

/// The invitation, held, if it is good.
async fn lock(uow: &mut dyn UnitOfWork, token: &InvitationToken, now: Timestamp) -> Result<Invitation, AcceptError> {
    let held = uow.invitations().lock_by_hash(&token.hash()).await?;
    held.filter(|held| held.is_good(now)).ok_or(AcceptError::NotGood)
}

/// Makes the user, and notes that the invitation was accepted.
async fn join(
    uow: &mut dyn UnitOfWork,
    mut invitation: Invitation,
    account: Account,
    now: Timestamp,
    address: Option<IpAddr>,
) -> Result<User, AcceptError> {
    let (tenant, email) = (invitation.tenant, account.email.clone());
    let record = UserRecord { account, role: invitation.role, created_at: now };
    let Some(user) = uow.users().insert(tenant, record).await? else {
        let there = uow.users().find_by_email(tenant, &email).await?;
        return Err(there.map_or(AcceptError::NotGood, |user| AcceptError::AlreadyAUser(is_a_user(&user).message)));
    };
    invitation.accept(user.id, now).map_err(|_| AcceptError::NotGood)?;
    uow.invitations().update_state(tenant, &invitation).await?;
    let action = SecurityAction::UserJoined { user: UserNote::of(&user), role: user.role.to_string() };
    let entry = SecurityEntry { at: now, actor: Actor::user(&user), address, action };
    uow.security_log().append(tenant, &[entry]).await?;
    Ok(user)
}
