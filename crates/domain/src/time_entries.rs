//! Time entries: hours that people worked, and what they cost.

use std::cmp::Reverse;

use async_trait::async_trait;
use rust_decimal::Decimal;

use crate::{
    clock::{Day, Timestamp},
    execute::Failure,
    fields::{Fault, FieldErrors},
    ids::{AccountId, ProjectId, ProjectPhaseId, ProjectTaskId, TenantId},
    jobs::{Column, InCsv},
    labor_rates::LaborRate,
    project_phases::ProjectPhase,
    project_plans::not_in_plan,
    project_tasks::ProjectTask,
    projects::Project,
    resource::{
        Coordinate, Filter, Hours, Money, Record, Resource, ResourceError, Rules, Saving, Stored, Value,
        ports::{RowReader, Sum},
    },
    reviews::Review,
    store::StoreError,
    text::Text,
    users::{AnyUser, Permission, User, ports::UserReader},
};

/// Hours that somebody worked for a project on a day.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(
    one = "time entry",
    many = "time entries",
    asks,
    read(TimeEntriesRead),
    write(TimeEntriesWrite),
    delete(TimeEntriesDelete)
)]
pub struct TimeEntry {
    /// The project.
    #[field(refers = Project, filter)]
    pub project_id: ProjectId,
    /// Who worked: anybody, whoever writes it down.
    #[field(refers = AnyUser, filter)]
    pub user_id: AccountId,
    /// The task that was worked on, of the same project. It brings its phase, unless one is sent.
    #[field(refers = ProjectTask)]
    pub task_id: Option<ProjectTaskId>,
    /// The phase that was worked on, of the same project.
    #[field(refers = ProjectPhase)]
    pub phase_id: Option<ProjectPhaseId>,
    /// The day on which the work began, as it is written at the site: a time of day and its offset do not move it. `null` is the
    /// tenant's today for a new entry, and no change for another.
    #[field(skips_null, range, example = "2026-05-04")]
    pub date: Day,
    /// How many hours. They are not computed from the clock.
    #[field(least = 0.25, most = 24, example = "8.00")]
    pub hours: Hours,
    /// What an hour cost on that day: the user's rate on the project, else the user's own, else the tenant's.
    #[field(ignored)]
    pub hourly_rate: Option<Money>,
    /// What all of it costs. Later changes of rates do not change it.
    #[field(ignored)]
    pub total_cost: Option<Money>,
    /// What was done. `description` and `notes` are the same text.
    #[field(also = "notes", example = "Poured the slab")]
    pub description: Option<Text>,
    /// How it came to be, such as `manual`.
    #[field(minor, default = "manual", most = 20, example = "manual")]
    pub entry_type: Text,
    /// When the clock was started.
    #[field(minor)]
    pub clock_in: Option<Timestamp>,
    /// When it was stopped.
    #[field(minor)]
    pub clock_out: Option<Timestamp>,
    /// Where it was started: degrees of latitude.
    #[field(least = -90, most = 90)]
    pub lat: Option<Coordinate>,
    /// Where it was started: degrees of longitude.
    #[field(least = -180, most = 180)]
    pub lng: Option<Coordinate>,
    /// Within how many metres that is right.
    #[field(minor, least = 0, most = 100_000)]
    pub clock_in_accuracy_m: Option<Coordinate>,
    /// Where it was stopped: degrees of latitude.
    #[field(minor, least = -90, most = 90)]
    pub clock_out_lat: Option<Coordinate>,
    /// Where it was stopped: degrees of longitude.
    #[field(minor, least = -180, most = 180)]
    pub clock_out_lng: Option<Coordinate>,
    /// Within how many metres that is right.
    #[field(minor, least = 0, most = 100_000)]
    pub clock_out_accuracy_m: Option<Coordinate>,
    /// Whether it was reviewed. Then it is locked: it is opened again by a change of this alone.
    #[field(default = false, filter)]
    pub is_reviewed: bool,
    /// The user who reviewed it. Unless it is sent, the caller.
    #[field(minor, refers = AnyUser)]
    pub reviewed_by: Option<AccountId>,
    /// When it was reviewed. Unless it is sent, now.
    #[field(minor)]
    pub reviewed_at: Option<Timestamp>,
    /// The user who wrote it down; none for a key that no user made.
    #[field(minor, ignored)]
    pub created_by: Option<AccountId>,
}

#[async_trait]
impl Rules for TimeEntry {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<(), Failure<ResourceError>> {
        let before = saving.before.map(|before| &before.details);
        if let Some(before) = before.filter(|before| before.is_reviewed) {
            self.may_change(before)?;
        }
        let review = self.review().settled(before.map(Self::review), Permission::ReviewTimeEntries, saving.context)?;
        (self.is_reviewed, self.reviewed_by, self.reviewed_at) = (review.is_reviewed, review.by, review.at);
        if before.is_none() {
            self.created_by = saving.context.principal.account();
            if !saving.sets("date") {
                self.date = saving.context.today();
            }
        }
        let mut errors = FieldErrors::new();
        if let (Some(began), Some(ended)) = (self.clock_in, self.clock_out)
            && ended < began
        {
            errors.push("clockOut", Fault::new("invalid_value", "Must not be before `clockIn`."));
        }
        self.settle_plan(before, saving, &mut errors).await?;
        self.settle_cost(before, saving, &mut errors).await?;
        Ok(errors.or(())?)
    }
}

