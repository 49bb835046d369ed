//! Change orders: what is added to a project's contract, or taken away from it.

mod items;
mod steps;

use async_trait::async_trait;

pub use items::{ChangeOrderItem, ChangeType, amount};
pub(crate) use steps::decide;
pub use steps::{Action, Approval, ChangeOrderRejection, ChangeOrderVoiding, LockedChangeOrder, SendToCustomer};

use crate::{
    clock::Timestamp,
    events::Event,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{AccountId, ProjectId, TenantId},
    jobs::{Column, InCsv},
    numbers::Numbering,
    projects::Project,
    resource::{
        FieldType, Filter, Money, Resource, ResourceError, Rules, Saving, Stored,
        ports::{RowReader, Sum},
        summary::{Group, Summary, Total},
    },
    signature_requests::{self, SignatureStatus, SignedType},
    steps::locked,
    store::{StoreError, UnitOfWork},
    text::{Name, Text},
    words,
};

words! {
    /// How far a change order is.
    pub enum ChangeOrderStatus {
        /// It is being prepared.
        Draft = "draft",
        /// It waits for approval.
        Submitted = "submitted",
        /// It is a part of the contract. It is locked.
        Approved = "approved",
        /// It was not approved, and can be changed.
        Rejected = "rejected",
        /// It is not a part of the contract any more.
        Void = "void",
    }
}

words! {
    /// Why a contract is changed.
    pub enum ChangeReason {
        /// The customer asks for it.
        CustomerRequest = "customer_request",
        /// The site is not as it was thought to be.
        FieldConditions = "field_conditions",
        /// The design was changed.
        DesignChange = "design_change",
        /// Anything else.
        Other = "other",
    }
}

/// What is added to a project's contract, or taken away from it.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "change order", events = "change_order", without_created, asks)]
#[resource(read(ChangeOrdersRead), write(ChangeOrdersWrite), delete(ChangeOrdersDelete))]
#[resource(shows("items", "project", "creator", "emailSent", "emailStatus"))]
pub struct ChangeOrder {
    /// Its number. Unless one is sent, the project's next. No two of a project have the same.
    #[field(automatic, unique = "projectId", least = 1, most = 255, search)]
    pub change_order_number: Text,
    /// The project.
    #[field(refers = Project, filter, search)]
    pub project_id: ProjectId,
    /// What it is called.
    #[field(most = 255, search, example = "A second door")]
    pub title: Name,
    /// What is changed.
    pub description: Option<Text>,
    /// How far it is.
    #[field(read_only = "Submit, approve, reject or void the change order.", default = "draft", filter)]
    pub status: ChangeOrderStatus,
    /// Why the contract is changed.
    #[field(example = "customer_request")]
    pub reason: ChangeReason,
    /// What its items come to.
    #[field(ignored, signed, default = 0.00)]
    pub total_amount: Money,
    /// The same.
    #[field(minor, ignored, signed, default = 0.00)]
    pub total: Money,
    /// What its items add.
    #[field(minor, ignored, signed, default = 0.00)]
    pub additions: Money,
    /// What its items take away.
    #[field(minor, ignored, signed, default = 0.00)]
    pub deductions: Money,
    /// Whether the amount of each item is rounded to whole dollars.
    #[field(minor, default = false)]
    pub round_sales_amounts: Option<bool>,
    /// When it was submitted.
    #[field(minor, ignored)]
    pub submitted_at: Option<Timestamp>,
    /// Who submitted it.
    #[field(minor, ignored)]
    pub submitted_by: Option<Text>,
    /// When it was approved.
    #[field(ignored)]
    pub approved_at: Option<Timestamp>,
    /// Who approved it.
    #[field(ignored)]
    pub approved_by: Option<Text>,
    /// When it was rejected.
    #[field(ignored)]
    pub rejected_at: Option<Timestamp>,
    /// Why it was rejected.
    #[field(ignored)]
    pub rejection_reason: Option<Text>,
    /// When it was taken back.
    #[field(minor, ignored)]
    pub voided_at: Option<Timestamp>,
    /// Who took it back.
    #[field(minor, ignored)]
    pub voided_by: Option<Text>,
    /// Why it was taken back.
    #[field(minor, ignored)]
    pub void_reason: Option<Text>,
    /// When it was last sent.
    #[field(minor, ignored)]
    pub sent_at: Option<Timestamp>,
    /// The user who made it, or who made the key that did.
    #[field(minor, ignored)]
    pub created_by: Option<AccountId>,
}

/// The numbers of a project's change orders.
pub static NUMBERING: Numbering = Numbering {
    prefix: "CO-",
    digits: 3,
    shape: ChangeOrder::SHAPE,
    column: "change_order_number",
    within: Some("project_id"),
};

type Allowed = Result<(), Failure<ResourceError>>;

