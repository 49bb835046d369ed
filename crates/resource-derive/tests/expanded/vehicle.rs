const _: () = {
    use ::bwp_domain::resource::{self, FieldType, Value};
    static SHAPE: resource::Shape = resource::Shape {
        one: "vehicle",
        many: "vehicles",
        name: "Vehicle",
        doc: "Something that drives.",
        table: "vehicles",
        events: Some(resource::Events {
            created: "vehicle.created",
            updated: "vehicle.updated",
            deleted: "vehicle.deleted",
        }),
        version: 1,
        fields: &[
            resource::Field {
                name: "name",
                column: "name",
                kind: <Name as FieldType>::KIND
                    .bounded(
                        Some(resource::Bound::new(1i64, 0u32)),
                        Some(resource::Bound::new(80i64, 0u32)),
                    ),
                nullable: <Name as FieldType>::NULLABLE,
                required: !<Name as FieldType>::NULLABLE,
                automatic: false,
                default: Value::Null,
                access: resource::Access::Settable,
                compact: true,
                refers: None,
                filter: None,
                search: true,
                range: false,
                doc: "What it is called.",
                example: Some("Crane 2"),
            },
            resource::Field {
                name: "purpose",
                column: "purpose",
                kind: <Purpose as FieldType>::KIND.bounded(None, None),
                nullable: <Purpose as FieldType>::NULLABLE,
                required: false,
                automatic: false,
                default: Value::Text(::std::borrow::Cow::Borrowed("transport")),
                access: resource::Access::Settable,
                compact: true,
                refers: None,
                filter: Some("purpose"),
                search: false,
                range: false,
                doc: "What it is used for.",
                example: None,
            },
            resource::Field {
                name: "projectId",
                column: "project_id",
                kind: <Option<ProjectId> as FieldType>::KIND.bounded(None, None),
                nullable: <Option<ProjectId> as FieldType>::NULLABLE,
                required: !<Option<ProjectId> as FieldType>::NULLABLE,
                automatic: false,
                default: Value::Null,
                access: resource::Access::Settable,
                compact: false,
                refers: Some(<Project as resource::Referable>::REFERENCE),
                filter: Some("projectId"),
                search: false,
                range: false,
                doc: "The project that it is at.",
                example: None,
            },
            resource::Field {
                name: "dailyRate",
                column: "daily_rate",
                kind: <Option<Money> as FieldType>::KIND
                    .bounded(None, Some(resource::Bound::new(999995i64, 1u32)))
                    .written(resource::Written::Text),
                nullable: <Option<Money> as FieldType>::NULLABLE,
                required: !<Option<Money> as FieldType>::NULLABLE,
                automatic: false,
                default: Value::Null,
                access: resource::Access::Settable,
                compact: true,
                refers: None,
                filter: None,
                search: false,
                range: false,
                doc: "What a day costs.",
                example: None,
            },
            resource::Field {
                name: "coldest",
                column: "coldest",
                kind: <i64 as FieldType>::KIND
                    .bounded(
                        Some(resource::Bound::new(-40i64, 0u32)),
                        Some(resource::Bound::new(10i64, 0u32)),
                    ),
                nullable: <i64 as FieldType>::NULLABLE,
                required: !<i64 as FieldType>::NULLABLE,
                automatic: false,
                default: Value::Null,
                access: resource::Access::Settable,
                compact: true,
                refers: None,
                filter: None,
                search: false,
                range: false,
                doc: "The lowest temperature that it works at.",
                example: None,
            },
            resource::Field {
                name: "marks",
                column: "marks",
                kind: <Vec<Text> as FieldType>::KIND
                    .bounded(None, Some(resource::Bound::new(5i64, 0u32)))
                    .each(20),
                nullable: <Vec<Text> as FieldType>::NULLABLE,
                required: false,
                automatic: false,
                default: Value::Texts(Vec::new()),
                access: resource::Access::Settable,
                compact: true,
                refers: None,
                filter: None,
                search: false,
                range: false,
                doc: "What it is known by.",
                example: None,
            },
            resource::Field {
                name: "inspectedOn",
                column: "inspected_on",
                kind: <Option<Day> as FieldType>::KIND.bounded(None, None),
                nullable: <Option<Day> as FieldType>::NULLABLE,
                required: false,
                automatic: false,
                default: Value::Null,
                access: resource::Access::ReadOnly(
                    "`POST /vehicles/{id}/inspect` sets it.",
                ),
                compact: true,
                refers: None,
                filter: None,
                search: false,
                range: true,
                doc: "The day of its last inspection.",
                example: None,
            },
        ],
        in_turn: false,
        asks: true,
        shows_updated_at: true,
        scopes: resource::Scopes {
            read: &[::bwp_domain::scopes::ScopeId::ProjectsRead],
            write: &[::bwp_domain::scopes::ScopeId::ProjectsWrite],
            delete: &[::bwp_domain::scopes::ScopeId::ProjectsDelete],
        },
    };
    impl resource::Referable for Vehicle {
        const REFERENCE: &'static resource::Reference = &resource::Reference {
            one: "vehicle",
            table: "vehicles",
            column: "id",
            ended: Some("deleted_at"),
            shape: Some(|| &SHAPE),
            searched: &["name"],
        };
    }
    impl resource::Resource for Vehicle {
        const SHAPE: &'static resource::Shape = &SHAPE;
        fn to_values(&self) -> Vec<Value<'_>> {
            vec![
                FieldType::to_value(& self.name), FieldType::to_value(& self.purpose),
                FieldType::to_value(& self.project_id), FieldType::to_value(& self
                .daily_rate), FieldType::to_value(& self.coldest), FieldType::to_value(&
                self.marks), FieldType::to_value(& self.inspected_on)
            ]
        }
        fn from_values(values: Vec<Value<'_>>) -> ::core::result::Result<Self, usize> {
            let mut values = values.into_iter();
            let mut next = || values.next().unwrap_or_default();
            Ok(Self {
                name: FieldType::from_value(next()).ok_or(0usize as usize)?,
                purpose: FieldType::from_value(next()).ok_or(1usize as usize)?,
                project_id: FieldType::from_value(next()).ok_or(2usize as usize)?,
                daily_rate: FieldType::from_value(next()).ok_or(3usize as usize)?,
                coldest: FieldType::from_value(next()).ok_or(4usize as usize)?,
                marks: FieldType::from_value(next()).ok_or(5usize as usize)?,
                inspected_on: FieldType::from_value(next()).ok_or(6usize as usize)?,
            })
        }
    }
};
