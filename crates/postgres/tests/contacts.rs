//! What holds for the rows of every resource and is shown with contacts: who waits for whom, what a search finds, which rows a
//! filter means. How pages are walked is in `contacts_pages.rs`.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

mod common;

use bwp_domain::{
    clock::Timestamp,
    contacts::{Contact, ContactType},
    ids::{ContactId, TenantId},
    paging::{Limit, PageRequest, Position},
    resource::{
        Condition, FieldType, Filter, Resource, Stored,
        ports::{RowReader, Sum},
    },
    store::{Store, StoreError, UnitOfWork},
    testing::{TypedReader, TypedRows, details},
    text::{Email, Name, SearchText, Text},
};
use bwp_postgres::{
    PgStore,
    testing::{Fixture, within},
};
use proptest::prelude::*;
use tokio::task::JoinHandle;

use common::check;

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

const fn after(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(NOW.unix_millis() + millis)
}

fn text(text: &str) -> Text {
    Text::parse(text.to_owned()).expect("a text")
}

fn name(text: &str) -> Name {
    Name::parse(text.to_owned()).expect("a name")
}

fn nobody() -> Contact {
    Contact { company_name: None, ..details("Acme") }
}

async fn with_tenant() -> (Fixture, TenantId) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    (fixture, tenant)
}

async fn with_contact() -> (Fixture, TenantId, Stored<Contact>) {
    let (fixture, tenant) = with_tenant().await;
    let contact = fixture.contact(tenant, &details("Acme"), NOW).await;
    (fixture, tenant, contact)
}

/// The ids of all that fit, in the order of the list.
async fn listed(store: &PgStore, tenant: TenantId, filter: &Filter) -> Vec<i64> {
    let page = PageRequest { limit: Limit::new(100).expect("a limit"), after: None };
    let page = store.read_page::<Contact>(tenant, filter, page).await.expect("a page");
    assert_eq!(page.next, None, "a test has no more than a page");
    page.items.iter().map(|contact| contact.id).collect()
}

async fn get(fixture: &Fixture, tenant: TenantId, id: i64) -> Option<Stored<Contact>> {
    fixture.store.read_row(tenant, id).await.expect("a look")
}

async fn lock(uow: &mut (dyn UnitOfWork + 'static), tenant: TenantId, id: i64) -> Option<Stored<Contact>> {
    uow.lock_row(tenant, id).await.expect("a lock")
}

async fn lock_alone(uow: &mut (dyn UnitOfWork + 'static), tenant: TenantId, id: i64) -> Option<Stored<Contact>> {
    uow.lock_row_alone(tenant, id).await.expect("a lock")
}

const fn position(contact: &Stored<Contact>) -> Position {
    Position { created_at: contact.created_at, id: contact.id }
}

/// Locks the contact in a task of its own, and tells what it found.
fn start_locking(fixture: &Fixture, tenant: TenantId, id: i64) -> JoinHandle<Option<Stored<Contact>>> {
    let store = fixture.store.clone();
    tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        lock(&mut *uow, tenant, id).await
    })
}

/// Pins the contact in a task of its own, and tells whether it was there.
fn start_pinning(fixture: &Fixture, tenant: TenantId, id: i64) -> JoinHandle<bool> {
    let store = fixture.store.clone();
    tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        uow.pin_row::<Contact>(tenant, id).await.expect("a look")
    })
}

#[tokio::test]
async fn whoever_waited_for_a_locked_contact_sees_what_became_of_it() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut uow = fixture.begin().await;
    lock(&mut *uow, tenant, contact.id).await.expect("the contact");
    let waiting = start_locking(&fixture, tenant, contact.id);
    fixture.until_waiting(1).await;
    let changed = Stored { details: details("New"), ..contact };
    uow.update_row(tenant, &changed).await.expect("stored");
    uow.commit().await.expect("a commit");
    assert_eq!(within("the lock", waiting).await.expect("no panic"), Some(changed.clone()));

    let mut uow = fixture.begin().await;
    lock_alone(&mut *uow, tenant, changed.id).await.expect("the contact");
    let locking = start_locking(&fixture, tenant, changed.id);
    fixture.until_waiting(1).await;
    uow.delete_row::<Contact>(tenant, changed.id, NOW).await.expect("deleted");
    let pinning = start_pinning(&fixture, tenant, changed.id);
    fixture.until_waiting(2).await;
    uow.commit().await.expect("a commit");
    assert_eq!(within("the lock", locking).await.expect("no panic"), None);
    assert!(!within("the pin", pinning).await.expect("no panic"), "a deleted contact cannot be named anew");
}

