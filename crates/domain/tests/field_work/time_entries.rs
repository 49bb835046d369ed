//! The rules of time entries, of what work costs, and of sums over both.

use std::collections::BTreeMap;

use crate::office::{Office, key, key_of_a_user, person, refused, shown, tenant};
use bwp_domain::{
    accounts::PersonName,
    clock::Day,
    ids::{AccountId, ProjectId},
    labor_rates::SetRate,
    project_phases::ProjectPhase,
    project_tasks::ProjectTask,
    projects::Project,
    resource::{
        Condition, Filter, Money, Resource, ResourceError, Value,
        ports::{RowReader, Sum},
    },
    testing::user,
    time_entries::{Summary, TimeEntry, summary},
    users::{Role, ports::MockUserReader},
};
use futures_executor::block_on;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn entry(project: i64, more: &Json) -> Json {
    let mut body = json!({ "userId": 1, "projectId": project, "date": "2026-05-04", "hours": 8 });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

fn made(office: &Office, project: i64, more: &Json) -> Json {
    office.create::<TimeEntry>(&key(), &entry(project, more)).expect("made")
}

fn id(row: &Json) -> i64 {
    row["id"].as_i64().expect("an id")
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn set_rate(office: &Office, user: Option<i64>, project: Option<i64>, from: &str, cents: i64) {
    let command = SetRate {
        user: user.and_then(AccountId::new),
        project: project.and_then(ProjectId::new),
        from: day(from),
        hourly_rate: Money::of_cents(cents).expect("an amount"),
    };
    office.apply(&person(Role::CompanyAdmin), &command).expect("set");
}

fn cost(row: &Json) -> (&Json, &Json) {
    (&row["hourlyRate"], &row["totalCost"])
}

#[test]
fn what_is_required_is_what_the_contract_says() {
    refused(
        Office::new().create::<TimeEntry>(&key(), &json!({})),
        &[("projectId", "required"), ("userId", "required"), ("date", "required"), ("hours", "required")],
    );
}

#[test]
fn a_day_that_is_null_is_today_or_no_change() {
    let office = Office::new();
    let project = office.project("Garage");
    let row = made(&office, project, &json!({ "date": null }));
    assert_eq!(row["date"], "2026-01-01T00:00:00.000Z");
    let change = |body: Json| office.change::<TimeEntry>(&key(), id(&row), &body).expect("changed");
    assert_eq!(change(json!({ "date": "2026-05-04T23:00:00-09:00" }))["date"], "2026-05-04T00:00:00.000Z");
    assert_eq!(change(json!({ "date": null, "hours": 2 }))["date"], "2026-05-04T00:00:00.000Z");
}

#[test]
fn notes_and_description_are_one_text() {
    let office = Office::new();
    let project = office.project("Garage");
    let both = |row: &Json| (row["notes"].clone(), row["description"].clone());
    let twice = |text: &str| (json!(text), json!(text));
    for sent in [json!({ "notes": "a" }), json!({ "description": "a" }), json!({ "notes": "a", "description": "a" })] {
        assert_eq!(both(&made(&office, project, &sent)), twice("a"), "{sent}");
    }
    let different = json!({ "notes": "a", "description": "b" });
    refused(office.create::<TimeEntry>(&key(), &entry(project, &different)), &[("notes", "invalid_value")]);

    let row = made(&office, project, &json!({ "notes": "a" }));
    let change = |body: &Json| office.change::<TimeEntry>(&key(), id(&row), body);
    // Of what was read, either may be edited.
    for (edited, other) in [("notes", "description"), ("description", "notes")] {
        let mut sent = row.clone();
        sent[edited] = json!("b");
        assert_eq!(both(&change(&sent).expect("changed")), twice("b"), "{edited}");
        sent[other] = json!("b");
        assert_eq!(both(&change(&sent).expect("no change")), twice("b"));
        assert_eq!(both(&change(&json!({ "notes": "a" })).expect("changed")), twice("a"));
    }
    refused(change(&json!({ "notes": "b", "description": "c" })), &[("notes", "invalid_value")]);
    refused(change(&json!({ "notes": "b", "description": null })), &[("notes", "invalid_value")]);
    assert_eq!(
        both(&change(&json!({ "notes": null, "description": "a" })).expect("emptied")),
        (json!(null), json!(null))
    );
    let long = "x".repeat(10_001);
    refused(
        change(&json!({ "notes": long, "description": 5 })),
        &[("description", "invalid_type"), ("notes", "too_long")],
    );
}

#[test]
fn hours_are_what_is_sent_to_the_hundredth() {
    let office = Office::new();
    let project = office.project("Garage");
    for (sent, kept) in
        [(json!(7.83), "7.83"), (json!(8), "8.00"), (json!(0.25), "0.25"), (json!(7.835), "7.84"), (json!(24), "24.00")]
    {
        assert_eq!(made(&office, project, &json!({ "hours": sent }))["hours"], kept, "{sent}");
    }
    for (sent, code) in [
        (json!(0.24), "too_small"),
        (json!(24.01), "too_large"),
        (json!(-1), "too_small"),
        (json!(null), "not_nullable"),
    ] {
        refused(office.create::<TimeEntry>(&key(), &entry(project, &json!({ "hours": sent }))), &[("hours", code)]);
    }
}

#[test]
fn a_clock_runs_forward() {
    let office = Office::new();
    let project = office.project("Garage");
    // Over midnight, it is of the day on which it began.
    let shift = json!({ "clockIn": "2026-05-04T22:00:00Z", "clockOut": "2026-05-05T06:00:00Z" });
    let row = made(&office, project, &shift);
    assert_eq!((&row["date"], &row["entryType"]), (&json!("2026-05-04T00:00:00.000Z"), &json!("manual")));
    let back = json!({ "clockOut": "2026-05-04T21:59:59Z" });
    refused(office.change::<TimeEntry>(&key(), id(&row), &back), &[("clockOut", "invalid_value")]);
}

#[test]
fn the_one_who_writes_it_down_is_noted_and_not_said() {
    let office = Office::new();
    let project = office.project("Garage");
    for (principal, expected) in [
        (key(), json!(null)),
        (key_of_a_user(), json!(4)),
        // Field crew log for others.
        (person(Role::FieldCrew), json!(3)),
    ] {
        let body = entry(project, &json!({ "createdBy": 5, "hourlyRate": "1.00", "totalCost": 9 }));
        let row = office.create::<TimeEntry>(&principal, &body).expect("made");
        assert_eq!(row["createdBy"], expected);
        assert_eq!(cost(&row), (&json!(null), &json!(null)));
    }
}

#[test]
fn a_reviewed_entry_is_locked_until_it_is_opened() {
    let office = Office::new();
    let project = office.project("Garage");
    let row =
        office.create::<TimeEntry>(&key_of_a_user(), &entry(project, &json!({ "isReviewed": true }))).expect("made");
    assert_eq!((&row["reviewedBy"], &row["reviewedAt"]), (&json!(4), &json!("2026-01-01T00:00:00.000Z")));
    let change = |body: &Json| office.change::<TimeEntry>(&key_of_a_user(), id(&row), body);
    for body in [
        json!({ "hours": 7 }),
        json!({ "notes": "x" }),
        json!({ "reviewedBy": 2 }),
        json!({ "isReviewed": false, "hours": 7 }),
        json!({ "isReviewed": false, "notes": "x" }),
    ] {
        assert!(matches!(change(&body), Err(ResourceError::Conflict(_))), "{body}");
    }
    // What changes nothing is no change.
    assert_eq!(change(&row).expect("no change"), row);
    assert_eq!(change(&json!({ "hours": 8.0, "isReviewed": true })).expect("no change"), row);
    // A person needs the permission to open it.
    let opened = |role| office.change::<TimeEntry>(&person(role), id(&row), &json!({ "isReviewed": false }));
    for role in [Role::Member, Role::FieldCrew] {
        assert!(matches!(opened(role), Err(ResourceError::Forbidden(_))), "{role}");
    }
    let open = opened(Role::Manager).expect("opened");
    assert_eq!(
        (&open["reviewedBy"], &open["reviewedAt"], &open["hours"]),
        (&json!(null), &json!(null), &json!("8.00"))
    );
    assert_eq!(change(&json!({ "hours": 7 })).expect("changed")["hours"], "7.00");
    assert_eq!(change(&json!({ "isReviewed": true })).expect("reviewed")["reviewedBy"], 4);
    // Sent back but for the mark.
    let mut sent = shown::<TimeEntry>(
        &block_on(office.rows.get(tenant(), TimeEntry::SHAPE, id(&row))).expect("read").expect("it"),
    );
    sent["isReviewed"] = json!(false);
    assert_eq!(change(&sent).expect("opened")["reviewedBy"], json!(null));
    // Deleting is allowed, reviewed or not.
    change(&json!({ "isReviewed": true })).expect("reviewed");
    assert!(office.delete::<TimeEntry>(id(&row)).is_ok());
}

#[test]
fn a_task_and_a_phase_are_of_the_project() {
    let office = Office::new();
    let [garage, shed] = ["Garage", "Shed"].map(|name| office.project(name));
    let phase = |project: i64| {
        office.insert::<ProjectPhase>(&[("projectId", Value::Integer(project)), ("name", Value::Text("Dig".into()))])
    };
    let task = |project: i64, phase: Option<i64>| {
        let phase = phase.map_or(Value::Null, Value::Integer);
        office.insert::<ProjectTask>(&[
            ("projectId", Value::Integer(project)),
            ("phaseId", phase),
            ("name", Value::Text("Hole".into())),
        ])
    };
    let (dig, other, foreign) = (phase(garage), phase(garage), phase(shed));
    let (hole, loose, elsewhere) = (task(garage, Some(dig)), task(garage, None), task(shed, Some(foreign)));
    let plan = |row: &Json| (row["taskId"].clone(), row["phaseId"].clone());
    // A task brings its phase, unless one is sent.
    assert_eq!(plan(&made(&office, garage, &json!({ "taskId": hole }))), (json!(hole), json!(dig)));
    assert_eq!(plan(&made(&office, garage, &json!({ "taskId": loose }))), (json!(loose), json!(null)));
    let both = made(&office, garage, &json!({ "taskId": hole, "phaseId": other }));
    assert_eq!(plan(&both), (json!(hole), json!(other)));
    for (body, expected) in [
        (json!({ "taskId": elsewhere }), &[("taskId", "not_found")][..]),
        (json!({ "phaseId": foreign }), &[("phaseId", "not_found")]),
        (json!({ "taskId": elsewhere, "phaseId": foreign }), &[("taskId", "not_found"), ("phaseId", "not_found")]),
        (json!({ "taskId": 999, "phaseId": 999 }), &[("taskId", "not_found"), ("phaseId", "not_found")]),
    ] {
        refused(office.create::<TimeEntry>(&key(), &entry(garage, &body)), expected);
    }
    let change = |body: &Json| office.change::<TimeEntry>(&key(), id(&both), body);
    // Moved to another project, it leaves them behind, unless they are sent.
    refused(change(&json!({ "projectId": shed, "taskId": hole })), &[("taskId", "not_found")]);
    assert_eq!(plan(&change(&json!({ "projectId": shed })).expect("moved")), (json!(null), json!(null)));
    let back = json!({ "projectId": garage, "taskId": hole });
    assert_eq!(plan(&change(&back).expect("moved")), (json!(hole), json!(dig)));
    // What it named before may be deleted.
    office.delete::<ProjectTask>(hole).expect("deleted");
    office.delete::<ProjectPhase>(dig).expect("deleted");
    let again = json!({ "taskId": hole, "phaseId": dig, "hours": 1 });
    assert_eq!(plan(&change(&again).expect("changed")), (json!(hole), json!(dig)));
    refused(office.create::<TimeEntry>(&key(), &entry(garage, &json!({ "taskId": hole }))), &[("taskId", "not_found")]);
}

#[test]
fn work_costs_by_the_rate_in_force_on_its_day() {
    let office = Office::new();
    let [garage, shed] = ["Garage", "Shed"].map(|name| office.project(name));
    let of = |user: i64, project: i64, date: &str| {
        let row = made(&office, project, &json!({ "userId": user, "date": date, "hours": 1 }));
        row["hourlyRate"].as_str().map(str::to_owned)
    };
    assert_eq!(of(1, garage, "2026-05-04"), None);
    set_rate(&office, None, None, "2026-01-01", 2_000);
    set_rate(&office, Some(1), None, "2026-02-01", 3_000);
    set_rate(&office, Some(1), None, "2026-03-01", 3_500);
    set_rate(&office, Some(1), Some(garage), "2026-04-01", 5_000);
    for (user, project, date, rate) in [
        (1, garage, "2025-12-31", None),
        (1, garage, "2026-01-01", Some("20.00")),
        (1, garage, "2026-02-28", Some("30.00")),
        (1, garage, "2026-03-01", Some("35.00")),
        (1, garage, "2026-03-31", Some("35.00")),
        (1, garage, "2026-04-01", Some("50.00")),
        (1, shed, "2026-04-01", Some("35.00")),
        (2, garage, "2026-04-01", Some("20.00")),
        (2, garage, "2025-06-01", None),
    ] {
        assert_eq!(of(user, project, date).as_deref(), rate, "{user} on {project} at {date}");
    }
    // Set again for the same day, it is another one; what was logged keeps its cost.
    let row = made(&office, garage, &json!({ "hours": 7.83 }));
    assert_eq!(cost(&row), (&json!("50.00"), &json!("391.50")));
    set_rate(&office, Some(1), Some(garage), "2026-04-01", 5_555);
    let change = |body: Json| office.change::<TimeEntry>(&key(), id(&row), &body).expect("changed");
    assert_eq!(cost(&change(json!({ "notes": "x" }))), (&json!("50.00"), &json!("391.50")));
    assert_eq!(cost(&change(json!({ "hours": 1 }))), (&json!("50.00"), &json!("50.00")));
    // Another user, project or day makes it other work.
    assert_eq!(cost(&change(json!({ "date": "2026-05-05" }))).0, "55.55");
    assert_eq!(cost(&change(json!({ "projectId": shed }))).0, "35.00");
    assert_eq!(cost(&change(json!({ "userId": 2 }))).0, "20.00");
    assert_eq!(cost(&change(json!({ "date": "2025-05-05" }))), (&json!(null), &json!(null)));
    // Half a cent is rounded away from zero.
    set_rate(&office, Some(2), None, "2026-01-01", 3_350);
    assert_eq!(made(&office, garage, &json!({ "userId": 2, "hours": 0.37 }))["totalCost"], "12.40");
}

#[test]
fn a_rate_of_a_project_is_a_users() {
    let office = Office::new();
    let project = ProjectId::new(office.project("Garage"));
    let command = SetRate { user: None, project, from: day("2026-01-01"), hourly_rate: Money::ZERO };
    assert!(matches!(office.apply(&key(), &command), Err(ResourceError::Conflict(_))));
}

/// A day in 2026.
fn nth_day(n: u8) -> String {
    format!("2026-{:02}-{:02}", 1 + n / 5, 1 + n % 5)
}

#[derive(Clone, Debug)]
enum Step {
    Log { user: i64, project: usize, day: u8, hours: i64 },
    Move { at: usize, user: i64, project: usize, day: u8 },
    Hours { at: usize, hours: i64 },
    Delete { at: usize },
    Restore { at: usize },
    Rate { user: Option<i64>, project: Option<usize>, day: u8, cents: i64 },
    DropProject(usize),
}

fn steps() -> impl Strategy<Value = Step> {
    let (user, project, day, hours) = (1_i64..4, 0_usize..3, 0_u8..10, 25_i64..=2_400);
    prop_oneof![
        4 => (user.clone(), project.clone(), day.clone(), hours.clone())
            .prop_map(|(user, project, day, hours)| Step::Log { user, project, day, hours }),
        2 => (0_usize..8, user.clone(), project.clone(), day.clone())
            .prop_map(|(at, user, project, day)| Step::Move { at, user, project, day }),
        2 => (0_usize..8, hours).prop_map(|(at, hours)| Step::Hours { at, hours }),
        1 => (0_usize..8).prop_map(|at| Step::Delete { at }),
        1 => (0_usize..8).prop_map(|at| Step::Restore { at }),
        3 => (prop::option::of(user), prop::option::of(project.clone()), day, 0_i64..1_000_000)
            .prop_map(|(user, project, day, cents)| Step::Rate { user, project, day, cents }),
        1 => project.prop_map(Step::DropProject),
    ]
}

/// An entry, kept without any of the server's code: hundredths of hours, and cents.
#[derive(Clone, Copy, Debug)]
struct Kept {
    user: i64,
    project: i64,
    day: u8,
    hours: i64,
    rate: Option<i64>,
    deleted: bool,
}

impl Kept {
    fn cost(self) -> i64 {
        self.rate.map_or(0, |rate| (self.hours * rate + 50) / 100)
    }
}

#[derive(Default)]
struct Books {
    entries: BTreeMap<i64, Kept>,
    /// By user and project, and by the first day: cents.
    rates: BTreeMap<(Option<i64>, Option<i64>), BTreeMap<u8, i64>>,
}

impl Books {
    fn rate(&self, user: i64, project: i64, day: u8) -> Option<i64> {
        let cuts = [(Some(user), Some(project)), (Some(user), None), (None, None)];
        cuts.iter().find_map(|cut| self.rates.get(cut)?.range(..=day).next_back().map(|(_, cents)| *cents))
    }
}

fn hundredths(number: i64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

fn summed_up(office: &Office, filter: &Filter) -> Summary {
    let mut users = MockUserReader::new();
    users.expect_get_many().returning(|_, accounts| {
        Ok(accounts.iter().map(|account| user(tenant(), account.get(), Role::FieldCrew)).collect())
    });
    block_on(summary(&office.rows, &users, tenant(), filter)).expect("summed up")
}

fn line(sum: &Sum) -> (i64, String, String) {
    (sum.count, sum.sums[0].to_string(), sum.sums[1].to_string())
}

fn expected<'k>(kept: impl Iterator<Item = &'k Kept>) -> (i64, String, String) {
    let (mut count, mut hours, mut cost) = (0, 0, 0);
    for entry in kept {
        (count, hours, cost) = (count + 1, hours + entry.hours, cost + entry.cost());
    }
    (count, hundredths(hours), hundredths(cost))
}

/// The summary of what fits is the sum of the entries that fit, in all, of each user and for each project.
fn check(office: &Office, books: &Books, filter: &Filter, fits: impl Fn(&Kept) -> bool) -> Result<(), TestCaseError> {
    let summary = summed_up(office, filter);
    let live = || books.entries.values().filter(|entry| !entry.deleted && fits(entry));
    prop_assert_eq!(line(&summary.totals), expected(live()));
    for (of, lines) in [
        (
            (|entry: &Kept| entry.user) as fn(&Kept) -> i64,
            summary.by_user.iter().map(|(sum, _)| sum).collect::<Vec<_>>(),
        ),
        (|entry: &Kept| entry.project, summary.by_project.iter().map(|(sum, _)| sum).collect()),
    ] {
        let mut groups: Vec<i64> = live().map(of).collect();
        groups.sort_unstable();
        groups.dedup();
        prop_assert_eq!(lines.len(), groups.len());
        for sum in &lines {
            let Value::Integer(group) = sum.groups[0] else { panic!("an id") };
            prop_assert_eq!(line(sum), expected(live().filter(|entry| of(entry) == group)), "{}", group);
        }
        // The most hours first, and then by id.
        prop_assert!(lines.is_sorted_by_key(|sum| (std::cmp::Reverse(sum.sums[0]), sum.groups[0].clone())));
    }
    prop_assert!(
        summary.by_project.iter().all(|(sum, project)| {
            project.as_ref().is_some_and(|project| Value::Integer(project.id) == sum.groups[0])
        }),
        "deleted projects have their names too"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is logged, changed, moved, deleted and restored, while rates change and projects go: each entry costs what the rate in
    /// force was when it was logged, to the cent, and each summary is the sum of its entries.
    #[test]
    fn payroll_adds_up(steps in prop::collection::vec(steps(), 1..40)) {
        let office = Office::new();
        let projects = ["Garage", "Shed", "Pool"].map(|name| office.project(name));
        let mut gone = [false; 3];
        let mut books = Books::default();
        for step in steps {
            let nth = |at: usize| books.entries.keys().nth(at).copied();
            match step {
                Step::Log { user, project, day, hours } => {
                    let hours_sent: Json = serde_json::from_str(&hundredths(hours)).expect("a number");
                    let body = json!({ "userId": user, "projectId": projects[project], "date": nth_day(day), "hours": hours_sent });
                    let outcome = office.create::<TimeEntry>(&key(), &body);
                    prop_assert_eq!(outcome.is_err(), gone[project]);
                    if let Ok(row) = outcome {
                        let (project, deleted) = (projects[project], false);
                        let rate = books.rate(user, project, day);
                        books.entries.insert(id(&row), Kept { user, project, day, hours, rate, deleted });
                    }
                }
                Step::Move { at, user, project, day } => {
                    let Some(at) = nth(at).filter(|at| !books.entries[at].deleted) else { continue };
                    let before = books.entries[&at];
                    let body = json!({ "userId": user, "projectId": projects[project], "date": nth_day(day) });
                    let moved = before.project != projects[project];
                    let outcome = office.change::<TimeEntry>(&key(), at, &body);
                    prop_assert_eq!(outcome.is_err(), moved && gone[project]);
                    if outcome.is_ok() && (before.user, before.project, before.day) != (user, projects[project], day) {
                        let project = projects[project];
                        let rate = books.rate(user, project, day);
                        books.entries.insert(at, Kept { user, project, day, rate, ..before });
                    }
                }
                Step::Hours { at, hours } => {
                    let Some(at) = nth(at).filter(|at| !books.entries[at].deleted) else { continue };
                    office.change::<TimeEntry>(&key(), at, &json!({ "hours": hundredths(hours) })).expect("changed");
                    books.entries.entry(at).and_modify(|kept| kept.hours = hours);
                }
                Step::Delete { at } => {
                    let Some(at) = nth(at).filter(|at| !books.entries[at].deleted) else { continue };
                    office.delete::<TimeEntry>(at).expect("deleted");
                    books.entries.entry(at).and_modify(|kept| kept.deleted = true);
                }
                Step::Restore { at } => {
                    let Some(at) = nth(at).filter(|at| books.entries[at].deleted) else { continue };
                    office.restore::<TimeEntry>(at).expect("restored");
                    books.entries.entry(at).and_modify(|kept| kept.deleted = false);
                }
                Step::Rate { user, project, day, cents } => {
                    let project = project.filter(|project| user.is_some() && !gone[*project]).map(|project| projects[project]);
                    set_rate(&office, user, project, &nth_day(day), cents);
                    books.rates.entry((user, project)).or_default().insert(day, cents);
                }
                Step::DropProject(project) => {
                    if !std::mem::replace(&mut gone[project], true) {
                        office.delete::<Project>(projects[project]).expect("deleted");
                    }
                }
            }
        }
        for (at, kept) in books.entries.iter().filter(|(_, kept)| !kept.deleted) {
            let row = block_on(office.rows.get(tenant(), TimeEntry::SHAPE, *at)).expect("read").expect("it is there");
            let row = shown::<TimeEntry>(&row);
            prop_assert_eq!(&row["hours"], &json!(hundredths(kept.hours)));
            prop_assert_eq!(&row["hourlyRate"], &json!(kept.rate.map(hundredths)));
            prop_assert_eq!(&row["totalCost"], &json!(kept.rate.map(|_| hundredths(kept.cost()))));
        }
        let shape = TimeEntry::SHAPE;
        check(&office, &books, &Filter::all(), |_| true)?;
        for user in 1..4 {
            check(&office, &books, &Filter::is(shape, "userId", Value::Integer(user)), |kept| kept.user == user)?;
        }
        for project in projects {
            check(&office, &books, &Filter::is(shape, "projectId", Value::Integer(project)), |kept| kept.project == project)?;
        }
        let (date, _) = shape.field("date").expect("a field");
        for (from, to) in [(0, 4), (3, 7), (5, 5), (9, 9)] {
            let mut days = Filter::all();
            days.add(Condition::AtLeast(date, Value::Day(day(&nth_day(from)))));
            days.add(Condition::AtMost(date, Value::Day(day(&nth_day(to)))));
            check(&office, &books, &days, |kept| (from..=to).contains(&kept.day))?;
        }
    }

    /// A work day is the day that is written, whatever the time and the offset behind it.
    #[test]
    fn a_work_day_never_moves(
        (year, month, date) in (1970_i32..2100, 1_u32..=12, 1_u32..=28),
        (hour, minute, second) in (0_u32..24, 0_u32..60, 0_u32..60),
        offset in prop_oneof![Just("Z".to_owned()), Just(String::new()), (-14_i32..=14, 0_u32..60).prop_map(|(hours, minutes)| {
            format!("{}{:02}:{minutes:02}", if hours < 0 { '-' } else { '+' }, hours.abs())
        })],
    ) {
        let written = format!("{year:04}-{month:02}-{date:02}");
        let (_, field) = TimeEntry::SHAPE.field("date").expect("a field");
        let expected = Value::Day(day(&written));
        for text in [written.clone(), format!("{written}T{hour:02}:{minute:02}:{second:02}{offset}")] {
            prop_assert_eq!(field.read(&json!(text)).expect("a day"), expected.clone());
        }
        prop_assert_eq!(json!(expected), format!("{written}T00:00:00.000Z"));
    }

    /// JSON numbers of hours keep the digits that were written: none is lost to a float.
    #[test]
    fn hours_keep_their_digits(hours in 25_i64..=2_400) {
        let written = hundredths(hours);
        let number: Json = serde_json::from_str(&written).expect("a number");
        let (_, field) = TimeEntry::SHAPE.field("hours").expect("a field");
        prop_assert_eq!(json!(field.read(&number).expect("hours")), written);
    }
}

#[test]
fn a_summary_names_people_and_projects() {
    let office = Office::new();
    let project = office.project("Garage");
    made(&office, project, &json!({}));
    office.delete::<Project>(project).expect("deleted");
    let summary = summed_up(&office, &Filter::all());
    assert_eq!(summary.by_user[0].1.as_ref().map(|user| &user.account.name), Some(&PersonName::default()));
    assert_eq!(
        summary.by_project[0].1.as_ref().map(|project| project.details.name.to_string()),
        Some("Garage".to_owned())
    );
}
