//! Making users.

use async_trait::async_trait;

use super::{
    Permission, Role, User, UserError,
    ports::{HasUsers, UserRecord},
};
use crate::{
    accounts::{
        PasswordHash, PersonName,
        ports::{AccountRecord, HasAccounts},
    },
    execute::{Applied, Command, Context, Failure},
    security::{SecurityAction, UserNote},
    text::Email,
};

/// Makes a user, and an account for them unless somebody has one with their address.
///
/// The password is hashed before: hashing is slow, and no transaction waits for it. Who has an account keeps their own.
#[derive(Debug)]
pub struct CreateUser {
    /// Their address.
    pub email: Email,
    /// What they may do.
    pub role: Role,
    /// What is kept of their password.
    pub password: PasswordHash,
    /// Whether who has an account with this address becomes a user. An address is proven by nobody: the account may be that of
    /// somebody else than the operator thinks, and has another password than the one given here.
    pub takes_account: bool,
}

/// A user that was just made.
#[derive(Debug)]
pub struct CreatedUser {
    /// The user.
    pub user: User,
    /// Whether they had an account already, and so keep their password.
    pub had_account: bool,
}

#[async_trait]
impl<U: HasAccounts + HasUsers + ?Sized> Command<U> for CreateUser {
    type Output = CreatedUser;
    type Error = UserError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<CreatedUser>, Failure<UserError>> {
        let permitted = context.principal.require(Permission::ManageUsers);
        permitted.map_err(|forbidden| Failure::Rejected(UserError::Forbidden(forbidden)))?;
        let taken = || Failure::Rejected(UserError::EmailTaken);
        let record = AccountRecord {
            email: self.email.clone(),
            name: PersonName::default(),
            password: self.password.clone(),
            created_at: context.now,
        };
        let (account, had_account) = match uow.accounts().insert(record).await? {
            Some(account) => (account, false),
            None if !self.takes_account => return Err(Failure::Rejected(UserError::HasAccount)),
            None => (uow.accounts().lock_by_email(&self.email).await?.ok_or_else(taken)?, true),
        };
        let record = UserRecord { account, role: self.role, created_at: context.now };
        let user = uow.users().insert(context.tenant, record).await?.ok_or_else(taken)?;
        let noted = SecurityAction::UserJoined { user: UserNote::of(&user), role: user.role.to_string() };
        Ok(Applied::noting(CreatedUser { user, had_account }, vec![noted]))
    }
}
