//! Who made keys, by name.

use std::collections::HashMap;

use bwp_domain::{
    ids::UserId,
    keys::{ApiKey, CreatedBy},
};

use maud::{Markup, html};

use crate::{trouble::Trouble, visit::Visit, widgets::isolated};

/// The people who made some keys.
pub(super) struct Makers(HashMap<UserId, String>);

impl Makers {
    pub(super) async fn of(visit: &Visit, keys: impl IntoIterator<Item = &ApiKey>) -> Result<Self, Trouble> {
        let by_people = keys.into_iter().any(|key| matches!(key.created_by, CreatedBy::User(_)));
        let team = match visit.member() {
            Ok(member) if by_people => visit.state.team.team(member.tenant.id).await?,
            _ => Vec::new(),
        };
        Ok(Self(team.into_iter().map(|one| (one.user.id, one.user.account.label())).collect()))
    }

    pub(super) fn name(&self, maker: CreatedBy) -> Markup {
        match maker {
            CreatedBy::Operator => html! { "the operator" },
            CreatedBy::User(id) => self.0.get(&id).map_or_else(|| html! { "a user" }, |name| isolated(name)),
            CreatedBy::Key(id) => html! { "key " (id) },
        }
    }
}
