//! Who may change what: every command of every resource, by every kind of caller who may not.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::Arc;

use bwp_domain::{
    bids::{Bid, BidLineItem, CostItem, ProjectCost},
    change_orders::{ChangeOrder, ChangeOrderItem},
    clock::Timestamp,
    comments::Comment,
    contacts::Contact,
    documents::Document,
    execute::{Command, ExecuteError, execute},
    idempotency::RenderedResponse,
    invoices::{Invoice, InvoiceLineItem, InvoicePayment},
    keys::{KeyRefusal, KeyState},
    kit_items::KitItem,
    lead_stages::LeadStage,
    leads::Lead,
    pay_apps::{PayApp, SovLine},
    principal::{Caller, KeyCredential, Principal, Refusal},
    products::Product,
    project_phases::ProjectPhase,
    project_tasks::ProjectTask,
    project_templates::ProjectTemplate,
    projects::Project,
    resource::{Create, Delete, Draft, Family, Record, ResourceError, Restore, Update, family},
    scopes::{ScopeId, ScopeSet},
    sessions::SignedIn,
    signature_requests::SignatureRequest,
    site_logs::SiteLog,
    store::UnitOfWork,
    testing::{Ending, ScriptedStore, ScriptedUnitOfWork, credential, environment, signed_in},
    time_entries::TimeEntry,
    users::Role,
};
use futures_executor::block_on;

/// Every family that has the commands of the kit.
fn families() -> Vec<&'static dyn Family> {
    vec![
        family::<Bid>(),
        family::<BidLineItem>(),
        family::<ChangeOrder>(),
        family::<ChangeOrderItem>(),
        family::<Comment>(),
        family::<Contact>(),
        family::<CostItem>(),
        family::<Document>(),
        family::<Invoice>(),
        family::<InvoiceLineItem>(),
        family::<InvoicePayment>(),
        family::<KitItem>(),
        family::<Lead>(),
        family::<LeadStage>(),
        family::<PayApp>(),
        family::<Product>(),
        family::<Project>(),
        family::<ProjectCost>(),
        family::<ProjectPhase>(),
        family::<ProjectTask>(),
        family::<ProjectTemplate>(),
        family::<SignatureRequest>(),
        family::<SiteLog>(),
        family::<SovLine>(),
        family::<TimeEntry>(),
    ]
}

type Change = Box<dyn Command<dyn UnitOfWork, Output = Record, Error = ResourceError>>;

/// What can be done to a row: by name, with the scopes that it needs.
fn commands(family: &'static dyn Family) -> [(&'static str, &'static [ScopeId], Change); 4] {
    let scopes = family.shape().scopes;
    let draft = Draft::default();
    [
        ("create", scopes.write, Box::new(Create { family, draft: draft.clone() })),
        ("update", scopes.write, Box::new(Update { family, id: 1, draft })),
        ("delete", scopes.delete, Box::new(Delete { family, id: 1 })),
        ("restore", scopes.delete, Box::new(Restore { family, id: 1 })),
    ]
}

/// Why the caller is refused, when the credential that is held is `held`.
fn refusal(command: &Change, caller: &Caller, held: Held) -> Refusal {
    let mut uow = ScriptedUnitOfWork::default();
    match held {
        Held::Key(credential) => {
            uow.credentials.expect_hold().return_once(move |_, _| Ok(Some(credential)));
        }
        Held::Session(signed_in) => {
            uow.credentials.expect_hold_session().return_once(move |_, _| Ok(Some(signed_in)));
        }
    }
    // Nothing else is expected: a row that is looked at fails the test.
    let store = ScriptedStore::new([uow]);
    let render = |_: &Record| RenderedResponse { status: 200, headers: Vec::new(), body: Vec::new() };
    let done = block_on(execute(&store, &environment(), caller, None, &**command, render));
    assert_eq!(store.endings(), [Ending::RolledBack]);
    match done.expect_err("nobody here may") {
        ExecuteError::Refused(refusal) => refusal,
        other => panic!("refused by something else: {other:?}"),
    }
}

enum Held {
    Key(Arc<KeyCredential>),
    Session(Arc<SignedIn>),
}

/// A caller whom the surface asked for no scope: what they may not do is found out by the command alone.
fn caller(principal: Principal) -> Caller {
    Caller { principal, address: None, needs: ScopeSet::EMPTY }
}

#[test]
fn who_may_not_change_a_row_is_refused_by_every_door() {
    for family in families() {
        for (name, scopes, command) in commands(family) {
            let what = format!("{name} a {}", family.shape().one);

            let viewer = Arc::new(signed_in(Role::Viewer));
            let refused = refusal(&command, &caller(Principal::User(Arc::clone(&viewer))), Held::Session(viewer));
            assert!(matches!(refused, Refusal::Scopes { .. }), "{what}, by a viewer: {refused:?}");

            let others: Vec<_> = ScopeId::ALL.iter().copied().filter(|scope| !scopes.contains(scope)).collect();
            let without = Arc::new(credential(&others));
            let refused = refusal(&command, &caller(Principal::Key(Arc::clone(&without))), Held::Key(without));
            assert_eq!(
                refused,
                Refusal::Scopes { missing: ScopeSet::of(scopes) },
                "{what}, by a key without the scope"
            );

            let good = credential(ScopeId::ALL);
            let mut revoked = good.clone();
            revoked.key.state = KeyState::Revoked { at: Timestamp::from_unix_millis(0) };
            let refused = refusal(&command, &caller(Principal::Key(Arc::new(good))), Held::Key(Arc::new(revoked)));
            assert_eq!(refused, Refusal::Key(KeyRefusal::Revoked), "{what}, by a key that was revoked meanwhile");
        }
    }
}

#[test]
fn field_crews_change_no_leads_and_members_delete_none() {
    let refused = |role: Role, at: usize| {
        let (_, _, command) = &commands(family::<Lead>())[at];
        let user = Arc::new(signed_in(role));
        refusal(command, &caller(Principal::User(Arc::clone(&user))), Held::Session(user))
    };
    for (role, at) in [(Role::FieldCrew, 0), (Role::FieldCrew, 1), (Role::Member, 2), (Role::Member, 3)] {
        assert!(matches!(refused(role, at), Refusal::Scopes { .. }), "{role:?}, command {at}");
    }
}
