//! The rules of comments, and whom they notify.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::{Arc, Mutex, PoisonError};

use bwp_domain::{
    comments::{Comment, MOST, thread},
    contacts::Contact,
    execute::{Applied, Command, Context, Failure},
    ids::AccountId,
    leads::Lead,
    notifications::NotificationType,
    principal::Principal,
    projects::Project,
    records::{About, RecordType},
    resource::{
        Create, Delete, Draft, FieldType, Record, Referable, Resource, ResourceError, Update, Value, family,
        ports::Rows,
    },
    store::UnitOfWork,
    testing::{MemoryRows, ScriptedUnitOfWork, environment, open_session, tenant_id, user},
    users::{Role, User},
};
use futures_executor::block_on;

fn as_role(role: Role) -> Principal {
    Principal::User(open_session(role).signed_in.expect("signed in"))
}

/// The account of whoever is signed in.
const OWN: i64 = 5;

fn person(id: i64) -> AccountId {
    AccountId::new(id).expect("positive")
}

/// Who was told of what, by roles that may see it.
type Told = Arc<Mutex<Vec<(NotificationType, Vec<i64>, usize)>>>;

struct Stage {
    rows: MemoryRows,
    told: Told,
    writers: Vec<i64>,
}

impl Stage {
    /// A tenant with a record of every kind that there is, each with the id 7.
    fn new() -> Self {
        let rows = MemoryRows::default();
        for reference in RecordType::ALL.iter().map(|kind| kind.rows()) {
            rows.refer_to(tenant_id(1), reference, 7, false);
        }
        rows.refer_to(tenant_id(1), Project::REFERENCE, 8, false);
        rows.refer_to(tenant_id(1), Project::REFERENCE, 9, true);
        Self { rows, told: Told::default(), writers: Vec::new() }
    }

    fn uow(&self) -> ScriptedUnitOfWork {
        let mut uow = ScriptedUnitOfWork::default();
        uow.memory = Some(self.rows.clone());
        let (told, writers) = (Arc::clone(&self.told), self.writers.clone());
        uow.notifications.expect_notify().returning(move |_, notice, people, roles, _| {
            let people = people.iter().map(|person| person.get()).collect();
            told.lock().unwrap_or_else(PoisonError::into_inner).push((notice.kind, people, roles.len()));
            Ok(())
        });
        uow.notifications.expect_writers().returning(move |_, _| Ok(writers.iter().map(|id| person(*id)).collect()));
        uow.users.expect_find_by_email().returning(|tenant, email| {
            let known = |id: i64| {
                Some(User { account: bwp_domain::testing::account(id, email), ..user(tenant, id, Role::Member) })
            };
            Ok(match &**email {
                "ann@example.com" => known(OWN),
                "bob@example.com" => known(6),
                _ => None,
            })
        });
        uow
    }

    fn run<C>(&self, principal: &Principal, command: &C) -> Result<Record, ResourceError>
    where
        C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
    {
        let (environment, mut uow) = (environment(), self.uow());
        match block_on(command.apply(&Context::new(principal, &environment), &mut uow)) {
            Ok(Applied { output, events, .. }) => {
                assert!(events.is_empty(), "nobody is told of comments");
                Ok(output)
            }
            Err(Failure::Rejected(error)) => Err(error),
            Err(Failure::Store(error)) => panic!("{error}"),
        }
    }

    fn post(
        &self,
        principal: &Principal,
        (kind, id): (RecordType, i64),
        content: &str,
        parent: Option<i64>,
    ) -> Result<Record, ResourceError> {
        let mut draft = Draft::default();
        draft.put(Comment::SHAPE, "entityType", kind.to_value().into_owned());
        draft.put(Comment::SHAPE, "entityId", Value::Integer(id));
        draft.put(Comment::SHAPE, "content", Value::Text(content.to_owned().into()));
        draft.put(Comment::SHAPE, "parentId", parent.map_or(Value::Null, Value::Integer));
        self.run(principal, &Create { family: family::<Comment>(), draft })
    }

    fn edit(&self, principal: &Principal, id: i64, content: &str) -> Result<Record, ResourceError> {
        let mut draft = Draft::default();
        draft.put(Comment::SHAPE, "content", Value::Text(content.to_owned().into()));
        self.run(principal, &Update { family: family::<Comment>(), id, draft })
    }

