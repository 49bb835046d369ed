//! Tables: a head on each page, figures that are never broken, rows that may be higher than a page.

use bwp_domain::papers::{Column, Layout, Row, Table};

use crate::{
    canvas::{Aside, Item},
    flow::{Flow, INK, LEADING, QUIET, WASH, ink_on},
    shape::{Line, Rich, Style},
    tags::{Part, TagId},
};

/// Beside the text of a cell.
const PAD: f32 = 5.0;
/// Above and below it.
const RISE: f32 = 3.5;

/// How the table is cut.
struct Cut {
    size: f32,
    /// The width of each column.
    widths: Vec<f32>,
}

/// Puts a table. Its last row stays with what follows it, if that is `kept` high.
pub(super) fn put(flow: &mut Flow<'_>, table: &Table, kept: f32) {
    flow.gap();
    let cut = cut(flow, table);
    let tag = flow.pages.tags.child(flow.body, Part::Table(table.summary.clone()));
    flow.need(head_height(flow, table, &cut) + 2.0 * cut.size * LEADING + 2.0 * RISE);
    let head = flow.pages.tags.child(tag, Part::Head);
    let row = flow.pages.tags.child(head, Part::Row);
    put_head(flow, table, &cut, Some(row));
    let body = flow.pages.tags.child(tag, Part::Rows);
    if table.rows.is_empty() {
        empty(flow, table, &cut, body);
    }
    let foot = table.foot.as_ref().map(|cells| Row { cells: cells.clone(), minor: false });
    let last = table.rows.len().saturating_sub(1);
    for (at, row) in table.rows.iter().enumerate() {
        let behind = match &foot {
            Some(foot) if at == last => row_height(&set_row(flow, table, &cut, foot, true), cut.size) + kept,
            None if at == last => kept,
            _ => 0.0,
        };
        put_row(flow, table, &cut, row, body, behind);
    }
    if let Some(foot) = foot {
        let part = flow.pages.tags.child(tag, Part::Foot);
        put_foot(flow, table, &cut, &foot, part);
    }
}

/// The widths of the columns, and the largest letters at which no figure is broken.
fn cut(flow: &Flow<'_>, table: &Table) -> Cut {
    let mut size = flow.look.size;
    loop {
        if let Some(widths) = widths(flow, table, size) {
            return Cut { size, widths };
        }
        if size <= 4.5 {
            let all: f32 = table.columns.iter().map(|column| column.weight).sum();
            let widths = table.columns.iter().map(|column| flow.width() * column.weight / all).collect();
            return Cut { size, widths };
        }
        size -= 0.5;
    }
}

/// The widths at this size. `None` if figures and some text do not fit beside each other.
fn widths(flow: &Flow<'_>, table: &Table, size: f32) -> Option<Vec<f32>> {
    let bold = Style::new(size, INK).bold();
    let text_of = |row: &Row, at: usize| row.cells.get(at).cloned().unwrap_or_default();
    let foot = table.foot.iter().map(|cells| Row { cells: cells.clone(), minor: false }).collect::<Vec<_>>();
    let least = |(at, column): (usize, &Column)| {
        let head = column.title.split_whitespace().map(|word| flow.shaper.width(word, &bold)).fold(0.0, f32::max);
        let rows = table.rows.iter().chain(&foot);
        let figures = rows.map(|row| flow.shaper.width(&text_of(row, at), &bold)).fold(0.0, f32::max);
        let least = if column.figures { figures.max(head) } else { head.max(size * 4.0) };
        least + 2.0 * PAD
    };
    let least: Vec<f32> = table.columns.iter().enumerate().map(least).collect();
    let width = flow.width();
    if least.iter().sum::<f32>() > width {
        return None;
    }
    // By weight; a column that would be too narrow is as wide as it must be, and the others share what is left.
    let mut fixed = vec![false; least.len()];
    loop {
        let taken: f32 = least.iter().zip(&fixed).filter(|(_, fixed)| **fixed).map(|(least, _)| least).sum();
        let weights =
            || table.columns.iter().zip(&fixed).filter(|(_, fixed)| !**fixed).map(|(column, _)| column.weight);
        let unit = (width - taken) / weights().sum::<f32>().max(f32::EPSILON);
        let narrow = |at: usize| !fixed[at] && table.columns[at].weight * unit < least[at];
        let Some(at) = (0..least.len()).find(|at| narrow(*at)) else {
            let share = |at: usize| if fixed[at] { least[at] } else { table.columns[at].weight * unit };
            return Some((0..least.len()).map(share).collect());
        };
        fixed[at] = true;
    }
}

