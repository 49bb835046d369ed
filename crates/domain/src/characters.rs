//! What single characters do to a text that is shown to people.

use std::{borrow::Cow, fmt::Write as _};

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// Whether the character changes how a text is shown beyond itself: a control character (Unicode `Cc`), a separator of lines
/// or paragraphs, or one that overrides, embeds or isolates a direction (UAX #9, section 2). The marks that only hint at a
/// direction (U+200E, U+200F, U+061C) are not among them: right-to-left texts need them.
pub fn is_disruptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether nothing is seen of the character where it stands alone: white space, what Unicode calls default-ignorable, other
/// format characters (`Cf`), and the Braille pattern without a dot.
pub fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || is_disruptive(character)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || CodePointMapData::<GeneralCategory>::new().get(character) == GeneralCategory::Format
        || character == '\u{2800}'
}

/// The text as it can be shown among other texts: characters that would change how those are shown are written out
/// (`\u{202e}`), and where nothing would be seen at all, the invisible ones are.
pub fn legible(text: &str) -> Cow<'_, str> {
    let written_out = if text.chars().all(is_invisible) { is_invisible } else { is_disruptive };
    if !text.contains(written_out) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if written_out(character) {
            // Writing to a String does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::legible;

    #[test]
    fn what_would_change_other_texts_is_written_out() {
        assert_eq!(legible("nightly\u{202e} ,daer\u{2069}"), "nightly\\u{202e} ,daer\\u{2069}");
        assert_eq!(
            legible("a\x1b[31m\r\nb\u{85}\u{9b}\u{7f}\u{2029}"),
            "a\\u{1b}[31m\\u{d}\\u{a}b\\u{85}\\u{9b}\\u{7f}\\u{2029}"
        );
    }

    #[test]
    fn what_shows_nothing_at_all_is_written_out() {
        assert_eq!(legible("\u{200b}\u{2060}"), "\\u{200b}\\u{2060}");
        assert_eq!(legible(" \u{3164}"), "\\u{20}\\u{3164}");
        assert_eq!(legible(""), "");
    }

    #[test]
    fn texts_of_every_script_stay_as_they_are() {
        for text in ["Zoé", "می‌خواهم", "שלום\u{200f}!", "👩‍👩‍👧", "❤️", "日本 語", "a\u{a0}b", "soft\u{ad}hyphen"]
        {
            assert_eq!(legible(text), text);
        }
    }
}
