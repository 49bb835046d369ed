//! Making users.

use async_trait::async_trait;

use super::{
    Role, User, UserError,
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
}

#[async_trait]
impl<U: HasAccounts + HasUsers + ?Sized> Command<U> for CreateUser {
    type Output = User;
    type Error = UserError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<User>, Failure<UserError>> {
        let record = AccountRecord {
            email: self.email.clone(),
            name: PersonName::default(),
            password: self.password.clone(),
            created_at: context.now,
        };
        let account = match uow.accounts().insert(record).await? {
            Some(account) => account,
            None => uow.accounts().lock_by_email(&self.email).await?.ok_or(Failure::Rejected(UserError::EmailTaken))?,
        };
        let record = UserRecord { account, role: self.role, created_at: context.now };
        let user = uow.users().insert(context.tenant, record).await?;
        let user = user.ok_or(Failure::Rejected(UserError::EmailTaken))?;
        let noted = SecurityAction::UserJoined { user: UserNote::of(&user), role: user.role.to_string() };
        Ok(Applied::noting(user, vec![noted]))
    }
}
