//! The operations of a resource, from its description.

mod filters;
mod handlers;
mod many;
mod own;
mod parts;
mod schema;
mod shown;
mod steps;
mod summary;

use std::borrow::Cow;

use bwp_domain::{
    families,
    jobs::Transfers,
    papers::PaperKind,
    resource::{Family, Resource, Rules, Shape, family, summary::Summary},
    scopes::ScopeId,
};

pub(crate) use filters::{days_filter, fields_filter, filter};
use handlers::Bulk;
pub(crate) use handlers::{found, read};
pub(crate) use many::ids;
pub(crate) use own::{PathIds, filled};
pub(crate) use parts::{first, parts, shown_all};
pub(crate) use shown::{members, named, one_with, rendered, rendered_all, show};
pub(crate) use steps::Besides;

use crate::{
    jobs,
    openapi::{Body, ReplyKind, SchemaSource},
    operation::{Operation, Reply, Tag, operation_id},
    problem::ErrorCode,
    request::query,
};

/// The operations of one family, a line for each.
pub(crate) struct Operations {
    family: &'static dyn Family,
    tag: Tag,
    path: &'static str,
    /// What the last id in the path of one row is called.
    item: &'static str,
    lists: Lists,
    besides: Option<Besides>,
    all: Vec<Operation>,
}

/// What lists of a family may be asked for, besides the fields that its description filters by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// Nothing.
    Plain,
    /// Times of creation, and key fields alone.
    Created,
    /// Times of creation and of the last change, and key fields alone.
    Full,
}

impl Operations {
    /// Those of `R`, under `path`.
    pub(crate) fn of<R: Rules>(path: &'static str, tag: Tag, lists: Lists) -> Self {
        Self { family: family::<R>(), tag, path, item: "id", lists, besides: None, all: Vec::new() }
    }

    /// `GET /path`: a page of them, newest first.
    pub(crate) fn list(self) -> Self {
        let (family, shape, lists) = (self.family, self.shape(), self.lists);
        // What its cursors are bound to: kept for as long as the process.
        let list: &'static str = operation_id("get", self.path).leak();
        let operation = Operation::get_at_once(self.path, move |context, caller, query| {
            handlers::list(family, lists, list, context, caller, query)
        })
        .parameters(query::describe(|values| filters::ListQuery::read(shape, lists, values)), ErrorCode::BadRequest)
        .needs(shape.scopes.read)
        .summary(format!("List {}", shape.many))
        .description(format!("A page of the tenant's {} that fit every filter, newest first.", shape.many))
        .replies(Reply::new(
            200,
            format!("A page of {}.", shape.many),
            ReplyKind::Page(schema::answer(shape)),
        ));
        self.and(operation)
    }

    /// `GET /path`: all of them, by the field of this name. For families that have few.
    pub(crate) fn list_all(self, order: &'static str) -> Self {
        let shape = self.shape();
        let at = shape.field(order).map_or(0, |(at, _)| at);
        let operation =
            Operation::get_at_once(self.path, move |context, caller| handlers::list_all(shape, at, context, caller))
                .needs(shape.scopes.read)
                .summary(format!("List {}", shape.many))
                .description(format!("All of the tenant's {}, by `{order}`.", shape.many))
                .replies(Reply::new(200, format!("The {}.", shape.many), ReplyKind::All(schema::answer(shape))));
        self.and(operation)
    }

    /// `GET /parents/{id}/children`: all that belong to one row of `Parent`, which the field of this name names, by `order`.
    pub(crate) fn list_children<Parent: Resource>(self, of: &'static str, order: &'static str) -> Self {
        let (parent, shape) = (Parent::SHAPE, self.shape());
        let place = |name| shape.field(name).map_or(0, |(at, _)| at);
        let (of, at) = (place(of), place(order));
        let operation = Operation::get(self.path, move |context, caller, id| {
            handlers::list_children(parent, shape, (of, at), context, caller, id)
        })
        .needs(shape.scopes.read)
        .summary(format!("List {} of {}", shape.many, a(parent.one)))
        .description(format!("All {} of the {}, by `{order}`.", shape.many, parent.one))
        .replies(Reply::new(200, format!("The {}.", shape.many), ReplyKind::All(schema::answer(shape))));
        self.and(operation)
    }

