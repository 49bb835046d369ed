//! `/users`.

mod handlers;
mod responses;

use crate::operation::{Operation, Reply, Tag};

use responses::User;

const TAG: Tag = Tag { name: "Users", description: "The people who belong to the tenant." };

/// A user as answers of other families show one.
pub(crate) fn shown(user: &bwp_domain::users::User) -> impl serde::Serialize {
    User::from(user)
}

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/users", handlers::list)
            .named(handlers::LIST, TAG)
            .summary("List users")
            .description(
                "A page of the tenant's users, newest first by when they joined. Those whose access was taken away are in \
                 the list: `isActive` tells.",
            )
            .replies(Reply::page::<User>("A page of users.")),
        Operation::get("/users/{id}", handlers::get)
            .named("getUsersById", TAG)
            .summary("Get a user")
            .description("One user, by the person's `id`.")
            .replies(Reply::data::<User>("The user.")),
    ]
}
