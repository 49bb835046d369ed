//! The calendar: what an answer costs, however much else has a date.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    calendar::{CalendarQuery, CalendarReader, EventKind, Window},
    clock::{Day, Timestamp},
    ids::TenantId,
};
use bwp_postgres::testing::{Fixture, calendar_statement};
use diesel::sql_types::Json;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::Value;

/// So many dated rows of each kind, of spans of up to three weeks over a hundred years, beside those of another tenant.
async fn crowded(rows: i64) -> (Fixture, TenantId) {
    let fixture = Fixture::new().await;
    let (own, other) = (fixture.tenant().await.id, fixture.tenant().await.id);
    for tenant in [own, other] {
        // Each step of a plan is of another project, so that none is found beside another by chance.
        let fill = format!(
            "INSERT INTO projects (tenant_id, name, project_number, status, start_date, expected_end_date, created_at, updated_at)
             SELECT {tenant}, 'Project ' || n, n, 'planning', day, day + (n % 21) * interval '1 day', now(), now()
             FROM (SELECT n, timestamptz '1950-01-01T00:00Z' + n * 36500 / {rows} * interval '1 day' AS day
                   FROM generate_series(1, {rows}) AS n ORDER BY md5(n::text)) AS days;
             INSERT INTO project_phases (tenant_id, project_id, name, status, \"order\", start_date, end_date, created_at, updated_at)
             SELECT tenant_id, id, 'Phase', 'pending', 1, expected_end_date, start_date, now(), now()
             FROM projects WHERE tenant_id = {tenant} ORDER BY md5(id::text);
             INSERT INTO project_tasks (tenant_id, project_id, name, status, priority, \"order\", due_date, created_at, updated_at)
             SELECT tenant_id, id, 'Task', 'todo', 'low', 1, expected_end_date, now(), now()
             FROM projects WHERE tenant_id = {tenant} ORDER BY md5(id::text);
             INSERT INTO leads (tenant_id, name, stage_id, expected_close_date, created_at, updated_at)
             SELECT tenant_id, 'Lead', (SELECT min(id) FROM lead_stages WHERE tenant_id = {tenant}), start_date, now(), now()
             FROM projects WHERE tenant_id = {tenant} ORDER BY md5(id::text);"
        );
        fixture.run(&fill).await;
    }
    fixture.run("VACUUM ANALYZE projects, project_phases, project_tasks, leads").await;
    (fixture, own)
}

fn day(text: &str) -> Timestamp {
    Day::parse(text).expect("a day").midnight()
}

#[derive(diesel::QueryableByName)]
struct Explained {
    #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
    plan: Value,
}

/// Every node of a plan.
fn nodes(plan: &Value) -> Vec<&Value> {
    let below = plan["Plans"].as_array().into_iter().flatten().flat_map(nodes);
    [plan].into_iter().chain(below).collect()
}

/// The index that is over the dates of each.
const INDEXES: [(&str, &str); 4] = [
    ("projects", "projects_calendar"),
    ("project_phases", "project_phases_calendar"),
    ("project_tasks", "project_tasks_calendar"),
    ("leads", "leads_closing"),
];

#[tokio::test]
async fn a_window_is_one_range_of_each_index() {
    let (fixture, tenant) = crowded(20_000).await;
    let statement = calendar_statement(EventKind::ALL);
    assert!(statement.planned_anew);
    let mut connection = fixture.database.connection_of_a_store().await;
    let prepare = format!("SET plan_cache_mode = force_custom_plan; PREPARE events AS {}", statement.text);
    connection.batch_execute(&prepare).await.expect(&prepare);
    for (start, end) in [("2000-05-01", "2000-06-01"), ("1950-06-01", "1950-06-02"), ("2049-01-01", "2049-03-01")] {
        let explain = format!(
            "EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE events({tenant}, '{start}T00:00Z'::timestamptz, '{end}T00:00Z', NULL, NULL)"
        );
        let explained: Explained = diesel::sql_query(&explain).get_result(&mut connection).await.expect(&explain);
        let plan = &explained.plan[0]["Plan"];
        let all = nodes(plan);
        let found = plan["Actual Rows"].as_f64().expect("a number");
        assert!(found > 10.0, "{plan}");
        for (table, index) in INDEXES {
            let ranges = all.iter().filter(|node| node["Index Name"] == index).count();
            assert_eq!(ranges, 1, "{index}: {plan:#}");
            assert!(
                all.iter().all(|node| node["Relation Name"] != table || node["Node Type"] != "Seq Scan"),
                "all of {table} are read: {plan:#}"
            );
        }
        // What is read is what is found: no step reads more than a few rows in vain.
        for node in &all {
            for vain in ["Rows Removed by Filter", "Rows Removed by Index Recheck"] {
                assert!(node[vain].as_f64().unwrap_or_default() <= found, "{vain}: {node:#}");
            }
        }
    }
}

#[tokio::test]
async fn a_window_holds_what_overlaps_it() {
    let (fixture, tenant) = crowded(2_000).await;
    for (start, end) in [("2000-05-01", "2000-06-01"), ("2000-05-01", "2000-05-01"), ("1949-01-01", "1950-01-01")] {
        let window = Window::new(day(start), day(end)).expect("a window");
        let query = CalendarQuery { window, kinds: EventKind::ALL.to_vec(), assigned_to: None, project: None };
        let events = fixture.store.events(tenant, &query, EventKind::ALL).await.expect("events");
        for (kind, table, [from, to]) in [
            (EventKind::Project, "projects", ["start_date", "expected_end_date"]),
            // Its dates are the wrong way round.
            (EventKind::Phase, "project_phases", ["end_date", "start_date"]),
            (EventKind::Task, "project_tasks", ["due_date", "due_date"]),
            (EventKind::Lead, "leads", ["expected_close_date", "expected_close_date"]),
        ] {
            let count = format!(
                "SELECT count(*) FROM {table} WHERE tenant_id = {tenant} AND {from} <= '{end}T00:00Z' AND {to} >= '{start}T00:00Z'"
            );
            let found = events.iter().filter(|event| event.kind == kind).count();
            assert_eq!(i64::try_from(found), Ok(fixture.number(&count).await), "{kind} from {start} to {end}");
        }
        let order: Vec<_> = events.iter().map(|event| (event.start, event.kind, event.id)).collect();
        assert!(order.is_sorted() && events.iter().all(|event| event.start <= event.end));
    }
}
