//! The contracts of `ContactReader` and `ContactRepository`. How pages are walked is in `contacts_pages.rs`.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

mod common;

use bwp_domain::{
    clock::Timestamp,
    contacts::{Contact, ContactDetails, ContactFilter, ContactSummary, ContactType, ports::ContactReader},
    ids::{ContactId, TenantId},
    paging::{Limit, PageRequest, Position},
    store::{Store, StoreError, UnitOfWork},
    testing::details,
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

fn nobody() -> ContactDetails {
    ContactDetails { company_name: None, ..details("Acme") }
}

async fn with_tenant() -> (Fixture, TenantId) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    (fixture, tenant)
}

async fn with_contact() -> (Fixture, TenantId, Contact) {
    let (fixture, tenant) = with_tenant().await;
    let contact = fixture.contact(tenant, &details("Acme"), NOW).await;
    (fixture, tenant, contact)
}

/// The ids of all that fit, in the order of the list.
async fn listed(store: &PgStore, tenant: TenantId, filter: &ContactFilter) -> Vec<ContactId> {
    let page = PageRequest { limit: Limit::new(100).expect("a limit"), after: None };
    let page = store.list(tenant, filter, page).await.expect("a page").copied().expect("contacts");
    assert_eq!(page.next, None, "a test has no more than a page");
    page.items.iter().map(|contact| contact.id).collect()
}

async fn get(fixture: &Fixture, tenant: TenantId, id: ContactId) -> Option<Contact> {
    fixture.store.get(tenant, id).await.expect("a look")
}

async fn lock(uow: &mut dyn UnitOfWork, tenant: TenantId, id: ContactId) -> Option<Contact> {
    uow.contacts().lock(tenant, id).await.expect("a lock")
}

async fn delete(fixture: &Fixture, tenant: TenantId, id: ContactId) {
    let mut uow = fixture.begin().await;
    lock(&mut *uow, tenant, id).await.expect("the contact");
    uow.contacts().delete(tenant, id, NOW).await.expect("deleted");
    uow.commit().await.expect("a commit");
}

/// What every method answers about one contact.
#[derive(Debug, PartialEq)]
struct Seen {
    got: Option<Contact>,
    got_many: Vec<Contact>,
    listed: Vec<ContactId>,
    count: i64,
    summary: ContactSummary,
    locked: Option<Contact>,
    held: bool,
}

async fn look(fixture: &Fixture, tenant: TenantId, id: ContactId) -> Seen {
    let every = ContactFilter::default();
    let mut uow = fixture.begin().await;
    Seen {
        got: get(fixture, tenant, id).await,
        got_many: fixture.store.get_many(tenant, &[id]).await.expect("a look"),
        listed: listed(&fixture.store, tenant, &every).await,
        count: fixture.store.count(tenant, &every).await.expect("a count"),
        summary: fixture.store.summary(tenant, &every).await.expect("a summary"),
        locked: lock(&mut *uow, tenant, id).await,
        held: uow.contacts().hold(tenant, id).await.expect("a look"),
    }
}

fn nothing() -> Seen {
    let (got, got_many, listed, locked) = (None, Vec::new(), Vec::new(), None);
    Seen { got, got_many, listed, count: 0, summary: ContactSummary::default(), locked, held: false }
}

