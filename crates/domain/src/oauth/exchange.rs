//! The token endpoint: codes and refresh tokens for tokens (RFC 6749, sections 4.1.3 and 6), and revocation (RFC 7009).
//!
//! Each runs in a transaction of its own, which is committed when it refuses too: a code that was shown with a wrong proof is spent, and
//! a stolen refresh token ends its grant.

use std::time::Duration;

use super::{
    AccessToken, AuthorizationCode, Client, GrantEnd, RefreshToken, Resource, Rotation, SecretHash, Shown, Verifier,
    ports::{AccessRecord, Grant, GrantRecord},
};
use crate::{
    clock::Timestamp,
    execute::Environment,
    ids::{RefreshTokenId, TenantId},
    scopes::{ScopeId, ScopeSet},
    security::{Actor, SecurityAction, SecurityEntry, UserNote},
    store::{Store, StoreError, UnitOfWork, ended},
};

/// How long an access token is good.
pub const ACCESS_LIFETIME: Duration = Duration::from_hours(1);
/// How long a refresh token is good that is not used.
pub const REFRESH_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// What a client sends for a code. The code is a secret, so that there is no `Debug`.
pub struct CodeShown<'a> {
    /// The code.
    pub code: &'a str,
    /// The proof. `None` if what was sent cannot be one.
    pub verifier: Option<Verifier>,
    /// Where the user was sent back to, if it says so.
    pub redirect_uri: Option<&'a str>,
    /// What the tokens are to be good for, if it says so.
    pub resource: Option<Resource>,
}

/// What a client sends for new tokens. The token is a secret, so that there is no `Debug`.
pub struct RefreshShown<'a> {
    /// The refresh token.
    pub token: &'a str,
    /// What the access token is to do, if less than the grant.
    pub scopes: Option<ScopeSet>,
    /// What it is to be good for, if it says so.
    pub resource: Option<Resource>,
}

/// Tokens for a client.
#[derive(Debug)]
pub struct Issued {
    /// For its requests.
    pub access: AccessToken,
    /// For the next tokens.
    pub refresh: Option<RefreshToken>,
    /// What the access token may do now.
    pub scopes: ScopeSet,
}

