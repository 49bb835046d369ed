//! The rules of change orders, without a database.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    change_orders::{
        Action, Approval, ChangeOrder, ChangeOrderItem, ChangeOrderRejection, ChangeOrderStatus, ChangeOrderVoiding,
        ChangeType, amount,
    },
    events::Event,
    exact::Rounding,
    execute::{Applied, Command, Context, Failure},
    fields::FieldErrors,
    parts::{PartChange, WritePart},
    principal::Principal,
    projects::Project,
    resource::{
        Body, Create, Decimal, Delete, Draft, Filter, Money, Record, Resource, ResourceError, Rules, Update, family,
        ports::{RowReader, Rows},
        snapshot,
    },
    steps::{Action as _, Take},
    store::UnitOfWork,
    testing::{MemoryRows, ScriptedUnitOfWork, environment, tenant_id},
    text::Text,
};
use futures_executor::block_on;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

type Outcome<T> = Result<(T, Vec<Event>), ResourceError>;

/// A tenant with a store in memory.
#[derive(Clone, Default)]
struct Desk(MemoryRows);

impl Desk {
    fn run<C>(&self, command: &C) -> Outcome<C::Output>
    where
        C: Command<dyn UnitOfWork, Error = ResourceError>,
    {
        let mut uow = ScriptedUnitOfWork::default();
        uow.memory = Some(self.0.clone());
        uow.numbers.expect_next().returning(|_, _| Ok(Text::parse("P00001".to_owned()).expect("a text")));
        let orders = self.all::<ChangeOrder>().len();
        uow.numbers
            .expect_next_of()
            .returning(move |_, _, _| Ok(Text::parse(format!("CO-{:03}", orders + 1)).expect("a text")));
        let (environment, principal) = (environment(), Principal::Operator(tenant_id(1)));
        match block_on(command.apply(&Context::new(&principal, &environment), &mut uow)) {
            Ok(Applied { output, events, .. }) => Ok((output, events)),
            Err(Failure::Rejected(error)) => Err(error),
            Err(Failure::Store(error)) => panic!("{error}"),
        }
    }

    fn create<R: Rules>(&self, body: &Json) -> i64 {
        self.run(&Create { family: family::<R>(), draft: draft::<R>(body, &Body::New) }).expect("made").0.id
    }

    /// Makes a project, and a change order for it in this state.
    fn order(&self, status: ChangeOrderStatus) -> (i64, i64) {
        let project = self.create::<Project>(&json!({ "name": "Garage", "originalContractValue": "75000" }));
        let order = self.create::<ChangeOrder>(&json!({ "projectId": project, "title": "Door", "reason": "other" }));
        self.add(order, &json!({ "description": "Door", "amount": "4800" })).expect("added");
        self.set::<ChangeOrder>(order, |order| order.status = status);
        (project, order)
    }

    fn add(&self, order: i64, body: &Json) -> Outcome<Record> {
        let draft = draft::<ChangeOrderItem>(body, &Body::New);
        self.run(&WritePart::<ChangeOrderItem>::new(order, PartChange::Add(draft)))
    }

    fn set<R: Resource>(&self, id: i64, change: impl FnOnce(&mut R)) {
        let record = block_on(RowReader::get(&self.0, tenant_id(1), R::SHAPE, id)).expect("read").expect("the row");
        let mut stored = record.typed::<R>().expect("fits");
        change(&mut stored.details);
        block_on(Rows::update(&mut self.0.clone(), tenant_id(1), R::SHAPE, &stored.record())).expect("stored");
    }

    fn shown<R: Resource>(&self, id: i64) -> Json {
        let record = block_on(RowReader::get(&self.0, tenant_id(1), R::SHAPE, id)).expect("read");
        snapshot(R::SHAPE, &record.expect("the row")).into()
    }

    fn all<R: Resource>(&self) -> Vec<Json> {
        let rows = block_on(RowReader::all(&self.0, tenant_id(1), R::SHAPE, &Filter::all(), 0)).expect("read");
        rows.iter().map(|row| snapshot(R::SHAPE, row).into()).collect()
    }
}

fn draft<R: Resource>(body: &Json, kind: &Body) -> Draft {
    Draft::read(R::SHAPE, kind, body.as_object().expect("an object"), FieldErrors::new()).expect("a good body")
}

