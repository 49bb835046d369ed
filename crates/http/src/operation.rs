//! Operations: what the table of a family is made of.

use std::{borrow::Cow, cell::Cell, marker::PhantomData, pin::pin, rc::Rc};

use actix_web::{
    HttpRequest, HttpResponse,
    dev::Payload,
    http::{Method, StatusCode},
    web,
};
use bwp_domain::{
    principal::Credential,
    rate_limits::{Admission, Standing},
    scopes::{ScopeId, ScopeSet},
};
use bwp_web::{deadline, observe};
use futures_util::{
    FutureExt,
    future::{Either, LocalBoxFuture, select},
};

use crate::{
    audit::Record,
    oauth,
    openapi::{Body, Input, KeyUse, ReplyKind, SchemaSource},
    paging,
    privileges::Privilege,
    problem::Problem,
    rate_limit,
    request::{Authorized, Call, Extract, Shown, query},
    routes::Context,
    state::ApiState,
};

/// One operation: from it come a route and an entry in the OpenAPI document.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: Cow<'static, str>,
    pub(crate) id: Cow<'static, str>,
    pub(crate) tag: Tag,
    pub(crate) summary: Cow<'static, str>,
    pub(crate) description: Cow<'static, str>,
    pub(crate) cost: u32,
    pub(crate) reply: Option<Reply>,
    pub(crate) input: Input,
    pace: Pace,
    handler: Rc<dyn Erased>,
}

/// What a family's operations are listed under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The contract's name of it.
    pub(crate) name: &'static str,
    /// What the operations are about.
    pub(crate) description: &'static str,
}

/// What answers the requests of an operation.
pub(crate) type Run = Rc<dyn Fn(HttpRequest, Payload) -> LocalBoxFuture<'static, HttpResponse>>;

/// How an operation answers when all went well.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) description: Cow<'static, str>,
    pub(crate) kind: ReplyKind,
}

/// What an operation costs of a tenant's budget, by its method.
const READ_COST: u32 = 1;
const MUTATION_COST: u32 = 5;

impl Operation {
    pub(crate) fn get<A: 'static, H: Handler<A>>(path: impl Into<Cow<'static, str>>, handler: H) -> Self {
        Self::new(Method::GET, path.into(), handler, Pace::Long)
    }

    /// A GET that reads what is found at once, such as a row by its id: the reading begins before the caller is checked.
    pub(crate) fn get_at_once<A: 'static, H: Handler<A>>(path: impl Into<Cow<'static, str>>, handler: H) -> Self {
        Self::new(Method::GET, path.into(), handler, Pace::Quick)
    }

    pub(crate) fn post<A: 'static, H: Handler<A>>(path: impl Into<Cow<'static, str>>, handler: H) -> Self {
        Self::new(Method::POST, path.into(), handler, Pace::Long)
    }

    pub(crate) fn put<A: 'static, H: Handler<A>>(path: impl Into<Cow<'static, str>>, handler: H) -> Self {
        Self::new(Method::PUT, path.into(), handler, Pace::Long)
    }

    pub(crate) fn patch<A: 'static, H: Handler<A>>(path: impl Into<Cow<'static, str>>, handler: H) -> Self {
        Self::new(Method::PATCH, path.into(), handler, Pace::Long)
    }

    pub(crate) fn delete<A: 'static, H: Handler<A>>(path: impl Into<Cow<'static, str>>, handler: H) -> Self {
        Self::new(Method::DELETE, path.into(), handler, Pace::Long)
    }

    fn new<A: 'static, H: Handler<A>>(method: Method, path: Cow<'static, str>, handler: H, pace: Pace) -> Self {
        let mut input = Input::default();
        H::describe(&mut input);
        input.name_item(&path);
        let cost = if method == Method::GET { READ_COST } else { MUTATION_COST };
        Self {
            id: operation_id(method.as_str(), &path).into(),
            method,
            path,
            tag: Tag { name: "", description: "" },
            summary: "".into(),
            description: "".into(),
            cost,
            reply: None,
            input,
            pace,
            handler: Rc::new(ErasedHandler { handler, taken: PhantomData }),
        }
    }

    /// What answers its requests.
    pub(crate) fn run(&self) -> Run {
        let takes = Takes {
            query: self.input.query_refusal.is_some(),
            change: self.input.key == KeyUse::Used,
            waits: self.pace == Pace::Long || self.input.body.is_some() || self.input.standing,
            needs: ScopeSet::of(self.input.scopes),
            cost: self.cost,
        };
        let handler = Rc::clone(&self.handler);
        Rc::new(move |request, payload| answer(Rc::clone(&handler), request, payload, takes).boxed_local())
    }

    /// What it costs of a tenant's budget, where that does not follow from its method.
    pub(crate) const fn cost(mut self, cost: u32) -> Self {
        self.cost = cost;
        self
    }

    /// That the state of things may forbid it, though it changes nothing.
    pub(crate) const fn conflicts(mut self) -> Self {
        self.input.conflicts = true;
        self
    }

    /// A body that may be left out, which it reads by itself.
    pub(crate) fn optional_body(mut self, body: Body) -> Self {
        self.input.body = Some(body);
        self.input.body_optional = true;
        self
    }

    /// The scopes that it needs, where its handler's signature does not say so.
    pub(crate) fn needs(mut self, scopes: &'static [ScopeId]) -> Self {
        self.input.scopes = scopes;
        self
    }

    /// Its `operationId` and tag.
    pub(crate) fn named(self, id: &'static str, tag: Tag) -> Self {
        Self { id: id.into(), tag, ..self }
    }

    /// What it is listed under. Its `operationId` is made of its method and path.
    pub(crate) fn tagged(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    pub(crate) fn summary(self, summary: impl Into<Cow<'static, str>>) -> Self {
        Self { summary: summary.into(), ..self }
    }

    pub(crate) fn description(self, description: impl Into<Cow<'static, str>>) -> Self {
        Self { description: description.into(), ..self }
    }

    pub(crate) fn replies(self, reply: Reply) -> Self {
        Self { reply: Some(reply), ..self }
    }
}

