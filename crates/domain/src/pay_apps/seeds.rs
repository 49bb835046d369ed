//! What a new pay application starts with (MNY-27).

use super::{
    AcceptedBid, PayApp,
    chain::{Application, Chain, beyond, goes_on, insert_line, pay_app_id},
    lines::{LineOrigin, SovLine},
    sums,
};
use crate::{
    bids::{Bid, BidLineItem, BidStatus, parts_of_bid},
    change_orders::{ChangeOrder, ChangeOrderStatus},
    execute::{Context, Failure},
    ids::{BidLineItemId, ChangeOrderId, PayAppId, ProjectId, TenantId},
    projects::Project,
    resource::{Filter, Money, Record, Resource, ResourceError, Stored, Value},
    store::{StoreError, UnitOfWork},
    text::{Text, excerpt},
};

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

async fn project(
    id: ProjectId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Option<Project>, StoreError> {
    let found = uow.rows().even_deleted(tenant, Project::SHAPE, &[id.get()]).await?;
    Ok(found.first().map(Record::typed::<Project>).transpose()?.map(|project| project.details))
}

/// The number of a project.
pub(super) async fn project_number(
    id: ProjectId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Text, StoreError> {
    Ok(project(id, tenant, uow).await?.map(|project| project.project_number).unwrap_or_default())
}

/// The accepted bid of a project: the one that it was made from, or else the newest that names it.
async fn accepted_bid(
    id: ProjectId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<AcceptedBid, StoreError> {
    let accepted = |bid: &Stored<Bid>| bid.details.status == BidStatus::Accepted;
    if let Some(bid) = project(id, tenant, uow).await?.and_then(|project| project.bid_id) {
        let found = uow
            .rows()
            .all(tenant, Bid::SHAPE, &Filter::is(Bid::SHAPE, "projectId", Value::Integer(id.get())), 0)
            .await?;
        let found = found.iter().map(Record::typed::<Bid>).collect::<std::result::Result<Vec<_>, _>>()?;
        if let Some(own) = found.into_iter().find(|found| found.id == bid.get() && accepted(found)) {
            return Ok(Some(own));
        }
    }
    let of_project = Filter::is(Bid::SHAPE, "projectId", Value::Integer(id.get()));
    let found = uow.rows().all(tenant, Bid::SHAPE, &of_project, 0).await?;
    let found = found.iter().map(Record::typed::<Bid>).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(found.into_iter().filter(accepted).max_by_key(|bid| (bid.created_at, bid.id)))
}

/// Line 1 of a first application: what was signed, else the accepted bid's total, else nothing.
pub(super) async fn contract_sum(
    id: ProjectId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Money, StoreError> {
    if let Some(signed) = project(id, tenant, uow).await?.and_then(|project| project.original_contract_value) {
        return Ok(signed);
    }
    Ok(accepted_bid(id, tenant, uow).await?.map_or(Money::ZERO, |bid| bid.details.total))
}

/// The approved change orders of a project, by their numbers.
pub(super) async fn approved_change_orders(
    id: ProjectId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Vec<Stored<ChangeOrder>>, StoreError> {
    let shape = ChangeOrder::SHAPE;
    let found = uow.rows().all(tenant, shape, &Filter::is(shape, "projectId", Value::Integer(id.get())), 0).await?;
    let found = found.iter().map(Record::typed::<ChangeOrder>).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut approved: Vec<_> =
        found.into_iter().filter(|order| order.details.status == ChangeOrderStatus::Approved).collect();
    approved.sort_by_key(|order| order.id);
    Ok(approved)
}

/// Line 2: what they add.
pub(super) async fn change_orders_total(
    id: ProjectId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Money, StoreError> {
    let sum =
        approved_change_orders(id, tenant, uow).await?.iter().map(|order| order.details.total_amount.decimal()).sum();
    Money::rounded(sum)
        .map_err(|fault| StoreError::Internal(format!("the change orders of a project: {}", fault.message)))
}

/// A line of its own for a change order.
pub(super) fn change_order_line(order: &Stored<ChangeOrder>, pay_app_id: PayAppId, place: i64) -> Result<SovLine> {
    let ChangeOrder { change_order_number, title, total_amount, .. } = &order.details;
    let mut line =
        new_line(pay_app_id, &format!("{change_order_number} {title}"), *total_amount, LineOrigin::ChangeOrder, place)?;
    line.change_order_id = ChangeOrderId::new(order.id);
    Ok(line)
}

fn new_line(pay_app_id: PayAppId, description: &str, value: Money, origin: LineOrigin, place: i64) -> Result<SovLine> {
    let description =
        Text::parse(excerpt(description.to_owned(), 9_999)).map_err(|fault| StoreError::Internal(fault.message))?;
    let mut line = SovLine {
        pay_app_id,
        item_number: Text::parse((place + 1).to_string()).ok(),
        description,
        scheduled_value: value,
        previous_billed: Money::ZERO,
        current_billed: Money::ZERO,
        materials_stored: Money::ZERO,
        total_to_date: Money::ZERO,
        balance: Money::ZERO,
        percent_complete: sums::Share::ZERO,
        bid_line_item_id: None,
        change_order_id: None,
        origin,
        first_line_id: None,
        opening_billed: Money::ZERO,
        order: Some(place),
    };
    line.settle().map_err(beyond)?;
    Ok(line)
}

/// Stores the lines that a new application starts with: those of the one before it, or of the accepted bid and the change orders.
pub(super) async fn seed(
    record: &Record,
    chain: &Chain,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Vec<Stored<SovLine>>> {
    let (app, tenant) = (record.typed::<PayApp>()?.details, context.tenant);
    let id = pay_app_id(record)?;
    let approved = approved_change_orders(app.project_id, tenant, uow).await?;
    let mut lines = match chain.before(app.application_no) {
        Some(before) => continued(before, id, &approved)?,
        None => first(&app, id, tenant, uow).await?,
    };
    for order in &approved {
        if !lines.iter().any(|line| line.change_order_id.is_some_and(|id| id.get() == order.id)) {
            let place = i64::try_from(lines.len()).unwrap_or(i64::MAX);
            lines.push(change_order_line(order, id, place)?);
        }
    }
    let mut stored = Vec::new();
    for line in &lines {
        stored.push(insert_line(line, context, uow).await?);
    }
    Ok(stored)
}

/// All lines of the application before: what it billed was billed before, and what lay stored still does. The line of a change order
/// that was voided is left behind.
fn continued(before: &Application, id: PayAppId, approved: &[Stored<ChangeOrder>]) -> Result<Vec<SovLine>> {
    let stays = |line: &&Stored<SovLine>| {
        line.details.change_order_id.is_none_or(|id| approved.iter().any(|order| order.id == id.get()))
    };
    let next = before.lines.iter().filter(stays).zip(0..).map(|(line, place)| {
        let billed = line.details.previous_billed.decimal() + line.details.current_billed.decimal();
        let billed = Money::rounded(billed).map_err(beyond)?;
        goes_on(line, id, billed, line.details.materials_stored, place).map_err(beyond)
    });
    next.collect()
}

/// The lines of the accepted bid at what the customer pays for each, or one line of the whole contract.
async fn first(app: &PayApp, id: PayAppId, tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Vec<SovLine>> {
    let contract = app.contract_sum.unwrap_or_default();
    let Some(bid) = accepted_bid(app.project_id, tenant, uow).await? else {
        let line = new_line(id, "Contract", contract, LineOrigin::Contract, 0)?;
        return Ok(if contract.is_zero() { Vec::new() } else { vec![line] });
    };
    let of_bid = parts_of_bid::<BidLineItem>(bid.id, tenant, uow).await?;
    let prices: Vec<_> = of_bid.iter().map(|line| line.details.sell_total).collect();
    let discounts = sums::shares(bid.details.discount_amount, &prices).map_err(beyond)?;
    let mut lines = Vec::new();
    for ((line, discount), place) in of_bid.iter().zip(discounts).zip(0..) {
        let value = Money::rounded(line.details.sell_total.decimal() - discount.decimal()).map_err(beyond)?;
        let mut seeded = new_line(id, &line.details.description, value, LineOrigin::BidLine, place)?;
        seeded.bid_line_item_id = BidLineItemId::new(line.id);
        lines.push(seeded);
    }
    if !bid.details.tax_amount.is_zero() {
        let place = i64::try_from(lines.len()).unwrap_or(i64::MAX);
        lines.push(new_line(id, "Sales tax", bid.details.tax_amount, LineOrigin::SalesTax, place)?);
    }
    Ok(lines)
}
