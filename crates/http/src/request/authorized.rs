//! The caller, who may.

use std::{marker::PhantomData, net::IpAddr, sync::Arc};

use actix_web::{HttpRequest, http::header};
use bwp_domain::{
    ids::TenantId,
    keys::{KeyHash, KeySecret},
    principal::{Caller, Credential, Principal, Refusal},
};
use bwp_web::client_address::ClientAddress;

use super::{Call, Extract};
use crate::{privileges::Privilege, problem::Problem, state::ApiState};

/// A caller whose credential is valid now and holds the scopes of `P`.
///
/// A handler that does not take this first is not a handler of the API: it does not compile in the table.
pub(crate) struct Authorized<P: Privilege> {
    credential: Arc<Credential>,
    address: Option<IpAddr>,
    privilege: PhantomData<P>,
}

impl<P: Privilege> Authorized<P> {
    /// On whose data the caller acts.
    pub(crate) fn tenant(&self) -> TenantId {
        self.credential.tenant.id
    }

    /// The credential.
    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Who asks.
    pub(crate) fn principal(&self) -> Principal {
        Principal::Key(Arc::clone(&self.credential))
    }

    /// Where the caller calls from.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The caller, for a change, which checks the credential again.
    pub(crate) fn into_caller(self) -> Caller {
        Caller { principal: Principal::Key(self.credential), address: self.address, needs: P::needs() }
    }
}

impl<P: Privilege> Extract for Authorized<P> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        call.credential.authorize(P::needs())?;
        Ok(Self { credential: Arc::clone(&call.credential), address: call.address, privilege: PhantomData })
    }

    fn describe(input: &mut crate::openapi::Input) {
        input.scopes = P::SCOPES;
    }
}

/// What a caller shows to be let in.
pub(crate) struct Shown {
    hash: KeyHash,
    pub(crate) address: Option<IpAddr>,
}

impl Shown {
    /// What `request` shows. Rubbish is refused here, before any look-up.
    pub(crate) fn by(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self { hash: bearer(request)?.hash(), address: ClientAddress::of(request) })
    }

    /// What was last known of the credential, for work that begins before it is checked.
    pub(crate) fn recall(&self, state: &ApiState) -> Option<Arc<Credential>> {
        state.keys.recall(&self.hash)
    }

    /// The credential, if it lets the caller in now.
    pub(crate) async fn check(&self, state: &ApiState) -> Result<Arc<Credential>, Problem> {
        let found = state.keys.find_by_hash(&self.hash).await?;
        let credential = found.ok_or(Refusal::Unknown)?;
        self.admit(state, &credential)?;
        Ok(credential)
    }

    /// Whether the credential lets the caller in now.
    pub(crate) fn admit(&self, state: &ApiState, credential: &Credential) -> Result<(), Refusal> {
        credential.admit(state.environment.clock.now(), self.address)
    }
}

/// The key in `Authorization: Bearer <key>` (RFC 6750, section 2.1).
fn bearer(request: &HttpRequest) -> Result<KeySecret, Problem> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next().ok_or_else(Problem::no_credential)?;
    if values.next().is_some() {
        return Err(Problem::bad_credential("more than one Authorization header"));
    }
    let value = value.to_str().map_err(|_| Problem::bad_credential("not ASCII"))?;
    let (scheme, token) = value.split_once(' ').ok_or_else(Problem::no_credential)?;
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Problem::no_credential());
    }
    KeySecret::parse(token.trim()).map_err(|_| Problem::bad_credential("malformed"))
}
