//! Allowlists, as they are filled in: a line for each entry.

use actix_web::{HttpResponse, http::header::ContentType};
use bwp_domain::{
    fields::{Entries, Fault, Field, FieldErrors},
    keys::Allowlist,
};
use maud::{Markup, html};
use std::rc::Rc;

use super::PATH;
use crate::{
    form::Form,
    routes::Answer,
    visit::Visit,
    widgets::{described, faults, hint_id, messages},
};

/// The button that adds the address that one comes from.
const ADD: &str = "add_address";

/// The list with the address that one comes from, if that button was pressed.
pub(super) fn with_own_address(visit: &Visit, form: &Form) -> Option<String> {
    let address = visit.address().filter(|_| form.has(ADD))?;
    let longer = format!("{}\n{address}\n", form.get("allowlist").trim_end());
    Some(longer.trim_start().to_owned())
}

/// What is wrong with an allowlist that is being typed: a line of text for each line of it that is wrong.
pub(super) async fn check(_visit: Rc<Visit>, form: Form) -> Answer {
    Ok(HttpResponse::Ok().content_type(ContentType::plaintext()).body(wrong_lines(&form.lines("allowlist"))))
}

fn wrong_lines(lines: &[(usize, String)]) -> String {
    let mut wrong = FieldErrors::new();
    for (n, line) in lines {
        if let Err(fault) = Allowlist::entry(line) {
            wrong.push_with(n, || Fault::new("invalid_format", format_args!("Line {n}: {fault}.")));
        }
    }
    let mut texts: Vec<String> = wrong.iter().map(|error| error.fault.message.clone()).collect();
    if wrong.left_out() > 0 {
        texts.push(format!("And {} more.", wrong.left_out()));
    }
    texts.join("\n")
}

/// Faults of an allowlist's entries, with the numbers of their lines.
pub(super) fn by_line(errors: &FieldErrors, form: &Form) -> FieldErrors {
    let lines = form.lines("allowlist");
    errors.saying(|error| {
        let message = &error.fault.message;
        let entry = error.field.strip_prefix("allowlist[").and_then(|rest| rest.strip_suffix(']'));
        match entry.and_then(|n| n.parse().ok()).and_then(|n: usize| lines.get(n)) {
            Some((line, _)) => format!("Line {line}: {message}"),
            None => message.clone(),
        }
    })
}

/// The entries of an allowlist, a line each.
pub(super) fn entries(form: &Form) -> Entries<String> {
    form.lines("allowlist").into_iter().map(|(_, line)| Field::Value(line)).collect()
}

/// The allowlist's field.
pub(super) fn field(visit: &Visit, value: &str, errors: &FieldErrors) -> Markup {
    let hint = "One address or CIDR block a line, such as 192.0.2.7 or 2001:db8::/32. Empty: from everywhere.";
    let wrong = messages(errors, "allowlist");
    html! {
        div.field {
            label for="allowlist" { "Allowed from" }
            p.hint id=(hint_id("allowlist")) { (hint) }
            textarea
                #allowlist
                name="allowlist"
                rows="4"
                spellcheck="false"
                data-check=(visit.link(&format!("{PATH}/check-allowlist")))
                data-says="allowlist-says"
                aria-invalid=[(!wrong.is_empty()).then_some("true")]
                aria-describedby=[described("allowlist", hint, &wrong).map(|ids| format!("{ids} allowlist-says"))] { (value) }
            (faults("allowlist", &wrong))
            p.wrong #allowlist-says role="status" {}
            @if let Some(address) = visit.address() {
                // Enter in a field presses a form's first button (HTML, "implicit submission"): not the next one.
                button type="submit" hidden {}
                button.plain type="submit" name=(ADD) value="1" formnovalidate
                    data-add=(address) data-to="allowlist" { "Add my address (" (address) ")" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_full_of_wrong_lines_is_told_of_some() {
        let lines: Vec<_> = (1..=30_000).map(|n| (n, "x".to_owned())).collect();
        let told = wrong_lines(&lines);
        assert!(
            told.len() <= 2 * FieldErrors::MOST_BYTES && told.starts_with("Line 1: `x` is not an IP address"),
            "{told}"
        );
        assert!(told.ends_with(" more."), "{told}");
        assert_eq!(wrong_lines(&[(1, "::1".to_owned())]), "");
    }
}
