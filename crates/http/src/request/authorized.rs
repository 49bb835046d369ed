//! The caller, who may.

use std::{marker::PhantomData, net::IpAddr};

use actix_web::{HttpRequest, http::header};
use bwp_domain::{
    ids::TenantId,
    keys::{KeyHash, KeySecret},
    oauth::{AccessToken, Resource, SecretHash},
    principal::{Caller, Credential, Principal, Refusal},
};
use bwp_web::client_address::ClientAddress;

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
        self.credential.tenant().id
    }

    /// The credential.
    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Who asks.
    pub(crate) fn principal(&self) -> Principal {
        self.credential.principal()
    }

    /// Where the caller calls from.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The caller, for a change, which checks the credential again.
    pub(crate) fn into_caller(self) -> Caller {
        Caller { principal: self.credential.principal(), address: self.address, needs: P::needs() }
    }
}

impl<P: Privilege> Extract for Authorized<P> {
    async fn extract(call: &mut Call<'_>) -> Result<Self, Problem> {
        call.credential.authorize(P::needs())?;
        Ok(Self { credential: call.credential.clone(), address: call.address, privilege: PhantomData })
    }

    fn describe(input: &mut crate::openapi::Input) {
        input.scopes = P::SCOPES;
    }
}

/// What it is found by.
enum ShownHash {
    Key(KeyHash),
    Token(SecretHash),
}

/// What a caller shows to be let in.
pub(crate) struct Shown {
    hash: ShownHash,
    /// Whether tokens for any part of the server are taken.
    anywhere: bool,
    pub(crate) address: Option<IpAddr>,
}

impl Shown {
    /// What `request` shows. Rubbish is refused here, before any look-up.
    pub(crate) fn by(request: &HttpRequest) -> Result<Self, Problem> {
        // Who the user is is told whatever the token is for.
        let anywhere = request.path().ends_with(crate::oauth::USERINFO);
        Ok(Self { hash: bearer(request)?, anywhere, address: ClientAddress::of(request) })
    }

    /// What was last known of the credential, for work that begins before it is checked.
    pub(crate) fn recall(&self, state: &ApiState) -> Option<Credential> {
        match &self.hash {
            ShownHash::Key(hash) => state.keys.recall(hash).map(Credential::Key),
            // Of tokens nothing is remembered: their user's role may be another one by now.
            ShownHash::Token(_) => None,
        }
    }

    /// The credential, if it lets the caller in now.
    pub(crate) async fn check(&self, state: &ApiState) -> Result<Credential, Problem> {
        let found = match &self.hash {
            ShownHash::Key(hash) => state.keys.find_by_hash(hash).await?.map(Credential::Key),
            ShownHash::Token(hash) => state.oauth.find_access(hash).await?.map(Credential::App),
        };
        let credential = found.ok_or(Refusal::Unknown)?;
        self.admit(state, &credential)?;
        Ok(credential)
    }

    /// Whether the credential lets the caller in now.
    pub(crate) fn admit(&self, state: &ApiState, credential: &Credential) -> Result<(), Refusal> {
        credential.admit(state.environment.clock.now(), self.address)?;
        match credential {
            Credential::App(app) if !self.anywhere && !app.resource.covers(Resource::Api) => Err(Refusal::Elsewhere),
            _ => Ok(()),
        }
    }
}

/// The key or token in `Authorization: Bearer …` (RFC 6750, section 2.1).
fn bearer(request: &HttpRequest) -> Result<ShownHash, Problem> {
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
    let token = token.trim();
    if token.starts_with(AccessToken::PREFIX) {
        let token = AccessToken::parse(token).map_err(|_| Problem::bad_credential("malformed"))?;
        return Ok(ShownHash::Token(token.hash()));
    }
    let key = KeySecret::parse(token).map_err(|_| Problem::bad_credential("malformed"))?;
    Ok(ShownHash::Key(key.hash()))
}
