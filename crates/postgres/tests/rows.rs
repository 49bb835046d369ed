//! PostgreSQL does what every store must do with rows, of every resource; and each description fits its table.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use async_trait::async_trait;
use bwp_domain::{
    bids::{Bid, BidLineItem, CostItem, ProjectCost},
    change_orders::{ChangeOrder, ChangeOrderItem},
    comments::Comment,
    contacts::Contact,
    documents::Document,
    ids::TenantId,
    invoices::{Invoice, InvoiceLineItem, InvoicePayment},
    kit_items::KitItem,
    labor_rates::LaborRate,
    lead_stages::LeadStage,
    leads::Lead,
    mail::Mail,
    pay_apps::{PayApp, SovLine},
    products::Product,
    project_phases::ProjectPhase,
    project_tasks::ProjectTask,
    project_templates::ProjectTemplate,
    projects::Project,
    resource::{Kind, Reference, Resource, Shape, Value, ports::RowReader},
    signature_requests::{SignatureRequest, SigningPaper, SigningRecord},
    site_logs::SiteLog,
    store::StoreError,
    testing::rows_contract::{Held, Work, hold},
    time_entries::TimeEntry,
};
use bwp_postgres::testing::Fixture;

struct Database {
    fixture: Fixture,
    tenants: [TenantId; 2],
}

impl Database {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let tenants = [fixture.tenant().await.id, fixture.tenant().await.id];
        // The suite knows every row.
        fixture.run("DELETE FROM lead_stages").await;
        Self { fixture, tenants }
    }
}

#[async_trait]
impl Held for Database {
    fn tenants(&self) -> [TenantId; 2] {
        self.tenants
    }

    fn reader(&self) -> &dyn RowReader {
        &self.fixture.store
    }

    async fn commit(&self, work: &mut dyn Work) -> Result<(), StoreError> {
        let mut uow = self.fixture.begin().await;
        work.run(uow.rows()).await?;
        uow.commit().await
    }

    async fn referred(&self, tenant: TenantId, reference: &'static Reference) -> i64 {
        assert_eq!(reference.table, "users", "of which no other rows are made here");
        let person = format!(
            "INSERT INTO accounts (email, password_hash, created_at) VALUES (gen_random_uuid(), 'x', now());
             INSERT INTO users (tenant_id, account_id, role, created_at)
             SELECT {tenant}, max(id), 'viewer', now() FROM accounts"
        );
        self.fixture.run(&person).await;
        self.fixture.number("SELECT max(id) FROM accounts").await
    }
}