/// `patchLeadStagesById` for PATCH `/lead-stages/{id}`, as the contract names operations.
pub(crate) fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_ascii_lowercase();
    for word in path.split(['/', '-']).filter(|word| !word.is_empty()) {
        let (by, word) = match word.strip_prefix('{') {
            Some(name) => ("By", name.trim_end_matches('}')),
            None => ("", word),
        };
        id.push_str(by);
        let mut letters = word.chars();
        id.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        id.push_str(letters.as_str());
    }
    id
}

impl Reply {
    /// 200 with one thing.
    pub(crate) fn data<T: utoipa::ToSchema + 'static>(description: &'static str) -> Self {
        Self::new(200, description, ReplyKind::One(SchemaSource::of::<T>()))
    }

    /// 201 with one thing.
    pub(crate) fn created<T: utoipa::ToSchema + 'static>(description: &'static str) -> Self {
        Self { status: 201, ..Self::data::<T>(description) }
    }

    /// 202 with one thing: what was begun.
    pub(crate) fn accepted<T: utoipa::ToSchema + 'static>(description: &'static str) -> Self {
        Self { status: 202, ..Self::data::<T>(description) }
    }

    /// 302: where something is.
    pub(crate) fn redirect(description: &'static str) -> Self {
        Self::new(302, description, ReplyKind::Nothing)
    }

    /// 200 with a page of things.
    pub(crate) fn page<T: utoipa::ToSchema + 'static>(description: &'static str) -> Self {
        Self::new(200, description, ReplyKind::Page(SchemaSource::of::<T>()))
    }

    /// 204.
    pub(crate) fn no_content(description: &'static str) -> Self {
        Self::new(204, description, ReplyKind::Nothing)
    }

    pub(crate) fn new(status: u16, description: impl Into<Cow<'static, str>>, kind: ReplyKind) -> Self {
        Self { status, description: description.into(), kind }
    }
}

/// How long a handler's reading takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// As long as the check of the caller.
    Quick,
    /// It may be longer.
    Long,
}

