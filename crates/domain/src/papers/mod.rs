//! Documents as they are printed: bids, change orders, pay applications and invoices.
//!
//! [`Papers`] composes a [`Paper`] from rows: what is on it, block by block, with every figure written out. A [`Printer`] makes a PDF of
//! it, and knows no bids. What a document says stands in one file each here; how it looks stands in the crate that prints.

mod bid;
mod change;
mod change_order;
mod compose;
mod html;
mod invoice;
mod letterhead;
mod pay_app;
pub mod ports;
mod write;

pub use change::SetLetterhead;
pub use compose::Papers;
pub(crate) use compose::compose_signed;
pub use html::paragraphs;
pub use letterhead::{LetterheadSettings, LogoFault, logo};
pub use ports::{PaperError, Printed, Printer};

use serde::{Deserialize, Serialize};

use crate::words;

words! {
    /// What is printed.
    pub enum PaperKind {
        /// A bid.
        Bid = "bid",
        /// A change order.
        ChangeOrder = "change_order",
        /// A pay application.
        PayApp = "pay_app",
        /// An invoice.
        Invoice = "invoice",
    }
}

words! {
    /// How the head of a page is laid out.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub enum Layout {
        /// The company at the left, the document's badge at the right, a coloured line below.
        Classic = "classic",
        /// Both on a coloured band that goes from edge to edge.
        Band = "band",
        /// Small and without colour but for the badge's text: the most room for lines.
        Plain = "plain",
    }
}

words! {
    /// The letters that a document is printed in.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub enum Typeface {
        /// Without serifs.
        Sans = "sans",
        /// With serifs.
        Serif = "serif",
    }
}

/// A document, ready to be printed. What it says does not change any more: it can be stored as JSON, and printed again with a
/// certificate behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// What its badge calls it, such as `Bid`.
    pub title: String,
    /// Its number.
    pub number: String,
    /// What is told of it below the badge, such as its name.
    pub subtitle: Option<String>,
    /// What is written across each page.
    pub mark: Option<Mark>,
    /// Whose document it is, and how it looks.
    pub letterhead: Letterhead,
    /// What is on it, from top to bottom.
    pub blocks: Vec<Block>,
    /// What is certified about its signature, on a page of its own.
    pub certificate: Option<Certificate>,
    /// When it was composed, in milliseconds since the start of 1970, UTC. The same paper gives the same bytes.
    pub composed_at: i64,
}

impl Paper {
    /// What the file is called: letters, digits and dashes of the number, so that no file system stumbles over it.
    pub fn file_name(&self) -> String {
        let plain = |text: &str| -> String {
            let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
            text.chars().map(safe).collect()
        };
        let title: String = self.title.split_whitespace().collect();
        format!("{}-{}.pdf", plain(&title), plain(&self.number))
    }
}

/// What is written across the pages of a document that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// It is not final.
    Draft,
    /// It counts for nothing any more.
    Void,
    /// All of it is paid: a stamp beside the totals and not across the page.
    Paid,
}

/// Whose document it is, and how it looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letterhead {
    /// The company's name.
    pub company: String,
    /// What is told below the name: address, telephone, mail, site, licence.
    pub lines: Vec<String>,
    /// What the company says of itself.
    pub tagline: Option<String>,
    /// What stands at the foot of each page.
    pub footer: Option<String>,
    /// A PNG or JPEG, in base64.
    pub logo: Option<String>,
    /// How the head is laid out.
    pub layout: Layout,
    /// The letters.
    pub typeface: Typeface,
    /// The main colour.
    pub primary: Color,
    /// The colour of what stands out.
    pub accent: Color,
}

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Color(pub u8, pub u8, pub u8);

impl Color {
    /// Reads `#1d4ed8`. `None` if it is not written so.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self(part(0)?, part(2)?, part(4)?))
    }
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Block {
    /// A heading, kept with what follows it.
    Heading(String),
    /// Groups of facts, side by side.
    Facts(Vec<Facts>),
    /// A table. Its head is repeated on each page.
    Table(Table),
    /// Sums, at the right, kept together and with the end of the table above.
    Totals(Vec<Total>),
    /// Text, as simple HTML or as people type it, below a title.
    Text {
        /// What it is.
        title: String,
        /// The text.
        paragraphs: Vec<Paragraph>,
    },
    /// Numbered lines with an amount each, as forms have them.
    Ledger(Vec<LedgerLine>),
    /// How much is done, as a bar.
    Progress {
        /// What is measured.
        label: String,
        /// In percent.
        percent: String,
        /// The same as a number from 0 to 1.
        share: f32,
    },
    /// Something that the reader should know before signing.
    Warning(String),
    /// Places to sign, kept together.
    Signatures(Vec<SignaturePlace>),
    /// The next block begins a page.
    PageBreak {
        /// Whether the pages from here on are wider than high.
        landscape: bool,
    },
}

/// A group of facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What they are about.
    pub title: String,
    /// Each with its label, which may be empty.
    pub rows: Vec<(String, String)>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What the table is, for those who hear it.
    pub summary: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Its sums: a row below all others, kept with the last of them.
    pub foot: Option<Vec<String>>,
    /// What is said if there are no rows.
    pub empty: String,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// What stands at its head.
    pub title: String,
    /// How wide it is, beside the others.
    pub weight: f32,
    /// Whether it has figures: they stand at the right, and are not broken.
    pub figures: bool,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// A cell for each column.
    pub cells: Vec<String>,
    /// Whether it belongs to the row above: a cost item of a line, say.
    pub minor: bool,
}

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// What it is.
    pub label: String,
    /// How much.
    pub value: String,
    /// Whether it is what the document is about.
    pub grand: bool,
}

/// A line of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// Its number, such as `4a`.
    pub number: String,
    /// What it is.
    pub label: String,
    /// How much.
    pub value: String,
    /// Whether it stands out.
    pub marked: bool,
    /// Whether it belongs to the line above.
    pub minor: bool,
}

/// A paragraph of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paragraph {
    /// What kind of paragraph.
    pub kind: ParagraphKind,
    /// Its text, in pieces that look alike.
    pub spans: Vec<Span>,
}

/// What kind of paragraph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParagraphKind {
    /// As any other.
    #[default]
    Plain,
    /// A heading: 1 is the largest, 3 the smallest.
    Heading(u8),
    /// An item of a list, with what stands before it.
    Item {
        /// A bullet, or a number.
        label: String,
        /// In how many lists the list is.
        depth: u8,
    },
}

/// A piece of text that looks alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Whether it is bold.
    pub bold: bool,
    /// Whether it is italic.
    pub italic: bool,
    /// Where it leads.
    pub link: Option<String>,
}

/// A place where a person signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignaturePlace {
    /// Who signs there.
    pub title: String,
    /// What is said above the lines.
    pub note: Option<String>,
    /// What is filled in, a line each.
    pub lines: Vec<String>,
}

/// What is certified about a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// What was agreed to, in words.
    pub statement: String,
    /// The signature.
    pub signature: Signature,
    /// What was recorded: name, e-mail, address, times, the hash of the document …, each with its label.
    pub facts: Vec<(String, String)>,
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signature {
    /// A name that was typed.
    Typed(String),
    /// A picture that was drawn: a PNG or JPEG, in base64, and the name of who drew it.
    Drawn {
        /// The picture.
        image: String,
        /// The name.
        name: String,
    },
}
