//! The rules of products and kits.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bwp_domain::{
    events::Event,
    execute::{Applied, Command, Context, Failure},
    fields::FieldErrors,
    ids::TenantId,
    kit_items::{ChangeKit, KitChange, KitItem},
    principal::Principal,
    products::{Duplicate, Product, Usage, usage},
    resource::{
        Body, Create, Delete, Draft, Filter, Many, Record, Resource, ResourceError, Shape, Undelete, Update, Value,
        family, ports::RowReader, snapshot,
    },
    store::UnitOfWork,
    testing::{MemoryRows, ScriptedUnitOfWork, environment, tenant_id},
    text::Text,
};
use futures_executor::block_on;
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value as Json, json};

/// A tenant's products in memory.
#[derive(Default)]
struct Catalogue {
    rows: MemoryRows,
    numbers: Arc<AtomicU32>,
}

type Refused<T> = Result<T, ResourceError>;

impl Catalogue {
    fn tenant() -> TenantId {
        tenant_id(1)
    }

    fn apply<C, T: Send>(&self, command: &C) -> Refused<(T, Vec<Event>)>
    where
        C: Command<dyn UnitOfWork, Output = T, Error = ResourceError>,
    {
        let mut uow = ScriptedUnitOfWork::default();
        uow.memory = Some(self.rows.clone());
        let numbers = Arc::clone(&self.numbers);
        uow.numbers.expect_next().returning(move |_, _| {
            let number = numbers.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(Text::parse(format!("P-{number:05}")).expect("a text"))
        });
        let (environment, principal) = (environment(), Principal::Operator(Self::tenant()));
        match block_on(command.apply(&Context::new(&principal, &environment), &mut uow)) {
            Ok(Applied { output, events, .. }) => Ok((output, events)),
            Err(Failure::Rejected(error)) => Err(error),
            Err(Failure::Store(error)) => panic!("{error}"),
        }
    }

    fn create(&self, body: &Json) -> Refused<(Json, Vec<Event>)> {
        let draft = draft(Product::SHAPE, &Body::New, body);
        let (record, events) = self.apply(&Create { family: family::<Product>(), draft })?;
        Ok((shown(Product::SHAPE, &record), events))
    }

    /// The id of a new product of this body.
    fn made(&self, body: &Json) -> i64 {
        let mut named = json!({ "name": "Brick" });
        named.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
        self.create(&named).expect("made").0["id"].as_i64().expect("an id")
    }

    fn patch(&self, id: i64, body: &Json) -> Refused<(Json, Vec<Event>)> {
        let draft = draft(Product::SHAPE, &Body::Change, body);
        let (record, events) = self.apply(&Update { family: family::<Product>(), id, draft })?;
        Ok((shown(Product::SHAPE, &record), events))
    }

    fn delete(&self, id: i64) {
        self.apply(&Delete { family: family::<Product>(), id }).expect("deleted");
    }

    fn kit(&self, kit: i64, change: KitChange) -> Refused<(Vec<Json>, Vec<Event>)> {
        let (items, events) = self.apply(&ChangeKit { kit, change })?;
        Ok((items.iter().map(|item| shown(KitItem::SHAPE, item)).collect(), events))
    }

    fn add(&self, kit: i64, body: &Json) -> Refused<(Vec<Json>, Vec<Event>)> {
        self.kit(kit, KitChange::Add(draft(KitItem::SHAPE, &Body::New, body)))
    }

    /// Puts so many of a component into a kit, and gives the item's id.
    fn put(&self, kit: i64, component: i64, quantity: &str) -> i64 {
        let body = json!({ "componentProductId": component, "defaultQuantity": quantity });
        self.add(kit, &body).expect("added").0[0]["id"].as_i64().expect("an id")
    }

    fn change(&self, kit: i64, item: i64, body: &Json) -> Refused<(Vec<Json>, Vec<Event>)> {
        self.kit(kit, KitChange::Change(item, draft(KitItem::SHAPE, &Body::Change, body)))
    }

    fn get(&self, id: i64) -> Json {
        let found = block_on(self.rows.get(Self::tenant(), Product::SHAPE, id)).expect("an answer");
        shown(Product::SHAPE, &found.expect("a product"))
    }