    fn delete(&self, principal: &Principal, id: i64) -> Result<Record, ResourceError> {
        self.run(principal, &Delete { family: family::<Comment>(), id })
    }

    /// A comment that another person wrote, or a key of nobody's.
    fn stored(&self, kind: RecordType, writer: Option<i64>) -> i64 {
        let values = [
            kind.to_value().into_owned(),
            Value::Integer(7),
            writer.map_or(Value::Null, Value::Integer),
            Value::Text("x".into()),
            Value::Null,
        ];
        let now = environment().clock.now();
        block_on(Rows::insert(&mut self.rows.clone(), tenant_id(1), Comment::SHAPE, &values, now)).expect("stored")
    }

    fn told(&self) -> Vec<(NotificationType, Vec<i64>, usize)> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn refused(result: Result<Record, ResourceError>) -> Vec<(String, &'static str)> {
    match result {
        Err(ResourceError::Invalid(errors)) => {
            errors.iter().map(|error| (error.field.clone(), error.fault.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

const PROJECT: (RecordType, i64) = (RecordType::Project, 7);

#[test]
fn a_comment_is_about_a_record_that_is_there() {
    let stage = Stage::new();
    let admin = as_role(Role::CompanyAdmin);
    let made = stage.post(&admin, PROJECT, "The roof is tight.", None).expect("made");
    let made = made.typed::<Comment>().expect("a comment").details;
    assert_eq!((made.user_id, made.entity_id, made.parent_id), (Some(person(OWN)), 7, None));
    for record in [(RecordType::Project, 99), (RecordType::Project, 9), (RecordType::Bid, 8), (RecordType::Project, 0)]
    {
        let not_found = vec![("entityId".to_owned(), "not_found")];
        assert_eq!(refused(stage.post(&admin, record, "x", None)), not_found);
    }
    let operator = Principal::Operator(tenant_id(1));
    let of_nobody = stage.post(&operator, PROJECT, "x", None).expect("made");
    assert_eq!(of_nobody.typed::<Comment>().expect("a comment").details.user_id, None);
}

#[test]
fn an_answer_is_to_a_live_comment_on_the_same_record() {
    let stage = Stage::new();
    let admin = as_role(Role::CompanyAdmin);
    let first = stage.post(&admin, PROJECT, "a", None).expect("made").id;
    let second = stage.post(&admin, PROJECT, "b", Some(first)).expect("made").id;
    let third = stage.post(&admin, PROJECT, "c", Some(second)).expect("any depth").id;
    let elsewhere = stage.post(&admin, (RecordType::Project, 8), "d", None).expect("made").id;
    stage.delete(&admin, second).expect("deleted");
    for parent in [elsewhere, second, 999] {
        assert_eq!(refused(stage.post(&admin, PROJECT, "x", Some(parent))), [("parentId".to_owned(), "not_found")]);
    }
    assert_eq!(stage.delete(&admin, second), Err(ResourceError::NotFound("comment")));
    // What answers a deleted comment stays as it is.
    let left = stage.edit(&admin, third, "changed").expect("changed").typed::<Comment>().expect("a comment");
    assert_eq!(left.details.parent_id.map(bwp_domain::ids::CommentId::get), Some(second));
}

/// Which records each role sees, as the ruling lists them.
fn seen(role: Role, kind: RecordType) -> bool {
    use RecordType::{Contact, Phase, Project, SiteLog, Task};
    role != Role::FieldCrew || matches!(kind, Project | Phase | Task | SiteLog | Contact)
}

/// Every role, kind of record, and writer: who reads, posts, edits and deletes.
#[test]
fn a_role_may_what_the_table_says() {
    for role in Role::ALL {
        for kind in RecordType::ALL {
            let (stage, principal) = (Stage::new(), as_role(role));
            let sees = seen(role, *kind);
            let what = format!("{role} {kind}");
            let forbidden = |result: Result<Record, ResourceError>| matches!(result, Err(ResourceError::Forbidden(_)));
            // Reading and posting.
            let read = block_on(thread(&stage.rows, tenant_id(1), &principal, About { kind: *kind, id: 7 }));
            let refused = matches!(read, Err(Failure::Rejected(ResourceError::Forbidden(_))));
            assert_eq!((read.is_ok(), refused), (sees, !sees), "{what}");
            let posted = stage.post(&principal, (*kind, 7), "x", None);
            assert_eq!(posted.is_ok(), sees, "{what}");
            assert_eq!(forbidden(posted), !sees, "{what}");
            // Editing and deleting.
            let elevated = matches!(role, Role::CompanyAdmin | Role::Manager);
            for (writer, own) in [(Some(OWN), true), (Some(6), false), (None, false)] {
                let id = stage.stored(*kind, writer);
                let may = sees && (own || elevated);
                let edited = stage.edit(&principal, id, "y");
                assert_eq!((edited.is_ok(), forbidden(edited)), (may, !may), "{what} of {writer:?}");
                let deleted = stage.delete(&principal, id);
                assert_eq!((deleted.is_ok(), forbidden(deleted)), (may, !may), "{what} of {writer:?}");
            }
        }
    }
    // A key may all of it, by its scopes.
    let (stage, operator) = (Stage::new(), Principal::Operator(tenant_id(1)));
    let id = stage.stored(RecordType::Bid, Some(6));
    assert!(stage.edit(&operator, id, "y").is_ok() && stage.delete(&operator, id).is_ok());
}

#[test]
fn those_who_are_named_or_write_in_the_thread_are_told_once() {
    use NotificationType::{Comment as Wrote, Mention};
    let mut stage = Stage::new();
    let admin = as_role(Role::CompanyAdmin);
    stage.post(&admin, PROJECT, "Nobody is named.", None).expect("made");
    assert_eq!(stage.told(), []);
    // The writer is told nothing, and neither are addresses of nobody.
    stage.writers = vec![OWN, 6, 7];
    let text = "@bob@example.com, @ann@example.com and @nobody@example.com: look. @[Eve](user:8) @[Bob](user:6)";
    let made = stage.post(&admin, PROJECT, text, None).expect("made");
    assert_eq!(stage.told(), [(Mention, vec![6, 8], 5), (Wrote, vec![7], 5)]);
    // An edit tells those whom it names anew, and nobody else.
    stage.edit(&admin, made.id, &format!("{text} @[Zoe](user:9)")).expect("changed");
    assert_eq!(stage.told(), [(Mention, vec![9], 5)]);
    stage.edit(&admin, made.id, "No names any more.").expect("changed");
    assert_eq!(stage.told(), []);
    // Field crew does not see leads.
    stage.post(&admin, (RecordType::Lead, 7), "@bob@example.com", None).expect("made");
    assert_eq!(stage.told(), [(Mention, vec![6], 4), (Wrote, vec![7], 4)]);
    // A key of nobody's is nobody: all are told.
    let operator = Principal::Operator(tenant_id(1));
    stage.post(&operator, PROJECT, "@ann@example.com", None).expect("made");
    assert_eq!(stage.told(), [(Mention, vec![OWN], 5), (Wrote, vec![6, 7], 5)]);
}

#[test]
fn a_thread_is_whole_and_in_order() {
    let stage = Stage::new();
    let operator = Principal::Operator(tenant_id(1));
    let about = About { kind: RecordType::Project, id: 7 };
    let read = || block_on(thread(&stage.rows, tenant_id(1), &operator, about)).expect("a thread");
    let ids: Vec<i64> = (0..MOST).map(|_| stage.stored(RecordType::Project, None)).collect();
    stage.stored(RecordType::Contact, None);
    let (shown, more) = read();
    assert_eq!((shown.iter().map(|comment| comment.id).collect::<Vec<_>>(), more), (ids.clone(), false));
    // One more: the newest are shown.
    let last = stage.stored(RecordType::Project, None);
    let (shown, more) = read();
    assert_eq!((shown.len(), shown[0].id, shown[MOST - 1].id, more), (MOST, ids[1], last, true));
    let absent = block_on(thread(&stage.rows, tenant_id(1), &operator, About { id: 99, ..about }));
    assert!(matches!(absent, Err(Failure::Rejected(ResourceError::NotFound(_)))));
}

/// Every kind of record is one of the resources that there are.
#[test]
fn each_kind_of_record_has_its_own_rows() {
    let tables: Vec<_> = RecordType::ALL.iter().map(|kind| kind.rows().table).collect();
    for known in [Contact::REFERENCE, Lead::REFERENCE, Project::REFERENCE] {
        assert_eq!(tables.iter().filter(|table| **table == known.table).count(), 1, "{}", known.table);
    }
}
