//! Operations: what the table of a family is made of.

use std::{marker::PhantomData, rc::Rc};

use actix_web::{
    HttpRequest, HttpResponse,
    dev::Payload,
    http::{Method, StatusCode},
    web,
};
use futures_util::{FutureExt, future::LocalBoxFuture};

use crate::{
    openapi::{Input, KeyUse, ReplyKind, SchemaSource},
    privileges::Privilege,
    problem::Problem,
    rate_limit,
    request::{Authorized, Call, Extract, query},
    routes::Context,
    state::ApiState,
};

/// One operation: from it come a route and an entry in the OpenAPI document.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) tag: Tag,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) cost: u32,
    pub(crate) reply: Option<Reply>,
    pub(crate) input: Input,
    pub(crate) run: Run,
}

/// What a family's operations are listed under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The contract's name of it.
    pub(crate) name: &'static str,
    /// What the operations are about.
    pub(crate) description: &'static str,
}

type Run = Rc<dyn Fn(HttpRequest, Payload) -> LocalBoxFuture<'static, HttpResponse>>;

/// How an operation answers when all went well.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) kind: ReplyKind,
}

/// What an operation costs of a tenant's budget, by its method.
const READ_COST: u32 = 1;
const MUTATION_COST: u32 = 5;

impl Operation {
    pub(crate) fn get<A: 'static, H: Handler<A>>(path: &'static str, handler: H) -> Self {
        Self::new(Method::GET, path, handler)
    }

    pub(crate) fn post<A: 'static, H: Handler<A>>(path: &'static str, handler: H) -> Self {
        Self::new(Method::POST, path, handler)
    }

    pub(crate) fn patch<A: 'static, H: Handler<A>>(path: &'static str, handler: H) -> Self {
        Self::new(Method::PATCH, path, handler)
    }

    pub(crate) fn delete<A: 'static, H: Handler<A>>(path: &'static str, handler: H) -> Self {
        Self::new(Method::DELETE, path, handler)
    }

    fn new<A: 'static, H: Handler<A>>(method: Method, path: &'static str, handler: H) -> Self {
        let mut input = Input::default();
        H::describe(&mut input);
        let cost = if method == Method::GET { READ_COST } else { MUTATION_COST };
        let takes = Takes { query: input.query_refusal.is_some(), change: input.key == KeyUse::Used, cost };
        let handler = Rc::new(handler);
        let run: Run = Rc::new(move |request, payload| {
            let handler = Rc::clone(&handler);
            answer(handler, request, payload, takes).boxed_local()
        });
        Self {
            method,
            path,
            id: "",
            tag: Tag { name: "", description: "" },
            summary: "",
            description: "",
            cost,
            reply: None,
            input,
            run,
        }
    }

    /// Its `operationId` and tag.
    pub(crate) fn named(self, id: &'static str, tag: Tag) -> Self {
        Self { id, tag, ..self }
    }

    pub(crate) fn summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    pub(crate) fn description(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    pub(crate) fn replies(self, reply: Reply) -> Self {
        Self { reply: Some(reply), ..self }
    }
}

impl Reply {
    /// 200 with one thing.
    pub(crate) fn data<T: utoipa::ToSchema>(description: &'static str) -> Self {
        Self { status: 200, description, kind: ReplyKind::One(SchemaSource::of::<T>()) }
    }

    /// 201 with one thing.
    pub(crate) fn created<T: utoipa::ToSchema>(description: &'static str) -> Self {
        Self { status: 201, ..Self::data::<T>(description) }
    }

    /// 200 with a page of things.
    pub(crate) fn page<T: utoipa::ToSchema>(description: &'static str) -> Self {
        Self { status: 200, description, kind: ReplyKind::Page(SchemaSource::of::<T>()) }
    }

    /// 200 with those of the things asked for that there are.
    pub(crate) fn many<T: utoipa::ToSchema>(description: &'static str) -> Self {
        Self { status: 200, description, kind: ReplyKind::Many(SchemaSource::of::<T>()) }
    }

    /// 204.
    pub(crate) fn no_content(description: &'static str) -> Self {
        Self { status: 204, description, kind: ReplyKind::Nothing }
    }
}

/// What a handler takes, as far as it decides how it is run.
#[derive(Clone, Copy)]
struct Takes {
    /// Query parameters.
    query: bool,
    /// It makes a change, in a transaction that checks the credential itself.
    change: bool,
    /// Units of the tenant's budget.
    cost: u32,
}

async fn answer<A, H: Handler<A>>(
    handler: Rc<H>,
    request: HttpRequest,
    mut payload: Payload,
    takes: Takes,
) -> HttpResponse {
    let Some(state) = request.app_data::<web::Data<ApiState>>().cloned() else {
        tracing::error!("the API was configured without its state");
        return HttpResponse::InternalServerError().finish();
    };
    let context = Context::new(state, &request);
    let mut call = Call {
        request: &request,
        payload: &mut payload,
        state: &context.state,
        takes_query: takes.query,
        cost: takes.cost,
        standing: None,
        shown: None,
        body_read: false,
    };
    let mut outcome = handler.run(context.clone(), &mut call).await;
    // A body may arrive slowly. Who was let in before it and would not be now is told nothing but that.
    // A change that was made has checked that itself, and a failure of ours is told as it is.
    let unchecked = match &outcome {
        Ok(_) => !takes.change,
        Err(problem) => problem.status().is_client_error(),
    };
    if call.body_read
        && unchecked
        && let Some(shown) = &call.shown
    {
        outcome = shown.check_again(&context.state).await.and(outcome);
    }
    let standing = call.standing;
    let mut response = match outcome {
        Ok(response) => response,
        Err(problem) => problem.into_response(&context.state.errors_url(), context.request_id()),
    };
    // Whose credential is no good (any more) is told nothing about its budgets.
    if let Some(standing) = standing.filter(|_| response.status() != StatusCode::UNAUTHORIZED) {
        rate_limit::write_headers(response.headers_mut(), &standing);
    }
    response
}

/// An async function from a [`Context`], an [`Authorized`] caller and what else it takes to an answer.
///
/// What it takes is taken one after another: nothing of a request is read before its caller is known.
pub(crate) trait Handler<A>: 'static {
    async fn run(&self, context: Context, call: &mut Call<'_>) -> Result<HttpResponse, Problem>;

    fn describe(input: &mut Input);
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
