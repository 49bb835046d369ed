//! Running a change and answering it.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::{
    execute::{Command, Executed, execute},
    idempotency::{KeyedRequest, RenderedResponse},
    store::UnitOfWork,
};

use crate::{
    privileges::Privilege,
    problem::{ErrorCode, Problem},
    request::Authorized,
    state::ApiState,
};

/// The header that marks an answer given before.
pub(crate) const REPLAYED: &str = "Idempotent-Replayed";

impl<P: Privilege> Authorized<P> {
    /// Runs `command` for the caller, once for each idempotency key, and answers with what `render` makes of it.
    pub(crate) async fn execute<C, O, E>(
        self,
        state: &ApiState,
        keyed: Option<KeyedRequest>,
        command: C,
        render: impl Fn(&O) -> RenderedResponse + Send + Sync,
    ) -> Result<HttpResponse, Problem>
    where
        C: Command<dyn UnitOfWork, Output = O, Error = E>,
        O: Send,
        E: Send + Into<Problem>,
    {
        match self.run(state, keyed, command, render).await? {
            Executed::Applied { response, .. } => respond(response, false),
            Executed::Replayed(response) => respond(response, true),
        }
    }

    /// Like [`execute`](Self::execute), for a change whose answer holds what is shown once: `shown` makes the answer that is
    /// given now, `kept` the one that is stored and given to repetitions.
    pub(crate) async fn execute_showing_once<C, O, E>(
        self,
        state: &ApiState,
        keyed: Option<KeyedRequest>,
        command: C,
        shown: impl Fn(&O) -> RenderedResponse,
        kept: impl Fn(&O) -> RenderedResponse + Send + Sync,
    ) -> Result<HttpResponse, Problem>
    where
        C: Command<dyn UnitOfWork, Output = O, Error = E>,
        O: Send,
        E: Send + Into<Problem>,
    {
        match self.run(state, keyed, command, kept).await? {
            Executed::Applied { output, .. } => respond(shown(&output), false),
            Executed::Replayed(response) => respond(response, true),
        }
    }

    /// Like [`execute`](Self::execute), for a change whose answer holds a secret that repetitions are shown too: it is stored sealed.
    pub(crate) async fn execute_sealed<C, O, E>(
        self,
        state: &ApiState,
        keyed: Option<KeyedRequest>,
        command: C,
        shown: impl Fn(&O) -> RenderedResponse + Send + Sync,
    ) -> Result<HttpResponse, Problem>
    where
        C: Command<dyn UnitOfWork, Output = O, Error = E>,
        O: Send,
        E: Send + Into<Problem>,
    {
        let about = format!("answer of tenant {}", self.tenant());
        let (vault, entropy) = (&state.webhooks.vault, &state.environment.entropy);
        let kept = |output: &O| {
            let shown = shown(output);
            // Without a key there is no secret to show either.
            RenderedResponse { body: vault.seal(&**entropy, &about, &shown.body).unwrap_or_default(), ..shown }
        };
        match self.run(state, keyed, command, kept).await? {
            Executed::Applied { output, .. } => respond(shown(&output), false),
            Executed::Replayed(kept) => {
                let body = vault.open(&about, &kept.body).map_err(|error| {
                    Problem::new(
                        ErrorCode::InternalError,
                        "The answer cannot be shown again. It was given once; look at what was made, and make it anew if need be.",
                    )
                    .because(format!("a stored answer: {error}"))
                })?;
                respond(RenderedResponse { body, ..kept }, true)
            }
        }
    }

    /// Like [`execute`](Self::execute), for a change whose answer holds what lets its bearer in, such as a signed URL: `kept` is
    /// stored without it, and `completed` makes the answer of that, the first time and each time that it is given again.
    pub(crate) async fn execute_completing<C, O, E>(
        self,
        state: &ApiState,
        keyed: Option<KeyedRequest>,
        command: C,
        kept: impl Fn(&O) -> RenderedResponse + Send + Sync,
        completed: impl FnOnce(RenderedResponse) -> Result<RenderedResponse, Problem>,
    ) -> Result<HttpResponse, Problem>
    where
        C: Command<dyn UnitOfWork, Output = O, Error = E>,
        O: Send,
        E: Send + Into<Problem>,
    {
        match self.run(state, keyed, command, kept).await? {
            Executed::Applied { response, .. } => respond(completed(response)?, false),
            Executed::Replayed(response) => respond(completed(response)?, true),
        }
    }

    async fn run<C, O, E>(
        self,
        state: &ApiState,
        keyed: Option<KeyedRequest>,
        command: C,
        render: impl Fn(&O) -> RenderedResponse + Send + Sync,
    ) -> Result<Executed<O>, Problem>
    where
        C: Command<dyn UnitOfWork, Output = O, Error = E>,
        O: Send,
        E: Send + Into<Problem>,
    {
        let caller = self.into_caller();
        let executed = execute(&*state.store, &state.environment, &caller, keyed.as_ref(), &command, render).await?;
        Ok(executed)
    }
}

/// An answer without a body.
pub(crate) fn no_content() -> RenderedResponse {
    RenderedResponse { status: StatusCode::NO_CONTENT.as_u16(), ..RenderedResponse::default() }
}

fn respond(rendered: RenderedResponse, replayed: bool) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(rendered.status).map_err(|_| {
        Problem::new(ErrorCode::InternalError, "The server failed. Report the request id to its operator.")
            .because(format!("{} is no HTTP status", rendered.status))
    })?;
    let mut response = HttpResponse::build(status);
    for (name, value) in rendered.headers {
        response.insert_header((name, value));
    }
    if replayed {
        response.insert_header((REPLAYED, "true"));
    }
    Ok(if rendered.body.is_empty() { response.finish() } else { response.body(rendered.body) })
}
