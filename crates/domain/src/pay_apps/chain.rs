//! The chain of a project's pay applications: each goes on from the one before it, and the later ones follow (MNY-41).

use std::collections::BTreeMap;

use super::{
    PayApp,
    lines::{self, Identity, SovLine},
    seeds,
};
use crate::{
    events::Event,
    execute::{Context, Failure},
    ids::{PayAppId, ProjectId, SovLineId, TenantId},
    projects::Project,
    resource::{Filter, Money, Record, Resource, ResourceError, Stored, Told, Value, store},
    store::{StoreError, UnitOfWork},
};

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// One application of the chain, with its lines.
pub(super) struct Application {
    pub(super) record: Record,
    pub(super) app: PayApp,
    pub(super) lines: Vec<Stored<SovLine>>,
}

/// The live applications of one project, in their order.
pub(super) struct Chain(Vec<Application>);

impl Chain {
    /// Locks a project and then the application of this id: all that change the billing of a project take turns (MNY-13).
    pub(super) async fn lock(pay_app: i64, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Record> {
        let (tenant, shape) = (context.tenant, PayApp::SHAPE);
        let not_found = || Failure::from(ResourceError::NotFound(shape.one));
        let seen = uow.rows().even_deleted(tenant, shape, &[pay_app]).await?;
        let seen = seen.first().ok_or_else(not_found)?.typed::<PayApp>()?;
        lock_project(seen.details.project_id, context, uow).await?;
        uow.rows().lock(tenant, shape, pay_app).await?.ok_or_else(not_found)
    }

    /// The chain of a project, whose row is locked.
    pub(super) async fn load(
        project: ProjectId,
        tenant: TenantId,
        uow: &mut dyn UnitOfWork,
    ) -> std::result::Result<Self, StoreError> {
        let shape = PayApp::SHAPE;
        let order = shape.field("applicationNo").map_or(0, |(at, _)| at);
        let of_project = Filter::is(shape, "projectId", Value::Integer(project.get()));
        let records = uow.rows().all(tenant, shape, &of_project, order).await?;
        let ids: Vec<i64> = records.iter().map(|record| record.id).collect();
        let mut lines = lines::of_all(&ids, tenant, uow).await?;
        let application = |record: Record| {
            let lines = lines.remove(&record.id).unwrap_or_default();
            Ok(Application { app: record.typed::<PayApp>()?.details, record, lines })
        };
        records.into_iter().map(application).collect::<std::result::Result<_, _>>().map(Self)
    }

    /// Every application.
    pub(super) fn applications(&self) -> &[Application] {
        &self.0
    }

    /// The last application before this one that counts.
    pub(super) fn before(&self, application_no: i64) -> Option<&Application> {
        self.0.iter().rev().find(|earlier| earlier.app.application_no < application_no && earlier.app.counts())
    }

    /// Whether no earlier application exists: one that is neither deleted nor voided.
    pub(super) fn is_first(&self, application_no: i64) -> bool {
        let exists = |app: &PayApp| app.status != super::PayAppStatus::Voided;
        !self.0.iter().any(|earlier| earlier.app.application_no < application_no && exists(&earlier.app))
    }

    /// Whether a later application is approved or paid.
    pub(super) fn is_frozen_behind(&self, application_no: i64) -> bool {
        self.0.iter().any(|later| {
            later.app.application_no > application_no
                && matches!(later.app.status, super::PayAppStatus::Approved | super::PayAppStatus::Paid)
        })
    }

    /// Whether an earlier application still waits to be approved.
    pub(super) fn waits_before(&self, application_no: i64) -> bool {
        self.0.iter().any(|earlier| earlier.app.application_no < application_no && earlier.app.follows())
    }

    /// Brings all later applications in line that follow. What others are told of each.
    pub(super) async fn follow(
        &mut self,
        after: i64,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>> {
        // As they are now: whoever asks for this has just changed one.
        let project = self.0.first().map(|application| application.app.project_id);
        if let Some(project) = project {
            *self = Self::load(project, context.tenant, uow).await?;
        }
        let mut told = Vec::new();
        for at in 0..self.0.len() {
            if self.0[at].app.application_no > after && self.0[at].app.follows() {
                told.extend(self.carry(at, context, uow).await?);
            }
        }
        Ok(told)
    }

    /// Carries what was billed before into an application, and brings its sums in line.
    pub(super) async fn carry(
        &mut self,
        at: usize,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Event>> {
        let no = self.0[at].app.application_no;
        let billed = self.before(no).map(billed_of);
        let mut lines = self.0[at].lines.clone();
        for line in &mut lines {
            let previous = match &billed {
                Some(billed) => billed.get(&line.details.identity(line.id)).map_or(Money::ZERO, |(_, billed)| *billed),
                None => line.details.opening_billed,
            };
            if previous != line.details.previous_billed {
                line.details.previous_billed = previous;
                line.details.settle().map_err(beyond)?;
                uow.rows().update(context.tenant, SovLine::SHAPE, &line.record()).await?;
            }
        }
        // What was billed before and is not among its lines is added, or line 7 would keep what line 4 lacks.
        let missing: Vec<_> = billed
            .into_iter()
            .flatten()
            .filter(|(identity, (_, amount))| {
                !amount.is_zero() && !lines.iter().any(|line| line.details.identity(line.id) == *identity)
            })
            .collect();
        for (_, (line, amount)) in missing {
            let id = pay_app_id(&self.0[at].record)?;
            let last = lines.iter().filter_map(|line| line.details.order).max().unwrap_or(-1);
            let added = goes_on(&line, id, amount, Money::ZERO, last + 1).map_err(beyond)?;
            lines.push(insert_line(&added, context, uow).await?);
        }
        let earlier = self.before(no).map(|earlier| earlier.app.for_next());
        let application = &mut self.0[at];
        application.lines = lines;
        let mut after = application.app.clone();
        after.settle(&application.lines, earlier).map_err(beyond)?;
        let (record, told) = store(&application.record, &after, Told::Updated, context, uow).await?;
        (application.record, application.app) = (record, after);
        Ok(told)
    }
}

/// What an application has billed of each line when the next one begins: D + E.
fn billed_of(application: &Application) -> BTreeMap<Identity, (Stored<SovLine>, Money)> {
    let billed = application.lines.iter().map(|line| {
        let amount = line.details.previous_billed.decimal() + line.details.current_billed.decimal();
        // Two amounts of a line, which was checked to hold both.
        (line.details.identity(line.id), (line.clone(), Money::rounded(amount).unwrap_or_default()))
    });
    billed.collect()
}

/// The line of the next application that goes on from this one.
pub(super) fn goes_on(
    line: &Stored<SovLine>,
    pay_app_id: PayAppId,
    previous: Money,
    stored: Money,
    order: i64,
) -> std::result::Result<SovLine, crate::fields::Fault> {
    let first = line.details.first_line_id.or_else(|| SovLineId::new(line.id));
    let mut next = SovLine {
        pay_app_id,
        previous_billed: previous,
        current_billed: Money::ZERO,
        materials_stored: stored,
        first_line_id: first,
        opening_billed: Money::ZERO,
        order: Some(order),
        ..line.details.clone()
    };
    next.settle()?;
    Ok(next)
}

/// Stores a line of which nobody is told.
pub(super) async fn insert_line(
    line: &SovLine,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Stored<SovLine>> {
    let values: Vec<_> = line.to_values().into_iter().map(Value::into_owned).collect();
    let id = uow.rows().insert(context.tenant, SovLine::SHAPE, &values, context.now).await?;
    Ok(Stored { id, details: line.clone(), created_at: context.now, updated_at: context.now })
}

pub(super) fn pay_app_id(record: &Record) -> std::result::Result<PayAppId, StoreError> {
    PayAppId::new(record.id).ok_or_else(|| StoreError::Internal("a pay application has an id that is none".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped with")]
pub(super) fn beyond(fault: crate::fields::Fault) -> Failure<ResourceError> {
    ResourceError::Conflict(format!("An amount of a pay app is beyond what is stored. {}", fault.message)).into()
}

/// Locks the project, if it is still there: that of a deleted one is not billed by anybody else.
pub(super) async fn lock_project(
    project: ProjectId,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Option<Record>> {
    Ok(uow.rows().lock(context.tenant, Project::SHAPE, project.get()).await?)
}

/// Brings the drafts and the rejected applications of a project in line with its approved change orders: each has a line for each, and
/// none for those that were voided (MNY-25, MNY-44). The project must be locked.
pub async fn follow_change_orders(
    project: ProjectId,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> Result<Vec<Event>> {
    let tenant = context.tenant;
    let mut chain = Chain::load(project, tenant, uow).await?;
    let approved = seeds::approved_change_orders(project, tenant, uow).await?;
    let total = seeds::change_orders_total(project, tenant, uow).await?;
    let mut told = Vec::new();
    for at in 0..chain.0.len() {
        let application = &mut chain.0[at];
        if application.app.editable().is_ok() {
            let gone = |line: &Stored<SovLine>| {
                line.details.change_order_id.is_some_and(|id| !approved.iter().any(|order| order.id == id.get()))
            };
            for line in application.lines.iter().filter(|line| gone(line)) {
                uow.rows().lock_alone(tenant, SovLine::SHAPE, line.id).await?;
                uow.rows().delete(tenant, SovLine::SHAPE, line.id, context.now).await?;
            }
            application.lines.retain(|line| !gone(line));
            for order in &approved {
                let has = |line: &Stored<SovLine>| line.details.change_order_id.is_some_and(|id| id.get() == order.id);
                if !application.lines.iter().any(has) {
                    let place = application.lines.iter().filter_map(|line| line.details.order).max().unwrap_or(-1) + 1;
                    let line = seeds::change_order_line(order, pay_app_id(&application.record)?, place)?;
                    application.lines.push(insert_line(&line, context, uow).await?);
                }
            }
            if application.app.change_orders_total_follows {
                application.app.change_orders_total = Some(total);
            }
        }
        if chain.0[at].app.follows() {
            told.extend(chain.carry(at, context, uow).await?);
        }
    }
    Ok(told)
}
