//! Changing what a user may do, taking their access away and giving it back.
//!
//! A tenant always has a company admin who is active. So that two admins cannot demote each other at the same moment, a
//! change that may take one away holds the whole team before anything else: see [`Command::changes_team`].

use async_trait::async_trait;

use super::{Permission, Role, User, UserError, ports::HasUsers};
use crate::{
    execute::{Applied, Command, Context, Failure},
    ids::UserId,
    invitations::ports::HasInvitations,
    security::{SecurityAction, UserNote},
    sessions::ports::HasSessions,
};

type Result<T> = std::result::Result<T, Failure<UserError>>;

/// Gives a user another role, from their next request on and for those in flight too.
#[derive(Debug)]
pub struct ChangeRole {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub role: Role,
}

/// Takes a user's access to the tenant away, from their next request on and for those in flight too. Their sessions act as
/// them no more; where else the same person is a user they go on.
#[derive(Debug)]
pub struct DeactivateUser {
    /// Whose.
    pub user: UserId,
}

/// Gives a user's access back.
#[derive(Debug)]
pub struct ReactivateUser {
    /// Whose.
    pub user: UserId,
}

#[async_trait]
impl<U: HasInvitations + HasUsers + ?Sized> Command<U> for ChangeRole {
    type Output = User;
    type Error = UserError;

    fn changes_team(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<User>> {
        let mut user = lock(context, uow, self.user).await?;
        let from = std::mem::replace(&mut user.role, self.role);
        if from == self.role {
            return Ok(Applied::silently(user));
        }
        uow.users().update(context.tenant, &user).await?;
        keep_an_admin(context, uow).await?;
        if !user.role.may(Permission::ManageUsers) {
            uow.invitations().withdraw_those_of(context.tenant, user.id, context.now).await?;
        }
        let (from, to) = (from.to_string(), user.role.to_string());
        let noted = SecurityAction::RoleChanged { user: UserNote::of(&user), from, to };
        Ok(Applied::noting(user, vec![noted]))
    }
}

#[async_trait]
impl<U: HasInvitations + HasSessions + HasUsers + ?Sized> Command<U> for DeactivateUser {
    type Output = User;
    type Error = UserError;

    fn changes_team(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<User>> {
        let mut user = lock(context, uow, self.user).await?;
        user.deactivate(context.now).map_err(Failure::Rejected)?;
        uow.users().update(context.tenant, &user).await?;
        keep_an_admin(context, uow).await?;
        uow.sessions().stop_acting(context.tenant, user.id).await?;
        // They might have invited themselves, under another address.
        uow.invitations().withdraw_those_of(context.tenant, user.id, context.now).await?;
        let noted = SecurityAction::UserDeactivated { user: UserNote::of(&user) };
        Ok(Applied::noting(user, vec![noted]))
    }
}

#[async_trait]
impl<U: HasUsers + ?Sized> Command<U> for ReactivateUser {
    type Output = User;
    type Error = UserError;

    fn changes_team(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<User>> {
        let mut user = lock(context, uow, self.user).await?;
        user.reactivate().map_err(Failure::Rejected)?;
        uow.users().update(context.tenant, &user).await?;
        let noted = SecurityAction::UserReactivated { user: UserNote::of(&user) };
        Ok(Applied::noting(user, vec![noted]))
    }
}

/// The user, held, if the one who asks may change anything about them.
async fn lock<U: HasUsers + ?Sized>(context: &Context<'_>, uow: &mut U, user: UserId) -> Result<User> {
    let permitted = context.principal.require(Permission::ManageUsers);
    permitted.map_err(|forbidden| Failure::Rejected(UserError::Forbidden(forbidden)))?;
    let found = uow.users().lock(context.tenant, user).await?;
    found.ok_or(Failure::Rejected(UserError::NotFound))
}

/// Refuses the change that was just made if it took the last admin away.
async fn keep_an_admin<U: HasUsers + ?Sized>(context: &Context<'_>, uow: &mut U) -> Result<()> {
    if uow.users().active_admins(context.tenant).await? == 0 {
        return Err(Failure::Rejected(UserError::LastAdmin));
    }
    Ok(())
}
