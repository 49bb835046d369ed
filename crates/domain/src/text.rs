//! Text that can be stored.

use std::fmt;

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

use crate::{
    characters::{is_disruptive, is_invisible},
    fields::Fault,
};

/// Any Unicode text without NUL, the one character that PostgreSQL cannot store.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(String);

/// A [`Text`] of at least one character.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Text);

/// An e-mail address: the mailbox syntax of RFC 5321, with the international characters of RFC 6531.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(Text);

/// A text that is looked for in other texts: each of its words, anywhere and in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText {
    text: Text,
    words: Vec<SearchWord>,
}

/// A word that is looked for, in the spellings that people take for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWord(Vec<String>);

impl SearchText {
    /// The most words of a search: each is looked for by itself.
    pub const MOST_WORDS: usize = 20;

    /// The words of `text`, parted by white space and commas, or the fault with it. `Ok(None)` if there are none: that looks for
    /// nothing in particular.
    pub fn parse(text: &str) -> Result<Option<Self>, Fault> {
        let text = Text::parse(text.trim().to_owned())?;
        let parts = text.split(|character: char| character.is_whitespace() || character == ',');
        let mut words: Vec<SearchWord> = Vec::new();
        for word in parts.filter(|part| !part.is_empty()).map(SearchWord::new) {
            if !words.contains(&word) {
                words.push(word);
            }
            if words.len() > Self::MOST_WORDS {
                return Err(Fault::new("too_long", format_args!("Look for {} words at most.", Self::MOST_WORDS)));
            }
        }
        Ok((!words.is_empty()).then_some(Self { text, words }))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its words.
    pub fn words(&self) -> &[SearchWord] {
        &self.words
    }
}

impl SearchWord {
    /// What is typed may be composed otherwise than what is stored (Unicode's normal forms C and D), and a sigma at the end of what is typed
    /// may stand within a word, or be the last letter of one, which is another character.
    fn new(word: &str) -> Self {
        let mut spellings: Vec<String> = Vec::new();
        for form in [word.nfc().collect::<String>(), word.nfd().collect()] {
            let within = form.replace('ς', "σ");
            let last = within.strip_suffix(['σ', 'Σ']).map(|begin| format!("{begin}ς"));
            for spelling in [within].into_iter().chain(last) {
                if !spellings.contains(&spelling) {
                    spellings.push(spelling);
                }
            }
        }
        Self(spellings)
    }

    /// Its spellings: who looks for it finds any of them, in any case.
    pub fn spellings(&self) -> &[String] {
        &self.0
    }

    /// Whether it is in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        let folded = |text: &str| text.nfc().collect::<String>().to_lowercase().replace('ς', "σ");
        let text = folded(text);
        self.0.iter().any(|spelling| text.contains(&folded(spelling)))
    }
}

/// Reads a text of at most `most` characters, as `parse` does.
pub fn at_most<T>(most: usize, parse: fn(String) -> Result<T, Fault>) -> impl FnOnce(String) -> Result<T, Fault> {
    move |text| match text.chars().count() {
        count if count > most => {
            Err(Fault::new("too_long", format!("Has {count} characters; it may have at most {most}.")))
        }
        _ => parse(text),
    }
}

/// The most characters of a text that an error repeats.
pub const MOST_CHARS_QUOTED: usize = 100;

/// A text that a client sent, as an error repeats it: cut to [`MOST_CHARS_QUOTED`].
pub fn quoted(text: impl fmt::Display) -> String {
    excerpt(text, MOST_CHARS_QUOTED)
}

/// The first `most` characters of what is written, with an ellipsis if there are more. Nothing behind them is written.
pub fn excerpt(text: impl fmt::Display, most: usize) -> String {
    let mut head = Head { text: String::new(), room: most };
    // It fails where the room ends.
    let _ = fmt::write(&mut head, format_args!("{text}"));
    head.text
}

/// The beginning of a text that is written.
struct Head {
    text: String,
    room: usize,
}