#[tokio::test]
async fn a_locked_contact_can_still_be_read() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut uow = fixture.begin().await;
    lock(&mut *uow, tenant, contact.id).await.expect("the contact");
    assert_eq!(within("a look", get(&fixture, tenant, contact.id)).await, Some(contact));
}

#[tokio::test]
async fn many_pin_a_contact_at_once_and_nobody_deletes_it_until_the_last_has_ended() {
    let (fixture, tenant, contact) = with_contact().await;
    let (mut first, mut second) = (fixture.begin().await, fixture.begin().await);
    for uow in [&mut first, &mut second] {
        assert!(within("a holder", uow.pin_row::<Contact>(tenant, contact.id)).await.expect("a look"));
    }
    let store = fixture.store.clone();
    let deleting = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        lock_alone(&mut *uow, tenant, contact.id).await.expect("the contact");
        uow.delete_row::<Contact>(tenant, contact.id, NOW).await.expect("deleted");
        uow.commit().await.expect("a commit");
    });
    fixture.until_waiting(1).await;
    first.commit().await.expect("a commit");
    fixture.until_waiting(1).await;
    assert!(!deleting.is_finished());
    second.rollback().await.expect("a roll-back");
    within("the deletion", deleting).await.expect("no panic");
    assert_eq!(get(&fixture, tenant, contact.id).await, None);
}

#[tokio::test]
async fn a_pinned_contact_can_be_changed_meanwhile() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut holder = fixture.begin().await;
    assert!(holder.pin_row::<Contact>(tenant, contact.id).await.expect("a look"));
    let mut uow = fixture.begin().await;
    within("the lock", lock(&mut *uow, tenant, contact.id)).await.expect("the contact");
    let changed = Stored { details: details("New"), ..contact };
    within("the change", uow.update_row(tenant, &changed)).await.expect("stored");
    uow.commit().await.expect("a commit");
    holder.commit().await.expect("a commit");
    assert_eq!(get(&fixture, tenant, changed.id).await, Some(changed));
}

#[tokio::test]
async fn a_new_child_does_not_wait_for_a_change_of_another_child() {
    let (fixture, tenant, parent) = with_contact().await;
    let child = Contact { parent_contact_id: ContactId::new(parent.id), ..nobody() };
    let (mut first, mut second) = (fixture.begin().await, fixture.begin().await);
    for uow in [&mut first, &mut second] {
        assert!(uow.pin_row::<Contact>(tenant, parent.id).await.expect("a look"));
        within("the other", uow.insert_row(tenant, &child, NOW)).await.expect("stored");
    }
    first.commit().await.expect("a commit");
    second.commit().await.expect("a commit");
}

/// Any Unicode but NUL: everything that a `char` can be, and texts that are known to be handled wrongly.
fn unicode() -> impl Strategy<Value = String> {
    let known = [
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 🇵🇱",
        "\u{202e}txt.exe\u{202c} שלום مرحبا",
        "e\u{301}\u{327} Å vs A\u{30a}",
        "\u{ffff}\u{fffe}\u{fdd0}\u{10ffff}",
        "\u{feff}\u{200b}\u{85}\u{2028}\u{2029}",
        "\u{1}\u{7f}\r\n\t\\'\"$1 %_",
        "ﷺ İıſß",
    ];
    prop_oneof![
        any::<String>(),
        prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        "[\u{1}-\u{10ffff}]{1,40}"
    ]
    .prop_map(|text| text.replace('\0', ""))
}