#[tokio::test]
async fn every_method_sees_a_contact_as_it_was_stored() {
    let (fixture, tenant, contact) = with_contact().await;
    assert_eq!((contact.created_at, contact.updated_at), (NOW, NOW));
    let seen = look(&fixture, tenant, contact.id).await;
    let expected = Seen {
        got: Some(contact.clone()),
        got_many: vec![contact.clone()],
        listed: vec![contact.id],
        count: 1,
        summary: ContactSummary { by_type: vec![(ContactType::Vendor, 1)] },
        locked: Some(contact),
        held: true,
    };
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn no_method_shows_a_foreign_contact() {
    let (fixture, _, contact) = with_contact().await;
    let stranger = fixture.tenant().await.id;
    assert_eq!(look(&fixture, stranger, contact.id).await, nothing());
}

#[tokio::test]
async fn a_foreign_contact_can_be_neither_changed_nor_deleted_nor_be_a_parent() {
    let (fixture, tenant, contact) = with_contact().await;
    let stranger = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    let changed = Contact { details: details("Stolen"), ..contact.clone() };
    uow.contacts().update(stranger, &changed).await.expect("no failure");
    uow.contacts().delete(stranger, contact.id, NOW).await.expect("no failure");
    uow.commit().await.expect("a commit");
    assert_eq!(get(&fixture, tenant, contact.id).await, Some(contact.clone()));
    // The schema refuses what no command would do.
    let child = ContactDetails { parent: Some(contact.id), ..nobody() };
    let refused = fixture.begin().await.contacts().insert(stranger, &child, NOW).await;
    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
}

#[tokio::test]
async fn no_method_shows_a_deleted_contact_and_its_row_stays() {
    let (fixture, tenant, contact) = with_contact().await;
    delete(&fixture, tenant, contact.id).await;
    assert_eq!(look(&fixture, tenant, contact.id).await, nothing());
    assert_eq!(fixture.number("SELECT count(*) FROM contacts WHERE deleted_at IS NOT NULL").await, 1);
}

#[tokio::test]
async fn a_deleted_contact_stays_the_parent_that_it_was() {
    let (fixture, tenant, parent) = with_contact().await;
    let child = fixture.contact(tenant, &ContactDetails { parent: Some(parent.id), ..nobody() }, NOW).await;
    delete(&fixture, tenant, parent.id).await;
    assert_eq!(get(&fixture, tenant, child.id).await, Some(child));
}

#[tokio::test]
async fn many_are_got_each_once_and_those_that_are_not_there_are_left_out() {
    let (fixture, tenant, first) = with_contact().await;
    let second = fixture.contact(tenant, &details("Bolt"), NOW).await;
    let foreign = fixture.contact(fixture.tenant().await.id, &details("Other"), NOW).await;
    let absent = ContactId::new(i64::MAX).expect("positive");
    let ids = [second.id, foreign.id, first.id, absent, second.id];
    let mut got = fixture.store.get_many(tenant, &ids).await.expect("a look");
    got.sort_unstable_by_key(|contact| contact.id);
    assert_eq!(got, [first, second]);
    assert_eq!(fixture.store.get_many(tenant, &[]).await.expect("a look"), []);
}

#[tokio::test]
async fn an_update_changes_one_contact_and_not_when_it_was_made() {
    let (fixture, tenant, contact) = with_contact().await;
    let other = fixture.contact(tenant, &details("Bolt"), NOW).await;
    let mut uow = fixture.begin().await;
    let locked = lock(&mut *uow, tenant, contact.id).await.expect("the contact");
    let changed = Contact { details: details("New"), created_at: after(5), updated_at: after(9), ..locked };
    uow.contacts().update(tenant, &changed).await.expect("stored");
    uow.commit().await.expect("a commit");
    assert_eq!(get(&fixture, tenant, contact.id).await, Some(Contact { created_at: NOW, ..changed }));
    assert_eq!(get(&fixture, tenant, other.id).await, Some(other));
}

/// Locks the contact in a task of its own, and tells what it found.
fn start_locking(fixture: &Fixture, tenant: TenantId, id: ContactId) -> JoinHandle<Option<Contact>> {
    let store = fixture.store.clone();
    tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        lock(&mut *uow, tenant, id).await
    })
}

/// Holds the contact in a task of its own, and tells whether it was there.
fn start_holding(fixture: &Fixture, tenant: TenantId, id: ContactId) -> JoinHandle<bool> {
    let store = fixture.store.clone();
    tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        uow.contacts().hold(tenant, id).await.expect("a look")
    })
}

