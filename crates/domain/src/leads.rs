//! Leads: jobs that the tenant may get.

use async_trait::async_trait;
use serde_json::json;

use crate::{
    clock::Timestamp,
    contacts::Contact,
    csv::unguarded,
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    ids::{AccountId, ContactId, LeadStageId, ProjectId},
    jobs::{Column, Imported, InCsv, Reading},
    lead_stages::LeadStage,
    notifications::{Notice, NotificationType, notify},
    projects::Project,
    records::{About, RecordType},
    resource::{
        Body, Draft, Filter, Money, Record, Referable, Resource, ResourceError, Rules, Saving, Stored, Value, family,
        insert,
        summary::{Group, Named, Summary, Total},
        update,
    },
    scopes::{ScopeId, ScopeSet},
    store::UnitOfWork,
    text::{Name, Text},
    users::ActiveUser,
    words,
};

words! {
    /// What is to be built.
    pub enum ProjectType {
        /// Homes.
        Residential = "residential",
        /// Offices, shops and their like.
        Commercial = "commercial",
        /// Factories, warehouses and their like.
        Industrial = "industrial",
    }
}

/// A job that the tenant may get.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "lead", events = "lead", read(LeadsRead), write(LeadsWrite), delete(LeadsDelete))]
pub struct Lead {
    /// What it is called.
    #[field(search, example = "Garage, Elm Street")]
    pub name: Name,
    /// The contact who asks for it.
    #[field(refers = Contact, search)]
    pub contact_id: Option<ContactId>,
    /// The stage that it is in. That alone says whether it is open, won or lost.
    #[field(refers = LeadStage, filter)]
    pub stage_id: LeadStageId,
    /// The user who works on it.
    #[field(refers = ActiveUser, filter)]
    pub assigned_to: Option<AccountId>,
    /// Where it came from. An empty text is `null`.
    #[field(most = 500, search, example = "referral")]
    pub source: Option<Text>,
    /// What is to be built.
    #[field(example = "residential")]
    pub project_type: Option<ProjectType>,
    /// What it may bring.
    #[field(example = "12500.00")]
    pub estimated_value: Option<Money>,
    /// How likely it is to be won, in percent.
    #[field(least = 0, most = 100, example = "60")]
    pub probability: Option<i64>,
    /// When it is expected to be won.
    #[field(example = "2026-03-31T00:00:00.000Z")]
    pub expected_close_date: Option<Timestamp>,
    /// What the job is.
    #[field(search, example = "A double garage with a flat roof.")]
    pub description: Option<Text>,
    /// The street and number of the site.
    #[field(minor, most = 2_000, search, example = "12 Elm Street")]
    pub site_address: Option<Text>,
    /// The site's city.
    #[field(minor, most = 255, example = "Springfield")]
    pub site_city: Option<Text>,
    /// The site's state.
    #[field(minor, most = 100, example = "IL")]
    pub site_state: Option<Text>,
    /// The site's zip code.
    #[field(minor, most = 20, example = "62704")]
    pub site_zip_code: Option<Text>,
    /// The project that was made of it.
    #[field(minor, ignored)]
    pub converted_project_id: Option<ProjectId>,
}

type Allowed = Result<(), Failure<ResourceError>>;

#[async_trait]
impl Rules for Lead {
    async fn save(&mut self, _: &mut Saving<'_, Self>) -> Allowed {
        // One bucket for leads of no source.
        self.source = self.source.take().filter(|source| !source.is_empty());
        Ok(())
    }

    async fn saved(
        before: Option<&Stored<Self>>,
        after: &Stored<Self>,
        context: &Context<'_>,
        uow: &mut dyn UnitOfWork,
    ) -> Allowed {
        let person = after.details.assigned_to;
        if before.is_none_or(|before| before.details.assigned_to != person) {
            let notice = Notice {
                kind: NotificationType::LeadAssigned,
                title: "A lead was given to you".to_owned(),
                message: Some(after.details.name.to_string()),
                about: Some(About { kind: RecordType::Lead, id: after.id }),
            };
            notify(context, uow, &notice, person).await?;
        }
        Ok(())
    }

