//! Bids: what a customer is offered, line by line, and what it comes to.

mod copies;
mod expiry;
mod lines;
mod steps;
pub mod sums;

use async_trait::async_trait;
use num_traits::Zero;

pub use copies::{Conversion, Convert, Duplicate, MappingStrategy};
pub use expiry::{Expire, Overdue, OverdueBids, expire_overdue};
pub(crate) use lines::of_bid as parts_of_bid;
pub use lines::{
    BidLineItem, BidPart, CostItem, CostItemType, Figure, ImportKit, KitImport, ProjectCost, WriteBidPart,
};
pub(crate) use steps::decide;
pub use steps::{Acceptance, Action, Cancellation, Reversal};

use crate::{
    clock::Timestamp,
    contacts::Contact,
    events::Event,
    exact::{Exact, Rounding, exact},
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{AccountId, ContactId, LeadId, PaymentTermId, ProjectId, TenantId},
    jobs::{Column, InCsv},
    leads::Lead,
    numbers::Numbering,
    projects::Project,
    resource::{
        Filter, Fixed, Money, Percent, Quantity, Record, Resource, ResourceError, Rules, Saving, Sent, Shape, Stored,
        Told, Value, event,
        ports::RowReader,
        store,
        summary::{Group, Summary, Total},
    },
    selling::{PaymentTerm, SalesTaxBase, SellingSettings},
    signature_requests::{self, SignatureStatus, SignedType},
    steps::locked,
    store::{StoreError, UnitOfWork},
    tenants::TimeZone,
    text::{Name, Text},
    users::AnyUser,
    words,
};
use sums::{LineTerms, Terms};

words! {
    /// How far a bid is.
    pub enum BidStatus {
        /// It is being prepared.
        Draft = "draft",
        /// The customer has it.
        Sent = "sent",
        /// The customer took it. It is locked.
        Accepted = "accepted",
        /// The customer did not take it.
        Rejected = "rejected",
        /// It was valid until a day that is past.
        Expired = "expired",
        /// It was withdrawn. It is locked.
        Cancelled = "cancelled",
    }
}

words! {
    /// What a discount is.
    pub enum DiscountType {
        /// An amount.
        Fixed = "fixed",
        /// Percents of the subtotal.
        Percentage = "percentage",
        /// The same, as some programs call it.
        Percent = "percent",
    }
}

