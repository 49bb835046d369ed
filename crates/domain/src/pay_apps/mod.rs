//! Pay applications: what is billed of a project, period by period, against its schedule of values.

mod chain;
mod lines;
mod seeds;
mod steps;
pub mod sums;

use async_trait::async_trait;

pub use chain::follow_change_orders;
pub use lines::{LineOrigin, LockedPayApp, SovLine};
pub use steps::{Action, ChangePayApp, CreatePayApp, DeletePayApp, PayAppRejection, PayAppVoiding, SendPayApp};

use crate::{
    bids::Bid,
    clock::Timestamp,
    execute::Failure,
    fields::{Fault, FieldErrors},
    ids::{AccountId, ChangeOrderId, ProjectId, TenantId},
    jobs::{Column, InCsv},
    numbers::Numbering,
    projects::Project,
    resource::{
        FieldType, Filter, Money, Percent, Resource, ResourceError, Rules, Saving, Stored, Value,
        ports::{RowReader, Sum},
    },
    steps::locked,
    store::{StoreError, UnitOfWork},
    text::Text,
    users::AnyUser,
    words,
};
use chain::Chain;
use sums::{Before, Share, Terms};

words! {
    /// How far a pay application is.
    pub enum PayAppStatus {
        /// It is being prepared.
        Draft = "draft",
        /// It waits to be approved.
        Submitted = "submitted",
        /// It is certified. What was billed before is frozen.
        Approved = "approved",
        /// It was sent back, and can be edited again.
        Rejected = "rejected",
        /// It is paid.
        Paid = "paid",
        /// It counts for nothing any more.
        Voided = "voided",
    }
}

