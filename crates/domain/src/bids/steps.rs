//! The states of a bid, and the steps between them: the table of 3.2, as data.

use async_trait::async_trait;

use super::{Bid, BidStatus, way_out};
use crate::{
    events::Event,
    execute::{Applied, Context, Failure},
    ids::BidId,
    invoices::is_billed,
    mail::{Enclosed, Sending, post, recipient},
    projects::Project,
    resource::{Filter, Record, Resource, ResourceError, Told, Value, store},
    scopes::ScopeId,
    steps::{self, Action as _, Step, locked},
    store::UnitOfWork,
    text::{Name, Text},
    words,
};
use BidStatus::{Accepted, Cancelled, Draft as Drafted, Expired, Rejected, Sent};

/// Every step between the states of a bid.
const STEPS: &[Step<BidStatus>] = &[
    Step {
        name: "send",
        from: &[Drafted, Sent, Expired],
        to: Some(Sent),
        told: Told::Updated,
        needs: &[ScopeId::BidsSend],
        instead: "duplicate it and send the copy",
    },
    Step {
        name: "accept",
        from: &[Drafted, Sent, Expired, Rejected],
        to: Some(Accepted),
        told: Told::As("bid.accepted"),
        needs: &[ScopeId::BidsAcceptReject],
        instead: "revert its acceptance first",
    },
    Step {
        name: "reject",
        from: &[Drafted, Sent, Expired],
        to: Some(Rejected),
        told: Told::As("bid.rejected"),
        needs: &[ScopeId::BidsAcceptReject],
        instead: "accept it, or duplicate it",
    },
    Step {
        name: "revert-acceptance",
        from: &[Accepted],
        to: None,
        told: Told::As("bid.acceptance_reverted"),
        needs: &[ScopeId::BidsAcceptReject],
        instead: "only an acceptance is reverted, accept it first",
    },
    Step {
        name: "convert-to-project",
        from: &[Accepted],
        to: Some(Accepted),
        told: Told::Updated,
        needs: &[ScopeId::BidsWrite, ScopeId::ProjectsWrite],
        instead: "accept it first",
    },
    Step {
        name: "expire",
        from: &[Sent],
        to: Some(Expired),
        told: Told::As("bid.expired"),
        needs: &[],
        instead: "only a bid that is sent expires",
    },
    Step {
        name: "cancel",
        from: &[Drafted, Sent, Expired, Rejected],
        to: Some(Cancelled),
        told: Told::As("bid.cancelled"),
        needs: &[ScopeId::BidsAcceptReject],
        instead: "reopen it first",
    },
    Step {
        name: "reopen",
        from: &[Cancelled],
        to: None,
        told: Told::As("bid.reopened"),
        needs: &[ScopeId::BidsAcceptReject],
        instead: "only a cancelled bid is reopened",
    },
];

/// What is done to a bid.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The customer gets it by mail.
    Send(Sending),
    /// The customer took it.
    Accept(Acceptance),
    /// It is as if the customer had not taken it.
    RevertAcceptance(Reversal),
    /// The customer did not take it.
    Reject,
    /// It is withdrawn.
    Cancel(Cancellation),
    /// It is not withdrawn any more.
    Reopen,
}

/// That a customer took a bid.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "acceptance")]
pub struct Acceptance {
    /// Who accepted it.
    #[field(most = 255, example = "Ann Example")]
    pub accepted_by: Name,
}

words! {
    /// What a bid can be after its acceptance was reverted.
    pub enum RevertedTo {
        /// Being prepared.
        Draft = "draft",
        /// With the customer.
        Sent = "sent",
        /// Past its last day.
        Expired = "expired",
        /// Not taken.
        Rejected = "rejected",
    }
}

/// That an acceptance was a mistake.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "reversal")]
pub struct Reversal {
    /// How far the bid is from then on.
    #[field(example = "sent")]
    pub status: RevertedTo,
}

/// That a bid is withdrawn.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "cancellation")]
pub struct Cancellation {
    /// Why.
    #[field(most = 2_000, example = "The customer sold the house.")]
    pub reason: Option<Text>,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

#[async_trait]
impl steps::Action for Action {
    type Of = Bid;
    type State = BidStatus;
    const STEPS: &'static [Step<BidStatus>] = STEPS;

    fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::Accept(_) => "accept",
            Self::RevertAcceptance(_) => "revert-acceptance",
            Self::Reject => "reject",
            Self::Cancel(_) => "cancel",
            Self::Reopen => "reopen",
        }
    }

    async fn take(
        &self,
        id: i64,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>> {
        take(Held::lock(id, context, uow).await?, self, context, uow).await
    }
}