    async fn restore(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let tenant = saving.tenant();
        if !saving.uow.rows().pin(tenant, LeadStage::REFERENCE, self.stage_id.get()).await? {
            let board = LeadStage::board(tenant, saving.uow).await?;
            let default =
                board.iter().find(|stage| stage.details.is_default).and_then(|stage| LeadStageId::new(stage.id));
            let none = || ResourceError::Conflict("Its stage is deleted, and no stage is the default.".to_owned());
            self.stage_id = default.ok_or_else(none)?;
        }
        Ok(())
    }
}

#[async_trait]
impl InCsv for Lead {
    const COLUMNS: &'static [Column] = &[
        Column::own("id"),
        Column::own("name"),
        Column::own("stageId"),
        Column::named("stageName", "stageId", &[&["name"]]),
        Column::own("contactId"),
        Column::named("contactName", "contactId", Column::CONTACT),
        Column::own("assignedTo"),
        Column::own("source"),
        Column::own("projectType"),
        Column::own("estimatedValue"),
        Column::own("probability"),
        Column::own("expectedCloseDate"),
        Column::own("description"),
        Column::own("siteAddress"),
        Column::own("siteCity"),
        Column::own("siteState"),
        Column::own("siteZipCode"),
        Column::own("convertedProjectId"),
        Column::own("createdAt"),
        Column::own("updatedAt"),
    ];
    const TARGETS: &'static [&'static str] = &["stage", "email", "phone", "companyName"];

    async fn read(row: &mut Imported, reading: &mut Reading<'_>) -> Allowed {
        Self::link_contact(row, reading).await?;
        let name = row.take("stage");
        let is_new = reading.before.is_none();
        if row.has("stageId") || (name.is_none() && !is_new) {
            return Ok(());
        }
        let name = name.map(|name| name.trim().to_lowercase());
        let key = format!("lead_stages.name={}", name.as_deref().unwrap_or_default());
        if !reading.remembered.contains_key(&key) {
            let stages = LeadStage::in_order(reading.context.tenant, reading.uow).await?;
            let found = stages.iter().find(|stage| match &name {
                Some(name) => stage.details.name.to_lowercase() == *name,
                None => stage.details.is_default,
            });
            reading.remembered.insert(key.clone(), found.map(|stage| stage.id));
        }
        match (reading.remembered.get(&key).copied().flatten(), name) {
            (Some(id), _) => drop(row.cells.insert("stageId", id.to_string())),
            (None, Some(_)) => row.errors.push("stage", Fault::new("not_found", "There is no stage of this name.")),
            (None, None) => {}
        }
        Ok(())
    }
}

impl Lead {
    /// Links the contact with the address that a file says. If there is none, one is made, or the address is kept in the description.
    async fn link_contact(row: &mut Imported, reading: &mut Reading<'_>) -> Allowed {
        let (email, phone, company) = (row.take("email"), row.take("phone"), row.take("companyName"));
        let Some(email) = email.filter(|_| !row.has("contactId")) else { return Ok(()) };
        let text = unguarded(email.trim()).to_owned();
        let Some((at, _)) = Contact::SHAPE.field("email") else { return Ok(()) };
        let tenant = reading.context.tenant;
        let found = reading.uow.jobs().find(tenant, Contact::SHAPE, at, &[text.to_lowercase()]).await?;
        if let Some(id) = found.into_values().flatten().next() {
            row.cells.insert("contactId", id.to_string());
            return Ok(());
        }
        if reading.context.principal.scopes().contains(ScopeId::ContactsWrite) {
            let sent = [
                ("type", Some("customer".to_owned())),
                ("email", Some(text)),
                ("phone", phone),
                ("companyName", company),
            ];
            let sent = sent.into_iter().filter_map(|(name, cell)| Some((name.to_owned(), json!(unguarded(&cell?)))));
            match Draft::read(Contact::SHAPE, &Body::New, &sent.collect(), FieldErrors::new()) {
                Ok(draft) => {
                    reading.wrote = true;
                    let (contact, told) = insert(family::<Contact>(), &draft, reading.context, reading.uow).await?;
                    reading.told.extend(told);
                    row.cells.insert("contactId", contact.id.to_string());
                }
                Err(errors) => row.errors.extend(errors),
            }
            return Ok(());
        }
        let said = match row.take("description").or_else(|| reading.before.and_then(Self::description_of)) {
            Some(before) => format!("{before}\n{text}"),
            None => text,
        };
        row.cells.insert("description", said);
        Ok(())
    }

