//! What forms have: numbered lines, a bar, a warning.

use bwp_domain::papers::{Color, LedgerLine};

use crate::{
    flow::{Flow, HAIR, INK, LEADING, QUIET, WASH, readable},
    shape::{Rich, Style},
    tags::Part,
};

/// Numbered lines with an amount each.
pub(super) fn ledger(flow: &mut Flow<'_>, lines: &[LedgerLine]) {
    flow.gap();
    let size = flow.look.size;
    let table = flow.pages.tags.child(flow.body, Part::Table("The sums, line by line".to_owned()));
    let body = flow.pages.tags.child(table, Part::Rows);
    for line in lines {
        let (left, width) = (flow.left(), flow.width());
        let color = if line.minor { QUIET } else { INK };
        let style = Style { bold: line.marked, ..Style::new(size, color) };
        let value = flow.shaper.line(&line.value, style.clone());
        let indent = if line.minor { 48.0 } else { 30.0 };
        let label = flow.shaper.lines(&Rich::of(&line.label, style.clone()), width - indent - value.width - 24.0);
        let rows = f32::from(u16::try_from(label.len().max(1)).unwrap_or(1));
        let height = rows * size * LEADING + 6.0;
        flow.need(height);
        if line.marked {
            flow.pages.area((left, flow.y), (width, height), WASH);
            flow.pages.area((left, flow.y), (3.0, height), flow.look.accent);
        }
        let top = flow.y + 3.0;
        let row = flow.pages.tags.child(body, Part::Row);
        let cell = flow.pages.tags.child(row, Part::Cell);
        let number = flow.shaper.line(&line.number, style);
        flow.put_line(cell, left + if line.minor { 26.0 } else { 9.0 }, top, number);
        let cell = flow.pages.tags.child(row, Part::Cell);
        flow.put_lines(cell, left + indent, top, label, size);
        let cell = flow.pages.tags.child(row, Part::Cell);
        flow.put_line_right(cell, left + width - 8.0, top, value);
        flow.y += height;
        flow.hairline(left, flow.y, width);
    }
}

/// How much is done.
pub(super) fn progress(flow: &mut Flow<'_>, label: &str, percent: &str, share: f32) {
    flow.gap();
    let size = flow.look.size;
    flow.need(size * LEADING + 16.0);
    let (left, width, top) = (flow.left(), flow.width(), flow.y);
    let tag = flow.pages.tags.child(flow.body, Part::Paragraph);
    let line = flow.shaper.line(label, Style::new(size, QUIET));
    flow.put_line(tag, left, top, line);
    let line = flow.shaper.line(percent, Style::new(size, INK).bold());
    flow.put_line_right(tag, left + width, top, line);
    let y = top + size * LEADING + 3.0;
    flow.pages.area((left, y), (width, 8.0), HAIR);
    flow.pages.area((left, y), ((width * share).max(0.01), 8.0), flow.look.accent);
    flow.y = y + 8.0;
}

/// Something that the reader should know.
pub(super) fn warning(flow: &mut Flow<'_>, text: &str) {
    const AMBER: Color = Color(0xb4, 0x53, 0x09);
    flow.gap();
    let size = flow.look.size;
    let mut rich = Rich::of("Please note: ", Style::new(size, readable(AMBER)).bold());
    rich.push(text, Style::new(size, INK));
    let (left, width) = (flow.left(), flow.width());
    let lines = flow.shaper.lines(&rich, width - 24.0);
    let height = f32::from(u16::try_from(lines.len()).unwrap_or(1)) * size * LEADING + 12.0;
    flow.need(height);
    flow.pages.area((left, flow.y), (width, height), Color(0xff, 0xf7, 0xed));
    flow.pages.area((left, flow.y), (3.0, height), AMBER);
    let tag = flow.pages.tags.child(flow.body, Part::Paragraph);
    let top = flow.y + 6.0;
    flow.put_lines(tag, left + 12.0, top, lines, size);
    flow.y += height;
}
