//! Sums, at the right.

use bwp_domain::papers::{Color, Mark, Total};

use crate::{
    canvas::{Aside, Item},
    flow::{Flow, INK, LEADING, QUIET, WASH, readable},
    shape::{Line, Rich, Style},
    tags::Part,
};

/// How much of the width they take.
const SHARE: f32 = 0.55;
const PAD: f32 = 3.0;

struct Sum {
    label: Vec<Line>,
    value: Line,
    size: f32,
    grand: bool,
}

impl Sum {
    fn height(&self) -> f32 {
        let lines = f32::from(u16::try_from(self.label.len().max(1)).unwrap_or(1));
        lines * self.size * LEADING + if self.grand { 4.0 * PAD } else { PAD }
    }
}

fn sums(flow: &Flow<'_>, totals: &[Total]) -> (f32, Vec<Sum>) {
    let mut width = flow.width() * SHARE;
    let style = |total: &Total| {
        let size = flow.look.size + if total.grand { 1.0 } else { 0.0 };
        if total.grand { Style::new(size, INK).bold() } else { Style::new(size, INK) }
    };
    // Amounts are never broken: the largest decides.
    let widest = totals.iter().map(|total| flow.shaper.width(&total.value, &style(total))).fold(0.0, f32::max);
    width = width.max(widest + 120.0).min(flow.width());
    let sum = |total: &Total| {
        let style = style(total);
        let color = if total.grand { INK } else { QUIET };
        let label = Style { color, ..style.clone() };
        Sum {
            label: flow.shaper.lines(&Rich::of(&total.label, label), (width - widest - 28.0).max(60.0)),
            value: flow.shaper.line(&total.value, style.clone()),
            size: style.size,
            grand: total.grand,
        }
    };
    (width, totals.iter().map(sum).collect())
}

/// How high they are.
pub(super) fn height(flow: &Flow<'_>, totals: &[Total]) -> f32 {
    sums(flow, totals).1.iter().map(Sum::height).sum::<f32>() + 8.0
}

pub(super) fn put(flow: &mut Flow<'_>, totals: &[Total], last: bool) {
    let (width, sums) = sums(flow, totals);
    let height = sums.iter().map(Sum::height).sum::<f32>();
    if height <= flow.whole() {
        flow.need(height);
    }
    flow.y += 6.0;
    let (left, right) = (flow.left() + flow.width() - width, flow.left() + flow.width());
    if last && flow.paper.mark == Some(Mark::Paid) {
        stamp(flow, (flow.left(), flow.y + height / 2.0));
    }
    let table = flow.pages.tags.child(flow.body, Part::Table("Totals".to_owned()));
    let body = flow.pages.tags.child(table, Part::Rows);
    for sum in sums {
        let height = sum.height();
        flow.need(height);
        let mut top = flow.y + PAD / 2.0;
        if sum.grand {
            flow.pages.area((left, flow.y + PAD / 2.0), (width, height - PAD), WASH);
            flow.pages.area((left, flow.y + PAD / 2.0), (3.0, height - PAD), flow.look.accent);
            top += PAD;
        }
        let row = flow.pages.tags.child(body, Part::Row);
        let cell = flow.pages.tags.child(row, Part::Cell);
        flow.put_lines(cell, left + 12.0, top, sum.label, sum.size);
        let cell = flow.pages.tags.child(row, Part::Cell);
        flow.put_line_right(cell, right - 8.0, top, sum.value);
        flow.y += height;
    }
}

/// "PAID", beside the sums.
fn stamp(flow: &mut Flow<'_>, (left, middle): (f32, f32)) {
    let color = readable(Color(0x15, 0x80, 0x3d));
    let line = flow.shaper.line("PAID", Style::new(40.0, color).bold());
    let (width, height) = (line.width + 28.0, 54.0);
    let x = left + 8.0;
    flow.pages
        .put_aside(Aside::Watermark, Item::Frame { x, y: middle - height / 2.0, width, height, color, thickness: 3.0 });
    flow.pages.put_aside(Aside::Watermark, Item::Text { x: x + 14.0, y: middle + 14.5, line });
}
