//! Changing a password: by its owner, who knows it, or by the operator, for someone who forgot it.

use super::{
    Account, Password, PasswordHash, TypedPassword,
    ports::{Asker, PasswordHasher, PasswordHasherError, StoredAccount},
};
use crate::{
    clock::Timestamp,
    execute::Environment,
    fields::{Fault, FieldErrors},
    security::{Actor, SecurityAction, SecurityEntry, UserNote},
    sessions::{Membership, OpenSession, SessionError, SessionToken, hold, note_everywhere, renew},
    sign_in::{Counted, DeviceToken, Failures, Origin, Refused, TooMany, admit, forgive},
    store::{Store, StoreError, UnitOfWork, ended},
    text::Email,
};

/// What somebody types to change their password.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// The password that they have.
    pub present: TypedPassword,
    /// The one that they want.
    pub new: TypedPassword,
    /// From where.
    pub origin: Origin,
}

/// Why a password was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// What is wrong with the fields `presentPassword` and `newPassword`.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The session has ended.
    #[error("the session has ended: sign in again")]
    SignedOut,
    /// There were too many failures.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Too many passwords are being looked at just now, or none can be.
    #[error(transparent)]
    Hasher(#[from] PasswordHasherError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SessionError> for PasswordChangeError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::SignedOut | SessionError::NotAMember | SessionError::NotFound => Self::SignedOut,
            SessionError::Store(error) => Self::Store(error),
        }
    }
}

fn wrong() -> PasswordChangeError {
    let fault = Fault::new("invalid_value", "This is not your password.");
    PasswordChangeError::Invalid(FieldErrors::one("presentPassword", fault))
}

/// Changes the password of who is signed in, and ends all their other sessions; this one gets the token that is returned.
/// Their other browsers are known no more: one that was lost must not keep guesses of its own. The security logs of all their tenants say so.
pub async fn change_password(
    store: &dyn Store,
    environment: &Environment,
    hasher: &dyn PasswordHasher,
    refused: &Refused,
    open: &OpenSession,
    change: PasswordChange,
) -> Result<SessionToken, PasswordChangeError> {
    let new = change.new.choose(&open.account.email);
    let new = new.map_err(|fault| PasswordChangeError::Invalid(FieldErrors::one("newPassword", fault)))?;
    if change.present.is_too_long() {
        return Err(wrong());
    }
    refused.check(&[Counted::PasswordChange(open.account.id).key()], environment.clock.now())?;
    let mut uow = store.begin().await?;
    let admitted = admit_change(&mut *uow, environment, refused, open).await;
    let (at, stored) = ended(uow, admitted).await?;
    let new = match hash_if_right(hasher, change.present, &stored, new).await {
        Ok(new) => new.ok_or_else(wrong)?,
        Err(error) => {
            // Nobody looked at the password, or it was right: it was no guess.
            let mut uow = store.begin().await?;
            let done = forgive(&mut *uow, refused, &[Counted::PasswordChange(open.account.id)], at).await;
            ended(uow, done).await?;
            return Err(error.into());
        }
    };
    let mut uow = store.begin().await?;
    let done = change_in(&mut *uow, environment, refused, open, (&stored, &new), (at, &change.origin)).await;
    ended(uow, done).await
}

/// The hash of the new password, if the present one is right.
async fn hash_if_right(
    hasher: &dyn PasswordHasher,
    present: TypedPassword,
    stored: &StoredAccount,
    new: Password,
) -> Result<Option<PasswordHash>, PasswordHasherError> {
    if hasher.verify(present, Some(stored.password.clone()), Asker::Known).await? {
        hasher.hash(new).await.map(Some)
    } else {
        Ok(None)
    }
}

/// Counts the attempt, and reads what the present password is compared with.
async fn admit_change(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    refused: &Refused,
    open: &OpenSession,
) -> Result<(Timestamp, StoredAccount), PasswordChangeError> {
    let at = environment.clock.now();
    hold(uow, open, at).await?;
    let stored = uow.accounts().lock(open.account.id).await?.ok_or(PasswordChangeError::SignedOut)?;
    admit(uow, refused, &[Counted::PasswordChange(open.account.id)], at).await??;
    Ok((at, stored))
}

async fn change_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    refused: &Refused,
    open: &OpenSession,
    (looked_at, new): (&StoredAccount, &PasswordHash),
    (admitted_at, origin): (Timestamp, &Origin),
) -> Result<SessionToken, PasswordChangeError> {
    let now = environment.clock.now();
    let session = hold(uow, open, now).await?;
    let stored = uow.accounts().lock(open.account.id).await?.ok_or(PasswordChangeError::SignedOut)?;
    if stored.password != looked_at.password {
        return Err(wrong());
    }
    forgive(uow, refused, &[Counted::PasswordChange(open.account.id)], admitted_at).await?;
    uow.accounts().set_password(open.account.id, new).await?;
    uow.sessions().end_all(open.account.id, Some(session.id)).await?;
    uow.sign_ins().forget(open.account.id, origin.device.as_ref().map(DeviceToken::hash)).await?;
    let token = renew(uow, environment, session.id, session.acts_as).await?;
    let noted = |one: &Membership| {
        let action = SecurityAction::PasswordChanged { user: UserNote::of(&one.user) };
        SecurityEntry { at: now, actor: Actor::user(&one.user), address: origin.address, action }
    };
    note_everywhere(uow, open.account.id, noted).await?;
    Ok(token)
}

/// Gives the account with this address another password, as the operator, and ends all its sessions. Its browsers are known
/// no more. `None` if nobody has the address. The security logs of all its tenants say so.
pub async fn set_password(
    store: &dyn Store,
    environment: &Environment,
    email: &Email,
    new: &PasswordHash,
) -> Result<Option<Account>, StoreError> {
    let mut uow = store.begin().await?;
    let done = set_in(&mut *uow, environment, email, new).await;
    ended(uow, done).await
}

async fn set_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    email: &Email,
    new: &PasswordHash,
) -> Result<Option<Account>, StoreError> {
    let Some(account) = uow.accounts().lock_by_email(email).await? else { return Ok(None) };
    uow.accounts().set_password(account.id, new).await?;
    uow.sessions().end_all(account.id, None).await?;
    uow.sign_ins().forget(account.id, None).await?;
    // Their browsers are new ones now: the guesses of others must not keep them out.
    let key = Counted::Email(&account.email).key();
    uow.sign_ins().lock_failures(&[key]).await?;
    uow.sign_ins().store_failures(&key, &Failures::default()).await?;
    let now = environment.clock.now();
    let noted = |one: &Membership| {
        let action = SecurityAction::PasswordChanged { user: UserNote::of(&one.user) };
        SecurityEntry { at: now, actor: Actor::Operator, address: None, action }
    };
    note_everywhere(uow, account.id, noted).await?;
    Ok(Some(account))
}
