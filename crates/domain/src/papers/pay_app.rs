//! What a pay application says on paper: the application, its signatures, and the schedule of values.

use num_traits::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    Block, Column, LedgerLine, Mark, Row, SignaturePlace, Table,
    compose::{Content, Desk, facts, party, party_name},
    write::{NOTHING, percent},
};
use crate::{
    bids::Bid,
    ids::BidId,
    pay_apps::{PayApp, PayAppStatus, SovLine},
    resource::{Money, Percent, Stored},
    store::StoreError,
    wording::words,
};

pub(super) async fn compose(
    stored: &Stored<PayApp>,
    submitted_by: Option<String>,
    desk: &mut Desk<'_>,
) -> Result<Content, StoreError> {
    let app = &stored.details;
    let project = desk.project(Some(app.project_id)).await?;
    let project = project.as_ref();
    let contact = desk.contact(project.and_then(|project| project.contact_id)).await?;
    let bid: Option<Bid> = desk.ever(project.and_then(|project| project.bid_id).map(BidId::get)).await?;
    let lines: Vec<Stored<SovLine>> = desk.children("payAppId", stored.id, "order").await?;
    let desk = &*desk;
    let day = |moment: Option<_>| desk.writing.day_or_dash(moment);
    let of_project = facts(
        "Project",
        vec![
            ("", project.map(|project| project.name.to_string())),
            ("Number", project.map(|project| project.project_number.to_string())),
        ],
    );
    let details = facts(
        "Application",
        vec![
            ("Number", Some(app.pay_app_number.to_string())),
            ("Application", Some(app.application_no.to_string())),
            ("Submitted", Some(day(app.submitted_at))),
            ("Period", Some(format!("{} to {}", day(app.period_start), day(app.period_end)))),
            ("Status", Some(words(app.status.as_str()))),
            ("Contract date", Some(day(bid.and_then(|bid| bid.accepted_at)))),
        ],
    );
    let mut blocks = vec![
        Block::Facts(vec![party("To (owner or customer)", contact.as_ref()), of_project, details]),
        Block::Progress {
            label: "Completed and stored to date".to_owned(),
            percent: percent(app.percent_complete),
            share: share(app.percent_complete.decimal()),
        },
        Block::Ledger(ledger(app, desk)),
        Block::Text {
            title: "Contractor's certification".to_owned(),
            paragraphs: super::paragraphs(
                "The contractor certifies that, to the best of its knowledge, the work of this application is done as the contract \
                 says, that what was paid before was used for the work of those applications, and that the payment shown here is \
                 due now.",
            ),
        },
        Block::Facts(vec![facts(
            "Submitted by",
            vec![("", submitted_by.or_else(|| Some(NOTHING.to_owned()))), ("Date", Some(day(app.submitted_at)))],
        )]),
        Block::PageBreak { landscape: false },
    ];
    blocks.extend(signatures(contact.as_ref().map(party_name)));
    blocks.push(Block::PageBreak { landscape: true });
    blocks.extend(schedule(app, &lines, desk));
    let mark = match app.status {
        PayAppStatus::Draft | PayAppStatus::Rejected => Some(Mark::Draft),
        PayAppStatus::Voided => Some(Mark::Void),
        PayAppStatus::Submitted | PayAppStatus::Approved | PayAppStatus::Paid => None,
    };
    let subtitle = project.map(|project| project.name.to_string());
    Ok(Content { title: "Pay App", number: app.pay_app_number.clone(), subtitle, mark, blocks })
}

fn share(percent: Decimal) -> f32 {
    (percent / Decimal::ONE_HUNDRED).to_f32().unwrap_or_default().clamp(0.0, 1.0)
}

/// Lines 1 to 9 (5.3).
fn ledger(app: &PayApp, desk: &Desk<'_>) -> Vec<LedgerLine> {
    let line = |number: &str, label: String, amount: Decimal| LedgerLine {
        number: number.to_owned(),
        label,
        value: desk.writing.decimal(amount),
        marked: number == "8",
        minor: number.len() > 1,
    };
    let money = |money: Option<Money>| money.unwrap_or(Money::ZERO).decimal();
    let held = percent(app.retainage_percent.unwrap_or(Percent::ZERO));
    let earned = app.total_completed.decimal() - app.retainage_amount.decimal();
    let said = |text: &str| text.to_owned();
    vec![
        line("1", said("Original contract sum"), money(app.contract_sum)),
        line("2", said("Net change by change orders"), money(app.change_orders_total)),
        line("3", said("Contract sum to date (1 + 2)"), app.revised_contract_sum.decimal()),
        line("4", said("Total completed and stored to date"), app.total_completed.decimal()),
        line("4a", said("Work completed, previous applications"), app.previously_billed.decimal()),
        line("4b", said("Work completed, this period"), app.current_billed.decimal()),
        line("4c", said("Materials presently stored"), app.materials_stored.decimal()),
        line("5", format!("Retainage to date ({held} of line 4)"), app.retainage_amount.decimal()),
        line("6", said("Total earned less retainage (4 - 5)"), earned),
        line("7", said("Less previous certificates for payment"), app.previous_certificates.decimal()),
        line("8", said("Current payment due (6 - 7)"), app.current_payment_due.decimal()),
        line("9", said("Balance to finish, retainage included (3 - 6)"), app.balance_to_finish.decimal()),
    ]
}

