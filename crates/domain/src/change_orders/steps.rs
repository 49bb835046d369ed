//! The states of a change order, and the steps between them: the table of 4.2, as data.

use async_trait::async_trait;

use super::{ChangeOrder, ChangeOrderItem, ChangeOrderStatus};
use crate::{
    events::Event,
    exact::{Rounding, exact},
    execute::{Applied, Command, Context, Failure},
    fields::FieldErrors,
    ids::ChangeOrderId,
    mail::{Enclosed, Sending, post, recipient},
    parts::{Part, parts_of},
    pay_apps,
    projects::Project,
    resource::{Record, Resource, ResourceError, Told, store},
    scopes::{ScopeId, ScopeSet},
    steps::{self, Action as _, Step, acting, locked},
    store::UnitOfWork,
    text::Text,
};
use ChangeOrderStatus::{Approved, Draft, Rejected, Submitted, Void};

/// Every step between the states of a change order.
const STEPS: &[Step<ChangeOrderStatus>] = &[
    Step {
        name: "submit",
        from: &[Draft, Rejected],
        to: Some(Submitted),
        told: Told::As("change_order.submitted"),
        needs: &[ScopeId::ChangeOrdersWrite],
        instead: "only a draft or a rejected one is submitted",
    },
    Step {
        name: "approve",
        from: &[Submitted],
        to: Some(Approved),
        told: Told::As("change_order.approved"),
        needs: &[ScopeId::ChangeOrdersApprove],
        instead: "submit it first",
    },
    Step {
        name: "reject",
        from: &[Submitted],
        to: Some(Rejected),
        told: Told::As("change_order.rejected"),
        needs: &[ScopeId::ChangeOrdersApprove],
        instead: "only a submitted one is rejected",
    },
    Step {
        name: "void",
        from: &[Approved],
        to: Some(Void),
        told: Told::As("change_order.voided"),
        needs: &[ScopeId::ChangeOrdersApprove],
        instead: "only an approved one is voided, delete it instead",
    },
];

/// What is done to a change order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It waits for approval from then on.
    Submit,
    /// It becomes a part of the contract.
    Approve(Approval),
    /// It does not.
    Reject(ChangeOrderRejection),
    /// It is no part of the contract any more.
    Void(ChangeOrderVoiding),
}

/// That a change order is approved.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "approval")]
pub struct Approval {
    /// Who approved it. Unless it is sent, the caller.
    #[field(least = 1, most = 255, example = "Ann Example")]
    pub approved_by: Option<Text>,
}

/// That a change order is not approved.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "rejection")]
pub struct ChangeOrderRejection {
    /// Why.
    #[field(least = 1, most = 2_000, example = "Too expensive.")]
    pub reason: Text,
}

/// That a change order is taken back.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "voiding")]
pub struct ChangeOrderVoiding {
    /// Why.
    #[field(most = 2_000, example = "Approved by mistake.")]
    pub reason: Option<Text>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl steps::Action for Action {
    type Of = ChangeOrder;
    type State = ChangeOrderStatus;
    const STEPS: &'static [Step<ChangeOrderStatus>] = STEPS;

    fn name(&self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Approve(_) => "approve",
            Self::Reject(_) => "reject",
            Self::Void(_) => "void",
        }
    }

