//! What an invoice says on paper.

use super::{
    Block, Column, Mark, Row, Table, Total,
    compose::{Content, Desk, facts, party, text},
    write::{percent, quantity},
};
use crate::{
    bids::Bid,
    invoices::{DiscountKind, Invoice, InvoiceLineItem, InvoicePayment, InvoiceStatus},
    pay_apps::PayApp,
    resource::{Money, Stored},
    selling::PaymentTerm,
    store::StoreError,
    wording::words,
};

pub(super) async fn compose(stored: &Stored<Invoice>, desk: &mut Desk<'_>) -> Result<Content, StoreError> {
    let invoice = &stored.details;
    let contact = desk.contact(invoice.contact_id).await?;
    let lines: Vec<Stored<InvoiceLineItem>> = desk.children("invoiceId", stored.id, "position").await?;
    let payments: Vec<Stored<InvoicePayment>> = desk.children("invoiceId", stored.id, "paidAt").await?;
    let mut blocks = vec![
        Block::Facts(vec![
            party("Bill to", contact.as_ref()),
            details(invoice, desk).await?,
            subject(invoice, desk).await?,
        ]),
        Block::Table(table(&lines, desk)),
        Block::Totals(totals(invoice, &payments, desk)),
    ];
    blocks.extend(text("Notes", invoice.notes_to_customer.as_ref()));
    blocks.extend(text("Payment terms", invoice.payment_terms_text.as_ref()));
    blocks.extend(text("How to pay", desk.settings.how_to_pay.as_ref()));
    blocks.extend(text("Terms and conditions", invoice.terms.as_ref()));
    let mark = match invoice.status {
        InvoiceStatus::Draft => Some(Mark::Draft),
        InvoiceStatus::Voided => Some(Mark::Void),
        InvoiceStatus::Paid => Some(Mark::Paid),
        InvoiceStatus::Sent | InvoiceStatus::Partial => None,
    };
    Ok(Content { title: "Invoice", number: invoice.invoice_number.clone(), subtitle: None, mark, blocks })
}

async fn details(invoice: &Invoice, desk: &mut Desk<'_>) -> Result<super::Facts, StoreError> {
    let term: Option<PaymentTerm> = desk.ever(invoice.payment_term_id.map(crate::ids::PaymentTermId::get)).await?;
    let day = |moment: Option<_>| moment.map(|moment| desk.writing.day(moment));
    let rows = vec![
        ("Number", Some(invoice.invoice_number.to_string())),
        ("Issue date", Some(desk.writing.day_or_dash(invoice.issue_date))),
        ("Due date", day(invoice.due_date)),
        ("Terms", term.map(|term| term.name.to_string())),
    ];
    Ok(facts("Invoice details", rows))
}

/// What it is for.
async fn subject(invoice: &Invoice, desk: &mut Desk<'_>) -> Result<super::Facts, StoreError> {
    let project = desk.project(invoice.project_id).await?;
    let bid: Option<Bid> = desk.ever(invoice.source_bid_id.map(crate::ids::BidId::get)).await?;
    let pay_app: Option<PayApp> = desk.ever(invoice.source_pay_app_id.map(crate::ids::PayAppId::get)).await?;
    let rows = vec![
        ("", project.as_ref().map(|project| project.name.to_string())),
        ("Project", project.as_ref().map(|project| project.project_number.to_string())),
        ("Bid", bid.map(|bid| bid.bid_number.to_string())),
        ("Pay application", pay_app.map(|pay_app| pay_app.pay_app_number.to_string())),
    ];
    Ok(facts("Project", rows))
}

fn table(lines: &[Stored<InvoiceLineItem>], desk: &Desk<'_>) -> Table {
    let column = |title: &str, weight, figures| Column { title: title.to_owned(), weight, figures };
    let row = |line: &Stored<InvoiceLineItem>| {
        let line = &line.details;
        let (rate, amount) = (desk.writing.price(line.unit_price), desk.writing.price(line.amount));
        Row { cells: vec![line.description.to_string(), quantity(line.quantity), rate, amount], minor: false }
    };
    Table {
        summary: "What is billed, line by line".to_owned(),
        columns: vec![
            column("Description", 6.0, false),
            column("Qty", 1.2, true),
            column("Rate", 1.8, true),
            column("Amount", 1.9, true),
        ],
        rows: lines.iter().map(row).collect(),
        foot: None,
        empty: "This invoice has no lines yet.".to_owned(),
    }
}

fn totals(invoice: &Invoice, payments: &[Stored<InvoicePayment>], desk: &Desk<'_>) -> Vec<Total> {
    let total = |label: String, value: String, grand| Total { label, value, grand };
    let mut totals = vec![total("Subtotal".to_owned(), desk.writing.price(invoice.subtotal), false)];
    if !invoice.discount_amount.is_zero() {
        let share = invoice.discount_type == DiscountKind::Percentage;
        let share = if share { format!(" ({})", percent(invoice.discount)) } else { String::new() };
        totals.push(total(format!("Discount{share}"), desk.writing.decimal(-invoice.discount_amount.decimal()), false));
    }
    let rate = if invoice.tax_rate.is_zero() { String::new() } else { format!(" ({})", percent(invoice.tax_rate)) };
    totals.push(total(format!("Sales tax{rate}"), desk.writing.price(invoice.tax_amount), false));
    totals.push(total("Total".to_owned(), desk.writing.price(invoice.total), true));
    for payment in payments.iter().map(|payment| &payment.details).filter(|payment| payment.voided_at.is_none()) {
        let method = payment.method.map(|method| words(method.as_str()));
        let told = [
            payment.paid_at.map(|at| desk.writing.day(at)),
            method,
            payment.reference.as_ref().map(ToString::to_string),
        ];
        let told = told.into_iter().flatten().collect::<Vec<_>>().join(", ");
        totals.push(total(format!("Paid {told}"), desk.writing.decimal(-payment.amount.decimal()), false));
    }
    let due = if invoice.status == InvoiceStatus::Voided { Money::ZERO } else { invoice.balance_due };
    totals.push(total("Balance due".to_owned(), desk.writing.price(due), true));
    totals
}
