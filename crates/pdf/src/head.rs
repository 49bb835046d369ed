//! The heads of pages: whose document it is, and which.

use bwp_domain::papers::{Color, Layout, Mark};

use crate::{
    canvas::{Aside, Item},
    flow::{Flow, HAIR, INK, LEADING, QUIET, WHITE, ink_on, readable},
    pictures,
    shape::{Rich, Style},
    tags::{Part, TagId},
};

/// The head of the first page.
pub(crate) fn first(flow: &mut Flow<'_>) {
    let section = flow.pages.tags.child(flow.body, Part::Section);
    flow.y = match flow.look.layout {
        Layout::Classic => classic(flow, section),
        Layout::Band => band(flow, section),
        Layout::Plain => plain(flow, section),
    };
}

/// The head of all others.
pub(crate) fn running(flow: &mut Flow<'_>) {
    let (left, width, top) = (flow.left(), flow.width(), 30.0);
    let quiet = Style::new(8.0, QUIET);
    let document = format!("{} {}", flow.paper.title, flow.paper.number);
    let right = flow.shaper.lines(&Rich::of(&document, quiet.clone().bold()), width / 2.0);
    let company = flow.shaper.lines(&Rich::of(&flow.paper.letterhead.company, quiet), width / 2.0);
    let y = top + 8.0;
    if let Some(line) = right.into_iter().next() {
        let x = left + width - line.width;
        flow.pages.put_aside(Aside::Header, Item::Text { x, y, line });
    }
    if let Some(line) = company.into_iter().next() {
        flow.pages.put_aside(Aside::Header, Item::Text { x: left, y, line });
    }
    flow.rule(left, top + 16.0, width, 0.8, flow.look.accent);
    flow.y = top + 32.0;
}

fn classic(flow: &mut Flow<'_>, section: TagId) -> f32 {
    let (left, width, top) = (flow.left(), flow.width(), 42.0);
    let primary = readable(flow.look.primary);
    let badge = 200.0;
    let room = width - badge - 20.0;
    let (mut x, mut bottom) = (left, top);
    if let Some((logo, height)) = logo(flow, section, (left, top), (120.0, 60.0)) {
        x += logo + 14.0;
        bottom = top + height;
    }
    let company_bottom = company(flow, section, (x, top), room - (x - left), 15.0, primary, QUIET);
    bottom = bottom.max(company_bottom);
    let badge_bottom = {
        let (x, accent) = (left + width - badge, flow.look.accent);
        let ink = ink_on(accent);
        let number = number_lines(flow, badge - 24.0, 15.0, ink);
        let height = 26.0 + lines_height(&number, 15.0) + 8.0;
        flow.pages.area((x, top), (badge, height), accent);
        let title = flow.shaper.line(&flow.paper.title.to_uppercase(), Style::new(9.5, ink).bold());
        let heading = flow.pages.tags.child(section, Part::Heading(1, document(flow)));
        flow.put_line(heading, x + 12.0, top + 9.0, title);
        flow.put_lines(heading, x + 12.0, top + 24.0, number, 15.0);
        below_badge(flow, section, x, top + height + 6.0, badge, true)
    };
    bottom = bottom.max(badge_bottom) + 12.0;
    flow.rule(left, bottom, width, 2.0, flow.look.primary);
    bottom + 18.0
}

fn band(flow: &mut Flow<'_>, section: TagId) -> f32 {
    let (left, width, top) = (flow.left(), flow.width(), 30.0);
    let primary = flow.look.primary;
    let ink = ink_on(primary);
    let badge = 190.0;
    let room = width - badge - 20.0;
    // The band is as high as what is on it, so what is on it is laid out twice.
    let band = flow.pages.pages.last().map_or(0, |page| page.items.len());
    let (mut x, mut bottom) = (left, top);
    if let Some((logo, height)) = logo(flow, section, (left, top), (110.0, 56.0)) {
        x += logo + 14.0;
        bottom = top + height;
    }
    bottom = bottom.max(company(flow, section, (x, top), room - (x - left), 16.0, ink, ink));
    let right = left + width;
    let title = flow.shaper.line(&flow.paper.title.to_uppercase(), Style::new(10.0, ink).bold());
    let heading = flow.pages.tags.child(section, Part::Heading(1, document(flow)));
    flow.put_line_right(heading, right, top + 2.0, title);
    let mut y = top + 17.0;
    for line in number_lines(flow, badge, 18.0, ink) {
        flow.put_line_right(heading, right, y, line);
        y += 18.0 * LEADING;
    }
    bottom = bottom.max(y) + 16.0;
    let page = flow.page_width_now();
    let area = Item::Area { x: 0.0, y: 0.0, width: page, height: bottom, color: primary, opacity: 1.0 };
    let stripe = Item::Area { x: 0.0, y: bottom, width: page, height: 4.0, color: flow.look.accent, opacity: 1.0 };
    if let Some(page) = flow.pages.pages.last_mut() {
        let decoration = crate::canvas::Role::Aside(Aside::Decoration);
        page.items.splice(band..band, [(decoration, area), (decoration, stripe)]);
    }
    bottom += 14.0;
    below_badge(flow, section, left, bottom, width, false).max(bottom) + 8.0
}