fn texts() -> impl Strategy<Value = Option<Text>> {
    prop::option::of(unicode().prop_map(|text| Text::parse(text).expect("no NUL")))
}

fn names() -> impl Strategy<Value = Option<Name>> {
    unicode().prop_map(|text| Name::parse(text).ok())
}

fn emails() -> impl Strategy<Value = Option<Email>> {
    let known =
        ["a@b.co", "Zoé@exámple.fr", "!#$%&'*+-/=?^_`{|}~@example.com", "\"a b\"@example.org", "用户@例子.广告"];
    prop::option::of(
        prop::sample::select(known.to_vec()).prop_map(|text| Email::parse(text.to_owned()).expect("an address")),
    )
}

/// Any details, without a parent.
fn any_details() -> impl Strategy<Value = Contact> {
    let kinds = prop::sample::select(ContactType::ALL);
    ((names(), names(), names()), (texts(), texts(), texts(), texts(), texts()), emails(), kinds).prop_map(
        |((first_name, last_name, company_name), (position, phone, mobile, website, notes), email, kind)| Contact {
            first_name,
            last_name,
            company_name,
            position,
            parent_contact_id: None,
            email,
            phone,
            mobile,
            website,
            notes,
            kind,
        },
    )
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        any::<i64>().prop_map(Timestamp::from_unix_millis),
        (-10_i64..10).prop_map(after),
        Just(Timestamp::MIN),
        Just(Timestamp::MAX)
    ]
}

#[test]
fn all_14_columns_survive_any_unicode_when_made_and_when_changed() {
    let cases = (any_details(), any_details(), times(), times(), any::<bool>());
    check(64, &cases, &async |fixture, (made, changed, created_at, updated_at, has_parent)| {
        let tenant = fixture.tenant().await.id;
        let parent = ContactId::new(fixture.contact(tenant, &nobody(), NOW).await.id);
        let made = Contact { parent_contact_id: parent.filter(|_| has_parent), ..made };
        let changed = Contact { parent_contact_id: parent.filter(|_| !has_parent), ..changed };
        let contact = fixture.contact(tenant, &made, created_at).await;
        let expected = Stored { id: contact.id, details: made, created_at, updated_at: created_at };
        prop_assert_eq!(&contact, &expected);
        prop_assert_eq!(get(fixture, tenant, contact.id).await, Some(expected.clone()));
        let expected = Stored { details: changed, updated_at, ..expected };
        let mut uow = fixture.begin().await;
        lock(&mut *uow, tenant, contact.id).await.expect("the contact");
        uow.update_row(tenant, &expected).await.expect("stored");
        uow.commit().await.expect("a commit");
        prop_assert_eq!(get(fixture, tenant, contact.id).await, Some(expected));
        Ok(())
    });
}

fn filter(conditions: impl IntoIterator<Item = Condition>) -> Filter {
    let mut filter = Filter::all();
    conditions.into_iter().for_each(|condition| filter.add(condition));
    filter
}

fn searching(text: &str) -> Filter {
    filter(SearchText::parse(text).expect("no NUL").map(Condition::Search))
}

/// Which of these texts find a contact with these details.
async fn finding<'a>(details: &Contact, texts: &[&'a str]) -> Vec<&'a str> {
    let (fixture, tenant) = with_tenant().await;
    fixture.contact(tenant, details, NOW).await;
    let mut finding = Vec::new();
    for text in texts {
        if fixture.store.count(tenant, Contact::SHAPE, &searching(text)).await.expect("a count") == 1 {
            finding.push(*text);
        }
    }
    finding
}