/// What is billed of a project for a period.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(
    one = "pay app",
    events = "pay_app",
    without_created,
    asks,
    read(PayAppsRead),
    write(PayAppsWrite),
    delete(PayAppsDelete),
    shows("lineItems", "project", "approver")
)]
pub struct PayApp {
    /// Its number. Unless one is sent, the project's next. No two of a project have the same.
    #[field(automatic, unique = "projectId", least = 1, most = 255, search)]
    pub pay_app_number: Text,
    /// The project.
    #[field(refers = Project, filter, search)]
    pub project_id: ProjectId,
    /// How far it is.
    #[field(read_only = "Submit, approve, reject, pay or void the pay app.", default = "draft", filter)]
    pub status: PayAppStatus,
    /// When its period begins.
    #[field(example = "2026-03-01T00:00:00.000Z")]
    pub period_start: Option<Timestamp>,
    /// When its period ends.
    #[field(example = "2026-03-31T00:00:00.000Z")]
    pub period_end: Option<Timestamp>,
    /// Line 1: what was signed. Unless it is sent, that of the application before, or of the project.
    #[field(text, signed, automatic, renewed, example = "75000.00")]
    pub contract_sum: Option<Money>,
    /// Line 2: what approved change orders added. Unless it is sent, their sum, which it follows.
    #[field(text, signed, automatic, renewed)]
    pub change_orders_total: Option<Money>,
    /// Line 3: the contract now.
    #[field(ignored, signed, default = 0.00)]
    pub revised_contract_sum: Money,
    /// Line 4a: what was billed before.
    #[field(ignored, signed, default = 0.00)]
    pub previously_billed: Money,
    /// Line 4b: what is billed of this period.
    #[field(ignored, signed, default = 0.00)]
    pub current_billed: Money,
    /// Line 4c: what lies stored on the site.
    #[field(ignored, signed, default = 0.00)]
    pub materials_stored: Money,
    /// Line 4: completed and stored to date.
    #[field(ignored, signed, default = 0.00)]
    pub total_completed: Money,
    /// How much is held back, in percent. Unless it is sent, that of the application before, or 10.
    #[field(automatic, renewed, most = 100, example = "10.00")]
    pub retainage_percent: Option<Percent>,
    /// Line 5: what is held back, to date.
    #[field(ignored, signed, default = 0.00)]
    pub retainage_amount: Money,
    /// Line 8: what is to be paid now. May be less than nothing.
    #[field(ignored, signed, default = 0.00)]
    pub current_payment_due: Money,
    /// Which application of its project it is: their order.
    #[field(minor, ignored, default = 0)]
    pub application_no: i64,
    /// Line 7: earned less retainage, of the application before.
    #[field(minor, ignored, signed, default = 0.00)]
    pub previous_certificates: Money,
    /// What is held back of this period.
    #[field(minor, ignored, signed, default = 0.00)]
    pub retainage_this_period: Money,
    /// Line 9: what is left of the contract, retainage included.
    #[field(minor, ignored, signed, default = 0.00)]
    pub balance_to_finish: Money,
    /// Completed and stored, of what all lines are worth, in percent.
    #[field(minor, ignored, signed, default = 0.00)]
    pub percent_complete: Share,
    /// What all lines are worth, less line 3.
    #[field(minor, ignored, signed, default = 0.00)]
    pub scheduled_value_difference: Money,
    /// Whether `changeOrdersTotal` follows the approved change orders, and was not sent.
    #[field(minor, ignored, default = true)]
    pub change_orders_total_follows: bool,
    /// When it was submitted.
    #[field(minor, ignored)]
    pub submitted_at: Option<Timestamp>,
    /// The user who submitted it.
    #[field(minor, ignored, refers = AnyUser)]
    pub submitted_by: Option<AccountId>,
    /// When it was approved.
    #[field(minor, ignored)]
    pub approved_at: Option<Timestamp>,
    /// The user who approved it.
    #[field(minor, ignored, refers = AnyUser)]
    pub approved_by: Option<AccountId>,
    /// When it was rejected.
    #[field(minor, ignored)]
    pub rejected_at: Option<Timestamp>,
    /// Why it was rejected.
    #[field(minor, read_only = "`POST /pay-apps/{id}/reject` sets it.")]
    pub rejection_reason: Option<Text>,
    /// When it was paid.
    #[field(minor, ignored)]
    pub paid_at: Option<Timestamp>,
    /// When it was sent to the customer.
    #[field(minor)]
    pub sent_at: Option<Timestamp>,
    /// The user who sent it.
    #[field(minor, refers = AnyUser)]
    pub sent_by: Option<AccountId>,
    /// When it was voided. Has no effect in requests.
    #[field(minor)]
    pub voided_at: Option<Timestamp>,
    /// The user who voided it. Has no effect in requests.
    #[field(minor, refers = AnyUser)]
    pub voided_by: Option<AccountId>,
    /// Why it was voided. Has no effect in requests.
    #[field(minor)]
    pub void_reason: Option<Text>,
    /// What is noted about it.
    #[field(minor)]
    pub notes: Option<Text>,
    /// Kept as it is sent, without effect: the schedule of values has the change orders.
    #[field(minor)]
    pub change_orders: Option<crate::resource::AnyJson>,
}