    async fn take(
        &self,
        id: i64,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>> {
        take(id, self, self.step().from, context, uow).await
    }
}

/// What a customer decides about a change order, on the page where it can be signed: of one that was taken back to a draft too.
pub(crate) async fn decide(
    change_order: i64,
    action: &Action,
    context: &Context<'_>,
    uow: &mut (dyn UnitOfWork + 'static),
) -> Result<Applied<Record>> {
    take(change_order, action, &[Draft, Submitted], context, uow).await
}

async fn take(
    change_order: i64,
    action: &Action,
    from: &[ChangeOrderStatus],
    context: &Context<'_>,
    uow: &mut (dyn UnitOfWork + 'static),
) -> Result<Applied<Record>> {
    let (step, now) = (action.step(), context.now);
    let moves_contract = matches!(action, Action::Approve(_) | Action::Void(_));
    let project =
        if moves_contract { LockedChangeOrder::lock_project(change_order, context, uow).await? } else { None };
    let mut held = LockedChangeOrder::lock(change_order, context, uow).await?;
    if !from.contains(&held.order.status) {
        step.check(ChangeOrder::SHAPE.one, held.order.status, |_| None)?;
    }
    let mut after = held.order.clone();
    let mut moved = None;
    match action {
        Action::Submit => {
            let items = parts_of::<ChangeOrderItem>(ChangeOrderItem::OF, held.id(), context.tenant, uow).await?;
            if items.is_empty() {
                let text = "This change order has no items: add one first.".to_owned();
                return Err(ResourceError::Conflict(text).into());
            }
            (after.submitted_at, after.submitted_by) = (Some(now), acting(context.principal));
            (after.rejected_at, after.rejection_reason) = (None, None);
        }
        Action::Approve(Approval { approved_by }) => {
            after.approved_at = Some(now);
            after.approved_by = approved_by.clone().or_else(|| acting(context.principal));
            moved = Some(exact(after.total_amount.decimal()));
        }
        Action::Reject(ChangeOrderRejection { reason }) => {
            (after.rejected_at, after.rejection_reason) = (Some(now), Some(reason.clone()));
        }
        Action::Void(ChangeOrderVoiding { reason }) => {
            let id = ChangeOrderId::new(held.id()).ok_or(ResourceError::NotFound(ChangeOrder::SHAPE.one))?;
            if pay_apps::bills_change_order(held.order.project_id, id, context.tenant, uow).await? {
                let text = "A pay app that was submitted bills this change order: reject or void that first.";
                return Err(ResourceError::Conflict(text.to_owned()).into());
            }
            (after.voided_at, after.voided_by) = (Some(now), acting(context.principal));
            after.void_reason.clone_from(reason);
            moved = Some(-exact(after.total_amount.decimal()));
        }
    }
    if let Some(to) = step.to {
        after.status = to;
    }
    held.store(after, step.told, context, uow).await?;
    if let (Some(moved), Some(before)) = (moved, project) {
        let mut after = before.typed::<Project>()?.details;
        let value = exact(after.contract_value.unwrap_or_default().decimal()) + moved;
        let value = Rounding::Cents.money(&value).map_err(|fault| FieldErrors::one("contractValue", fault))?;
        after.contract_value = Some(value);
        held.told.extend(store(&before, &after, Told::Updated, context, uow).await?.1);
    }
    if moves_contract {
        held.told.extend(pay_apps::follow_change_orders(held.order.project_id, context, uow).await?);
    }
    Ok(Applied::telling(held.record, held.told))
}

/// Sends a change order to the customer of its project.
pub struct SendToCustomer {
    /// Which change order.
    pub change_order: i64,
    /// How.
    pub sending: Sending,
}

#[async_trait]
impl Command<dyn UnitOfWork> for SendToCustomer {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::ChangeOrdersSend])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let project = LockedChangeOrder::lock_project(self.change_order, context, uow).await?;
        let mut held = LockedChangeOrder::lock(self.change_order, context, uow).await?;
        let mut told = Vec::new();
        if self.sending.request_signature == Some(true) {
            match held.order.status {
                Draft | Rejected => {
                    let submitted = take(held.id(), &Action::Submit, &[], context, uow).await?;
                    told = submitted.events;
                    held = LockedChangeOrder::lock(self.change_order, context, uow).await?;
                }
                Submitted => {}
                status => return Err(locked(ChangeOrder::SHAPE.one, status, "make another one").into()),
            }
        }
        let contact = project.map(|project| project.typed::<Project>()).transpose()?;
        let contact = contact.and_then(|project| project.details.contact_id);
        let (enclosed, contact) = ((Enclosed::ChangeOrder, held.id()), (contact, "recipientEmail"));
        let to = recipient(&self.sending, Enclosed::ChangeOrder, contact, context, uow).await?;
        post(&self.sending, enclosed, to, false, context, uow).await?;
        let after = ChangeOrder { sent_at: Some(context.now), ..held.order.clone() };
        held.store(after, Told::Updated, context, uow).await?;
        told.append(&mut held.told);
        Ok(Applied::telling(held.record, told))
    }
}

/// A change order that this unit of work has locked, and what others are told of it.
pub struct LockedChangeOrder {
    record: Record,
    pub(super) order: ChangeOrder,
    pub(super) told: Vec<Event>,
}

impl LockedChangeOrder {
    pub(super) async fn lock(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Self> {
        let record = uow.rows().lock(context.tenant, ChangeOrder::SHAPE, id).await?;
        let record = record.ok_or(ResourceError::NotFound(ChangeOrder::SHAPE.one))?;
        Ok(Self { order: record.typed::<ChangeOrder>()?.details, record, told: Vec::new() })
    }

    /// The project of a change order, which never changes, locked before that (MNY-13). `None`: it is deleted.
    async fn lock_project(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Option<Record>> {
        let found = uow.rows().even_deleted(context.tenant, ChangeOrder::SHAPE, &[id]).await?;
        let found = found.first().map(Record::typed::<ChangeOrder>).transpose()?;
        let Some(order) = found else { return Ok(None) };
        Ok(uow.rows().lock(context.tenant, Project::SHAPE, order.details.project_id.get()).await?)
    }

    pub(super) const fn id(&self) -> i64 {
        self.record.id
    }

    pub(super) async fn store(
        &mut self,
        after: ChangeOrder,
        told: Told,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<()> {
        let (record, events) = store(&self.record, &after, told, context, uow).await?;
        self.told.extend(events);
        (self.record, self.order) = (record, after);
        Ok(())
    }
}
