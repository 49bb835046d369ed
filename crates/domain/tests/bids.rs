//! The rules of bids, without a database.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    bids::{
        Acceptance, Action, Bid, BidLineItem, BidStatus, Cancellation, Conversion, Convert, CostItem, Duplicate,
        Expire, ImportKit, KitImport, ProjectCost, WriteBidPart,
    },
    contacts::Contact,
    events::Event,
    execute::{Applied, Command, Context, Failure},
    fields::FieldErrors,
    ids::ProductId,
    kit_items::KitItem,
    lead_stages::LeadStage,
    leads::Lead,
    mail::{Mail, Sending},
    parts::PartChange,
    principal::Principal,
    products::Product,
    project_phases::ProjectPhase,
    projects::Project,
    resource::{
        Body, Create, Decimal, Delete, Draft, Filter, Record, Referable, Resource, ResourceError, Rules, Update, Value,
        family,
        ports::{RowReader, Rows},
        snapshot,
    },
    steps::{Action as _, Take},
    store::UnitOfWork,
    tenants::TimeZone,
    testing::{MemoryRows, ScriptedUnitOfWork, environment, tenant_id},
    text::Text,
};
use futures_executor::block_on;
use serde_json::{Value as Json, json};

type Outcome<T> = Result<(T, Vec<Event>), ResourceError>;

/// A tenant with a store in memory.
#[derive(Clone, Default)]
struct Desk {
    rows: MemoryRows,
    numbers: std::sync::Arc<std::sync::atomic::AtomicU32>,
}

impl Desk {
    fn run<C>(&self, command: &C) -> Outcome<C::Output>
    where
        C: Command<dyn UnitOfWork, Error = ResourceError>,
    {
        let mut uow = ScriptedUnitOfWork::default();
        uow.memory = Some(self.rows.clone());
        let numbers = self.numbers.clone();
        uow.numbers.expect_next().returning(move |_, numbering| {
            let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            Ok(Text::parse(format!("{}{number:03}", numbering.prefix)).expect("a text"))
        });
        let (environment, principal) = (environment(), Principal::Operator(tenant_id(1)));
        match block_on(command.apply(&Context::new(&principal, &environment), &mut uow)) {
            Ok(Applied { output, events, .. }) => Ok((output, events)),
            Err(Failure::Rejected(error)) => Err(error),
            Err(Failure::Store(error)) => panic!("{error}"),
        }
    }

    /// Makes a row of what a body says.
    fn create<R: Rules>(&self, body: &Json) -> i64 {
        let create = Create { family: family::<R>(), draft: draft::<R>(body, &Body::New) };
        self.run(&create).expect("made").0.id
    }

    /// Makes a bid in this state.
    fn bid(&self, status: BidStatus) -> i64 {
        let id = self.create::<Bid>(&json!({ "contactId": WITH_EMAIL }));
        self.set::<Bid>(id, |bid| {
            bid.status = status;
            if status == BidStatus::Cancelled {
                bid.cancelled_from_status = Some(BidStatus::Rejected);
            }
        });
        id
    }

    fn add<P: bwp_domain::bids::BidPart>(&self, bid: i64, line: Option<i64>, body: &Json) -> Outcome<Record> {
        self.run(&WriteBidPart::<P>::new(bid, line, PartChange::Add(draft::<P>(body, &Body::New))))
    }

    fn set<R: Resource>(&self, id: i64, change: impl FnOnce(&mut R)) {
        let mut stored = self.get(R::SHAPE, id).expect("the row").typed::<R>().expect("fits");
        change(&mut stored.details);
        block_on(Rows::update(&mut self.rows.clone(), tenant_id(1), R::SHAPE, &stored.record())).expect("stored");
    }

    fn get(&self, shape: &'static bwp_domain::resource::Shape, id: i64) -> Option<Record> {
        block_on(RowReader::get(&self.rows, tenant_id(1), shape, id)).expect("read")
    }

    fn shown<R: Resource>(&self, id: i64) -> Json {
        snapshot(R::SHAPE, &self.get(R::SHAPE, id).expect("the row")).into()
    }

