//! Taking back what a user gave an app.

use async_trait::async_trait;

use super::{GrantEnd, ports::HasOauth};
use crate::{
    execute::{Applied, Command, Context, Failure},
    ids::GrantId,
    principal::Principal,
    security::{SecurityAction, UserNote},
    users::Permission,
};

/// Ends a grant and all of its tokens: the user's own, or anybody's if the one who asks
/// [manages apps](Permission::ManageApps). Of one that has ended nothing is changed, nor noted.
#[derive(Clone, Copy, Debug)]
pub struct Disconnect {
    /// Which.
    pub grant: GrantId,
}

/// Why nothing was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisconnectError {
    /// There is none, or it is not for the one who asks to know of.
    #[error("there is no such connected app")]
    NotFound,
}

#[async_trait]
impl<U: HasOauth + ?Sized> Command<U> for Disconnect {
    type Output = ();
    type Error = DisconnectError;

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<()>, Failure<DisconnectError>> {
        let not_found = Failure::Rejected(DisconnectError::NotFound);
        let Some(grant) = uow.oauth().lock_grant(context.tenant, self.grant).await? else { return Err(not_found) };
        let is_own = matches!(context.principal, Principal::User(asks) if asks.user.id == grant.user.id);
        if !is_own && context.principal.require(Permission::ManageApps).is_err() {
            return Err(not_found);
        }
        if grant.is_ended {
            return Ok(Applied::silently(()));
        }
        uow.oauth().end_grant(context.tenant, grant.id, context.now, GrantEnd::Revoked).await?;
        let noted = SecurityAction::AppDisconnected { user: UserNote::of(&grant.user), app: grant.app };
        Ok(Applied::noting((), vec![noted]))
    }
}