#[tokio::test]
async fn whoever_waited_for_a_locked_contact_sees_what_became_of_it() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut uow = fixture.begin().await;
    lock(&mut *uow, tenant, contact.id).await.expect("the contact");
    let waiting = start_locking(&fixture, tenant, contact.id);
    fixture.until_waiting(1).await;
    let changed = Contact { details: details("New"), ..contact };
    uow.contacts().update(tenant, &changed).await.expect("stored");
    uow.commit().await.expect("a commit");
    assert_eq!(within("the lock", waiting).await.expect("no panic"), Some(changed.clone()));

    let mut uow = fixture.begin().await;
    lock(&mut *uow, tenant, changed.id).await.expect("the contact");
    let locking = start_locking(&fixture, tenant, changed.id);
    fixture.until_waiting(1).await;
    uow.contacts().delete(tenant, changed.id, NOW).await.expect("deleted");
    let holding = start_holding(&fixture, tenant, changed.id);
    fixture.until_waiting(2).await;
    uow.commit().await.expect("a commit");
    assert_eq!(within("the lock", locking).await.expect("no panic"), None);
    assert!(!within("the hold", holding).await.expect("no panic"), "a deleted contact cannot be held");
}

#[tokio::test]
async fn a_locked_contact_can_still_be_read() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut uow = fixture.begin().await;
    lock(&mut *uow, tenant, contact.id).await.expect("the contact");
    assert_eq!(within("a look", get(&fixture, tenant, contact.id)).await, Some(contact));
}

#[tokio::test]
async fn many_hold_a_contact_at_once_and_nobody_deletes_it_until_the_last_has_ended() {
    let (fixture, tenant, contact) = with_contact().await;
    let (mut first, mut second) = (fixture.begin().await, fixture.begin().await);
    for uow in [&mut first, &mut second] {
        assert!(within("a holder", uow.contacts().hold(tenant, contact.id)).await.expect("a look"));
    }
    let store = fixture.store.clone();
    let deleting = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        lock(&mut *uow, tenant, contact.id).await.expect("the contact");
        uow.contacts().delete(tenant, contact.id, NOW).await.expect("deleted");
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
async fn a_held_contact_can_be_changed_meanwhile() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut holder = fixture.begin().await;
    assert!(holder.contacts().hold(tenant, contact.id).await.expect("a look"));
    let mut uow = fixture.begin().await;
    within("the lock", lock(&mut *uow, tenant, contact.id)).await.expect("the contact");
    let changed = Contact { details: details("New"), ..contact };
    within("the change", uow.contacts().update(tenant, &changed)).await.expect("stored");
    uow.commit().await.expect("a commit");
    holder.commit().await.expect("a commit");
    assert_eq!(get(&fixture, tenant, changed.id).await, Some(changed));
}

