//! Projects: the jobs that a tenant works on.

use async_trait::async_trait;

use crate::{
    change_orders,
    clock::Timestamp,
    contacts::Contact,
    events::Event,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{AccountId, BidId, ContactId, LeadId},
    jobs::{Column, InCsv, Key},
    numbers::Numbering,
    resource::{
        Condition, Filter, Money, Resource, ResourceError, Rules, Saving, Stored, Value, event,
        summary::{Asked, Found, Group, Of, Summary, Total},
    },
    text::{Name, Text},
    users::ActiveUser,
    words,
};

words! {
    /// How far a project is.
    pub enum ProjectStatus {
        /// It is being prepared.
        Planning = "planning",
        /// Work goes on.
        InProgress = "in_progress",
        /// Work rests.
        OnHold = "on_hold",
        /// What is left is being done.
        Closeout = "closeout",
        /// It is done.
        Completed = "completed",
        /// It was given up.
        Cancelled = "cancelled",
    }
}

/// A job that the tenant works on.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "project", events = "project", read(ProjectsRead), write(ProjectsWrite), delete(ProjectsDelete))]
pub struct Project {
    /// What it is called.
    #[field(search, example = "Garage, Elm Street")]
    pub name: Name,
    /// Its number. Unless one is sent, the tenant's next.
    #[field(automatic, least = 1, most = 500, search)]
    pub project_number: Text,
    /// The contact that it is for.
    #[field(refers = Contact, filter)]
    pub contact_id: Option<ContactId>,
    /// The bid that it was made from.
    #[field(ignored)]
    pub bid_id: Option<BidId>,
    /// What is built, such as `residential`.
    #[field(most = 100, example = "residential")]
    pub project_type: Option<Text>,
    /// How far it is.
    #[field(default = "planning", filter, example = "in_progress")]
    pub status: ProjectStatus,
    /// How urgent it is, such as `low`, `medium`, `high` or `urgent`.
    #[field(default = "medium", most = 100, example = "high")]
    pub priority: Option<Text>,
    /// When work begins.
    #[field(example = "2026-05-04T00:00:00.000Z")]
    pub start_date: Option<Timestamp>,
    /// When it is to be done.
    #[field(example = "2026-09-30T00:00:00.000Z")]
    pub expected_end_date: Option<Timestamp>,
    /// When it was done. A project that becomes `completed` without one gets the tenant's day.
    pub actual_end_date: Option<Timestamp>,
    /// What it is worth now: what was signed, and the change orders approved since. Follows `originalContractValue`.
    #[field(signed)]
    pub contract_value: Option<Money>,
    /// What was signed.
    #[field(signed, example = "250000.00")]
    pub original_contract_value: Option<Money>,
    /// What it is about.
    #[field(search)]
    pub description: Option<Text>,
    /// Street and number of the site.
    #[field(most = 2_000, example = "12 Elm Street")]
    pub site_address: Option<Text>,
    /// The site's city.
    #[field(minor, most = 255, example = "Springfield")]
    pub site_city: Option<Text>,
    /// The site's state.
    #[field(minor, most = 100, example = "IL")]
    pub site_state: Option<Text>,
    /// The site's postal code.
    #[field(minor, most = 20, example = "62701")]
    pub site_zip_code: Option<Text>,
    /// The user who is in charge.
    #[field(refers = ActiveUser)]
    pub assigned_to: Option<AccountId>,
    /// The lead that it was made from.
    #[field(minor, ignored)]
    pub lead_id: Option<LeadId>,
}

/// The numbers of a tenant's projects.
pub static NUMBERING: Numbering =
    Numbering { prefix: "P", digits: 5, shape: Project::SHAPE, column: "project_number", within: None };

type Allowed = Result<(), Failure<ResourceError>>;

#[async_trait]
impl Rules for Project {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let before = saving.before.map(|before| &before.details);
        let completed = |project: &Self| project.status == ProjectStatus::Completed;
        let was_completed = before.is_some_and(completed);
        if completed(self) && !was_completed && self.actual_end_date.is_none() && !saving.sets("actualEndDate") {
            self.actual_end_date = Some(saving.context.principal.time_zone().today(saving.context.now));
        }
        self.settle_values(before, saving.sets("contractValue"), saving.sets("originalContractValue"))?;
        if self.project_number.is_empty() {
            // Last of all: others wait for the tenant's next number from here on.
            self.project_number = saving.uow.numbers().next(saving.context.tenant, &NUMBERING).await?;
        }
        Ok(())
    }

    async fn restore(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        for (field, id) in [("leadId", self.lead_id.map(LeadId::get)), ("bidId", self.bid_id.map(BidId::get))] {
            let Some(id) = id else { continue };
            let others = Filter::is(Self::SHAPE, field, Value::Integer(id));
            if saving.uow.rows().count(saving.context.tenant, Self::SHAPE, &others).await? > 0 {
                let message = "Another project was made from its lead or its bid since.";
                return Err(ResourceError::Conflict(message.to_owned()).into());
            }
        }
        Ok(())
    }

    fn also_tell(context: &Context<'_>, before: Option<&Stored<Self>>, after: &Stored<Self>) -> Vec<Event> {
        let before = before.map(|before| before.details.status).filter(|status| *status != after.details.status);
        let changed = before.map(|status| {
            let previous = serde_json::json!({ "status": status.as_str() });
            event(context, Self::SHAPE, "project.status_changed", &after.record(), Some(previous))
        });
        changed.into_iter().collect()
    }
}