    /// `GET /path`: the one that each tenant has.
    pub(crate) fn get_only(self) -> Self {
        let shape = self.shape();
        let operation =
            Operation::get_at_once(self.path, move |context, caller| handlers::get_only(shape, context, caller))
                .needs(shape.scopes.read)
                .summary(format!("Get {}", shape.many))
                .description(format!("The tenant's {}.", shape.many))
                .replies(Reply::new(200, format!("The {}.", shape.many), ReplyKind::One(schema::answer(shape))));
        self.and(operation)
    }

    /// `POST /path`: makes one.
    pub(crate) fn create(self) -> Self {
        let (family, shape) = (self.family, self.shape());
        let operation = Operation::post(self.path, move |context, caller, keyed, body| {
            handlers::create(family, context, caller, keyed, body)
        })
        .body(Body::of_new(shape))
        .needs(shape.scopes.write)
        .summary(format!("Create {}", a(shape.one)))
        .description(told(shape, "", |events| events.created))
        .replies(Reply::new(201, format!("The new {}.", shape.one), ReplyKind::One(schema::answer(shape))));
        self.and(operation)
    }

    /// `GET /path/{id}`: one of them.
    pub(crate) fn get(self) -> Self {
        let (family, shape) = (self.family, self.shape());
        let operation = Operation::get_at_once(format!("{}/{{id}}", self.path), move |context, caller, id| {
            handlers::get(family, context, caller, id)
        })
        .needs(shape.scopes.read)
        .summary(format!("Get {}", a(shape.one)))
        .description(format!("One {}.", shape.one))
        .replies(Reply::new(200, format!("The {}.", shape.one), ReplyKind::One(schema::answer(shape))));
        self.and(operation)
    }

    /// `GET /path/count`: how many fit.
    pub(crate) fn count(self) -> Self {
        let (family, shape, lists) = (self.family, self.shape(), self.lists);
        let operation = Operation::get(format!("{}/count", self.path), move |context, caller, query| {
            handlers::count(family, lists, context, caller, query)
        })
        .parameters(query::describe(|values| filters::filter(shape, lists, values)), ErrorCode::BadRequest)
        .needs(shape.scopes.read)
        .summary(format!("Count {}", shape.many))
        .description(format!("How many {} fit every filter.", shape.many))
        .replies(Reply::data::<handlers::Count>("How many."));
        self.and(operation)
    }

    /// `GET /path/summary`: the rows that fit, summed up.
    pub(crate) fn summary(self, summary: &'static Summary) -> Self {
        let shape = self.shape();
        let operation = Operation::get(format!("{}/summary", self.path), move |context, caller, query| {
            summary::answer(shape, summary, context, caller, query)
        })
        .parameters(query::describe(|values| filters::summary_filter(shape, summary.filters, values)), summary::REFUSAL)
        .needs(shape.scopes.read)
        .summary(format!("Sum {} up", shape.many))
        .description(format!("How many {} there are and what they come to, in all and in groups.", shape.many))
        .replies(Reply::new(200, "The sums.", ReplyKind::One(summary::schema(shape, summary))));
        self.and(operation)
    }

    /// `POST /path/get-many`: those of up to 50 ids that there are.
    pub(crate) fn get_many(self) -> Self {
        let (family, shape) = (self.family, self.shape());
        let operation = Operation::post(format!("{}/get-many", self.path), move |context, caller, key, body| {
            handlers::get_many(family, context, caller, key, body)
        })
        .needs(shape.scopes.read)
        .summary(format!("Get many {} by id", shape.many))
        .description(format!(
            "Up to 50 {} in one request, in the order asked for. Ids that are not there are left out: compare \
             `meta.requested` with `meta.returned`. Changes nothing, and so ignores `Idempotency-Key`.",
            shape.many
        ))
        .replies(Reply::new(
            200,
            format!("The {} that there are.", shape.many),
            ReplyKind::Many(schema::answer(shape)),
        ));
        self.and(operation)
    }