impl fmt::Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Some((end, _)) = text.char_indices().nth(self.room) else {
            self.room -= text.chars().count();
            self.text.push_str(text);
            return Ok(());
        };
        self.text.push_str(text.get(..end).unwrap_or_default());
        self.text.push('…');
        Err(fmt::Error)
    }
}

impl Text {
    /// `text`, or the fault with it.
    pub fn parse(text: String) -> Result<Self, Fault> {
        if text.as_bytes().contains(&0) {
            return Err(Fault::new("invalid_character", "NUL (U+0000) cannot be stored. Remove it."));
        }
        Ok(Self(text))
    }

    /// `text` as the name of something, or the fault with it: a name is told from other texts by what is seen of it. To be used
    /// where a name is given. One that was given before may be any text.
    pub fn legible(text: String) -> Result<Self, Fault> {
        let text = Self::parse(text)?;
        if let Some(character) = text.chars().find(|character| is_disruptive(*character)) {
            let number = u32::from(character);
            let fault = format!("U+{number:04X} is not seen, and changes how other text is shown. Remove it.");
            return Err(Fault::new("invalid_character", fault));
        }
        if text.chars().all(is_invisible) {
            return Err(Fault::new("invalid_value", "Must have a character that is seen."));
        }
        Ok(text)
    }
}

impl Name {
    /// `text`, or the fault with it.
    pub fn parse(text: String) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new("too_short", "Must have at least 1 character. To empty the field, send null."));
        }
        Text::parse(text).map(Self)
    }

    /// `text` as a person's name, or the fault with it: see [`Text::legible`].
    pub fn legible(text: String) -> Result<Self, Fault> {
        Self::parse(text).and_then(|name| Text::legible(name.0.0)).map(Self)
    }
}

impl Email {
    /// `text`, or the fault with it.
    pub fn parse(text: String) -> Result<Self, Fault> {
        // "Ann <a@b.co>" is a mailbox of RFC 5322 with a name in front, and not an address.
        let address_alone = Options::default().without_display_text();
        if EmailAddress::parse_with_options(&text, address_alone).is_err() {
            return Err(Fault::new("invalid_format", "Must be an e-mail address, such as name@example.com."));
        }
        Text::parse(text).map(Self)
    }

    /// The most bytes of an address that somebody types. One that [`parse`](Self::parse) takes has at most 64 before the `@`
    /// and 254 behind it (RFC 5321, section 4.5.3.1); those that were stored by another rule are given some room.
    pub const MAX_TYPED_BYTES: usize = 1024;

    /// An address as somebody typed it to be found by it: any text of such a length, without blanks around it.
    pub fn typed(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        if text.len() > Self::MAX_TYPED_BYTES {
            return Err(Fault::new("too_long", "An e-mail address has at most 1,024 bytes."));
        }
        Text::parse(text.to_owned()).map(Self)
    }

    /// The address in small letters: two that differ in the case of their letters alone are one person's. This alone says which do; what
    /// a database takes for the same is only where it is looked for.
    pub fn folded(&self) -> String {
        self.to_lowercase()
    }

    /// An address as it was stored. It was checked then; what counts as an address may have been another rule.
    pub fn stored(text: String) -> Result<Self, Fault> {
        Text::parse(text).map(Self)
    }
}

macro_rules! shows_as_str {
    ($($name:ident),*) => {$(
        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }
        }
    )*};
}

shows_as_str!(Text, Name, Email);

