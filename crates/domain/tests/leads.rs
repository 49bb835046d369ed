//! The rules of leads and of the stages that they go through.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    clock::Timestamp,
    events::Event,
    execute::{Applied, Command, Context, Failure},
    lead_stages::LeadStage,
    leads::{Convert, Lead, SUMMARY},
    principal::Principal,
    projects::Project,
    rate_limits::RateLimit,
    resource::{
        Create, Delete, Draft, Filter, Record, Resource, ResourceError, Restore, Shape, Update, Value, family,
        ports::{MockRowReader, Sum},
        summary::{Asked, Line},
    },
    store::UnitOfWork,
    tenants::{NewTenant, Tenant, TenantName, TenantStatus, TimeZone, make_tenant},
    testing::{ScriptedUnitOfWork, environment, tenant_id},
    text::Text,
};
use futures_executor::block_on;
use mockall::Sequence;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

const BEFORE: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

fn apply<C>(mut uow: ScriptedUnitOfWork, command: &C) -> Result<(Record, Vec<Event>), ResourceError>
where
    C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
{
    let (environment, principal) = (environment(), Principal::Operator(tenant_id(1)));
    match block_on(command.apply(&Context::new(&principal, &environment), &mut uow)) {
        Ok(Applied { output, events, .. }) => Ok((output, events)),
        Err(Failure::Rejected(error)) => Err(error),
        Err(Failure::Store(error)) => panic!("{error}"),
    }
}

/// What a body of these fields sets.
fn draft<R: Resource>(body: &Json) -> Draft {
    let mut draft = Draft::default();
    for (name, sent) in body.as_object().expect("an object") {
        let (at, field) = R::SHAPE.field(name).expect("a field");
        draft.set(at, field.read(sent).expect("a good value"));
    }
    draft
}

/// A row that was made from a body of these fields.
fn stored<R: Resource>(id: i64, body: &Json) -> Record {
    let value = |(name, default): (&str, &Value<'static>)| match &body[name] {
        Json::Null => default.clone(),
        sent => R::SHAPE.field(name).expect("a field").1.read(sent).expect("a good value"),
    };
    let values = R::SHAPE.fields.iter().map(|field| value((field.name, &field.default))).collect();
    Record { id, created_at: BEFORE, updated_at: BEFORE, values }
}

fn shown(shape: &'static Shape, record: &Record) -> Json {
    bwp_domain::resource::snapshot(shape, record).into()
}

fn lead(more: &Json) -> Record {
    let mut body = json!({ "name": "Garage", "stageId": 4 });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    stored::<Lead>(9, &body)
}

fn stage(id: i64, more: &Json) -> Record {
    let mut body = json!({ "name": format!("Stage {id}"), "order": id });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    stored::<LeadStage>(id, &body)
}

/// A board of three stages: the default, one where leads are won, and a plain one.
fn board() -> Vec<Record> {
    vec![stage(1, &json!({ "isDefault": true })), stage(2, &json!({ "isWon": true })), stage(3, &json!({}))]
}

/// A unit of work that has the turn to change the stages of a board.
fn on_board(board: Vec<Record>) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    let mut order = Sequence::new();
    uow.rows.expect_take_turn().once().in_sequence(&mut order).returning(|_, _| Ok(()));
    let row = board.clone();
    uow.rows
        .expect_lock()
        .in_sequence(&mut order)
        .returning(move |_, _, id| Ok(row.iter().find(|record| record.id == id).cloned()));
    uow.rows.expect_lock_all().returning(move |_, _| Ok(board.clone()));
    uow
}

fn change_stage(uow: ScriptedUnitOfWork, id: i64, body: &Json) -> Result<Json, ResourceError> {
    let command = Update { family: family::<LeadStage>(), id, draft: draft::<LeadStage>(body) };
    apply(uow, &command).map(|(record, events)| {
        assert!(events.is_empty(), "nobody is told of stages");
        shown(LeadStage::SHAPE, &record)
    })
}