    /// `PATCH /path/{id}`: changes one.
    pub(crate) fn update(self) -> Self {
        let (family, shape) = (self.family, self.shape());
        let changes = "Changes the fields that are sent; `null` empties one.";
        let operation = Operation::patch(format!("{}/{{id}}", self.path), move |context, caller, keyed, id, body| {
            handlers::update(family, context, caller, keyed, id, body)
        })
        .body(Body::of_change(shape))
        .needs(shape.scopes.write)
        .summary(format!("Change {}", a(shape.one)))
        .description(told(shape, changes, |events| events.updated))
        .replies(Reply::new(
            200,
            format!("The {} after the change.", shape.one),
            ReplyKind::One(schema::answer(shape)),
        ));
        self.and(operation)
    }

    /// `DELETE /path/{id}`: deletes one.
    pub(crate) fn delete(self) -> Self {
        let (family, shape) = (self.family, self.shape());
        let operation = Operation::delete(format!("{}/{{id}}", self.path), move |context, caller, keyed, id| {
            handlers::delete(family, context, caller, keyed, id)
        })
        .needs(shape.scopes.delete)
        .summary(format!("Delete {}", a(shape.one)))
        .description(told(shape, "From then on it is not found.", |events| events.deleted))
        .replies(Reply::no_content("Deleted."));
        self.and(operation)
    }

    /// `POST /path/{id}/restore`: takes back that one was deleted.
    pub(crate) fn restore(self) -> Self {
        let (family, shape) = (self.family, self.shape());
        let text = "Takes back that it was deleted. To one that is there nothing happens. One that has what another one alone may have \
                    by now stays deleted: 409.";
        let operation = Operation::post(format!("{}/{{id}}/restore", self.path), move |context, caller, keyed, id| {
            handlers::restore(family, context, caller, keyed, id)
        })
        .needs(shape.scopes.delete)
        .summary(format!("Restore {}", a(shape.one)))
        .description(told(shape, text, |events| events.updated))
        .replies(Reply::new(200, format!("The {}.", shape.one), ReplyKind::One(schema::answer(shape))));
        self.and(operation)
    }

    /// `POST /path/bulk-delete` and `POST /path/bulk-restore`: the same to up to 500, at once.
    pub(crate) fn bulk_at_once(self) -> Self {
        let (family, shape) = (self.family, self.shape());
        let delete = Operation::post(format!("{}/bulk-delete", self.path), move |context, caller, keyed, body| {
            handlers::bulk(family, Bulk::Delete, context, caller, keyed, body)
        })
        .needs(shape.scopes.delete)
        .summary(format!("Delete many {}", shape.many))
        .description(told(shape, "Up to 500. Those that are not there are passed over.", |events| events.deleted))
        .replies(Reply::data::<handlers::Deleted>("How many were deleted."));
        let text = "Up to 500. Those that are not deleted are passed over, and those that have what another one alone may have.";
        let restore = Operation::post(format!("{}/bulk-restore", self.path), move |context, caller, keyed, body| {
            handlers::bulk(family, Bulk::Restore, context, caller, keyed, body)
        })
        .needs(shape.scopes.delete)
        .summary(format!("Restore many {}", shape.many))
        .description(told(shape, text, |events| events.updated))
        .replies(Reply::data::<handlers::Restored>("How many were restored."));
        self.and(delete).and(restore)
    }

    /// `POST /path/exports`: writes those that fit to a CSV file. The family stands in [`families`].
    pub(crate) fn exports(self) -> Self {
        let Some(transfers) = self.transfers() else { return self };
        let shape = self.shape();
        let operation = Operation::post(format!("{}/exports", self.path), move |context, caller, keyed, body| {
            jobs::export(transfers, context, caller, keyed, body)
        })
        .optional_body(jobs::body(jobs::StartBody::Export, transfers))
        .needs(with_jobs(shape.scopes.read))
        .cost(20)
        .summary(format!("Export {}", shape.many))
        .description(format!(
            "Starts a job that writes the tenant's {} that fit every filter to a CSV file, as they all are at one moment.",
            shape.many
        ))
        .replies(Reply::accepted::<jobs::Started>("The job."));
        self.and(operation)
    }

