//! Headings and texts.

use bwp_domain::papers::{Paragraph, ParagraphKind};

use crate::{
    flow::{Flow, INK, LEADING, readable},
    shape::{Rich, Style},
    tags::{Part, TagId},
};

/// Puts a heading, with as much room below it as it is kept with.
pub(super) fn heading(flow: &mut Flow<'_>, text: &str, kept: f32) -> TagId {
    let size = flow.look.size + 1.5;
    flow.need(size * LEADING + 4.0 + kept.min(flow.whole() - 40.0));
    flow.outline(text);
    let section = flow.pages.tags.child(flow.body, Part::Section);
    let tag = flow.pages.tags.child(section, Part::Heading(2, text.to_owned()));
    let style = Style::new(size, readable(flow.look.primary)).bold();
    let (left, width) = (flow.left(), flow.width());
    flow.pour(tag, left, width, &Rich::of(text, style));
    flow.y += 3.0;
    section
}

/// Puts a text below its title.
pub(super) fn put(flow: &mut Flow<'_>, title: &str, paragraphs: &[Paragraph]) {
    flow.gap();
    let size = flow.look.size;
    let section = heading(flow, title, 2.0 * size * LEADING);
    let mut list = None;
    for paragraph in paragraphs {
        let (left, width) = (flow.left(), flow.width());
        match &paragraph.kind {
            ParagraphKind::Plain => {
                list = None;
                let tag = flow.pages.tags.child(section, Part::Paragraph);
                flow.pour(tag, left, width, &rich(flow, paragraph, size, false));
                flow.y += size * 0.45;
            }
            ParagraphKind::Heading(level) => {
                list = None;
                let text: String = paragraph.spans.iter().map(|span| span.text.as_str()).collect();
                let size = size + if *level == 1 { 1.5 } else { 0.5 };
                flow.y += size * 0.3;
                flow.need(size * LEADING * 3.0);
                let tag = flow.pages.tags.child(section, Part::Heading(3, text));
                flow.pour(tag, left, width, &rich(flow, paragraph, size, true));
                flow.y += size * 0.2;
            }
            ParagraphKind::Item { label, depth } => {
                let list = *list.get_or_insert_with(|| flow.pages.tags.child(section, Part::List));
                let item = flow.pages.tags.child(list, Part::ListItem);
                let tag = flow.pages.tags.child(item, Part::Label);
                let indent = 14.0 * f32::from(*depth);
                flow.need(size * LEADING);
                let line = flow.shaper.line(label, Style::new(size, INK));
                flow.put_line(tag, left + indent - line.width - 4.0_f32.min(indent), flow.y, line);
                let body = flow.pages.tags.child(item, Part::Body);
                flow.pour(body, left + indent + 2.0, width - indent - 2.0, &rich(flow, paragraph, size, false));
                flow.y += size * 0.2;
            }
        }
    }
}

fn rich(flow: &Flow<'_>, paragraph: &Paragraph, size: f32, bold: bool) -> Rich {
    let mut rich = Rich::default();
    for span in &paragraph.spans {
        let color = if span.link.is_some() { readable(flow.look.accent) } else { INK };
        let style =
            Style { bold: bold || span.bold, italic: span.italic, link: span.link.clone(), ..Style::new(size, color) };
        rich.push(&span.text, style);
    }
    rich
}