#[async_trait]
impl Rules for ChangeOrder {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        match saving.before {
            None => self.created_by = saving.context.principal.account(),
            Some(before) => {
                before.details.editable()?;
                if self.project_id != before.details.project_id {
                    let fault = Fault::new(
                        "read_only",
                        "A change order stays with its project. Make one for the other project.",
                    );
                    return Err(FieldErrors::one("projectId", fault).into());
                }
                if self.round_sales_amounts != before.details.round_sales_amounts {
                    items::settle(self, before.id, saving.context, saving.uow).await?;
                }
            }
        }
        if self.change_order_number.is_empty() {
            // Last of all: others wait for the project's next number from here on.
            let (tenant, project) = (saving.context.tenant, self.project_id.get());
            self.change_order_number = saving.uow.numbers().next_of(tenant, &NUMBERING, project).await?;
        }
        Ok(())
    }

    const FOLLOWED: bool = true;

    /// A signature is not asked for any more of what was decided otherwise, or says something else now (MNY-18).
    async fn follow(
        before: Option<&Stored<Self>>,
        after: Option<&Stored<Self>>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>, Failure<ResourceError>> {
        if let Some(before) = before {
            let document = (SignedType::ChangeOrder, before.id);
            match after.map(|after| after.details.status) {
                Some(ChangeOrderStatus::Draft | ChangeOrderStatus::Submitted) => {
                    signature_requests::changed(document, context, uow).await?;
                }
                _ => signature_requests::close(document, SignatureStatus::Voided, context, uow).await?,
            }
        }
        Ok(Vec::new())
    }

    async fn delete(stored: &Stored<Self>, _: &Context<'_>, _: &mut dyn UnitOfWork) -> Allowed {
        if stored.details.status == ChangeOrderStatus::Approved {
            return Err(locked(Self::SHAPE.one, stored.details.status, VOID_FIRST).into());
        }
        Ok(())
    }
}

#[async_trait]
impl InCsv for ChangeOrder {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("changeOrderNumber"),
        Column::own("projectId"),
        Column::named("projectNumber", "projectId", &[&["project_number"]]),
        Column::named("project", "projectId", &[&["name"]]),
        Column::own("title"),
        Column::own("reason"),
        Column::own("status"),
        Column::own("totalAmount"),
        Column::own("submittedAt"),
        Column::own("approvedAt"),
        Column::own("approvedBy"),
        Column::own("rejectedAt"),
        Column::own("rejectionReason"),
        Column::own("voidedAt"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
}

const VOID_FIRST: &str = "void it first";

impl ChangeOrder {
    /// Whether a customer can sign it.
    pub(crate) const fn can_be_signed(&self) -> bool {
        matches!(self.status, ChangeOrderStatus::Draft | ChangeOrderStatus::Submitted)
    }

    /// Whether it can be changed (4.1): while it is a draft or rejected.
    fn editable(&self) -> Result<(), ResourceError> {
        let way_out = match self.status {
            ChangeOrderStatus::Draft | ChangeOrderStatus::Rejected => return Ok(()),
            ChangeOrderStatus::Submitted => "reject it first",
            ChangeOrderStatus::Approved => VOID_FIRST,
            ChangeOrderStatus::Void => "make another one",
        };
        Err(locked(Self::SHAPE.one, self.status, way_out))
    }
}

/// How change orders are summed up.
pub static SUMMARY: Summary = Summary {
    filters: &["projectId"],
    totals: &[Total::sum("total_amount", "totalAmount", "What they come to.")],
    groups: &[Group::by("by_status", "status", "status").always(&[
        "draft",
        "submitted",
        "approved",
        "rejected",
        "void",
    ])],
};

/// What approved change orders add to the contracts of the projects that fit.
pub async fn approved_delta(rows: &dyn RowReader, tenant: TenantId, projects: &Filter) -> Result<Money, StoreError> {
    let places = |names: &[&str]| ChangeOrder::SHAPE.places(names);
    let approved = Filter::is(ChangeOrder::SHAPE, "status", ChangeOrderStatus::Approved.to_value().into_owned());
    let by_project =
        rows.sums(tenant, ChangeOrder::SHAPE, &approved, &places(&["projectId"]), &places(&["totalAmount"])).await?;
    let of = |sum: &Sum| Some((sum.groups.first()?.as_integer()?, *sum.sums.first()?));
    let deltas: std::collections::BTreeMap<_, _> = by_project.iter().filter_map(of).collect();
    let ids: Vec<_> = deltas.keys().copied().collect();
    let found = rows.get_many(tenant, Project::SHAPE, &ids).await?;
    let fitting = found.iter().filter(|project| projects.fits(project));
    let delta = fitting.filter_map(|project| deltas.get(&project.id)).sum();
    Money::rounded(delta).map_err(|fault| StoreError::Internal(fault.message))
}
