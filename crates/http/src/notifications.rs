//! `/notifications`.

use actix_web::HttpResponse;
use bwp_domain::{
    clock::Timestamp,
    notifications::{Notification, ports::NotificationFilter},
    paging::Limit,
    scopes::ScopeId,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    envelope::{Meta, Pagination, Rows},
    operation::{Operation, Reply, Tag},
    paging::LIMIT,
    privileges::AnyCredential,
    problem::Problem,
    request::{
        Authorized, Query, QueryParams,
        query::{Param, Values},
    },
    routes::Context,
};

const TAG: Tag = Tag { name: "Notifications", description: "What people are told of in the application." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let list = Operation::get("/notifications", list)
        .needs(&[ScopeId::NotificationsRead])
        .named("getNotifications", TAG)
        .summary("List notifications")
        .description(
            "A page of the notifications of the user who made the key, newest first. It is paged by `offset` and not by `cursor`. \
             The list of a key that no user made is empty.",
        )
        .replies(Reply::page::<Shown>("A page of notifications."));
    vec![list]
}

/// The most notifications that are passed over.
const MOST_OFFSET: u32 = 10_000;

const OFFSET: Param<Option<u32>> = Param {
    name: "offset",
    description: "How many notifications are passed over.",
    schema: || json!({ "type": ["integer", "null"], "minimum": 0, "maximum": MOST_OFFSET, "default": 0 }),
    parse: |text| {
        if matches!(text, "" | "null") {
            return Ok(None);
        }
        let number =
            text.parse().ok().filter(|number| *number <= MOST_OFFSET && text.bytes().all(|b| b.is_ascii_digit()));
        number.map(Some).ok_or_else(|| format!("Send a whole number from 0 to {MOST_OFFSET}."))
    },
};

const TYPE: Param<String> = Param {
    name: "type",
    description: "Only notifications of this type. There may be more types one day: of one that there is not, there are none.",
    schema: || json!({ "type": "string" }),
    parse: |text| Ok(text.to_owned()),
};

const UNREAD_ONLY: Param<Option<bool>> = Param {
    name: "unreadOnly",
    description: "Whether to leave out what was read.",
    schema: || json!({ "type": ["boolean", "null"], "default": false }),
    parse: |text| match text {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "" | "null" => Ok(None),
        _ => Err("Send true or false.".to_owned()),
    },
};

struct ListQuery {
    limit: Limit,
    offset: u32,
    filter: NotificationFilter,
}

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        let limit = values.take(&LIMIT).unwrap_or(Limit::DEFAULT);
        let offset = values.take(&OFFSET).flatten().unwrap_or_default();
        let kind = values.take(&TYPE).filter(|kind| !kind.is_empty());
        let unread_only = values.take(&UNREAD_ONLY).flatten().unwrap_or_default();
        Self { limit, offset, filter: NotificationFilter { kind, unread_only } }
    }
}

/// What a person was told of.
#[derive(Serialize, ToSchema)]
#[schema(as = Notification, rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    /// Its id.
    #[schema(minimum = 1, example = 42)]
    id: i64,
    /// The tenant's id.
    #[schema(minimum = 1, example = 1)]
    tenant_id: i64,
    /// The user's id.
    #[schema(minimum = 1, example = 5)]
    user_id: i64,
    /// What it is about.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "mention")]
    kind: &'a str,
    /// What happened.
    #[schema(value_type = String, example = "You are named in a comment on a project")]
    title: &'a str,
    /// More about it.
    #[schema(value_type = Option<String>, required = true, example = "The roof is tight.")]
    message: Option<&'a str>,
    /// The kind of the record that it is about.
    #[schema(value_type = Option<String>, required = true, example = "project")]
    entity_type: Option<&'a str>,
    /// The id of that record.
    #[schema(required = true, example = 42)]
    entity_id: Option<i64>,
    /// When it was read.
    #[schema(value_type = Option<String>, required = true, format = "date-time", example = json!(null))]
    read_at: Option<Timestamp>,
    /// When it was written.
    #[schema(value_type = String, format = "date-time", example = "2026-01-31T08:00:00.000Z")]
    created_at: Timestamp,
}

impl<'a> Shown<'a> {
    fn of(notification: &'a Notification) -> Self {
        Self {
            id: notification.id,
            tenant_id: notification.tenant.get(),
            user_id: notification.account.get(),
            kind: &notification.kind,
            title: &notification.title,
            message: notification.message.as_deref(),
            entity_type: notification.entity_type.as_deref(),
            entity_id: notification.entity_id,
            read_at: notification.read_at,
            created_at: notification.created_at,
        }
    }
}

async fn list(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let ListQuery { limit, offset, filter } = query.0;
    // One more than is shown tells whether there are more.
    let asked = u32::try_from(limit.get() + 1).unwrap_or(u32::MAX);
    let mut found = match caller.principal().account() {
        Some(person) => {
            context.state.notifications.notifications(caller.tenant(), person, &filter, offset, asked).await?
        }
        None => Vec::new(),
    };
    let has_more = found.len() > limit.get();
    found.truncate(limit.get());
    let mut rows = Rows::of(found.len());
    for notification in &found {
        rows.push(&Shown::of(notification));
    }
    let pagination = Pagination { cursor: None, has_more, count: rows.count() };
    Ok(rows.ok(&Meta { pagination: Some(pagination), ..Meta::of(context.request_id()) }))
}
