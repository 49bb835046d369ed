//! Texts that spreadsheets would run.
//!
//! A program that opens a CSV file may take a cell for a formula, and run what somebody typed as the name of a contact. Such
//! a text gets an apostrophe in front of it on the way out, and loses it on the way in.

use std::borrow::Cow;

/// The text as a file shows it.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if is_run(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a file shows so.
pub fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_run(rest)).unwrap_or(text)
}

/// Whether a text needs an apostrophe: one that would be run, and one that begins with apostrophes before such, so that none of
/// its own is taken off.
fn is_run(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    match text.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+') => !is_number(&text[1..]) && !is_telephone_number(&text[1..]),
        Some('-') => !is_number(&text[1..]),
        _ => false,
    }
}

/// Digits, with at most one point among them.
fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && text.len() - digits <= usize::from(text.contains('.'))
}

/// As many digits as a telephone number has, and what is written between them.
fn is_telephone_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (6..=20).contains(&digits) && text.bytes().all(|byte| byte.is_ascii_digit() || b" ()-./".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded() {
        for text in ["=1+1", "@SUM(A1)", "\tx", "\r=1", "+x", "-x", "+cmd|' /C calc'!A0", "-1-2", "'=1", "''@x"] {
            assert_eq!(guarded(text), format!("'{text}"), "{text:?}");
        }
        for text in ["", "a", "'", "'a", "+49 (30) 1234-567", "+1-555-123-4567", "-5", "-5.00", "+.5", "1=1", "O'Neill"]
        {
            assert_eq!(guarded(text), text);
            assert_eq!(unguarded(text), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_guarded_reads_back(text in "['=@+\\-\t\r]{0,4}\\PC{0,8}") {
            let shown = guarded(&text).into_owned();
            prop_assert_eq!(unguarded(&shown), text);
        }
    }
}
