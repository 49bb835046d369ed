//! Puts blocks on pages, one below the other.

use bwp_domain::papers::{Color, Layout, Mark, Paper};

use crate::{
    blocks,
    canvas::{Aside, Item, Page, Pages},
    fonts::Fonts,
    head,
    shape::{Line, Rich, Run, Shaper, Style},
    tags::{Part, TagId, Tags},
};

/// US Letter, in points.
const PAGE: (f32, f32) = (612.0, 792.0);

/// Almost black, for text.
pub(crate) const INK: Color = Color(0x1f, 0x23, 0x2b);
/// For labels.
pub(crate) const QUIET: Color = Color(0x5b, 0x63, 0x70);
/// For lines.
pub(crate) const HAIR: Color = Color(0xd4, 0xd8, 0xde);
/// For areas behind text.
pub(crate) const WASH: Color = Color(0xf3, 0xf4, 0xf7);
pub(crate) const WHITE: Color = Color(0xff, 0xff, 0xff);

/// How high a line is, beside the size of its letters.
pub(crate) const LEADING: f32 = 1.36;
/// How far below the top of a line its letters stand.
const BASELINE: f32 = 1.02;

/// How a document looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) layout: Layout,
    pub(crate) primary: Color,
    pub(crate) accent: Color,
    /// The size of text.
    pub(crate) size: f32,
    /// Between the text and the edges.
    pub(crate) margin: f32,
    /// Between two blocks.
    pub(crate) gap: f32,
}

impl Look {
    fn of(paper: &Paper) -> Self {
        let head = &paper.letterhead;
        let (size, margin, gap) = match head.layout {
            Layout::Classic | Layout::Band => (9.5, 50.0, 16.0),
            Layout::Plain => (8.5, 40.0, 11.0),
        };
        let (primary, accent) = match head.layout {
            Layout::Plain => (INK, INK),
            Layout::Classic | Layout::Band => (head.primary, head.accent),
        };
        Self { layout: head.layout, primary, accent, size, margin, gap }
    }

    /// Small letters.
    pub(crate) fn small(&self) -> f32 {
        self.size - 1.0
    }
}

/// Black or white: what can be read on a colour (WCAG 2, relative luminance).
pub(crate) fn ink_on(color: Color) -> Color {
    let linear = |part: u8| {
        let part = f32::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2);
    if luminance > 0.30 { INK } else { WHITE }
}

/// A colour that can be read on white: itself, or darker.
pub(crate) fn readable(color: Color) -> Color {
    if ink_on(color) == WHITE { color } else { Color(color.0 / 3, color.1 / 3, color.2 / 3) }
}

/// The document while it is laid out.
pub(crate) struct Flow<'a> {
    pub(crate) paper: &'a Paper,
    pub(crate) shaper: Shaper<'a>,
    pub(crate) look: Look,
    pub(crate) pages: Pages,
    /// Where the next thing stands: its top.
    pub(crate) y: f32,
    /// Whether logo and drawn signatures are shown.
    pub(crate) pictures: bool,
    /// The part of the document that all blocks are in.
    pub(crate) body: TagId,
    landscape: bool,
    /// Where the text of the present page begins.
    top: f32,
}

/// Lays a document out.
pub(crate) fn lay_out(paper: &Paper, fonts: &Fonts, pictures: bool) -> Pages {
    let mut tags = Tags::default();
    let body = tags.root(Part::Section);
    let mut flow = Flow {
        paper,
        shaper: Shaper::new(fonts, paper.letterhead.typeface),
        look: Look::of(paper),
        pages: Pages { pages: Vec::new(), tags },
        y: 0.0,
        pictures,
        body,
        landscape: false,
        top: 0.0,
    };
    flow.add_page();
    head::first(&mut flow);
    flow.top = flow.y;
    if flow.room() < flow.whole() / 3.0 {
        flow.new_page();
    }
    blocks::put_all(&mut flow);
    let numbered = flow.pages.pages.len();
    if let Some(certificate) = &paper.certificate {
        flow.landscape = false;
        flow.new_page();
        blocks::certificate::put(&mut flow, certificate);
    }
    finish(&mut flow, numbered);
    flow.pages
}