#[tokio::test]
async fn a_search_looks_in_the_names_the_address_the_numbers_the_company_and_the_notes() {
    let details = Contact {
        first_name: Some(name("Zoé")),
        last_name: Some(name("Łukasz")),
        company_name: Some(name("Brick & Söhne")),
        position: Some(text("foreman")),
        email: Some(Email::parse("office@example.com".to_owned()).expect("an address")),
        phone: Some(text("+48 22 111")),
        mobile: Some(text("+48 60 222")),
        website: Some(text("https://builders.test")),
        notes: Some(text("Pays late.\nCall before noon.")),
        ..nobody()
    };
    let found = ["zoé", "łukasz", "söhne", "office@", "22 111", "60 222", "pays late", "late.\ncall", "before"];
    assert_eq!(finding(&details, &found).await, found);
    assert_eq!(finding(&details, &["foreman", "builders.test", "vendor"]).await, [""; 0]);
}

#[tokio::test]
async fn a_search_takes_no_notice_of_case_or_of_white_space_around_it() {
    let details = Contact { first_name: Some(name("Zoé")), ..nobody() };
    let found = ["zoé", "ZOÉ", "zOé", "  zoé\t"];
    assert_eq!(finding(&details, &found).await, found);
}

#[tokio::test]
async fn one_two_and_more_characters_find_what_holds_them() {
    let details = Contact { last_name: Some(name("Nguyen")), ..nobody() };
    let found = ["n", "gu", "uye", "nguy", "nguyen"];
    assert_eq!(finding(&details, &found).await, found);
    assert_eq!(finding(&details, &["x", "gn", "nye", "nguyenn"]).await, [""; 0]);
}

#[tokio::test]
async fn a_full_name_is_found_but_no_text_that_runs_from_one_field_into_another() {
    let details = Contact {
        first_name: Some(name("Ann")),
        last_name: Some(name("Lee")),
        company_name: Some(name("Acme")),
        phone: Some(text("12")),
        mobile: Some(text("34")),
        ..nobody()
    };
    // Each word is looked for by itself.
    let found = ["ann lee", "n l", "lee ann", "lee acme", "12 34"];
    assert_eq!(finding(&details, &found).await, found);
    assert_eq!(finding(&details, &["annlee", "leeacme", "1234"]).await, [""; 0]);
}