    /// `POST /path/imports`: makes and changes some by a CSV file. The family stands in [`families`].
    pub(crate) fn imports(self) -> Self {
        let Some(transfers) = self.transfers() else { return self };
        let shape = self.shape();
        let known: Vec<_> = transfers.all_targets().into_iter().map(|target| format!("`{target}`")).collect();
        let operation = Operation::post(format!("{}/imports", self.path), move |context, caller, keyed, body| {
            jobs::import(transfers, context, caller, keyed, body)
        })
        .body(jobs::body(jobs::StartBody::Import, transfers))
        .needs(with_jobs(shape.scopes.write))
        .cost(200)
        .summary(format!("Import {}", shape.many))
        .description(format!(
            "Starts a job that makes {} of the rows of an uploaded CSV file, by the rules of POST and PATCH. What columns may be \
             mapped to: {}.",
            shape.many,
            known.join(", ")
        ))
        .replies(Reply::accepted::<jobs::Started>("The job."));
        self.and(operation)
    }

    /// `POST /path/bulk`: deletes or restores many. The family stands in [`families`].
    pub(crate) fn bulk(self) -> Self {
        let Some(transfers) = self.transfers() else { return self };
        let shape = self.shape();
        let operation = Operation::post(format!("{}/bulk", self.path), move |context, caller, keyed, body| {
            jobs::bulk(transfers, context, caller, keyed, body)
        })
        .body(jobs::body(jobs::StartBody::Bulk, transfers))
        .needs(with_jobs(shape.scopes.delete))
        .cost(100)
        .summary(format!("Delete or restore {}", shape.many))
        .description(format!(
            "Starts a job that deletes or restores up to 500 {} in one transaction. Those that are not there, or cannot be \
             deleted or restored, are skipped.",
            shape.many
        ))
        .replies(Reply::accepted::<jobs::Started>("The job."));
        self.and(operation)
    }

    /// `POST /path/{id}/pdf`: prints one. What is printed stands in [`PaperKind`].
    pub(crate) fn prints(self) -> Self {
        let shape = self.shape();
        let Some(kind) = PaperKind::of_table(shape.table) else { return self };
        let operation = Operation::post(format!("{}/{{id}}/pdf", self.path), move |context, caller, keyed, id| {
            jobs::print(kind, context, caller, keyed, id)
        })
        .needs(with_jobs(shape.scopes.read))
        .cost(50)
        .summary(format!("Print {}", a(shape.one)))
        .description(format!("Starts a job that makes a PDF of the {}, as it is when the job is done.", shape.one))
        .replies(Reply::accepted::<jobs::Started>("The job."));
        self.and(operation)
    }

    fn transfers(&self) -> Option<&'static dyn Transfers> {
        families::of_table(self.shape().table)
    }

    /// An operation of the family's own.
    pub(crate) fn and(mut self, operation: Operation) -> Self {
        self.all.push(operation.tagged(self.tag));
        self
    }

    pub(crate) fn into_operations(self) -> Vec<Operation> {
        self.all
    }

    fn shape(&self) -> &'static Shape {
        self.family.shape()
    }
}

/// What a job needs that needs these of its family. Kept for as long as the process.
fn with_jobs(scopes: &[ScopeId]) -> &'static [ScopeId] {
    [scopes, &[ScopeId::JobsWrite]].concat().leak()
}

/// `a lead`, `an invoice`.
fn a(one: &str) -> String {
    let article = if one.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {one}")
}

/// A description, and what webhooks are told of.
fn told(
    shape: &Shape,
    text: &'static str,
    event: fn(bwp_domain::resource::Events) -> &'static str,
) -> Cow<'static, str> {
    let required: Vec<_> =
        shape.fields.iter().filter(|field| field.required).map(|field| format!("`{}`", field.name)).collect();
    let text = match (text, required.as_slice()) {
        ("", [one]) => format!("Only {one} is required."),
        ("", _) => format!("Required: {}.", required.join(", ")),
        _ => text.to_owned(),
    };
    match shape.events {
        Some(events) => format!("{text} Tells webhooks of `{}`.", event(events)).into(),
        None => text.into(),
    }
}

impl Reply {
    /// A page of rows of `R`, of pages that have numbers, with what else answers show of each.
    pub(crate) fn numbered<R: Resource>(
        description: &'static str,
        name: &'static str,
        more: fn() -> serde_json::Value,
    ) -> Self {
        Self::new(200, description, ReplyKind::Numbered(schema::answer_with(R::SHAPE, name, more)))
    }

