//! The rules of documents.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    contacts::Contact,
    documents::{Document, Upload},
    execute::{Applied, Command, Context, Failure},
    files::{
        FileName, Measure, MediaType,
        ports::{Kept, StoredBytes},
    },
    leads::Lead,
    paging::{Limit, PageRequest},
    principal::Principal,
    projects::Project,
    records::{About, RecordType},
    resource::{
        Delete, Draft, FieldType, Filter, Record, Referable, Resource, ResourceError, Update, Value, family,
        ports::{RowReader, Rows},
    },
    store::UnitOfWork,
    testing::{MemoryRows, ScriptedUnitOfWork, SequentialEntropy, environment, open_session, tenant_id},
    text::Text,
    users::Role,
};
use futures_executor::block_on;

fn as_role(role: Role) -> Principal {
    Principal::User(open_session(role).signed_in.expect("signed in"))
}

fn run<C>(principal: &Principal, mut uow: ScriptedUnitOfWork, command: &C) -> Result<Record, ResourceError>
where
    C: Command<dyn UnitOfWork, Output = Record, Error = ResourceError>,
{
    let environment = environment();
    match block_on(command.apply(&Context::new(principal, &environment), &mut uow)) {
        Ok(Applied { output, events, .. }) => {
            assert!(events.is_empty(), "nobody is told of documents");
            Ok(output)
        }
        Err(Failure::Rejected(error)) => Err(error),
        Err(Failure::Store(error)) => panic!("{error}"),
    }
}

fn bytes(text: &str) -> StoredBytes {
    let mut measure = Measure::default();
    measure.take(text.as_bytes());
    let measured = measure.end();
    let name = FileName::generate(FileName::DOCUMENTS, &SequentialEntropy::default());
    StoredBytes { name, digest: measured.digest, size: measured.size }
}

fn upload(kind: RecordType, id: i64, quota: Option<u64>) -> Upload {
    Upload {
        about: About { kind, id },
        name: Text::parse("plan.pdf".to_owned()).expect("a text"),
        media_type: MediaType::of(b"%PDF-1.7", "plan.pdf"),
        bytes: bytes("%PDF-1.7"),
        draft: Draft::default(),
        quota,
    }
}

/// A contact, a lead and a project of the tenant, each with the id 7.
fn rows() -> MemoryRows {
    let rows = MemoryRows::default();
    for reference in [Contact::REFERENCE, Lead::REFERENCE, Project::REFERENCE] {
        rows.refer_to(tenant_id(1), reference, 7, false);
    }
    rows.refer_to(tenant_id(1), Project::REFERENCE, 8, true);
    rows.refer_to(tenant_id(2), Project::REFERENCE, 9, false);
    // The one who is signed in.
    rows
}

/// A unit of work in which the tenant keeps so many bytes once it keeps the new ones, under another name if `known` says so.
fn uow(rows: &MemoryRows, known: Option<FileName>, total: u64) -> ScriptedUnitOfWork {
    let mut uow = over(rows);
    uow.files
        .expect_keep()
        .returning(move |_, bytes, _| Ok(Kept { name: known.clone().unwrap_or_else(|| bytes.name.clone()), total }));
    uow
}

/// A unit of work over these rows.
fn over(rows: &MemoryRows) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.memory = Some(rows.clone());
    uow
}

fn document(kind: RecordType) -> Vec<Value<'static>> {
    let document = Document {
        entity_type: kind,
        entity_id: 7,
        original_filename: Text::parse("plan.pdf".to_owned()).expect("a text"),
        storage_path: Text::parse(bytes("x").name.as_str().to_owned()).expect("a text"),
        mime_type: Text::parse("application/pdf".to_owned()).expect("a text"),
        file_size: 1,
        category: None,
        description: None,
        uploaded_by: None,
    };
    document.to_values().into_iter().map(Value::into_owned).collect()
}

#[test]
fn an_upload_is_on_a_record_that_is_there() {
    let operator = Principal::Operator(tenant_id(1));
    let made = run(&operator, uow(&rows(), None, 8), &upload(RecordType::Project, 7, None)).expect("made");
    let made = made.typed::<Document>().expect("a document").details;
    assert_eq!((made.entity_type, made.entity_id, made.file_size), (RecordType::Project, 7, 8));
    assert_eq!((&*made.mime_type, &*made.storage_path), ("application/pdf", bytes("").name.as_str()));
    for (kind, id) in [
        (RecordType::Project, 99),
        (RecordType::Project, 8),
        (RecordType::Project, 9),
        (RecordType::Project, -7),
        (RecordType::Project, i64::MAX),
        // There is no such bid.
        (RecordType::Bid, 7),
    ] {
        let mut untouched = uow(&rows(), None, 8);
        untouched.files.checkpoint();
        let Err(ResourceError::Invalid(errors)) = run(&operator, untouched, &upload(kind, id, None)) else {
            panic!("{kind} {id}");
        };
        let named: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
        assert_eq!(named, [("entityId", "not_found")]);
    }
}

