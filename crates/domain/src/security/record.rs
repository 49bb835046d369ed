//! Entries of the log.

use std::net::IpAddr;

use super::SecurityAction;
use crate::{
    clock::Timestamp,
    ids::{KeyId, SecurityRecordId, UserId},
    principal::Principal,
    users::User,
};

/// Who did something, as they were then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Who runs the server, with the `bwp` command.
    Operator,
    /// The server itself.
    Server,
    /// A person.
    User {
        /// Their id.
        id: UserId,
        /// Their address.
        email: String,
    },
    /// A program, by an API key.
    Key {
        /// The key's id.
        id: KeyId,
        /// The key's name.
        name: String,
    },
    /// One of a kind that this version does not know: a newer server noted it.
    Unknown {
        /// What they were called.
        name: String,
    },
}

/// An entry that is about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEntry {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// From which address, if it could be determined.
    pub address: Option<IpAddr>,
    /// What.
    pub action: SecurityAction,
}

/// An entry as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityRecord {
    /// Its id.
    pub id: SecurityRecordId,
    /// What it says.
    pub entry: SecurityEntry,
}

impl Actor {
    /// This person.
    pub fn user(user: &User) -> Self {
        Self::User { id: user.id, email: user.account.email.to_string() }
    }

    /// The one who asks.
    pub fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Operator(_) => Self::Operator,
            Principal::Job(job) => Self::of(&job.starter),
            Principal::User(signed_in) => Self::user(&signed_in.user),
            // An app does what its user might do, and in their name.
            Principal::App(app) => Self::user(&app.user),
            Principal::Key(credential) => {
                Self::Key { id: credential.key.id, name: credential.key.name.as_str().to_owned() }
            }
        }
    }
}
