//! `/calendar`.

use actix_web::HttpResponse;
use bwp_domain::{
    calendar::{self, CalendarQuery, EventKind, Window},
    clock::{Day, Rounding, Timestamp},
    fields::Fault,
    ids::{AccountId, ProjectId},
    scopes::ScopeId,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    envelope::{Meta, Rows},
    openapi::{ReplyKind, SchemaSource},
    operation::{Operation, Reply, Tag},
    privileges::AnyCredential,
    problem::{ErrorCode, Problem},
    request::{
        Authorized, Query, QueryParams,
        query::{Param, Values},
    },
    routes::Context,
};

const TAG: Tag = Tag { name: "Calendar", description: "What has a date." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let events = Operation::get("/calendar/events", events)
        .needs(&[ScopeId::ProjectsRead])
        .summary("List calendar events")
        .description(
            "Everything that overlaps a window of at most 366 days, by when it begins: projects, phases, tasks, leads and bids. \
             Leads are left out without `leads:read`, and bids without `bids:read`. So are what has no date, cancelled and deleted \
             projects with all of theirs, leads that are won or lost, and bids that are accepted, rejected or cancelled. `type` and \
             `id` together tell an event from all others.",
        )
        .replies(Reply::new(
            200,
            "The events.",
            ReplyKind::All(SchemaSource::of::<CalendarEvent<'static>>()),
        ))
        .tagged(TAG);
    vec![events]
}

const BOUND: &str =
    "Send a date such as 2026-01-31, or an RFC 3339 date-time such as 2026-01-31T08:00:00Z; write a `+` as %2B.";

fn bound(text: &str, rounding: Rounding) -> Result<Timestamp, String> {
    let day = || Day::parse(text).map(Day::midnight);
    Timestamp::parse_rfc3339(text, rounding).or_else(day).ok_or_else(|| BOUND.to_owned())
}

const START: Param<Timestamp> = Param {
    name: "start",
    description: "Only what ends at this moment or later. A date is its midnight, UTC.",
    schema: || json!({ "type": "string", "format": "date-time" }),
    parse: |text| bound(text, Rounding::Up),
};

const END: Param<Timestamp> = Param {
    name: "end",
    description: "Only what begins at this moment or earlier. A date is its midnight, UTC.",
    schema: || json!({ "type": "string", "format": "date-time" }),
    parse: |text| bound(text, Rounding::Down),
};

const TYPES: Param<Vec<EventKind>> = Param {
    name: "types",
    description: "Only events of these types, parted by commas: `project`, `phase`, `task`, `lead`, `bid`, `activity`.",
    schema: || json!({ "type": "string" }),
    parse: |text| {
        let kinds: Result<_, _> = text.split(',').map(|kind| kind.trim().parse()).collect();
        kinds.map_err(|_| format!("Send some of {}, parted by commas.", EventKind::WORDS.join(", ")))
    },
};

/// An id. One that is none of any row is left as it is: it fits nothing.
fn id(text: &str) -> Result<Option<i64>, String> {
    match text {
        "" | "null" => Ok(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(digits.parse().unwrap_or(i64::MAX))),
        _ => Err("Send a whole number.".to_owned()),
    }
}

const ASSIGNED_TO: Param<Option<i64>> = Param {
    name: "assignedTo",
    description: "Only what is this user's. Phases are nobody's.",
    schema: || json!({ "type": ["integer", "null"] }),
    parse: id,
};

const PROJECT: Param<Option<i64>> = Param {
    name: "projectId",
    description: "Only what is of this project. Leads are of none.",
    schema: || json!({ "type": ["integer", "null"] }),
    parse: id,
};

/// The query, unless `start` and `end` make no window.
struct EventsQuery(Option<CalendarQuery>);

impl QueryParams for EventsQuery {
    fn read(values: &mut Values) -> Self {
        let (start, end) = (values.require(&START), values.require(&END));
        let kinds = values.take(&TYPES).unwrap_or_else(|| EventKind::ALL.to_vec());
        let (assigned_to, project) = (values.take(&ASSIGNED_TO).flatten(), values.take(&PROJECT).flatten());
        let window = match start.zip(end).map(|(start, end)| Window::new(start, end)) {
            Some(Ok(window)) => Some(window),
            Some(Err(error)) => {
                values.refuse(END.name, Fault::new("invalid_value", error));
                None
            }
            None => None,
        };
        Self(window.map(|window| CalendarQuery { window, kinds, assigned_to, project }))
    }
}

/// Something on the calendar.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CalendarEvent<'a> {
    /// The id of what it is of.
    #[schema(example = 22)]
    id: i64,
    /// What it is of: `project`, `phase`, `task`, `lead`, `bid` or `activity`.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "project")]
    kind: &'static str,
    /// What it is called.
    #[schema(example = "Garage, Elm Street")]
    title: &'a str,
    /// When it begins.
    #[schema(value_type = String, format = DateTime, example = "2026-05-04T00:00:00.000Z")]
    start: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = DateTime, example = "2026-09-30T00:00:00.000Z")]
    end: Timestamp,
    /// The project that it is of.
    #[schema(required = true, example = 22)]
    project_id: Option<i64>,
    /// The user whose it is.
    #[schema(required = true, example = 3)]
    assigned_to: Option<i64>,
}

impl<'a> From<&'a calendar::CalendarEvent> for CalendarEvent<'a> {
    fn from(event: &'a calendar::CalendarEvent) -> Self {
        Self {
            id: event.id,
            kind: event.kind.as_str(),
            title: &event.title,
            start: event.start,
            end: event.end,
            project_id: event.project.map(ProjectId::get),
            assigned_to: event.assigned_to.map(AccountId::get),
        }
    }
}

async fn events(
    context: Context,
    caller: Authorized<AnyCredential>,
    query: Query<EventsQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.0.0.ok_or_else(|| Problem::new(ErrorCode::BadRequest, "`start` and `end` make no window."))?;
    let kinds = query.kinds_for(caller.credential().scopes());
    let found = context.state.calendar.events(caller.tenant(), &query, &kinds).await?;
    if found.len() > CalendarQuery::MOST {
        let text = format!("More than {} events are in this window. Ask for a shorter one.", CalendarQuery::MOST);
        return Err(Problem::new(ErrorCode::BadRequest, text));
    }
    let mut rows = Rows::of(found.len());
    for event in &found {
        rows.push(&CalendarEvent::from(event));
    }
    Ok(rows.ok(&Meta::of(context.request_id())))
}
