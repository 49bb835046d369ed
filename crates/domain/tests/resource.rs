//! What a description says of fields that requests cannot set, and of how values are written.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    clock::{Day, Timestamp},
    execute::{Command, Context, Failure},
    fields::FieldErrors,
    principal::Principal,
    resource::{Body, Create, Draft, Money, Record, Resource, ResourceError, Rules, Saving, Update, family, snapshot},
    scopes::{ScopeId, ScopeSet},
    store::UnitOfWork,
    testing::{MemoryRows, ScriptedUnitOfWork, credential, environment},
    text::{Name, Text},
};
use futures_executor::block_on;
use serde_json::{Value, json};

/// A gate.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "gate", read(LeadsRead), write(LeadsWrite), delete(LeadsDelete))]
struct Gate {
    /// What it is called.
    name: Name,
    /// How often it was opened.
    #[field(default = 0, read_only = "Open it instead.")]
    opened: i64,
    /// When it was closed.
    #[field(read_only = "Close it instead.")]
    closed_at: Option<Timestamp>,
    /// When it was last looked at.
    #[field(ignored)]
    seen_at: Option<Timestamp>,
    /// What it costs.
    toll: Option<Money>,
    /// Who made it.
    #[field(once, default = 0)]
    maker: i64,
    /// What there is to say of it.
    #[field(also = "notes")]
    remarks: Option<Text>,
    /// The day on which it was built.
    #[field(skips_null)]
    built: Day,
}

#[async_trait]
impl Rules for Gate {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<(), Failure<ResourceError>> {
        if saving.before.is_none() && !saving.sets("built") {
            self.built = saving.context.today();
        }
        Ok(())
    }
}

fn apply<C>(rows: &MemoryRows, command: &C) -> Result<Record, FieldErrors>
where
    C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
{
    match apply_with(&[ScopeId::LeadsRead], rows, command) {
        Ok(record) => Ok(record),
        Err(ResourceError::Invalid(errors)) => Err(errors),
        Err(other) => panic!("{other:?}"),
    }
}

fn apply_with<C>(scopes: &[ScopeId], rows: &MemoryRows, command: &C) -> Result<Record, ResourceError>
where
    C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
{
    let mut uow = ScriptedUnitOfWork::default();
    uow.memory = Some(rows.clone());
    let (environment, principal) = (environment(), Principal::Key(Arc::new(credential(scopes))));
    match block_on(command.apply(&Context::new(&principal, &environment), &mut uow)) {
        Ok(applied) => Ok(applied.output),
        Err(Failure::Rejected(error)) => Err(error),
        Err(Failure::Store(error)) => panic!("{error}"),
    }
}

fn draft(kind: &Body, body: &Value) -> Result<Draft, FieldErrors> {
    Draft::read(Gate::SHAPE, kind, body.as_object().expect("an object"), FieldErrors::new())
}

fn create(rows: &MemoryRows, body: &Value) -> Result<Record, FieldErrors> {
    let mut body = body.clone();
    body.as_object_mut().expect("an object").entry("built").or_insert(json!("2025-05-04"));
    apply(rows, &Create { family: family::<Gate>(), draft: draft(&Body::New, &body)? })
}

fn update(rows: &MemoryRows, id: i64, body: &Value) -> Result<Record, FieldErrors> {
    apply(rows, &Update { family: family::<Gate>(), id, draft: draft(&Body::Change, body)? })
}

fn named(errors: &FieldErrors) -> Vec<(&str, &'static str)> {
    errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect()
}

#[test]
fn a_read_only_field_is_let_pass_with_the_value_that_it_has_and_refused_with_another() {
    let rows = MemoryRows::default();
    let gate = create(&rows, &json!({ "name": "East", "opened": 0, "closedAt": null })).expect("made");
    for same in [
        json!({ "opened": 0.0 }),
        json!({ "closedAt": null, "seenAt": "2026-01-31T08:00:00Z", "id": 7 }),
        json!({ "name": "East" }),
    ] {
        assert_eq!(update(&rows, gate.id, &same), Ok(gate.clone()), "{same}");
    }
    let body = json!({ "name": "West", "opened": 1, "closedAt": "2026-01-31", "seenAt": "yesterday" });
    let refused = update(&rows, gate.id, &body).expect_err("two are read-only");
    assert_eq!(named(&refused), [("opened", "read_only"), ("closedAt", "read_only")]);
    assert!(refused.iter().all(|error| error.fault.message.ends_with(" it instead.")), "{refused}");
    // Nothing was changed beside them.
    assert_eq!(update(&rows, gate.id, &json!({ "name": "East" })), Ok(gate));
    let refused = create(&rows, &json!({ "name": "West", "opened": "0" })).expect_err("a new one was never opened");
    assert_eq!(named(&refused), [("opened", "read_only")]);
}

fn shown(gate: &Record, name: &str) -> Value {
    snapshot(Gate::SHAPE, gate)[name].clone()
}

