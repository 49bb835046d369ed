//! Lead stages: the columns of a tenant's sales board.

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    execute::{Context, Failure},
    fields::{Fault, FieldErrors},
    ids::TenantId,
    leads::Lead,
    resource::{Filter, Record, Resource, ResourceError, Rules, Saving, Stored, Value, ports::Rows},
    store::{StoreError, UnitOfWork},
    text::{Name, Text},
};

/// A column of the tenant's sales board.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "lead stage", read(LeadsRead), write(LeadsWrite), delete(LeadsDelete), in_turn, without_updated_at)]
pub struct LeadStage {
    /// What it is called.
    #[field(most = 255, example = "Site Visit Scheduled")]
    pub name: Name,
    /// Its colour on the board, as the tenant's programs write it.
    #[field(most = 50, example = "#2563eb")]
    pub color: Option<Text>,
    /// Where it stands on the board: stages are shown by this number. Unless it is sent, behind all others.
    #[field(default = 0, least = -2_147_483_648, most = 2_147_483_647, example = "3")]
    pub order: i64,
    /// Whether new leads begin here. One stage of a tenant is that: making another one so takes it from this one.
    #[field(default = false)]
    pub is_default: bool,
    /// Whether leads here are won.
    #[field(default = false)]
    pub is_won: bool,
    /// Whether leads here are lost.
    #[field(default = false)]
    pub is_lost: bool,
}

/// The most stages of a tenant: each list shows all.
const MOST_STAGES: usize = 500;

/// The most that `order` may be.
const MOST_ORDER: i64 = 2_147_483_647;

/// The stages that a tenant begins with, by name and colour, in their order. Leads begin in the first.
const FIRST: [(&str, &str); 7] = [
    ("New Lead", "#64748b"),
    ("Contacted", "#0284c7"),
    ("Site Visit Scheduled", "#7c3aed"),
    ("Bid Sent", "#d97706"),
    ("Negotiation", "#c2410c"),
    (WON, "#15803d"),
    (LOST, "#b91c1c"),
];
const WON: &str = "Won";
const LOST: &str = "Lost";

/// Makes the stages of a new tenant.
pub(crate) async fn make_first(rows: &mut dyn Rows, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
    for (order, (name, color)) in (1..).zip(FIRST) {
        let flags = [order == 1, name == WON, name == LOST].map(Value::Bool);
        let values = [Value::Text(name.into()), Value::Text(color.into()), Value::Integer(order)];
        rows.insert(tenant, LeadStage::SHAPE, &[&values[..], &flags].concat(), now).await?;
    }
    Ok(())
}

type Allowed = Result<(), Failure<ResourceError>>;

#[async_trait]
impl Rules for LeadStage {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Allowed {
        let tenant = saving.tenant();
        let mut others = Self::all(tenant, saving.uow).await?;
        others.retain(|other| saving.before.is_none_or(|before| before.id != other.id));
        if saving.before.is_none() {
            if others.len() >= MOST_STAGES {
                return Err(ResourceError::Conflict(format!("There are {MOST_STAGES} lead stages, the most.")).into());
            }
            if !saving.sets("order") {
                self.order = (others.iter().map(|other| other.details.order + 1).max()).unwrap_or(1).min(MOST_ORDER);
            }
            // The first stage of a tenant without any is where its leads begin.
            self.is_default |= others.is_empty() && !self.is_won && !self.is_lost;
        }
        self.check(saving.before, &others)?;
        for mut other in others.into_iter().filter(|other| self.is_default && other.details.is_default) {
            other.details.is_default = false;
            other.updated_at = saving.context.now.max(other.updated_at);
            saving.uow.rows().update(tenant, Self::SHAPE, &other.record()).await?;
        }
        Ok(())
    }

    async fn delete(stored: &Stored<Self>, context: &Context<'_>, uow: &mut dyn UnitOfWork) -> Allowed {
        let kept = |why: &str| Err(ResourceError::Conflict(why.to_owned()).into());
        match &stored.details {
            stage if stage.is_default => kept("New leads begin in this stage. Make another one the default first."),
            stage if stage.is_won => kept("Leads in this stage are won: such a stage stays."),
            stage if stage.is_lost => kept("Leads in this stage are lost: such a stage stays."),
            _ => {
                let inside = Filter::is(Lead::SHAPE, "stageId", Value::Integer(stored.id));
                match uow.rows().count(context.tenant, Lead::SHAPE, &inside).await? {
                    0 => Ok(()),
                    1 => kept("There is 1 lead in this stage. Move it to another one first."),
                    many => kept(&format!("There are {many} leads in this stage. Move them to another one first.")),
                }
            }
        }
    }
}

impl LeadStage {
    /// Every stage, each locked, as long as it is the caller's turn.
    async fn all(tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Vec<Stored<Self>>, StoreError> {
        uow.rows().lock_all(tenant, Self::SHAPE).await?.iter().map(Record::typed).collect()
    }

    /// Every stage by its id, which stay as they are until the unit of work ends.
    pub(crate) async fn board(tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Vec<Stored<Self>>, StoreError> {
        uow.rows().take_turn(tenant, Self::SHAPE).await?;
        Self::all(tenant, uow).await
    }

    /// Every stage in the order of the board.
    pub(crate) async fn in_order(tenant: TenantId, uow: &mut dyn UnitOfWork) -> Result<Vec<Stored<Self>>, StoreError> {
        let order = Self::SHAPE.places(&["order"]).first().copied().unwrap_or_default();
        uow.rows().all(tenant, Self::SHAPE, &Filter::all(), order).await?.iter().map(Record::typed).collect()
    }

    fn check(&self, before: Option<&Stored<Self>>, others: &[Stored<Self>]) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::new();
        let mut refuse = |field: &str, why: &str| errors.push(field, Fault::new("invalid_value", why));
        if self.is_won && self.is_lost {
            refuse("isLost", "A stage is won or lost, and not both.");
        }
        if self.is_default && (self.is_won || self.is_lost) {
            refuse("isDefault", "New leads cannot begin in a stage that is won or lost.");
        }
        if let Some(before) = before.map(|before| &before.details) {
            if before.is_default && !self.is_default {
                refuse(
                    "isDefault",
                    "New leads begin here. Make another stage the default: that takes it from this one.",
                );
            }
            if before.is_won && !self.is_won && !others.iter().any(|other| other.details.is_won) {
                refuse("isWon", "It is the last stage in which leads are won. Make another one so first.");
            }
        }
        errors.or(())
    }
}
