//! What is done to pay applications: making, changing and deleting them, and the steps between their states (5.2).

use async_trait::async_trait;

use super::{
    PayApp, PayAppStatus,
    chain::{Chain, beyond, follow_change_orders, lock_project},
    lines::{self, SovLine},
    seeds, way_out,
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    ids::{PayAppId, ProjectId},
    invoices,
    mail::{Enclosed, Sending, post, recipient},
    projects::Project,
    resource::{Delete, Draft, Record, Resource, ResourceError, Stored, Told, family, insert, store, update},
    scopes::{ScopeId, ScopeSet},
    steps::{self, Step},
    store::UnitOfWork,
    text::{Name, Text},
};
use PayAppStatus::{Approved, Draft as Drafted, Paid, Rejected, Submitted, Voided};

/// Every step between the states of a pay application.
const STEPS: &[Step<PayAppStatus>] = &[
    Step {
        name: "submit",
        from: &[Drafted, Rejected],
        to: Some(Submitted),
        told: Told::As("pay_app.submitted"),
        needs: &[ScopeId::PayAppsWrite],
        instead: "only drafts and rejected ones are submitted",
    },
    Step {
        name: "approve",
        from: &[Drafted, Submitted],
        to: Some(Approved),
        told: Told::As("pay_app.approved"),
        needs: &[ScopeId::PayAppsApprove],
        instead: "submit it first",
    },
    Step {
        name: "reject",
        from: &[Submitted],
        to: Some(Rejected),
        told: Told::As("pay_app.rejected"),
        needs: &[ScopeId::PayAppsApprove],
        instead: "only what is submitted is rejected",
    },
    Step {
        name: "mark-paid",
        from: &[Approved],
        to: Some(Paid),
        told: Told::As("pay_app.paid"),
        needs: &[ScopeId::PayAppsMarkPaid],
        instead: "approve it first",
    },
    Step {
        name: "void",
        from: &[Submitted, Approved],
        to: Some(Voided),
        told: Told::As("pay_app.voided"),
        needs: &[ScopeId::PayAppsApprove],
        instead: "delete it instead, unless it is paid",
    },
];

/// What is done to a pay application.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It goes to those who approve it.
    Submit,
    /// It is certified.
    Approve,
    /// It is sent back.
    Reject(PayAppRejection),
    /// It is paid.
    MarkPaid,
    /// It counts for nothing any more.
    Void(PayAppVoiding),
}

/// That a pay application is sent back.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "rejection")]
pub struct PayAppRejection {
    /// Why.
    #[field(most = 2_000, example = "Line 2 is not half done.")]
    pub reason: Name,
}

/// That a pay application counts for nothing any more.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "voiding of a pay app", many = "voidings of pay apps")]
pub struct PayAppVoiding {
    /// Why.
    #[field(most = 2_000, example = "Made for the wrong period.")]
    pub reason: Name,
}

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// Makes a pay application, with the schedule of values that it starts with.
pub struct CreatePayApp(pub Draft);

#[async_trait]
impl Command<dyn UnitOfWork> for CreatePayApp {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(PayApp::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let project = project_of(&self.0);
        if let Some(project) = project {
            lock_project(project, context, uow).await?;
        }
        let (record, told) = insert(family::<PayApp>(), &self.0, context, uow).await?;
        let project = record.typed::<PayApp>()?.details.project_id;
        let chain = Chain::load(project, context.tenant, uow).await?;
        let record = seeded(&record, &chain, context, uow).await?;
        Ok(Applied::telling(record, told))
    }
}