fn signatures(customer: Option<String>) -> Vec<Block> {
    let place = |title: &str| SignaturePlace {
        title: title.to_owned(),
        note: None,
        lines: ["Signature", "Printed name and title", "Date"].map(str::to_owned).to_vec(),
    };
    let owner = match customer.filter(|name| !name.is_empty()) {
        Some(name) => format!("Owner or applicant: {name}"),
        None => "Owner or applicant".to_owned(),
    };
    vec![
        Block::Heading("Signatures".to_owned()),
        Block::Signatures(vec![place(&owner), place("Contractor")]),
        Block::Signatures(vec![place("Architect or certifier")]),
        Block::Heading("Notary".to_owned()),
        Block::Signatures(vec![SignaturePlace {
            title: "Notary public".to_owned(),
            note: Some(
                "State of ____________________   County of ____________________\nSubscribed and sworn to before me this \
                 ________ day of ____________________, 20____."
                    .to_owned(),
            ),
            lines: ["Notary public", "My commission expires", "Seal"].map(str::to_owned).to_vec(),
        }]),
    ]
}

/// The schedule of values.
fn schedule(app: &PayApp, lines: &[Stored<SovLine>], desk: &Desk<'_>) -> Vec<Block> {
    let money = |amount: Decimal| desk.writing.decimal(amount);
    let sum =
        |column: fn(&SovLine) -> Money| -> Decimal { lines.iter().map(|line| column(&line.details).decimal()).sum() };
    let scheduled = sum(|line| line.scheduled_value);
    let balance = sum(|line| line.balance);
    let mut blocks = vec![Block::Heading("Schedule of values".to_owned())];
    if !app.scheduled_value_difference.is_zero() {
        blocks.push(Block::Warning(format!(
            "The scheduled values come to {}, and line 3 to {}: they differ by {}.",
            money(scheduled),
            desk.writing.price(app.revised_contract_sum),
            desk.writing.price(app.scheduled_value_difference),
        )));
    }
    let retained = retained(app, lines);
    let rows = lines.iter().zip(&retained).enumerate().map(|(at, (line, retained))| {
        let line = &line.details;
        Row {
            cells: vec![
                line.item_number.as_ref().map_or_else(|| (at + 1).to_string(), ToString::to_string),
                line.description.to_string(),
                desk.writing.price(line.scheduled_value),
                desk.writing.price(line.previous_billed),
                desk.writing.price(line.current_billed),
                desk.writing.price(line.materials_stored),
                desk.writing.price(line.total_to_date),
                percent(line.percent_complete),
                desk.writing.price(line.balance),
                money(*retained),
            ],
            minor: false,
        }
    });
    let column = |title: &str, weight, figures| Column { title: title.to_owned(), weight, figures };
    blocks.push(Block::Table(Table {
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
        rows: rows.collect(),
        foot: Some(vec![
            String::new(),
            "Total".to_owned(),
            money(scheduled),
            desk.writing.price(app.previously_billed),
            desk.writing.price(app.current_billed),
            desk.writing.price(app.materials_stored),
            desk.writing.price(app.total_completed),
            percent(app.percent_complete),
            money(balance),
            desk.writing.price(app.retainage_amount),
        ]),
        empty: "This pay application has no lines yet.".to_owned(),
    }));
    let figures = |label, value| facts(label, vec![("", Some(value))]);
    blocks.push(Block::Facts(vec![
        figures("Scheduled", money(scheduled)),
        figures("Completed and stored", desk.writing.price(app.total_completed)),
        figures("This period", desk.writing.price(app.current_billed)),
        figures("Complete", percent(app.percent_complete)),
        figures("Balance to finish", money(balance)),
    ]));
    blocks
}

/// What is held back of each line: for print alone, so that the last line takes the cent (5.3).
fn retained(app: &PayApp, lines: &[Stored<SovLine>]) -> Vec<Decimal> {
    let held = app.retainage_percent.unwrap_or(Percent::ZERO).decimal();
    let of_line = |line: &Stored<SovLine>| {
        let exact = line.details.total_to_date.decimal() * held / Decimal::ONE_HUNDRED;
        let mut cents = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        cents.rescale(2);
        cents
    };
    let mut retained: Vec<Decimal> = lines.iter().map(of_line).collect();
    let rest = app.retainage_amount.decimal() - retained.iter().sum::<Decimal>();
    if let Some(last) = retained.last_mut() {
        *last += rest;
    }
    retained
}