#[async_trait]
impl InCsv for TimeEntry {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("userId"),
        Column::own("projectId"),
        Column::named("projectName", "projectId", &[&["name"]]),
        Column::own("taskId"),
        Column::own("phaseId"),
        Column::own("date"),
        Column::own("hours"),
        Column::own("hourlyRate"),
        Column::own("totalCost"),
        Column::own("description"),
        Column::own("entryType"),
        Column::own("clockIn"),
        Column::own("clockOut"),
        Column::own("isReviewed"),
        Column::own("reviewedBy"),
        Column::own("reviewedAt"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
}

impl TimeEntry {
    const fn review(&self) -> Review {
        Review { is_reviewed: self.is_reviewed, by: self.reviewed_by, at: self.reviewed_at }
    }

    /// A reviewed entry is opened again, and nothing else.
    fn may_change(&self, before: &Self) -> Result<(), ResourceError> {
        let open = |entry: &Self| Self { is_reviewed: false, reviewed_by: None, reviewed_at: None, ..entry.clone() };
        if !self.is_reviewed && open(self) == open(before) {
            return Ok(());
        }
        let text = "This time entry is reviewed, and locked. To change it, send `isReviewed: false` alone first.";
        Err(ResourceError::Conflict(text.to_owned()))
    }

    /// The task and the phase are of the project. Those of another project, from which the entry is moved, are left behind.
    async fn settle_plan(
        &mut self,
        before: Option<&Self>,
        saving: &mut Saving<'_, Self>,
        errors: &mut FieldErrors,
    ) -> Result<(), StoreError> {
        let moved = before.is_some_and(|before| before.project_id != self.project_id);
        if moved && !saving.sets("taskId") {
            self.task_id = None;
        }
        if moved && !saving.sets("phaseId") {
            self.phase_id = None;
        }
        let tenant = saving.tenant();
        // What an entry named before may be deleted by now.
        let new_task = moved || before.is_none_or(|before| before.task_id != self.task_id);
        if let Some(id) = self.task_id.filter(|_| new_task) {
            let task = saving.uow.rows().lock(tenant, ProjectTask::SHAPE, id.get()).await?;
            let task = task.map(|task| task.typed::<ProjectTask>()).transpose()?;
            match task.filter(|task| task.details.project_id == self.project_id) {
                Some(task) if !saving.sets("phaseId") => self.phase_id = task.details.phase_id,
                Some(_) => {}
                None => errors.push("taskId", not_in_plan(ProjectTask::SHAPE.one)),
            }
        }
        let new_phase = moved || before.is_none_or(|before| before.phase_id != self.phase_id);
        if let Some(id) = self.phase_id.filter(|_| new_phase && saving.sets("phaseId")) {
            let phase = saving.uow.rows().lock(tenant, ProjectPhase::SHAPE, id.get()).await?;
            let phase = phase.map(|phase| phase.typed::<ProjectPhase>()).transpose()?;
            if phase.is_none_or(|phase| phase.details.project_id != self.project_id) {
                errors.push("phaseId", not_in_plan(ProjectPhase::SHAPE.one));
            }
        }
        Ok(())
    }

    /// The rate is kept from when the work was written down, or was made another's, another project's or another day's.
    async fn settle_cost(
        &mut self,
        before: Option<&Self>,
        saving: &mut Saving<'_, Self>,
        errors: &mut FieldErrors,
    ) -> Result<(), StoreError> {
        let work = |entry: &Self| (entry.user_id, entry.project_id, entry.date);
        if before.is_none_or(|before| work(before) != work(self)) {
            let (user, project, day) = work(self);
            self.hourly_rate = LaborRate::in_force(saving.tenant(), user, project, day, saving.uow).await?;
        }
        let cost = self.hourly_rate.map(|rate| Money::rounded(self.hours.decimal() * rate.decimal()));
        match cost.transpose() {
            Ok(cost) => self.total_cost = cost,
            Err(fault) => errors.push("hours", fault),
        }
        Ok(())
    }
}

/// Time entries, summed up: the hours and the cost of each line, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// In all.
    pub totals: Sum,
    /// Of each user, the most hours first, with who that is.
    pub by_user: Vec<(Sum, Option<User>)>,
    /// Of each project, the most hours first, with the project, which may be deleted.
    pub by_project: Vec<(Sum, Option<Stored<Project>>)>,
}

/// Sums up the entries that fit.
pub async fn summary(
    rows: &dyn RowReader,
    users: &dyn UserReader,
    tenant: TenantId,
    filter: &Filter,
) -> Result<Summary, StoreError> {
    let places = |names: &[&str]| TimeEntry::SHAPE.places(names);
    let (groups, sums) = (places(&["userId", "projectId"]), places(&["hours", "totalCost"]));
    let lines = rows.sums(tenant, TimeEntry::SHAPE, filter, &groups, &sums).await?;
    let by = |group: usize| {
        let mut lines = Sum::by(&lines, group);
        // They come in the order of their ids.
        lines.sort_by_key(|line| Reverse(line.sums.first().copied().unwrap_or(Decimal::ZERO)));
        lines
    };
    let id = |line: &Sum| line.groups.first().and_then(Value::as_integer).unwrap_or_default();
    let (of_users, of_projects) = (by(0), by(1));
    let accounts: Vec<_> = of_users.iter().filter_map(|line| AccountId::new(id(line))).collect();
    let people = users.get_many(tenant, &accounts).await?;
    let projects = rows.get_ever(tenant, Project::SHAPE, &of_projects.iter().map(id).collect::<Vec<_>>()).await?;
    let with_project = |line: Sum| {
        let project = projects.iter().find(|row| row.id == id(&line)).map(Record::typed).transpose()?;
        Ok((line, project))
    };
    let with_user = |line: Sum| {
        let user = people.iter().find(|user| user.account.id.get() == id(&line)).cloned();
        (line, user)
    };
    Ok(Summary {
        totals: Sum::total(&lines, sums.len()),
        by_user: of_users.into_iter().map(with_user).collect(),
        by_project: of_projects.into_iter().map(with_project).collect::<Result<_, StoreError>>()?,
    })
}