/// The lines of each cell of a row.
fn set_row(flow: &Flow<'_>, table: &Table, cut: &Cut, row: &Row, bold: bool) -> Vec<Vec<Line>> {
    let color = if row.minor { QUIET } else { INK };
    let size = if row.minor { cut.size - 0.5 } else { cut.size };
    let style = Style { bold, ..Style::new(size, color) };
    let cells = table.columns.iter().enumerate().map(|(at, column)| {
        let text = row.cells.get(at).map_or("", String::as_str);
        let indent = if row.minor && !column.figures { 10.0 } else { 0.0 };
        let width = cut.widths.get(at).copied().unwrap_or(40.0) - 2.0 * PAD - indent;
        flow.shaper.lines(&Rich::of(text, style.clone()), width.max(10.0))
    });
    cells.collect()
}

fn tallest(cells: &[Vec<Line>]) -> usize {
    cells.iter().map(Vec::len).max().unwrap_or(1).max(1)
}

fn height_of(lines: usize, size: f32) -> f32 {
    f32::from(u16::try_from(lines).unwrap_or(u16::MAX)) * size * LEADING + 2.0 * RISE
}

fn row_height(cells: &[Vec<Line>], size: f32) -> f32 {
    height_of(tallest(cells), size)
}

fn put_row(flow: &mut Flow<'_>, table: &Table, cut: &Cut, row: &Row, body: TagId, behind: f32) {
    let mut cells = set_row(flow, table, cut, row, false);
    let tag = flow.pages.tags.child(body, Part::Row);
    let tags: Vec<TagId> = table.columns.iter().map(|_| flow.pages.tags.child(tag, Part::Cell)).collect();
    let height = row_height(&cells, cut.size);
    // One that fits on a page is not torn apart, and what must stay with it does, as far as a page can hold both.
    let together = if height + behind < flow.whole() / 2.0 { height + behind } else { height };
    if together > flow.room() && height < flow.whole() / 2.0 {
        next_page(flow, table, cut);
    }
    loop {
        if flow.room() < height_of(1, cut.size) {
            next_page(flow, table, cut);
        }
        let mut fit = 1;
        while fit < tallest(&cells) && height_of(fit + 1, cut.size) <= flow.room() {
            fit += 1;
        }
        let piece: Vec<Vec<Line>> = cells.iter_mut().map(|cell| cell.drain(..fit.min(cell.len())).collect()).collect();
        let top = flow.y;
        put_cells(flow, table, cut, piece, &tags, row.minor, top);
        flow.y = top + height_of(fit, cut.size);
        if cells.iter().all(Vec::is_empty) {
            break;
        }
    }
    let (left, width) = (flow.left(), flow.width());
    flow.hairline(left, flow.y, width);
}

fn put_cells(
    flow: &mut Flow<'_>,
    table: &Table,
    cut: &Cut,
    cells: Vec<Vec<Line>>,
    tags: &[TagId],
    minor: bool,
    top: f32,
) {
    let mut x = flow.left();
    for (at, (cell, column)) in cells.into_iter().zip(&table.columns).enumerate() {
        let width = cut.widths.get(at).copied().unwrap_or(40.0);
        let mut y = top + RISE;
        let indent = if minor && !column.figures { 10.0 } else { 0.0 };
        for line in cell {
            let Some(tag) = tags.get(at).copied() else { continue };
            if column.figures {
                flow.put_line_right(tag, x + width - PAD, y, line);
            } else {
                flow.put_line(tag, x + PAD + indent, y, line);
            }
            y += cut.size * LEADING;
        }
        x += width;
    }
}