fn refused(result: Result<Json, ResourceError>) -> Vec<(String, &'static str)> {
    match result {
        Err(ResourceError::Invalid(errors)) => {
            errors.iter().map(|error| (error.field.clone(), error.fault.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_tenant_begins_with_seven_stages() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.tenants.expect_insert().return_once(|NewTenant { public_id, name, rate_limit, created_at }| {
        Ok(Tenant {
            id: tenant_id(4),
            public_id,
            name,
            status: TenantStatus::Active,
            rate_limit,
            time_zone: TimeZone::UTC,
            created_at,
        })
    });
    let (made, stages) = std::sync::mpsc::channel();
    uow.rows.expect_insert().returning(move |tenant, shape, values, now| {
        assert_eq!((tenant, shape.table), (tenant_id(4), "lead_stages"));
        let record = Record { id: 1, created_at: now, updated_at: now, values: values.to_vec() };
        made.send(shown(shape, &record)).expect("somebody listens");
        Ok(1)
    });
    let new = NewTenant::new(TenantName::parse("New".to_owned()).expect("a name"), &environment());
    assert_eq!(new.rate_limit, RateLimit::OF_TENANT);
    block_on(make_tenant(&mut uow, new)).expect("made");
    let stages: Vec<_> = stages.try_iter().collect();
    let flagged = |flag: &str| -> Vec<&str> {
        stages.iter().filter(|stage| stage[flag] == true).filter_map(|stage| stage["name"].as_str()).collect()
    };
    let names: Vec<_> = stages.iter().filter_map(|stage| stage["name"].as_str()).collect();
    assert_eq!(names, ["New Lead", "Contacted", "Site Visit Scheduled", "Bid Sent", "Negotiation", "Won", "Lost"]);
    assert_eq!(
        (flagged("isDefault"), flagged("isWon"), flagged("isLost")),
        (vec!["New Lead"], vec!["Won"], vec!["Lost"])
    );
    assert!(stages.iter().zip(1..).all(|(stage, place)| stage["order"] == place), "{stages:?}");
}

#[test]
fn a_lead_of_an_empty_source_has_none() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.rows.expect_pin().withf(|_, to, id| (to.table, *id) == ("lead_stages", 4)).once().returning(|_, _, _| Ok(true));
    uow.rows.expect_insert().return_once(|_, _, _, _| Ok(9));
    let body = json!({ "name": "Garage", "stageId": 4, "source": "" });
    let command = Create { family: family::<Lead>(), draft: draft::<Lead>(&body) };
    let (record, events) = apply(uow, &command).expect("made");
    assert_eq!(shown(Lead::SHAPE, &record)["source"], Json::Null);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.kind, &event.data["source"]), ("lead.created", &Json::Null));
}

#[test]
fn what_comes_to_no_change_is_told_to_nobody() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.rows.expect_lock().return_once(|_, _, _| Ok(Some(lead(&json!({})))));
    let command = Update { family: family::<Lead>(), id: 9, draft: draft::<Lead>(&json!({ "source": "" })) };
    let (record, events) = apply(uow, &command).expect("done");
    assert_eq!((record, events), (lead(&json!({})), Vec::new()));
}

#[test]
fn a_lead_moves_to_any_stage_that_is_there_and_nothing_else_of_it_changes() {
    let before = lead(&json!({ "probability": 60, "estimatedValue": "10" }));
    for there in [true, false] {
        let mut uow = ScriptedUnitOfWork::default();
        let locked = before.clone();
        uow.rows.expect_lock().return_once(|_, _, _| Ok(Some(locked)));
        uow.rows.expect_pin().withf(|_, _, id| *id == 5).once().returning(move |_, _, _| Ok(there));
        uow.rows.expect_update().times(usize::from(there)).returning(|_, _, _| Ok(()));
        let command = Update { family: family::<Lead>(), id: 9, draft: draft::<Lead>(&json!({ "stageId": 5 })) };
        let done = apply(uow, &command);
        if there {
            let previous = done.expect("moved").1[0].previous_attributes.clone().expect("what it was");
            assert_eq!(previous["stageId"], 4);
            let names: Vec<_> = previous.as_object().expect("an object").keys().collect();
            assert_eq!(names, ["stageId", "updatedAt"]);
        } else {
            assert_eq!(refused(done.map(|_| json!({}))), [("stageId".to_owned(), "not_found")]);
        }
    }
}

