//! Records: what documents and comments hang on, and notifications are about. Here is who may see which, for all of them.

use crate::{
    bids::Bid,
    change_orders::ChangeOrder,
    contacts::Contact,
    ids::TenantId,
    invoices::Invoice,
    leads::Lead,
    pay_apps::PayApp,
    principal::Principal,
    products::Product,
    projects::Project,
    resource::{Referable, Reference, ports::Rows},
    scopes::ScopeId,
    site_logs::SiteLog,
    store::StoreError,
    users::Role,
    words,
};

words! {
    /// What kind of record.
    pub enum RecordType {
        /// A contact.
        Contact = "contact",
        /// A lead.
        Lead = "lead",
        /// A project.
        Project = "project",
        /// A phase of a project.
        Phase = "phase",
        /// A task of a project.
        Task = "task",
        /// A bid.
        Bid = "bid",
        /// A change order.
        ChangeOrder = "change_order",
        /// An application for payment.
        PayApp = "pay_app",
        /// An invoice.
        Invoice = "invoice",
        /// A site log.
        SiteLog = "site_log",
        /// A product of the catalogue.
        Product = "product",
    }
}

/// What there is to know of a kind of record: the scope that shows it, and its rows.
const fn about(kind: RecordType) -> (ScopeId, &'static Reference) {
    match kind {
        RecordType::Contact => (ScopeId::ContactsRead, Contact::REFERENCE),
        RecordType::Lead => (ScopeId::LeadsRead, Lead::REFERENCE),
        RecordType::Project => (ScopeId::ProjectsRead, Project::REFERENCE),
        RecordType::Phase => (ScopeId::ProjectsRead, &PHASE),
        RecordType::Task => (ScopeId::ProjectsRead, &TASK),
        RecordType::Bid => (ScopeId::BidsRead, Bid::REFERENCE),
        RecordType::ChangeOrder => (ScopeId::ChangeOrdersRead, ChangeOrder::REFERENCE),
        RecordType::PayApp => (ScopeId::PayAppsRead, PayApp::REFERENCE),
        RecordType::Invoice => (ScopeId::InvoicesRead, Invoice::REFERENCE),
        RecordType::SiteLog => (ScopeId::SiteLogsRead, SiteLog::REFERENCE),
        RecordType::Product => (ScopeId::ProductsRead, Product::REFERENCE),
    }
}

static PHASE: Reference = part_of_a_project("phase", "project_phases");
static TASK: Reference = part_of_a_project("task", "project_tasks");

const fn part_of_a_project(one: &'static str, table: &'static str) -> Reference {
    Reference { one, table, column: "id", ended: Some("deleted_at"), shape: None, searched: &[] }
}

impl RecordType {
    /// What people call one.
    pub fn one(self) -> String {
        self.as_str().replace('_', " ")
    }

    /// Its rows.
    pub const fn rows(self) -> &'static Reference {
        about(self).1
    }

    /// Whether users of this role may see such records, and what hangs on them.
    pub fn is_seen_by(self, role: Role) -> bool {
        role.scopes().contains(about(self).0)
    }

    /// Whether those who ask may see such records: a key may see what its scopes say, whatever it hangs on.
    pub fn is_shown_to(self, principal: &Principal) -> bool {
        principal.role().is_none_or(|role| self.is_seen_by(role))
    }
}

/// A record of a tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct About {
    /// Of which kind.
    pub kind: RecordType,
    /// Its id.
    pub id: i64,
}

impl About {
    /// Whether the record is there. It is kept from being deleted until the unit of work ends.
    pub async fn pin(self, tenant: TenantId, rows: &mut dyn Rows) -> Result<bool, StoreError> {
        if self.id > 0 { rows.pin(tenant, self.kind.rows(), self.id).await } else { Ok(false) }
    }
}
