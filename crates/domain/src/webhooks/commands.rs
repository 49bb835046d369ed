//! Making, changing and deleting endpoints; replaying deliveries.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Endpoint, EndpointChanges, EndpointState, MOST_ENDPOINTS, NewEndpoint, Payload, SECRET_OVERLAP, SigningSecret,
    UrlRefusal, WebhookError,
    ports::{HasWebhooks, KeptSecret},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{FieldErrors, Guard},
    ids::{DeliveryId, EndpointId, TenantId},
    scopes::{ScopeId, ScopeSet},
    security::{EndpointNote, SecurityAction},
    vault::Vault,
};

type Result<T> = std::result::Result<T, Failure<WebhookError>>;

/// Makes an endpoint, active.
pub struct CreateEndpoint {
    /// What it is to be.
    pub endpoint: NewEndpoint,
    /// Why nothing may be sent to its URL, if that was found.
    pub refused: Option<UrlRefusal>,
    /// What its secret is kept in.
    pub vault: Arc<Vault>,
    /// What else was said of it, to be so once it is made.
    pub guard: Guard<Endpoint>,
}

/// An endpoint that was just made: the only moment at which its secret is shown.
#[derive(Debug)]
pub struct CreatedEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its secret.
    pub secret: SigningSecret,
}

/// Changes what is sent of an endpoint.
pub struct EditEndpoint {
    /// Which.
    pub id: EndpointId,
    /// What is to be other than it was.
    pub changes: EndpointChanges,
    /// Why nothing may be sent to the new URL, if that was found.
    pub refused: Option<UrlRefusal>,
    /// What was said of what this does not change, to be so.
    pub guard: Guard<Endpoint>,
}

/// Deletes an endpoint; its deliveries stay.
pub struct DeleteEndpoint {
    /// Which.
    pub id: EndpointId,
}

/// Gives an endpoint another secret. The one before still signs for [`SECRET_OVERLAP`], and one that was replaced before no more.
pub struct RotateSecret {
    /// Which.
    pub id: EndpointId,
    /// What the secret is kept in.
    pub vault: Arc<Vault>,
}

/// Sends a delivery again, with the same event and bytes, as if it had not been tried.
pub struct ReplayDelivery {
    /// Which.
    pub id: DeliveryId,
}

/// What the secrets of endpoints are sealed as.
pub(super) fn about(tenant: TenantId) -> String {
    format!("webhook secret of tenant {tenant}")
}

fn manage() -> ScopeSet {
    ScopeSet::of(&[ScopeId::WebhooksManage])
}

fn refuse(refusal: UrlRefusal) -> Failure<WebhookError> {
    Failure::Rejected(WebhookError::Invalid(FieldErrors::one("url", refusal.fault())))
}

/// A new secret, and how it is kept.
fn new_secret(context: &Context<'_>, vault: &Vault) -> Result<(SigningSecret, KeptSecret)> {
    let secret = SigningSecret::generate(context.entropy);
    let sealed = vault.seal(context.entropy, &about(context.tenant), secret.expose().as_bytes());
    Ok((secret, KeptSecret(sealed.ok_or(Failure::Rejected(WebhookError::VaultLocked))?)))
}

#[async_trait]
impl<U: HasWebhooks + ?Sized> Command<U> for CreateEndpoint {
    type Output = CreatedEndpoint;
    type Error = WebhookError;

    fn needs(&self) -> ScopeSet {
        manage()
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<CreatedEndpoint>> {
        if let Some(refusal) = self.refused {
            return Err(refuse(refusal));
        }
        if uow.webhooks().count_in_turn(context.tenant).await? >= MOST_ENDPOINTS {
            return Err(Failure::Rejected(WebhookError::TooMany));
        }
        let (secret, kept) = new_secret(context, &self.vault)?;
        let endpoint = uow.webhooks().insert(context.tenant, &self.endpoint, kept, context.now).await?;
        self.guard.check(&endpoint).map_err(|errors| Failure::Rejected(WebhookError::Invalid(errors)))?;
        let noted = SecurityAction::WebhookCreated { endpoint: EndpointNote::of(&endpoint) };
        Ok(Applied::noting(CreatedEndpoint { endpoint, secret }, vec![noted]))
    }
}

#[async_trait]
impl<U: HasWebhooks + ?Sized> Command<U> for EditEndpoint {
    type Output = Endpoint;
    type Error = WebhookError;