#[test]
fn known_bytes_stay_where_they_are() {
    let known: FileName = format!("documents/{}", "a".repeat(32)).parse().expect("a name");
    let operator = Principal::Operator(tenant_id(1));
    let made =
        run(&operator, uow(&rows(), Some(known.clone()), 8), &upload(RecordType::Contact, 7, None)).expect("made");
    assert_eq!(&*made.typed::<Document>().expect("a document").details.storage_path, known.as_str());
}

#[test]
fn a_tenant_keeps_no_more_than_it_may() {
    let operator = Principal::Operator(tenant_id(1));
    for (total, allowed) in [(100, true), (101, false)] {
        let made = run(&operator, uow(&rows(), None, total), &upload(RecordType::Lead, 7, Some(100)));
        assert_eq!(made.is_ok(), allowed, "{total}");
        assert!(allowed || matches!(made, Err(ResourceError::Conflict(_))));
    }
}

#[test]
fn a_name_has_no_folders() {
    for (sent, name) in [
        ("plan.pdf", "plan.pdf"),
        ("C:\\fakepath\\plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        (" a \"b\"\r\n🏗 .pdf ", "a \"b\"\r\n🏗 .pdf"),
    ] {
        assert_eq!(&*Document::file_name(sent).expect("a name"), name);
    }
    for (sent, code) in
        [("", "required"), ("a/", "required"), ("a\0b", "invalid_character"), (&"x".repeat(501), "too_long")]
    {
        assert_eq!(Document::file_name(sent).expect_err(sent).code, code);
    }
}

/// Which records each role sees, as the ruling lists them.
fn seen(role: Role, kind: RecordType) -> bool {
    use RecordType::{Contact, Phase, Project, SiteLog, Task};
    role != Role::FieldCrew || matches!(kind, Project | Phase | Task | SiteLog | Contact)
}

/// Every role and kind of record: lists, counts, single documents, changes and deletions agree on what is there.
#[test]
fn a_role_sees_the_documents_of_the_records_that_it_sees() {
    let tenant = tenant_id(1);
    let mut rows = rows();
    for kind in RecordType::ALL {
        let values = document(*kind);
        let made = Rows::insert(&mut rows, tenant, Document::SHAPE, &values, environment().clock.now());
        block_on(made).expect("stored");
    }
    let page = PageRequest { limit: Limit::LARGEST, after: None };
    for role in Role::ALL {
        let principal = as_role(role);
        let filter = family::<Document>().shown_of(&principal, Filter::all());
        let found = block_on(rows.page(tenant, Document::SHAPE, &filter, page)).expect("a page");
        let mut listed = Vec::new();
        found.show(|row| row.value(0).map(|kind| listed.push(kind.into_owned()))).expect("readable");
        let count = block_on(RowReader::count(&rows, tenant, Document::SHAPE, &filter)).expect("a count");
        assert_eq!(usize::try_from(count), Ok(listed.len()));
        for (id, kind) in (1..).zip(RecordType::ALL) {
            let sees = seen(role, *kind);
            assert_eq!(listed.contains(&kind.to_value()), sees, "{role} {kind}");
            let record = block_on(RowReader::get(&rows, tenant, Document::SHAPE, id)).expect("read").expect("a row");
            assert_eq!(family::<Document>().shows(&principal, &record), sees, "{role} {kind}");
            let mut draft = Draft::default();
            draft.put(Document::SHAPE, "category", Value::Text(format!("{role}").into()));
            let uow = || over(&rows);
            let update = Update { family: family::<Document>(), id, draft };
            assert_eq!(run(&principal, uow(), &update).is_ok(), sees, "{role} {kind}");
            if !sees {
                let delete = Delete { family: family::<Document>(), id };
                assert_eq!(run(&principal, uow(), &delete), Err(ResourceError::NotFound("document")), "{role} {kind}");
                let up = upload(*kind, 7, None);
                assert!(matches!(run(&principal, uow(), &up), Err(ResourceError::Forbidden(_))), "{role} {kind}");
            }
        }
    }
    // A key is bound by its scopes alone.
    let operator = Principal::Operator(tenant);
    assert_eq!(family::<Document>().shown_of(&operator, Filter::all()), Filter::all());
}

/// What answers show beside them is ignored, a rename included.
#[test]
fn a_change_sets_category_and_description_alone() {
    let settable: Vec<_> = Document::SHAPE.fields.iter().filter(|field| field.access.is_settable(false)).collect();
    let names: Vec<_> = settable.iter().map(|field| field.name).collect();
    assert_eq!(names, ["category", "description"]);
}
