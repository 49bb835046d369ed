//! `Forwarded` (RFC 7239): elements separated by commas, each a list of `name=value` pairs separated by semicolons.

use std::iter;

use super::hop::{Hop, parse_node};

/// The hops of one line, from the right. Empty elements are skipped (RFC 9110 section 5.6.1.2).
///
/// The line is *read* from the right, too. A client that opens a quote and never closes it would otherwise swallow what the proxy
/// appends to its line, and so choose its own address.
pub(super) fn hops_from_the_right(line: &[u8]) -> impl Iterator<Item = Hop> {
    let mut rest = Some(line);
    iter::from_fn(move || {
        let (before, element) = split_last(rest?, b',');
        rest = before;
        Some(element.trim_ascii())
    })
    .filter(|element| !element.is_empty())
    .map(|element| Hop::from_address(forwarded_for(element)))
}

/// Splits at the last `separator` outside a quoted string (RFC 9110 section 5.6.4), as seen from the right.
fn split_last(text: &[u8], separator: u8) -> (Option<&[u8]>, &[u8]) {
    let mut quoted = false;
    for index in (0..text.len()).rev() {
        match text[index] {
            b'"' if !quoted => quoted = true,
            b'"' => quoted = is_escaped(text, index),
            byte if byte == separator && !quoted => return (Some(&text[..index]), &text[index + 1..]),
            _ => {}
        }
    }
    (None, text)
}

/// Whether the byte at `index`, inside a quoted string, has a backslash of its own: an odd number of them stands before it.
fn is_escaped(text: &[u8], index: usize) -> bool {
    text[..index].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// The address in the `for` pair of an element: exactly one pair, and well-formed as all of its neighbours.
fn forwarded_for(element: &[u8]) -> Option<std::net::IpAddr> {
    let mut found = None;
    let mut rest = Some(element);
    while let Some(text) = rest {
        let (before, pair) = split_last(text, b';');
        rest = before;
        let pair = str::from_utf8(pair).ok()?.trim_matches([' ', '\t']);
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=')?;
        if !is_token(name) {
            return None;
        }
        let value = unquote(value)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
    }
    parse_node(&found?)
}

/// The text of a token or of a quoted string; `None` if it is neither.
fn unquote(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return is_token(value).then(|| value.to_owned()) };
    let inner = inner.strip_suffix('"')?;
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next()?),
            '"' => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