/// What a handler takes, as far as it decides how it is run.
#[derive(Clone, Copy)]
struct Takes {
    /// Query parameters.
    query: bool,
    /// It makes a change, in a transaction that checks the credential itself.
    change: bool,
    /// Something that is not there before the caller is let in: a change, a body, how their budgets stand.
    waits: bool,
    /// A caller with these scopes.
    needs: ScopeSet,
    /// Units of the tenant's budget.
    cost: u32,
}

async fn answer(handler: Rc<dyn Erased>, request: HttpRequest, payload: Payload, takes: Takes) -> HttpResponse {
    let Some(state) = request.app_data::<web::Data<ApiState>>().cloned() else {
        tracing::error!("the API was configured without its state");
        return HttpResponse::InternalServerError().finish();
    };
    let context = Context::new(state, &request);
    let record = Record::begin(&request, &context);
    let running = Running {
        handler: &*handler,
        request: &request,
        context: &context,
        record: &record,
        takes,
        standing: Cell::new(None),
    };
    let mut response = match running.in_time(payload).await {
        Ok(response) => {
            record.end(response.status(), None);
            response
        }
        Err(problem) => {
            record.end(problem.status(), Some(problem.code()));
            let mut response = problem.into_response(&context.state.errors_url(), context.request_id());
            oauth::challenge(&request, &mut response, takes.needs, &context.state.public_url);
            response
        }
    };
    // Whose credential is no good (any more) is told nothing about its budgets.
    if let Some(standing) = running.standing.get().filter(|_| response.status() != StatusCode::UNAUTHORIZED) {
        rate_limit::write_headers(response.headers_mut(), &standing);
    }
    response
}

/// A request on its way through its handler.
struct Running<'a> {
    handler: &'a dyn Erased,
    request: &'a HttpRequest,
    context: &'a Context,
    record: &'a Record<'a>,
    takes: Takes,
    /// How the caller's budgets stand, once the request was charged: once, whatever is run twice.
    standing: Cell<Option<Standing>>,
}

impl Running<'_> {
    /// Runs the request, no longer than it may take.
    async fn in_time(&self, payload: Payload) -> Result<HttpResponse, Problem> {
        match self.context.state.request_timeout {
            None => self.run(payload).await,
            Some(limit) => deadline::within(limit, self.run(payload)).await.map_err(Problem::from)?,
        }
    }

    async fn run(&self, payload: Payload) -> Result<HttpResponse, Problem> {
        let shown = Shown::by(self.request)?;
        if let Some(guess) = self.guess(&shown) {
            return self.read_ahead(&shown, guess, payload).await;
        }
        let credential = self.admit(&shown).await?;
        self.handle(&shown, credential, payload).await
    }

    /// What was last known of the caller, if it would let them in, and what they ask for is read at once. Whoever is
    /// refused anyway, or asks for something long, is asked about first.
    fn guess(&self, shown: &Shown) -> Option<Credential> {
        if self.takes.waits || !paging::is_quick(self.request.query_string()) {
            return None;
        }
        let state = &self.context.state;
        let guess = shown.recall(state)?;
        let good = shown.admit(state, &guess).and_then(|()| guess.authorize(self.takes.needs));
        let refused = good.is_err() || state.refusals.foresee(&*state.environment.clock, &guess);
        (!refused).then_some(guess)
    }

    /// Reads what the caller of `guess` would be shown while that credential is checked, which takes one round trip
    /// less. Nothing comes of it unless the credential is found to be just that one.
    async fn read_ahead(&self, shown: &Shown, guess: Credential, payload: Payload) -> Result<HttpResponse, Problem> {
        let guessed = guess.clone();
        let mut checking = pin!(self.admit(shown));
        let credential = {
            let mut reading = pin!(self.handle(shown, guess, Payload::None));
            match select(checking.as_mut(), reading.as_mut()).await {
                Either::Left((checked, _)) => {
                    let credential = checked?;
                    if credential.is_unchanged(&guessed) {
                        return reading.await;
                    }
                    credential
                }
                Either::Right((outcome, _)) => {
                    let credential = checking.await?;
                    if credential.is_unchanged(&guessed) {
                        return outcome;
                    }
                    credential
                }
            }
        };
        self.handle(shown, credential, payload).await
    }

    /// The caller's credential, if it lets them in and there is room in their budgets, which are charged.
    async fn admit(&self, shown: &Shown) -> Result<Credential, Problem> {
        let credential = shown.check(&self.context.state).await?;
        observe::record_tenant(self.request, credential.tenant().public_id);
        let state = &self.context.state;
        let charged = rate_limit::charge(state, &credential, self.takes.cost).await;
        self.record(&credential, charged.as_ref().ok());
        let admission = charged?;
        self.standing.set(Some(*admission.standing()));
        rate_limit::admit(&admission)?;
        Ok(credential)
    }

    /// Sees to it that the request is recorded, if it is to be: once it is known whether it was charged, so that no client leaves
    /// an entry for nothing by going away before. `None` if it could not be charged.
    fn record(&self, credential: &Credential, admission: Option<&Admission>) {
        let state = &self.context.state;
        let (clock, refusals) = (&*state.environment.clock, &state.refusals);
        let picked = match admission {
            Some(Admission::Admitted(_)) => return self.record.admit(credential),
            Some(Admission::Refused { layer, standing }) => refusals.note(clock, credential, *layer, standing),
            None => refusals.pick(clock, credential),
        };
        if picked {
            self.record.refuse(credential);
        }
    }

    /// What the handler answers to the caller of `credential`.
    async fn handle(
        &self,
        shown: &Shown,
        credential: Credential,
        mut payload: Payload,
    ) -> Result<HttpResponse, Problem> {
        credential.authorize(self.takes.needs)?;
        let mut call = Call {
            request: self.request,
            payload: &mut payload,
            state: &self.context.state,
            takes_query: self.takes.query,
            credential,
            standing: self.standing.get(),
            address: shown.address,
            body_read: false,
        };
        let outcome = self.handler.run(self.context.clone(), &mut call).await;
        // A body may arrive slowly. Who was let in before it and would not be now is told nothing but that.
        // A change that was made has checked that itself, and a failure of ours is told as it is.
        let unchecked = match &outcome {
            Ok(_) => !self.takes.change,
            Err(problem) => problem.status().is_client_error(),
        };
        if call.body_read && unchecked {
            shown.check(&self.context.state).await?.authorize(self.takes.needs)?;
        }
        outcome
    }
}