#[test]
fn what_is_set_once_stays() {
    let rows = MemoryRows::default();
    let gate = create(&rows, &json!({ "name": "East", "maker": 5 })).expect("made");
    for sent in [json!(6), json!(null), json!("nobody")] {
        let changed = update(&rows, gate.id, &json!({ "maker": sent, "name": format!("{sent}") })).expect("changed");
        assert_eq!(shown(&changed, "maker"), 5, "{sent}");
    }
}

#[test]
fn of_two_names_the_one_that_says_something_else_counts() {
    let rows = MemoryRows::default();
    let both = |gate: &Record| [shown(gate, "remarks"), shown(gate, "notes")];
    for body in [json!({ "remarks": "a" }), json!({ "notes": "a" }), json!({ "remarks": "a", "notes": "a" })] {
        let mut body = body;
        body["name"] = json!("East");
        let gate = create(&rows, &body).expect("made");
        assert_eq!(both(&gate), ["a", "a"], "{body}");
        for (one, other) in [("remarks", "notes"), ("notes", "remarks")] {
            let changed = update(&rows, gate.id, &json!({ one: "b", other: "a" })).expect("changed");
            assert_eq!(both(&changed), ["b", "b"]);
            let refused = update(&rows, gate.id, &json!({ one: "c", other: "d" })).expect_err("which one?");
            assert_eq!(named(&refused), [("notes", "invalid_value")]);
            let changed = update(&rows, gate.id, &json!({ one: null, other: "b" })).expect("emptied");
            assert_eq!(both(&changed), [json!(null), json!(null)]);
            update(&rows, gate.id, &json!({ one: "a" })).expect("as before");
        }
    }
    let refused = create(&rows, &json!({ "name": "East", "remarks": "a", "notes": null })).expect_err("which one?");
    assert_eq!(named(&refused), [("notes", "invalid_value")]);
}

#[test]
fn null_may_ask_for_what_the_rules_say() {
    let rows = MemoryRows::default();
    let refused = draft(&Body::New, &json!({ "name": "East" })).expect_err("it must be named");
    assert_eq!(named(&refused), [("built", "required")]);
    let gate = create(&rows, &json!({ "name": "East", "built": null })).expect("made");
    assert_eq!(shown(&gate, "built"), "2026-01-01T00:00:00.000Z");
    let changed = update(&rows, gate.id, &json!({ "built": "2020-02-29" })).expect("changed");
    assert_eq!(update(&rows, gate.id, &json!({ "built": null })), Ok(changed));
}

#[test]
fn a_change_that_changes_nothing_is_a_read() {
    let rows = MemoryRows::default();
    let gate = create(&rows, &json!({ "name": "East" })).expect("made");
    let update = |scopes: &[ScopeId], body: Value| {
        let draft = draft(&Body::Change, &body).expect("good fields");
        apply_with(scopes, &rows, &Update { family: family::<Gate>(), id: gate.id, draft })
    };
    let unread = ResourceError::Unread(ScopeSet::of(&[ScopeId::LeadsRead]));
    for nothing in [json!({}), json!({ "name": "East" }), json!({ "opened": 0 })] {
        assert_eq!(update(&[ScopeId::LeadsWrite], nothing.clone()), Err(unread.clone()), "{nothing}");
        assert_eq!(update(&[ScopeId::LeadsRead], nothing.clone()), Ok(gate.clone()), "{nothing}");
    }
    assert!(update(&[ScopeId::LeadsWrite], json!({ "name": "West" })).is_ok());
    // Nothing is told of a row that is not there, either way.
    let draft = draft(&Body::Change, &json!({})).expect("good fields");
    let absent = Update { family: family::<Gate>(), id: gate.id + 1, draft };
    assert_eq!(apply_with(&[ScopeId::LeadsWrite], &rows, &absent), Err(ResourceError::NotFound("gate")));
}

#[test]
fn money_is_read_as_it_is_written() {
    let rows = MemoryRows::default();
    for (sent, stored) in [
        (json!(250_000), "250000.00"),
        (json!("250000.5"), "250000.50"),
        (json!(1e3), "1000.00"),
        (json!(0.005), "0.01"),
        (json!(1e-40), "0.00"),
    ] {
        let gate = create(&rows, &json!({ "name": "Toll", "toll": sent })).expect("made");
        let (at, _) = Gate::SHAPE.field("toll").expect("a field");
        assert_eq!(json!(gate.values[at]), json!(stored), "{sent}");
    }
    for (sent, code) in [
        (json!(""), "invalid_format"),
        (json!("1e3"), "invalid_format"),
        (json!("+1"), "invalid_format"),
        (json!("1,000"), "invalid_format"),
        (json!("$1"), "invalid_format"),
        (json!("1."), "invalid_format"),
        (json!(-0.01), "too_small"),
        (json!("9999999999999.995"), "too_large"),
        (json!(1e300), "too_large"),
        (json!(true), "invalid_type"),
    ] {
        let refused = create(&rows, &json!({ "name": "Toll", "toll": sent })).expect_err("no amount");
        assert_eq!(named(&refused), [("toll", code)], "{sent}");
    }
}
