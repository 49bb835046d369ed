//! The caller, who may.

use std::marker::PhantomData;

use actix_web::http::header;
use bwp_domain::{
    ids::TenantId,
    keys::KeySecret,
    principal::{Caller, Credential, Principal, Refusal},
};
use bwp_web::{client_address::ClientAddress, observe};

use super::{Call, Extract};
use crate::{privileges::Privilege, problem::Problem};

/// A caller whose credential is valid now and holds the scopes of `P`.
///
/// A handler that does not take this first is not a handler of the API: it does not compile in the table.
pub(crate) struct Authorized<P: Privilege> {
    /// The caller.
    pub(crate) caller: Caller,
    credential: Credential,
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
}

impl<P: Privilege> Extract for Authorized<P> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        let secret = bearer(call)?;
        let address = ClientAddress::of(call.request);
        let found = call.state.keys.find_by_hash(&secret.hash()).await?;
        let credential = found.ok_or(Refusal::Unknown)?;
        credential.admit(call.state.environment.clock.now(), address)?;
        observe::record_tenant(call.request, credential.tenant.public_id);
        credential.authorize(P::needs())?;
        let principal = Principal::Key(Box::new(credential.clone()));
        let caller = Caller { principal, address, needs: P::needs() };
        Ok(Self { caller, credential, privilege: PhantomData })
    }

    fn describe(input: &mut crate::openapi::Input) {
        input.scopes = P::SCOPES;
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