fn next_page(flow: &mut Flow<'_>, table: &Table, cut: &Cut) {
    flow.new_page();
    put_head(flow, table, cut, None);
}

fn head_style(flow: &Flow<'_>, cut: &Cut) -> Style {
    let ink = if flow.look.layout == Layout::Plain { INK } else { ink_on(flow.look.primary) };
    Style::new(cut.size - 0.5, ink).bold()
}

fn head_lines(flow: &Flow<'_>, table: &Table, cut: &Cut) -> Vec<Vec<Line>> {
    let style = head_style(flow, cut);
    let column = |(at, column): (usize, &Column)| {
        let width = cut.widths.get(at).copied().unwrap_or(40.0) - 2.0 * PAD;
        flow.shaper.lines(&Rich::of(&column.title, style.clone()), width + 0.5)
    };
    table.columns.iter().enumerate().map(column).collect()
}

fn head_height(flow: &Flow<'_>, table: &Table, cut: &Cut) -> f32 {
    row_height(&head_lines(flow, table, cut), cut.size)
}

/// The head: a part of the document where it stands first, and a help for the eye on later pages.
fn put_head(flow: &mut Flow<'_>, table: &Table, cut: &Cut, row: Option<TagId>) {
    let lines = head_lines(flow, table, cut);
    let height = row_height(&lines, cut.size);
    let (left, width, top) = (flow.left(), flow.width(), flow.y);
    if flow.look.layout == Layout::Plain {
        flow.rule(left, top, width, 0.7, INK);
        flow.rule(left, top + height, width, 0.7, INK);
    } else {
        flow.pages.area((left, top), (width, height), flow.look.primary);
    }
    let tags: Vec<TagId> = match row {
        Some(row) => table.columns.iter().map(|_| flow.pages.tags.child(row, Part::HeadCell)).collect(),
        None => Vec::new(),
    };
    if row.is_some() {
        put_cells(flow, table, cut, lines, &tags, false, top);
    } else {
        let mut x = left;
        for (at, (cell, column)) in lines.into_iter().zip(&table.columns).enumerate() {
            let width = cut.widths.get(at).copied().unwrap_or(40.0);
            let size = head_style(flow, cut).size;
            let mut y = top + RISE + size * 1.05;
            for line in cell {
                let x = if column.figures { x + width - PAD - line.width } else { x + PAD };
                flow.pages.put_aside(Aside::Header, Item::Text { x, y, line });
                y += cut.size * LEADING;
            }
            x += width;
        }
    }
    flow.y = top + height;
}

fn put_foot(flow: &mut Flow<'_>, table: &Table, cut: &Cut, foot: &Row, part: TagId) {
    let cells = set_row(flow, table, cut, foot, true);
    let height = row_height(&cells, cut.size);
    if height > flow.room() {
        next_page(flow, table, cut);
    }
    let (left, width, top) = (flow.left(), flow.width(), flow.y);
    flow.pages.area((left, top), (width, height), WASH);
    flow.rule(left, top, width, 1.0, flow.look.primary);
    let row = flow.pages.tags.child(part, Part::Row);
    let tags: Vec<TagId> = table.columns.iter().map(|_| flow.pages.tags.child(row, Part::Cell)).collect();
    put_cells(flow, table, cut, cells, &tags, false, top);
    flow.y = top + height;
}

/// What is said where there are no rows.
fn empty(flow: &mut Flow<'_>, table: &Table, cut: &Cut, body: TagId) {
    let row = flow.pages.tags.child(body, Part::Row);
    let cell = flow.pages.tags.child(row, Part::Cell);
    let style = Style { italic: true, ..Style::new(cut.size, QUIET) };
    let line = flow.shaper.line(&table.empty, style);
    let (left, top) = (flow.left(), flow.y);
    flow.put_line(cell, left + PAD, top + RISE + 2.0, line);
    flow.y = top + height_of(1, cut.size) + 4.0;
    let width = flow.width();
    flow.hairline(left, flow.y, width);
}
