//! Places to sign.

use bwp_domain::papers::SignaturePlace;

use crate::{
    flow::{Flow, INK, LEADING, QUIET, readable},
    shape::{Line, Rich, Style},
    tags::Part,
};

const GAP: f32 = 28.0;
/// Between two lines to write on.
const STEP: f32 = 30.0;

struct Place {
    title: Vec<Line>,
    note: Vec<Line>,
    lines: Vec<(Line, Line)>,
}

impl Place {
    fn height(&self, size: f32) -> f32 {
        let count = |lines: usize| f32::from(u16::try_from(lines).unwrap_or(u16::MAX));
        let text = count(self.title.len() + self.note.len()) * size * LEADING;
        text + count(self.lines.len()) * STEP + 10.0
    }
}

fn width(flow: &Flow<'_>, places: &[SignaturePlace]) -> f32 {
    // One alone is as wide as people write, and not as the page.
    let count = f32::from(u16::try_from(places.len().max(2)).unwrap_or(2));
    (flow.width() - GAP * (count - 1.0)) / count
}

fn set(flow: &Flow<'_>, places: &[SignaturePlace]) -> Vec<Place> {
    let width = if places.len() == 1 { flow.width() } else { width(flow, places) };
    let (size, small) = (flow.look.size, flow.look.small() - 1.0);
    let place = |place: &SignaturePlace| Place {
        title: flow.shaper.lines(&Rich::of(&place.title, Style::new(size, readable(flow.look.primary)).bold()), width),
        note: flow.shaper.lines(&Rich::of(place.note.as_deref().unwrap_or(""), Style::new(size, INK)), width),
        lines: place
            .lines
            .iter()
            .map(|line| {
                // What is known stands on the line, and what it is below it.
                let (label, value) = line.split_once(": ").unwrap_or((line, ""));
                (flow.shaper.line(label, Style::new(small, QUIET)), flow.shaper.line(value, Style::new(size, INK)))
            })
            .collect(),
    };
    places.iter().map(place).collect()
}

/// How high they are.
pub(super) fn height(flow: &Flow<'_>, places: &[SignaturePlace]) -> f32 {
    set(flow, places).iter().map(|place| place.height(flow.look.size)).fold(0.0, f32::max)
}

pub(super) fn put(flow: &mut Flow<'_>, places: &[SignaturePlace]) {
    flow.gap();
    let (width, size) = (width(flow, places), flow.look.size);
    let height = height(flow, places);
    flow.need(height.min(flow.whole()));
    let (top, mut x) = (flow.y, flow.left());
    let titles: Vec<&str> = places.iter().map(|place| place.title.as_str()).collect();
    flow.outline(&titles.join(", "));
    for (place, written) in set(flow, places).into_iter().zip(places) {
        let section = flow.pages.tags.child(flow.body, Part::Section);
        let tag = flow.pages.tags.child(section, Part::Heading(3, written.title.clone()));
        let mut y = top + flow.put_lines(tag, x, top, place.title, size);
        let tag = flow.pages.tags.child(section, Part::Paragraph);
        y += flow.put_lines(tag, x, y, place.note, size);
        for (label, value) in place.lines {
            let line = y + STEP - 9.0;
            flow.rule(x, line, width, 0.7, QUIET);
            let tag = flow.pages.tags.child(section, Part::Paragraph);
            let small = flow.look.small() - 1.0;
            flow.put_line(tag, x, line + 1.0, label);
            flow.put_line(tag, x + 2.0, line - size * LEADING - 0.5, value);
            y += STEP.max(small);
        }
        x += width + GAP;
    }
    flow.y = top + height;
}
