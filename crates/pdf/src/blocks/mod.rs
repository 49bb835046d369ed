//! A file for each kind of block.

pub(crate) mod certificate;
mod facts;
mod forms;
mod signatures;
mod table;
mod text;
mod totals;

use bwp_domain::papers::Block;

use crate::flow::Flow;

/// Puts all blocks of the document on pages.
pub(crate) fn put_all(flow: &mut Flow<'_>) {
    let blocks = &flow.paper.blocks;
    for (at, block) in blocks.iter().enumerate() {
        let next = blocks.get(at + 1);
        match block {
            Block::Heading(heading) => {
                // A heading with nothing behind it on its page would be an orphan.
                let kept = match next {
                    Some(Block::Totals(totals)) => totals::height(flow, totals),
                    Some(Block::Signatures(places)) => signatures::height(flow, places),
                    _ => 60.0,
                };
                flow.gap();
                text::heading(flow, heading, kept);
            }
            Block::Facts(groups) => facts::put(flow, groups),
            Block::Table(table) => {
                let kept = if let Some(Block::Totals(totals)) = next { totals::height(flow, totals) } else { 0.0 };
                table::put(flow, table, kept);
            }
            Block::Totals(totals) => {
                let last = !blocks.iter().skip(at + 1).any(|block| matches!(block, Block::Totals(_)));
                totals::put(flow, totals, last);
            }
            Block::Text { title, paragraphs } => text::put(flow, title, paragraphs),
            Block::Ledger(lines) => forms::ledger(flow, lines),
            Block::Progress { label, percent, share } => forms::progress(flow, label, percent, *share),
            Block::Warning(warning) => forms::warning(flow, warning),
            Block::Signatures(places) => signatures::put(flow, places),
            Block::PageBreak { landscape } => flow.turn(*landscape),
        }
    }
}
