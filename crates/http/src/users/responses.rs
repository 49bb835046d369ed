//! How users are shown.

use bwp_domain::{
    clock::Timestamp,
    ids::{AccountId, UserId},
    users,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A user of the tenant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User<'a> {
    /// The person's id: the same in each tenant that they belong to.
    #[schema(value_type = i64, minimum = 1, example = 3)]
    id: AccountId,
    /// The id of their membership in this tenant, by which other resources name them.
    #[schema(value_type = i64, minimum = 1, example = 5)]
    tenant_user_id: UserId,
    /// Given name.
    #[schema(required = true, example = "Ada")]
    first_name: Option<&'a str>,
    /// Family name.
    #[schema(required = true, example = "Byron")]
    last_name: Option<&'a str>,
    /// E-mail address.
    #[schema(required = true, format = Email, example = "ada@example.com")]
    email: Option<&'a str>,
    /// What they sign in with: their e-mail address.
    #[schema(value_type = String, example = "ada@example.com")]
    username: &'a str,
    /// What they may do: `company_admin`, `manager`, `member`, `field_crew` or `viewer`.
    #[schema(value_type = String, example = "manager")]
    role: &'static str,
    /// Whether they may sign in to the tenant.
    is_active: bool,
    /// When they became a user of the tenant.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    joined_at: Timestamp,
}

impl<'a> From<&'a users::User> for User<'a> {
    fn from(user: &'a users::User) -> Self {
        let account = &user.account;
        Self {
            id: account.id,
            tenant_user_id: user.id,
            first_name: account.name.first.as_deref(),
            last_name: account.name.last.as_deref(),
            email: Some(&account.email),
            username: &account.email,
            role: user.role.as_str(),
            is_active: user.is_active(),
            joined_at: user.created_at,
        }
    }
}