/// Why there are no tokens, by the error codes of RFC 6749, section 5.2, and RFC 8707, section 2.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// `invalid_grant`.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// `invalid_scope`.
    #[error("{0}")]
    InvalidScope(&'static str),
    /// `invalid_target`.
    #[error("the tokens of this grant are for another resource")]
    InvalidTarget,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Outcome = Result<Issued, TokenError>;

/// What is refused is committed as well; only a failure of the store undoes what was done.
async fn settled(uow: Box<dyn UnitOfWork>, outcome: Outcome) -> Outcome {
    match outcome {
        Err(TokenError::Store(error)) => ended(uow, Err(TokenError::Store(error))).await,
        outcome => ended(uow, Ok::<_, TokenError>(outcome)).await?,
    }
}

/// Gives tokens for a code, once.
///
/// # Errors
/// See [`TokenError`].
pub async fn redeem(store: &dyn Store, environment: &Environment, client: &Client, shown: &CodeShown<'_>) -> Outcome {
    let unknown = TokenError::InvalidGrant("the code is not known");
    let hash = AuthorizationCode::parse(shown.code).map_err(|_| unknown)?.hash();
    let mut uow = store.begin().await?;
    let outcome = redeem_in(&mut *uow, environment, client, &hash, shown).await;
    settled(uow, outcome).await
}

async fn redeem_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    client: &Client,
    hash: &SecretHash,
    shown: &CodeShown<'_>,
) -> Outcome {
    let now = environment.clock.now();
    let refused = |why| Err(TokenError::InvalidGrant(why));
    let Some(code) = uow.oauth().lock_code(hash).await? else { return refused("the code is not known") };
    let (tenant, record) = (code.tenant, code.record);
    // What another client shows is not known to it, and is left alone: it may come from a mix-up.
    if record.client != client.id {
        return refused("the code is not known");
    }
    if code.spent {
        // It is in two hands: what it gave is ended (RFC 6749, section 4.1.2).
        if let Some(grant) = code.grant
            && let Some(grant) = uow.oauth().lock_grant(tenant, grant).await?
            && !grant.is_ended
        {
            end_for_theft(uow, &grant, tenant, now).await?;
        }
        return refused("the code was used before");
    }
    let is_proven = shown.verifier.as_ref().is_some_and(|verifier| record.challenge.is_of(verifier));
    let is_same_uri = shown.redirect_uri.is_none_or(|uri| uri == record.redirect_uri);
    if record.expires_at <= now || !is_proven || !is_same_uri {
        uow.oauth().spend_code(tenant, hash, None).await?;
        return refused(if record.expires_at <= now {
            "the code is too old"
        } else if is_proven {
            "the redirect_uri is not the one that the code was asked for with"
        } else {
            "the code_verifier does not fit"
        });
    }
    if shown.resource.is_some_and(|resource| resource != record.resource) {
        return Err(TokenError::InvalidTarget);
    }
    let granted = GrantRecord {
        client: client.id,
        user: record.user,
        scopes: record.scopes,
        resource: record.resource,
        created_at: now,
    };
    let id = uow.oauth().insert_grant(tenant, granted).await?;
    uow.oauth().spend_code(tenant, hash, Some(id)).await?;
    let grant = uow.oauth().lock_grant(tenant, id).await?;
    let grant = grant.ok_or_else(|| StoreError::Internal("a grant that was just made is not there".to_owned()))?;
    if !grant.user.is_active() || grant.tenant.check().is_err() {
        uow.oauth().end_grant(tenant, id, now, GrantEnd::Revoked).await?;
        return refused("the user has no access (any more)");
    }
    let stays = grant.scopes.contains(ScopeId::OfflineAccess) && client.metadata.refreshes;
    let refresh = if stays { Some(next_refresh(uow, environment, tenant, &grant).await?) } else { None };
    if let Some((_, id)) = &refresh {
        uow.oauth().set_rotation(tenant, grant.id, Rotation::begin(*id)).await?;
    }
    issue(uow, environment, tenant, &grant, grant.scopes, refresh).await
}

/// Gives new tokens for a refresh token, which has a successor from then on.
///
/// # Errors
/// See [`TokenError`].
pub async fn refresh(
    store: &dyn Store,
    environment: &Environment,
    client: &Client,
    shown: &RefreshShown<'_>,
) -> Outcome {
    let unknown = TokenError::InvalidGrant("the refresh token is not known");
    let hash = RefreshToken::parse(shown.token).map_err(|_| unknown)?.hash();
    let mut uow = store.begin().await?;
    let outcome = refresh_in(&mut *uow, environment, client, &hash, shown).await;
    settled(uow, outcome).await
}

async fn refresh_in(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    client: &Client,
    hash: &SecretHash,
    shown: &RefreshShown<'_>,
) -> Outcome {
    let now = environment.clock.now();
    let refused = |why| Err(TokenError::InvalidGrant(why));
    let Some(found) = uow.oauth().find_refresh(hash).await? else { return refused("the refresh token is not known") };
    let tenant = found.tenant;
    let Some(grant) = uow.oauth().lock_grant(tenant, found.grant).await? else {
        return refused("the refresh token is not known");
    };
    if grant.client != client.id {
        return refused("the refresh token is not known");
    }
    if grant.is_ended {
        return refused("the refresh token was revoked");
    }
    let mut rotation = grant
        .rotation
        .ok_or_else(|| StoreError::Internal("a grant with a refresh token does not say how these stand".to_owned()))?;
    if rotation.shown(found.id) == Shown::Stolen {
        end_for_theft(uow, &grant, tenant, now).await?;
        return refused("the refresh token was used before: everything that came of it is revoked");
    }
    if found.expires_at <= now {
        return refused("the refresh token is expired");
    }
    if !grant.user.is_active() || grant.tenant.check().is_err() {
        return refused("the user has no access (any more)");
    }
    if shown.resource.is_some_and(|resource| resource != grant.resource) {
        return Err(TokenError::InvalidTarget);
    }
    let scopes = shown.scopes.unwrap_or(grant.scopes);
    if !grant.scopes.includes(scopes) {
        return Err(TokenError::InvalidScope("the scope goes beyond what was granted"));
    }
    let lost = rotation.current();
    let next = next_refresh(uow, environment, tenant, &grant).await?;
    if rotation.rotate(found.id, next.1) == Some(Shown::LostAnswer) {
        uow.oauth().end_given_with(tenant, lost).await?;
    }
    uow.oauth().set_rotation(tenant, grant.id, rotation).await?;
    issue(uow, environment, tenant, &grant, scopes, Some(next)).await
}

