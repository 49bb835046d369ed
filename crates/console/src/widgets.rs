//! Pieces of pages.

use std::time::Duration;

use bwp_domain::{characters::legible, clock::Timestamp, fields::FieldErrors};
use maud::{Markup, html};

/// A text that a person or a program chose, among words of ours: a name, an e-mail address, a user agent. Whatever is in it,
/// it says nothing but itself. `bdi` keeps the direction of its letters from what stands around it. That alone does not hold
/// against characters that end the isolation (UAX #9, rule X6a), so those are written out.
pub(crate) fn isolated(text: &str) -> Markup {
    html! { bdi { (legible(text)) } }
}

/// A text field with its label, a hint, and what is wrong with what was filled in.
pub(crate) struct TextField<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) value: &'a str,
    pub(crate) hint: &'a str,
    pub(crate) autocomplete: &'a str,
    pub(crate) required: bool,
}

impl TextField<'_> {
    /// A line of text that has to be filled in.
    pub(crate) const REQUIRED: Self =
        TextField { name: "", label: "", kind: "text", value: "", hint: "", autocomplete: "off", required: true };

    pub(crate) fn show(&self, errors: &FieldErrors) -> Markup {
        let Self { name, label, kind, value, hint, autocomplete, required } = *self;
        let wrong = messages(errors, name);
        html! {
            div.field {
                label for=(name) { (label) }
                @if !hint.is_empty() { p.hint id=(hint_id(name)) { (hint) } }
                input
                    id=(name)
                    name=(name)
                    type=(kind)
                    value=(value)
                    autocomplete=(autocomplete)
                    required[required]
                    aria-invalid=[(!wrong.is_empty()).then_some("true")]
                    aria-describedby=[described(name, hint, &wrong)];
                (faults(name, &wrong))
            }
        }
    }
}

/// The id of a field's hint.
pub(crate) fn hint_id(name: &str) -> String {
    format!("{name}-hint")
}

/// The id of what is wrong with a field.
pub(crate) fn fault_id(name: &str) -> String {
    format!("{name}-wrong")
}

/// What describes a field, for those who cannot see where it stands.
pub(crate) fn described(name: &str, hint: &str, wrong: &[String]) -> Option<String> {
    let ids = [(!hint.is_empty()).then(|| hint_id(name)), (!wrong.is_empty()).then(|| fault_id(name))];
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// What is wrong with a field, or with parts of it such as `scopes[2]`.
pub(crate) fn messages(errors: &FieldErrors, name: &str) -> Vec<String> {
    let of = |field: &str| field == name || field.strip_prefix(name).is_some_and(|rest| rest.starts_with('['));
    errors.iter().filter(|error| of(&error.field)).map(|error| error.fault.message.clone()).collect()
}

pub(crate) fn faults(name: &str, wrong: &[String]) -> Markup {
    html! {
        @if !wrong.is_empty() {
            div id=(fault_id(name)) {
                @for message in wrong { p.wrong { (message) } }
            }
        }
    }
}

/// That something is wrong with a form, at its head, where a reader begins.
pub(crate) fn trouble(errors: &FieldErrors) -> Markup {
    let (count, left_out) = (errors.count(), errors.left_out());
    html! {
        @if count > 0 {
            div.note.bad role="alert" tabindex="-1" {
                p {
                    @if count == 1 { "Nothing was changed: one field needs another look." }
                    @else { "Nothing was changed: " (count) " fields need another look." }
                }
                ul {
                    @for error in errors.iter() { li { (error.fault.message) } }
                    @if left_out > 0 { li { "And " (left_out) " more." } }
                }
            }
        }
    }
}

/// That something went well.
pub(crate) fn good(text: &str) -> Markup {
    html! { div.note.good role="status" { p { (text) } } }
}

/// That something could not be done, though nothing was filled in wrongly.
pub(crate) fn refusal(text: &str) -> Markup {
    html! { div.note.bad role="alert" tabindex="-1" { p { (text) } } }
}

/// The way through a list of many pages: to the first, and to the one behind this.
pub(crate) struct Pager<'a> {
    /// Where the list is, as a link.
    pub(crate) path: &'a str,
    /// What of the query is the same on all pages.
    pub(crate) kept: &'a [(&'a str, &'a str)],
    /// Whether this is the first page.
    pub(crate) is_first: bool,
    /// The parameter that says where the next page starts, if there is one.
    pub(crate) next: Option<(&'a str, String)>,
    /// What the next page has, in a word.
    pub(crate) word: &'a str,
}

impl Pager<'_> {
    /// Of a list with the newest first.
    pub(crate) const OLDER: Self = Self { path: "", kept: &[], is_first: true, next: None, word: "Older" };

    pub(crate) fn show(&self) -> Markup {
        let to = |next: Option<&(&str, String)>| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(self.kept).extend_pairs(next);
            format!("{}?{}", self.path, query.finish())
        };
        html! {
            @if !self.is_first || self.next.is_some() {
                p.actions {
                    @if !self.is_first { a.button.second href=(to(None)) { "First page" } }
                    @if let Some(next) = &self.next { a.button.second href=(to(Some(next))) { (self.word) } }
                }
            }
        }
    }
}

/// A moment, to the minute.
pub(crate) fn time(at: Timestamp) -> Markup {
    let text = at.to_string();
    let minute = text.get(..16).unwrap_or(&text).replace('T', " ");
    html! { time datetime=(text) { (minute) " UTC" } }
}

/// A moment that has passed, as long ago as that is, with the moment itself for who points at it.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let text = at.to_string();
    let passed = Duration::from_millis(u64::try_from(now.unix_millis() - at.unix_millis()).unwrap_or(0));
    html! { time datetime=(text) title=(text) { (span(passed)) " ago" } }
}

/// A span of time in its largest unit.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let of = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([of(0), of(1), of(59), of(60)], ["0 seconds", "1 second", "59 seconds", "1 minute"]);
        assert_eq!([of(7_199), of(7_200), of(86_400), of(604_800)], ["1 hour", "2 hours", "1 day", "7 days"]);
    }
}