    fn needs(&self) -> ScopeSet {
        manage()
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Endpoint>> {
        let before = lock(context, uow, self.id).await?;
        self.guard.check(&before).map_err(|errors| Failure::Rejected(WebhookError::Invalid(errors)))?;
        let mut endpoint = before.clone();
        if let Some(url) = self.changes.url.as_ref().filter(|url| **url != before.url) {
            if let Some(refusal) = self.refused {
                return Err(refuse(refusal));
            }
            endpoint.url = url.clone();
        }
        endpoint.event_types = self.changes.event_types.clone().unwrap_or(endpoint.event_types);
        self.changes.description.clone().apply(&mut endpoint.description);
        match self.changes.is_active {
            Some(true) if !before.state.is_active() => {
                endpoint.state = EndpointState::Active;
                endpoint.consecutive_failures = 0;
            }
            // One that was disabled goes on saying why.
            Some(false) if before.state.is_active() => endpoint.state = EndpointState::Paused,
            Some(_) | None => {}
        }
        if endpoint == before {
            return Ok(Applied::silently(endpoint));
        }
        endpoint.updated_at = context.now.max(before.updated_at);
        uow.webhooks().update(context.tenant, &before, &endpoint).await?;
        let mut noted = Vec::new();
        if endpoint.url != before.url {
            let from = before.url.as_str().to_owned();
            noted.push(SecurityAction::WebhookMoved { endpoint: EndpointNote::of(&endpoint), from });
        }
        Ok(Applied::noting(endpoint, noted))
    }
}

#[async_trait]
impl<U: HasWebhooks + ?Sized> Command<U> for DeleteEndpoint {
    type Output = ();
    type Error = WebhookError;

    fn needs(&self) -> ScopeSet {
        manage()
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<()>> {
        let endpoint = lock(context, uow, self.id).await?;
        uow.webhooks().delete(context.tenant, self.id, context.now).await?;
        let noted = SecurityAction::WebhookDeleted { endpoint: EndpointNote::of(&endpoint) };
        Ok(Applied::noting((), vec![noted]))
    }
}

#[async_trait]
impl<U: HasWebhooks + ?Sized> Command<U> for RotateSecret {
    type Output = SigningSecret;
    type Error = WebhookError;

    fn needs(&self) -> ScopeSet {
        manage()
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<SigningSecret>> {
        let endpoint = lock(context, uow, self.id).await?;
        let (secret, kept) = new_secret(context, &self.vault)?;
        uow.webhooks().rotate(context.tenant, self.id, kept, context.now, context.now.plus(SECRET_OVERLAP)).await?;
        let noted = SecurityAction::WebhookSecretRotated { endpoint: EndpointNote::of(&endpoint) };
        Ok(Applied::noting(secret, vec![noted]))
    }
}

#[async_trait]
impl<U: HasWebhooks + ?Sized> Command<U> for ReplayDelivery {
    type Output = Payload;
    type Error = WebhookError;

    fn needs(&self) -> ScopeSet {
        manage()
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Payload>> {
        let none = || Failure::Rejected(WebhookError::NoDelivery);
        let endpoint = uow.webhooks().endpoint_of(context.tenant, self.id).await?.ok_or_else(none)?;
        // An endpoint is locked before its deliveries, as by the one who deletes it.
        if uow.webhooks().lock(context.tenant, endpoint).await?.is_none() {
            return Err(Failure::Rejected(WebhookError::EndpointDeleted));
        }
        let replayed = uow.webhooks().replay(context.tenant, self.id, context.now).await?;
        Ok(Applied::silently(replayed.ok_or_else(none)?))
    }
}

async fn lock<U: HasWebhooks + ?Sized>(context: &Context<'_>, uow: &mut U, id: EndpointId) -> Result<Endpoint> {
    let found = uow.webhooks().lock(context.tenant, id).await?;
    found.ok_or(Failure::Rejected(WebhookError::NoEndpoint))
}
