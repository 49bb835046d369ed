//! Making users.

use async_trait::async_trait;

use super::{
    PasswordHash, Role, User, UserError,
    ports::{HasUsers, UserRecord},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    text::Email,
};

/// Makes a user. The password is hashed before: hashing is slow, and no transaction waits for it.
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
impl<U: HasUsers + ?Sized> Command<U> for CreateUser {
    type Output = User;
    type Error = UserError;

    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<User>, Failure<UserError>> {
        let record = UserRecord {
            email: self.email.clone(),
            role: self.role,
            password: self.password.clone(),
            created_at: context.now,
        };
        let user = uow.users().insert(context.tenant, record).await?;
        user.map(Applied::silently).ok_or(Failure::Rejected(UserError::EmailTaken))
    }
}
