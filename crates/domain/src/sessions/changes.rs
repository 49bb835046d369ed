//! What somebody does with their own sessions. Each of these holds the account's lock: when it is done, no change by what it
//! ended is under way.

use std::net::IpAddr;

use super::{Membership, OpenSession, Session, SessionToken};
use crate::{
    clock::Timestamp,
    execute::Environment,
    ids::{AccountId, SessionId, TenantId, UserId},
    security::{Actor, SecurityAction, SecurityEntry, UserNote},
    sign_in::DeviceHash,
    store::{Store, StoreError, UnitOfWork, ended},
    users::User,
};

/// Why nothing was done with a session.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SessionError {
    /// The session that asks has ended.
    #[error("the session has ended: sign in again")]
    SignedOut,
    /// The account has no active user in that tenant.
    #[error("there is no such tenant to act in")]
    NotAMember,
    /// The account has no such session.
    #[error("there is no such session")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Acts as the account's user of this tenant from now on, under a new token. The tenant's security log says so, once an hour.
pub async fn choose(
    store: &dyn Store,
    environment: &Environment,
    open: &OpenSession,
    address: Option<IpAddr>,
    tenant: TenantId,
) -> Result<SessionToken, SessionError> {
    let mut uow = store.begin().await?;
    let done = choose_in(&mut *uow, environment, open, address, tenant).await;
    ended(uow, done).await
}

async fn choose_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    open: &OpenSession,
    address: Option<IpAddr>,
    tenant: TenantId,
) -> Result<SessionToken, SessionError> {
    let now = environment.clock.now();
    hold(uow, open, now).await?;
    let memberships = uow.sessions().memberships(open.account.id).await?;
    let chosen = memberships.iter().find(|one| one.tenant.id == tenant).ok_or(SessionError::NotAMember)?;
    // Under the session's number of before: it keeps what is known of it when it gets another one.
    note_signed_in(uow, open.session.id, &chosen.user, address, now).await?;
    let token = renew(uow, environment, open.session.id, Some((tenant, chosen.user.id))).await?;
    Ok(token)
}

/// Ends the session that asks. One that has ended is no fault.
pub async fn sign_out(store: &dyn Store, open: &OpenSession) -> Result<(), StoreError> {
    let mut uow = store.begin().await?;
    let done = end_in(&mut *uow, open.account.id, open.session.id).await.map(|_| ());
    ended(uow, done).await
}

async fn end_in(uow: &mut dyn UnitOfWork, account: AccountId, session: SessionId) -> Result<bool, StoreError> {
    uow.sessions().lock(account, session).await?;
    uow.sessions().end(account, session).await
}

/// Ends another session of the same account, or the one that asks.
pub async fn end_session(
    store: &dyn Store,
    environment: &Environment,
    open: &OpenSession,
    session: SessionId,
) -> Result<(), SessionError> {
    let mut uow = store.begin().await?;
    let done = end_another(&mut *uow, environment, open, session).await;
    ended(uow, done).await
}

async fn end_another(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    open: &OpenSession,
    session: SessionId,
) -> Result<(), SessionError> {
    hold(uow, open, environment.clock.now()).await?;
    if uow.sessions().end(open.account.id, session).await? { Ok(()) } else { Err(SessionError::NotFound) }
}

/// Ends every session of the account, the one that asks included. The browsers in which it was signed
/// in to are known no more, but the one that is `kept`. The security logs of all its tenants say so.
pub async fn sign_out_everywhere(
    store: &dyn Store,
    environment: &Environment,
    open: &OpenSession,
    address: Option<IpAddr>,
    kept: Option<DeviceHash>,
) -> Result<(), SessionError> {
    let mut uow = store.begin().await?;
    let done = everywhere_in(&mut *uow, environment, open, address, kept).await;
    ended(uow, done).await
}

async fn everywhere_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    open: &OpenSession,
    address: Option<IpAddr>,
    kept: Option<DeviceHash>,
) -> Result<(), SessionError> {
    let now = environment.clock.now();
    hold(uow, open, now).await?;
    uow.sessions().end_all(open.account.id, None).await?;
    uow.sign_ins().forget(open.account.id, kept).await?;
    let noted = |one: &Membership| {
        let action = SecurityAction::SignedOutEverywhere { user: UserNote::of(&one.user) };
        SecurityEntry { at: now, actor: Actor::user(&one.user), address, action }
    };
    note_everywhere(uow, open.account.id, noted).await?;
    Ok(())
}

/// Holds the session that asks, alone, and checks that it is still there.
pub(crate) async fn hold(
    uow: &mut dyn UnitOfWork,
    open: &OpenSession,
    now: Timestamp,
) -> Result<Session, SessionError> {
    let held = uow.sessions().lock(open.account.id, open.session.id).await?;
    held.filter(|held| !held.is_over(now)).ok_or(SessionError::SignedOut)
}

/// Gives a session that is held another token.
pub(crate) async fn renew(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    session: SessionId,
    acts_as: Option<(TenantId, UserId)>,
) -> Result<SessionToken, StoreError> {
    let token = SessionToken::generate(&*environment.entropy);
    uow.sessions().renew(session, token.hash(), acts_as).await?;
    Ok(token)
}

/// Writes to the tenant's security log that this session acts as the user, unless it was noted there within the hour: who
/// switches to and fro must not fill the log.
pub(crate) async fn note_signed_in(
    uow: &mut dyn UnitOfWork,
    session: SessionId,
    user: &User,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if uow.sessions().note(session, user.tenant, now).await? {
        let action = SecurityAction::SignedIn { user: UserNote::of(user) };
        let entry = SecurityEntry { at: now, actor: Actor::user(user), address, action };
        uow.security_log().append(user.tenant, &[entry]).await?;
    }
    Ok(())
}

/// Writes an entry to the security log of every tenant in which the account has an active user.
pub(crate) async fn note_everywhere(
    uow: &mut dyn UnitOfWork,
    account: AccountId,
    noted: impl Fn(&Membership) -> SecurityEntry + Send,
) -> Result<(), StoreError> {
    let memberships = uow.sessions().memberships(account).await?;
    let entries: Vec<_> = memberships.iter().map(|one| (one.tenant.id, noted(one))).collect();
    for (tenant, entry) in entries {
        uow.security_log().append(tenant, &[entry]).await?;
    }
    Ok(())
}
