//! What documents with money have in common: bids, change orders and their like go from state to state by steps.

use std::fmt;

use async_trait::async_trait;

use crate::{
    execute::{Applied, Command, Context, Failure},
    principal::Principal,
    resource::{Record, ResourceError, Rules, Told},
    scopes::{ScopeId, ScopeSet},
    store::UnitOfWork,
    text::Text,
};

/// A step: a row of a family's table of states. What is not in the table is refused (MNY-11).
#[derive(Debug)]
pub struct Step<S: 'static> {
    /// What is done, as its path is called: `revert-acceptance`.
    pub name: &'static str,
    /// The states in which it may be done.
    pub from: &'static [S],
    /// The state that follows. `None`: the one that is asked for, or that it was in before.
    pub to: Option<S>,
    /// What others are told.
    pub told: Told,
    /// The scopes that it needs.
    pub needs: &'static [ScopeId],
    /// What to do in the states in which it may not be done, where these have no way out of their own.
    pub instead: &'static str,
}

impl<S: Copy + PartialEq + fmt::Display> Step<S> {
    /// Whether it may be done to what people call `one`, which is in this state. The refusal names the state and the way out: that of
    /// the state, or the step's.
    pub fn check(&self, one: &str, state: S, way_out: fn(S) -> Option<&'static str>) -> Result<(), ResourceError> {
        if self.from.contains(&state) {
            return Ok(());
        }
        Err(locked(one, state, way_out(state).unwrap_or(self.instead)))
    }
}

/// What can be done to the documents of a family, by its table of states.
#[async_trait]
pub trait Action: Send + Sync + Sized + 'static {
    /// The documents.
    type Of: Rules;
    /// How far they are.
    type State: Copy + PartialEq + fmt::Display + 'static;
    /// The table of states.
    const STEPS: &'static [Step<Self::State>];

    /// The name of its step in the table.
    fn name(&self) -> &'static str;

    /// Does it to the document of this id, which is not locked yet. Gives the document.
    async fn take(
        &self,
        id: i64,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>>;

    /// Its step.
    fn step(&self) -> &'static Step<Self::State> {
        Self::named(self.name())
    }

    /// The step of this name. Each is in its table, which the tests of its family go through.
    fn named(name: &str) -> &'static Step<Self::State> {
        Self::STEPS.iter().find(|step| step.name == name).unwrap_or(&Self::STEPS[0])
    }
}

/// Takes a step with a document.
pub struct Take<A> {
    /// Which document.
    pub id: i64,
    /// What is done.
    pub action: A,
}

#[async_trait]
impl<A: Action> Command<dyn UnitOfWork> for Take<A> {
    type Output = Record;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.action.step().needs)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>> {
        self.action.take(self.id, context, uow).await
    }
}

/// The refusal to do something to what is in a state that forbids it.
pub fn locked(one: &str, state: impl fmt::Display, way_out: &str) -> ResourceError {
    ResourceError::Conflict(format!("This {one} is {state}: {way_out}."))
}

/// The name of who takes a step: a person's, or their address without one; or that of a key.
pub fn acting(principal: &Principal) -> Option<Text> {
    let name = match principal {
        Principal::Key(credential) => credential.key.name.as_str().to_owned(),
        Principal::User(signed_in) => signed_in.account().label(),
        Principal::App(app) => app.user.account.label(),
        Principal::Job(job) => return acting(&job.starter),
        Principal::Operator(_) => return None,
    };
    Text::parse(name).ok()
}