    fn all<R: Resource>(&self) -> Vec<Json> {
        let rows = block_on(RowReader::all(&self.rows, tenant_id(1), R::SHAPE, &Filter::all(), 0)).expect("read");
        rows.iter().map(|row| snapshot(R::SHAPE, row).into()).collect()
    }
}

/// The contact who has an e-mail address.
const WITH_EMAIL: i64 = 7;
/// One who has none.
const WITHOUT: i64 = 8;

fn desk() -> Desk {
    let desk = Desk::default();
    desk.rows.refer_to(tenant_id(1), Contact::REFERENCE, WITH_EMAIL - 1, true);
    let with_email = desk.create::<Contact>(&json!({ "type": "customer", "email": "owner@example.com" }));
    let without = desk.create::<Contact>(&json!({ "type": "customer", "companyName": "Owner" }));
    assert_eq!((with_email, without), (WITH_EMAIL, WITHOUT));
    desk
}

fn draft<R: Resource>(body: &Json, kind: &Body) -> Draft {
    Draft::read(R::SHAPE, kind, body.as_object().expect("an object"), FieldErrors::new()).expect("a good body")
}

fn sending() -> Sending {
    draft::<Sending>(&json!({}), &Body::New).filled().expect("a sending")
}

fn conversion(strategy: &str) -> Conversion {
    draft::<Conversion>(&json!({ "mappingStrategy": strategy }), &Body::New).filled().expect("a conversion")
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

fn refused<T: std::fmt::Debug>(outcome: Outcome<T>) -> Vec<(String, &'static str)> {
    match outcome {
        Err(ResourceError::Invalid(errors)) => {
            errors.iter().map(|error| (error.field.clone(), error.fault.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn sums(bid: &Json) -> [&str; 4] {
    ["subtotal", "discountAmount", "taxAmount", "total"].map(|name| bid[name].as_str().expect("a sum"))
}

/// The table of 3.2 for steps that people take: of each the action, the states from which it may be taken, the state that follows, the
/// event, and what it sets and clears.
#[expect(clippy::type_complexity, reason = "a table of states")]
fn table()
-> Vec<(Action, &'static [BidStatus], BidStatus, &'static str, &'static [&'static str], &'static [&'static str])> {
    use BidStatus::{Accepted, Cancelled, Draft as Drafted, Expired, Rejected, Sent};
    let acceptance = draft::<Acceptance>(&json!({ "acceptedBy": "Ann" }), &Body::New).filled().expect("an acceptance");
    let reversal = draft::<bwp_domain::bids::Reversal>(&json!({ "status": "rejected" }), &Body::New).filled();
    let cancellation = draft::<Cancellation>(&json!({ "reason": "Sold" }), &Body::New).filled::<Cancellation>();
    vec![
        (Action::Send(sending()), &[Drafted, Sent, Expired], Sent, "bid.updated", &["sentAt"], &[]),
        (
            Action::Accept(acceptance),
            &[Drafted, Sent, Expired, Rejected],
            Accepted,
            "bid.accepted",
            &["acceptedAt", "acceptedBy"],
            &[],
        ),
        (Action::Reject, &[Drafted, Sent, Expired], Rejected, "bid.rejected", &["rejectedAt"], &[]),
        (
            Action::RevertAcceptance(reversal.expect("a reversal")),
            &[Accepted],
            Rejected,
            "bid.acceptance_reverted",
            &["rejectedAt"],
            &["acceptedAt", "acceptedBy"],
        ),
        (
            Action::Cancel(cancellation.expect("a cancellation")),
            &[Drafted, Sent, Expired, Rejected],
            Cancelled,
            "bid.cancelled",
            &["cancelledAt", "cancelReason", "cancelledFromStatus"],
            &[],
        ),
        (
            Action::Reopen,
            &[Cancelled],
            Rejected,
            "bid.reopened",
            &[],
            &["cancelledAt", "cancelReason", "cancelledFromStatus"],
        ),
    ]
}

#[test]
fn each_step_is_taken_from_its_states_and_from_no_other() {
    for (action, from, to, told, sets, clears) in table() {
        for status in BidStatus::ALL {
            let desk = desk();
            let bid = desk.bid(*status);
            let before = desk.shown::<Bid>(bid);
            let outcome = desk.run(&Take { id: bid, action: action.clone() });
            let after = desk.shown::<Bid>(bid);
            if from.contains(status) {
                let (_, events) = outcome.expect("taken");
                assert_eq!(kinds(&events), [told], "{action:?} of {status}");
                assert_eq!(events[0].data, after, "{action:?} of {status}");
                assert_eq!(after["status"], to.as_str(), "{action:?} of {status}");
                assert!(sets.iter().all(|name| !after[name].is_null()), "{action:?} of {status}: {after}");
                assert!(clears.iter().all(|name| after[name].is_null()), "{action:?} of {status}: {after}");
                let mails = desk.all::<Mail>().len();
                assert_eq!(mails, usize::from(matches!(action, Action::Send(_))), "{action:?} of {status}");
            } else {
                let text = conflict(outcome);
                assert!(text.contains(status.as_str()), "{action:?}: {text}");
                assert_eq!(after, before, "{action:?} of {status}");
                assert!(desk.all::<Mail>().is_empty(), "{action:?} of {status}");
            }
        }
        // The same as in the table that the server goes by.
        let step = action.step();
        assert_eq!(step.from, from, "{}", step.name);
    }
    assert_eq!(Action::STEPS.len(), table().len() + 2, "those, the conversion, and the day after the last one");
}

#[test]
fn what_is_locked_is_not_changed() {
    for status in BidStatus::ALL {
        let desk = desk();
        let bid = desk.bid(BidStatus::Draft);
        let line =
            desk.add::<BidLineItem>(bid, None, &json!({ "description": "a", "unitPrice": "5" })).expect("added").0.id;
        desk.set::<Bid>(bid, |bid| bid.status = *status);
        let before = (desk.shown::<Bid>(bid), desk.all::<BidLineItem>());
        let change =
            Update { family: family::<Bid>(), id: bid, draft: draft::<Bid>(&json!({ "notes": "x" }), &Body::Change) };
        let outcomes = [
            desk.run(&change),
            desk.add::<BidLineItem>(bid, None, &json!({ "description": "b" })),
            desk.add::<CostItem>(bid, Some(line), &json!({})),
            desk.add::<ProjectCost>(bid, None, &json!({})),
            desk.run(&WriteBidPart::<BidLineItem>::new(bid, None, PartChange::Delete(line))),
        ];
        let locked = matches!(status, BidStatus::Accepted | BidStatus::Cancelled);
        for outcome in outcomes {
            assert_eq!(outcome.is_err(), locked, "{status}");
            if locked {
                assert!(conflict(outcome).contains("first"), "{status}");
            }
        }
        if locked {
            assert_eq!((desk.shown::<Bid>(bid), desk.all::<BidLineItem>()), before, "{status}");
        }
        let deleted = desk.run(&Delete { family: family::<Bid>(), id: bid });
        assert_eq!(deleted.is_err(), *status == BidStatus::Accepted, "{status}");
    }
}

#[test]
fn a_bid_that_nobody_can_be_sent_stays() {
    let desk = desk();
    for body in [json!({}), json!({ "contactId": WITHOUT })] {
        let bid = desk.create::<Bid>(&body);
        let send = Take { id: bid, action: Action::Send(sending()) };
        assert_eq!(refused(desk.run(&send)), [("contactId".to_owned(), "required")]);
        assert_eq!(desk.shown::<Bid>(bid)["status"], "draft");
        let to = json!({ "recipientEmail": "a@example.com", "ccEmails": ["b@example.com"] });
        let to = draft::<Sending>(&to, &Body::New).filled::<Sending>().expect("a sending");
        desk.run(&Take { id: bid, action: Action::Send(to) }).expect("sent");
    }
    let mail = &desk.all::<Mail>()[0];
    let expected = json!(["bid", "a@example.com", ["b@example.com"], "not_configured"]);
    assert_eq!(json!([mail["enclosed"], mail["recipient"], mail["cc"], mail["status"]]), expected);
    for (body, field) in
        [(json!({ "ccEmails": ["no address"] }), "ccEmails[0]"), (json!({ "templateId": 1 }), "templateId")]
    {
        let sending = draft::<Sending>(&body, &Body::New).filled::<Sending>().expect("a sending");
        let bid = desk.bid(BidStatus::Draft);
        assert_eq!(refused(desk.run(&Take { id: bid, action: Action::Send(sending) }))[0].0, field);
    }
}

#[test]
fn a_bid_expires_after_its_last_day() {
    let now = environment().clock.now();
    let today = TimeZone::UTC.today(now);
    let yesterday = today.minus(std::time::Duration::from_hours(24));
    for (until, expires) in [(None, false), (Some(today), false), (Some(yesterday), true)] {
        let desk = desk();
        let bid = desk.bid(BidStatus::Sent);
        desk.set::<Bid>(bid, |bid| bid.valid_until = until);
        let ((), events) = desk.run(&Expire { bid, zone: TimeZone::UTC }).expect("looked at");
        assert_eq!(kinds(&events), if expires { &["bid.expired"][..] } else { &[] });
        assert_eq!(desk.shown::<Bid>(bid)["status"] == "expired", expires);
        // Once.
        assert!(desk.run(&Expire { bid, zone: TimeZone::UTC }).expect("looked at").1.is_empty());
    }
    let overdue = |desk: &Desk| {
        let bid = desk.bid(BidStatus::Sent);
        desk.set::<Bid>(bid, |bid| bid.valid_until = Some(yesterday));
        bid
    };
    // A step expires it first.
    let desk = desk();
    let bid = overdue(&desk);
    let (_, events) = desk.run(&Take { id: bid, action: Action::Reject }).expect("rejected");
    assert_eq!(kinds(&events), ["bid.expired", "bid.rejected"]);
    // A change does too, and does not revive it: sending does, once its last day is to come.
    let bid = overdue(&desk);
    let body = json!({ "validUntil": "2099-01-01" });
    let change = Update { family: family::<Bid>(), id: bid, draft: draft::<Bid>(&body, &Body::Change) };
    let (_, events) = desk.run(&change).expect("changed");
    assert_eq!(kinds(&events), ["bid.updated", "bid.expired"]);
    assert_eq!(desk.shown::<Bid>(bid)["status"], "expired");
    desk.run(&Take { id: bid, action: Action::Send(sending()) }).expect("sent");
    let bid = overdue(&desk);
    assert!(conflict(desk.run(&Take { id: bid, action: Action::Send(sending()) })).contains("validUntil"));
}

/// Example A, by the commands that a client gives.
fn example_a(desk: &Desk) -> i64 {
    let rates = json!({
        "marginPercent": "18", "commissionPercent": "2", "companyOhPercent": "10",
        "discount": "5", "discountType": "percentage",
    });
    let bid = desk.create::<Bid>(&rates);
    let line = |body: Json| desk.add::<BidLineItem>(bid, None, &body).expect("added").0.id;
    let kit = line(json!({ "markName": "M-01", "description": "Curb", "quantity": "4", "unitPrice": "99" }));
    line(json!({ "markName": "M-02", "description": "Permit", "unitPrice": "1250.00" }));
    for item in [
        json!({ "description": "Adapter", "unitCost": "615.00", "buyTaxPercent": "7", "sellTaxPercent": "7" }),
        json!({ "quantity": "2", "unitCost": "48.50", "buyTaxPercent": "7", "sellTaxPercent": "7" }),
        json!({ "type": "labor", "quantity": "3.5", "unitCost": "85.00" }),
    ] {
        desk.add::<CostItem>(bid, Some(kit), &item).expect("added");
    }
    desk.add::<ProjectCost>(bid, None, &json!({ "description": "Crane", "rate": "850.00" })).expect("added");
    bid
}

#[test]
fn example_a_comes_out_by_commands() {
    let desk = desk();
    let bid = example_a(&desk);
    assert_eq!(sums(&desk.shown::<Bid>(bid)), ["9053.37", "452.67", "329.48", "8930.18"]);
    let lines = desk.all::<BidLineItem>();
    let figures = |line: &Json| ["unitPrice", "total", "sellTotal", "rawTotal"].map(|name| line[name].clone());
    assert_eq!(figures(&lines[0]), ["1009.50", "7024.80", "7024.80", "4038.00"]);
    assert_eq!(figures(&lines[1]), ["1250.00", "2028.57", "2028.57", "1250.00"]);
    assert_eq!(desk.all::<ProjectCost>()[0]["perUnit"], "170.00");
    let change = |body: &Json| {
        let draft = draft::<Bid>(body, &Body::Change);
        desk.run(&Update { family: family::<Bid>(), id: bid, draft }).expect("changed").1
    };
    let told = change(&json!({ "taxRate": "7" }));
    assert_eq!(sums(&desk.shown::<Bid>(bid))[2..], ["602.05", "9202.75"]);
    assert_eq!(told[0].previous_attributes.as_ref().expect("what was")["total"], "8930.18");
    change(&json!({ "taxRate": null }));
    assert_eq!(sums(&desk.shown::<Bid>(bid)), ["9053.37", "452.67", "329.48", "8930.18"]);
    // What is shown is sent back: nothing changes, the load is not put on twice (MNY-36).
    assert!(change(&desk.shown::<Bid>(bid)).is_empty());
    for line in &lines {
        let draft = draft::<BidLineItem>(line, &Body::Change);
        let change = PartChange::Change(line["id"].as_i64().expect("an id"), draft);
        let (_, told) = desk.run(&WriteBidPart::<BidLineItem>::new(bid, None, change)).expect("changed");
        assert!(told.is_empty());
    }
    assert_eq!(desk.all::<BidLineItem>(), lines);
    // The last cost item gone, the price that was written counts again.
    for item in desk.all::<CostItem>() {
        let delete = PartChange::Delete(item["id"].as_i64().expect("an id"));
        desk.run(&WriteBidPart::<CostItem>::new(bid, lines[0]["id"].as_i64(), delete)).expect("deleted");
    }
    // (4 x 99 + 680) / 0.7
    assert_eq!(figures(&desk.all::<BidLineItem>()[0]), ["99.00", "1537.14", "1537.14", "396.00"]);
}

#[test]
fn lines_that_are_priced_apart_come_to_what_all_of_them_come_to() {
    let desk = desk();
    let product = desk.create::<Product>(&json!({ "name": "Brick", "sku": "B", "sellTaxPercent": "8.1" }));
    let bid = desk.create::<Bid>(&json!({ "marginPercent": "17.3", "discount": "12.5", "discountType": "percent" }));
    let mut lines = Vec::new();
    for n in 1..=9 {
        let body = json!({
            "description": "a", "quantity": format!("{n}.37"), "unitPrice": format!("{}.0{n}", 100 - 11 * n),
            "productId": if n % 2 == 0 { json!(product) } else { json!(null) },
        });
        let line = desk.add::<BidLineItem>(bid, None, &body).expect("added").0.id;
        if n % 3 == 0 {
            for item in [
                json!({ "unitCost": "3.33", "sellTaxPercent": "7" }),
                json!({ "unitCost": "1.01", "buyTaxPercent": "3" }),
            ] {
                desk.add::<CostItem>(bid, Some(line), &item).expect("added");
            }
        }
        lines.push(line);
    }
    let write = |change: PartChange| {
        desk.run(&WriteBidPart::<BidLineItem>::new(bid, None, change)).expect("written");
    };
    write(PartChange::Change(lines[2], draft::<BidLineItem>(&json!({ "quantity": "5.55" }), &Body::Change)));
    write(PartChange::Delete(lines[4]));
    let apart = sums(&desk.shown::<Bid>(bid)).map(str::to_owned);
    // A change of the bid's own terms works all lines out, twice.
    for rate in ["3", "17.3"] {
        let draft = draft::<Bid>(&json!({ "marginPercent": rate }), &Body::Change);
        desk.run(&Update { family: family::<Bid>(), id: bid, draft }).expect("changed");
    }
    assert_eq!(sums(&desk.shown::<Bid>(bid)), apart);
    let of_lines = desk
        .all::<BidLineItem>()
        .iter()
        .map(|line| line["total"].as_str().expect("a sum").parse::<Decimal>().expect("a number"))
        .sum::<Decimal>();
    assert_eq!(of_lines.to_string(), apart[0]);
}

#[test]
fn rates_and_discounts_have_bounds() {
    let desk = desk();
    let create = |body: &Json| desk.run(&Create { family: family::<Bid>(), draft: draft::<Bid>(body, &Body::New) });
    let too_large = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "too_large")).collect::<Vec<_>>();
    let rates = json!({ "marginPercent": "60", "companyOhPercent": "40" });
    assert_eq!(refused(create(&rates)), too_large(&["marginPercent", "companyOhPercent"]));
    create(&json!({ "marginPercent": "99.9999" })).expect("made");
    let percents = json!({ "discount": "100.0001", "discountType": "percent" });
    assert_eq!(refused(create(&percents)), too_large(&["discount", "discountType"]));
    let (bid, _) = create(&json!({ "discount": "100.0001" })).expect("made");
    let kind = draft::<Bid>(&json!({ "discountType": "percentage" }), &Body::Change);
    let change = Update { family: family::<Bid>(), id: bid.id, draft: kind };
    assert_eq!(refused(desk.run(&change)), too_large(&["discountType"]));
    // An amount beyond all amounts is refused where it was sent, and leaves no trace.
    let line = json!({ "description": "a", "quantity": "999999999999", "unitPrice": "999999999999" });
    assert_eq!(refused(desk.add::<BidLineItem>(bid.id, None, &line))[0].1, "too_large");
}

#[test]
fn a_line_of_a_product_neither_sells_at_cost_nor_loads_twice() {
    let desk = desk();
    let product = desk.create::<Product>(&json!({
        "name": "Brick", "sku": "B", "costPrice": "10", "sellPrice": "15", "sellTaxPercent": "8",
    }));
    for (rates, price) in [(json!({}), "15.00"), (json!({ "marginPercent": "20" }), "10.00")] {
        let bid = desk.create::<Bid>(&rates);
        let (line, _) =
            desk.add::<BidLineItem>(bid, None, &json!({ "description": "a", "productId": product })).expect("added");
        let line: Json = snapshot(BidLineItem::SHAPE, &line).into();
        assert_eq!((&line["unitPrice"], &line["sellTaxPercent"]), (&json!(price), &json!("8.00")));
        let sent = json!({ "description": "a", "productId": product, "unitPrice": "3" });
        let (line, _) = desk.add::<BidLineItem>(bid, None, &sent).expect("added");
        assert_eq!(snapshot(BidLineItem::SHAPE, &line)["unitPrice"], "3.00");
        // Another product has another tax, and the price stays.
        let change = draft::<BidLineItem>(&json!({ "productId": null }), &Body::Change);
        let (line, _) = desk
            .run(&WriteBidPart::<BidLineItem>::new(bid, None, PartChange::Change(line.id, change)))
            .expect("changed");
        let line = snapshot(BidLineItem::SHAPE, &line);
        assert_eq!((&line["unitPrice"], &line["sellTaxPercent"]), (&json!("3.00"), &Json::Null));
    }
}

#[test]
fn a_kit_becomes_cost_items_down_to_its_parts() {
    let desk = desk();
    let product = |body: Json| desk.create::<Product>(&body);
    let nail = product(json!({ "name": "Nail", "sku": "N", "costPrice": "0.125", "buyTaxPercent": "7" }));
    let labor =
        product(json!({ "name": "Hour", "sku": "H", "type": "labor", "costPrice": "85", "sellTaxPercent": "5" }));
    let [inner, priced, outer, free] = ["Inner", "Priced", "Outer", "Free"]
        .map(|name| product(json!({ "name": name, "sku": name, "type": "thing", "costPrice": "2", "isKit": true })));
    let nothing = product(json!({ "name": "Nothing", "sku": "0" }));
    let item = |kit: i64, component: i64, quantity: &str, instead: Option<&str>| {
        let body =
            json!({ "componentProductId": component, "defaultQuantity": quantity, "overrideCostPrice": instead });
        let mut draft = draft::<KitItem>(&body, &Body::New);
        draft.put(KitItem::SHAPE, "kitProductId", Value::Integer(kit));
        desk.run(&Create { family: family::<KitItem>(), draft }).expect("made");
    };
    item(inner, nail, "1000", None);
    item(priced, nail, "5", None);
    item(free, nothing, "5", None);
    item(outer, inner, "2.5", None);
    item(outer, priced, "3", Some("1.50"));
    item(outer, free, "1", None);
    item(outer, labor, "0.5", None);
    let bid = desk.create::<Bid>(&json!({}));
    let (line, _) =
        desk.add::<BidLineItem>(bid, None, &json!({ "description": "a", "productId": outer })).expect("added");
    let import = |kit: Option<i64>| {
        let import = KitImport { product_id: kit.and_then(ProductId::new) };
        desk.run(&ImportKit { bid, line: line.id, import })
    };
    import(None).expect("imported");
    let items = desk.all::<CostItem>();
    let figures = |item: &Json| {
        ["description", "type", "quantity", "unitCost", "buyTaxPercent", "sellTaxPercent"]
            .map(|name| item[name].clone())
    };
    assert_eq!(
        items.iter().map(figures).collect::<Vec<_>>(),
        [
            [json!("Nail"), json!("material"), json!("2500.00"), json!("0.125"), json!("7.00"), Json::Null],
            // One with a price in this kit, and one of which nothing has a price, are parts.
            [json!("Priced"), json!("other"), json!("3.00"), json!("1.50"), Json::Null, Json::Null],
            [json!("Free"), json!("other"), json!("1.00"), json!("2.00"), Json::Null, Json::Null],
            [json!("Hour"), json!("labor"), json!("0.50"), json!("85.00"), Json::Null, json!("5.00")],
        ]
    );
    assert_eq!(desk.all::<BidLineItem>()[0]["unitPrice"], "361.50");
    assert_eq!(desk.shown::<Bid>(bid)["subtotal"], "383.38", "with the tax on buying nails: 21.875");
    // It is added to what is there.
    import(Some(inner)).expect("imported");
    assert_eq!(desk.all::<CostItem>().len(), 5);
    assert_eq!(refused(import(Some(nail))), [("productId".to_owned(), "invalid_value")]);
    assert_eq!(refused(import(Some(9_999))), [("productId".to_owned(), "not_found")]);
}

#[test]
fn a_duplicate_is_a_draft_with_the_same_sums() {
    let desk = desk();
    let bid = example_a(&desk);
    desk.set::<Bid>(bid, |bid| {
        bid.status = BidStatus::Accepted;
        bid.accepted_at = Some(environment().clock.now());
        bid.due_date = bid.accepted_at;
    });
    let (copy, events) = desk.run(&Duplicate { bid }).expect("duplicated");
    assert_eq!(kinds(&events), ["bid.created"]);
    let (copy, original) = (desk.shown::<Bid>(copy.id), desk.shown::<Bid>(bid));
    assert_eq!(sums(&copy), sums(&original));
    assert_eq!(events[0].data, copy);
    assert_eq!((&copy["status"], &copy["bidNumber"]), (&json!("draft"), &json!("BID-002")));
    assert!(["acceptedAt", "dueDate", "validUntil", "projectId"].iter().all(|name| copy[name].is_null()));
    assert_eq!(
        (desk.all::<BidLineItem>().len(), desk.all::<CostItem>().len(), desk.all::<ProjectCost>().len()),
        (4, 6, 2)
    );
    // It stands on its own: a change of its lines is worked out from its own.
    let line = desk.all::<BidLineItem>().into_iter().find(|line| line["bidId"] == copy["id"]).expect("a line");
    let change = PartChange::Change(
        line["id"].as_i64().expect("an id"),
        draft::<BidLineItem>(&json!({ "quantity": "8" }), &Body::Change),
    );
    desk.run(&WriteBidPart::<BidLineItem>::new(copy["id"].as_i64().expect("an id"), None, change)).expect("changed");
    assert_ne!(sums(&desk.shown::<Bid>(copy["id"].as_i64().expect("an id"))), sums(&original));
    assert_eq!(desk.shown::<Bid>(bid), original);
}

#[test]
fn a_project_has_what_was_signed() {
    let desk = desk();
    let bid = example_a(&desk);
    let convert = |strategy: &str| desk.run(&Convert { bid, conversion: conversion(strategy) });
    assert!(conflict(convert("phases")).contains("accept it first"));
    desk.set::<Bid>(bid, |bid| bid.status = BidStatus::Accepted);
    let (project, events) = convert("phases").expect("converted");
    assert_eq!(kinds(&events), ["project.created", "bid.updated"]);
    let project = snapshot(Project::SHAPE, &project);
    for name in ["originalContractValue", "contractValue"] {
        assert_eq!(project[name], "8930.18");
    }
    assert_eq!((&project["name"], &project["bidId"]), (&json!("BID-001"), &json!(bid)));
    let phases: Vec<_> = desk.all::<ProjectPhase>().iter().map(|phase| phase["name"].clone()).collect();
    assert_eq!(phases, ["M-01 - Curb", "M-02 - Permit"]);
    assert_eq!(desk.shown::<Bid>(bid)["projectId"], project["id"]);
    conflict(convert("blank"));
    let reversal = draft::<bwp_domain::bids::Reversal>(&json!({ "status": "draft" }), &Body::New).filled();
    let revert = || Take { id: bid, action: Action::RevertAcceptance(reversal.clone().expect("a reversal")) };
    assert!(conflict(desk.run(&revert())).contains("project"));
    let id = project["id"].as_i64().expect("an id");
    desk.run(&Delete { family: family::<Project>(), id }).expect("deleted");
    convert("blank").expect("converted again");
    assert_eq!(desk.all::<ProjectPhase>().len(), 2);
}

#[test]
fn a_leads_value_follows_its_newest_open_bid() {
    let desk = desk();
    let stage = desk.create::<LeadStage>(&json!({ "name": "New" }));
    let lead = desk.create::<Lead>(&json!({ "name": "Garage", "stageId": stage, "estimatedValue": "5" }));
    let value = || desk.shown::<Lead>(lead)["estimatedValue"].clone();
    let bid = || desk.create::<Bid>(&json!({ "leadId": lead, "contactId": WITH_EMAIL }));
    let price = |bid: i64, price: &str| {
        desk.add::<BidLineItem>(bid, None, &json!({ "description": "a", "unitPrice": price })).expect("added").1
    };
    let first = bid();
    assert_eq!(value(), "5.00", "a bid of nothing says nothing");
    assert_eq!(kinds(&price(first, "100")), ["bid.updated", "lead.updated"]);
    assert_eq!(value(), "100.00");
    let second = bid();
    assert_eq!(kinds(&price(second, "80")), ["bid.updated", "lead.updated"]);
    assert_eq!(value(), "80.00", "revisions replace each other");
    price(first, "7");
    assert_eq!(value(), "80.00");
    let (_, events) = desk.run(&Take { id: second, action: Action::Reject }).expect("rejected");
    assert_eq!(kinds(&events), ["bid.rejected", "lead.updated"]);
    assert_eq!(value(), "107.00");
    let (_, events) = desk.run(&Delete { family: family::<Bid>(), id: first }).expect("deleted");
    assert_eq!((kinds(&events), value()), (vec!["bid.deleted"], json!("107.00")));
}
