//! Labour rates: what an hour of a user's work costs, from a day on.

use async_trait::async_trait;

use crate::{
    clock::Day,
    execute::{Applied, Command, Context, Failure},
    ids::{AccountId, ProjectId, TenantId},
    projects::Project,
    resource::{
        Condition, Draft, FieldType, Filter, Money, Record, Resource, ResourceError, Rules, Saving, Stored, Value,
        family, insert, update,
    },
    scopes::ScopeSet,
    store::{StoreError, UnitOfWork},
    users::AnyUser,
    words,
};

words! {
    /// Whose work a rate covers. Of those in force on a day, the last of these that covers the work counts.
    pub enum Covers {
        /// Everybody's.
        Tenant = "tenant",
        /// One user's.
        User = "user",
        /// One user's on one project.
        UserOnProject = "user_on_project",
    }
}

/// What an hour of work costs, from a day on: until the day on which another rate of the same work begins.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "labor rate", in_turn, read(SettingsRead), write(SettingsWrite), delete(SettingsWrite))]
pub struct LaborRate {
    /// Whose work it covers.
    #[field(default = "tenant", ignored)]
    pub covers: Covers,
    /// The user.
    #[field(refers = AnyUser)]
    pub user_id: Option<AccountId>,
    /// The project.
    #[field(refers = Project)]
    pub project_id: Option<ProjectId>,
    /// The first day.
    pub in_force_from: Day,
    /// What an hour costs.
    pub hourly_rate: Money,
}

/// The most rates of one user's work, or of everybody's: each look-up reads all.
const MOST: usize = 1_000;

#[async_trait]
impl Rules for LaborRate {
    async fn save(&mut self, _: &mut Saving<'_, Self>) -> Result<(), Failure<ResourceError>> {
        self.covers = match (self.user_id, self.project_id) {
            (None, None) => Covers::Tenant,
            (Some(_), None) => Covers::User,
            (Some(_), Some(_)) => Covers::UserOnProject,
            (None, Some(_)) => {
                let text = "A rate on a project is one user's. Name the user too.".to_owned();
                return Err(ResourceError::Conflict(text).into());
            }
        };
        Ok(())
    }
}

impl LaborRate {
    /// The rate of a user's work on a project on a day: the user's on that project, else the user's own, else everybody's.
    pub(crate) async fn in_force(
        tenant: TenantId,
        user: AccountId,
        project: ProjectId,
        day: Day,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Option<Money>, StoreError> {
        let of_user = Self::of(tenant, Some(user), Some(day), uow).await?;
        let last = |rates: &[Stored<Self>], project: Option<ProjectId>| {
            // They come in the order of their days.
            rates
                .iter()
                .rev()
                .map(|rate| &rate.details)
                .find(|rate| rate.project_id == project)
                .map(|rate| rate.hourly_rate)
        };
        if let Some(rate) = last(&of_user, Some(project)).or_else(|| last(&of_user, None)) {
            return Ok(Some(rate));
        }
        Ok(last(&Self::of(tenant, None, Some(day), uow).await?, None))
    }

    /// The rates of a user's work, or of everybody's, in the order of their first days: of those until a day, if one is given.
    async fn of(
        tenant: TenantId,
        user: Option<AccountId>,
        until: Option<Day>,
        uow: &mut dyn UnitOfWork,
    ) -> Result<Vec<Stored<Self>>, StoreError> {
        let shape = Self::SHAPE;
        let mut filter = match user {
            Some(user) => Filter::is(shape, "userId", Value::Integer(user.get())),
            None => Filter::is(shape, "covers", Covers::Tenant.to_value()),
        };
        let order = shape.places(&["inForceFrom"]).first().copied().unwrap_or_default();
        if let Some(until) = until {
            filter.add(Condition::AtMost(order, Value::Day(until)));
        }
        uow.rows().all(tenant, shape, &filter, order).await?.iter().map(Record::typed).collect()
    }
}

/// Sets what an hour of work costs from a day on. Work that was logged before keeps its cost.
pub struct SetRate {
    /// Whose work. `None`: everybody's.
    pub user: Option<AccountId>,
    /// On one project. `None`: on all.
    pub project: Option<ProjectId>,
    /// The first day.
    pub from: Day,
    /// What an hour costs.
    pub hourly_rate: Money,
}

#[async_trait]
impl Command<dyn UnitOfWork> for SetRate {
    /// The rate.
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(LaborRate::SHAPE.scopes.write)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>> {
        let shape = LaborRate::SHAPE;
        uow.rows().take_turn(context.tenant, shape).await?;
        let others = LaborRate::of(context.tenant, self.user, None, uow).await?;
        let same = |rate: &&Stored<LaborRate>| {
            (rate.details.project_id, rate.details.in_force_from) == (self.project, self.from)
        };
        let mut draft = Draft::default();
        draft.put(shape, "hourlyRate", self.hourly_rate.to_value().into_owned());
        let (rate, told) = if let Some(same) = others.iter().find(same) {
            update(family::<LaborRate>(), same.record(), &draft, context, uow).await?
        } else {
            if others.len() >= MOST {
                return Err(ResourceError::Conflict(format!("There are {MOST} rates of this work, the most.")).into());
            }
            draft.put(shape, "userId", self.user.to_value().into_owned());
            draft.put(shape, "projectId", self.project.to_value().into_owned());
            draft.put(shape, "inForceFrom", Value::Day(self.from));
            insert(family::<LaborRate>(), &draft, context, uow).await?
        };
        Ok(Applied::telling(rate, told))
    }
}
