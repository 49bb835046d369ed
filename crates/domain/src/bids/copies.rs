//! What is made of a bid: another bid, or a project.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Action, Bid, BidLineItem, BidStatus, CostItem, ProjectCost, lines, steps::Held};
use crate::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Failure},
    ids::{BidId, BidLineItemId, ProjectId},
    project_phases::{PhaseStatus, ProjectPhase},
    project_tasks::{ProjectTask, TaskPriority, TaskStatus},
    projects::Project,
    resource::{Draft, Filter, Record, Referable, Resource, ResourceError, Stored, Value, family, insert},
    scopes::{ScopeId, ScopeSet},
    selling::SellingSettings,
    steps::Action as _,
    store::{StoreError, UnitOfWork},
    text::{Name, Text, excerpt},
    words,
};

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// Makes a draft like a bid, with its lines, cost items and project costs.
pub struct Duplicate {
    /// Which bid.
    pub bid: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Duplicate {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(&[ScopeId::BidsWrite])
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let tenant = context.tenant;
        let original = uow.rows().lock(tenant, Bid::SHAPE, self.bid).await?;
        let original = original.ok_or(ResourceError::NotFound(Bid::SHAPE.one))?.typed::<Bid>()?;
        let settings = SellingSettings::of(tenant, uow).await?;
        let copy = Bid {
            bid_number: Text::default(),
            status: BidStatus::Draft,
            project_id: None,
            due_date: None,
            valid_until: settings.valid_until(context),
            viewed_at: None,
            kanban_order: 0,
            created_by: context.principal.account(),
            ..original.details
        };
        let (record, told) = insert(family::<Bid>(), &Draft::copy_of(&copy), context, uow).await?;
        let bid_id = BidId::new(record.id).ok_or_else(no_id)?;
        let mut copied = BTreeMap::new();
        for line in lines::of_bid::<BidLineItem>(original.id, tenant, uow).await? {
            let id = insert_row(&BidLineItem { bid_id, ..line.details }, context, uow).await?;
            copied.insert(line.id, BidLineItemId::new(id).ok_or_else(no_id)?);
        }
        for item in lines::of_bid::<CostItem>(original.id, tenant, uow).await? {
            let Some(line_item_id) = copied.get(&item.details.line_item_id.get()).copied() else { continue };
            insert_row(&CostItem { bid_id, line_item_id, ..item.details }, context, uow).await?;
        }
        for cost in lines::of_bid::<ProjectCost>(original.id, tenant, uow).await? {
            insert_row(&ProjectCost { bid_id, ..cost.details }, context, uow).await?;
        }
        Ok(Applied::telling(record, told))
    }
}

