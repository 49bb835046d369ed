//! What documents with money have in common: bids, change orders and their like go from state to state by steps.

use std::fmt;

use crate::{
    principal::Principal,
    resource::{ResourceError, Told},
    scopes::ScopeId,
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