impl Flow<'_> {
    /// How wide the page is between its margins.
    pub(crate) fn width(&self) -> f32 {
        self.page_width() - 2.0 * self.look.margin
    }

    fn page_width(&self) -> f32 {
        if self.landscape { PAGE.1 } else { PAGE.0 }
    }

    pub(crate) fn page_height(&self) -> f32 {
        if self.landscape { PAGE.0 } else { PAGE.1 }
    }

    /// The left end of text.
    pub(crate) const fn left(&self) -> f32 {
        self.look.margin
    }

    /// How much room is left on the page.
    pub(crate) fn room(&self) -> f32 {
        self.page_height() - 54.0 - self.y
    }

    /// How much room a page has.
    pub(crate) fn whole(&self) -> f32 {
        self.page_height() - 54.0 - 62.0
    }

    /// Whether nothing stands on the page yet.
    pub(crate) fn at_top(&self) -> bool {
        self.y <= self.top
    }

    fn add_page(&mut self) {
        let (width, height) = (self.page_width(), self.page_height());
        self.pages.pages.push(Page { width, height, items: Vec::new(), headings: Vec::new() });
    }

    /// Begins a page.
    pub(crate) fn new_page(&mut self) {
        self.add_page();
        head::running(self);
        self.top = self.y;
    }

    /// Begins a page, upright or on its side.
    pub(crate) fn turn(&mut self, landscape: bool) {
        self.landscape = landscape;
        self.new_page();
    }

    /// Begins a page unless there is this much room.
    pub(crate) fn need(&mut self, height: f32) {
        if height > self.room() && !self.at_top() {
            self.new_page();
        }
    }

    /// Leaves the room between two blocks, unless a page begins.
    pub(crate) fn gap(&mut self) {
        if !self.at_top() {
            self.y += self.look.gap;
        }
    }

    /// Notes a heading for the outline, at the present place.
    pub(crate) fn outline(&mut self, text: &str) {
        let y = self.y;
        if let Some(page) = self.pages.pages.last_mut() {
            page.headings.push((text.to_owned(), y));
        }
    }

    /// Puts a line with its top at `top`, its left end at `x`.
    pub(crate) fn put_line(&mut self, tag: TagId, x: f32, top: f32, line: Line) {
        let size = line.runs.iter().map(|run| run.style.size).fold(0.0, f32::max);
        let y = top + size * BASELINE + size * (LEADING - 1.3) / 2.0;
        if line.runs.iter().all(|run| run.style.link.is_none()) {
            if !line.runs.is_empty() {
                self.pages.put(tag, Item::Text { x, y, line });
            }
            return;
        }
        // Each link is a part of its own, with its text.
        let mut x = x;
        for runs in line.runs.chunk_by(|one, other| one.style.link == other.style.link) {
            let width: f32 = runs.iter().map(|run| run.width).sum();
            let linked = runs.first().is_some_and(|run: &Run| run.style.link.is_some());
            let tag = if linked { self.pages.tags.child(tag, Part::Link) } else { tag };
            let line = Line { text: line.text.clone(), runs: runs.to_vec(), width };
            self.pages.put(tag, Item::Text { x, y, line });
            x += width;
        }
    }

    /// Puts a line so that it ends at `right`.
    pub(crate) fn put_line_right(&mut self, tag: TagId, right: f32, top: f32, line: Line) {
        let x = right - line.width;
        self.put_line(tag, x, top, line);
    }

    /// Puts lines below each other, all on this page, and gives how high they are.
    pub(crate) fn put_lines(&mut self, tag: TagId, x: f32, top: f32, lines: Vec<Line>, size: f32) -> f32 {
        let mut height = 0.0;
        for line in lines {
            self.put_line(tag, x, top + height, line);
            height += size * LEADING;
        }
        height
    }

    /// Puts text on as many lines and pages as it takes.
    pub(crate) fn pour(&mut self, tag: TagId, x: f32, width: f32, rich: &Rich) {
        let height = rich.size() * LEADING;
        let lines = self.shaper.lines(rich, width);
        let count = lines.len();
        for (at, line) in lines.into_iter().enumerate() {
            // Two lines of a paragraph at least stay together at either end of a page.
            let kept = if (at == 0 || at + 2 == count) && count > 1 { 2.0 * height } else { height };
            self.need(kept);
            self.put_line(tag, x, self.y, line);
            self.y += height;
        }
    }

    /// A thin line from side to side.
    pub(crate) fn rule(&mut self, x: f32, y: f32, width: f32, thickness: f32, color: Color) {
        self.pages.area((x, y - thickness / 2.0), (width, thickness), color);
    }
}

/// Puts on each page what can be put when all are there: its foot, and what is written across.
fn finish(flow: &mut Flow<'_>, numbered: usize) {
    let all = flow.pages.pages.len();
    let pages = std::mem::take(&mut flow.pages.pages);
    for (at, page) in pages.into_iter().enumerate() {
        let (width, height) = (page.width, page.height);
        flow.pages.pages.push(page);
        let counts = at < numbered;
        let place = if counts {
            format!("Page {} of {numbered}", at + 1)
        } else if all - numbered > 1 {
            format!("Certificate, page {} of {}", at + 1 - numbered, all - numbered)
        } else {
            "Certificate".to_owned()
        };
        foot(flow, &place, width, height);
        let word = match flow.paper.mark {
            Some(Mark::Draft) => "DRAFT",
            Some(Mark::Void) => "VOID",
            Some(Mark::Paid) | None => continue,
        };
        if counts {
            let color = if flow.paper.mark == Some(Mark::Void) { Color(0xb9, 0x1c, 0x1c) } else { QUIET };
            let line = flow.shaper.line(word, Style::new(150.0, color).bold());
            let across = Item::Across { x: width / 2.0, y: height / 2.0, degrees: -38.0, line, opacity: 0.11 };
            flow.pages.put_aside(Aside::Watermark, across);
        }
    }
}

fn foot(flow: &mut Flow<'_>, place: &str, width: f32, height: f32) {
    let margin = flow.look.margin;
    let top = height - 40.0;
    let quiet = Style::new(7.5, QUIET);
    flow.rule(margin, top, width - 2.0 * margin, 0.6, HAIR);
    let place = flow.shaper.line(place, quiet.clone());
    let room = width - 2.0 * margin - place.width - 24.0;
    let y = top + 12.0;
    let x = width - margin - place.width;
    flow.pages.put_aside(Aside::Footer, Item::Text { x, y, line: place });
    let footer = flow.paper.letterhead.footer.clone().unwrap_or_default();
    let lines = flow.shaper.lines(&Rich::of(&footer, quiet), room);
    for (at, line) in lines.into_iter().take(2).enumerate() {
        let y = y + if at == 0 { 0.0 } else { 10.0 };
        flow.pages.put_aside(Aside::Footer, Item::Text { x: margin, y, line });
    }
}
