//! What mail needs: a queue of it, and a server that takes it.

use std::time::Duration;

use async_trait::async_trait;

use super::Letter;
use crate::{
    clock::Timestamp,
    ids::TenantId,
    store::StoreError,
    tenants::{TenantName, TimeZone},
    text::Email,
};

/// A mail that was claimed to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedMail {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: i64,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// What the tenant is called.
    pub company: TenantName,
    /// Where it is.
    pub zone: TimeZone,
    /// The address of who sent it.
    pub reply_to: Option<Email>,
}

/// Mail that is to be sent.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MailQueue: Send + Sync {
    /// Claims mails that are due, at most so many, oldest first. Each gets an id of `domain` at its first attempt and keeps it for ever.
    ///
    /// MUST NOT give a mail to two that ask at once, nor again within `lease`. MUST pass over those that others hold without waiting.
    async fn claim(
        &self,
        domain: &str,
        now: Timestamp,
        lease: Duration,
        most: i64,
    ) -> Result<Vec<ClaimedMail>, StoreError>;
}

/// Why a mail server did not take a mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailFault {
    /// It never will.
    #[error("{0}")]
    Lasting(String),
    /// It may later.
    #[error("{0}")]
    Passing(String),
}

/// A mail server.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// The domain of the address that mail comes from.
    fn domain(&self) -> &str;

    /// Gives it a mail. `Ok`: it has taken it.
    async fn send(&self, letter: &Letter) -> Result<(), MailFault>;
}