/// An async function from a [`Context`], an [`Authorized`] caller and what else it takes to an answer.
///
/// What it takes is taken one after another: nothing of a request is read before its caller is known.
pub(crate) trait Handler<A>: 'static {
    async fn run(&self, context: Context, call: &mut Call<'_>) -> Result<HttpResponse, Problem>;

    fn describe(input: &mut Input);
}

/// A handler, whatever it takes: what runs a request is compiled once and not for each.
trait Erased {
    fn run<'c>(&'c self, context: Context, call: &'c mut Call<'_>)
    -> LocalBoxFuture<'c, Result<HttpResponse, Problem>>;
}

struct ErasedHandler<A, H> {
    handler: H,
    taken: PhantomData<fn(A)>,
}

impl<A: 'static, H: Handler<A>> Erased for ErasedHandler<A, H> {
    fn run<'c>(
        &'c self,
        context: Context,
        call: &'c mut Call<'_>,
    ) -> LocalBoxFuture<'c, Result<HttpResponse, Problem>> {
        Box::pin(self.handler.run(context, call))
    }
}

macro_rules! handlers {
    ($($taken:ident),*) => {
        impl<F, Fut, P, $($taken),*> Handler<(PhantomData<P>, $($taken,)*)> for F
        where
            F: Fn(Context, Authorized<P>, $($taken),*) -> Fut + 'static,
            Fut: Future<Output = Result<HttpResponse, Problem>>,
            P: Privilege,
            $($taken: Extract,)*
        {
            async fn run(&self, context: Context, call: &mut Call<'_>) -> Result<HttpResponse, Problem> {
                let caller = Authorized::<P>::extract(call).await?;
                if !call.takes_query {
                    query::refuse_any(call.request.query_string())?;
                }
                self(context, caller, $($taken::extract(call).await?),*).await
            }

            fn describe(input: &mut Input) {
                Authorized::<P>::describe(input);
                $($taken::describe(input);)*
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A, B);
handlers!(A, B, C);
handlers!(A, B, C, D);
handlers!(A, B, C, D, E);