fn restore(stage_is_there: bool, board: Vec<Record>) -> Result<(Record, Vec<Event>), ResourceError> {
    let mut uow = ScriptedUnitOfWork::default();
    uow.rows.expect_lock_deleted().return_once(|_, _, _| Ok(Some(lead(&json!({})))));
    uow.rows
        .expect_pin()
        .withf(|_, to, id| (to.table, *id) == ("lead_stages", 4))
        .returning(move |_, _, _| Ok(stage_is_there));
    uow.rows.expect_take_turn().returning(|_, _| Ok(()));
    uow.rows.expect_lock_all().returning(move |_, _| Ok(board.clone()));
    uow.rows.expect_restore().returning(|_, _, _, _| Ok(()));
    uow.rows.expect_update().returning(|_, _, _| Ok(()));
    apply(uow, &Restore { family: family::<Lead>(), id: 9 })
}

#[test]
fn a_restored_lead_comes_back_to_its_stage_or_to_the_default_one() {
    for (stage_is_there, stage) in [(true, 4), (false, 1)] {
        let (record, events) = restore(stage_is_there, board()).expect("restored");
        assert_eq!(shown(Lead::SHAPE, &record)["stageId"], stage);
        let [event] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(event.kind, "lead.updated");
        let previous = event.previous_attributes.as_ref().expect("what it was");
        assert_eq!((&previous["deletedAt"], &previous["updatedAt"]), (&json!(BEFORE), &json!(BEFORE)));
        assert_eq!(previous.get("stageId"), (!stage_is_there).then_some(&json!(4)));
    }
    assert!(matches!(restore(false, Vec::new()), Err(ResourceError::Conflict(_))));
}

#[test]
fn a_stage_goes_behind_all_others_unless_it_is_told_where() {
    let all = |n: i64| vec![stage(1, &json!({ "isDefault": true, "order": n }))];
    for (board, body, order) in [
        (all(7), json!({ "name": "Next" }), 8),
        (all(7), json!({ "name": "Next", "order": -3 }), -3),
        (all(2_147_483_647), json!({ "name": "Next" }), 2_147_483_647),
        (Vec::new(), json!({ "name": "First" }), 1),
    ] {
        let first = board.is_empty();
        let mut uow = on_board(board);
        uow.rows.expect_insert().return_once(|_, _, _, _| Ok(5));
        let command = Create { family: family::<LeadStage>(), draft: draft::<LeadStage>(&body) };
        let made = shown(LeadStage::SHAPE, &apply(uow, &command).expect("made").0);
        assert_eq!((&made["order"], &made["isDefault"]), (&json!(order), &json!(first)), "{body}");
    }
}

#[test]
fn a_tenant_has_at_most_500_stages() {
    let uow = on_board((1..=500).map(|id| stage(id, &json!({}))).collect());
    let command = Create { family: family::<LeadStage>(), draft: draft::<LeadStage>(&json!({ "name": "More" })) };
    assert!(matches!(apply(uow, &command), Err(ResourceError::Conflict(_))));
}

#[test]
fn one_stage_is_the_default() {
    let mut uow = on_board(board());
    let (changed, others) = std::sync::mpsc::channel();
    uow.rows.expect_update().times(2).returning(move |_, shape, record| {
        changed.send(shown(shape, record)).expect("somebody listens");
        Ok(())
    });
    assert_eq!(change_stage(uow, 3, &json!({ "isDefault": true })).expect("changed")["isDefault"], true);
    // First the one that was it: at no moment there are two.
    let changed: Vec<_> = others.try_iter().map(|stage| (stage["id"].clone(), stage["isDefault"].clone())).collect();
    assert_eq!(changed, [(json!(1), json!(false)), (json!(3), json!(true))]);
}

