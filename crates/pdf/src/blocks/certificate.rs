//! What is certified about a signature, on a page of its own.

use bwp_domain::papers::{Certificate, Signature};

use super::{facts, text};
use crate::{
    canvas::Item,
    flow::{Flow, HAIR, INK, QUIET},
    pictures,
    shape::{Rich, Style},
    tags::Part,
};

pub(crate) fn put(flow: &mut Flow<'_>, certificate: &Certificate) {
    let section = text::heading(flow, "Certificate of signature", 120.0);
    let (left, width, size) = (flow.left(), flow.width(), flow.look.size);
    let tag = flow.pages.tags.child(section, Part::Paragraph);
    flow.y += 2.0;
    flow.pour(tag, left, width, &Rich::of(&certificate.statement, Style::new(size, INK)));
    flow.y += flow.look.gap;
    let (box_width, box_height) = (width * 0.6, 96.0);
    flow.need(box_height + 24.0);
    let top = flow.y;
    flow.pages.put_aside(
        crate::canvas::Aside::Decoration,
        Item::Frame { x: left, y: top, width: box_width, height: box_height, color: HAIR, thickness: 1.0 },
    );
    let name = match &certificate.signature {
        Signature::Typed(name) | Signature::Drawn { name, .. } => name,
    };
    let picture = match &certificate.signature {
        Signature::Drawn { image, .. } if flow.pictures => pictures::read(image),
        _ => None,
    };
    if let Some(image) = picture {
        let (wide, high) = pictures::fit(&image, box_width - 24.0, box_height - 16.0);
        let tag = flow.pages.tags.child(section, Part::Figure(format!("Signature of {name}")));
        let place = (left + 12.0, top + (box_height - high) / 2.0);
        flow.pages.put(tag, Item::Picture { x: place.0, y: place.1, width: wide, height: high, image });
    } else {
        let tag = flow.pages.tags.child(section, Part::Paragraph);
        let mut large = 26.0;
        let style = |size| Style { italic: true, ..Style::new(size, INK) };
        while large > 8.0 && flow.shaper.width(name, &style(large)) > box_width - 28.0 {
            large -= 1.0;
        }
        let line = flow.shaper.line(name, style(large));
        flow.put_line(tag, left + 14.0, top + (box_height - large * 1.3) / 2.0, line);
    }
    let tag = flow.pages.tags.child(section, Part::Paragraph);
    let signed = flow.shaper.line(&format!("Signed electronically by {name}"), Style::new(flow.look.small(), QUIET));
    flow.put_line(tag, left, top + box_height + 4.0, signed);
    flow.y = top + box_height + 20.0;
    let record = bwp_domain::papers::Facts { title: "Record".to_owned(), rows: certificate.facts.clone() };
    facts::put(flow, &[record]);
}