/// What a customer is offered.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "bid", events = "bid", asks, read(BidsRead), write(BidsWrite), delete(BidsDelete))]
#[resource(shows("lineItems", "distributedCosts", "changeOrderItems", "emailSent", "emailStatus"))]
pub struct Bid {
    /// Its number. Unless one is sent, the tenant's next. No two bids have the same.
    #[field(automatic, unique, least = 1, most = 255, search)]
    pub bid_number: Text,
    /// What it is called.
    #[field(minor, most = 255, search, example = "Garage, Elm Street")]
    pub name: Option<Name>,
    /// The contact that it is for.
    #[field(refers = Contact, filter, search)]
    pub contact_id: Option<ContactId>,
    /// The lead that it is for. The lead's value follows the total of its newest bid.
    #[field(refers = Lead, filter)]
    pub lead_id: Option<LeadId>,
    /// The project that it is for, or that was made from it.
    #[field(refers = Project, filter)]
    pub project_id: Option<ProjectId>,
    /// How far it is.
    #[field(
        read_only = "Send, accept, reject, cancel or reopen the bid, or revert its acceptance.",
        default = "draft",
        filter
    )]
    pub status: BidStatus,
    /// What its lines come to.
    #[field(ignored, signed, default = 0.00)]
    pub subtotal: Money,
    /// The sales tax.
    #[field(ignored, signed, default = 0.00)]
    pub tax_amount: Money,
    /// What the customer pays: the subtotal less the discount, and the tax.
    #[field(ignored, signed, default = 0.00)]
    pub total: Money,
    /// What the discount takes away.
    #[field(minor, ignored, default = 0.00)]
    pub discount_amount: Money,
    /// The sales tax on all of it, in percent. `null`: each line has its own.
    #[field(most = 100, example = "8.125")]
    pub tax_rate: Option<Percent>,
    /// The discount: an amount, or percents.
    #[field(example = "5.00")]
    pub discount: Option<Quantity>,
    /// Whether the discount is an amount (`fixed`, or `null`) or percents of the subtotal (`percentage`, or `percent`).
    #[field(example = "percentage")]
    pub discount_type: Option<DiscountType>,
    /// When it is to be ready.
    #[field(minor)]
    pub due_date: Option<Timestamp>,
    /// The last day on which it can be accepted.
    #[field(example = "2026-03-31T00:00:00.000Z")]
    pub valid_until: Option<Timestamp>,
    /// What the tenant's people note about it.
    pub notes: Option<Text>,
    /// The terms that it is printed with, as simple HTML.
    #[field(most = 50_000)]
    pub terms: Option<Text>,
    /// Street and number of the site.
    #[field(most = 2_000, example = "12 Elm Street")]
    pub site_address: Option<Text>,
    /// The site's city.
    #[field(minor, most = 255, example = "Springfield")]
    pub site_city: Option<Text>,
    /// The site's state.
    #[field(minor, most = 100, example = "IL")]
    pub site_state: Option<Text>,
    /// The site's postal code.
    #[field(minor, most = 20, example = "62701")]
    pub site_zip_code: Option<Text>,
    /// The site's latitude, in degrees.
    #[field(minor, least = -90, most = 90, example = "41.881832")]
    pub latitude: Option<Fixed<3, 8>>,
    /// The site's longitude, in degrees.
    #[field(minor, least = -180, most = 180, example = "-87.623177")]
    pub longitude: Option<Fixed<3, 8>>,
    /// When it was last sent. Can be put right as long as it is sent.
    pub sent_at: Option<Timestamp>,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// Who accepted it.
    #[field(most = 255)]
    pub accepted_by: Option<Text>,
    /// When it was rejected. Can be put right as long as it is rejected.
    #[field(minor)]
    pub rejected_at: Option<Timestamp>,
    /// Why it was cancelled.
    #[field(minor)]
    pub cancel_reason: Option<Text>,
    /// When it was cancelled.
    #[field(minor)]
    pub cancelled_at: Option<Timestamp>,
    /// How far it was when it was cancelled.
    #[field(minor)]
    pub cancelled_from_status: Option<BidStatus>,
    /// The margin, in percent of the selling price.
    #[field(minor)]
    pub margin_percent: Option<Percent>,
    /// The company's overhead, in percent of the selling price.
    #[field(minor)]
    pub company_oh_percent: Option<Percent>,
    /// The commission, in percent of the selling price.
    #[field(minor)]
    pub commission_percent: Option<Percent>,
    /// Whether the cost items of its lines are printed, without their costs.
    #[field(minor, default = false)]
    pub show_sublines: Option<bool>,
    /// Whether each line, the discount and the tax are rounded to whole dollars.
    #[field(minor, default = false)]
    pub round_sales_amounts: Option<bool>,
    /// When the customer pays, as simple HTML.
    #[field(minor, most = 50_000)]
    pub payment_terms_text: Option<Text>,
    /// When the customer pays, as one of the tenant's payment terms.
    #[field(minor, refers = PaymentTerm)]
    pub payment_term_id: Option<PaymentTermId>,
    /// Where it stands on the board.
    #[field(minor, default = 0, least = -2_147_483_648, most = 2_147_483_647)]
    pub kanban_order: i64,
    /// The user who made it, or who made the key that did.
    #[field(minor, refers = AnyUser)]
    pub created_by: Option<AccountId>,
    /// When the customer looked at it.
    #[field(minor, ignored)]
    pub viewed_at: Option<Timestamp>,
    /// What sales tax is taken of.
    #[field(minor, ignored, default = "price")]
    pub sales_tax_base: SalesTaxBase,
}

