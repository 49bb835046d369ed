//! Pages of contacts: what a walk sees while others write, and what a page costs.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

mod common;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bwp_domain::{
    clock::Timestamp,
    contacts::{Contact, ContactType},
    ids::TenantId,
    paging::{Limit, PageRequest, Position},
    resource::{Condition, FieldType, Filter, Resource, Stored},
    store::Store,
    testing::{TypedReader, TypedRows, details, tenant_id},
    text::{SearchText, Text},
};
use bwp_postgres::{
    PgStore,
    testing::{Fixture, page_statement},
};
use diesel::sql_types::{BigInt, Json};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use proptest::prelude::*;
use serde_json::Value;
use tokio::task::JoinSet;

use common::check;

/// What the writers know of the contacts. A contact is in exactly one of the sets, but while it is being made or deleted.
#[derive(Clone, Default)]
struct Ledger {
    /// Made: the commit was acknowledged. Nobody has begun to delete it.
    there: BTreeSet<i64>,
    /// Deleted: the commit was acknowledged.
    gone: BTreeSet<i64>,
}

#[derive(Clone, Default)]
struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    fn open(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn copy(&self) -> Ledger {
        self.open().clone()
    }

    /// One of the contacts that are there.
    fn pick(&self, at: prop::sample::Index) -> Option<i64> {
        let ledger = self.open();
        (!ledger.there.is_empty()).then(|| *at.get(&ledger.there.iter().copied().collect::<Vec<_>>()))
    }
}

/// Something that a writer does.
#[derive(Clone, Copy, Debug)]
enum Write {
    /// Makes a contact at one of a few times.
    Insert(u8),
    /// Changes a contact.
    Update(prop::sample::Index),
    /// Deletes a contact.
    Delete(prop::sample::Index),
}

/// A walk among writers.
#[derive(Clone, Debug)]
struct Scene {
    /// The times of the contacts that are there at the beginning.
    times: Vec<u8>,
    /// What each of the writers does.
    writers: Vec<Vec<Write>>,
    rows: u8,
    of_one_type: bool,
}

fn writes() -> impl Strategy<Value = Write> {
    prop_oneof![
        (0_u8..5).prop_map(Write::Insert),
        any::<prop::sample::Index>().prop_map(Write::Update),
        any::<prop::sample::Index>().prop_map(Write::Delete),
    ]
}

fn scenes() -> impl Strategy<Value = Scene> {
    let times = prop::collection::vec(0_u8..5, 20..60);
    let writers = prop::collection::vec(prop::collection::vec(writes(), 10..30), 3);
    (times, writers, 1_u8..8, any::<bool>()).prop_map(|(times, writers, rows, of_one_type)| Scene {
        times,
        writers,
        rows,
        of_one_type,
    })
}

/// Many contacts share each of these times.
const fn time(n: u8) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000 + n as i64)
}

async fn write(store: &PgStore, tenant: TenantId, ledger: &SharedLedger, write: Write) {
    let mut uow = store.begin().await.expect("a unit of work");
    match write {
        Write::Insert(at) => {
            let made = uow.insert_row(tenant, &details("New"), time(at)).await.expect("stored");
            uow.commit().await.expect("a commit");
            ledger.open().there.insert(made.id);
        }
        Write::Update(at) => {
            let Some(id) = ledger.pick(at) else { return };
            // Another writer may have deleted it since it was picked.
            if let Some(mut contact) = uow.lock_row::<Contact>(tenant, id).await.expect("a lock") {
                contact.details.notes = Some(Text::parse("changed".to_owned()).expect("a text"));
                contact.updated_at = time(9);
                uow.update_row(tenant, &contact).await.expect("stored");
            }
            uow.commit().await.expect("a commit");
        }
        Write::Delete(at) => {
            let Some(id) = ledger.pick(at).filter(|id| ledger.open().there.remove(id)) else { return };
            uow.lock_row_alone::<Contact>(tenant, id).await.expect("a lock").expect("nobody else deletes it");
            uow.delete_row::<Contact>(tenant, id, time(9)).await.expect("deleted");
            uow.commit().await.expect("a commit");
            ledger.open().gone.insert(id);
        }
    }
}

