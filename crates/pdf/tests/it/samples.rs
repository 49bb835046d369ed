//! Documents to look at.

use bwp_domain::papers::{
    Block, Certificate, Color, Column, Facts, Layout, LedgerLine, Letterhead, Mark, Paper, Row, Signature,
    SignaturePlace, Table, Total, Typeface, paragraphs,
};

/// A logo: a white cross on blue, as a PNG of 64 by 64 points.
const LOGO: &str = "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAXUlEQVR42u3WsQ0AIAwDsD7CS9zPN+UFVLogHGWPvCXGXI3Ng/QuBgAAAAAAAAAAAAAAAAAAAABACZCPBwAAAAAAAADgBuCNAgAAAAAAAAAAAAAAAAAAAAAAAHwI2I+ylRT/VnZIAAAAAElFTkSuQmCC";

pub(crate) fn letterhead(layout: Layout) -> Letterhead {
    let lines = [
        "44 Quarry Road",
        "Springfield, IL 62701",
        "+1 555 0100",
        "office@example.com",
        "www.example.com",
        "License MC-1042",
    ];
    Letterhead {
        company: "Byron Masonry".to_owned(),
        lines: lines.map(str::to_owned).to_vec(),
        tagline: Some("Stone by stone since 1987".to_owned()),
        footer: Some("Byron Masonry LLC, registered in Illinois. Thank you for your business.".to_owned()),
        logo: Some(LOGO.to_owned()),
        layout,
        typeface: if layout == Layout::Band { Typeface::Serif } else { Typeface::Sans },
        primary: Color(0x1f, 0x2a, 0x44),
        accent: Color(0xb4, 0x53, 0x09),
    }
}

pub(crate) fn facts(title: &str, rows: &[(&str, &str)]) -> Facts {
    let rows = rows.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
    Facts { title: title.to_owned(), rows }
}

fn column(title: &str, weight: f32, figures: bool) -> Column {
    Column { title: title.to_owned(), weight, figures }
}

pub(crate) fn row(cells: &[&str]) -> Row {
    Row { cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), minor: false }
}

fn total(label: &str, value: &str, grand: bool) -> Total {
    Total { label: label.to_owned(), value: value.to_owned(), grand }
}

fn place(title: &str, note: Option<&str>, lines: &[&str]) -> SignaturePlace {
    SignaturePlace {
        title: title.to_owned(),
        note: note.map(str::to_owned),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    }
}

fn paper(title: &str, number: &str, layout: Layout, blocks: Vec<Block>) -> Paper {
    Paper {
        title: title.to_owned(),
        number: number.to_owned(),
        subtitle: Some("Garage, Elm Street".to_owned()),
        mark: None,
        letterhead: letterhead(layout),
        blocks,
        certificate: None,
        composed_at: 1_775_000_000_000,
    }
}

/// A table of a bid.
pub(crate) fn bid_table(rows: Vec<Row>) -> Table {
    Table {
        summary: "What is offered, line by line".to_owned(),
        columns: vec![
            column("Mark", 1.2, false),
            column("Description", 6.0, false),
            column("Qty", 1.2, true),
            column("Unit price", 1.8, true),
            column("Total", 1.9, true),
        ],
        rows,
        foot: None,
        empty: "This bid has no lines yet.".to_owned(),
    }
}

