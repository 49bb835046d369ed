//! Writes pages as a PDF.

use bwp_domain::papers::{Color, Paper};
use krilla::{
    Document, SerializeSettings,
    action::{Action, LinkAction},
    annotation::{Annotation, LinkAnnotation, Target},
    color::rgb,
    configure::{Accessibility, ConfigurationBuilder},
    destination::XyzDestination,
    geom::{PathBuilder, Point, Rect, Size, Transform},
    metadata::{DateTime, Metadata},
    num::NormalizedF32,
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::{Fill, FillRule, Stroke},
    surface::Surface,
    tagging::{Artifact, ArtifactType, ContentTag, Identifier, SpanTag},
};

use crate::{
    RenderError,
    canvas::{Aside, Item, Page, Pages, Role},
    fonts::{Face, Fonts},
    shape::{Line, Run, glyphs},
};

/// How far italic letters lean.
const LEAN: f32 = -0.21;

/// Links of a page: where, whither, and the leaf that they belong to.
type Links = Vec<(Rect, String, Option<usize>)>;

/// Writes pages. `accessible`: what PDF/UA-1 forbids is an error.
pub(crate) fn pdf(paper: &Paper, fonts: &Fonts, pages: &Pages, accessible: bool) -> Result<Vec<u8>, RenderError> {
    let failed = |error: &dyn std::fmt::Debug| RenderError::Write(format!("{error:?}"));
    let mut settings = SerializeSettings { enable_tagging: true, ..SerializeSettings::default() };
    if accessible {
        let configuration = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1).finish();
        settings.configuration = configuration.map_err(|error| failed(&error))?;
    }
    let mut document = Document::new_with(settings);
    document.set_metadata(metadata(paper));
    let mut leaves: Vec<Vec<Identifier>> = vec![Vec::new(); pages.tags.leaves()];
    let mut outline = Outline::new();
    for (number, page) in pages.pages.iter().enumerate() {
        write_page(&mut document, page, fonts, &mut leaves)?;
        for (heading, y) in &page.headings {
            let place = XyzDestination::new(number, Point::from_xy(0.0, (*y - 8.0).max(0.0)));
            outline.push_child(OutlineNode::new(heading.clone(), place));
        }
    }
    document.set_outline(outline);
    document.set_tag_tree(pages.tags.tree(&leaves));
    document.finish().map_err(|error| failed(&error))
}

fn metadata(paper: &Paper) -> Metadata {
    let title = format!("{} {}", paper.title, paper.number);
    let mut metadata = Metadata::new()
        .title(title.clone())
        .language("en".to_owned())
        .creator("bwp".to_owned())
        .document_id(format!("{title} {}", paper.composed_at))
        .creation_date(day_and_time(paper.composed_at));
    if !paper.letterhead.company.is_empty() {
        metadata = metadata.authors(vec![paper.letterhead.company.clone()]);
    }
    metadata
}

