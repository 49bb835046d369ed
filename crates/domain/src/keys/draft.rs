//! What a request says about a key, and the valid commands and changes made of it.

use super::{Allowlist, CreateKey, KeyChanges, KeyError, KeyMode, KeyName, NewKey};
use crate::{
    clock::{Rounding, Timestamp},
    fields::{Entries, Fault, Field, FieldErrors},
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
};

/// The fields of a request to make or change a key, as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyDraft {
    /// `name`.
    pub name: Field<String>,
    /// `mode`: live, unless said otherwise.
    pub mode: Field<String>,
    /// `scopes`.
    pub scopes: Field<Entries<String>>,
    /// `allowlist`: none, unless said otherwise.
    pub allowlist: Field<Entries<String>>,
    /// `rateLimit`: the usual one, unless said otherwise.
    pub rate_limit: Field<i64>,
    /// `expiresAt`, an RFC 3339 date-time: never, unless said otherwise.
    pub expires_at: Field<String>,
}

impl KeyDraft {
    /// The making of a key at `now`, or everything that is wrong with it. `errors` holds what was found before.
    pub fn create(self, now: Timestamp, mut errors: FieldErrors) -> Result<CreateKey, FieldErrors> {
        let name = errors.required("name", self.name, KeyName::parse);
        let mode = errors.non_null("mode", self.mode, |text| mode(&text)).unwrap_or(KeyMode::Live);
        let scopes = errors.required("scopes", self.scopes, Entries::all).map(|sent| scopes(sent, &mut errors));
        let allowlist = allowlist(self.allowlist, &mut errors).unwrap_or_default();
        let limit = errors.non_null("rateLimit", self.rate_limit, rate_limit).unwrap_or(RateLimit::OF_KEY);
        let expiry = errors.optional("expiresAt", self.expires_at, |text| expiry(&text, now)).into_option();
        match (name, scopes, errors.is_empty()) {
            (Some(name), Some(scopes), true) => {
                let key = NewKey { name, scopes, allowlist, rate_limit: limit, expires_at: expiry };
                Ok(CreateKey::new(mode, key))
            }
            _ => Err(errors),
        }
    }

    /// The changes of a key, which are those of its name and its allowlist, or everything that is wrong with it. `errors` holds
    /// what was found before.
    pub fn edit(self, mut errors: FieldErrors) -> Result<KeyChanges, FieldErrors> {
        let name = errors.non_null("name", self.name, KeyName::parse);
        let allowlist = allowlist(self.allowlist, &mut errors);
        errors.or(KeyChanges { name, allowlist })
    }
}

fn mode(text: &str) -> Result<KeyMode, Fault> {
    let known = KeyMode::ALL.into_iter().find(|mode| mode.as_str() == text);
    known.ok_or_else(|| Fault::new("invalid_value", "Must be live or test."))
}

fn scopes(sent: Vec<Field<String>>, errors: &mut FieldErrors) -> ScopeSet {
    each("scopes", sent, errors, |text| {
        text.parse::<ScopeId>().map_err(|unknown| Fault::new("invalid_value", format!("{unknown}.")))
    })
    .collect()
}

fn allowlist(sent: Field<Entries<String>>, errors: &mut FieldErrors) -> Option<Allowlist> {
    let sent = errors.non_null("allowlist", sent, Entries::all)?;
    let networks = each("allowlist", sent, errors, |text| {
        Allowlist::entry(text).map_err(|wrong| Fault::new("invalid_format", format!("{wrong}.")))
    });
    Some(Allowlist::new(networks))
}

/// The entries of a list that are good. The faults of the others are added.
fn each<T>(
    list: &str,
    sent: Vec<Field<String>>,
    errors: &mut FieldErrors,
    rule: impl Fn(&str) -> Result<T, Fault>,
) -> impl Iterator<Item = T> {
    let read = |(n, entry)| errors.required(&format!("{list}[{n}]"), entry, |text: String| rule(&text));
    sent.into_iter().enumerate().filter_map(read).collect::<Vec<_>>().into_iter()
}

fn rate_limit(number: i64) -> Result<RateLimit, Fault> {
    if number < 0 {
        return Err(Fault::new("too_small", "Must be 0 (no limit) or more."));
    }
    let limit = u32::try_from(number).ok().and_then(RateLimit::new);
    limit.ok_or_else(|| Fault::new("too_large", format!("Must be {} or less. 0 is no limit.", RateLimit::MAX)))
}

fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Fault> {
    let at = Timestamp::parse_rfc3339(text, Rounding::Down)
        .ok_or_else(|| Fault::new("invalid_format", "Must be an RFC 3339 date-time, such as 2027-01-31T08:00:00Z."))?;
    if at > now { Ok(at) } else { Err(KeyError::in_the_past()) }
}
