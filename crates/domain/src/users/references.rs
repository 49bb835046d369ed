//! People, as other resources name them: by the ids of their accounts, as `GET /users` shows them.

use crate::resource::{Referable, Reference};

/// A user who has access now: who can be given work.
pub enum ActiveUser {}

/// A user who has access or had it: who did something.
pub enum AnyUser {}

impl Referable for ActiveUser {
    const REFERENCE: &'static Reference = &Reference {
        one: "user",
        table: "users",
        column: "account_id",
        ended: Some("deactivated_at"),
        shape: None,
        searched: &[],
    };
}

impl Referable for AnyUser {
    const REFERENCE: &'static Reference = &Reference { ended: None, ..*ActiveUser::REFERENCE };
}
