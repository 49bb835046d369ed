//! The caller, who may.

use std::{marker::PhantomData, net::IpAddr};

use actix_web::http::header;
use bwp_domain::{
    ids::{TenantId, TenantPublicId},
    keys::{KeyHash, KeySecret},
    principal::{Caller, Credential, Principal, Refusal},
    rate_limits::Standing,
    scopes::ScopeSet,
};
use bwp_web::{client_address::ClientAddress, observe};

use super::{Call, Extract};
use crate::{privileges::Privilege, problem::Problem, rate_limit, state::ApiState};

/// A caller whose credential is valid now and holds the scopes of `P`.
///
/// A handler that does not take this first is not a handler of the API: it does not compile in the table.
pub(crate) struct Authorized<P: Privilege> {
    credential: Credential,
    standing: Standing,
    address: Option<IpAddr>,
    privilege: PhantomData<P>,
}

impl<P: Privilege> Authorized<P> {
    /// On whose data the caller acts.
    pub(crate) fn tenant(&self) -> TenantId {
        self.credential.tenant.id
    }

    /// The credential.
    pub(crate) const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// How the caller's budgets stand, this request included.
    pub(crate) const fn standing(&self) -> Standing {
        self.standing
    }

    /// The caller, for a change, which checks the credential again.
    pub(crate) fn into_caller(self) -> Caller {
        Caller { principal: Principal::Key(Box::new(self.credential)), address: self.address, needs: P::needs() }
    }
}

impl<P: Privilege> Extract for Authorized<P> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let shown = Shown { hash: bearer(call)?.hash(), address: ClientAddress::of(call.request), needs: P::needs() };
        let credential = shown.admit(call.state, |tenant| observe::record_tenant(call.request, tenant)).await?;
        let standing = rate_limit::charge(call, &credential).await?;
        credential.authorize(shown.needs)?;
        let address = shown.address;
        call.shown = Some(shown);
        Ok(Self { credential, standing, address, privilege: PhantomData })
    }

    fn describe(input: &mut crate::openapi::Input) {
        input.scopes = P::SCOPES;
    }
}

/// What a caller shows to be let in.
pub(crate) struct Shown {
    hash: KeyHash,
    address: Option<IpAddr>,
    needs: ScopeSet,
}

impl Shown {
    /// The credential, if it is good now, whatever it may do. `name` is told the tenant as soon as it is known.
    async fn admit(&self, state: &ApiState, name: impl FnOnce(TenantPublicId)) -> Result<Credential, Problem> {
        let found = state.keys.find_by_hash(&self.hash).await?;
        let credential = found.ok_or(Refusal::Unknown)?;
        credential.admit(state.environment.clock.now(), self.address)?;
        name(credential.tenant.public_id);
        Ok(credential)
    }

    /// Whether the credential is still good. Charges nothing: that was done.
    pub(crate) async fn check_again(&self, state: &ApiState) -> Result<(), Problem> {
        let credential = self.admit(state, |_| ()).await?;
        Ok(credential.authorize(self.needs)?)
    }
}

/// The key in `Authorization: Bearer <key>` (RFC 6750, section 2.1). Rubbish is refused here, before any look-up.
fn bearer(call: &Call<'_>) -> Result<KeySecret, Problem> {
    let mut values = call.request.headers().get_all(header::AUTHORIZATION);
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