/// A moment in milliseconds since 1970, as PDF writes it. Days by Howard Hinnant's `civil_from_days`.
fn day_and_time(millis: i64) -> DateTime {
    let seconds = millis.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |number: i64| u8::try_from(number).unwrap_or_default();
    DateTime::new(u16::try_from(year).unwrap_or(1970))
        .month(small(month))
        .day(small(day))
        .hour(small(second / 3_600))
        .minute(small(second / 60 % 60))
        .second(small(second % 60))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

fn write_page(
    document: &mut Document,
    page: &Page,
    fonts: &Fonts,
    leaves: &mut [Vec<Identifier>],
) -> Result<(), RenderError> {
    let settings = PageSettings::from_wh(page.width, page.height);
    let settings = settings.ok_or_else(|| RenderError::Write("a page has no size".to_owned()))?;
    let mut written = document.start_page_with(settings);
    let mut links: Links = Vec::new();
    let mut surface = written.surface();
    for (role, item) in &page.items {
        let tag = match role {
            Role::Leaf(_) if matches!(item, Item::Text { .. }) => ContentTag::Span(SpanTag::empty()),
            Role::Leaf(_) => ContentTag::Other,
            Role::Aside(aside) => ContentTag::Artifact(Artifact::with_kind(match aside {
                Aside::Decoration => ArtifactType::Layout,
                Aside::Header => ArtifactType::Header,
                Aside::Footer => ArtifactType::Footer,
                Aside::Watermark => ArtifactType::Watermark,
            })),
        };
        let identifier = surface.start_tagged(tag);
        let leaf = if let Role::Leaf(leaf) = role { Some(*leaf) } else { None };
        draw(&mut surface, item, fonts, leaf, &mut links);
        surface.end_tagged();
        if let Some(leaf) = leaf.and_then(|leaf| leaves.get_mut(leaf)) {
            leaf.push(identifier);
        }
    }
    surface.finish();
    for (rect, url, leaf) in links {
        let target = Target::Action(Action::Link(LinkAction::new(url.clone())));
        let link = Annotation::new_link(LinkAnnotation::new(rect, target), Some(url));
        match leaf.and_then(|leaf| leaves.get_mut(leaf)) {
            Some(leaf) => leaf.push(written.add_tagged_annotation(link)),
            None => written.add_annotation(link),
        }
    }
    written.finish();
    Ok(())
}

fn fill(color: Color, opacity: f32) -> Fill {
    Fill {
        paint: rgb::Color::new(color.0, color.1, color.2).into(),
        opacity: NormalizedF32::new(opacity).unwrap_or(NormalizedF32::ONE),
        rule: FillRule::default(),
    }
}

fn draw(surface: &mut Surface<'_>, item: &Item, fonts: &Fonts, leaf: Option<usize>, links: &mut Links) {
    match item {
        Item::Text { x, y, line } => draw_line(surface, (*x, *y), line, fonts, 1.0, leaf, links),
        Item::Area { x, y, width, height, color, opacity } => {
            let mut path = PathBuilder::new();
            if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                path.push_rect(rect);
            }
            if let Some(path) = path.finish() {
                surface.set_stroke(None);
                surface.set_fill(Some(fill(*color, *opacity)));
                surface.draw_path(&path);
            }
        }
        Item::Frame { x, y, width, height, color, thickness } => {
            let mut path = PathBuilder::new();
            if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                path.push_rect(rect);
            }
            if let Some(path) = path.finish() {
                let paint = rgb::Color::new(color.0, color.1, color.2).into();
                surface.set_fill(None);
                surface.set_stroke(Some(Stroke { paint, width: *thickness, ..Stroke::default() }));
                surface.draw_path(&path);
                surface.set_stroke(None);
            }
        }
        Item::Picture { x, y, width, height, image } => {
            if let Some(size) = Size::from_wh(*width, *height) {
                surface.push_transform(&Transform::from_translate(*x, *y));
                surface.draw_image(image.clone(), size);
                surface.pop();
            }
        }
        Item::Across { x, y, degrees, line, opacity } => {
            surface.push_transform(&Transform::from_rotate_at(*degrees, *x, *y));
            let size = line.runs.first().map_or(0.0, |run| run.style.size);
            let start = (x - line.width / 2.0, y + size * 0.36);
            draw_line(surface, start, line, fonts, *opacity, None, links);
            surface.pop();
        }
    }
}

fn draw_line(
    surface: &mut Surface<'_>,
    (x, y): (f32, f32),
    line: &Line,
    fonts: &Fonts,
    opacity: f32,
    leaf: Option<usize>,
    links: &mut Links,
) {
    let mut x = x;
    for run in &line.runs {
        draw_run(surface, (x, y), line, run, fonts, opacity);
        if let Some(url) = &run.style.link
            && let Some(rect) = Rect::from_xywh(x, y - run.style.size, run.width, run.style.size * 1.3)
        {
            links.push((rect, url.clone(), leaf));
        }
        x += run.width;
    }
}

fn draw_run(surface: &mut Surface<'_>, (x, y): (f32, f32), line: &Line, run: &Run, fonts: &Fonts, opacity: f32) {
    let font = fonts.faces.get(run.face).and_then(Face::embedded);
    let glyphs = glyphs(fonts, &line.text, run);
    let Some(font) = font.filter(|_| !glyphs.is_empty()) else { return };
    surface.set_stroke(None);
    surface.set_fill(Some(fill(run.style.color, opacity)));
    let (start, leans) = (Point::from_xy(x, y), run.style.italic);
    if leans {
        // Around the baseline: x' = x + LEAN * (y' - y).
        surface.push_transform(&Transform::from_row(1.0, 0.0, LEAN, 1.0, -LEAN * y, 0.0));
    }
    surface.draw_glyphs(start, &glyphs, font.clone(), &line.text, run.style.size, false);
    if leans {
        surface.pop();
    }
    if run.style.link.is_some() {
        let mut path = PathBuilder::new();
        if let Some(rect) = Rect::from_xywh(x, y + run.style.size * 0.12, run.width, 0.5) {
            path.push_rect(rect);
        }
        if let Some(path) = path.finish() {
            surface.draw_path(&path);
        }
    }
}
