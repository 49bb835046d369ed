//! What is on pages, before it is written.

use bwp_domain::papers::Color;
use krilla::image::Image;

use crate::{
    shape::Line,
    tags::{TagId, Tags},
};

/// Where something stands that belongs to no part of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aside {
    /// Lines and coloured areas.
    Decoration,
    /// The head of a page that is not the first.
    Header,
    /// The foot of a page.
    Footer,
    /// What is written across.
    Watermark,
}

/// What part of the document something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// This one, by the number of its leaf.
    Leaf(usize),
    /// None.
    Aside(Aside),
}

/// Something on a page. Places are in points from the top left corner; of text, the left end of the baseline.
pub(crate) enum Item {
    Text {
        x: f32,
        y: f32,
        line: Line,
    },
    Area {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        color: Color,
        opacity: f32,
    },
    /// The outline of an area.
    Frame {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        color: Color,
        thickness: f32,
    },
    Picture {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        image: Image,
    },
    /// Large letters across, turned around their middle.
    Across {
        x: f32,
        y: f32,
        degrees: f32,
        line: Line,
        opacity: f32,
    },
}

/// A page.
pub(crate) struct Page {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) items: Vec<(Role, Item)>,
    /// Headings, for the outline: the text, and how far down it stands.
    pub(crate) headings: Vec<(String, f32)>,
}

/// The pages of a document.
pub(crate) struct Pages {
    pub(crate) pages: Vec<Page>,
    pub(crate) tags: Tags,
}

impl Pages {
    /// The page on which things are put.
    fn last(&mut self) -> Option<&mut Page> {
        self.pages.last_mut()
    }

    /// Puts something on the last page that is a part of the document.
    pub(crate) fn put(&mut self, tag: TagId, item: Item) {
        let leaf = self.tags.leaf(tag);
        if let Some(page) = self.last() {
            page.items.push((Role::Leaf(leaf), item));
        }
    }

    /// Puts something on the last page that is no part of the document.
    pub(crate) fn put_aside(&mut self, aside: Aside, item: Item) {
        if let Some(page) = self.last() {
            page.items.push((Role::Aside(aside), item));
        }
    }

    /// A coloured area on the last page.
    pub(crate) fn area(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), color: Color) {
        self.put_aside(Aside::Decoration, Item::Area { x, y, width, height, color, opacity: 1.0 });
    }
}