/// What a customer decides about a bid, on the page where it can be signed: that knows the day that it is at the tenant's.
pub(crate) async fn decide(
    bid: i64,
    action: &Action,
    context: &Context<'_>,
    uow: &mut (dyn UnitOfWork + 'static),
) -> Result<Applied<Record>> {
    take(Held::lock_as_it_is(bid, context, uow).await?, action, context, uow).await
}

async fn take(
    mut held: Held,
    action: &Action,
    context: &Context<'_>,
    uow: &mut (dyn UnitOfWork + 'static),
) -> Result<Applied<Record>> {
    let (step, now) = (action.step(), context.now);
    held.check(step)?;
    let mut after = held.bid.clone();
    let mut addressee = None;
    match action {
        Action::Send(sending) => {
            if held.bid.status == Expired && held.bid.is_out_of_date(context.principal.time_zone(), now) {
                return Err(locked(Bid::SHAPE.one, Expired, "change its `validUntil` first").into());
            }
            let contact = (held.bid.contact_id, "contactId");
            addressee = Some(recipient(sending, Enclosed::Bid, contact, context, uow).await?);
            after.sent_at = Some(now);
        }
        Action::Accept(Acceptance { accepted_by }) => {
            after.accepted_at = Some(now);
            after.accepted_by = Text::parse(accepted_by.to_string()).ok();
        }
        Action::RevertAcceptance(Reversal { status }) => {
            let of_bid = Filter::is(Project::SHAPE, "bidId", Value::Integer(held.id()));
            if uow.rows().count(context.tenant, Project::SHAPE, &of_bid).await? > 0 {
                let text = "A project was made from this bid: delete that first.".to_owned();
                return Err(ResourceError::Conflict(text).into());
            }
            let id = BidId::new(held.id()).ok_or(ResourceError::NotFound(Bid::SHAPE.one))?;
            if is_billed(id, context, uow).await? {
                let text = "An invoice was made from this bid: void that first.".to_owned();
                return Err(ResourceError::Conflict(text).into());
            }
            (after.accepted_at, after.accepted_by) = (None, None);
            after.status = match status {
                RevertedTo::Draft => Drafted,
                RevertedTo::Sent => Sent,
                RevertedTo::Expired => Expired,
                RevertedTo::Rejected => Rejected,
            };
            if after.status == Rejected {
                after.rejected_at = Some(now);
            }
        }
        Action::Reject => after.rejected_at = Some(now),
        Action::Cancel(Cancellation { reason }) => {
            after.cancelled_at = Some(now);
            after.cancel_reason.clone_from(reason);
            after.cancelled_from_status = Some(held.bid.status);
        }
        Action::Reopen => {
            after.status = held.bid.cancelled_from_status.unwrap_or(Drafted);
            (after.cancelled_at, after.cancel_reason, after.cancelled_from_status) = (None, None, None);
        }
    }
    if let Some(to) = step.to {
        after.status = to;
    }
    held.store(after, step.told, context, uow).await?;
    if let (Action::Send(sending), Some(to)) = (action, addressee) {
        // Behind the change: what is to be signed says when it was sent.
        let (enclosed, ends) = ((Enclosed::Bid, held.id()), held.bid.valid_until.is_some());
        post(sending, enclosed, to, ends, context, uow).await?;
    }
    Ok(Applied::telling(held.record, held.told))
}

/// A bid that this unit of work has locked, and what others are told of it.
pub(super) struct Held {
    pub(super) record: Record,
    pub(super) bid: Bid,
    pub(super) told: Vec<Event>,
}

impl Held {
    /// The bid, which expires first if it is overdue.
    pub(super) async fn lock(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Self> {
        let mut held = Self::lock_as_it_is(id, context, uow).await?;
        if held.bid.is_overdue(context) {
            held.expire(context, uow).await?;
        }
        Ok(held)
    }

    pub(super) async fn lock_as_it_is(id: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Self> {
        let record = uow.rows().lock(context.tenant, Bid::SHAPE, id).await?;
        let record = record.ok_or(ResourceError::NotFound(Bid::SHAPE.one))?;
        Ok(Self { bid: record.typed::<Bid>()?.details, record, told: Vec::new() })
    }

    pub(super) const fn id(&self) -> i64 {
        self.record.id
    }

    /// Whether this step may be taken.
    pub(super) fn check(&self, step: &Step<BidStatus>) -> std::result::Result<(), ResourceError> {
        step.check(Bid::SHAPE.one, self.bid.status, way_out)
    }

    pub(super) async fn store(
        &mut self,
        after: Bid,
        told: Told,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<()> {
        let (record, events) = store(&self.record, &after, told, context, uow).await?;
        self.told.extend(events);
        (self.record, self.bid) = (record, after);
        Ok(())
    }

    pub(super) async fn expire(&mut self, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<()> {
        let expired = Bid { status: Expired, ..self.bid.clone() };
        self.store(expired, Action::named("expire").told, context, uow).await
    }
}
