//! What a document is made of, for those who do not see it: the tree of tags.

use std::num::NonZeroU16;

use krilla::tagging::{Identifier, ListNumbering, Node, TableHeaderScope, Tag, TagGroup, TagKind, TagTree};

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Section,
    Heading(u16, String),
    Paragraph,
    List,
    ListItem,
    Label,
    Body,
    Table(String),
    Head,
    Rows,
    Foot,
    Row,
    HeadCell,
    Cell,
    Link,
    Figure(String),
}

/// A node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TagId(usize);

enum Child {
    Part(TagId),
    /// Something on a page, by its number.
    Leaf(usize),
}

/// The tree while a document is laid out.
#[derive(Default)]
pub(crate) struct Tags {
    parts: Vec<(Part, Vec<Child>)>,
    roots: Vec<TagId>,
    leaves: usize,
}

impl Tags {
    /// A part of the document itself.
    pub(crate) fn root(&mut self, part: Part) -> TagId {
        let id = self.add(part);
        self.roots.push(id);
        id
    }

    /// A part of a part.
    pub(crate) fn child(&mut self, of: TagId, part: Part) -> TagId {
        let id = self.add(part);
        if let Some((_, children)) = self.parts.get_mut(of.0) {
            children.push(Child::Part(id));
        }
        id
    }

    fn add(&mut self, part: Part) -> TagId {
        self.parts.push((part, Vec::new()));
        TagId(self.parts.len() - 1)
    }

    /// The number of what is about to be put on a page as this part.
    pub(crate) fn leaf(&mut self, of: TagId) -> usize {
        let leaf = self.leaves;
        self.leaves += 1;
        if let Some((_, children)) = self.parts.get_mut(of.0) {
            children.push(Child::Leaf(leaf));
        }
        leaf
    }

    /// How many things are on pages.
    pub(crate) const fn leaves(&self) -> usize {
        self.leaves
    }

    /// The tree, now that it is known what is where.
    pub(crate) fn tree(&self, leaves: &[Vec<Identifier>]) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
        for root in &self.roots {
            if let Some(group) = self.group(*root, leaves) {
                tree.push(group);
            }
        }
        tree
    }

    fn group(&self, id: TagId, leaves: &[Vec<Identifier>]) -> Option<TagGroup> {
        let (part, children) = self.parts.get(id.0)?;
        let mut nodes = Vec::new();
        for child in children {
            match child {
                Child::Part(id) => nodes.extend(self.group(*id, leaves).map(Node::Group)),
                Child::Leaf(leaf) => nodes.extend(leaves.get(*leaf).into_iter().flatten().copied().map(Node::Leaf)),
            }
        }
        // An empty cell stays: without it the others of its row would belong to the wrong columns.
        let keeps = matches!(part, Part::Cell | Part::HeadCell);
        (keeps || !nodes.is_empty()).then(|| TagGroup::with_children(kind(part), nodes))
    }
}

fn kind(part: &Part) -> TagKind {
    match part {
        Part::Section => Tag::Section.into(),
        Part::Heading(level, text) => {
            Tag::Hn(NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN), Some(text.clone())).into()
        }
        Part::Paragraph => Tag::P.into(),
        Part::List => Tag::L(ListNumbering::None).into(),
        Part::ListItem => Tag::LI.into(),
        Part::Label => Tag::Lbl.into(),
        Part::Body => Tag::LBody.into(),
        Part::Table(summary) => Tag::Table.with_summary(Some(summary.clone())).into(),
        Part::Head => Tag::THead.into(),
        Part::Rows => Tag::TBody.into(),
        Part::Foot => Tag::TFoot.into(),
        Part::Row => Tag::TR.into(),
        Part::HeadCell => Tag::TH(TableHeaderScope::Column).into(),
        Part::Cell => Tag::TD.into(),
        Part::Link => Tag::Link.into(),
        Part::Figure(alt) => Tag::Figure(Some(alt.clone())).into(),
    }
}