/// The numbers of a tenant's bids.
pub static NUMBERING: Numbering =
    Numbering { prefix: "BID-", digits: 3, shape: Bid::SHAPE, column: "bid_number", within: None };

type Allowed = Result<(), Failure<ResourceError>>;

#[async_trait]
impl Rules for Bid {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        match saving.before {
            None => self.begin(saving).await?,
            Some(before) => {
                before.details.editable()?;
                self.keep_facts(&before.details);
                if before.details.is_overdue(saving.context) {
                    self.status = BidStatus::Expired;
                }
            }
        }
        let before = saving.before;
        self.check(saving.sent)?;
        if before.is_some_and(|before| self.terms_differ(&before.details))
            && let Some(before) = before
        {
            self.settle(before.id, saving.sent, saving.context, saving.uow).await?;
        }
        if self.bid_number.is_empty() {
            // Last of all: others wait for the tenant's next number from here on.
            self.bid_number = saving.uow.numbers().next(saving.context.tenant, &NUMBERING).await?;
        }
        Ok(())
    }

    fn also_tell(context: &Context<'_>, before: Option<&Stored<Self>>, after: &Stored<Self>) -> Vec<Event> {
        let was_sent = before.is_some_and(|before| before.details.status == BidStatus::Sent);
        let expired = was_sent && after.details.status == BidStatus::Expired;
        expired.then(|| event(context, Self::SHAPE, "bid.expired", &after.record(), None)).into_iter().collect()
    }

    const FOLLOWED: bool = true;

    /// A lead's value follows the total of its newest bid that may still bring it (CRM-19). A signature is not asked for any more of what
    /// was decided otherwise, or says something else now (MNY-18).
    async fn follow(
        before: Option<&Stored<Self>>,
        after: Option<&Stored<Self>>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>, Failure<ResourceError>> {
        if let Some(before) = before {
            let document = (SignedType::Bid, before.id);
            match after.map(|after| after.details.status) {
                Some(BidStatus::Draft | BidStatus::Sent) => {
                    signature_requests::changed(document, context, uow).await?;
                }
                Some(BidStatus::Expired) => {
                    signature_requests::close(document, SignatureStatus::Expired, context, uow).await?;
                }
                _ => signature_requests::close(document, SignatureStatus::Voided, context, uow).await?,
            }
        }
        let shown = |bid: Option<&Stored<Self>>| {
            let bid = &bid?.details;
            Some((bid.lead_id?, bid.total, bid.status))
        };
        let (was, is) = (shown(before), shown(after));
        let mut leads: Vec<LeadId> = [was, is].into_iter().flatten().map(|(lead, ..)| lead).collect();
        leads.sort_unstable();
        leads.dedup();
        let mut told = Vec::new();
        for lead in leads.into_iter().filter(|_| was != is) {
            told.extend(value_lead(lead, context, uow).await?);
        }
        Ok(told)
    }

    async fn delete(stored: &Stored<Self>, _: &Context<'_>, _: &mut dyn UnitOfWork) -> Allowed {
        match stored.details.status {
            BidStatus::Accepted => Ok(stored.details.editable()?),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl InCsv for Bid {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("bidNumber"),
        Column::own("name"),
        Column::own("status"),
        Column::own("contactId"),
        Column::named("contact", "contactId", Column::CONTACT),
        Column::own("leadId"),
        Column::own("projectId"),
        Column::own("dueDate"),
        Column::own("validUntil"),
        Column::own("subtotal"),
        Column::own("discountType"),
        Column::own("discount"),
        Column::own("discountAmount"),
        Column::own("taxRate"),
        Column::own("taxAmount"),
        Column::own("total"),
        Column::own("siteAddress"),
        Column::own("siteCity"),
        Column::own("siteState"),
        Column::own("siteZipCode"),
        Column::own("sentAt"),
        Column::own("acceptedAt"),
        Column::own("acceptedBy"),
        Column::own("rejectedAt"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
}

async fn value_lead(
    lead: LeadId,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Vec<Event>, Failure<ResourceError>> {
    let tenant = context.tenant;
    let Some(before) = uow.rows().lock(tenant, Lead::SHAPE, lead.get()).await? else { return Ok(Vec::new()) };
    let of_lead = Filter::is(Bid::SHAPE, "leadId", Value::Integer(lead.get()));
    let bids = uow.rows().all(tenant, Bid::SHAPE, &of_lead, 0).await?;
    let bids = bids.iter().map(Record::typed::<Bid>).collect::<Result<Vec<_>, _>>()?;
    let open = bids
        .iter()
        .filter(|bid| !matches!(bid.details.status, BidStatus::Rejected | BidStatus::Expired | BidStatus::Cancelled));
    let newest = open.max_by_key(|bid| (bid.created_at, bid.id)).map(|bid| bid.details.total);
    let mut after = before.typed::<Lead>()?.details;
    if let Some(total) = newest.filter(|total| *total > Money::ZERO) {
        after.estimated_value = Some(total);
    }
    Ok(store(&before, &after, Told::Updated, context, uow).await?.1)
}

impl Bid {
    /// What a new bid starts from, unless the request says otherwise: the tenant's settings.
    async fn begin(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let context = saving.context;
        let settings = SellingSettings::of(context.tenant, saving.uow).await?;
        let rates = [
            ("marginPercent", &mut self.margin_percent, settings.margin_percent),
            ("companyOhPercent", &mut self.company_oh_percent, settings.company_oh_percent),
            ("commissionPercent", &mut self.commission_percent, settings.commission_percent),
        ];
        for (name, rate, default) in rates {
            if !saving.sets(name) {
                *rate = Some(default.unwrap_or_default());
            }
        }
        let valid_until = settings.valid_until(context);
        let texts = [
            ("terms", &mut self.terms, settings.terms),
            ("paymentTermsText", &mut self.payment_terms_text, settings.payment_terms_text),
        ];
        for (name, text, default) in texts {
            if !saving.sets(name) {
                *text = default;
            }
        }
        if !saving.sets("validUntil") {
            self.valid_until = valid_until;
        }
        if !saving.sets("createdBy") {
            self.created_by = context.principal.account();
        }
        if !saving.sets("salesTaxBase") {
            self.sales_tax_base = settings.sales_tax_base;
        }
        // A draft was not sent, accepted, rejected or cancelled (MNY-6).
        (self.sent_at, self.accepted_at, self.accepted_by, self.rejected_at) = (None, None, None, None);
        (self.cancelled_at, self.cancel_reason, self.cancelled_from_status) = (None, None, None);
        Ok(())
    }

    /// A time of a step is put right only while the bid is in the state that the step leads to (MNY-6).
    fn keep_facts(&mut self, before: &Self) {
        if before.status != BidStatus::Sent {
            self.sent_at = before.sent_at;
        }
        if before.status != BidStatus::Rejected {
            self.rejected_at = before.rejected_at;
        }
        (self.accepted_at, self.accepted_by) = (before.accepted_at, before.accepted_by.clone());
        (self.cancelled_at, self.cancel_reason) = (before.cancelled_at, before.cancel_reason.clone());
        self.cancelled_from_status = before.cancelled_from_status;
    }

    /// What cannot be, whatever the lines are: at the fields that were sent.
    fn check(&self, sent: Sent) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::new();
        if !sums::leaves_cost(&self.rates()) {
            let rates = ["marginPercent", "companyOhPercent", "commissionPercent"];
            let fault =
                || Fault::new("too_large", "Margin, overhead and commission together must be below 100 percent.");
            at_sent(Self::SHAPE, sent, &rates, &mut errors, fault);
        }
        let percents = matches!(self.discount_type, Some(DiscountType::Percentage | DiscountType::Percent));
        if percents && exact(self.discount.unwrap_or_default().decimal()) > exact(100) {
            let fault = || Fault::new("too_large", "Must be 100 or less, in percent.");
            at_sent(Self::SHAPE, sent, &["discount", "discountType"], &mut errors, fault);
        }
        errors.or(())
    }

    /// Margin, overhead and commission, in percent of the selling price.
    fn rates(&self) -> Exact {
        let rates = [self.margin_percent, self.company_oh_percent, self.commission_percent];
        rates.into_iter().flatten().map(|rate| exact(rate.decimal())).sum()
    }

    /// Whether its lines' prices are loaded with margin, overhead or commission.
    fn is_loaded(&self) -> bool {
        !self.rates().is_zero()
    }

    /// What it says about its sums.
    fn terms(&self, project_costs: Exact) -> Terms {
        Terms {
            rates: self.rates(),
            project_costs,
            discount_type: self.discount_type,
            discount: self.discount,
            tax_rate: self.tax_rate,
            tax_base: self.sales_tax_base,
            rounding: Rounding::of(self.round_sales_amounts),
        }
    }

    fn terms_differ(&self, before: &Self) -> bool {
        self.terms(Exact::zero()) != before.terms(Exact::zero())
    }

    /// Whether it can be changed (3.1): refused while it is accepted or cancelled.
    fn editable(&self) -> Result<(), ResourceError> {
        match way_out(self.status) {
            Some(way_out) => Err(locked(Self::SHAPE.one, self.status, way_out)),
            None => Ok(()),
        }
    }

    /// Whether the last day on which it can be accepted is past, at the tenant's (MNY-5).
    fn is_overdue(&self, context: &Context<'_>) -> bool {
        self.is_past(context.principal.time_zone(), context.now)
    }

    /// Whether a customer can sign it now, at the tenant's.
    pub(crate) fn can_be_signed(&self, zone: TimeZone, now: Timestamp) -> bool {
        matches!(self.status, BidStatus::Draft | BidStatus::Sent) && !self.is_past(zone, now)
    }

    fn is_past(&self, zone: TimeZone, now: Timestamp) -> bool {
        self.status == BidStatus::Sent && self.is_out_of_date(zone, now)
    }

    /// Whether its last day is past, whatever it is.
    fn is_out_of_date(&self, zone: TimeZone, now: Timestamp) -> bool {
        self.valid_until.is_some_and(|until| zone.day_of(until) < zone.today(now))
    }

    /// Brings its sums, and the selling prices of its lines, in line with what it and they say. What is beyond all amounts is refused at
    /// the fields that were sent. It must be locked.
    async fn settle(&mut self, id: i64, sent: Sent, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Allowed {
        let refuse = |fault: Fault| {
            let mut errors = FieldErrors::new();
            let all: Vec<_> = Self::SHAPE.fields.iter().map(|field| field.name).collect();
            at_sent(Self::SHAPE, sent, &all, &mut errors, || fault.clone());
            Failure::from(errors)
        };
        let lines = lines::of_bid::<BidLineItem>(id, context.tenant, uow).await?;
        self.settle_with(id, &lines, context, uow).await?.map_err(refuse)
    }

    /// [`settle`](Self::settle), of lines at hand.
    async fn settle_with(
        &mut self,
        id: i64,
        lines: &[Stored<BidLineItem>],
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Result<(), Fault>, Failure<ResourceError>> {
        let costs = lines::of_bid::<ProjectCost>(id, context.tenant, uow).await?;
        let project_costs = costs.iter().map(|cost| exact(cost.details.rate.decimal())).sum();
        let line_terms: Vec<_> = lines.iter().map(|line| LineTerms::of(&line.details)).collect();
        let quantities = line_terms.iter().map(|line| &line.quantity).sum();
        for cost in costs {
            let per_unit = match sums::per_unit(cost.details.rate, &quantities) {
                Ok(per_unit) => per_unit,
                Err(fault) => return Ok(Err(fault)),
            };
            if per_unit != cost.details.per_unit {
                let details = ProjectCost { per_unit, ..cost.details.clone() };
                uow.rows().update(context.tenant, ProjectCost::SHAPE, &Stored { details, ..cost }.record()).await?;
            }
        }
        let (prices, sums) = match sums::sums(&self.terms(project_costs), &line_terms) {
            Ok(sums) => sums,
            Err(fault) => return Ok(Err(fault)),
        };
        for (line, price) in lines.iter().zip(prices) {
            let mut after = line.details.clone();
            if let Err(fault) = after.price(price) {
                return Ok(Err(fault));
            }
            if after != line.details {
                let after = Stored { details: after, updated_at: context.now.max(line.updated_at), ..line.clone() };
                uow.rows().update(context.tenant, BidLineItem::SHAPE, &after.record()).await?;
            }
        }
        self.take_sums(&sums);
        Ok(Ok(()))
    }

    const fn take_sums(&mut self, sums: &sums::Sums) {
        (self.subtotal, self.discount_amount) = (sums.subtotal, sums.discount_amount);
        (self.tax_amount, self.total) = (sums.tax_amount, sums.total);
    }
}

/// The way out of a state in which a bid is locked.
fn way_out(status: BidStatus) -> Option<&'static str> {
    match status {
        BidStatus::Accepted => Some("revert its acceptance first"),
        BidStatus::Cancelled => Some("reopen it first"),
        BidStatus::Draft | BidStatus::Sent | BidStatus::Rejected | BidStatus::Expired => None,
    }
}

/// Adds a fault at each of these fields that was sent, or at the first of them.
fn at_sent(shape: &Shape, sent: Sent, names: &[&str], errors: &mut FieldErrors, fault: impl Fn() -> Fault) {
    let is_sent = |name: &&&str| shape.field(name).is_some_and(|(at, _)| sent.has(at));
    let mut blamed: Vec<_> = names.iter().filter(is_sent).collect();
    blamed.extend(names.first().filter(|_| blamed.is_empty()));
    for name in blamed {
        errors.push(name, fault());
    }
}

/// How bids are summed up.
pub static SUMMARY: Summary = Summary {
    filters: &["contactId", "createdBy"],
    totals: &[Total::sum("total_value", "total", "What they come to.")],
    groups: &[Group::by("by_status", "status", "status").always(&["draft", "sent", "accepted", "rejected", "expired"])],
};

/// In how many bids a product is that are drafted, sent or accepted: in a line, or in a cost item.
pub async fn bids_with(rows: &dyn RowReader, tenant: TenantId, product: i64) -> Result<usize, StoreError> {
    let mut bids = std::collections::BTreeSet::new();
    for shape in [BidLineItem::SHAPE, CostItem::SHAPE] {
        let found = rows.all(tenant, shape, &Filter::is(shape, "productId", Value::Integer(product)), 0).await?;
        let at = shape.places(&["bidId"]);
        bids.extend(found.iter().flat_map(|row| at.iter().filter_map(|at| row.values.get(*at)?.as_integer())));
    }
    let bids: Vec<_> = bids.into_iter().collect();
    let bids = rows.get_many(tenant, Bid::SHAPE, &bids).await?;
    let bids = bids.iter().map(Record::typed::<Bid>).collect::<Result<Vec<_>, _>>()?;
    let open =
        |bid: &&Stored<Bid>| matches!(bid.details.status, BidStatus::Draft | BidStatus::Sent | BidStatus::Accepted);
    Ok(bids.iter().filter(open).count())
}
