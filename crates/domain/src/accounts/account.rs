//! An account.

use crate::{
    clock::Timestamp,
    ids::AccountId,
    text::{Email, Name},
};

/// A person who signs in. What they may do is said by their memberships: see [`User`](crate::users::User).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Their id.
    pub id: AccountId,
    /// The address that they sign in with. No two accounts have one that differs in the case of its letters alone.
    pub email: Email,
    /// What they are called.
    pub name: PersonName,
    /// Since when.
    pub created_at: Timestamp,
}

/// A person's name, as far as they gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonName {
    /// Given name.
    pub first: Option<Name>,
    /// Family name.
    pub last: Option<Name>,
}

impl Account {
    /// What to call them: their name, or else their address.
    pub fn label(&self) -> String {
        let names: Vec<&str> = [&self.name.first, &self.name.last].into_iter().flatten().map(|name| &**name).collect();
        if names.is_empty() { self.email.to_string() } else { names.join(" ") }
    }
}