/// What makes values possible.
type Possible = fn(&mut [Value<'static>]);

/// Every resource.
const RESOURCES: &[(&Shape, Possible)] = &[
    (Contact::SHAPE, |_| {}),
    (LaborRate::SHAPE, |values| {
        // What it covers is what it names.
        let (at, _) = LaborRate::SHAPE.field("projectId").expect("a field");
        values[at] = Value::Null;
        let (of, _) = LaborRate::SHAPE.field("userId").expect("a field");
        values[0] = Value::Text(if values[of].is_null() { "tenant".into() } else { "user".into() });
    }),
    (LeadStage::SHAPE, |values| {
        // One stage of a tenant is the default.
        let (at, _) = LeadStage::SHAPE.field("isDefault").expect("a field");
        values[at] = Value::Bool(false);
    }),
    (Lead::SHAPE, |values| {
        // No project was made of any.
        let (at, _) = Lead::SHAPE.field("convertedProjectId").expect("a field");
        values[at] = Value::Null;
    }),
    (Project::SHAPE, |values| {
        // A lead and a bid become one project each.
        for name in ["leadId", "bidId"] {
            let (at, _) = Project::SHAPE.field(name).expect("a field");
            values[at] = Value::Null;
        }
    }),
    (Product::SHAPE, |_| {}),
    (KitItem::SHAPE, |_| {}),
    (ProjectPhase::SHAPE, |_| {}),
    (ProjectTask::SHAPE, |values| {
        // A task's phase is of its own project.
        let (at, _) = ProjectTask::SHAPE.field("phaseId").expect("a field");
        values[at] = Value::Null;
    }),
    (ProjectTemplate::SHAPE, |_| {}),
    (SiteLog::SHAPE, |_| {}),
    (TimeEntry::SHAPE, |_| {}),
    (Document::SHAPE, |_| {}),
    (Comment::SHAPE, |_| {}),
    (Bid::SHAPE, |_| {}),
    (BidLineItem::SHAPE, |_| {}),
    (CostItem::SHAPE, |_| {}),
    (ProjectCost::SHAPE, |_| {}),
    (ChangeOrder::SHAPE, |_| {}),
    (ChangeOrderItem::SHAPE, |_| {}),
    (Mail::SHAPE, |_| {}),
    (SignatureRequest::SHAPE, |values| {
        // One request of a document is open.
        let (at, _) = SignatureRequest::SHAPE.field("status").expect("a field");
        values[at] = Value::Text("voided".into());
    }),
    (SigningPaper::SHAPE, |_| {}),
    (SigningRecord::SHAPE, |_| {}),
    (PayApp::SHAPE, |_| {}),
    (SovLine::SHAPE, |values| {
        // Those of change orders and earlier applications are no references that requests set.
        for name in ["changeOrderId", "firstLineId"] {
            let (at, _) = SovLine::SHAPE.field(name).expect("a field");
            values[at] = Value::Null;
        }
    }),
    (Invoice::SHAPE, |_| {}),
    (InvoiceLineItem::SHAPE, |_| {}),
    (InvoicePayment::SHAPE, |_| {}),
];

#[tokio::test]
async fn rows_in_postgresql() {
    for (shape, possible) in RESOURCES.iter().copied() {
        hold(&Database::new().await, shape, possible).await;
    }
}

/// Columns, whether they may be null, their types, foreign keys and indexes are those that the description says.
#[tokio::test]
async fn each_description_fits_its_table() {
    let database = Database::new().await;
    for (shape, _) in RESOURCES.iter().copied() {
        let table = shape.table;
        let count = async |sql: String| database.fixture.number(&format!("SELECT count(*) FROM {sql}")).await;
        let columns = count(format!("information_schema.columns WHERE table_name = '{table}'")).await;
        let own = shape.fields.iter().filter(|field| field.column != "deleted_at").count();
        assert_eq!(columns, i64::try_from(own).expect("few") + 5, "{table}");
        let indexed = async |columns: &str| {
            let sql = format!(
                "pg_indexes WHERE tablename = '{table}' AND indexdef LIKE '%({columns}) WHERE (deleted_at IS NULL)'"
            );
            count(sql).await
        };
        for field in shape.fields {
            let column = field.column;
            let types = match field.kind {
                Kind::Text { .. } | Kind::Email | Kind::Words(_) => "text",
                Kind::Integer { .. } | Kind::Id => "bigint",
                Kind::Bool => "boolean",
                Kind::Decimal { .. } => "numeric",
                Kind::Day => "date",
                Kind::Json => "jsonb",
                Kind::Texts { .. } => "ARRAY",
                Kind::Moment => "timestamp with time zone",
            };
            let nullable = if field.nullable { "YES" } else { "NO" };
            let fits = format!(
                "information_schema.columns WHERE table_name = '{table}' AND column_name = '{column}'
                 AND data_type = '{types}' AND is_nullable = '{nullable}'"
            );
            assert_eq!(count(fits).await, 1, "{table}.{column} is {types}, nullable: {nullable}");
            if let Some(reference) = field.refers {
                // Of what both belong to, the key may say that it is the same.
                let key = format!(
                    "FOREIGN KEY (tenant_id,% {column}) REFERENCES {}(tenant_id,% {})",
                    reference.table, reference.column
                );
                let keys = format!(
                    "pg_constraint WHERE conrelid = '{table}'::regclass AND pg_get_constraintdef(oid) LIKE '{key}'"
                );
                assert_eq!(count(keys).await, 1, "{table}: {key}");
            }
            if let Some(within) = field.unique {
                let within: String = within
                    .iter()
                    .filter_map(|name| shape.field(name))
                    .fold(String::new(), |all, (_, field)| format!("{all}{}, ", field.column));
                let unique = format!(
                    "pg_indexes WHERE tablename = '{table}' AND indexdef LIKE 'CREATE UNIQUE INDEX %'
                     AND indexdef LIKE '%(tenant_id, {within}lower({column})) WHERE (deleted_at IS NULL)'"
                );
                assert_eq!(count(unique).await, 1, "{table}: one {column} alone");
            }
            if field.filter.is_some() {
                let columns = match field.kind {
                    Kind::Texts { .. } => format!("tenant_id, lower_texts({column})"),
                    _ => format!("tenant_id, {column}, created_at, id"),
                };
                assert_eq!(indexed(&columns).await, 1, "{table} by {column}");
            }
        }
        // All of the tenant's, newest first, or those of one parent, in their order.
        let mut in_order = indexed("tenant_id, created_at, id").await;
        for order in ["\"order\"", "sort_order", "\"position\"", "paid_at"] {
            in_order += indexed(&format!("tenant_id,% {order}, id")).await;
        }
        assert!(in_order > 0, "{table} has no index in the order of its lists");
    }
}
