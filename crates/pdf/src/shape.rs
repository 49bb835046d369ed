//! From text to lines of glyphs: fonts run by run, both directions of writing, breaks where a script allows them.

use std::{cell::RefCell, collections::HashMap, ops::Range};

use bwp_domain::papers::{Color, Typeface};
use krilla::text::{GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::{BidiInfo, Level};
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;

use crate::fonts::{Fonts, is_ignorable};

/// How letters look.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Style {
    pub(crate) size: f32,
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) color: Color,
    pub(crate) link: Option<String>,
}

impl Style {
    pub(crate) const fn new(size: f32, color: Color) -> Self {
        Self { size, bold: false, italic: false, color, link: None }
    }

    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

/// Text in pieces that look alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rich {
    text: String,
    /// Where each piece ends, and how it looks.
    pieces: Vec<(usize, Style)>,
}

impl Rich {
    pub(crate) fn of(text: &str, style: Style) -> Self {
        let mut rich = Self::default();
        rich.push(text, style);
        rich
    }

    pub(crate) fn push(&mut self, text: &str, style: Style) {
        // What cannot be printed is not: a line of its own is one, and nothing else that controls terminals.
        self.text.extend(text.chars().filter(|c| *c == '\n' || !c.is_control()));
        self.pieces.push((self.text.len(), style));
    }

    fn style(&self, at: usize) -> Option<&Style> {
        let behind = self.pieces.partition_point(|(end, _)| *end <= at);
        self.pieces.get(behind).or(self.pieces.last()).map(|(_, style)| style)
    }

    /// The largest size in it.
    pub(crate) fn size(&self) -> f32 {
        self.pieces.iter().map(|(_, style)| style.size).fold(0.0, f32::max)
    }
}

/// Text of one font, direction and look. Its glyphs are made when it is drawn: a document of many lines would hold millions of them.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) face: usize,
    pub(crate) style: Style,
    /// Where it is in the line's text.
    range: Range<usize>,
    right_to_left: bool,
    pub(crate) width: f32,
}

/// A line, its runs from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) runs: Vec<Run>,
    /// Without blanks at its end.
    pub(crate) width: f32,
}

/// A stretch of text with one font, style and direction.
struct Stretch<'a> {
    range: Range<usize>,
    face: usize,
    style: &'a Style,
    level: Level,
}

/// What makes lines. One for a document: it remembers how wide words are.
pub(crate) struct Shaper<'a> {
    fonts: &'a Fonts,
    typeface: Typeface,
    /// Widths in ems, by text and weight.
    widths: RefCell<HashMap<(String, bool), f32>>,
}

impl<'a> Shaper<'a> {
    pub(crate) fn new(fonts: &'a Fonts, typeface: Typeface) -> Self {
        Self { fonts, typeface, widths: RefCell::default() }
    }

    /// How wide a text is on one line.
    pub(crate) fn width(&self, text: &str, style: &Style) -> f32 {
        if let Some(width) = self.widths.borrow().get(&(text.to_owned(), style.bold)) {
            return width * style.size;
        }
        let rich = Rich::of(text, Style { size: 1.0, ..style.clone() });
        let width = self.measure(&rich, 0..rich.text.len());
        self.widths.borrow_mut().insert((text.to_owned(), style.bold), width);
        width * style.size
    }

    /// A text on one line.
    pub(crate) fn line(&self, text: &str, style: Style) -> Line {
        let rich = Rich::of(&text.replace('\n', " "), style);
        self.set(&rich, 0..rich.text.len())
    }