    fn description_of(before: &Record) -> Option<String> {
        let (at, _) = Self::SHAPE.field("description")?;
        before.values.get(at)?.as_text().map(str::to_owned)
    }
}

/// Makes a project of a lead, which is won by that. Tells of the project, and then of the change of the lead.
pub struct Convert {
    /// Which lead.
    pub lead: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Convert {
    /// The project.
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(Self::NEEDS)
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>> {
        let tenant = context.tenant;
        let conflict = |why: &str| ResourceError::Conflict(why.to_owned());
        // The turn comes before the lead: others who hold a lead that is there do not wait for it.
        let board = LeadStage::board(tenant, uow).await?;
        let before =
            uow.rows().lock(tenant, Lead::SHAPE, self.lead).await?.ok_or(ResourceError::NotFound(Lead::SHAPE.one))?;
        let lead = before.typed::<Lead>()?;
        let won = || board.iter().filter(|stage| stage.details.is_won);
        if won().any(|stage| stage.id == lead.details.stage_id.get()) {
            return Err(conflict("This lead is won already. To convert it, move it to another stage first.").into());
        }
        let of_lead = Filter::is(Project::SHAPE, "leadId", Value::Integer(lead.id));
        if uow.rows().count(tenant, Project::SHAPE, &of_lead).await? > 0 {
            return Err(conflict("A project was made of this lead before. Delete that one first.").into());
        }
        let stage = won().min_by_key(|stage| (stage.details.order, stage.id)).map(|stage| stage.id);
        let stage = stage.ok_or_else(|| conflict("There is no stage where leads are won. Make one first."))?;
        let mut draft = Draft::as_it_is();
        draft.put(Project::SHAPE, "leadId", Value::Integer(lead.id));
        for (of_lead, of_project) in KEPT {
            let value = Lead::SHAPE.field(of_lead).and_then(|(at, _)| before.values.get(at));
            draft.put(Project::SHAPE, of_project, value.cloned().unwrap_or_default());
        }
        let (project, mut told) = insert(family::<Project>(), &draft, context, uow).await?;
        let mut moved = Draft::default();
        moved.put(Lead::SHAPE, "stageId", Value::Integer(stage));
        moved.put(Lead::SHAPE, "convertedProjectId", Value::Integer(project.id));
        let (_, more) = update(family::<Lead>(), before, &moved, context, uow).await?;
        told.extend(more);
        Ok(Applied::telling(project, told))
    }
}

/// What a project has of its lead, by the names that each gives it. When it was expected to be won is not among it.
const KEPT: [(&str, &str); 11] = [
    ("name", "name"),
    ("contactId", "contactId"),
    ("assignedTo", "assignedTo"),
    ("projectType", "projectType"),
    ("estimatedValue", "originalContractValue"),
    ("estimatedValue", "contractValue"),
    ("description", "description"),
    ("siteAddress", "siteAddress"),
    ("siteCity", "siteCity"),
    ("siteState", "siteState"),
    ("siteZipCode", "siteZipCode"),
];

impl Convert {
    /// The scopes that a caller needs.
    pub const NEEDS: &[ScopeId] = &[ScopeId::LeadsWrite, ScopeId::ProjectsWrite];
}

/// How leads are summed up.
pub static SUMMARY: Summary = Summary {
    filters: &["stageId", "assignedTo"],
    totals: &[Total::sum("estimated_value_total", "estimatedValue", "What they may bring.")],
    groups: &[
        Group::by("by_stage", "stageId", "stageId").naming(Named {
            name: "stageName",
            shape: LeadStage::SHAPE,
            field: "name",
            order: "order",
        }),
        Group::by("by_source", "source", "source"),
    ],
};
