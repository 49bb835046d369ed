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

/// Makes a user, with an account of their own or for somebody who has one.
#[derive(Debug)]
pub struct CreateUser {
    /// Their address.
    pub email: Email,
    /// What they may do.
    pub role: Role,
    /// What they sign in with.
    pub account: AccountToUse,
}

/// What a new user signs in with.
#[derive(Debug)]
pub enum AccountToUse {
    /// A new account with this password. It is hashed before: hashing is slow, and no transaction waits for it.
    New(PasswordHash),
    /// The account that somebody has with the address, who keeps their password. An address is proven by nobody: they may be
    /// somebody else than the operator thinks.
    Existing,
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
        let (account, had_account) = match &self.account {
            AccountToUse::New(password) => {
                let record = AccountRecord {
                    email: self.email.clone(),
                    name: PersonName::default(),
                    password: password.clone(),
                    created_at: context.now,
                };
                let made = uow.accounts().insert(record).await?;
                (made.ok_or(Failure::Rejected(UserError::HasAccount))?, false)
            }
            AccountToUse::Existing => {
                let found = uow.accounts().lock_by_email(&self.email).await?;
                (found.ok_or(Failure::Rejected(UserError::NoAccount))?, true)
            }
        };
        let record = UserRecord { account, role: self.role, created_at: context.now };
        let user = uow.users().insert(context.tenant, record).await?.ok_or_else(taken)?;
        let noted = SecurityAction::UserJoined { user: UserNote::of(&user), role: user.role.to_string() };
        Ok(Applied::noting(CreatedUser { user, had_account }, vec![noted]))
    }
}