impl InCsv for Project {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("projectNumber"),
        Column::own("name"),
        Column::own("status"),
        Column::own("priority"),
        Column::own("projectType"),
        Column::own("contactId"),
        Column::named("contactName", "contactId", Column::CONTACT),
        Column::own("bidId"),
        Column::own("leadId"),
        Column::own("assignedTo"),
        Column::own("startDate"),
        Column::own("expectedEndDate"),
        Column::own("actualEndDate"),
        Column::own("originalContractValue"),
        Column::own("contractValue"),
        Column::own("description"),
        Column::own("siteAddress"),
        Column::own("siteCity"),
        Column::own("siteState"),
        Column::own("siteZipCode"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
    const KEY: Option<Key> = Some(Key { field: "projectNumber", unique: false });
}

impl Project {
    /// The two values go together until somebody parts them.
    fn settle_values(&mut self, before: Option<&Self>, sets_now: bool, sets_signed: bool) -> Result<(), FieldErrors> {
        let was_now = before.and_then(|before| before.contract_value);
        let was_signed = before.and_then(|before| before.original_contract_value);
        let mut errors = FieldErrors::new();
        for (name, amount, was) in [
            ("contractValue", self.contract_value, was_now),
            ("originalContractValue", self.original_contract_value, was_signed),
        ] {
            // Change orders may have made it negative: sending back what was read must work.
            if amount != was && amount.is_some_and(Money::is_negative) {
                errors.push(name, Fault::new("too_small", "Must be 0 or more."));
            }
        }
        match (was_signed, self.original_contract_value, self.contract_value) {
            _ if before.is_none() => {
                self.contract_value = self.contract_value.or(self.original_contract_value);
                self.original_contract_value = self.original_contract_value.or(self.contract_value);
            }
            // What was signed is changed alone: what it is worth now changes by as much.
            (Some(was), Some(signed), Some(now)) if sets_signed && !sets_now => {
                match Money::rounded(now.decimal() + signed.decimal() - was.decimal()) {
                    Ok(moved) => self.contract_value = Some(moved),
                    Err(fault) => errors.push("contractValue", fault),
                }
            }
            (None, signed, None) if sets_signed && !sets_now => self.contract_value = signed,
            // Without approved change orders, what it is worth now is what was signed.
            (None, _, now) if sets_now && !sets_signed => self.original_contract_value = now,
            _ => {}
        }
        errors.or(())
    }
}

/// How projects are summed up.
pub static SUMMARY: Summary = Summary {
    filters: &["contactId", "assignedTo"],
    totals: &[
        Total::sum("contract_value_total", "contractValue", "What they are worth now."),
        Total {
            name: "approved_co_delta_total",
            doc: "What approved change orders added to what was signed.",
            of: Of::Amount(added),
        },
        Total {
            name: "overdue_count",
            doc: "How many were to be done before today and are neither completed nor cancelled. The tenant's time zone decides when \
                  today begins.",
            of: Of::Count(overdue),
        },
    ],
    groups: &[Group::by("by_status", "status", "status"), Group::by("by_type", "project_type", "projectType")],
};

fn added(asked: Asked<'_>) -> Found<'_> {
    Box::pin(async move {
        let delta = change_orders::approved_delta(asked.rows, asked.tenant, asked.filter).await?;
        Ok(Value::Decimal(delta.decimal()))
    })
}

fn overdue(asked: Asked<'_>) -> Found<'_> {
    Box::pin(async move {
        let mut late = asked.filter.clone();
        if let [end, status] = Project::SHAPE.places(&["expectedEndDate", "status"])[..] {
            late.add(Condition::Before(end, asked.today));
            for done in [ProjectStatus::Completed, ProjectStatus::Cancelled] {
                late.add(Condition::IsNot(status, Value::Text(done.as_str().into())));
            }
        }
        Ok(Value::Integer(asked.rows.count(asked.tenant, Project::SHAPE, &late).await?))
    })
}
