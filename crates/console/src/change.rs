//! Running a change whose result no page shows.

use bwp_domain::{
    execute::{Command, execute},
    idempotency::RenderedResponse,
    store::UnitOfWork,
};

use crate::{
    trouble::{Trouble, rejected},
    visit::Visit,
};

/// Runs the command for who asks: what it refuses is for the page to explain.
pub(crate) async fn run<C, O, E>(visit: &Visit, command: C) -> Result<Result<(), E>, Trouble>
where
    C: Command<dyn UnitOfWork, Output = O, Error = E>,
    O: Send,
    E: Send,
{
    let nothing = |_: &O| RenderedResponse::default();
    let state = &visit.state;
    match execute(&*state.store, &state.environment, &visit.caller()?, None, &command, nothing).await {
        Ok(_) => Ok(Ok(())),
        Err(error) => rejected(error).map(Err),
    }
}