#[tokio::test]
async fn the_wildcards_of_sql_stand_for_themselves() {
    let details = Contact { notes: Some(text(r"50% of a_b \ c")), ..nobody() };
    let found = ["%", "50%", "a_b", "_", r"\", r"\ c", r"_b \"];
    assert_eq!(finding(&details, &found).await, found);
    let plain = Contact { notes: Some(text("500 of aXb")), ..nobody() };
    assert_eq!(finding(&plain, &["%", "50%", "a_b", "_", r"\", "5%b", r"\%"]).await, [""; 0]);
}

#[tokio::test]
async fn bounds_of_the_time_are_inclusive_to_the_millisecond() {
    let (fixture, tenant) = with_tenant().await;
    let mut made = Vec::new();
    for millis in -2..=2 {
        made.push(fixture.contact(tenant, &nobody(), after(millis)).await.id);
    }
    made.reverse();
    let within = |from: Option<i64>, to: Option<i64>| {
        let from = from.map(|from| Condition::CreatedFrom(after(from)));
        filter(from.into_iter().chain(to.map(|to| Condition::CreatedTo(after(to)))))
    };
    for (from, to, expected) in [
        (None, None, &made[..]),
        (Some(-1), Some(1), &made[1..4]),
        (Some(0), Some(0), &made[2..3]),
        (Some(2), None, &made[..1]),
        (None, Some(-2), &made[4..]),
        (Some(1), Some(-1), &[]),
    ] {
        assert_eq!(listed(&fixture.store, tenant, &within(from, to)).await, expected, "{from:?} to {to:?}");
    }
}

/// A contact that searches and filters often fit.
fn similar_details() -> impl Strategy<Value = Contact> {
    fn word() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[aBé%_ \\\\]{1,4}")
    }
    let kinds = prop::sample::select(&ContactType::ALL[..3]);
    ((word(), word(), word()), (word(), word(), word(), word(), word()), kinds).prop_map(
        |((first, last, company), (position, phone, mobile, website, notes), kind)| {
            let name = |word: Option<String>| word.map(|word| name(&word));
            let text = |word: Option<String>| word.map(|word| text(&word));
            Contact {
                first_name: name(first),
                last_name: name(last),
                company_name: name(company),
                position: text(position),
                phone: text(phone),
                mobile: text(mobile),
                website: text(website),
                notes: text(notes),
                kind,
                ..nobody()
            }
        },
    )
}

fn filters() -> impl Strategy<Value = Filter> {
    let kinds = prop::option::of(prop::sample::select(&ContactType::ALL[..3]));
    let texts = prop::option::of("[AbÉ%_ \\\\]{1,3}");
    let bounds = || prop::option::of((-2_i64..4).prop_map(after));
    (kinds, texts, bounds(), bounds()).prop_map(|(kind, text, from, to)| {
        let search = text.and_then(|text| SearchText::parse(&text).expect("no NUL"));
        let conditions = [
            kind.map(|kind| Condition::Is(type_place(), kind.to_value().into_owned())),
            search.map(Condition::Search),
            from.map(Condition::CreatedFrom),
            to.map(Condition::CreatedTo),
        ];
        filter(conditions.into_iter().flatten())
    })
}

fn type_place() -> usize {
    Contact::SHAPE.field("type").expect("a field").0
}

/// Whether the contact fits, by the words of the filter's documentation.
fn fits(contact: &Stored<Contact>, filter: &Filter) -> bool {
    let details = &contact.details;
    let full_name = match (&details.first_name, &details.last_name) {
        (Some(first), last) => format!("{first} {}", last.as_deref().unwrap_or_default()),
        (None, last) => last.as_deref().unwrap_or_default().to_owned(),
    };
    let others = [
        details.company_name.as_deref(),
        details.phone.as_deref(),
        details.mobile.as_deref(),
        details.notes.as_deref(),
    ];
    let found = |text: &SearchText| {
        let fields = || std::iter::once(full_name.as_str()).chain(others.into_iter().flatten());
        text.words().iter().all(|word| fields().any(|field| word.is_in(field)))
    };
    filter.conditions().iter().all(|condition| match condition {
        Condition::Is(_, value) => *value == details.kind.to_value(),
        Condition::CreatedFrom(from) => *from <= contact.created_at,
        Condition::CreatedTo(to) => contact.created_at <= *to,
        Condition::Search(text) => found(text),
        other => panic!("{other:?}"),
    })
}

#[test]
fn list_count_and_sums_agree_on_what_fits_and_the_newest_come_first() {
    let contacts = prop::collection::vec((similar_details(), 0_i64..3), 0..12);
    check(64, &(contacts, prop::collection::vec(filters(), 1..6)), &async |fixture, (contacts, filters)| {
        let tenant = fixture.tenant().await.id;
        let mut stored = Vec::new();
        let mut uow = fixture.begin().await;
        for (details, millis) in &contacts {
            stored.push(uow.insert_row(tenant, details, after(*millis)).await.expect("stored"));
        }
        uow.commit().await.expect("a commit");
        stored.sort_unstable_by_key(|contact| std::cmp::Reverse((contact.created_at, contact.id)));
        for filter in &filters {
            let fitting: Vec<_> = stored.iter().filter(|contact| fits(contact, filter)).collect();
            let ids: Vec<_> = fitting.iter().map(|contact| contact.id).collect();
            prop_assert_eq!(listed(&fixture.store, tenant, filter).await, ids, "{:?}", filter);
            let count = fixture.store.count(tenant, Contact::SHAPE, filter).await.expect("a count");
            prop_assert_eq!(count, i64::try_from(fitting.len()).expect("few"));
            let sums = fixture.store.sums(tenant, Contact::SHAPE, filter, &[type_place()], &[]).await.expect("sums");
            prop_assert_eq!(Sum::total(&sums, 0).count, count);
            for sum in sums {
                let of_kind = fitting.iter().filter(|contact| sum.groups == [contact.details.kind.to_value()]).count();
                prop_assert_eq!(sum.count, i64::try_from(of_kind).expect("few"));
            }
        }
        Ok(())
    });
}

#[tokio::test]
async fn a_page_starts_behind_a_position_whether_or_not_a_row_is_there() {
    let (fixture, tenant) = with_tenant().await;
    let mut made = Vec::new();
    for millis in [0, 0, 0, 5] {
        made.push(fixture.contact(tenant, &nobody(), after(millis)).await);
    }
    let behind = async |after: Position| {
        let page = PageRequest { limit: Limit::new(2).expect("a limit"), after: Some(after) };
        let page = fixture.store.read_page::<Contact>(tenant, &Filter::all(), page).await.expect("a page");
        (page.items.iter().map(|contact| contact.id).collect::<Vec<_>>(), page.next)
    };
    let ids: Vec<_> = made.iter().map(|contact| contact.id).collect();
    assert_eq!(behind(position(&made[3])).await, (vec![ids[2], ids[1]], Some(position(&made[1]))));
    assert_eq!(behind(position(&made[1])).await, (vec![ids[0]], None));
    assert_eq!(behind(Position { created_at: after(3), id: i64::MAX }).await.0, [ids[2], ids[1]]);
    assert_eq!(behind(Position { created_at: Timestamp::MAX, id: i64::MAX }).await.0, [ids[3], ids[2]]);
    assert_eq!(behind(Position { created_at: Timestamp::MIN, id: i64::MIN }).await, (vec![], None));
}

#[tokio::test]
async fn every_size_of_page_is_kept_to() {
    let (fixture, tenant) = with_tenant().await;
    let insert = format!(
        "INSERT INTO contacts (tenant_id, type, created_at, updated_at)
         SELECT {tenant}, 'other', to_timestamp(n), to_timestamp(n) FROM generate_series(1, 103) AS n"
    );
    fixture.run(&insert).await;
    for rows in [1, 24, 25, 26, 50, 51, 99, 100] {
        let limit = Limit::new(rows).expect("a limit");
        let page = PageRequest { limit, after: None };
        let page = fixture.store.read_page::<Contact>(tenant, &Filter::all(), page).await.expect("a page");
        assert_eq!(page.items.len(), limit.get());
        assert_eq!(page.next, page.items.last().map(position));
    }
}

#[tokio::test]
async fn a_row_that_makes_no_contact_is_named() {
    let (fixture, tenant, contact) = with_contact().await;
    fixture.run("UPDATE contacts SET first_name = ''").await;
    let refused = fixture.store.read_row::<Contact>(tenant, contact.id).await;
    let Err(StoreError::Inconsistent(place)) = refused else { panic!("{refused:?}") };
    assert_eq!((place.table, place.column, place.row), ("contacts", "first_name", contact.id.to_string()));
}

#[tokio::test]
async fn a_row_that_makes_no_contact_is_nobody_elses_trouble() {
    let (fixture, tenant, good) = with_contact().await;
    let bad = fixture.contact(tenant, &details("Bad"), NOW).await;
    let other = format!(
        "ALTER TABLE contacts DROP CONSTRAINT contacts_type_check;
         UPDATE contacts SET type = 'of a later version' WHERE id = {}",
        bad.id
    );
    fixture.run(&other).await;
    // The first is asked about at once, and the others together.
    let get = async |tenant, id| fixture.store.read_row::<Contact>(tenant, id).await;
    let (_, read, refused) = tokio::join!(get(tenant, good.id), get(tenant, good.id), get(tenant, bad.id));
    assert_eq!(read.expect("a look").map(|contact| contact.id), Some(good.id));
    let Err(StoreError::Inconsistent(place)) = refused else { panic!("{refused:?}") };
    assert_eq!((place.table, place.column, place.row), ("contacts", "type", bad.id.to_string()));
}

#[tokio::test]
async fn an_address_that_was_stored_under_other_rules_is_still_read() {
    let (fixture, tenant, contact) = with_contact().await;
    fixture.run("UPDATE contacts SET email = 'nobody'").await;
    let read = get(&fixture, tenant, contact.id).await.expect("the contact");
    assert_eq!(read.details.email.as_deref(), Some("nobody"));
}
