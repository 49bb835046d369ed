//! The store in memory does what every store must do with rows.

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
    resource::{Reference, Resource, ports::RowReader},
    signature_requests::{SignatureRequest, SigningPaper, SigningRecord},
    site_logs::SiteLog,
    store::StoreError,
    testing::{
        MemoryRows,
        rows_contract::{Held, Work, hold},
    },
    time_entries::TimeEntry,
};
use futures_executor::block_on;

#[derive(Default)]
struct InMemory(MemoryRows);

#[async_trait]
impl Held for InMemory {
    fn tenants(&self) -> [TenantId; 2] {
        [1, 2].map(|id| TenantId::new(id).expect("positive"))
    }

    fn reader(&self) -> &dyn RowReader {
        &self.0
    }

    async fn commit(&self, work: &mut dyn Work) -> Result<(), StoreError> {
        work.run(&mut self.0.clone()).await
    }

    async fn referred(&self, tenant: TenantId, reference: &'static Reference) -> i64 {
        let id = tenant.get() * 100;
        self.0.refer_to(tenant, reference, id, false);
        id
    }
}

#[test]
fn rows_in_memory() {
    for shape in [
        Contact::SHAPE,
        KitItem::SHAPE,
        Lead::SHAPE,
        LeadStage::SHAPE,
        Product::SHAPE,
        Project::SHAPE,
        ProjectTemplate::SHAPE,
        LaborRate::SHAPE,
        ProjectPhase::SHAPE,
        ProjectTask::SHAPE,
        SiteLog::SHAPE,
        TimeEntry::SHAPE,
        Document::SHAPE,
        Comment::SHAPE,
        Bid::SHAPE,
        BidLineItem::SHAPE,
        CostItem::SHAPE,
        ProjectCost::SHAPE,
        ChangeOrder::SHAPE,
        ChangeOrderItem::SHAPE,
        Mail::SHAPE,
        SignatureRequest::SHAPE,
        SigningPaper::SHAPE,
        SigningRecord::SHAPE,
        PayApp::SHAPE,
        SovLine::SHAPE,
        Invoice::SHAPE,
        InvoiceLineItem::SHAPE,
        InvoicePayment::SHAPE,
    ] {
        block_on(hold(&InMemory::default(), shape, |_| {}));
    }
}
