use base64::{Engine, engine::general_purpose::STANDARD};
use bwp_domain::papers::{Layout, Mark, Paper, Signature};

use crate::{samples, tools::printed};

fn all(layout: Layout) -> [(&'static str, Paper); 4] {
    [
        ("bid", samples::bid(layout, 3)),
        ("change-order", samples::change_order(layout)),
        ("pay-app", samples::pay_app(layout)),
        ("invoice", samples::invoice(layout)),
    ]
}

/// Every text that a paper says, as JSON has them.
fn texts(value: &serde_json::Value, into: &mut Vec<String>) {
    use serde_json::Value::{Array, Object, String};
    match value {
        String(text) => into.push(text.clone()),
        Array(values) => values.iter().for_each(|value| texts(value, into)),
        Object(values) => {
            // What is not printed but for its look, or is read out alone.
            let silent = ["link", "summary", "empty", "logo", "layout", "typeface", "kind", "percent"];
            values
                .iter()
                .filter(|(name, _)| !silent.contains(&name.as_str()))
                .for_each(|(_, value)| texts(value, into));
        }
        _ => {}
    }
}

#[test]
fn the_text_in_each_document_is_what_it_says() {
    for layout in Layout::ALL {
        for (name, paper) in all(*layout) {
            let file = printed(&format!("{name}-{layout}"), &paper);
            let words = file.words().to_lowercase();
            let mut said = Vec::new();
            texts(&serde_json::to_value(&paper.blocks).unwrap(), &mut said);
            for line in said.iter().flat_map(|text| text.split(['\n'])) {
                // A label and its value stand apart, and a line may be broken between two words.
                for part in line.split(": ") {
                    for word in part.to_lowercase().split_whitespace() {
                        assert!(words.contains(word), "{name}, {layout}: {word:?} of {line:?} is not in {words}");
                    }
                }
            }
        }
    }
}

#[test]
fn each_document_is_tagged_and_accessible() {
    for (name, paper) in all(Layout::Classic) {
        let file = printed(name, &paper);
        let info = file.info();
        assert!(info.contains(&format!("Title:           {} {}", paper.title, paper.number)), "{info}");
        assert!(info.contains("Tagged:          yes"), "{info}");
        assert!(file.is_accessible(), "{name} is not PDF/UA-1");
        let structure = file.structure();
        for tag in ["H1", "H2", "Table", "TR", "TH", "TD", "THead", "TBody", "P (block)", "Figure"] {
            assert!(structure.contains(tag), "{name} has no {tag}: {structure}");
        }
        assert!(!structure.contains("Page 1 of"), "numbers of pages are not read out: {structure}");
    }
}

#[test]
fn the_same_paper_gives_the_same_bytes() {
    let paper = samples::bid(Layout::Classic, 40);
    assert_eq!(printed("same", &paper).bytes, printed("same", &paper).bytes);
    let json = serde_json::to_string(&paper).unwrap();
    let thawed: Paper = serde_json::from_str(&json).unwrap();
    assert_eq!(printed("same", &thawed).bytes, printed("same", &paper).bytes);
}

#[test]
fn a_table_has_its_head_on_each_page_and_every_row_once() {
    for layout in Layout::ALL {
        let paper = samples::bid(*layout, 150);
        let file = printed(&format!("long-{layout}"), &paper);
        let pages = file.pages();
        let with_rows: Vec<_> = pages.iter().filter(|page| page.contains("Line ")).collect();
        assert!(with_rows.len() > 2, "{} pages", with_rows.len());
        for page in &with_rows {
            let heads = page.matches("Unit price").count();
            assert_eq!(heads, 1, "{page}");
        }
        for (at, page) in pages.iter().enumerate() {
            assert!(page.contains(&format!("Page {} of {}", at + 1, pages.len())), "{page}");
        }
        let words = file.words();
        for line in 1..=150 {
            assert_eq!(words.matches(&format!("Line {line}: ")).count(), 1, "line {line}");
        }
        // The head is a part of the document once.
        assert_eq!(file.structure().matches("Unit price").count(), 1);
    }
}

#[test]
fn sums_are_never_alone_on_a_page() {
    for lines in 12..38 {
        let file = printed("sums", &samples::bid(Layout::Classic, lines));
        let pages = file.pages();
        let with_sum = pages.iter().find(|page| page.contains("Bid total")).unwrap();
        assert!(with_sum.contains(&format!("Line {lines}: ")), "{lines} lines: {with_sum}");
        assert!(with_sum.contains("Subtotal"), "{lines} lines: {with_sum}");
    }
}

/// Prints how long it took, and how much memory all of it: for `docs/decisions/0031-pdfs-are-laid-out-here.md`.
#[test]
fn a_bid_of_a_thousand_lines_is_a_document_like_others() {
    let paper = samples::bid(Layout::Classic, 1_000);
    let began = std::time::Instant::now();
    let bytes = bwp_pdf::render(&paper).unwrap();
    let took = began.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned();
    println!("1,000 lines: {took:?}, {} bytes, {peak}", bytes.len());
    let words = printed("thousand", &paper).words();
    for line in [1, 500, 1_000] {
        assert_eq!(words.matches(&format!("Line {line}: ")).count(), 1, "line {line}");
    }
}

#[test]
fn what_does_not_count_says_so_on_each_page() {
    for (mark, word) in [(Mark::Draft, "DRAFT"), (Mark::Void, "VOID")] {
        let mut paper = samples::bid(Layout::Classic, 60);
        assert!(!printed("unmarked", &paper).words().contains(word));
        paper.mark = Some(mark);
        let file = printed(&format!("marked-{word}"), &paper);
        // Letters on a slant are read as one word by `-raw`, and as scattered ones by `-layout`.
        let words = file.words();
        let pages = file.pages().len();
        assert_eq!(words.matches(word).count(), pages, "{words}");
        let structure = file.structure();
        let told = if mark == Mark::Draft { "Draft, not final" } else { "Void" };
        assert!(structure.contains(told) && !structure.contains(word), "{structure}");
    }
    assert!(printed("paid", &samples::invoice(Layout::Classic)).words().contains("PAID"));
}

#[test]
fn links_lead_where_they_say() {
    let file = printed("links", &samples::bid(Layout::Classic, 1));
    let structure = file.structure();
    assert!(structure.contains("Link"), "{structure}");
    let qpdf = String::from_utf8_lossy(&file.bytes).into_owned();
    assert!(qpdf.contains("https://example.com/terms"));
}

#[test]
fn a_row_higher_than_a_page_goes_over_several() {
    let mut paper = samples::bid(Layout::Classic, 2);
    let text = (0..2_000).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
    let mut table = samples::bid_table(vec![samples::row(&["M-01", &text, "1", "$1.00", "$1.00"])]);
    table.rows.push(samples::row(&["M-02", "Last", "1", "$1.00", "$1.00"]));
    paper.blocks[1] = bwp_domain::papers::Block::Table(table);
    let words = printed("tall", &paper).words();
    for n in 0..2_000 {
        assert!(words.split(' ').any(|word| word == format!("word{n}")), "word{n}");
    }
}

#[test]
fn figures_are_not_broken_however_large() {
    let mut paper = samples::pay_app(Layout::Classic);
    let large = "-$9,999,999,999,999.99";
    for block in &mut paper.blocks {
        if let bwp_domain::papers::Block::Table(table) = block {
            for row in &mut table.rows {
                for at in [2, 3, 4, 5, 6, 8, 9] {
                    row.cells[at] = large.to_owned();
                }
            }
        }
    }
    let words = printed("large", &paper).words();
    assert_eq!(words.matches(large).count(), 28, "{words}");
}

#[test]
fn a_signed_document_has_its_certificate_behind_it() {
    let mut paper = samples::bid(Layout::Classic, 3);
    let before = printed("unsigned", &paper).pages();
    paper.certificate = Some(samples::certificate());
    let after = printed("signed", &paper).pages();
    assert_eq!(after[..before.len()], before[..], "what was signed stays as it was");
    let page = after.last().unwrap();
    for text in
        ["Certificate of signature", "Ada Example", "203.0.113.7", "SHA-256 of the document", "2026-03-03 08:15:02 UTC"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert_eq!(after.len(), before.len() + 1);
    paper.certificate.as_mut().unwrap().signature =
        Signature::Drawn { image: paper.letterhead.logo.clone().unwrap(), name: "Ada Example".to_owned() };
    printed("signed-drawn", &paper);
}

#[test]
fn a_broken_logo_is_left_out() {
    let mut paper = samples::bid(Layout::Classic, 1);
    // Some are no pictures, one breaks off, one says that it is as large as a wall.
    let mut wall = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R'];
    wall.extend([0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
    let whole = paper.letterhead.logo.clone().unwrap();
    let cut = whole[..whole.len() / 2 / 4 * 4].to_owned();
    for logo in ["no base64!".to_owned(), STANDARD.encode("no picture"), STANDARD.encode(wall), cut, String::new()] {
        paper.letterhead.logo = Some(logo);
        assert!(printed("no-logo", &paper).words().contains("Byron Masonry"));
    }
}

#[test]
fn a_document_of_nothing_is_a_page() {
    let mut paper = samples::bid(Layout::Classic, 0);
    assert!(printed("empty-table", &paper).words().contains("This bid has no lines yet."));
    paper.blocks.clear();
    paper.letterhead = bwp_domain::papers::Letterhead {
        company: String::new(),
        lines: Vec::new(),
        tagline: None,
        footer: None,
        logo: None,
        ..paper.letterhead
    };
    assert!(printed("nothing", &paper).words().contains("Page 1 of 1"));
}
