//! Consent: a user lets an app act for them.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    AuthorizationCode, Challenge, Resource,
    ports::{CodeRecord, HasOauth},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    ids::ClientId,
    principal::Principal,
    scopes::{ScopeId, ScopeSet},
    security::{SecurityAction, UserNote},
};

/// Gives an app a code for what its user consented to.
#[derive(Debug)]
pub struct Approve {
    /// The app.
    pub client: ClientId,
    /// What it calls itself.
    pub app: String,
    /// What it asked for.
    pub scopes: ScopeSet,
    /// For what.
    pub resource: Resource,
    /// Where the user is sent back to.
    pub redirect_uri: String,
    /// What the app committed to.
    pub challenge: Challenge,
}

/// Why there is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApproveError {
    /// Nobody but a user consents.
    #[error("a user must consent")]
    NotAUser,
    /// The user's role holds nothing of it.
    #[error("the user's role holds none of the scopes that were asked for")]
    NothingToGive,
}

/// What a role may give of what is asked for. `None` if that is nothing: staying connected, by itself, is.
pub fn delegable(asked: ScopeSet, held: ScopeSet) -> Option<ScopeSet> {
    let given = asked.common(held);
    let staying = ScopeSet::of(&[ScopeId::OfflineAccess]);
    // An app that asks to stay connected alone asks who its user is, and that needs no scope.
    let asks_more = !asked.without(staying).is_empty();
    let granting = if asks_more { given.without(staying) } else { given };
    if granting.is_empty() { None } else { Some(given) }
}

/// For how long a code may be redeemed.
pub(super) const CODE_LIFETIME: Duration = Duration::from_mins(5);

#[async_trait]
impl<U: HasOauth + ?Sized> Command<U> for Approve {
    type Output = AuthorizationCode;
    type Error = ApproveError;

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut U,
    ) -> Result<Applied<AuthorizationCode>, Failure<ApproveError>> {
        let Principal::User(signed_in) = context.principal else {
            return Err(Failure::Rejected(ApproveError::NotAUser));
        };
        let scopes = delegable(self.scopes, signed_in.user.role.scopes());
        let scopes = scopes.ok_or(Failure::Rejected(ApproveError::NothingToGive))?;
        let code = AuthorizationCode::generate(context.entropy);
        let record = CodeRecord {
            hash: code.hash(),
            client: self.client,
            user: signed_in.user.id,
            scopes,
            resource: self.resource,
            redirect_uri: self.redirect_uri.clone(),
            challenge: self.challenge.clone(),
            expires_at: context.now.plus(CODE_LIFETIME),
        };
        uow.oauth().insert_code(context.tenant, record).await?;
        let noted = SecurityAction::AppAllowed {
            user: UserNote::of(&signed_in.user),
            app: self.app.clone(),
            scopes: scopes.iter().map(|scope| scope.to_string()).collect(),
        };
        Ok(Applied::noting(code, vec![noted]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::Role;

    #[test]
    fn a_role_gives_what_it_holds_and_nothing_is_nothing() {
        let (read, write, stay) = (ScopeId::ContactsRead, ScopeId::ContactsWrite, ScopeId::OfflineAccess);
        let viewer = |asked: &[ScopeId]| delegable(ScopeSet::of(asked), Role::Viewer.scopes());
        assert_eq!(viewer(&[read, write]), Some(ScopeSet::of(&[read])));
        assert_eq!(viewer(&[write]), None);
        assert_eq!(viewer(&[write, stay]), None, "staying connected for nothing is nothing");
        assert_eq!(viewer(&[stay]), Some(ScopeSet::of(&[stay])));
        assert_eq!(viewer(&[]), None);
    }
}
