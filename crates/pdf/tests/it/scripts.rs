use bwp_domain::papers::{Block, Layout, Typeface};

use crate::{samples, tools::printed};

const NAMES: &[&str] = &[
    "Łukasz Żółć",
    "Nguyễn Thị Ánh",
    "Ελένη Παπαδοπούλου",
    "Екатерина Щукина",
    "محمد عبد الله",
    "דוד לוי",
    "王小明建筑公司",
    "山田工務店カタカナ",
    "김철수건설",
    "प्रकाश शर्मा",
    "শ্রাবণী",
    "முத்து",
    "ไทยก่อสร้าง",
    "ქართული",
    "Հայաստան",
    "\u{1f3d7} Crane & Co \u{1f477}",
    "\u{1f9f1} Bricks \u{2713} \u{1fa9c}",
];

fn with_names(typeface: Typeface) -> bwp_domain::papers::Paper {
    let mut paper = samples::bid(Layout::Classic, 2);
    paper.letterhead.typeface = typeface;
    let rows: Vec<_> = NAMES.iter().map(|name| samples::row(&["", name, "1", "$1.00", "$1.00"])).collect();
    paper.blocks[0] = Block::Facts(
        NAMES
            .chunks(6)
            .map(|names| samples::facts("Names", &names.iter().map(|name| ("", *name)).collect::<Vec<_>>()))
            .collect(),
    );
    paper.blocks[1] = Block::Table(samples::bid_table(rows));
    paper
}

/// Letters alone, in any order: what reads a file may put text that runs both ways in another order, and joins marks in its own way.
fn letters(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{fe0f}').collect();
    letters.sort_unstable();
    letters
}

#[test]
fn names_of_any_script_are_there() {
    for typeface in Typeface::ALL {
        let file = printed(&format!("names-{typeface}"), &with_names(*typeface));
        let words = file.words();
        for name in NAMES {
            let found = name.split_whitespace().all(|word| {
                let letters_of_word = letters(word);
                words.contains(word) || words.split_whitespace().any(|other| letters(other) == letters_of_word)
            });
            assert!(found, "{name} is not in {words}");
        }
        assert!(!words.contains('\u{fffd}'), "{words}");
        assert!(file.is_accessible(), "each glyph is known by its letters");
    }
}

#[test]
fn both_directions_stand_on_one_line() {
    let mut paper = samples::bid(Layout::Classic, 1);
    let mixed = "Order 42 for محمد عبد الله (2 doors)";
    paper.blocks[1] = Block::Table(samples::bid_table(vec![samples::row(&["", mixed, "1", "$1.00", "$1.00"])]));
    let words = printed("mixed", &paper).words();
    for part in ["Order 42 for", "محمد", "الله", "(2 doors)"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn what_no_font_has_does_not_stop_the_press() {
    let mut paper = samples::bid(Layout::Classic, 1);
    let odd = [
        "\u{12000}\u{1e900} cuneiform",
        "\u{e000}\u{f8ff} private",
        "\u{200d}\u{200b}\u{feff}\u{202e}abc\u{202c}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466} family",
        "\u{1f1fa}\u{1f1f8} flag \u{1f44d}\u{1f3fd}",
        "e\u{301}\u{302}\u{303}\u{304}\u{305}",
        "tab\there\u{0}\u{1b}[31m\u{7f}\u{ffff}",
        "a\r\nb\u{2028}c\u{2029}d\u{85}e",
        "\u{301}",
        " ",
    ];
    let rows = odd.iter().map(|text| samples::row(&[text, text, text, text, text])).collect();
    paper.blocks[1] = Block::Table(samples::bid_table(rows));
    paper.subtitle = Some(odd.join(" "));
    let words = printed("odd", &paper).words();
    for text in ["cuneiform", "private", "family", "flag"] {
        assert!(words.contains(text), "{text}: {words}");
    }
}

#[test]
fn a_long_word_is_broken_where_it_must() {
    let mut paper = samples::bid(Layout::Classic, 1);
    let word = "Donaudampfschifffahrtsgesellschaftskapitän".repeat(20);
    let chinese = "建筑公司施工合同".repeat(60);
    let rows = vec![
        samples::row(&[&word, &word, "1", "$1.00", "$1.00"]),
        samples::row(&["", &chinese, "1", "$1.00", "$1.00"]),
    ];
    paper.blocks[1] = Block::Table(samples::bid_table(rows));
    let words: String = printed("broken", &paper).words().split_whitespace().collect();
    assert_eq!(words.matches('建').count(), 60);
    assert_eq!(words.matches("ä").count(), 40);
}
