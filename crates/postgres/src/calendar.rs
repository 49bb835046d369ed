//! The calendar: one statement over all that has a date.

use async_trait::async_trait;
use bwp_domain::{
    calendar::{CalendarEvent, CalendarQuery, CalendarReader, EventKind},
    ids::{AccountId, ProjectId, TenantId},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, rows::Row, store::PgStore};

/// What is read of an event, from where, and what it must be besides. Each is one range of one index: `calendar_span` is what the
/// indexes over two dates are made of.
struct Part {
    kind: EventKind,
    id: &'static str,
    title: &'static str,
    /// Its two dates, in any order.
    dates: [&'static str; 2],
    assigned_to: &'static str,
    project: &'static str,
    from: &'static str,
    /// The condition on its dates, as that of the index.
    within: &'static str,
    besides: &'static str,
}

/// Every kind of events that there is. One more is one more part here, with an index over its dates, led by the tenant.
const PARTS: [Part; 4] = [
    Part {
        kind: EventKind::Project,
        id: "p.id",
        title: "p.name",
        dates: ["p.start_date", "p.expected_end_date"],
        assigned_to: "p.assigned_to",
        project: "p.id",
        from: "projects p",
        within: "p.tenant_id = $1 AND calendar_span(p.start_date, p.expected_end_date) && tstzrange($2, $3, '[]') \
                 AND (p.start_date IS NOT NULL OR p.expected_end_date IS NOT NULL)",
        besides: LIVE_PROJECT,
    },
    Part {
        kind: EventKind::Phase,
        id: "f.id",
        title: "p.name || ': ' || f.name",
        dates: ["f.start_date", "f.end_date"],
        assigned_to: NONE,
        project: "p.id",
        from: "project_phases f JOIN projects p ON p.tenant_id = f.tenant_id AND p.id = f.project_id",
        within: "f.tenant_id = $1 AND calendar_span(f.start_date, f.end_date) && tstzrange($2, $3, '[]') \
                 AND (f.start_date IS NOT NULL OR f.end_date IS NOT NULL) AND f.deleted_at IS NULL",
        besides: LIVE_PROJECT,
    },
    Part {
        kind: EventKind::Task,
        id: "t.id",
        title: "t.name",
        dates: ["t.start_date", "t.due_date"],
        assigned_to: "t.assigned_to",
        project: "p.id",
        from: "project_tasks t JOIN projects p ON p.tenant_id = t.tenant_id AND p.id = t.project_id",
        within: "t.tenant_id = $1 AND calendar_span(t.start_date, t.due_date) && tstzrange($2, $3, '[]') \
                 AND (t.start_date IS NOT NULL OR t.due_date IS NOT NULL) AND t.deleted_at IS NULL",
        besides: LIVE_PROJECT,
    },
    Part {
        kind: EventKind::Lead,
        id: "l.id",
        title: "'Lead: ' || l.name",
        dates: ["l.expected_close_date", "l.expected_close_date"],
        assigned_to: "l.assigned_to",
        project: NONE,
        from: "leads l JOIN lead_stages s ON s.tenant_id = l.tenant_id AND s.id = l.stage_id",
        within: "l.tenant_id = $1 AND l.expected_close_date BETWEEN $2 AND $3 AND l.deleted_at IS NULL",
        besides: "NOT s.is_won AND NOT s.is_lost",
    },
];

const LIVE_PROJECT: &str = "p.deleted_at IS NULL AND p.status <> 'cancelled'";
const NONE: &str = "NULL::bigint";

/// The statement for events of these kinds. Its values are the tenant's id, the bounds of the window, and the ids of a user and of a
/// project, or null.
pub(crate) fn statement(kinds: &[EventKind]) -> String {
    let most = CalendarQuery::MOST + 1;
    let parts = PARTS.iter().enumerate().filter(|(_, part)| kinds.contains(&part.kind)).map(|(rank, part)| {
        let Part { id, title, dates: [one, other], assigned_to, project, from, within, besides, .. } = part;
        format!(
            "(SELECT {rank} AS rank, {id} AS id, {title} AS title, least({one}, {other}) AS begins, \
             greatest({one}, {other}) AS ends, {assigned_to} AS assigned_to, {project} AS project_id \
             FROM {from} WHERE {within} AND {besides} \
             AND ($4::bigint IS NULL OR {assigned_to} = $4) AND ($5::bigint IS NULL OR {project} = $5) LIMIT {most})"
        )
    });
    let all = parts.collect::<Vec<_>>().join(" UNION ALL ");
    format!("SELECT * FROM ({all}) AS events ORDER BY begins, rank, id LIMIT {most}")
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Integer)]
    rank: i32,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Timestamptz)]
    begins: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    ends: DateTime<Utc>,
    #[diesel(sql_type = Nullable<BigInt>)]
    assigned_to: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    project_id: Option<i64>,
}

impl TryFrom<EventRow> for CalendarEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        let place = Row { table: "events", id: &row.id };
        let part = usize::try_from(row.rank).ok().and_then(|rank| PARTS.get(rank));
        Ok(Self {
            kind: place.some("rank", part.map(|part| part.kind))?,
            id: row.id,
            title: row.title,
            start: row.begins.into(),
            end: row.ends.into(),
            assigned_to: place.optional("assigned_to", row.assigned_to, |id| AccountId::new(id).ok_or(()))?,
            project: place.optional("project_id", row.project_id, |id| ProjectId::new(id).ok_or(()))?,
        })
    }
}

#[async_trait]
impl CalendarReader for PgStore {
    async fn events(
        &self,
        tenant: TenantId,
        query: &CalendarQuery,
        kinds: &[EventKind],
    ) -> Result<Vec<CalendarEvent>, StoreError> {
        if !PARTS.iter().any(|part| kinds.contains(&part.kind)) {
            return Ok(Vec::new());
        }
        // Planned for the values at hand: how long the window is decides how it is read.
        let statement = diesel::sql_query(statement(kinds))
            .bind::<BigInt, _>(tenant.get())
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(query.window.start()))
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(query.window.end()))
            .bind::<Nullable<BigInt>, _>(query.assigned_to)
            .bind::<Nullable<BigInt>, _>(query.project);
        let mut reading = self.reading(tenant).await?;
        let rows: Vec<EventRow> = statement.load(reading.connection()?).await.during("reading the calendar")?;
        reading.end().await?;
        rows.into_iter().map(CalendarEvent::try_from).collect()
    }
}
