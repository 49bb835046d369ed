//! Choosing scopes: a table by family, presets, and what is broad.

use std::collections::BTreeMap;

use bwp_domain::scopes::{ScopeGroup, ScopeId, ScopeSet};
use maud::{Markup, html};

/// More scopes than this are a broad choice.
const MANY: usize = 12;

/// A choice that is often the right one.
pub(super) struct Preset {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) scopes: fn() -> ScopeSet,
}

pub(super) const PRESETS: [Preset; 5] = [
    Preset {
        id: "contact-sync",
        label: "Contact sync",
        scopes: || set(&[ScopeId::ContactsRead, ScopeId::ContactsWrite]),
    },
    Preset {
        id: "read-only",
        label: "Read only",
        scopes: || ScopeId::ALL.iter().copied().filter(|s| reads(*s)).collect(),
    },
    Preset {
        id: "bidding",
        label: "Bidding",
        scopes: || {
            use ScopeId::{
                BidsRead, BidsSend, BidsWrite, ContactsRead, LeadsRead, LeadsWrite, ProductsRead, ProjectsRead,
            };
            set(&[ContactsRead, LeadsRead, LeadsWrite, ProjectsRead, ProductsRead, BidsRead, BidsWrite, BidsSend])
        },
    },
    Preset { id: "monitoring", label: "Monitoring", scopes: || set(&[ScopeId::AuditRead, ScopeId::JobsRead]) },
    Preset { id: "none", label: "None", scopes: || ScopeSet::EMPTY },
];

const fn set(scopes: &[ScopeId]) -> ScopeSet {
    ScopeSet::of(scopes)
}

fn action(scope: ScopeId) -> &'static str {
    scope.as_str().split(':').nth(1).unwrap_or(scope.as_str())
}

/// Whether the scope lets its holder see business data and no more.
fn reads(scope: ScopeId) -> bool {
    scope.group() == ScopeGroup::Resource && action(scope) == "read"
}

/// Whether a scope does harm in wrong hands that is hard to undo.
fn is_broad(scope: ScopeId) -> bool {
    matches!(action(scope), "delete" | "manage") || scope == ScopeId::SettingsWrite
}

/// What is broad about a choice, if anything is.
pub(super) fn broad(scopes: ScopeSet) -> bool {
    scopes.iter().any(is_broad) || scopes.iter().count() > MANY
}

/// A family's name, for people.
pub(super) fn family_name(scope: ScopeId) -> String {
    let words = scope.family().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The families, each with its scopes: to read, to write, to delete, and whatever else there is.
fn families() -> Vec<(String, [Vec<ScopeId>; 4])> {
    let mut order = Vec::new();
    let mut rows: BTreeMap<&str, [Vec<ScopeId>; 4]> = BTreeMap::new();
    // Staying connected is a matter of OAuth: a key has no refresh token.
    for scope in ScopeId::ALL.iter().copied().filter(|scope| *scope != ScopeId::OfflineAccess) {
        let column = match action(scope) {
            "read" => 0,
            "write" => 1,
            "delete" => 2,
            _ => 3,
        };
        if !order.contains(&scope) && !rows.contains_key(scope.family()) {
            order.push(scope);
        }
        rows.entry(scope.family()).or_default()[column].push(scope);
    }
    order.into_iter().filter_map(|scope| Some((family_name(scope), rows.remove(scope.family())?))).collect()
}

const COLUMNS: [&str; 4] = ["Read", "Write", "Delete", "Workflow and other"];

/// The table of boxes to tick.
pub(super) fn table(ticked: ScopeSet) -> Markup {
    html! {
        table.rows.scopes #scopes role="table" {
            caption { "What the key may do, by family. Writing does not include deleting." }
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "Family" }
                @for column in COLUMNS { th scope="col" role="columnheader" { (column) } }
            } }
            tbody role="rowgroup" {
                @for (family, columns) in families() {
                    tr role="row" {
                        th scope="row" role="rowheader" { (family) }
                        @for scopes in &columns {
                            td role="cell" { @for scope in scopes { (tick(*scope, ticked.contains(*scope))) } }
                        }
                    }
                }
            }
        }
    }
}

fn tick(scope: ScopeId, ticked: bool) -> Markup {
    let id = format!("scope-{}", scope.as_str().replace(':', "-"));
    html! {
        div.choice {
            input
                type="checkbox"
                id=(id)
                name="scope"
                value=(scope)
                checked[ticked]
                data-broad[is_broad(scope)];
            label for=(id) title=(scope.meaning()) { (scope) }
        }
    }
}

/// The presets, as links that fill the form in anew, and with a script without doing so.
pub(super) fn presets(path: &str) -> Markup {
    html! {
        p.hint {
            "Start from: "
            @for (n, preset) in PRESETS.iter().enumerate() {
                @if n > 0 { " · " }
                a href={ (path) "?preset=" (preset.id) } data-scopes=((preset.scopes)()) { (preset.label) }
            }
        }
    }
}

/// The warning on a broad choice: there, but unseen until there is one.
pub(super) fn warning(shown: bool) -> Markup {
    html! {
        div.note.warn #broad data-many=(MANY) hidden[!shown] role="status" {
            p {
                strong { "This is a broad choice. " }
                "It deletes, manages or reaches much. Whoever gets hold of the key can do all of it. Give a program what it \
                 needs and no more, and tell the key from where it may be used."
            }
        }
        input type="hidden" name="warned" value=(if shown { "1" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_scope_of_a_key_once() {
        let mut shown: Vec<ScopeId> = families().into_iter().flat_map(|(_, columns)| columns.concat()).collect();
        shown.sort_unstable();
        let mut all: Vec<ScopeId> =
            ScopeId::ALL.iter().copied().filter(|scope| *scope != ScopeId::OfflineAccess).collect();
        all.sort_unstable();
        assert_eq!(shown, all);
    }

    #[test]
    fn presets_are_narrow_or_read() {
        for preset in PRESETS {
            assert!(!(preset.scopes)().iter().any(is_broad), "{}", preset.id);
        }
    }

    #[test]
    fn what_is_broad() {
        assert!(!broad(set(&[ScopeId::ContactsRead, ScopeId::ContactsWrite])));
        assert!(broad(set(&[ScopeId::ContactsDelete])));
        assert!(broad(set(&[ScopeId::ApiKeysManage])));
        assert!(broad(ScopeId::ALL.iter().copied().filter(|scope| reads(*scope)).collect()));
    }
}
