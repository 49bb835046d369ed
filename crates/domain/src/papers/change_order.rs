//! What a change order says on paper.

use rust_decimal::Decimal;

use super::{
    Block, Column, Mark, Row, SignaturePlace, Table, Total,
    compose::{Content, Desk, facts, party, party_name, text},
    write::quantity,
};
use crate::{
    change_orders::{ChangeOrder, ChangeOrderItem, ChangeOrderStatus},
    resource::{Money, Quantity, Stored},
    store::StoreError,
    wording::words,
};

pub(super) async fn compose(stored: &Stored<ChangeOrder>, desk: &mut Desk<'_>) -> Result<Content, StoreError> {
    let order = &stored.details;
    let project = desk.project(Some(order.project_id)).await?;
    let contact = desk.contact(project.as_ref().and_then(|project| project.contact_id)).await?;
    let items: Vec<Stored<ChangeOrderItem>> = desk.children("changeOrderId", stored.id, "order").await?;
    let of_project = project.as_ref();
    let in_project = facts(
        "Project",
        vec![
            ("", of_project.map(|project| project.name.to_string())),
            ("Number", of_project.map(|project| project.project_number.to_string())),
        ],
    );
    let details = facts(
        "Change order",
        vec![
            ("Number", Some(order.change_order_number.to_string())),
            ("Date", Some(desk.writing.day(order.submitted_at.unwrap_or(stored.created_at)))),
            ("Reason", Some(words(order.reason.as_str()))),
            ("Status", Some(words(order.status.as_str()))),
        ],
    );
    let mut blocks = vec![Block::Facts(vec![in_project, party("Customer", contact.as_ref()), details])];
    blocks.extend(text("Description", order.description.as_ref()));
    blocks.push(Block::Table(table(&items, desk)));
    blocks.push(Block::Totals(vec![
        total("Additions", desk.writing.price(order.additions), false),
        total("Deductions", desk.writing.price(order.deductions), false),
        total("Net change", desk.writing.price(order.total_amount), true),
    ]));
    let original = of_project.and_then(|project| project.original_contract_value).unwrap_or(Money::ZERO);
    let before = approved_before(stored, desk).await?;
    blocks.push(Block::Heading("Contract sum".to_owned()));
    blocks.push(Block::Totals(flow(original.decimal(), before, order.total_amount.decimal(), desk)));
    let customer = contact.as_ref().map(party_name).filter(|name| !name.is_empty());
    blocks.push(signatures(order, customer, desk));
    let mark = match order.status {
        ChangeOrderStatus::Draft | ChangeOrderStatus::Rejected => Some(Mark::Draft),
        ChangeOrderStatus::Void => Some(Mark::Void),
        ChangeOrderStatus::Submitted | ChangeOrderStatus::Approved => None,
    };
    let (number, subtitle) = (order.change_order_number.clone(), Some(order.title.to_string()));
    Ok(Content { title: "Change Order", number, subtitle, mark, blocks })
}

/// What the project's change orders add that were approved before this one.
async fn approved_before(stored: &Stored<ChangeOrder>, desk: &mut Desk<'_>) -> Result<Decimal, StoreError> {
    let own = stored.details.approved_at.map(|at| (at, stored.id));
    let others: Vec<Stored<ChangeOrder>> =
        desk.children("projectId", stored.details.project_id.get(), "changeOrderNumber").await?;
    let counts = |other: &&Stored<ChangeOrder>| {
        let approved = other.details.status == ChangeOrderStatus::Approved && other.id != stored.id;
        approved && own.is_none_or(|own| other.details.approved_at.is_some_and(|at| (at, other.id) < own))
    };
    Ok(others.iter().filter(counts).map(|other| other.details.total_amount.decimal()).sum())
}

fn total(label: &str, value: String, grand: bool) -> Total {
    Total { label: label.to_owned(), value, grand }
}

fn flow(original: Decimal, before: Decimal, change: Decimal, desk: &Desk<'_>) -> Vec<Total> {
    let write = |amount: Decimal| desk.writing.decimal(amount);
    vec![
        total("Original contract sum", write(original), false),
        total("Change orders approved before", write(before), false),
        total("Contract sum before this change", write(original + before), false),
        total("This change order", write(change), false),
        total("New contract sum", write(original + before + change), true),
    ]
}

fn table(items: &[Stored<ChangeOrderItem>], desk: &Desk<'_>) -> Table {
    let column = |title: &str, weight, figures| Column { title: title.to_owned(), weight, figures };
    let row = |item: &Stored<ChangeOrderItem>| {
        let item = &item.details;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let amount = item.amount.unwrap_or(Money::ZERO);
        let sign = if amount > Money::ZERO { "+" } else { "" };
        Row {
            cells: vec![
                words(item.change_type.as_str()),
                text(item.mark_name.as_deref()),
                text(item.description.as_deref()),
                quantity(item.quantity.unwrap_or(Quantity::ONE)),
                desk.writing.price(item.unit_price.unwrap_or_default()),
                format!("{sign}{}", desk.writing.price(amount)),
            ],
            minor: false,
        }
    };
    Table {
        summary: "What is added to the contract, changed and taken away".to_owned(),
        columns: vec![
            column("Type", 1.2, false),
            column("Mark", 1.1, false),
            column("Description", 5.0, false),
            column("Qty", 1.1, true),
            column("Unit price", 1.8, true),
            column("Amount", 2.0, true),
        ],
        rows: items.iter().map(row).collect(),
        foot: None,
        empty: "This change order has no items yet.".to_owned(),
    }
}

fn signatures(order: &ChangeOrder, customer: Option<String>, desk: &Desk<'_>) -> Block {
    let approved = order.status == ChangeOrderStatus::Approved;
    let name = order.approved_by.as_deref().filter(|_| approved).map(|name| format!(": {name}")).unwrap_or_default();
    let day = order.approved_at.filter(|_| approved).map(|at| format!(": {}", desk.writing.day(at)));
    let place = |title: String, name: String, day: String| SignaturePlace {
        title,
        note: None,
        lines: vec!["Signature".to_owned(), format!("Printed name{name}"), format!("Date{day}")],
    };
    let customer = customer.map_or_else(|| "Customer".to_owned(), |name| format!("Customer: {name}"));
    Block::Signatures(vec![
        place(customer, name, day.unwrap_or_default()),
        place("Contractor".to_owned(), String::new(), String::new()),
    ])
}