/// Gives an application the lines that it starts with, and their sums.
async fn seeded(record: &Record, chain: &Chain, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Record> {
    let lines = seeds::seed(record, chain, context, uow).await?;
    let mut after = record.typed::<PayApp>()?.details;
    let earlier = chain.before(after.application_no).map(|earlier| earlier.app.for_next());
    after.settle(&lines, earlier).map_err(beyond)?;
    Ok(store(record, &after, Told::Nobody, context, uow).await?.0)
}

/// The project that a body names.
fn project_of(draft: &Draft) -> Option<ProjectId> {
    let (at, _) = PayApp::SHAPE.field("projectId")?;
    draft.value(at)?.as_integer().and_then(ProjectId::new)
}

/// Changes what is sent of a pay application. The later ones follow.
pub struct ChangePayApp {
    /// Which one.
    pub pay_app: i64,
    /// What to change.
    pub draft: Draft,
}

#[async_trait]
impl Command<dyn UnitOfWork> for ChangePayApp {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(PayApp::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let tenant = context.tenant;
        let before = Chain::lock(self.pay_app, context, uow).await?;
        let was = before.typed::<PayApp>()?.details;
        if let Some(other) = project_of(&self.draft).filter(|project| *project != was.project_id) {
            lock_project(other, context, uow).await?;
        }
        let (mut record, mut told) = update(family::<PayApp>(), before, &self.draft, context, uow).await?;
        let is = record.typed::<PayApp>()?.details;
        if is.project_id != was.project_id {
            for line in lines::of(self.pay_app, tenant, uow).await? {
                Delete { family: family::<SovLine>(), id: line.id }.apply(context, uow).await?;
            }
            let chain = Chain::load(is.project_id, tenant, uow).await?;
            record = seeded(&record, &chain, context, uow).await?;
            let mut left = Chain::load(was.project_id, tenant, uow).await?;
            told.extend(left.follow(was.application_no, context, uow).await?);
        } else if is != was {
            let mut chain = Chain::load(is.project_id, tenant, uow).await?;
            told.extend(chain.follow(is.application_no, context, uow).await?);
        }
        Ok(Applied::telling(record, told))
    }
}

/// Deletes a pay application that is a draft or rejected. The later ones follow.
pub struct DeletePayApp {
    /// Which one.
    pub pay_app: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for DeletePayApp {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(PayApp::SHAPE.scopes.delete)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let app = Chain::lock(self.pay_app, context, uow).await?.typed::<PayApp>()?.details;
        app.editable()?;
        let mut applied = Delete { family: family::<PayApp>(), id: self.pay_app }.apply(context, uow).await?;
        let mut chain = Chain::load(app.project_id, context.tenant, uow).await?;
        applied.events.extend(chain.follow(app.application_no, context, uow).await?);
        Ok(applied)
    }
}

#[async_trait]
impl steps::Action for Action {
    type Of = PayApp;
    type State = PayAppStatus;
    const STEPS: &'static [Step<PayAppStatus>] = STEPS;

    fn name(&self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Approve => "approve",
            Self::Reject(_) => "reject",
            Self::MarkPaid => "mark-paid",
            Self::Void(_) => "void",
        }
    }

    /// The later ones follow.
    async fn take(
        &self,
        id: i64,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>> {
        let (tenant, now, step) = (context.tenant, context.now, self.step());
        let held = Chain::lock(id, context, uow).await?;
        let mut app = held.typed::<PayApp>()?.details;
        step.check(PayApp::SHAPE.one, app.status, |status| Some(way_out(status)))?;
        let mut chain = Chain::load(app.project_id, tenant, uow).await?;
        let who = context.principal.account();
        match self {
            Action::Submit => {
                within_bounds(&lines::of(id, tenant, uow).await?)?;
                (app.submitted_at, app.submitted_by) = (Some(now), who);
                (app.rejected_at, app.rejection_reason) = (None, None);
            }
            Action::Approve => {
                within_bounds(&lines::of(id, tenant, uow).await?)?;
                if chain.waits_before(app.application_no) {
                    return conflict(
                        "An earlier pay app of the project is not approved: approve, delete or void that first.",
                    );
                }
                if app.submitted_at.is_none() {
                    (app.submitted_at, app.submitted_by) = (Some(now), who);
                }
                (app.approved_at, app.approved_by) = (Some(now), who);
            }
            Action::Reject(PayAppRejection { reason }) => {
                app.rejected_at = Some(now);
                app.rejection_reason = Text::parse(reason.to_string()).ok();
            }
            Action::MarkPaid => app.paid_at = Some(now),
            Action::Void(PayAppVoiding { reason }) => {
                if chain.is_frozen_behind(app.application_no) {
                    return conflict("A later pay app of the project is approved or paid, and goes on from this one.");
                }
                if let Some(pay_app) = PayAppId::new(id)
                    && invoices::of_pay_app(pay_app, tenant, uow).await?.is_some()
                {
                    return conflict("It has an invoice: void or delete that first.");
                }
                (app.voided_at, app.voided_by) = (Some(now), who);
                app.void_reason = Text::parse(reason.to_string()).ok();
            }
        }
        if let Some(to) = step.to {
            app.status = to;
        }
        let (mut record, mut told) = store(&held, &app, step.told, context, uow).await?;
        if app.status == Rejected {
            // It is brought up to date as a draft is (MNY-44).
            told.extend(follow_change_orders(app.project_id, context, uow).await?);
            record = uow.rows().lock(tenant, PayApp::SHAPE, id).await?.unwrap_or(record);
        } else {
            told.extend(chain.follow(app.application_no, context, uow).await?);
        }
        Ok(Applied::telling(record, told))
    }
}

/// Sends a pay application to the contact of its project. Its status stays.
pub struct SendPayApp {
    /// Which one.
    pub pay_app: i64,
    /// How.
    pub sending: Sending,
}

#[async_trait]
impl Command<dyn UnitOfWork> for SendPayApp {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::PayAppsSend])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let held = Chain::lock(self.pay_app, context, uow).await?;
        let app = held.typed::<PayApp>()?.details;
        let project = uow.rows().even_deleted(context.tenant, Project::SHAPE, &[app.project_id.get()]).await?;
        let project = project.first().map(Record::typed::<Project>).transpose()?;
        let contact = project.and_then(|project| project.details.contact_id);
        let (enclosed, contact) = ((Enclosed::PayApp, self.pay_app), (contact, "recipientEmail"));
        let to = recipient(&self.sending, Enclosed::PayApp, contact, context, uow).await?;
        post(&self.sending, enclosed, to, false, context, uow).await?;
        let after = PayApp { sent_at: Some(context.now), sent_by: context.principal.account(), ..app };
        let (record, told) = store(&held, &after, Told::Updated, context, uow).await?;
        Ok(Applied::telling(record, told))
    }
}

fn conflict<T>(text: &str) -> Result<T> {
    Err(ResourceError::Conflict(text.to_owned()).into())
}

/// Whether every line lies within its bounds: one that followed may not.
fn within_bounds(lines: &[Stored<SovLine>]) -> std::result::Result<(), ResourceError> {
    let Some(line) = lines.iter().find(|line| line.details.check().is_err()) else { return Ok(()) };
    let what = crate::text::quoted(&line.details.description);
    Err(ResourceError::Conflict(format!("The line {what} is billed beyond its scheduled value: change it first.")))
}