    /// A text on as many lines of this width as it takes. None for no text.
    pub(crate) fn lines(&self, rich: &Rich, width: f32) -> Vec<Line> {
        let mut lines = Vec::new();
        let (mut start, mut end, mut filled) = (0, 0, 0.0);
        for (at, opportunity) in linebreaks(&rich.text) {
            let piece = end..at;
            let (seen, whole) = (self.seen(rich, piece.clone()), self.measure_cached(rich, piece));
            if filled + seen > width && end > start {
                lines.push(self.set(rich, start..end));
                (start, filled) = (end, 0.0);
            }
            if seen > width {
                (start, filled) = self.break_word(rich, start..at, width, &mut lines);
            } else {
                filled += whole;
            }
            end = at;
            if opportunity == BreakOpportunity::Mandatory && start < end {
                lines.push(self.set(rich, start..end));
                (start, filled) = (end, 0.0);
            }
        }
        lines
    }

    /// Breaks a word that is wider than a line, and gives where its last line begins and how much of that is filled.
    fn break_word(&self, rich: &Rich, range: Range<usize>, width: f32, lines: &mut Vec<Line>) -> (usize, f32) {
        let (mut start, mut filled) = (range.start, 0.0);
        let text = rich.text.get(range.clone()).unwrap_or_default();
        for (at, cluster) in text.grapheme_indices(true) {
            let at = range.start + at;
            let next = self.measure_cached(rich, at..at + cluster.len());
            if filled + next > width && at > start {
                lines.push(self.set(rich, start..at));
                (start, filled) = (at, 0.0);
            }
            filled += next;
        }
        (start, filled)
    }

    /// How wide a piece is without blanks at its end.
    fn seen(&self, rich: &Rich, range: Range<usize>) -> f32 {
        let text = rich.text.get(range.clone()).unwrap_or_default();
        self.measure_cached(rich, range.start..range.start + text.trim_end().len())
    }

    fn measure_cached(&self, rich: &Rich, range: Range<usize>) -> f32 {
        let text = rich.text.get(range.clone()).unwrap_or_default();
        match rich.style(range.start) {
            _ if text.is_empty() => 0.0,
            Some(style) if rich.style(range.end - 1) == Some(style) => self.width(text, style),
            _ => self.measure(rich, range),
        }
    }

    fn measure(&self, rich: &Rich, range: Range<usize>) -> f32 {
        self.set(rich, range).runs.iter().map(|run| run.width).sum()
    }

    /// Sets a line.
    fn set(&self, rich: &Rich, range: Range<usize>) -> Line {
        let whole = rich.text.get(range.clone()).unwrap_or_default().trim_end_matches(['\n', '\r']);
        let text = whole.to_owned();
        let bidi = BidiInfo::new(&text, None);
        let right_to_left = bidi.paragraphs.first().is_some_and(|paragraph| paragraph.level.is_rtl());
        // At the end of a line of letters from left to right, a blank tells those who hear it that the word ends.
        let plain = !bidi.has_rtl();
        let (text, bidi) = if plain {
            (text.as_str(), &bidi)
        } else {
            return self.set_both_ways(rich, range.start, text.trim_end(), right_to_left);
        };
        let stretches = self.stretches(rich, range.start, text, &bidi.levels);
        let seen = text.trim_end().len();
        let runs: Vec<Run> = stretches.iter().map(|stretch| self.run(text, stretch)).collect();
        let blanks = stretches.iter().filter(|stretch| stretch.range.end > seen).map(|stretch| {
            let range = stretch.range.start.max(seen)..stretch.range.end;
            self.run(text, &Stretch { range, ..*stretch }).width
        });
        let width = runs.iter().map(|run| run.width).sum::<f32>() - blanks.sum::<f32>();
        Line { text: text.to_owned(), runs, width }
    }

    fn set_both_ways(&self, rich: &Rich, offset: usize, text: &str, right_to_left: bool) -> Line {
        let base = if right_to_left { Level::rtl() } else { Level::ltr() };
        let bidi = BidiInfo::new(text, Some(base));
        let levels = bidi.paragraphs.first().map(|paragraph| bidi.reordered_levels(paragraph, paragraph.range.clone()));
        let levels = levels.unwrap_or_default();
        let mut stretches = self.stretches(rich, offset, text, &levels);
        reorder(&mut stretches);
        let runs: Vec<Run> = stretches.iter().map(|stretch| self.run(text, stretch)).collect();
        let width = runs.iter().map(|run| run.width).sum();
        Line { text: text.to_owned(), runs, width }
    }