/// The numbers of a project's pay applications, behind the project's own.
pub static NUMBERING: Numbering =
    Numbering { prefix: "PA", digits: 3, shape: PayApp::SHAPE, column: "pay_app_number", within: Some("project_id") };

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl Rules for PayApp {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        // Times and names of the step back out of which nobody comes (MNY-6).
        let before = saving.before.map(|before| &before.details);
        self.voided_at = before.and_then(|before| before.voided_at);
        self.voided_by = before.and_then(|before| before.voided_by);
        self.void_reason = before.and_then(|before| before.void_reason.clone());
        if let (Some(start), Some(end)) = (self.period_start, self.period_end)
            && end < start
        {
            let name = if saving.sets("periodEnd") { "periodEnd" } else { "periodStart" };
            let fault = Fault::new("invalid_value", "The period ends before it begins.");
            return Err(FieldErrors::one(name, fault).into());
        }
        let sets_total = match before {
            Some(before) => before.change_orders_total != self.change_orders_total,
            None => saving.sets("changeOrdersTotal"),
        };
        let chain = Chain::load(self.project_id, saving.context.tenant, saving.uow).await?;
        match saving.before {
            None => self.begin(&chain, saving).await?,
            Some(before) => {
                before.details.editable()?;
                if self.project_id == before.details.project_id {
                    self.fill(&chain, before.id, saving).await?;
                } else {
                    self.move_to(&chain, before, saving).await?;
                }
            }
        }
        if sets_total {
            self.change_orders_total_follows = self.change_orders_total.is_none();
        }
        if self.change_orders_total_follows {
            self.change_orders_total =
                Some(seeds::change_orders_total(self.project_id, saving.context.tenant, saving.uow).await?);
        }
        if let Some(before) = saving.before.filter(|before| before.details.project_id == self.project_id) {
            let own = lines::of(before.id, saving.context.tenant, saving.uow).await?;
            let earlier = chain.before(self.application_no).map(|earlier| earlier.app.for_next());
            self.settle(&own, earlier).map_err(|fault| FieldErrors::one(Self::blamed(saving), fault))?;
        }
        Ok(())
    }

    async fn restore(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        let chain = Chain::load(self.project_id, saving.context.tenant, saving.uow).await?;
        if chain.is_frozen_behind(self.application_no) {
            let text =
                "A later pay app of the project is approved or paid: both would bill from the same certificates.";
            return Err(ResourceError::Conflict(text.to_owned()).into());
        }
        Ok(())
    }
}

#[async_trait]
impl InCsv for PayApp {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("payAppNumber"),
        Column::own("applicationNo"),
        Column::own("projectId"),
        Column::named("projectNumber", "projectId", &[&["project_number"]]),
        Column::named("project", "projectId", &[&["name"]]),
        Column::own("status"),
        Column::own("periodStart"),
        Column::own("periodEnd"),
        Column::own("contractSum"),
        Column::own("changeOrdersTotal"),
        Column::own("revisedContractSum"),
        Column::own("previouslyBilled"),
        Column::own("currentBilled"),
        Column::own("materialsStored"),
        Column::own("totalCompleted"),
        Column::own("retainagePercent"),
        Column::own("retainageAmount"),
        Column::own("previousCertificates"),
        Column::own("currentPaymentDue"),
        Column::own("balanceToFinish"),
        Column::own("submittedAt"),
        Column::own("approvedAt"),
        Column::own("paidAt"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
}

impl PayApp {
    /// A number for a new one, and what the application before, or the project, says of what was not sent.
    async fn begin(&mut self, chain: &Chain, saving: &mut Saving<'_, Self>) -> Result<()> {
        (self.status, self.submitted_at, self.submitted_by) = (PayAppStatus::Draft, None, None);
        let (before, tenant) = (chain.before(i64::MAX), saving.context.tenant);
        if self.retainage_percent.is_none() {
            let ten = Percent::rounded(10.into()).map_err(|fault| StoreError::Internal(fault.message))?;
            self.retainage_percent = Some(before.and_then(|before| before.app.retainage_percent).unwrap_or(ten));
        }
        if self.contract_sum.is_none() {
            self.contract_sum = Some(match before.and_then(|before| before.app.contract_sum) {
                Some(sum) => sum,
                None => seeds::contract_sum(self.project_id, tenant, saving.uow).await?,
            });
        }
        self.number(saving).await
    }

    /// What was emptied gets its default again.
    async fn fill(&mut self, chain: &Chain, own: i64, saving: &mut Saving<'_, Self>) -> Result<()> {
        let before = chain.before(self.application_no).filter(|before| before.record.id != own);
        if self.retainage_percent.is_none() {
            let ten = Percent::rounded(10.into()).map_err(|fault| StoreError::Internal(fault.message))?;
            self.retainage_percent = Some(before.and_then(|before| before.app.retainage_percent).unwrap_or(ten));
        }
        if self.contract_sum.is_none() {
            self.contract_sum = Some(match before.and_then(|before| before.app.contract_sum) {
                Some(sum) => sum,
                None => seeds::contract_sum(self.project_id, saving.context.tenant, saving.uow).await?,
            });
        }
        Ok(())
    }