/// A bid of so many lines.
pub(crate) fn bid(layout: Layout, lines: usize) -> Paper {
    let line = |n: usize| {
        let description = if n % 7 == 3 {
            format!(
                "Line {n}: limestone sill, sawn and honed, set in lime mortar on a lead tray, with all anchors, pointing and cleaning of the work above and below"
            )
        } else {
            format!("Line {n}: curb adapter, installed")
        };
        row(&[&format!("M-{n:02}"), &description, "4", "$1,756.20", "$7,024.80"])
    };
    let mut rows: Vec<Row> = (1..=lines).map(line).collect();
    if let Some(at) = rows.len().checked_sub(1) {
        rows.insert(at, Row { minor: true, ..row(&["", "Connector, galvanised", "2", "", ""]) });
    }
    let blocks = vec![
        Block::Facts(vec![
            facts(
                "Bill to",
                &[("", "Elm Street Homes, LLC"), ("", "Ada Example"), ("", "ada@example.com"), ("", "+1 555 0123")],
            ),
            facts(
                "Bid details",
                &[("Number", "BID-001"), ("Date", "March 2, 2026"), ("Valid until", "March 31, 2026")],
            ),
            facts("Site address", &[("", "12 Elm Street"), ("", "Springfield, IL 62701")]),
        ]),
        Block::Table(bid_table(rows)),
        Block::Totals(vec![
            total("Total quantity", "12", false),
            total("Subtotal", "$9,053.37", false),
            total("Discount (5%)", "-$452.67", false),
            total("Sales tax", "$329.48", false),
            total("Bid total, valid until March 31, 2026", "$8,930.18", true),
        ]),
        Block::Text {
            title: "Payment terms".to_owned(),
            paragraphs: paragraphs(
                "<p><b>Half</b> when the order is placed, the rest within <i>30 days</i> of completion.</p>",
            ),
        },
        Block::Signatures(vec![place(
            "Acceptance",
            Some("By signing, the customer accepts this bid of $8,930.18 with its terms."),
            &["Signature", "Printed name: Ada Example", "Date"],
        )]),
        Block::Text {
            title: "Terms and conditions".to_owned(),
            paragraphs: paragraphs(
                "<h3>Work</h3><p>Work is done on weekdays from 7 am to 5 pm. See <a href=\"https://example.com/terms\">our terms</a> for \
                 everything else.</p><ul><li>Access to water and power is provided by the customer.</li><li>Permits are included, as far as \
                 they are named above.</li></ul><ol><li>First</li><li>Second</li></ol>",
            ),
        },
    ];
    paper("Bid", "BID-001", layout, blocks)
}

pub(crate) fn change_order(layout: Layout) -> Paper {
    let table = Table {
        summary: "What is added to the contract, changed and taken away".to_owned(),
        columns: vec![
            column("Type", 1.2, false),
            column("Mark", 1.1, false),
            column("Description", 5.0, false),
            column("Qty", 1.1, true),
            column("Unit price", 1.8, true),
            column("Amount", 2.0, true),
        ],
        rows: vec![
            row(&["Add", "D-2", "A second door, oak, with frame", "1", "$5,120.00", "+$5,120.00"]),
            row(&["Remove", "W-1", "Window in the north wall", "1", "$320.00", "-$320.00"]),
        ],
        foot: None,
        empty: String::new(),
    };
    let sign = ["Signature", "Printed name", "Date"];
    let blocks = vec![
        Block::Facts(vec![
            facts("Project", &[("", "Garage, Elm Street"), ("Number", "P00001")]),
            facts("Customer", &[("", "Elm Street Homes, LLC"), ("", "Ada Example")]),
            facts(
                "Change order",
                &[
                    ("Number", "CO-001"),
                    ("Date", "April 2, 2026"),
                    ("Reason", "Customer request"),
                    ("Status", "Submitted"),
                ],
            ),
        ]),
        Block::Text {
            title: "Description".to_owned(),
            paragraphs: paragraphs("A second door in the east wall.\nThe window in the north wall is left out."),
        },
        Block::Table(table),
        Block::Totals(vec![
            total("Additions", "$5,120.00", false),
            total("Deductions", "-$320.00", false),
            total("Net change", "$4,800.00", true),
        ]),
        Block::Heading("Contract sum".to_owned()),
        Block::Totals(vec![
            total("Original contract sum", "$75,000.00", false),
            total("Change orders approved before", "$0.00", false),
            total("Contract sum before this change", "$75,000.00", false),
            total("This change order", "$4,800.00", false),
            total("New contract sum", "$79,800.00", true),
        ]),
        Block::Signatures(vec![
            place("Customer: Elm Street Homes, LLC", None, &sign),
            place("Contractor", None, &sign),
        ]),
    ];
    paper("Change Order", "CO-001", layout, blocks)
}