#[test]
fn flags_that_do_not_fit_are_refused() {
    for (id, body, expected) in [
        (3, json!({ "isWon": true, "isLost": true }), vec!["isLost"]),
        (3, json!({ "isDefault": true, "isWon": true }), vec!["isDefault"]),
        (3, json!({ "isDefault": true, "isLost": true }), vec!["isDefault"]),
        (1, json!({ "isDefault": false }), vec!["isDefault"]),
        (2, json!({ "isWon": false }), vec!["isWon"]),
        (2, json!({ "isLost": true, "isDefault": true }), vec!["isLost", "isDefault"]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|field| (field.to_owned(), "invalid_value")).collect();
        assert_eq!(refused(change_stage(on_board(board()), id, &body)), expected, "{id} {body}");
    }
    // Of two stages where leads are won, one may stop being that.
    let mut two = board();
    two.push(stage(4, &json!({ "isWon": true })));
    let mut uow = on_board(two);
    uow.rows.expect_update().once().returning(|_, _, _| Ok(()));
    assert_eq!(change_stage(uow, 2, &json!({ "isWon": false })).expect("changed")["isWon"], false);
}

fn delete_stage(flags: &Json, leads: i64) -> Result<(Record, Vec<Event>), ResourceError> {
    let mut uow = ScriptedUnitOfWork::default();
    let mut order = Sequence::new();
    let found = stage(3, flags);
    uow.rows.expect_take_turn().once().in_sequence(&mut order).returning(|_, _| Ok(()));
    // Leads are counted when none can come in any more.
    uow.rows.expect_lock_alone().once().in_sequence(&mut order).return_once(|_, _, _| Ok(Some(found)));
    uow.rows.expect_count().in_sequence(&mut order).returning(move |_, shape, filter| {
        assert_eq!((shape.table, filter), ("leads", &Filter::is(Lead::SHAPE, "stageId", Value::Integer(3))));
        Ok(leads)
    });
    uow.rows.expect_delete().in_sequence(&mut order).returning(|_, _, _, _| Ok(()));
    apply(uow, &Delete { family: family::<LeadStage>(), id: 3 })
}

#[test]
fn a_stage_that_is_needed_stays() {
    for flag in ["isDefault", "isWon", "isLost"] {
        assert!(matches!(delete_stage(&json!({ flag: true }), 0), Err(ResourceError::Conflict(_))), "{flag}");
    }
    for (leads, told) in [(1, "There is 1 lead"), (12, "There are 12 leads")] {
        let Err(ResourceError::Conflict(why)) = delete_stage(&json!({}), leads) else { panic!("deleted") };
        assert!(why.starts_with(told), "{why}");
    }
    let (_, events) = delete_stage(&json!({}), 0).expect("deleted");
    assert!(events.is_empty(), "nobody is told of stages");
}

/// Converts a lead of stage 4, on this board, of which there are `projects` already.
fn convert(board: Vec<Record>, there: bool, projects: i64) -> Result<(Record, Vec<Event>), ResourceError> {
    let mut uow = ScriptedUnitOfWork::default();
    let mut order = Sequence::new();
    uow.rows.expect_take_turn().once().in_sequence(&mut order).returning(|_, _| Ok(()));
    uow.rows.expect_lock_all().once().in_sequence(&mut order).return_once(|_, _| Ok(board));
    let lead = lead(&json!({ "contactId": 7, "estimatedValue": 5, "expectedCloseDate": "2026-05-04" }));
    uow.rows.expect_lock().once().in_sequence(&mut order).return_once(move |_, _, _| Ok(there.then_some(lead)));
    uow.rows.expect_count().returning(move |_, _, filter| {
        assert_eq!(*filter, Filter::is(Project::SHAPE, "leadId", Value::Integer(9)));
        Ok(projects)
    });
    uow.numbers.expect_next().returning(|_, _| Ok(Text::parse("P00007".to_owned()).expect("a text")));
    uow.rows.expect_insert().returning(|_, _, _, _| Ok(3));
    // The contact of the lead is not asked for, but the stage is that it goes to.
    uow.rows.expect_pin().withf(|_, to, _| to.table == "lead_stages").returning(|_, _, _| Ok(true));
    uow.rows.expect_update().returning(|_, _, _| Ok(()));
    apply(uow, &Convert { lead: 9 })
}