fn plain(flow: &mut Flow<'_>, section: TagId) -> f32 {
    let (left, width, top) = (flow.left(), flow.width(), 34.0);
    let badge = 200.0;
    let mut x = left;
    let mut bottom = top;
    if let Some((logo, height)) = logo(flow, section, (left, top), (80.0, 36.0)) {
        x += logo + 10.0;
        bottom = top + height;
    }
    let room = width - badge - 20.0 - (x - left);
    bottom = bottom.max(company(flow, section, (x, top), room, 12.0, INK, QUIET));
    let right = left + width;
    let heading = flow.pages.tags.child(section, Part::Heading(1, document(flow)));
    let title = flow.shaper.line(&flow.paper.title, Style::new(9.0, QUIET));
    flow.put_line_right(heading, right, top, title);
    let mut y = top + 11.0;
    for line in number_lines(flow, badge, 12.0, INK) {
        flow.put_line_right(heading, right, y, line);
        y += 12.0 * LEADING;
    }
    y = below_badge(flow, section, right - badge, y, badge, true);
    bottom = bottom.max(y) + 8.0;
    flow.rule(left, bottom, width, 0.7, INK);
    bottom + 12.0
}

/// What the document is called.
fn document(flow: &Flow<'_>) -> String {
    format!("{} {}", flow.paper.title, flow.paper.number)
}

fn number_lines(flow: &Flow<'_>, width: f32, size: f32, ink: Color) -> Vec<crate::shape::Line> {
    first_lines(flow, &flow.paper.number, Style::new(size, ink).bold(), width, 4)
}

/// A head has so much room: what is longer stands in the document itself, where it belongs.
fn first_lines(flow: &Flow<'_>, text: &str, style: Style, width: f32, most: usize) -> Vec<crate::shape::Line> {
    let mut lines = flow.shaper.lines(&Rich::of(text, style), width);
    lines.truncate(most);
    lines
}

fn lines_height(lines: &[crate::shape::Line], size: f32) -> f32 {
    lines.iter().map(|_| size * LEADING).sum()
}

/// The name of the document and its state, and where they end.
fn below_badge(flow: &mut Flow<'_>, section: TagId, x: f32, top: f32, width: f32, right: bool) -> f32 {
    let state = match flow.paper.mark {
        Some(Mark::Draft) => Some("Draft, not final"),
        Some(Mark::Void) => Some("Void"),
        Some(Mark::Paid) => Some("Paid"),
        None => None,
    };
    let size = flow.look.size;
    let mut y = top;
    let subtitle = flow.paper.subtitle.clone().map(|text| (text, Style::new(size + 1.0, INK).bold()));
    let state = state.map(|text| (text.to_owned(), Style::new(size, readable(flow.look.accent)).bold()));
    for (text, style) in subtitle.into_iter().chain(state) {
        let tag = flow.pages.tags.child(section, Part::Paragraph);
        let height = style.size * LEADING;
        for line in first_lines(flow, &text, style, width, 6) {
            if right {
                flow.put_line_right(tag, x + width, y, line);
            } else {
                flow.put_line(tag, x, y, line);
            }
            y += height;
        }
    }
    y
}

/// The company's name and what is told of it, and where they end.
fn company(
    flow: &mut Flow<'_>,
    section: TagId,
    (x, top): (f32, f32),
    width: f32,
    size: f32,
    name_ink: Color,
    ink: Color,
) -> f32 {
    let letterhead = flow.paper.letterhead.clone();
    let mut y = top;
    let name = Style::new(size, name_ink).bold();
    let tag = flow.pages.tags.child(section, Part::Paragraph);
    let lines = first_lines(flow, &letterhead.company, name, width, 3);
    y += flow.put_lines(tag, x, y, lines, size);
    if let Some(tagline) = &letterhead.tagline {
        let small = flow.look.small();
        let style = Style { italic: true, ..Style::new(small, ink) };
        let lines = flow.shaper.lines(&Rich::of(tagline, style), width);
        let tag = flow.pages.tags.child(section, Part::Paragraph);
        y += flow.put_lines(tag, x, y, lines, small);
    }
    let small = flow.look.small() - 0.5;
    let style = Style::new(small, ink);
    let tag = flow.pages.tags.child(section, Part::Paragraph);
    y += 2.0;
    for told in side_by_side(flow, &letterhead.lines, width, &style).iter().take(10) {
        let lines = first_lines(flow, told, style.clone(), width, 3);
        y += flow.put_lines(tag, x, y, lines, small);
    }
    y
}

/// Lines of a letterhead are short: several stand on one line, but none is broken for that.
fn side_by_side(flow: &Flow<'_>, lines: &[String], width: f32, style: &Style) -> Vec<String> {
    let mut set: Vec<String> = Vec::new();
    for line in lines {
        let longer = set.last().map(|last| format!("{last}  \u{b7}  {line}"));
        match (set.last_mut(), longer) {
            (Some(last), Some(longer)) if flow.shaper.width(&longer, style) <= width => *last = longer,
            _ => set.push(line.clone()),
        }
    }
    set
}

/// The logo, and how large it is.
fn logo(flow: &mut Flow<'_>, section: TagId, (x, y): (f32, f32), (width, height): (f32, f32)) -> Option<(f32, f32)> {
    let image = flow.paper.letterhead.logo.as_deref().filter(|_| flow.pictures).and_then(pictures::read)?;
    let (width, height) = pictures::fit(&image, width, height);
    if flow.look.layout == Layout::Band {
        // Logos are made for white paper.
        flow.pages.area((x - 5.0, y - 5.0), (width + 10.0, height + 10.0), WHITE);
    }
    let alt = format!("Logo of {}", flow.paper.letterhead.company);
    let tag = flow.pages.tags.child(section, Part::Figure(alt));
    flow.pages.put(tag, Item::Picture { x, y, width, height, image });
    Some((width, height))
}

impl Flow<'_> {
    fn page_width_now(&self) -> f32 {
        self.width() + 2.0 * self.look.margin
    }

    /// A thin line below something.
    pub(crate) fn hairline(&mut self, x: f32, y: f32, width: f32) {
        self.rule(x, y, width, 0.6, HAIR);
    }
}
