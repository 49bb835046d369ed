//! The scopes that clients ask for, in one text with spaces (RFC 6749, section 3.3).

use crate::{
    scopes::{ScopeId, ScopeSet},
    text::quoted,
};

/// Scopes that no app can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such scope: {0}")]
pub struct UnknownScopes(pub String);

/// What other servers know and this one does not need: clients send them out of habit, and are told nothing.
const OF_OTHERS: [&str; 3] = ["openid", "profile", "email"];

/// Scopes over keys: an app with one could make a key that outlives its grant.
const NEVER: ScopeSet = ScopeSet::of(&[ScopeId::ApiKeysRead, ScopeId::ApiKeysManage]);

/// The scopes that are asked for. May be empty.
pub fn asked_scopes(text: &str) -> Result<ScopeSet, UnknownScopes> {
    let words = text.split(' ').filter(|word| !word.is_empty() && !OF_OTHERS.contains(word));
    let mut asked = ScopeSet::EMPTY;
    for word in words {
        let scope = word.parse::<ScopeId>().ok().filter(|scope| !NEVER.contains(*scope));
        let scope = scope.ok_or_else(|| UnknownScopes(quoted(word)))?;
        asked = asked.with(ScopeSet::of(&[scope]));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_servers_know_is_dropped_and_the_rest_must_be_known() {
        let asked = asked_scopes("openid contacts:read  profile offline_access contacts:read");
        assert_eq!(asked, Ok(ScopeSet::of(&[ScopeId::ContactsRead, ScopeId::OfflineAccess])));
        assert_eq!(asked_scopes("openid email"), Ok(ScopeSet::EMPTY));
        assert_eq!(asked_scopes(""), Ok(ScopeSet::EMPTY));
        for text in ["contacts", "contacts:read contacts:fly", "CONTACTS:READ", "contacts:read\tleads:read"] {
            assert!(asked_scopes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn scopes_over_keys_are_never_given_to_apps() {
        for scope in NEVER.iter() {
            assert!(asked_scopes(scope.as_str()).is_err(), "{scope}");
        }
    }
}