fn filled<R: Resource>(body: &Json) -> R {
    draft::<R>(body, &Body::New).filled().expect("a good body")
}

fn of_some_order() -> ChangeOrderItem {
    let mut item = draft::<ChangeOrderItem>(&json!({}), &Body::New);
    item.put(ChangeOrderItem::SHAPE, "changeOrderId", bwp_domain::resource::Value::Integer(1));
    item.filled().expect("an item")
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind).collect()
}

fn conflict<T: std::fmt::Debug>(outcome: Outcome<T>) -> String {
    match outcome {
        Err(ResourceError::Conflict(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
#[expect(clippy::type_complexity, reason = "a table of states")]
fn each_step_is_taken_from_its_states_and_from_no_other() {
    use ChangeOrderStatus::{Approved, Draft as Drafted, Rejected, Submitted, Void};
    let table: [(Action, &[ChangeOrderStatus], ChangeOrderStatus, &[&str], &[&str], &str); 4] = [
        (Action::Submit, &[Drafted, Rejected], Submitted, &["change_order.submitted"], &["submittedAt"], "75000.00"),
        (
            Action::Approve(filled::<Approval>(&json!({ "approvedBy": "Ann" }))),
            &[Submitted],
            Approved,
            &["change_order.approved", "project.updated"],
            &["approvedAt", "approvedBy"],
            "79800.00",
        ),
        (
            Action::Reject(filled::<ChangeOrderRejection>(&json!({ "reason": "Too expensive" }))),
            &[Submitted],
            Rejected,
            &["change_order.rejected"],
            &["rejectedAt", "rejectionReason"],
            "75000.00",
        ),
        (
            Action::Void(filled::<ChangeOrderVoiding>(&json!({ "reason": "A mistake" }))),
            &[Approved],
            Void,
            &["change_order.voided", "project.updated"],
            &["voidedAt", "voidReason"],
            "70200.00",
        ),
    ];
    assert_eq!(Action::STEPS.len(), table.len());
    for (action, from, to, told, sets, contract) in table {
        assert_eq!(action.step().from, from);
        for status in ChangeOrderStatus::ALL {
            let desk = Desk::default();
            let (project, order) = desk.order(*status);
            let before = desk.shown::<ChangeOrder>(order);
            let outcome = desk.run(&Take { id: order, action: action.clone() });
            let (after, project) = (desk.shown::<ChangeOrder>(order), desk.shown::<Project>(project));
            if from.contains(status) {
                let (_, events) = outcome.expect("taken");
                assert_eq!(kinds(&events), told, "{action:?} of {status}");
                assert_eq!(events[0].data, after);
                assert_eq!(after["status"], to.as_str());
                assert!(sets.iter().all(|name| !after[name].is_null()), "{action:?} of {status}: {after}");
                assert_eq!(project["contractValue"], contract, "{action:?} of {status}");
            } else {
                assert!(conflict(outcome).contains(status.as_str()), "{action:?} of {status}");
                assert_eq!(after, before);
                assert_eq!(project["contractValue"], "75000.00");
            }
            assert_eq!(project["originalContractValue"], "75000.00");
        }
    }
}

#[test]
fn only_drafts_and_rejected_ones_are_changed_and_approved_ones_are_not_deleted() {
    for status in ChangeOrderStatus::ALL {
        let desk = Desk::default();
        let (_, order) = desk.order(*status);
        let draft = draft::<ChangeOrder>(&json!({ "title": "Window" }), &Body::Change);
        let outcomes =
            [desk.run(&Update { family: family::<ChangeOrder>(), id: order, draft }), desk.add(order, &json!({}))];
        let open = matches!(status, ChangeOrderStatus::Draft | ChangeOrderStatus::Rejected);
        assert!(outcomes.iter().all(|outcome| outcome.is_ok() == open), "{status}");
        let deleted = desk.run(&Delete { family: family::<ChangeOrder>(), id: order });
        assert_eq!(deleted.is_ok(), *status != ChangeOrderStatus::Approved, "{status}");
    }
}

#[test]
fn one_without_items_is_not_submitted() {
    let desk = Desk::default();
    let project = desk.create::<Project>(&json!({ "name": "Garage" }));
    let order = desk.create::<ChangeOrder>(&json!({ "projectId": project, "title": "Door", "reason": "other" }));
    assert!(conflict(desk.run(&Take { id: order, action: Action::Submit })).contains("items"));
    desk.add(order, &json!({ "amount": "-5" })).expect("added");
    desk.run(&Take { id: order, action: Action::Submit }).expect("submitted");
    desk.run(&Take { id: order, action: Action::Approve(filled(&json!({}))) }).expect("approved");
    assert_eq!(desk.shown::<Project>(project)["contractValue"], "-5.00", "null counts as nothing");
}

#[test]
fn amounts_are_given_or_worked_out() {
    let desk = Desk::default();
    let project = desk.create::<Project>(&json!({ "name": "Garage" }));
    let order = desk.create::<ChangeOrder>(&json!({ "projectId": project, "title": "Door", "reason": "other" }));
    let item = |body: Json| desk.add(order, &body).expect("added").0.id;
    let shown = |id: i64| desk.shown::<ChangeOrderItem>(id)["amount"].clone();
    let change = |id: i64, body: &Json| {
        let draft = draft::<ChangeOrderItem>(body, &Body::Change);
        desk.run(&WritePart::<ChangeOrderItem>::new(order, PartChange::Change(id, draft))).expect("changed").1
    };
    let worked = item(json!({ "quantity": "2.5", "unitPrice": "95.25", "laborAmount": "10", "taxAmount": "0.005" }));
    assert_eq!(shown(worked), "248.14", "238.125 is 238.13, and the tax a cent");
    let given = item(json!({ "amount": 100.5, "changeType": "remove", "unitPrice": "7" }));
    assert_eq!(shown(given), "-100.50");
    let order_now = || desk.shown::<ChangeOrder>(order);
    let sums = |order: &Json| ["additions", "deductions", "totalAmount", "total"].map(|name| order[name].clone());
    assert_eq!(sums(&order_now()), ["248.14", "-100.50", "147.64", "147.64"]);
    // What is shown is sent back: nothing changes, and no amount becomes one that was given.
    for item in desk.all::<ChangeOrderItem>() {
        assert!(change(item["id"].as_i64().expect("an id"), &item).is_empty());
    }
    assert!(desk.shown::<ChangeOrderItem>(worked)["givenAmount"].is_null());
    // The sign of what is taken away is put on last.
    change(given, &json!({ "changeType": "modify" }));
    assert_eq!(shown(given), "100.50", "as it was given");
    change(given, &json!({ "amount": null }));
    assert_eq!(shown(given), "7.00");
    change(given, &json!({ "changeType": "remove" }));
    assert_eq!(shown(given), "-7.00");
    change(given, &json!({ "changeType": "add" }));
    assert_eq!(shown(given), "7.00");
    let draft = draft::<ChangeOrder>(&json!({ "roundSalesAmounts": true }), &Body::Change);
    desk.run(&Update { family: family::<ChangeOrder>(), id: order, draft }).expect("changed");
    assert_eq!(sums(&order_now()), ["255.00", "0.00", "255.00", "255.00"]);
    let delete = PartChange::Delete(worked);
    let (_, events) = desk.run(&WritePart::<ChangeOrderItem>::new(order, delete)).expect("deleted");
    assert_eq!(events[0].previous_attributes.as_ref().expect("what was")["totalAmount"], "255.00");
    assert_eq!(order_now()["totalAmount"], "7.00");
}

fn money(cents: i64) -> Option<Money> {
    Money::of_cents(cents)
}

proptest! {
    #[test]
    fn what_is_taken_away_is_less_than_nothing(
        quantity in 0_i64..1_000_000, price in -1_000_000_i64..1_000_000, labor in -100_000_i64..100_000, dollars in any::<bool>(),
    ) {
        let item = |change_type| ChangeOrderItem {
            change_type,
            quantity: bwp_domain::resource::Quantity::rounded(Decimal::new(quantity, 4)).ok(),
            unit_price: bwp_domain::resource::Quantity::rounded(Decimal::new(price, 4)).ok(),
            labor_amount: money(labor),
            ..of_some_order()
        };
        let rounding = Rounding::of(Some(dollars));
        let worth = |change_type| amount(&item(change_type), rounding).expect("in bounds").decimal();
        prop_assert_eq!(worth(ChangeType::Add), worth(ChangeType::Modify));
        prop_assert_eq!(worth(ChangeType::Remove), -worth(ChangeType::Add).abs());
        prop_assert!(!dollars || worth(ChangeType::Add).fract().is_zero());
    }
}