fn of_type(kind: ContactType) -> Filter {
    Filter::is(Contact::SHAPE, "type", kind.to_value().into_owned())
}

async fn walk(store: &PgStore, tenant: TenantId, filter: &Filter, rows: u8) -> Vec<Stored<Contact>> {
    let limit = Limit::new(rows).expect("a limit");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.read_page::<Contact>(tenant, filter, PageRequest { limit, after }).await.expect("a page");
        assert!(page.items.len() == limit.get() || page.next.is_none(), "a page that is not the last is full");
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
}

/// What a walk may have seen that began when the ledger was `before` and ended when it was `after`.
fn judge(seen: &[Stored<Contact>], before: &Ledger, after: &Ledger) -> Result<(), TestCaseError> {
    let positions: Vec<_> = seen.iter().map(|contact| (contact.created_at, contact.id)).collect();
    prop_assert!(positions.is_sorted_by(|newer, older| newer > older), "newest first, each once: {positions:?}");
    let ids: BTreeSet<_> = seen.iter().map(|contact| contact.id).collect();
    let throughout: BTreeSet<_> = before.there.intersection(&after.there).copied().collect();
    prop_assert!(throughout.is_subset(&ids), "left out: {:?}", throughout.difference(&ids));
    prop_assert!(ids.is_disjoint(&before.gone), "gone before: {:?}", ids.intersection(&before.gone));
    Ok(())
}

#[test]
fn whoever_is_there_throughout_a_walk_is_seen_exactly_once() {
    check(48, &scenes(), &async |fixture, scene| {
        let tenant = fixture.tenant().await.id;
        let ledger = SharedLedger::default();
        let mut uow = fixture.begin().await;
        for at in &scene.times {
            let made = uow.insert_row(tenant, &details("Old"), time(*at)).await.expect("stored");
            ledger.open().there.insert(made.id);
        }
        uow.commit().await.expect("a commit");

        let mut writers = JoinSet::new();
        for writes in scene.writers {
            let (store, ledger) = (fixture.store.clone(), ledger.clone());
            writers.spawn(async move {
                for next in writes {
                    write(&store, tenant, &ledger, next).await;
                }
            });
        }
        let filter = if scene.of_one_type { of_type(ContactType::Vendor) } else { Filter::all() };
        let mut writing = true;
        while writing {
            // Once more after the last write.
            writing = !writers.is_empty();
            let before = ledger.copy();
            let seen = walk(&fixture.store, tenant, &filter, scene.rows).await;
            judge(&seen, &before, &ledger.copy())?;
            while let Some(writer) = writers.try_join_next() {
                writer.expect("no writer fails");
            }
        }
        Ok(())
    });
}

/// Many tenants of a few contacts and one, who is given back, of 20,000, all of them mixed, with many equal times.
async fn crowded(tenants: i64, contacts_each: i64) -> (Fixture, TenantId) {
    let fixture = Fixture::new().await;
    let insert = format!(
        "INSERT INTO contacts (tenant_id, company_name, type, created_at, updated_at, deleted_at)
         SELECT tenant, md5(n::text), (ARRAY['customer', 'vendor', 'other'])[1 + n % 3],
            to_timestamp(1700000000 + n / 4), to_timestamp(1700000000 + n / 4), CASE WHEN n % 50 = 0 THEN now() END
         FROM (SELECT tenant, n FROM generate_series(2, 1 + {tenants}) AS tenant, generate_series(1, {contacts_each}) AS n
            UNION ALL SELECT 1, generate_series(1, 20000)) AS contacts
         ORDER BY md5(tenant::text || ' ' || n)"
    );
    // The index on the search is made afterwards: that is much faster.
    let definition = "SELECT indexdef FROM pg_indexes WHERE indexname = 'contacts_search'";
    let without_search_index = format!(
        "DO $$ DECLARE search_index text := ({definition});
         BEGIN DROP INDEX contacts_search; {insert}; EXECUTE search_index; END $$"
    );
    fixture.run(&without_search_index).await;
    fixture.run("VACUUM ANALYZE contacts").await;
    (fixture, tenant_id(1))
}

