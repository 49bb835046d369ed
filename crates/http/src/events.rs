//! `/events`: what happened, for those who ask.

use actix_web::HttpResponse;
use bwp_domain::{
    clock::Timestamp,
    events::{FeedFilter, FeedPosition},
    paging::{CursorScope, Limit, Position},
    webhooks::{EventType, delivery::KEPT_FOR},
};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    envelope::{Meta, Pagination, Rows},
    operation::{Operation, Reply},
    paging::{DATE_FROM, LIMIT},
    privileges::WebhooksManage,
    problem::{ErrorCode, Problem},
    request::{
        Authorized, Query, QueryParams,
        query::{Param, Values},
    },
    routes::Context,
    webhooks::TAG,
};

/// The name that cursors of the feed are bound to.
const LIST: &str = "getEvents";

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/events", list)
            .named(LIST, TAG)
            .summary("Follow events")
            .description(
                "The tenant's events of the last 30 days, oldest first, in the order of their changes: what webhook endpoints are \
                 sent. `meta.pagination.cursor` is never `null`: send it as `after` for the events behind, at once while \
                 `has_more` is true, else after a while. Who follows it has every event once, whatever is committed late.",
            )
            .replies(Reply::page::<EventSchema>("Events, oldest first.")),
    ]
}

/// Something that happened.
#[derive(ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "for the schema: events are shown as they were rendered")]
struct EventSchema {
    /// Its id.
    #[schema(example = "evt_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    id: String,
    /// What happened.
    #[schema(rename = "type", example = "contact.updated")]
    kind: String,
    /// When.
    #[schema(format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    created_at: String,
    /// To whose data.
    #[schema(minimum = 1, example = 1)]
    tenant_id: i64,
    /// The resource after the change; before it, if it was deleted.
    #[schema(value_type = Object)]
    data: Value,
    /// Of an update, the old values of what changed.
    #[schema(value_type = Object, required = false)]
    previous_attributes: Value,
}

const AFTER: Param<Option<String>> = Param {
    name: "after",
    description: "Behind which event to begin: `meta.pagination.cursor` of the answer before. Leave it out for the oldest events.",
    schema: || json!({ "type": "string" }),
    parse: |text| Ok(Some(text).filter(|text| !text.is_empty()).map(str::to_owned)),
};

const TYPE: Param<Vec<EventType>> = Param {
    name: "type",
    description: "Only events of these types, separated by commas.",
    schema: || json!({ "type": "string", "example": "contact.created,contact.updated" }),
    parse: |text| {
        let types: Result<Vec<EventType>, _> = text.split(',').map(|word| word.trim().parse()).collect();
        types.map_err(|_| "Send event types, such as contact.created. The guide Webhooks lists them.".to_owned())
    },
};

const RESOURCE: Param<Vec<EventType>> = Param {
    name: "resource",
    description: "Only events of resources of this kind.",
    schema: || json!({ "type": "string", "enum": resources() }),
    parse: |text| {
        let types: Vec<_> = EventType::ALL.iter().copied().filter(|kind| resource(*kind) == text).collect();
        if types.is_empty() { Err(format!("Send {}.", resources().join(", "))) } else { Ok(types) }
    },
};

const RESOURCE_ID: Param<i64> = Param {
    name: "resourceId",
    description: "Only events of the resource with this id. Send `resource` too.",
    schema: || json!({ "type": "integer", "minimum": 1 }),
    parse: |text| {
        let id = text.parse().ok().filter(|id| *id > 0 && text.bytes().all(|b| b.is_ascii_digit()));
        id.ok_or_else(|| "Send a whole number above 0.".to_owned())
    },
};

/// What a type's events are of.
fn resource(kind: EventType) -> &'static str {
    kind.as_str().split('.').next().unwrap_or_default()
}

fn resources() -> Vec<&'static str> {
    let mut all: Vec<_> = EventType::ALL.iter().map(|kind| resource(*kind)).collect();
    all.dedup();
    all
}

struct FeedQuery {
    limit: Limit,
    after: Option<String>,
    from: Option<Timestamp>,
    kinds: Option<Vec<EventType>>,
    of_resource: Option<Vec<EventType>>,
    row: Option<i64>,
}

impl QueryParams for FeedQuery {
    fn read(values: &mut Values) -> Self {
        Self {
            limit: values.take(&LIMIT).unwrap_or(Limit::DEFAULT),
            after: values.take(&AFTER).flatten(),
            from: values.take(&DATE_FROM),
            kinds: values.take(&TYPE),
            of_resource: values.take(&RESOURCE),
            row: values.take(&RESOURCE_ID),
        }
    }
}

async fn list(
    context: Context,
    caller: Authorized<WebhooksManage>,
    query: Query<FeedQuery>,
) -> Result<HttpResponse, Problem> {
    let Query(FeedQuery { limit, after, from, kinds, of_resource, row }) = query;
    if row.is_some() && of_resource.is_none() {
        let what = "`resourceId`: Send `resource` too: resources of different kinds have the same ids.";
        return Err(Problem::new(ErrorCode::BadRequest, what));
    }
    let kinds = match (kinds, of_resource) {
        (Some(kinds), Some(of_resource)) => {
            let both: Vec<_> = kinds.into_iter().filter(|kind| of_resource.contains(kind)).collect();
            if both.is_empty() {
                return Err(Problem::new(ErrorCode::BadRequest, "`type`: None of these types is of this `resource`."));
            }
            both
        }
        (Some(kinds), None) | (None, Some(kinds)) => kinds,
        (None, None) => Vec::new(),
    };
    let state = &context.state;
    let filters = json!([kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(), row, from]).to_string();
    let scope = CursorScope { tenant: caller.tenant(), operation: LIST, filters: &filters };
    let now = state.environment.clock.now();
    let oldest = now.minus(KEPT_FOR);
    let position = match after {
        None => FeedPosition::default(),
        Some(after) => {
            // When the cursor was given, and behind which event.
            let Position { created_at, id } = state.cursors.open(&scope, &after).await?;
            if created_at < oldest {
                let what = "`after`: This cursor is older than 30 days, and events behind it are gone. Read again what you need \
                            by the lists, and begin without `after`.";
                return Err(Problem::new(ErrorCode::BadRequest, what));
            }
            FeedPosition(id)
        }
    };
    let filter = FeedFilter { kinds, row };
    let oldest = from.map_or(oldest, |from| from.max(oldest));
    let page = state.webhooks.feed.events(caller.tenant(), &filter, position, oldest, limit).await?;
    let mut rows = Rows::of(page.bodies.len());
    for body in &page.bodies {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        rows.push(&event);
    }
    let cursor = state.cursors.seal(&scope, Position { created_at: now, id: page.position.0 });
    let pagination = Pagination { cursor: Some(cursor), has_more: page.has_more, count: rows.count() };
    Ok(rows.ok(&Meta { pagination: Some(pagination), ..Meta::of(context.request_id()) }))
}
