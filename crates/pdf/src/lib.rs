//! Documents to PDF.
//!
//! The domain composes a [`Paper`]: what is on it, block by block. Here it is laid out and written: `fonts` and `shape` make lines of
//! glyphs of any script, `flow` puts blocks on pages, `blocks` has a file for each kind of block, and `write` makes a tagged PDF of the
//! pages ([why](../../docs/decisions/0031-pdfs-are-laid-out-here.md)).

mod blocks;
mod canvas;
mod flow;
mod fonts;
mod head;
mod pictures;
mod shape;
mod tags;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::papers::{Paper, PaperError, Printer};
use tokio::sync::Semaphore;

/// Why a PDF was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A font that is built in cannot be read.
    #[error("a built-in font cannot be read")]
    Font,
    /// The file cannot be written.
    #[error("{0}")]
    Write(String),
}

/// Makes a PDF of a document: tagged, and as PDF/UA-1 wants it, unless the text has what that forbids. Takes some milliseconds a page.
pub fn render(paper: &Paper) -> Result<Vec<u8>, RenderError> {
    let fonts = fonts::Fonts::built_in().ok_or(RenderError::Font)?;
    let mut refused = None;
    // A picture that turns out to be broken, and characters that no reader may be given, do not keep a document from being printed.
    for (accessible, pictures) in [(true, true), (false, true), (false, false)] {
        let pages = flow::lay_out(paper, fonts, pictures);
        match write::pdf(paper, fonts, &pages, accessible) {
            Ok(pdf) => return Ok(pdf),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or(RenderError::Font))
}

/// Prints papers on threads of their own, some at once.
#[derive(Clone, Debug)]
pub struct Press {
    places: Arc<Semaphore>,
}

impl Press {
    /// A press that prints so many papers at once.
    pub fn new(at_once: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once.max(1))) }
    }
}

#[async_trait]
impl Printer for Press {
    async fn print(&self, paper: Paper) -> Result<Vec<u8>, PaperError> {
        let failed = |error: &dyn std::fmt::Display| PaperError::Printer(error.to_string());
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|error| failed(&error))?;
        let printed = tokio::task::spawn_blocking(move || {
            let printed = render(&paper);
            drop(place);
            printed
        });
        printed.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}