#[derive(diesel::QueryableByName)]
struct Explained {
    #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
    plan: Value,
}

/// How the server gets a page: by the statement that the store sends for it, on a connection like the store's, and
/// planned as it is there.
async fn explain(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    filter: &Filter,
    after: Option<Position>,
) -> Plan {
    let statement = page_statement(tenant, Contact::SHAPE, filter, PageRequest { limit: Limit::DEFAULT, after });
    let conditions = filter.conditions();
    let by_value = conditions.iter().any(|condition| !matches!(condition, Condition::Is(..)));
    assert_eq!(statement.planned_anew, by_value);
    let mode = if statement.planned_anew { "force_custom_plan" } else { "force_generic_plan" };
    let prepare = format!("DEALLOCATE ALL; SET plan_cache_mode = {mode}; PREPARE page AS {}", statement.text);
    connection.batch_execute(&prepare).await.expect(&prepare);
    let quoted = |time: Timestamp| format!("'{time}'");
    let value = |condition: &Condition| match condition {
        Condition::Is(_, value) => format!("'{}'", value.as_text().expect("a word")),
        Condition::CreatedFrom(time) | Condition::CreatedTo(time) => quoted(*time),
        Condition::Search(text) => format!("'%{}%'", text.as_str()),
        other => panic!("{other:?}"),
    };
    let of_position = after.map(|after| [quoted(after.created_at), after.id.to_string()]);
    let values = [tenant.to_string()].into_iter().chain(conditions.iter().map(value));
    let values: Vec<_> = values.chain(of_position.into_iter().flatten()).collect();
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page({})", values.join(", "));
    let explained: Explained = diesel::sql_query(explain.as_str()).get_result(connection).await.expect(&explain);
    Plan(explained.plan[0]["Plan"].clone())
}

#[derive(Debug)]
struct Plan(Value);

impl Plan {
    /// Fails unless the page is one range of this index, read backwards, and nothing else.
    fn assert_one_range_of(&self, index: &str) {
        assert_eq!(self.0["Node Type"], "Limit", "{self:?}");
        let inputs = self.0["Plans"].as_array().expect("a limit has an input");
        let [scan] = inputs.as_slice() else { panic!("one input: {self:?}") };
        let kind = [&scan["Node Type"], &scan["Scan Direction"], &scan["Index Name"]];
        assert_eq!(kind, ["Index Scan", "Backward", index], "{self:?}");
        assert_eq!(scan["Plans"], Value::Null, "nothing below it, such as a sort");
        assert_eq!(scan["Filter"], Value::Null, "no row is read in vain");
    }

    fn condition(&self) -> &str {
        self.0["Plans"][0]["Index Cond"].as_str().expect("a condition")
    }

    /// Pages of the disk that were read, from the cache or not.
    fn buffers(&self) -> i64 {
        ["Shared Hit Blocks", "Shared Read Blocks"].iter().filter_map(|name| self.0[name].as_i64()).sum()
    }