#[test]
fn a_lead_becomes_a_project_once_and_is_won_by_that() {
    let board = |more: &[Record]| [&[stage(4, &json!({ "isDefault": true }))], more].concat();
    let won = |id, order| stage(id, &json!({ "isWon": true, "order": order }));
    let (project, events) = convert(board(&[won(5, 3), won(6, 2), won(8, 2)]), true, 0).expect("converted");
    let project = shown(Project::SHAPE, &project);
    let money = json!("5.00");
    assert_eq!((&project["contractValue"], &project["originalContractValue"]), (&money, &money));
    assert_eq!(
        (&project["projectNumber"], &project["leadId"], &project["contactId"]),
        (&json!("P00007"), &json!(9), &json!(7))
    );
    assert_eq!((&project["expectedEndDate"], &project["startDate"]), (&Json::Null, &Json::Null));
    let [created, moved] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((created.kind, moved.kind), ("project.created", "lead.updated"));
    assert_eq!((&moved.data["stageId"], &moved.data["convertedProjectId"]), (&json!(6), &json!(3)));

    let refused = |board, projects| match convert(board, true, projects) {
        Err(ResourceError::Conflict(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(vec![won(4, 1)], 0).contains("won already"));
    assert!(refused(board(&[won(5, 3)]), 1).contains("made of this lead before"));
    assert!(refused(board(&[]), 0).contains("no stage"));
    assert_eq!(convert(board(&[won(5, 3)]), false, 0), Err(ResourceError::NotFound("lead")));
}

fn line(stage: i64, source: Option<&str>, count: i64, cents: i64) -> Sum {
    let source = source.map_or(Value::Null, |source| Value::Text(source.to_owned().into()));
    Sum { groups: vec![Value::Integer(stage), source], count, sums: vec![Decimal::new(cents, 2)] }
}

#[test]
fn sums_are_in_the_order_of_the_board_and_of_how_many_there_are() {
    let mut rows = MockRowReader::new();
    rows.expect_sums().once().returning(|_, shape, _, groups, sum| {
        let names = |places: &[usize]| places.iter().map(|at| shape.fields[*at].name).collect::<Vec<_>>();
        assert_eq!((names(groups), names(sum)), (vec!["stageId", "source"], vec!["estimatedValue"]));
        Ok(vec![
            line(1, None, 5, 100),
            line(1, Some("web"), 1, 250),
            line(2, Some("ad"), 1, 0),
            // A stage that was deleted when its leads had left it, between the two readings.
            line(3, Some("web"), 2, 1),
        ])
    });
    let places = json!({ "order": 9 });
    rows.expect_get_many()
        .once()
        .withf(|_, shape, ids| shape.table == LeadStage::SHAPE.table && ids == [1, 2, 3])
        .returning(move |_, _, _| Ok(vec![stage(1, &places), stage(2, &json!({}))]));
    let filter = Filter::all();
    let asked = Asked { rows: &rows, tenant: tenant_id(1), filter: &filter, today: BEFORE };
    let summed = block_on(SUMMARY.of(Lead::SHAPE, asked)).expect("summed up");
    let text = |text: &'static str| Value::Text(text.into());
    let plain = |line: &Line| (line.value.clone(), line.named.clone(), line.count, line.sums.clone());
    let total = |cents| vec![Value::Decimal(Decimal::new(cents, 2))];
    assert_eq!((summed.count, summed.totals), (9, total(351)));
    let [by_stage, by_source] = &summed.groups[..] else { panic!("{:?}", summed.groups) };
    assert_eq!(
        by_stage.iter().map(plain).collect::<Vec<_>>(),
        [
            (Value::Integer(2), text("Stage 2"), 1, total(0)),
            (Value::Integer(1), text("Stage 1"), 6, total(350)),
            (Value::Integer(3), Value::Null, 2, total(1)),
        ]
    );
    assert_eq!(
        by_source.iter().map(plain).collect::<Vec<_>>(),
        [
            (text("web"), Value::Null, 3, total(251)),
            (text("ad"), Value::Null, 1, total(0)),
            (Value::Null, Value::Null, 5, total(100)),
        ]
    );
}