async fn end_for_theft(
    uow: &mut dyn UnitOfWork,
    grant: &Grant,
    tenant: TenantId,
    now: Timestamp,
) -> Result<(), StoreError> {
    uow.oauth().end_grant(tenant, grant.id, now, GrantEnd::Theft).await?;
    let action = SecurityAction::AppTokenStolen { user: UserNote::of(&grant.user), app: grant.app.clone() };
    let entry = SecurityEntry { at: now, actor: Actor::Server, address: None, action };
    uow.security_log().append(tenant, &[entry]).await
}

async fn next_refresh(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    tenant: TenantId,
    grant: &Grant,
) -> Result<(RefreshToken, RefreshTokenId), StoreError> {
    let token = RefreshToken::generate(&*environment.entropy);
    let expires_at = environment.clock.now().plus(REFRESH_LIFETIME);
    let id = uow.oauth().insert_refresh(tenant, grant.id, token.hash(), expires_at).await?;
    Ok((token, id))
}

async fn issue(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    tenant: TenantId,
    grant: &Grant,
    scopes: ScopeSet,
    refresh: Option<(RefreshToken, RefreshTokenId)>,
) -> Outcome {
    let now = environment.clock.now();
    let access = AccessToken::generate(&*environment.entropy);
    let record = AccessRecord {
        hash: access.hash(),
        given_with: refresh.as_ref().map(|(_, id)| *id),
        scopes,
        created_at: now,
        expires_at: now.plus(ACCESS_LIFETIME),
    };
    uow.oauth().insert_access(tenant, grant.id, record).await?;
    let refresh = refresh.map(|(token, _)| token);
    Ok(Issued { access, refresh, scopes: scopes.common(grant.user.role.scopes()) })
}

/// Ends what a client shows, if it is the client's: a refresh token with all that came of the same consent, an access token
/// alone. What is not known, or another's, is left alone, and nothing is told of it.
///
/// # Errors
/// If the store fails.
pub async fn revoke(
    store: &dyn Store,
    environment: &Environment,
    client: &Client,
    token: &str,
) -> Result<(), StoreError> {
    let (refresh, access) = (RefreshToken::parse(token).ok(), AccessToken::parse(token).ok());
    if refresh.is_none() && access.is_none() {
        return Ok(());
    }
    let mut uow = store.begin().await?;
    let done = match (refresh, access) {
        (Some(refresh), _) => revoke_refresh(&mut *uow, environment, client, &refresh.hash()).await,
        (None, Some(access)) => revoke_access(&mut *uow, client, &access.hash()).await,
        (None, None) => Ok(()),
    };
    ended(uow, done).await
}

async fn revoke_refresh(
    uow: &mut dyn UnitOfWork,
    environment: &Environment,
    client: &Client,
    hash: &SecretHash,
) -> Result<(), StoreError> {
    let Some(found) = uow.oauth().find_refresh(hash).await? else { return Ok(()) };
    let grant = uow.oauth().lock_grant(found.tenant, found.grant).await?;
    match grant.filter(|grant| grant.client == client.id && !grant.is_ended) {
        Some(grant) => uow.oauth().end_grant(found.tenant, grant.id, environment.clock.now(), GrantEnd::Revoked).await,
        None => Ok(()),
    }
}

async fn revoke_access(uow: &mut dyn UnitOfWork, client: &Client, hash: &SecretHash) -> Result<(), StoreError> {
    let Some((tenant, grant, token)) = uow.oauth().locate_access(hash).await? else { return Ok(()) };
    let grant = uow.oauth().lock_grant(tenant, grant).await?;
    match grant.filter(|grant| grant.client == client.id) {
        Some(_) => uow.oauth().end_access(tenant, token).await,
        None => Ok(()),
    }
}