    fn rows(&self) -> &Value {
        &self.0["Actual Rows"]
    }
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    millis: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The position of the tenant's contact number `n`, newest first.
async fn position(connection: &mut AsyncPgConnection, tenant: TenantId, n: i64) -> Position {
    let query = format!(
        "SELECT (extract(epoch FROM created_at) * 1000)::bigint AS millis, id FROM contacts
         WHERE tenant_id = {tenant} AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET {n}"
    );
    let row: Row = diesel::sql_query(query).get_result(connection).await.expect("a contact");
    Position { created_at: Timestamp::from_unix_millis(row.millis), id: row.id }
}

/// Fails unless each page is one range of an index, and a deep one costs no more than the first.
async fn check_pages(fixture: &Fixture, tenant: TenantId) {
    let mut connection = fixture.database.connection_of_a_store().await;
    let filter = Filter::all();
    let first = explain(&mut connection, tenant, &filter, None).await;
    first.assert_one_range_of("contacts_newest");
    assert_eq!(first.condition(), "(tenant_id = $1)");
    assert_eq!(first.rows(), 26);
    for depth in [25, 10_000, 19_000] {
        let after = position(&mut connection, tenant, depth).await;
        let deep = explain(&mut connection, tenant, &filter, Some(after)).await;
        deep.assert_one_range_of("contacts_newest");
        assert_eq!(deep.condition(), "((tenant_id = $1) AND (ROW(created_at, id) < ROW($2, $3)))");
        assert_eq!(deep.rows(), 26);
        let (least, most) = (first.buffers().min(deep.buffers()), first.buffers().max(deep.buffers()));
        assert!(most * 2 <= least * 3, "{} buffers for page 1, {} at {depth}", first.buffers(), deep.buffers());
    }
}

/// Fails unless each page of contacts of a type and of a time is one range of an index too.
async fn check_filtered_pages(fixture: &Fixture, tenant: TenantId) {
    let mut connection = fixture.database.connection_of_a_store().await;
    let time = |n: i64| Timestamp::from_unix_millis((1_700_000_000 + n) * 1000);
    let of_type = of_type(ContactType::Vendor);
    let (mut of_time, mut of_both) = (Filter::all(), of_type.clone());
    for filter in [&mut of_time, &mut of_both] {
        filter.add(Condition::CreatedFrom(time(1_000)));
        filter.add(Condition::CreatedTo(time(4_000)));
    }
    let after = position(&mut connection, tenant, 10_000).await;
    for (filter, index) in
        [(of_type, "contacts_newest_of_type"), (of_time, "contacts_newest"), (of_both, "contacts_newest_of_type")]
    {
        for after in [None, Some(after)] {
            let plan = explain(&mut connection, tenant, &filter, after).await;
            plan.assert_one_range_of(index);
            assert_eq!(plan.rows(), 26, "{filter:?}");
        }
    }
}

/// Fails unless a search for a rare text goes by its index, and one for a common text reads little more than it shows.
async fn check_searches(fixture: &Fixture, tenant: TenantId) {
    let mut connection = fixture.database.connection_of_a_store().await;
    let searching = |text| {
        let mut filter = Filter::all();
        filter.add(Condition::Search(SearchText::parse(text).expect("no NUL").expect("a text")));
        filter
    };
    // The MD5 of 1, and what most MD5s or many hold.
    let rare = explain(&mut connection, tenant, &searching("c4ca4238a0b9"), None).await;
    assert!(rare.0.to_string().contains("\"contacts_search\""), "{rare:?}");
    assert_eq!(rare.rows(), 1);
    for common in ["a", "e1", "4"] {
        let plan = explain(&mut connection, tenant, &searching(common), None).await;
        assert_eq!(plan.rows(), 26);
        assert!(plan.buffers() < 1_000, "{} buffers for a page of `{common}`", plan.buffers());
    }
}

/// The planner expects 1,952 contacts of each tenant.
#[tokio::test]
async fn a_page_is_one_range_of_an_index_and_a_deep_one_costs_no_more_than_the_first() {
    let (fixture, tenant) = crowded(20, 1_000).await;
    check_pages(&fixture, tenant).await;
    check_filtered_pages(&fixture, tenant).await;
    check_searches(&fixture, tenant).await;
}

/// The planner expects 20 contacts of each tenant, and once it plans for all of them it knows no exception.
#[tokio::test]
async fn a_page_of_one_large_tenant_among_many_small_ones_costs_no_more() {
    let (fixture, tenant) = crowded(2_000, 10).await;
    check_pages(&fixture, tenant).await;
    check_filtered_pages(&fixture, tenant).await;
}
