//! A tenant with people and projects, in memory.

use std::sync::Arc;

use bwp_domain::{
    clock::Timestamp,
    execute::{Command, Context, Failure},
    fields::FieldErrors,
    ids::{AccountId, TenantId},
    principal::{KeyCredential, Principal},
    projects::Project,
    resource::{
        Body, Create, Delete, Draft, Kind, Record, Referable, Resource, ResourceError, Restore, Rules, Update, Value,
        family, ports::Rows, snapshot,
    },
    scopes::ScopeId,
    store::UnitOfWork,
    testing::{MemoryRows, ScriptedUnitOfWork, credential, environment, signed_in, tenant_id},
    users::{AnyUser, Role},
};
use futures_executor::block_on;
use serde_json::Value as Json;

/// The rows of tenant 1.
#[derive(Clone, Default)]
pub(crate) struct Office {
    pub(crate) rows: MemoryRows,
}

/// What came of a change: the row as it is shown.
pub(crate) type Outcome = Result<Json, ResourceError>;

impl Office {
    /// With the users 1 to 5, of whom 3 is the one who signs in.
    pub(crate) fn new() -> Self {
        let office = Self::default();
        for user in 1..=5 {
            office.rows.refer_to(tenant(), AnyUser::REFERENCE, user, false);
        }
        office
    }

    /// A new project's id.
    pub(crate) fn project(&self, name: &str) -> i64 {
        self.insert::<Project>(&[("name", Value::Text(name.to_owned().into()))])
    }

    /// A new row's id: with these values, and what a row has that is made of nothing.
    pub(crate) fn insert<R: Resource>(&self, values: &[(&str, Value<'static>)]) -> i64 {
        let value = |field: &bwp_domain::resource::Field| {
            let given = values.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value.clone());
            given.unwrap_or_else(|| match (&field.default, field.kind) {
                (Value::Null, Kind::Words(words)) if !field.nullable => Value::Text(words[0].into()),
                (default, _) => default.clone(),
            })
        };
        let values: Vec<_> = R::SHAPE.fields.iter().map(value).collect();
        block_on(Rows::insert(&mut self.rows.clone(), tenant(), R::SHAPE, &values, at(0))).expect("stored")
    }

    /// Applies a command.
    pub(crate) fn apply<C>(&self, principal: &Principal, command: &C) -> Result<C::Output, ResourceError>
    where
        C: Command<dyn UnitOfWork, Error = ResourceError>,
    {
        let environment = environment();
        let mut uow = ScriptedUnitOfWork::default();
        uow.memory = Some(self.rows.clone());
        match block_on(command.apply(&Context::new(principal, &environment), &mut uow)) {
            Ok(applied) => Ok(applied.output),
            Err(Failure::Rejected(error)) => Err(error),
            Err(Failure::Store(error)) => panic!("{error}"),
        }
    }

    /// Makes a row of this body.
    pub(crate) fn create<R: Rules>(&self, principal: &Principal, body: &Json) -> Outcome {
        let command = Create { family: family::<R>(), draft: draft::<R>(&Body::New, body)? };
        self.apply(principal, &command).map(|record| shown::<R>(&record))
    }

    /// Changes a row by this body.
    pub(crate) fn change<R: Rules>(&self, principal: &Principal, id: i64, body: &Json) -> Outcome {
        let command = Update { family: family::<R>(), id, draft: draft::<R>(&Body::Change, body)? };
        self.apply(principal, &command).map(|record| shown::<R>(&record))
    }

    pub(crate) fn delete<R: Rules>(&self, id: i64) -> Outcome {
        self.apply(&key(), &Delete { family: family::<R>(), id }).map(|record| shown::<R>(&record))
    }

    pub(crate) fn restore<R: Rules>(&self, id: i64) -> Outcome {
        self.apply(&key(), &Restore { family: family::<R>(), id }).map(|record| shown::<R>(&record))
    }
}

pub(crate) fn tenant() -> TenantId {
    tenant_id(1)
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000 + millis)
}

/// The scopes that field work needs.
const SCOPES: &[ScopeId] =
    &[ScopeId::SiteLogsRead, ScopeId::SiteLogsWrite, ScopeId::TimeEntriesRead, ScopeId::TimeEntriesWrite];

/// A key of the tenant's, which no user made.
pub(crate) fn key() -> Principal {
    Principal::Key(Arc::new(credential(SCOPES)))
}

/// A key that user 4 made.
pub(crate) fn key_of_a_user() -> Principal {
    let credential = KeyCredential { person: AccountId::new(4), ..credential(SCOPES) };
    Principal::Key(Arc::new(credential))
}

/// User 3, with this role.
pub(crate) fn person(role: Role) -> Principal {
    Principal::User(Arc::new(signed_in(role)))
}

fn draft<R: Resource>(kind: &Body, body: &Json) -> Result<Draft, ResourceError> {
    Ok(Draft::read(R::SHAPE, kind, body.as_object().expect("an object"), FieldErrors::new())?)
}

pub(crate) fn shown<R: Resource>(record: &Record) -> Json {
    snapshot(R::SHAPE, record).into()
}

#[track_caller]
pub(crate) fn refused(outcome: Outcome, expected: &[(&str, &str)]) {
    let Err(ResourceError::Invalid(errors)) = outcome else { panic!("{outcome:?}") };
    let found: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.fault.code)).collect();
    assert_eq!(found, expected);
}