#[tokio::test]
async fn a_new_child_does_not_wait_for_a_change_of_another_child() {
    let (fixture, tenant, parent) = with_contact().await;
    let child = ContactDetails { parent: Some(parent.id), ..nobody() };
    let (mut first, mut second) = (fixture.begin().await, fixture.begin().await);
    for uow in [&mut first, &mut second] {
        assert!(uow.contacts().hold(tenant, parent.id).await.expect("a look"));
        within("the other", uow.contacts().insert(tenant, &child, NOW)).await.expect("stored");
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
fn any_details() -> impl Strategy<Value = ContactDetails> {
    let kinds = prop::sample::select(ContactType::ALL);
    ((names(), names(), names()), (texts(), texts(), texts(), texts(), texts()), emails(), kinds).prop_map(
        |((first_name, last_name, company_name), (position, phone, mobile, website, notes), email, kind)| {
            let parent = None;
            ContactDetails {
                first_name,
                last_name,
                company_name,
                position,
                parent,
                email,
                phone,
                mobile,
                website,
                notes,
                kind,
            }
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
        let parent = fixture.contact(tenant, &nobody(), NOW).await.id;
        let made = ContactDetails { parent: has_parent.then_some(parent), ..made };
        let changed = ContactDetails { parent: (!has_parent).then_some(parent), ..changed };
        let contact = fixture.contact(tenant, &made, created_at).await;
        let expected = Contact { id: contact.id, details: made, created_at, updated_at: created_at };
        prop_assert_eq!(&contact, &expected);
        prop_assert_eq!(get(fixture, tenant, contact.id).await, Some(expected.clone()));
        let expected = Contact { details: changed, updated_at, ..expected };
        let mut uow = fixture.begin().await;
        lock(&mut *uow, tenant, contact.id).await.expect("the contact");
        uow.contacts().update(tenant, &expected).await.expect("stored");
        uow.commit().await.expect("a commit");
        prop_assert_eq!(get(fixture, tenant, contact.id).await, Some(expected));
        Ok(())
    });
}

fn searching(text: &str) -> ContactFilter {
    ContactFilter { search: SearchText::parse(text).expect("no NUL"), ..ContactFilter::default() }
}

/// Which of these texts find a contact with these details.
async fn finding<'a>(details: &ContactDetails, texts: &[&'a str]) -> Vec<&'a str> {
    let (fixture, tenant) = with_tenant().await;
    fixture.contact(tenant, details, NOW).await;
    let mut finding = Vec::new();
    for text in texts {
        if fixture.store.count(tenant, &searching(text)).await.expect("a count") == 1 {
            finding.push(*text);
        }
    }
    finding
}