    /// What is shown as its cost and as its price.
    fn prices(&self, id: i64) -> (Option<String>, Option<String>) {
        let product = self.get(id);
        let text = |name: &str| product[name].as_str().map(str::to_owned);
        (text("costPrice"), text("sellPrice"))
    }

    fn items(&self, kit: i64) -> Vec<Json> {
        let within = Filter::is(KitItem::SHAPE, "kitProductId", Value::Integer(kit));
        let order = KitItem::SHAPE.places(&["sortOrder"])[0];
        let found = block_on(self.rows.all(Self::tenant(), KitItem::SHAPE, &within, order)).expect("items");
        found.iter().map(|item| shown(KitItem::SHAPE, item)).collect()
    }

    fn usage(&self, id: i64) -> Option<Usage> {
        block_on(usage(&self.rows, Self::tenant(), id)).expect("an answer")
    }
}

fn draft(shape: &'static Shape, kind: &Body, body: &Json) -> Draft {
    Draft::read(shape, kind, body.as_object().expect("an object"), FieldErrors::new()).expect("a good body")
}

fn shown(shape: &'static Shape, record: &Record) -> Json {
    snapshot(shape, record).into()
}

fn faults<T: std::fmt::Debug>(refused: Refused<T>) -> Vec<(String, &'static str)> {
    let Err(ResourceError::Invalid(errors)) = refused else { panic!("{refused:?}") };
    errors.iter().map(|error| (error.field.clone(), error.fault.code)).collect()
}

fn fault(field: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.to_owned(), code)]
}

fn conflict<T: std::fmt::Debug>(refused: Refused<T>) -> String {
    let Err(ResourceError::Conflict(why)) = refused else { panic!("{refused:?}") };
    why
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside prices that are null")]
fn price(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind).collect()
}