#[cfg(test)]
mod tests {
    use super::*;

    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("1234567")?;
            }
        }
    }

    #[test]
    fn an_excerpt_is_cut_at_a_character_and_ends_the_writing() {
        for (text, most, expected) in
            [("", 0, ""), ("a", 0, "…"), ("äöü", 3, "äöü"), ("äöü", 2, "äö…"), ("🏗️🏗️", 1, "🏗…")]
        {
            assert_eq!(excerpt(text, most), expected);
        }
        assert_eq!(excerpt(format_args!("{}.{}", "ab", "cd"), 3), "ab.…");
        assert_eq!(excerpt(Endless, 10), "1234567123…");
    }

    #[test]
    fn each_word_is_looked_for_in_the_spellings_that_are_the_same() {
        let search = |text: &str| SearchText::parse(text).expect("no NUL");
        for nothing in ["", " ", ",", " , \u{a0},"] {
            assert_eq!(search(nothing), None, "{nothing:?}");
        }
        let is_found = |search_for: &str, text: &str| {
            let words = search(search_for).expect("words").words;
            words.iter().all(|word| word.is_in(text))
        };
        for (search_for, text) in [
            ("Lovelace Ada", "Ada Lovelace"),
            ("lovelace,  ada", "Ada Lovelace"),
            ("ADA ada", "Ada"),
            ("Zoe\u{301}", "Zo\u{e9} Martin"),
            ("zo\u{c9}", "zoe\u{301}"),
            ("ΟΔΟΣ", "η οδος"),
            ("οδος", "ΟΔΟΣ"),
            ("σοφοσ", "σοφος"),
            ("σ", "οδος"),
        ] {
            assert!(is_found(search_for, text), "{search_for} in {text}");
        }
        for (search_for, text) in [("Ada Byron", "Ada Lovelace"), ("adalovelace", "Ada Lovelace"), ("e\u{301}", "e")] {
            assert!(!is_found(search_for, text), "{search_for} in {text}");
        }
        let spellings = |word: &str| search(word).expect("a word").words.remove(0).0;
        assert_eq!(spellings("ada"), ["ada"]);
        assert_eq!(spellings("\u{e9}"), ["\u{e9}", "e\u{301}"]);
        assert_eq!(spellings("ος"), ["οσ", "ος"]);
        let many = |count: u32| (0..count).map(|n| format!("w{n} ")).collect::<Vec<_>>().concat();
        assert!(search(&many(20)).is_some());
        assert_eq!(SearchText::parse(&many(21)).map_err(|fault| fault.code), Err("too_long"));
    }

    #[test]
    fn nul_is_refused_wherever_it_stands() {
        for text in ["\0", "a\0b", "ab\0"] {
            assert_eq!(Text::parse(text.to_owned()).map_err(|f| f.code), Err("invalid_character"));
            assert_eq!(Name::parse(text.to_owned()).map_err(|f| f.code), Err("invalid_character"));
        }
    }

    #[test]
    fn names_are_told_apart_by_what_is_seen_of_them() {
        for good in
            ["a", " a ", "Zoé", "می\u{200c}خواهم", "שלום\u{200f}!", "👩\u{200d}👧", "❤\u{fe0f}", "日本 語", "a\u{a0}b"]
        {
            assert_eq!(Text::legible(good.to_owned()).as_deref(), Ok(good));
            assert_eq!(Name::legible(good.to_owned()).as_deref(), Ok(good));
        }
        for (bad, character) in [
            ("a\0", "U+0000"),
            ("a\x1b[31m", "U+001B"),
            ("a\nb", "U+000A"),
            ("\u{9b}2J", "U+009B"),
            ("sync\u{202e} ,daer", "U+202E"),
            ("\u{2069}", "U+2069"),
            ("a\u{2028}b", "U+2028"),
        ] {
            let fault = Name::legible(bad.to_owned()).expect_err(bad);
            assert_eq!(fault.code, "invalid_character", "{bad:?}");
            assert!(fault.message.contains(character), "{bad:?}: {}", fault.message);
        }
        for bad in ["\u{200b}\u{2060}", " \u{200b}", "\u{3164}", "\u{feff}", "\u{2800}", "\u{e0041}", "\u{a0}"] {
            assert_eq!(Name::legible(bad.to_owned()).map_err(|fault| fault.code), Err("invalid_value"), "{bad:?}");
        }
    }

    #[test]
    fn e_mail_addresses() {
        for good in
            ["a@b.co", "0@A.COM", "first.last+tag@example.org", "!#$%&'*+-/=?^_`{|}~@example.com", "é@exámple.fr"]
        {
            assert!(Email::parse(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "a", "a@", "@b.co", "a b@c.de", "a@b@c.de", "Ann <a@b.co>", "<a@b.co>", "a@b.co ", "a\0@b.co"] {
            assert!(Email::parse(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
