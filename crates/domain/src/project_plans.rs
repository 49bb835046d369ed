//! The plan of a project: its phases and its tasks, each in an order of their own.
//!
//! Who changes a plan holds its project, so that the steps of one plan change one after another.

use async_trait::async_trait;

use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    projects::Project,
    resource::{Delete, Draft, Family, Filter, Record, Resource, ResourceError, Shape, Value, insert, update},
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
};

/// The most phases, and the most tasks, of a project: each list shows all.
pub const MOST_STEPS: usize = 1_000;

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// What is done to a project's phases, or to its tasks.
pub struct ChangePlan {
    /// Of which family: that of phases, or that of tasks.
    pub family: &'static dyn Family,
    /// Of which project.
    pub project: i64,
    /// What is done.
    pub change: PlanChange,
}

/// What is done to the steps of a plan.
pub enum PlanChange {
    /// One is added.
    Add(Draft),
    /// The one with this id is changed.
    Change(i64, Draft),
    /// The one with this id is deleted. What names it keeps its id.
    Delete(i64),
    /// They are put in this order: each id once.
    Reorder(Vec<i64>),
}

#[async_trait]
impl Command<dyn UnitOfWork> for ChangePlan {
    /// The step that was added or changed, or all of them in their order.
    type Output = Vec<Record>;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        let scopes = self.family.shape().scopes;
        ScopeSet::of(if let PlanChange::Delete(_) = self.change { scopes.delete } else { scopes.write })
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Vec<Record>>> {
        let (tenant, shape) = (context.tenant, self.family.shape());
        let project = uow.rows().lock(tenant, Project::SHAPE, self.project).await?;
        project.ok_or(ResourceError::NotFound(Project::SHAPE.one))?;
        match &self.change {
            PlanChange::Add(draft) => self.add(draft, context, uow).await,
            PlanChange::Change(id, draft) => {
                let before = self.step(*id, false, context, uow).await?;
                let (record, told) = update(self.family, before, draft, context, uow).await?;
                Ok(Applied::telling(vec![record], told))
            }
            PlanChange::Delete(id) => {
                self.step(*id, true, context, uow).await?;
                let Applied { output, events, .. } =
                    Delete { family: self.family, id: *id }.apply(context, uow).await?;
                Ok(Applied::telling(vec![output], events))
            }
            PlanChange::Reorder(ids) => self.reorder(ids, context, uow).await,
        }
        .map_err(|failure| match failure {
            Failure::Rejected(ResourceError::NotFound(_)) => ResourceError::NotFound(shape.one).into(),
            other => other,
        })
    }
}

impl ChangePlan {
    /// The step, which must be the project's, locked alone if it is to be deleted: those who name it hold it, and may lock it next.
    async fn step(&self, id: i64, alone: bool, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Result<Record> {
        let (tenant, shape) = (context.tenant, self.family.shape());
        let step = if alone {
            uow.rows().lock_alone(tenant, shape, id).await?
        } else {
            uow.rows().lock(tenant, shape, id).await?
        };
        let step = step.filter(|step| value(shape, step, "projectId") == Some(&Value::Integer(self.project)));
        Ok(step.ok_or(ResourceError::NotFound(shape.one))?)
    }

    /// The project's steps, in their order.
    async fn steps(
        &self,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> std::result::Result<Vec<Record>, StoreError> {
        let shape = self.family.shape();
        let order = shape.places(&["order"]).first().copied().unwrap_or_default();
        let of_project = Filter::is(shape, "projectId", Value::Integer(self.project));
        uow.rows().all(context.tenant, shape, &of_project, order).await
    }

    async fn add(
        &self,
        draft: &Draft,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Vec<Record>>> {
        let shape = self.family.shape();
        let steps = self.steps(context, uow).await?;
        if steps.len() >= MOST_STEPS {
            let text = format!("The project has {MOST_STEPS} {}, the most.", shape.many);
            return Err(ResourceError::Conflict(text).into());
        }
        let mut draft = draft.clone();
        draft.put(shape, "projectId", Value::Integer(self.project));
        if !shape.field("order").is_some_and(|(at, _)| draft.sent().has(at)) {
            let last = steps.last().and_then(|step| value(shape, step, "order")).and_then(Value::as_integer);
            draft.put(shape, "order", Value::Integer(last.unwrap_or(0).saturating_add(1).min(i64::from(i32::MAX))));
        }
        let (record, told) = insert(self.family, &draft, context, uow).await?;
        Ok(Applied::telling(vec![record], told))
    }

    async fn reorder(
        &self,
        ids: &[i64],
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Vec<Record>>> {
        let shape = self.family.shape();
        let mut steps = self.steps(context, uow).await?;
        let (mut named, mut there) = (ids.to_vec(), steps.iter().map(|step| step.id).collect::<Vec<_>>());
        named.sort_unstable();
        there.sort_unstable();
        if named != there {
            let text =
                format!("Must name each of the project's {} {} once, and nothing else.", there.len(), shape.many);
            return Err(FieldErrors::one("order", Fault::new("invalid_value", text)).into());
        }
        steps.sort_by_key(|step| ids.iter().position(|id| *id == step.id));
        let (mut after, mut told) = (Vec::new(), Vec::new());
        for (place, step) in (1..).zip(steps) {
            let mut draft = Draft::default();
            draft.put(shape, "order", Value::Integer(place));
            let (step, events) = update(self.family, step, &draft, context, uow).await?;
            after.push(step);
            told.extend(events);
        }
        Ok(Applied::telling(after, told))
    }
}

fn value<'r>(shape: &Shape, record: &'r Record, name: &str) -> Option<&'r Value<'static>> {
    shape.field(name).and_then(|(at, _)| record.values.get(at))
}

/// A step that is not of the project of what names it.
pub(crate) fn not_in_plan(one: &str) -> Fault {
    Fault::new("not_found", format_args!("There is no {one} with this id in the project."))
}
