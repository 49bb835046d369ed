//! The fonts that are built in, and which of them has a character.

use std::sync::OnceLock;

use bwp_domain::papers::Typeface;
use krilla::text::Font;

/// A font: what shapes text by it, and what embeds it.
pub(crate) struct Face {
    pub(crate) shaper: rustybuzz::Face<'static>,
    bytes: &'static [u8],
    embedded: OnceLock<Option<Font>>,
}

impl Face {
    fn new(bytes: &'static [u8]) -> Option<Self> {
        let shaper = rustybuzz::Face::from_slice(bytes, 0)?;
        Some(Self { shaper, bytes, embedded: OnceLock::new() })
    }

    /// The font as it is embedded. Read when the first document needs it.
    pub(crate) fn embedded(&self) -> Option<&Font> {
        self.embedded.get_or_init(|| Font::new(self.bytes.into(), 0)).as_ref()
    }

    /// How many units an em has.
    pub(crate) fn units(&self) -> f32 {
        f32::from(u16::try_from(self.shaper.units_per_em()).unwrap_or(1_000))
    }

    fn has(&self, c: char) -> bool {
        self.shaper.glyph_index(c).is_some_and(|glyph| glyph.0 != 0)
    }
}

/// All of them. The first four are those of [`Typeface`]; the others are asked one after the other for what these lack.
pub(crate) struct Fonts {
    pub(crate) faces: Vec<Face>,
}

macro_rules! fonts {
    ($($name:literal),* $(,)?) => { [$(include_bytes!(concat!("../fonts/", $name, ".ttf")).as_slice()),*] };
}

static BYTES: [&[u8]; 22] = fonts![
    "NotoSans-Regular",
    "NotoSans-Bold",
    "NotoSerif-Regular",
    "NotoSerif-Bold",
    "NotoSansArabic-Regular",
    "NotoSansArabic-Bold",
    "NotoSansDevanagari-Regular",
    "NotoSansDevanagari-Bold",
    "NotoSansHebrew-Regular",
    "NotoSansThai-Regular",
    "NotoSansBengali-Regular",
    "NotoSansTamil-Regular",
    "NotoSansTelugu-Regular",
    "NotoSansGujarati-Regular",
    "NotoSansGurmukhi-Regular",
    "NotoSansKannada-Regular",
    "NotoSansMalayalam-Regular",
    "NotoSansGeorgian-Regular",
    "NotoSansArmenian-Regular",
    "DroidSansFallback",
    "NotoEmoji-Regular",
    "Symbola-symbols",
];

const SERIF: usize = 2;
/// From here on, regular letters and bold ones by turns.
const ARABIC: usize = 4;
const HEBREW: usize = 8;
const EMOJI: usize = 20;

impl Fonts {
    /// The fonts of the binary. `None` if one of them is broken.
    pub(crate) fn built_in() -> Option<&'static Self> {
        static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
        let read = || Some(Fonts { faces: BYTES.iter().copied().map(Face::new).collect::<Option<_>>()? });
        FONTS.get_or_init(read).as_ref()
    }

    /// The font for what people take for one character: the first that has all of it, else the first that has its beginning, else the
    /// document's own.
    pub(crate) fn face_for(&self, cluster: &str, typeface: Typeface, bold: bool) -> usize {
        let weight = usize::from(bold);
        let own = weight + if typeface == Typeface::Serif { SERIF } else { 0 };
        if cluster.len() == 1 {
            return own;
        }
        let emoji = is_emoji(cluster).then_some(EMOJI);
        let scripts = (ARABIC..HEBREW).filter(|at| at % 2 == weight);
        let order = emoji.into_iter().chain([own, weight]).chain(scripts).chain(HEBREW..self.faces.len());
        let lacks = |at: &usize, c: char| !self.faces.get(*at).is_some_and(|face| face.has(c));
        let has_all = |at: &usize| !cluster.chars().any(|c| !is_ignorable(c) && lacks(at, c));
        let first = cluster.chars().next().unwrap_or(' ');
        order.clone().find(has_all).or_else(|| order.clone().find(|at| !lacks(at, first))).unwrap_or(own)
    }

    /// What is drawn for a character that no font has: the glyph, and its width in ems.
    pub(crate) fn replacement(&self, face: usize) -> (u16, f32) {
        let of = |c: char| self.faces.get(face).and_then(|face| Some((face, face.shaper.glyph_index(c)?)));
        let found = of('\u{fffd}').or_else(|| of('?')).or_else(|| of(' '));
        found.map_or((0, 0.5), |(face, glyph)| {
            let width = face.shaper.glyph_hor_advance(glyph).unwrap_or_default();
            (glyph.0, f32::from(width) / face.units())
        })
    }
}

/// Whether it is shown as a picture: by its own nature, or because it says so.
fn is_emoji(cluster: &str) -> bool {
    let first = cluster.chars().next().unwrap_or(' ');
    u32::from(first) >= 0x1_f000 && u32::from(first) < 0x2_0000
        || cluster.contains('\u{fe0f}') && !cluster.contains('\u{fe0e}')
}

/// Whether it changes how others look, and is not seen.
pub(crate) fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_of_peoples_names_has_a_font() {
        let fonts = Fonts::built_in().unwrap();
        let texts = "Łukasz Ελένη Щукина محمد עברית 王小明 山田 カタカナ ひらがな 김철수건설 ㄅㄆ शर्मा শ্রাবণী முத்து తెలుగు ગુજરાતી ਪੰਜਾਬੀ \
                     ಕನ್ನಡ മലയാളം ไทย ქართული Հայաստան € № ™ … • ½ ° ² ≤ → ✓ ★ 🏗 👷 🧱 🪜 🪚 😀";
        for c in texts.chars().filter(|c| !c.is_whitespace()) {
            let text = c.to_string();
            for (typeface, bold) in [(Typeface::Sans, false), (Typeface::Sans, true), (Typeface::Serif, false)] {
                let face = &fonts.faces[fonts.face_for(&text, typeface, bold)];
                assert!(face.has(c), "{c:?} has no glyph");
            }
        }
        assert!(fonts.faces.iter().all(|face| face.embedded().is_some()));
    }
}