    /// Moves to another project as long as nothing is billed: there it is seeded anew, under the next number unless one was sent.
    async fn move_to(&mut self, chain: &Chain, before: &Stored<Self>, saving: &mut Saving<'_, Self>) -> Result<()> {
        let old = lines::of(before.id, saving.context.tenant, saving.uow).await?;
        if old.iter().any(|line| !line.details.is_empty()) {
            let text = "Work is billed on its lines: set that to 0.00 before it moves to another project.".to_owned();
            return Err(ResourceError::Conflict(text).into());
        }
        if !saving.sets("contractSum") {
            self.contract_sum = None;
        }
        if !saving.sets("payAppNumber") {
            self.pay_app_number = Text::default();
        }
        self.begin(chain, saving).await
    }

    /// Takes the project's next number. It is the application's place in the project, and that stays.
    async fn number(&mut self, saving: &mut Saving<'_, Self>) -> Result<()> {
        let (context, project) = (saving.context, self.project_id.get());
        loop {
            let number = saving.uow.numbers().next_of(context.tenant, &NUMBERING, project).await?;
            let digits = number.trim_start_matches(|c: char| !c.is_ascii_digit());
            self.application_no =
                digits.parse().map_err(|_| StoreError::Internal("a number has no digits".to_owned()))?;
            if !self.pay_app_number.is_empty() {
                return Ok(());
            }
            let of_project = seeds::project_number(self.project_id, context.tenant, saving.uow).await?;
            let whole =
                Text::parse(format!("{of_project}-{number}")).map_err(|fault| StoreError::Internal(fault.message))?;
            let mut same = Filter::is(Self::SHAPE, "projectId", Value::Integer(project));
            if let Some((at, _)) = Self::SHAPE.field("payAppNumber") {
                same.add(crate::resource::Condition::IsText(at, whole.to_string()));
            }
            // One that was taken by hand is stepped over.
            if saving.uow.rows().count(context.tenant, Self::SHAPE, &same).await? == 0 {
                self.pay_app_number = whole;
                return Ok(());
            }
        }
    }

    /// Drafts and rejected ones are edited.
    pub(super) fn editable(&self) -> std::result::Result<(), ResourceError> {
        match self.status {
            PayAppStatus::Draft | PayAppStatus::Rejected => Ok(()),
            status => Err(locked(Self::SHAPE.one, status, way_out(status))),
        }
    }

    /// Whether it counts in the chain of its project.
    pub(super) const fn counts(&self) -> bool {
        matches!(
            self.status,
            PayAppStatus::Draft | PayAppStatus::Submitted | PayAppStatus::Approved | PayAppStatus::Paid
        )
    }

    /// Whether it follows the applications before it.
    pub(super) const fn follows(&self) -> bool {
        matches!(self.status, PayAppStatus::Draft | PayAppStatus::Submitted | PayAppStatus::Rejected)
    }

    /// What the next application knows of it.
    pub(super) fn for_next(&self) -> Before {
        let certificates = self.total_completed.decimal() - self.retainage_amount.decimal();
        Before {
            // The difference of two amounts of which one is a part of the other.
            certificates: Money::rounded(certificates).unwrap_or_default(),
            retainage: self.retainage_amount,
            stored: self.materials_stored,
        }
    }

    /// Brings its sums in line with its lines.
    pub(super) fn settle(
        &mut self,
        lines: &[Stored<SovLine>],
        before: Option<Before>,
    ) -> std::result::Result<(), Fault> {
        let terms = Terms {
            contract_sum: self.contract_sum.unwrap_or_default(),
            change_orders: self.change_orders_total.unwrap_or_default(),
            retainage: self.retainage_percent.unwrap_or_default(),
            before,
        };
        let columns: Vec<_> = lines.iter().map(|line| line.details.columns()).collect();
        let sums = sums::sums(&terms, &columns)?;
        self.revised_contract_sum = sums.revised_contract_sum;
        self.previously_billed = sums.previously_billed;
        self.current_billed = sums.current_billed;
        self.materials_stored = sums.materials_stored;
        self.total_completed = sums.total_completed;
        self.retainage_amount = sums.retainage_amount;
        self.retainage_this_period = sums.retainage_this_period;
        self.previous_certificates = sums.previous_certificates;
        self.current_payment_due = sums.current_payment_due;
        self.balance_to_finish = sums.balance_to_finish;
        self.percent_complete = sums.percent_complete;
        self.scheduled_value_difference = sums.scheduled_value_difference;
        Ok(())
    }