    /// A row of `A` and one of `B` under these names, with what else answers show of the second.
    pub(crate) fn pair<A: Resource, B: Resource>(
        status: u16,
        names: (&'static str, &'static str),
        name: &'static str,
        second: &'static str,
        more: fn() -> serde_json::Value,
    ) -> Self {
        let source = SchemaSource::by(move |schemas| {
            let reference = |name: String| serde_json::json!({ "$ref": format!("#/components/schemas/{name}") });
            let one = reference(schema::answer(A::SHAPE).put(schemas));
            let other = reference(schema::answer_with(B::SHAPE, second, more).put(schemas));
            let mut properties = serde_json::Map::new();
            properties.insert(names.0.to_owned(), one);
            properties.insert(names.1.to_owned(), other);
            let required = [names.0, names.1];
            schemas.insert(
                name,
                serde_json::json!({
                    "type": "object",
                    "description": format!("A {} and its {}.", A::SHAPE.one, B::SHAPE.one),
                    "required": required,
                    "properties": properties,
                }),
            );
            name.to_owned()
        });
        Self::new(status, format!("The {} and the {}.", A::SHAPE.one, B::SHAPE.one), ReplyKind::One(source))
    }

    /// With the schema of `R` among the others: what this answers refers to it.
    pub(crate) fn with<R: Resource>(self) -> Self {
        let Self { status, description, kind } = self;
        let ReplyKind::One(source) = kind else { return Self { status, description, kind } };
        let both = SchemaSource::by(move |schemas| {
            schema::answer(R::SHAPE).put(schemas);
            source.put(schemas)
        });
        Self { status, description, kind: ReplyKind::One(both) }
    }

    /// A row of `R`, with what else its answer shows: the properties of that, as a schema writes them.
    pub(crate) fn row_with<R: Resource>(
        status: u16,
        description: &'static str,
        name: &'static str,
        more: fn() -> serde_json::Value,
    ) -> Self {
        Self::new(status, description, ReplyKind::One(schema::answer_with(R::SHAPE, name, more)))
    }

    /// Every row of `R` that there is, of some parent or of the tenant.
    pub(crate) fn rows<R: Resource>(status: u16, description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, description, ReplyKind::All(schema::answer(R::SHAPE)))
    }

    /// 200 with rows of `R`, with what else answers show of each, and where they go on.
    pub(crate) fn page_with<R: Resource>(
        description: &'static str,
        name: &'static str,
        more: fn() -> serde_json::Value,
    ) -> Self {
        Self::new(200, description, ReplyKind::Page(schema::answer_with(R::SHAPE, name, more)))
    }

    /// 200 with rows of `R`, and where they go on.
    pub(crate) fn page_of<R: Resource>(description: &'static str) -> Self {
        Self::new(200, description, ReplyKind::Page(schema::answer(R::SHAPE)))
    }

    /// A row of `R`.
    pub(crate) fn row<R: Resource>(status: u16, description: &'static str) -> Self {
        Self::new(status, description, ReplyKind::One(schema::answer(R::SHAPE)))
    }
}

impl Body {
    /// A body that makes such a row.
    pub(crate) fn of_new(shape: &'static Shape) -> Self {
        Self { schema: schema::create(shape), example: schema::create_example(shape) }
    }

    /// A body that changes such a row.
    pub(crate) fn of_change(shape: &'static Shape) -> Self {
        Self { schema: schema::update(shape), example: schema::update_example(shape) }
    }
}

impl Operation {
    /// That it answers 404 where what its body names is not there.
    pub(crate) const fn finds_others(mut self) -> Self {
        self.input.has_id = true;
        self
    }

    /// The parameters of its query, which it reads by itself.
    pub(crate) fn parameters(mut self, parameters: Vec<serde_json::Value>, refusal: ErrorCode) -> Self {
        self.input.parameters.extend(parameters);
        self.input.query_refusal = Some(refusal);
        self
    }

    /// Its body, which it reads by itself.
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.input.body = Some(body);
        self
    }
}