#[test]
fn a_new_product_is_a_material_that_is_used_and_has_the_next_number() {
    let catalogue = Catalogue::default();
    let (made, events) = catalogue.create(&json!({ "name": "Brick" })).expect("made");
    for (field, value) in [
        ("sku", json!("P-00001")),
        ("type", json!("material")),
        ("isKit", json!(false)),
        ("isActive", json!(true)),
        ("costPrice", Json::Null),
        ("sellTaxPercent", Json::Null),
        ("deletedAt", Json::Null),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(kinds(&events), ["product.created"]);
    assert_eq!(events[0].data, made);
}

#[test]
fn a_sku_that_is_blank_is_the_next_number() {
    let catalogue = Catalogue::default();
    for blank in [json!(null), json!(""), json!("  ")] {
        let number = |body: &Json| {
            let (product, _) = catalogue.create(body).expect("made");
            (product["id"].as_i64().expect("an id"), product["sku"].as_str().expect("a text").to_owned())
        };
        let (id, sku) = number(&json!({ "name": "Brick", "sku": blank }));
        assert!(sku.starts_with("P-0"), "{sku}");
        let (changed, _) = catalogue.patch(id, &json!({ "sku": blank })).expect("changed");
        assert!(changed["sku"].as_str().is_some_and(|new| new.starts_with("P-0") && new > sku.as_str()), "{changed}");
    }
    let (made, _) = catalogue.create(&json!({ "name": "Brick", "sku": "  B-1 " })).expect("made");
    assert_eq!(made["sku"], "B-1");
}

#[test]
fn one_live_product_alone_has_a_sku() {
    let catalogue = Catalogue::default();
    let id = catalogue.made(&json!({ "sku": "Br-1" }));
    let why = conflict(catalogue.create(&json!({ "name": "Other", "sku": "bR-1" })));
    assert!(why.contains("`sku`") && why.contains("bR-1"), "{why}");
    let other = catalogue.made(&json!({ "sku": "Br-2" }));
    conflict(catalogue.patch(other, &json!({ "sku": "BR-1" })));
    assert_eq!(catalogue.get(other)["sku"], "Br-2");
    // Its own may be written otherwise, and that of a deleted one is free until it is restored.
    assert_eq!(catalogue.patch(id, &json!({ "sku": "BR-1" })).expect("changed").0["sku"], "BR-1");
    catalogue.delete(id);
    catalogue.patch(other, &json!({ "sku": "br-1" })).expect("changed");
    conflict(catalogue.apply(&Undelete { family: family::<Product>(), id }));
    catalogue.patch(other, &json!({ "sku": "br-3" })).expect("changed");
    let (restored, events) = catalogue.apply(&Undelete { family: family::<Product>(), id }).expect("restored");
    assert_eq!(shown(Product::SHAPE, &restored)["sku"], "BR-1");
    assert_eq!(kinds(&events), ["product.updated"]);
    assert!(!events[0].previous_attributes.as_ref().expect("some")["deletedAt"].is_null());
    let (again, events) = catalogue.apply(&Undelete { family: family::<Product>(), id }).expect("it is there");
    assert_eq!((again, kinds(&events)), (restored, Vec::new()));
    assert_eq!(
        catalogue.apply(&Undelete { family: family::<Product>(), id: 99 }).map(|_| ()),
        Err(ResourceError::NotFound("product"))
    );
}

#[test]
fn when_it_was_deleted_cannot_be_set() {
    let catalogue = Catalogue::default();
    let (made, _) = catalogue.create(&json!({ "name": "Brick", "deletedAt": "2026-01-31" })).expect("made");
    assert_eq!(made["deletedAt"], Json::Null);
    let id = made["id"].as_i64().expect("an id");
    let (same, events) = catalogue.patch(id, &json!({ "deletedAt": "2026-01-31T08:00:00Z" })).expect("nothing");
    assert_eq!((same, events.len()), (made, 0));
}

#[test]
fn a_kit_costs_what_its_components_cost() {
    let catalogue = Catalogue::default();
    let kit = catalogue.made(&json!({ "costPrice": "100", "sellPrice": "150" }));
    let (plain, brick) =
        (catalogue.made(&json!({})), catalogue.made(&json!({ "costPrice": "0.125", "sellPrice": "0.3333" })));
    // Without a component that has a price it shows its own.
    let (items, events) = catalogue.add(kit, &json!({ "componentProductId": plain })).expect("added");
    assert_eq!((&items[0]["defaultQuantity"], &items[0]["sortOrder"]), (&json!("1.00"), &json!(1)));
    assert_eq!(kinds(&events), ["product.updated"]);
    assert_eq!(events[0].previous_attributes.as_ref().expect("some")["isKit"], false);
    assert_eq!(catalogue.prices(kit), (price("100.00"), price("150.00")));
    // 3 x 0.125 = 0.375, 3 x 0.3333 = 0.9999: rounded once, half away from zero. Null counts 0.
    let item = catalogue.put(kit, brick, "3");
    assert_eq!(catalogue.prices(kit), (price("0.38"), price("1.00")));
    let (_, events) =
        catalogue.change(kit, item, &json!({ "defaultQuantity": "5", "overrideCostPrice": "2" })).expect("changed");
    assert_eq!(catalogue.prices(kit), (price("10.00"), price("1.67")));
    assert_eq!(events[0].data, catalogue.get(kit));
    assert_eq!(events[0].previous_attributes.as_ref().expect("some")["costPrice"], "0.38");
    // What is sent for a sum is ignored, and sending all of it back changes nothing.
    let before = catalogue.get(kit);
    assert_eq!(catalogue.patch(kit, &json!({ "costPrice": "7" })).expect("ignored").1.len(), 0);
    assert_eq!(catalogue.patch(kit, &before).expect("nothing").1.len(), 0);
    assert_eq!(catalogue.get(kit), before);
    // The last component with a price is gone, or it is no kit: its own are back.
    catalogue.patch(kit, &json!({ "isKit": false, "sellPrice": "160" })).expect("changed");
    assert_eq!(catalogue.prices(kit), (price("100.00"), price("160.00")));
    assert_eq!(catalogue.items(kit).len(), 2);
    catalogue.patch(kit, &json!({ "isKit": true })).expect("changed");
    assert_eq!(catalogue.prices(kit), (price("10.00"), price("1.67")));
    let (_, events) = catalogue.kit(kit, KitChange::Remove(item)).expect("removed");
    assert_eq!(kinds(&events), ["product.updated"]);
    assert_eq!(catalogue.prices(kit), (price("100.00"), price("160.00")));
}

#[test]
fn a_nested_kit_is_not_rounded_by_itself() {
    let catalogue = Catalogue::default();
    let [brick, inner, outer] =
        [json!({ "costPrice": "0.125", "sellPrice": "0.25" }), json!({}), json!({})].map(|body| catalogue.made(&body));
    catalogue.put(inner, brick, "1");
    let item = catalogue.put(outer, inner, "1000");
    assert_eq!(catalogue.prices(inner), (price("0.13"), price("0.25")));
    assert_eq!(catalogue.prices(outer), (price("125.00"), price("250.00")));
    // With a price of its own in the kit it is one part, which costs that and is sold as it is shown.
    catalogue.patch(brick, &json!({ "sellPrice": "0.2249" })).expect("changed");
    assert_eq!(catalogue.prices(outer), (price("125.00"), price("224.90")));
    catalogue.change(outer, item, &json!({ "overrideCostPrice": "0.13" })).expect("changed");
    assert_eq!(catalogue.prices(outer), (price("130.00"), price("220.00")));
}

#[test]
fn the_kits_above_follow_a_price_without_an_event_of_theirs() {
    let catalogue = Catalogue::default();
    let [brick, wall, house] = [json!({ "costPrice": "1" }), json!({}), json!({})].map(|body| catalogue.made(&body));
    catalogue.put(wall, brick, "10");
    catalogue.put(house, wall, "4");
    let before = catalogue.get(house);
    let (_, events) = catalogue.patch(brick, &json!({ "costPrice": "1.5" })).expect("changed");
    assert_eq!(kinds(&events), ["product.updated"]);
    assert_eq!(events[0].data["id"], brick);
    assert_eq!((catalogue.prices(wall).0, catalogue.prices(house).0), (price("15.00"), price("60.00")));
    assert_eq!(catalogue.get(house)["updatedAt"], before["updatedAt"]);
    // Also through a kit that is deleted, and when an item in the middle changes.
    catalogue.delete(wall);
    assert_eq!(catalogue.prices(house).0, price("60.00"));
    assert_eq!(catalogue.items(house)[0]["componentDeleted"], true);
    catalogue.patch(brick, &json!({ "costPrice": "2" })).expect("changed");
    assert_eq!(catalogue.prices(house).0, price("80.00"));
    let (restored, _) = catalogue.apply(&Undelete { family: family::<Product>(), id: wall }).expect("restored");
    assert_eq!(shown(Product::SHAPE, &restored)["costPrice"], "20.00");
    assert_eq!(catalogue.items(house)[0]["componentDeleted"], false);
    let item = catalogue.items(wall)[0]["id"].as_i64().expect("an id");
    catalogue.change(wall, item, &json!({ "defaultQuantity": "1" })).expect("changed");
    assert_eq!(catalogue.prices(house).0, price("8.00"));
    // A component that is deleted counts on at its last price.
    catalogue.delete(brick);
    assert_eq!(catalogue.prices(house).0, price("8.00"));
    assert_eq!(catalogue.items(wall)[0]["componentDeleted"], true);
}

#[test]
fn no_kit_is_in_itself() {
    let catalogue = Catalogue::default();
    let [one, two, three] = [(); 3].map(|()| catalogue.made(&json!({})));
    let within = |kit: i64, component: i64| catalogue.add(kit, &json!({ "componentProductId": component }));
    let wrong = fault("componentProductId", "invalid_value");
    assert_eq!(faults(within(one, one)), wrong);
    let catalogue = Catalogue::default();
    let [one, two, three] = [one, two, three].map(|_| catalogue.made(&json!({})));
    let within = |kit: i64, component: i64| catalogue.add(kit, &json!({ "componentProductId": component }));
    within(one, two).expect("added");
    within(two, three).expect("added");
    within(one, three).expect("a second way");
    // Also while one of them is no kit: it may become one again.
    catalogue.patch(two, &json!({ "isKit": false })).expect("changed");
    assert_eq!(faults(within(three, one)), wrong);
}

#[test]
fn at_most_five_kits_are_on_a_path() {
    let chain = |kits: usize| {
        let catalogue = Catalogue::default();
        let ids: Vec<_> = (0..=kits).map(|_| catalogue.made(&json!({ "costPrice": "1" }))).collect();
        (catalogue, ids)
    };
    let within = |catalogue: &Catalogue, kit: i64, component: i64| {
        catalogue.add(kit, &json!({ "componentProductId": component, "defaultQuantity": "2" }))
    };
    let (catalogue, ids) = chain(5);
    ids.windows(2).for_each(|pair| drop(within(&catalogue, pair[0], pair[1]).expect("added")));
    assert_eq!(catalogue.prices(ids[0]).0, price("32.00"));
    let wrong = fault("componentProductId", "invalid_value");
    // One more above, one more below, and two halves that are too long together.
    let top = catalogue.made(&json!({}));
    assert_eq!(faults(within(&catalogue, top, ids[0])), wrong);
    let (catalogue, ids) = chain(6);
    ids[..6].windows(2).for_each(|pair| drop(within(&catalogue, pair[0], pair[1]).expect("added")));
    assert_eq!(faults(within(&catalogue, ids[5], ids[6])), wrong);
    let (catalogue, ids) = chain(6);
    for (n, pair) in ids.windows(2).enumerate().filter(|(n, _)| *n != 3) {
        within(&catalogue, pair[0], pair[1]).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    assert_eq!(faults(within(&catalogue, ids[3], ids[4])), wrong);
}

#[test]
fn what_a_kit_has_is_kept_in_order() {
    let catalogue = Catalogue::default();
    let kit = catalogue.made(&json!({}));
    let items: Vec<_> = (0..4).map(|_| catalogue.put(kit, catalogue.made(&json!({})), "1")).collect();
    let ids = |items: &[Json]| items.iter().map(|item| item["id"].as_i64().expect("an id")).collect::<Vec<_>>();
    let (moved, events) = catalogue.kit(kit, KitChange::Reorder(vec![items[2], items[0]])).expect("moved");
    assert_eq!(ids(&moved), [items[2], items[0], items[1], items[3]]);
    assert_eq!((ids(&catalogue.items(kit)), kinds(&events)), (ids(&moved), vec!["product.updated"]));
    let (same, events) = catalogue.kit(kit, KitChange::Reorder(ids(&moved))).expect("the same");
    assert_eq!((same, events.len()), (moved, 0));
    let other = catalogue.made(&json!({}));
    let foreign = catalogue.put(other, catalogue.made(&json!({})), "1");
    let refused = catalogue.kit(kit, KitChange::Reorder(vec![foreign, items[0], items[0]]));
    let expected = [fault("orderedIds[0]", "not_found"), fault("orderedIds[2]", "invalid_value")].concat();
    assert_eq!(faults(refused), expected);
    for change in [KitChange::Remove(foreign), KitChange::Change(foreign, Draft::default())] {
        assert_eq!(catalogue.kit(kit, change).map(|_| ()), Err(ResourceError::NotFound("kit item")));
    }
    // A place may be chosen, and no place is the end.
    let (moved, _) = catalogue.change(kit, items[3], &json!({ "sortOrder": -1 })).expect("moved");
    assert_eq!(moved[0]["sortOrder"], -1);
    let (moved, _) = catalogue.change(kit, items[3], &json!({ "sortOrder": null })).expect("moved");
    assert_eq!(moved[0]["sortOrder"], 4);
    let (_, events) = catalogue.change(kit, items[3], &json!({ "sortOrder": 4 })).expect("nothing");
    assert_eq!(events.len(), 0);
    let another = json!({ "componentProductId": other });
    assert_eq!(faults(catalogue.change(kit, items[3], &another)), fault("componentProductId", "read_only"));
}

#[test]
fn what_would_cost_too_much_is_refused_by_the_fields_that_say_so() {
    let catalogue = Catalogue::default();
    let (kit, most) = (catalogue.made(&json!({})), "999999999999.9999");
    let brick = catalogue.made(&json!({ "costPrice": "1" }));
    let item = catalogue.put(kit, brick, "999999999999.99");
    assert_eq!(catalogue.prices(kit).0, price("999999999999.99"));
    let refused = catalogue.patch(brick, &json!({ "costPrice": "1.1" }));
    assert_eq!(faults(refused), fault("costPrice", "too_large"));
    assert_eq!(
        faults(catalogue.change(kit, item, &json!({ "overrideCostPrice": most }))),
        fault("overrideCostPrice", "too_large")
    );
    let catalogue = Catalogue::default();
    let (kit, brick) = (catalogue.made(&json!({})), catalogue.made(&json!({ "sellPrice": most })));
    let two = json!({ "componentProductId": brick, "defaultQuantity": "2" });
    assert_eq!(faults(catalogue.add(kit, &two)), fault("defaultQuantity", "too_large"));
}

#[test]
fn a_copy_has_what_is_in_the_kit_and_a_number_of_its_own() {
    let catalogue = Catalogue::default();
    let brick = catalogue.made(&json!({ "costPrice": "2" }));
    let kit = catalogue.made(&json!({
        "name": "x".repeat(255), "sku": "K", "costPrice": "9", "sellPrice": "12", "qboId": "5", "qboSyncToken": "1",
        "qboLastSyncedAt": "2026-01-31", "isActive": false,
    }));
    catalogue.put(kit, brick, "3");
    catalogue.delete(brick);
    let (copy, events) = catalogue.apply(&Duplicate { product: kit }).expect("copied");
    assert_eq!(kinds(&events), ["product.created"]);
    let copied = shown(Product::SHAPE, &copy);
    assert_eq!(events[0].data, copied);
    let mut expected = catalogue.get(kit);
    for field in ["id", "sku", "createdAt", "updatedAt"] {
        expected[field] = copied[field].clone();
    }
    expected["name"] = json!(format!("{} (Copy)", "x".repeat(248)));
    for field in ["qboId", "qboSyncToken", "qboLastSyncedAt"] {
        expected[field] = Json::Null;
    }
    assert_eq!(copied, expected);
    assert_eq!(
        (copied["sku"].as_str().map(|sku| sku.starts_with("P-")), &copied["costPrice"]),
        (Some(true), &json!("6.00"))
    );
    let items = catalogue.items(copy.id);
    assert_eq!(
        (items.len(), &items[0]["componentProductId"], &items[0]["componentDeleted"]),
        (1, &json!(brick), &json!(true))
    );
    // Without them it has its own.
    let item = items[0]["id"].as_i64().expect("an id");
    catalogue.kit(copy.id, KitChange::Remove(item)).expect("removed");
    assert_eq!(catalogue.prices(copy.id), (price("9.00"), price("12.00")));
    assert_eq!(catalogue.prices(kit).0, price("6.00"));
}

#[test]
fn many_are_deleted_and_restored_as_far_as_that_can_be() {
    let catalogue = Catalogue::default();
    let ids: Vec<_> = ["a", "b", "c"].map(|sku| catalogue.made(&json!({ "sku": sku }))).into();
    let bulk = |ids: &[i64], restore: bool| {
        let ids: BTreeSet<_> = ids.iter().copied().collect();
        let (count, events) = catalogue.apply(&Many { family: family::<Product>(), ids, restore }).expect("done");
        (count, kinds(&events).iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(bulk(&[ids[0], ids[1], 99], false), (2, vec!["product.deleted".to_owned(); 2]));
    assert_eq!(bulk(&ids, false), (1, vec!["product.deleted".to_owned()]));
    catalogue.made(&json!({ "sku": "B" }));
    assert_eq!(bulk(&[ids[0], ids[1], ids[2], 99], true), (2, vec!["product.updated".to_owned(); 2]));
    assert_eq!(bulk(&ids, true), (0, Vec::new()));
}

#[test]
fn a_product_is_used_in_live_kits() {
    let catalogue = Catalogue::default();
    let brick = catalogue.made(&json!({}));
    let kits: Vec<_> = (0..3).map(|_| catalogue.made(&json!({}))).collect();
    for kit in &kits {
        catalogue.put(*kit, brick, "1");
    }
    catalogue.put(kits[0], brick, "2");
    assert_eq!(catalogue.usage(brick), Some(Usage { kits: 3 }));
    catalogue.delete(kits[1]);
    catalogue.patch(kits[2], &json!({ "isKit": false })).expect("changed");
    assert_eq!(catalogue.usage(brick), Some(Usage { kits: 1 }));
    catalogue.delete(brick);
    assert_eq!(catalogue.usage(brick), None);
}

/// A product of a made-up catalogue, which comes behind what is in it.
#[derive(Clone, Debug)]
struct Part {
    prices: [Option<Decimal>; 2],
    /// Which earlier product, how many, and what it costs here.
    items: Vec<(usize, Decimal, Option<Decimal>)>,
}

/// What each product costs or is sold for, before it is rounded, and whether that is the sum of its components: by going down each path
/// of a kit to its end, and not as the rules do it.
fn by_hand(parts: &[Part], at: usize) -> Vec<(Option<Decimal>, bool)> {
    fn ends(
        parts: &[Part],
        kit: usize,
        at: usize,
        factor: Decimal,
        known: &[(Option<Decimal>, bool)],
        found: &mut Vec<Decimal>,
    ) {
        for (component, quantity, instead) in &parts[kit].items {
            let so_many = factor * quantity;
            match (instead, known[*component]) {
                (Some(instead), _) if at == 0 => found.push(so_many * instead),
                // A kit that is not opened is one part, as it is shown.
                (Some(_), (Some(price), true)) => found.push(so_many * cents(price)),
                (None, (Some(_), true)) => ends(parts, *component, at, so_many, known, found),
                (_, (Some(price), false)) => found.push(so_many * price),
                (_, (None, _)) => {}
            }
        }
    }
    let mut known = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let mut found = Vec::new();
        ends(parts, n, at, Decimal::ONE, &known, &mut found);
        let rolled = !found.is_empty();
        known.push((if rolled { Some(found.into_iter().sum()) } else { part.prices[at] }, rolled));
    }
    known
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn decimal(most: i64) -> impl Strategy<Value = Decimal> {
    (1..most).prop_map(|units| Decimal::new(units, 3))
}

/// Three plain products and two kits on each of five levels, each kit with one product of the level below at least.
fn catalogues() -> impl Strategy<Value = Vec<Part>> {
    let prices = || [prop::option::of(decimal(9_999)), prop::option::of(decimal(9_999))];
    let plain = prop::collection::vec(prices().prop_map(|prices| Part { prices, items: Vec::new() }), 3);
    let kit = move |level: usize| {
        let below = if level == 0 { 0..3 } else { 3 + 2 * (level - 1)..3 + 2 * level };
        let item = |from: std::ops::Range<usize>| (from, decimal(9_999), prop::option::weighted(0.2, decimal(9_999)));
        (prices(), item(below.clone()), prop::collection::vec(item(0..below.end), 0..3))
            .prop_map(|(prices, first, more)| Part { prices, items: [vec![first], more].concat() })
    };
    let kits: Vec<_> = (0..10).map(|n| kit(n / 2)).collect();
    (plain, kits).prop_map(|(plain, kits)| [plain, kits].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn kits_of_depth_5_roll_up_as_by_hand(parts in catalogues(), changed in 0_usize..3, to in decimal(9_999)) {
        let mut parts = parts;
        let catalogue = Catalogue::default();
        let text = |price: &Option<Decimal>| price.map(|price| price.to_string());
        let ids: Vec<_> = parts
            .iter()
            .map(|part| catalogue.made(&json!({ "costPrice": text(&part.prices[0]), "sellPrice": text(&part.prices[1]) })))
            .collect();
        // From above: each kit changes when what is in it comes to have components.
        for (n, part) in parts.iter().enumerate().rev() {
            for (component, quantity, instead) in &part.items {
                let item = json!({
                    "componentProductId": ids[*component], "defaultQuantity": quantity.to_string(),
                    "overrideCostPrice": text(instead),
                });
                catalogue.add(ids[n], &item).expect("added");
            }
        }
        let agrees = |parts: &[Part]| {
            let (costs, prices) = (by_hand(parts, 0), by_hand(parts, 1));
            for (n, id) in ids.iter().enumerate() {
                let (cost, price) = catalogue.prices(*id);
                let shown = [cost, price].map(|text| text.map(|text| Decimal::from_str_exact(&text).expect("a number")));
                let rounded = |(price, rolled): (Option<Decimal>, bool)| price.map(|price| if rolled { cents(price) } else { price });
                prop_assert_eq!(shown, [costs[n], prices[n]].map(rounded), "product {} of {:?}", n, parts);
            }
            Ok(())
        };
        agrees(&parts)?;
        catalogue.patch(ids[changed], &json!({ "costPrice": to.to_string(), "sellPrice": null })).expect("changed");
        parts[changed].prices = [Some(to), None];
        agrees(&parts)?;
    }
}