#[tokio::test]
async fn a_search_looks_in_the_names_the_address_the_numbers_the_company_and_the_notes() {
    let details = ContactDetails {
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
    let details = ContactDetails { first_name: Some(name("Zoé")), ..nobody() };
    let found = ["zoé", "ZOÉ", "zOé", "  zoé\t"];
    assert_eq!(finding(&details, &found).await, found);
}

#[tokio::test]
async fn one_two_and_more_characters_find_what_holds_them() {
    let details = ContactDetails { last_name: Some(name("Nguyen")), ..nobody() };
    let found = ["n", "gu", "uye", "nguy", "nguyen"];
    assert_eq!(finding(&details, &found).await, found);
    assert_eq!(finding(&details, &["x", "gn", "nye", "nguyenn"]).await, [""; 0]);
}

#[tokio::test]
async fn a_full_name_is_found_but_no_text_that_runs_from_one_field_into_another() {
    let details = ContactDetails {
        first_name: Some(name("Ann")),
        last_name: Some(name("Lee")),
        company_name: Some(name("Acme")),
        phone: Some(text("12")),
        mobile: Some(text("34")),
        ..nobody()
    };
    assert_eq!(finding(&details, &["ann lee", "n l"]).await, ["ann lee", "n l"]);
    assert_eq!(finding(&details, &["annlee", "lee ann", "lee acme", "leeacme", "1234", "12 34"]).await, [""; 0]);
}

#[tokio::test]
async fn the_wildcards_of_sql_stand_for_themselves() {
    let details = ContactDetails { notes: Some(text(r"50% of a_b \ c")), ..nobody() };
    let found = ["%", "50%", "a_b", "_", r"\", r"\ c", r"_b \"];
    assert_eq!(finding(&details, &found).await, found);
    let plain = ContactDetails { notes: Some(text("500 of aXb")), ..nobody() };
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
    let within = |from: Option<i64>, to: Option<i64>| ContactFilter {
        created_from: from.map(after),
        created_to: to.map(after),
        ..ContactFilter::default()
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
fn similar_details() -> impl Strategy<Value = ContactDetails> {
    fn word() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[aBé%_ \\\\]{1,4}")
    }
    let kinds = prop::sample::select(&ContactType::ALL[..3]);
    ((word(), word(), word()), (word(), word(), word(), word(), word()), kinds).prop_map(
        |((first, last, company), (position, phone, mobile, website, notes), kind)| {
            let name = |word: Option<String>| word.map(|word| name(&word));
            let text = |word: Option<String>| word.map(|word| text(&word));
            ContactDetails {
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

fn filters() -> impl Strategy<Value = ContactFilter> {
    let kinds = prop::option::of(prop::sample::select(&ContactType::ALL[..3]));
    let texts = prop::option::of("[AbÉ%_ \\\\]{1,3}");
    let bounds = || prop::option::of((-2_i64..4).prop_map(after));
    (kinds, texts, bounds(), bounds()).prop_map(|(kind, text, created_from, created_to)| {
        let search = text.and_then(|text| SearchText::parse(&text).expect("no NUL"));
        ContactFilter { kind, search, created_from, created_to }
    })
}

/// Whether the contact fits, by the words of the filter's documentation.
fn fits(contact: &Contact, filter: &ContactFilter) -> bool {
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
        let text = text.as_str().to_lowercase();
        std::iter::once(full_name.as_str())
            .chain(others.into_iter().flatten())
            .any(|field| field.to_lowercase().contains(&text))
    };
    filter.kind.is_none_or(|kind| kind == details.kind)
        && filter.created_from.is_none_or(|from| from <= contact.created_at)
        && filter.created_to.is_none_or(|to| contact.created_at <= to)
        && filter.search.as_ref().is_none_or(found)
}

#[test]
fn list_count_and_summary_agree_on_what_fits_and_the_newest_come_first() {
    let contacts = prop::collection::vec((similar_details(), 0_i64..3), 0..12);
    check(64, &(contacts, prop::collection::vec(filters(), 1..6)), &async |fixture, (contacts, filters)| {
        let tenant = fixture.tenant().await.id;
        let mut stored = Vec::new();
        let mut uow = fixture.begin().await;
        for (details, millis) in &contacts {
            stored.push(uow.contacts().insert(tenant, details, after(*millis)).await.expect("stored"));
        }
        uow.commit().await.expect("a commit");
        stored.sort_unstable_by_key(|contact| std::cmp::Reverse((contact.created_at, contact.id)));
        for filter in &filters {
            let fitting: Vec<_> = stored.iter().filter(|contact| fits(contact, filter)).collect();
            let ids: Vec<_> = fitting.iter().map(|contact| contact.id).collect();
            prop_assert_eq!(listed(&fixture.store, tenant, filter).await, ids, "{:?}", filter);
            let count = fixture.store.count(tenant, filter).await.expect("a count");
            prop_assert_eq!(count, i64::try_from(fitting.len()).expect("few"));
            let summary = fixture.store.summary(tenant, filter).await.expect("a summary");
            prop_assert_eq!(summary.total(), count);
            for (kind, count) in summary.by_type {
                let of_kind = fitting.iter().filter(|contact| contact.details.kind == kind).count();
                prop_assert_eq!(count, i64::try_from(of_kind).expect("few"));
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
        let page = fixture
            .store
            .list(tenant, &ContactFilter::default(), page)
            .await
            .expect("a page")
            .copied()
            .expect("contacts");
        (page.items.iter().map(|contact| contact.id).collect::<Vec<_>>(), page.next)
    };
    let ids: Vec<_> = made.iter().map(|contact| contact.id).collect();
    assert_eq!(behind(made[3].position()).await, (vec![ids[2], ids[1]], Some(made[1].position())));
    assert_eq!(behind(made[1].position()).await, (vec![ids[0]], None));
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
        let page = fixture.store.list(tenant, &ContactFilter::default(), PageRequest { limit, after: None }).await;
        let page = page.expect("a page").copied().expect("contacts");
        assert_eq!(page.items.len(), limit.get());
        assert_eq!(page.next, page.items.last().map(Contact::position));
    }
}

#[tokio::test]
async fn a_row_that_makes_no_contact_is_named() {
    let (fixture, tenant, contact) = with_contact().await;
    fixture.run("UPDATE contacts SET first_name = ''").await;
    let refused = fixture.store.get(tenant, contact.id).await;
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
    let store = &fixture.store;
    let (_, read, refused) =
        tokio::join!(store.get(tenant, good.id), store.get(tenant, good.id), store.get(tenant, bad.id));
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
