//! Who made keys, by name.

use std::collections::{BTreeSet, HashMap};

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
        let person = |key: &ApiKey| match key.created_by {
            CreatedBy::User(id) => Some(id),
            CreatedBy::Operator | CreatedBy::Key(_) => None,
        };
        let people: BTreeSet<UserId> = keys.into_iter().filter_map(person).collect();
        let people: Vec<UserId> = people.into_iter().collect();
        let makers = match visit.member() {
            Ok(member) if !people.is_empty() => visit.state.team.members(member.tenant.id, &people).await?,
            _ => Vec::new(),
        };
        Ok(Self(makers.into_iter().map(|user| (user.id, user.account.label())).collect()))
    }

    pub(super) fn name(&self, maker: CreatedBy) -> Markup {
        match maker {
            CreatedBy::Operator => html! { "the operator" },
            CreatedBy::User(id) => self.0.get(&id).map_or_else(|| html! { "a user" }, |name| isolated(name)),
            CreatedBy::Key(id) => html! { "key " (id) },
        }
    }
}
