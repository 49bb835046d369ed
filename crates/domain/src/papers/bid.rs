//! What a bid says on paper: what the customer is offered, and never what it costs.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::{
    Block, Column, Mark, Row, SignaturePlace, Table, Total,
    compose::{Content, Desk, facts, party, site, text},
    write::{percent, quantity},
};
use crate::{
    bids::{Bid, BidLineItem, BidStatus, CostItem, DiscountType},
    resource::{Quantity, Stored},
    store::StoreError,
};

pub(super) async fn compose(bid: &Stored<Bid>, desk: &mut Desk<'_>) -> Result<Content, StoreError> {
    let (id, bid) = (bid.id, &bid.details);
    let contact = desk.contact(bid.contact_id).await?;
    let lines: Vec<Stored<BidLineItem>> = desk.children("bidId", id, "order").await?;
    let mut items: HashMap<i64, Vec<CostItem>> = HashMap::new();
    if bid.show_sublines == Some(true) {
        for item in desk.children::<CostItem>("bidId", id, "order").await? {
            items.entry(item.details.line_item_id.get()).or_default().push(item.details);
        }
    }
    let place =
        site(bid.site_address.as_ref(), bid.site_city.as_ref(), bid.site_state.as_ref(), bid.site_zip_code.as_ref());
    let place = place.into_iter().map(|line| ("", Some(line))).collect();
    let mut blocks = vec![
        Block::Facts(vec![party("Bill to", contact.as_ref()), details(bid, desk), facts("Site address", place)]),
        Block::Table(table(&lines, &items, desk)),
        Block::Totals(totals(bid, &lines, desk)),
    ];
    blocks.extend(text("Payment terms", bid.payment_terms_text.as_ref()));
    blocks.push(acceptance(bid, desk));
    blocks.extend(text("Terms and conditions", bid.terms.as_ref()));
    let mark = match bid.status {
        BidStatus::Draft => Some(Mark::Draft),
        BidStatus::Cancelled => Some(Mark::Void),
        BidStatus::Sent | BidStatus::Accepted | BidStatus::Rejected | BidStatus::Expired => None,
    };
    let subtitle = bid.name.as_ref().map(ToString::to_string);
    Ok(Content { title: "Bid", number: bid.bid_number.clone(), subtitle, mark, blocks })
}

fn details(bid: &Bid, desk: &Desk<'_>) -> super::Facts {
    let day = |moment: Option<_>| moment.map(|moment| desk.writing.day(moment));
    facts(
        "Bid details",
        vec![
            ("Number", Some(bid.bid_number.to_string())),
            ("Date", day(bid.sent_at).or_else(|| Some("not sent yet".to_owned()))),
            ("Valid until", day(bid.valid_until)),
            ("Due date", day(bid.due_date)),
        ],
    )
}

fn table(lines: &[Stored<BidLineItem>], items: &HashMap<i64, Vec<CostItem>>, desk: &Desk<'_>) -> Table {
    let column = |title: &str, weight, figures| Column { title: title.to_owned(), weight, figures };
    let mut rows = Vec::new();
    for line in lines {
        let (id, line) = (line.id, &line.details);
        rows.push(Row {
            cells: vec![
                line.mark_name.as_deref().unwrap_or_default().to_owned(),
                line.description.to_string(),
                quantity(line.quantity.unwrap_or(Quantity::ONE)),
                desk.writing.price(line.sell_unit_price),
                desk.writing.price(line.total),
            ],
            minor: false,
        });
        for item in items.get(&id).into_iter().flatten() {
            let description = item.description.as_deref().unwrap_or_default().to_owned();
            let cells = vec![String::new(), description, quantity(item.quantity), String::new(), String::new()];
            rows.push(Row { cells, minor: true });
        }
    }
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

fn totals(bid: &Bid, lines: &[Stored<BidLineItem>], desk: &Desk<'_>) -> Vec<Total> {
    let total = |label: String, value: String, grand| Total { label, value, grand };
    let units: Decimal = lines.iter().map(|line| line.details.quantity.unwrap_or(Quantity::ONE).decimal()).sum();
    let mut totals = Vec::new();
    if let Ok(units) = Quantity::rounded(units) {
        totals.push(total("Total quantity".to_owned(), quantity(units), false));
    }
    totals.push(total("Subtotal".to_owned(), desk.writing.price(bid.subtotal), false));
    if !bid.discount_amount.is_zero() {
        let share = matches!(bid.discount_type, Some(DiscountType::Percentage | DiscountType::Percent));
        let share = bid.discount.filter(|_| share).map(|discount| format!(" ({})", percent(discount)));
        let label = format!("Discount{}", share.unwrap_or_default());
        totals.push(total(label, desk.writing.decimal(-bid.discount_amount.decimal()), false));
    }
    let rate = bid.tax_rate.map(|rate| format!(" ({})", percent(rate))).unwrap_or_default();
    totals.push(total(format!("Sales tax{rate}"), desk.writing.price(bid.tax_amount), false));
    let until = bid.valid_until.map(|until| format!(", valid until {}", desk.writing.day(until)));
    totals.push(total(format!("Bid total{}", until.unwrap_or_default()), desk.writing.price(bid.total), true));
    totals
}

fn acceptance(bid: &Bid, desk: &Desk<'_>) -> Block {
    let accepted = bid.status == BidStatus::Accepted;
    let filled = |value: Option<String>| value.filter(|_| accepted).map(|value| format!(": {value}"));
    let name = filled(bid.accepted_by.as_ref().map(ToString::to_string)).unwrap_or_default();
    let day = filled(bid.accepted_at.map(|at| desk.writing.day(at))).unwrap_or_default();
    let note =
        format!("By signing, the customer accepts this bid of {} with its terms.", desk.writing.price(bid.total));
    Block::Signatures(vec![SignaturePlace {
        title: "Acceptance".to_owned(),
        note: Some(note),
        lines: vec!["Signature".to_owned(), format!("Printed name{name}"), format!("Date{day}")],
    }])
}
