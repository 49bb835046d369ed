//! The caller, who may.

use std::{marker::PhantomData, net::IpAddr};

use actix_web::http::header;
use bwp_domain::{
    ids::TenantId,
    keys::{KeyHash, KeySecret},
    principal::{Caller, Credential, Principal, Refusal},
    scopes::ScopeSet,
};
use bwp_web::{client_address::ClientAddress, observe};

use super::{Call, Extract};
use crate::{privileges::Privilege, problem::Problem, state::ApiState};

/// A caller whose credential is valid now and holds the scopes of `P`.
///
/// A handler that does not take this first is not a handler of the API: it does not compile in the table.
pub(crate) struct Authorized<P: Privilege> {
    credential: Credential,
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

    /// The caller, for a change, which checks the credential again.
    pub(crate) fn into_caller(self) -> Caller {
        Caller { principal: Principal::Key(Box::new(self.credential)), address: self.address, needs: P::needs() }
    }
}

impl<P: Privilege> Extract for Authorized<P> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let shown = Shown { hash: bearer(call)?.hash(), address: ClientAddress::of(call.request), needs: P::needs() };
        let admitted = |credential: &Credential| {
            observe::record_tenant(call.request, credential.tenant.public_id);
            call.record.admit(credential);
        };
        let credential = shown.check(call.state, admitted).await?;
        let address = shown.address;
        call.shown = Some(shown);
        Ok(Self { credential, address, privilege: PhantomData })
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
    /// The credential, if it is good now. `admitted` is told of one that is, before it is known to hold the scopes.
    async fn check(&self, state: &ApiState, admitted: impl FnOnce(&Credential)) -> Result<Credential, Problem> {
        let found = state.keys.find_by_hash(&self.hash).await?;
        let credential = found.ok_or(Refusal::Unknown)?;
        credential.admit(state.environment.clock.now(), self.address)?;
        admitted(&credential);
        credential.authorize(self.needs)?;
        Ok(credential)
    }

    /// Whether the credential is still good.
    pub(crate) async fn check_again(&self, state: &ApiState) -> Result<(), Problem> {
        self.check(state, |_| ()).await.map(|_| ())
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