/// Stores a row of which nobody is told.
pub(super) async fn insert_row<R: Resource>(
    row: &R,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<i64, StoreError> {
    let values: Vec<_> = row.to_values().into_iter().map(Value::into_owned).collect();
    uow.rows().insert(context.tenant, R::SHAPE, &values, context.now).await
}

fn no_id() -> StoreError {
    StoreError::Internal("a row was stored under an id that is none".to_owned())
}

words! {
    /// What the lines of a bid become in the plan of its project.
    pub enum MappingStrategy {
        /// A phase each.
        Phases = "phases",
        /// A task each.
        Tasks = "tasks",
        /// Nothing.
        Blank = "blank",
    }
}

/// How a bid becomes a project.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "conversion")]
pub struct Conversion {
    /// What its lines become.
    #[field(example = "phases")]
    pub mapping_strategy: MappingStrategy,
    /// Has no effect.
    pub template_id: Option<i64>,
    /// What the project is called, unless as the bid.
    #[field(most = 255)]
    pub name: Option<Text>,
    /// When work begins.
    #[field(example = "2026-05-04")]
    pub start_date: Option<Timestamp>,
    /// When it is to be done.
    #[field(example = "2026-09-30")]
    pub expected_end_date: Option<Timestamp>,
}

/// Makes a project of an accepted bid, once (MNY-19). Tells of the project, and then of the bid.
pub struct Convert {
    /// Which bid.
    pub bid: i64,
    /// How.
    pub conversion: Conversion,
}

impl Convert {
    /// The scopes that a caller needs.
    pub const NEEDS: &[ScopeId] = &[ScopeId::BidsWrite, ScopeId::ProjectsWrite];
}

#[async_trait]
impl Command<dyn UnitOfWork> for Convert {
    /// The project.
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(Self::NEEDS)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<Record>> {
        let (tenant, step) = (context.tenant, Action::named("convert-to-project"));
        let mut held = Held::lock(self.bid, context, uow).await?;
        held.check(step)?;
        let pinned = match held.bid.project_id {
            Some(project) => uow.rows().pin(tenant, Project::REFERENCE, project.get()).await?,
            None => false,
        };
        let of_bid = Filter::is(Project::SHAPE, "bidId", Value::Integer(held.id()));
        if pinned || uow.rows().count(tenant, Project::SHAPE, &of_bid).await? > 0 {
            let text = "This bid has a project already: delete that first, or go on with it.".to_owned();
            return Err(ResourceError::Conflict(text).into());
        }
        let (project, told) = insert(family::<Project>(), &self.project(&held), context, uow).await?;
        let project_id = ProjectId::new(project.id).ok_or_else(no_id)?;
        if self.conversion.mapping_strategy != MappingStrategy::Blank {
            for (place, line) in (1..).zip(lines::of_bid::<BidLineItem>(held.id(), tenant, uow).await?) {
                self.plan(project_id, place, &line, context, uow).await?;
            }
        }
        let after = Bid { project_id: Some(project_id), ..held.bid.clone() };
        held.store(after, step.told, context, uow).await?;
        Ok(Applied::telling(project, told.into_iter().chain(held.told).collect()))
    }
}

/// What a project has of its bid, by the names that each gives it.
const KEPT: [(&str, &str); 7] = [
    ("contactId", "contactId"),
    ("siteAddress", "siteAddress"),
    ("siteCity", "siteCity"),
    ("siteState", "siteState"),
    ("siteZipCode", "siteZipCode"),
    ("total", "originalContractValue"),
    ("total", "contractValue"),
];

impl Convert {
    fn project(&self, held: &Held) -> Draft {
        let (bid, shape) = (&held.bid, Project::SHAPE);
        let mut draft = Draft::as_it_is();
        for (of_bid, of_project) in KEPT {
            let value = Bid::SHAPE.field(of_bid).and_then(|(at, _)| held.record.values.get(at));
            draft.put(shape, of_project, value.cloned().unwrap_or_default());
        }
        let asked = self.conversion.name.as_deref().filter(|name| !name.is_empty());
        let name = asked.or(bid.name.as_deref()).unwrap_or(&bid.bid_number);
        draft.put(shape, "name", Value::Text(name.to_owned().into()));
        draft.put(shape, "bidId", Value::Integer(held.id()));
        for (name, date) in
            [("startDate", self.conversion.start_date), ("expectedEndDate", self.conversion.expected_end_date)]
        {
            draft.put(shape, name, date.map_or(Value::Null, Value::Moment));
        }
        draft
    }

    /// Makes a phase or a task of a line.
    async fn plan(
        &self,
        project_id: ProjectId,
        order: i64,
        line: &Stored<BidLineItem>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<()> {
        let parts = [line.details.mark_name.as_deref().unwrap_or_default(), &*line.details.description];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let name = if parts.is_empty() { order.to_string() } else { parts.join(" - ") };
        let name = Name::parse(excerpt(name, 254)).map_err(|fault| StoreError::Internal(fault.message))?;
        if self.conversion.mapping_strategy == MappingStrategy::Phases {
            let status = PhaseStatus::Pending;
            let phase = ProjectPhase { project_id, name, status, start_date: None, end_date: None, order };
            insert_row(&phase, context, uow).await?;
        } else {
            let task = ProjectTask {
                project_id,
                phase_id: None,
                name,
                description: None,
                status: TaskStatus::Todo,
                priority: TaskPriority::Medium,
                assigned_to: None,
                start_date: None,
                due_date: None,
                duration: None,
                order,
            };
            insert_row(&task, context, uow).await?;
        }
        Ok(())
    }
}