fn schedule() -> Table {
    Table {
        summary: "The schedule of values".to_owned(),
        columns: vec![
            column("Item", 1.0, false),
            column("Description", 4.2, false),
            column("Scheduled value", 2.1, true),
            column("Previous", 2.0, true),
            column("This period", 2.0, true),
            column("Materials stored", 2.0, true),
            column("Total to date", 2.1, true),
            column("%", 1.2, true),
            column("Balance to finish", 2.1, true),
            column("Retainage", 1.9, true),
        ],
        rows: vec![
            row(&[
                "1",
                "Mobilization",
                "$5,000.00",
                "$5,000.00",
                "$0.00",
                "$0.00",
                "$5,000.00",
                "100%",
                "$0.00",
                "$500.00",
            ]),
            row(&[
                "2",
                "Rough-in",
                "$42,000.00",
                "$21,000.00",
                "$8,400.00",
                "$0.00",
                "$29,400.00",
                "70%",
                "$12,600.00",
                "$2,940.00",
            ]),
            row(&[
                "3",
                "Fixtures",
                "$28,000.00",
                "$0.00",
                "$6,000.00",
                "$2,500.00",
                "$8,500.00",
                "30.36%",
                "$19,500.00",
                "$850.00",
            ]),
            row(&[
                "4",
                "CO-001",
                "$4,800.00",
                "$0.00",
                "$1,200.00",
                "$0.00",
                "$1,200.00",
                "25%",
                "$3,600.00",
                "$120.00",
            ]),
        ],
        foot: Some(
            [
                "",
                "Total",
                "$79,800.00",
                "$26,000.00",
                "$15,600.00",
                "$2,500.00",
                "$44,100.00",
                "55.26%",
                "$35,700.00",
                "$4,410.00",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
        empty: String::new(),
    }
}

fn ledger() -> Vec<LedgerLine> {
    let line = |number: &str, label: &str, value: &str| LedgerLine {
        number: number.to_owned(),
        label: label.to_owned(),
        value: value.to_owned(),
        marked: number == "8",
        minor: number.len() > 1,
    };
    vec![
        line("1", "Original contract sum", "$75,000.00"),
        line("2", "Net change by change orders", "$4,800.00"),
        line("3", "Contract sum to date (1 + 2)", "$79,800.00"),
        line("4", "Total completed and stored to date", "$44,100.00"),
        line("4a", "Work completed, previous applications", "$26,000.00"),
        line("4b", "Work completed, this period", "$15,600.00"),
        line("4c", "Materials presently stored", "$2,500.00"),
        line("5", "Retainage to date (10% of line 4)", "$4,410.00"),
        line("6", "Total earned less retainage (4 - 5)", "$39,690.00"),
        line("7", "Less previous certificates for payment", "$27,450.00"),
        line("8", "Current payment due (6 - 7)", "$12,240.00"),
        line("9", "Balance to finish, retainage included (3 - 6)", "$40,110.00"),
    ]
}

pub(crate) fn pay_app(layout: Layout) -> Paper {
    let sign = ["Signature", "Printed name and title", "Date"];
    let blocks = vec![
        Block::Facts(vec![
            facts("To (owner or customer)", &[("", "Elm Street Homes, LLC"), ("", "Ada Example")]),
            facts("Project", &[("", "Garage, Elm Street"), ("Number", "P00001")]),
            facts(
                "Application",
                &[
                    ("Number", "P00001-PA002"),
                    ("Application", "2"),
                    ("Submitted", "April 1, 2026"),
                    ("Period", "March 1, 2026 to March 31, 2026"),
                    ("Status", "Submitted"),
                    ("Contract date", "January 5, 2026"),
                ],
            ),
        ]),
        Block::Progress {
            label: "Completed and stored to date".to_owned(),
            percent: "55.26%".to_owned(),
            share: 0.5526,
        },
        Block::Ledger(ledger()),
        Block::Text {
            title: "Contractor's certification".to_owned(),
            paragraphs: paragraphs(
                "The contractor certifies that the work of this application is done as the contract says.",
            ),
        },
        Block::Facts(vec![facts("Submitted by", &[("", "Grace Example"), ("Date", "April 1, 2026")])]),
        Block::PageBreak { landscape: false },
        Block::Heading("Signatures".to_owned()),
        Block::Signatures(vec![
            place("Owner or applicant: Elm Street Homes, LLC", None, &sign),
            place("Contractor", None, &sign),
        ]),
        Block::Signatures(vec![place("Architect or certifier", None, &sign)]),
        Block::Heading("Notary".to_owned()),
        Block::Signatures(vec![place(
            "Notary public",
            Some(
                "State of ____________________   County of ____________________\nSubscribed and sworn to before me this ________ day of ____________________, 20____.",
            ),
            &["Notary public", "My commission expires", "Seal"],
        )]),
        Block::PageBreak { landscape: true },
        Block::Heading("Schedule of values".to_owned()),
        Block::Warning(
            "The scheduled values come to $79,800.00, and line 3 to $80,000.00: they differ by -$200.00.".to_owned(),
        ),
        Block::Table(schedule()),
        Block::Facts(vec![
            facts("Scheduled", &[("", "$79,800.00")]),
            facts("Completed and stored", &[("", "$44,100.00")]),
            facts("This period", &[("", "$15,600.00")]),
            facts("Complete", &[("", "55.26%")]),
            facts("Balance to finish", &[("", "$35,700.00")]),
        ]),
    ];
    paper("Pay App", "P00001-PA002", layout, blocks)
}

pub(crate) fn invoice(layout: Layout) -> Paper {
    let table = Table {
        summary: "What is billed, line by line".to_owned(),
        columns: vec![
            column("Description", 6.0, false),
            column("Qty", 1.2, true),
            column("Rate", 1.8, true),
            column("Amount", 1.9, true),
        ],
        rows: vec![
            row(&["Service call", "1", "$285.00", "$285.00"]),
            row(&["Motor", "1", "$168.00", "$168.00"]),
            row(&["Labor", "2.5", "$95.25", "$238.13"]),
        ],
        foot: None,
        empty: String::new(),
    };
    let blocks = vec![
        Block::Facts(vec![
            facts("Bill to", &[("", "Elm Street Homes, LLC"), ("", "Ada Example")]),
            facts(
                "Invoice details",
                &[
                    ("Number", "INV-0001"),
                    ("Issue date", "April 1, 2026"),
                    ("Due date", "May 1, 2026"),
                    ("Terms", "Net 30"),
                ],
            ),
            facts("Project", &[("", "Garage, Elm Street"), ("Project", "P00001"), ("Bid", "BID-001")]),
        ]),
        Block::Table(table),
        Block::Totals(vec![
            total("Subtotal", "$691.13", false),
            total("Discount (2.5%)", "-$17.28", false),
            total("Sales tax (7%)", "$30.92", false),
            total("Total", "$704.77", true),
            total("Paid April 12, 2026, Check, 1042", "-$300.00", false),
            total("Paid April 20, 2026, Card", "-$404.77", false),
            total("Balance due", "$0.00", true),
        ]),
        Block::Text { title: "Notes".to_owned(), paragraphs: paragraphs("Thank you.") },
        Block::Text {
            title: "How to pay".to_owned(),
            paragraphs: paragraphs("By check to 44 Quarry Road, or by ACH: <b>routing 000000000, account 12345</b>."),
        },
    ];
    let mut paper = paper("Invoice", "INV-0001", layout, blocks);
    (paper.subtitle, paper.mark) = (None, Some(Mark::Paid));
    paper
}

pub(crate) fn certificate() -> Certificate {
    let facts = [
        ("Signed by", "Ada Example"),
        ("E-mail", "ada@example.com"),
        ("Address", "203.0.113.7"),
        (
            "Browser",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
        ),
        ("Sent", "2026-03-02 15:00:00 UTC"),
        ("Viewed", "2026-03-03 08:11:20 UTC"),
        ("Signed", "2026-03-03 08:15:02 UTC"),
        ("SHA-256 of the document", "b8290f2d2e050df5069e8dfce176c8fbb8c6dd422773809dc78947ab0767801d"),
    ];
    Certificate {
        statement: "Ada Example agreed to sign this document electronically, and signed it.".to_owned(),
        signature: Signature::Typed("Ada Example".to_owned()),
        facts: facts.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect(),
    }
}
