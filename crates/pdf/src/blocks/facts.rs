//! Groups of facts, side by side.

use bwp_domain::papers::Facts;

use crate::{
    flow::{Flow, INK, LEADING, QUIET, readable},
    shape::{Line, Rich, Style},
    tags::Part,
};

const GAP: f32 = 20.0;

/// A fact, ready to be put.
struct Fact {
    label: Option<Line>,
    lines: Vec<Line>,
}

pub(super) fn put(flow: &mut Flow<'_>, groups: &[Facts]) {
    flow.gap();
    let groups: Vec<&Facts> = groups.iter().filter(|group| !group.rows.is_empty()).collect();
    let Some(count) = u16::try_from(groups.len()).ok().filter(|count| *count > 0) else { return };
    let width = (flow.width() - GAP * f32::from(count - 1)) / f32::from(count);
    let set: Vec<(f32, Vec<Fact>)> = groups.iter().map(|group| facts(flow, group, width)).collect();
    let height = |facts: &[Fact]| facts.iter().map(|fact| lines_of(fact) * flow.look.size * LEADING).sum::<f32>();
    let tallest = set.iter().map(|(_, facts)| height(facts)).fold(0.0, f32::max) + title_height(flow);
    if tallest > flow.whole() {
        for group in groups {
            stacked(flow, group);
        }
        return;
    }
    flow.need(tallest);
    let (top, mut x) = (flow.y, flow.left());
    for (group, (indent, facts)) in groups.iter().zip(set) {
        put_group(flow, group, facts, (x, top), indent, width);
        x += width + GAP;
    }
    flow.y = top + tallest;
}

fn title_height(flow: &Flow<'_>) -> f32 {
    flow.look.small() * LEADING + 3.0
}

fn lines_of(fact: &Fact) -> f32 {
    f32::from(u16::try_from(fact.lines.len().max(1)).unwrap_or(u16::MAX))
}

fn title_style(flow: &Flow<'_>) -> Style {
    Style::new(flow.look.small(), readable(flow.look.accent)).bold()
}

/// How far values are indented, and the facts.
fn facts(flow: &Flow<'_>, group: &Facts, width: f32) -> (f32, Vec<Fact>) {
    let label_style = Style::new(flow.look.size, QUIET);
    let widest = group.rows.iter().map(|(label, _)| flow.shaper.width(label, &label_style)).fold(0.0, f32::max);
    let indent = if widest > 0.0 { (widest + 8.0).min(width * 0.5) } else { 0.0 };
    // What has no label is what the group is about.
    let mut first = true;
    let fact = |(label, value): &(String, String)| {
        let unlabelled = label.is_empty();
        let style = Style { bold: std::mem::take(&mut first) && unlabelled, ..Style::new(flow.look.size, INK) };
        let room = if unlabelled { width } else { width - indent };
        Fact {
            label: (!unlabelled).then(|| flow.shaper.line(label, label_style.clone())),
            lines: flow.shaper.lines(&Rich::of(value, style), room),
        }
    };
    (indent, group.rows.iter().map(fact).collect())
}

fn put_group(flow: &mut Flow<'_>, group: &Facts, facts: Vec<Fact>, (x, top): (f32, f32), indent: f32, width: f32) {
    let section = flow.pages.tags.child(flow.body, Part::Section);
    let heading = flow.pages.tags.child(section, Part::Heading(2, group.title.clone()));
    let title = flow.shaper.line(&group.title.to_uppercase(), title_style(flow));
    flow.put_line(heading, x, top, title);
    let mut y = top + title_height(flow);
    flow.hairline(x, y - 2.0, width);
    y += 1.0;
    let size = flow.look.size;
    for fact in facts {
        let tag = flow.pages.tags.child(section, Part::Paragraph);
        let value = match fact.label {
            Some(label) => {
                flow.put_line(tag, x, y, label);
                x + indent
            }
            None => x,
        };
        y += flow.put_lines(tag, value, y, fact.lines, size).max(size * LEADING);
    }
}

/// A group that is higher than a page, over the whole width.
fn stacked(flow: &mut Flow<'_>, group: &Facts) {
    let section = flow.pages.tags.child(flow.body, Part::Section);
    let heading = flow.pages.tags.child(section, Part::Heading(2, group.title.clone()));
    let (left, width) = (flow.left(), flow.width());
    flow.need(3.0 * flow.look.size * LEADING);
    flow.pour(heading, left, width, &Rich::of(&group.title, title_style(flow)));
    for (label, value) in &group.rows {
        let tag = flow.pages.tags.child(section, Part::Paragraph);
        let mut rich = Rich::default();
        if !label.is_empty() {
            rich.push(&format!("{label} "), Style::new(flow.look.size, QUIET));
        }
        rich.push(value, Style::new(flow.look.size, INK));
        flow.pour(tag, left, width, &rich);
    }
    flow.y += flow.look.gap / 2.0;
}