    /// The field that is to blame for sums that are beyond all amounts.
    fn blamed(saving: &Saving<'_, Self>) -> &'static str {
        if saving.sets("changeOrdersTotal") { "changeOrdersTotal" } else { "contractSum" }
    }
}

/// What to do with one that is locked.
pub(super) const fn way_out(status: PayAppStatus) -> &'static str {
    match status {
        PayAppStatus::Draft | PayAppStatus::Rejected => "submit it first",
        PayAppStatus::Submitted => "reject it first",
        PayAppStatus::Approved => "void it and make another one",
        PayAppStatus::Paid | PayAppStatus::Voided => "bill on the next one",
    }
}

/// What lay stored at the application before this one: what an invoice of this one takes off.
pub async fn stored_before(
    pay_app: &Stored<PayApp>,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<Money, StoreError> {
    let chain = Chain::load(pay_app.details.project_id, tenant, uow).await?;
    Ok(chain.before(pay_app.details.application_no).map_or(Money::ZERO, |before| before.app.materials_stored))
}

/// Whether a pay application that is submitted, approved or paid bills the line of a change order (MNY-44).
pub async fn bills_change_order(
    project: ProjectId,
    change_order: ChangeOrderId,
    tenant: TenantId,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<bool, StoreError> {
    let chain = Chain::load(project, tenant, uow).await?;
    Ok(chain.applications().iter().any(|application| {
        let locked =
            matches!(application.app.status, PayAppStatus::Submitted | PayAppStatus::Approved | PayAppStatus::Paid);
        let of_it = |line: &&Stored<SovLine>| line.details.change_order_id == Some(change_order);
        locked && application.lines.iter().filter(of_it).any(|line| !line.details.is_empty())
    }))
}

/// Pay applications, summed up.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How many.
    pub count: i64,
    /// What is due of those that are approved.
    pub outstanding: Money,
    /// What was due of those that are paid.
    pub paid: Money,
    /// Of each status, in their order: how many, and what they bill of their periods.
    pub by_status: Vec<(PayAppStatus, Sum)>,
}

/// Sums up the pay applications that fit.
pub async fn summary(
    rows: &dyn RowReader,
    tenant: TenantId,
    filter: &Filter,
) -> std::result::Result<Summary, StoreError> {
    let places = |names: &[&str]| PayApp::SHAPE.places(names);
    let sums = places(&["currentBilled", "currentPaymentDue"]);
    let lines = rows.sums(tenant, PayApp::SHAPE, filter, &places(&["status"]), &sums).await?;
    let of_status = Sum::by(&lines, 0);
    let with_status = |status: PayAppStatus| {
        let found = of_status.iter().find(|sum| sum.groups.first() == Some(&status.to_value()));
        found.cloned().unwrap_or_else(|| Sum::total(&[], sums.len()))
    };
    let due = |status| {
        let due = with_status(status).sums.get(1).copied().unwrap_or_default();
        Money::rounded(due).map_err(|fault| StoreError::Internal(fault.message))
    };
    Ok(Summary {
        count: Sum::total(&lines, sums.len()).count,
        outstanding: due(PayAppStatus::Approved)?,
        paid: due(PayAppStatus::Paid)?,
        by_status: PayAppStatus::ALL.iter().map(|status| (*status, with_status(*status))).collect(),
    })
}

/// The bid whose lines a project bills.
type AcceptedBid = Option<Stored<Bid>>;
