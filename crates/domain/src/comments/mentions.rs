//! Whom a text names: `@name@example.com`, or `@[Name](user:5)`.

/// A user, as a text names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mention {
    /// By their id.
    Id(i64),
    /// By what may be their address.
    Address(String),
}

/// The most that a text names: each is looked up.
const MOST: usize = 50;

/// Whom the text names, in its order, each once.
pub(super) fn read(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    // What stands before an `@` is no part of a name: in `a@b.example` it is the middle of an address.
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find('@') {
        let previous = rest.get(..at).and_then(|text| text.chars().next_back()).or(before);
        let tail = rest.get(at + 1..).unwrap_or_default();
        let (mention, length) = if previous.is_some_and(in_address) { (None, 0) } else { mention(tail) };
        found.extend(mention.filter(|mention| !found.contains(mention)));
        if found.len() >= MOST {
            break;
        }
        before = tail.get(..length).and_then(|text| text.chars().next_back()).or(Some('@'));
        rest = tail.get(length..).unwrap_or_default();
    }
    found
}

/// What is named behind an `@`, and how long that is.
fn mention(tail: &str) -> (Option<Mention>, usize) {
    if let Some(named) = tail.strip_prefix('[')
        && let Some(end) = named.find(']')
        && let Some(id) = named.get(end + 1..).and_then(|rest| rest.strip_prefix("(user:"))
        && let Some(digits) = id.find(')').and_then(|end| id.get(..end))
    {
        let mention = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit())).map(Mention::Id);
        return (mention, "[](user:)".len() + end + digits.len());
    }
    let end = tail.find(|c: char| !in_address(c) && c != '@').unwrap_or(tail.len());
    // A sentence may end behind it.
    let address = tail.get(..end).unwrap_or_default().trim_end_matches(['.', '-', '\'', '!', '?', '/']);
    let is_whole = address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    let mention = is_whole.then(|| Mention::Address(address.to_owned()));
    (mention, address.len())
}

/// Whether addresses have such characters besides their `@`.
fn in_address(c: char) -> bool {
    c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_found_where_they_stand() {
        let id = Mention::Id;
        let address = |text: &str| Mention::Address(text.to_owned());
        for (text, expected) in [
            ("", vec![]),
            ("no one", vec![]),
            ("@ann", vec![]),
            ("@ann@example.com", vec![address("ann@example.com")]),
            ("Look, @ann@example.com.", vec![address("ann@example.com")]),
            ("(@ann@example.com)", vec![address("ann@example.com")]),
            ("@ann@example.com, @bob@example.com!", vec![address("ann@example.com"), address("bob@example.com")]),
            ("@a.b+c@sub.example.com?", vec![address("a.b+c@sub.example.com")]),
            // An address that is written is not a name.
            ("write to ann@example.com", vec![]),
            ("@[Ann B.](user:5)", vec![id(5)]),
            ("Hi @[Ann](user:5)@[Bob](user:6)", vec![id(5), id(6)]),
            ("@[Ann](user:5) and again @[A](user:5)", vec![id(5)]),
            ("@[Ann](user:x) @[Ann](user:-1) @[Ann](team:5) @[Ann]", vec![]),
            ("@[Ann](user:99999999999999999999)", vec![]),
            ("@@ @", vec![]),
            ("ü@[Ü](user:7) @ünï@example.com", vec![address("ünï@example.com")]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_bounded(text in "(@|\\[|\\]|\\(user:|\\)|[0-9a-zé.@ ]){0,200}") {
            prop_assert!(read(&text).len() <= MOST);
        }

        #[test]
        fn a_name_is_found_in_any_sentence(before in "[a-zé ]{0,20} ", id in 1_i64.., after in " [^@]{0,20}") {
            prop_assert_eq!(read(&format!("{before}@[Ann](user:{id}){after}")), vec![Mention::Id(id)]);
        }
    }

    #[test]
    fn a_text_names_so_many_at_most() {
        let many: Vec<_> = (1..=200).map(|id| format!("@[A](user:{id})")).collect();
        let many = many.join(" ");
        assert_eq!(read(&many).len(), MOST);
    }
}