    /// A line's text in stretches, in the order of the text.
    fn stretches<'r>(&self, rich: &'r Rich, offset: usize, text: &str, levels: &[Level]) -> Vec<Stretch<'r>> {
        let mut stretches: Vec<Stretch<'r>> = Vec::new();
        for (at, cluster) in text.grapheme_indices(true) {
            let Some(style) = rich.style(offset + at) else { continue };
            let level = levels.get(at).copied().unwrap_or_else(Level::ltr);
            let face = self.fonts.face_for(cluster, self.typeface, style.bold);
            match stretches.last_mut() {
                Some(last) if last.face == face && last.level == level && std::ptr::eq(last.style, style) => {
                    last.range.end = at + cluster.len();
                }
                _ => stretches.push(Stretch { range: at..at + cluster.len(), face, style, level }),
            }
        }
        stretches
    }

    fn run(&self, text: &str, stretch: &Stretch<'_>) -> Run {
        let (range, right_to_left) = (stretch.range.clone(), stretch.level.is_rtl());
        let mut run = Run { face: stretch.face, style: stretch.style.clone(), range, right_to_left, width: 0.0 };
        run.width = glyphs(self.fonts, text, &run).iter().map(|glyph| glyph.x_advance * run.style.size).sum();
        run
    }
}

/// The glyphs of a run of a line of this text, from left to right.
pub(crate) fn glyphs(fonts: &Fonts, text: &str, run: &Run) -> Vec<KrillaGlyph> {
    let mut glyphs = Vec::new();
    let Some(face) = fonts.faces.get(run.face) else { return glyphs };
    let piece = text.get(run.range.clone()).unwrap_or_default();
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(piece);
    buffer.guess_segment_properties();
    buffer.set_direction(if run.right_to_left { Direction::RightToLeft } else { Direction::LeftToRight });
    let shaped = rustybuzz::shape(&face.shaper, &[], buffer);
    let units = face.units();
    // Each cluster ends where the next one in the text begins.
    let mut starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
    starts.sort_unstable();
    starts.dedup();
    let em = |units_of: i32| {
        #[expect(clippy::cast_precision_loss, reason = "an advance is a few thousand units")]
        let units_of = units_of as f32;
        units_of / units
    };
    for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let start = info.cluster as usize;
        let behind = starts.partition_point(|other| *other <= start);
        let end = starts.get(behind).copied().unwrap_or(piece.len());
        let cluster = piece.get(start..end).unwrap_or_default();
        let (mut glyph, mut advance) = (info.glyph_id, em(position.x_advance));
        if glyph == 0 {
            if cluster.chars().all(is_ignorable) {
                continue;
            }
            let (replacement, width) = fonts.replacement(run.face);
            (glyph, advance) = (replacement.into(), width);
        }
        let range = run.range.start + start..run.range.start + end;
        let (x, y) = (em(position.x_offset), em(position.y_offset));
        glyphs.push(KrillaGlyph::new(GlyphId::new(glyph), advance, x, y, em(position.y_advance), range, None));
    }
    glyphs
}

/// Puts stretches in the order in which they are seen (UAX #9, L2).
fn reorder(stretches: &mut [Stretch<'_>]) {
    let level = |stretch: &Stretch<'_>| stretch.level.number();
    let highest = stretches.iter().map(level).max().unwrap_or(0);
    for at_least in (1..=highest).rev() {
        let mut start = 0;
        while start < stretches.len() {
            let length = stretches[start..].iter().take_while(|stretch| level(stretch) >= at_least).count();
            stretches[start..start + length].reverse();
            start += length.max(1);
        }
    }
}
