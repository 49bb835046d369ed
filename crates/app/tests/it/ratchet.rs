//! What every operation must stand, whoever adds it: the table says which checks apply to which operation, the document
//! which operations there are, and each has to fit the other.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Operation, World, contact, operations, send};
use Check::{ForeignCalls, ForeignData, ForeignRow, MissingScope, NoCredential, Reference};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Check {
    /// Without a credential: 401.
    NoCredential,
    /// With every scope but one of those that it needs: 403, and with just those that it needs: done.
    MissingScope,
    /// About another tenant's row: 404, as about no row, and the row stays as it is.
    ForeignRow,
    /// Other tenants' rows change nothing in lists, counts and sums; named by their ids, they are as absent ones.
    ForeignData,
    /// Other tenants' calls change nothing of what is counted.
    ForeignCalls,
    /// This field refers to a row of this collection: another tenant's is refused as an absent one.
    Reference(&'static str, &'static str),
}

const LEAD: &[Check] = &[
    NoCredential,
    MissingScope,
    Reference("contactId", "/contacts"),
    Reference("stageId", "/lead-stages"),
    Reference("assignedTo", "/users"),
];

const TASK: &[Check] = &[
    NoCredential,
    MissingScope,
    ForeignRow,
    Reference("phaseId", "/project-phases"),
    Reference("assignedTo", "/users"),
];

const WORK: &[Check] = &[
    Reference("userId", "/users"),
    Reference("projectId", "/projects"),
    Reference("taskId", "/project-tasks"),
    Reference("phaseId", "/project-phases"),
    Reference("reviewedBy", "/users"),
];

const BID: &[Check] = &[
    NoCredential,
    MissingScope,
    Reference("contactId", "/contacts"),
    Reference("leadId", "/leads"),
    Reference("projectId", "/projects"),
    Reference("paymentTermId", "/payment-terms"),
    Reference("createdBy", "/users"),
];

const LINE: Check = Reference("bidLineItemId", "/bid-line-items");
const PRODUCT: Check = Reference("productId", "/products");

const TABLE: &[(&str, &[Check])] = &[
    ("getMe", &[NoCredential]),
    ("getOauthUserinfo", &[NoCredential]),
    ("listApiAuditLogs", &[NoCredential, MissingScope, ForeignData]),
    ("getUsage", &[NoCredential, MissingScope, ForeignCalls]),
    ("getContacts", &[NoCredential, MissingScope, ForeignData]),
    ("postContacts", &[NoCredential, MissingScope, Reference("parentContactId", "/contacts")]),
    ("postContactsGetMany", &[NoCredential, MissingScope, ForeignData]),
    ("getContactsCount", &[NoCredential, MissingScope, ForeignData]),
    ("getContactsSummary", &[NoCredential, MissingScope, ForeignData]),
    ("getContactsById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchContactsById", &[NoCredential, MissingScope, ForeignRow, Reference("parentContactId", "/contacts")]),
    ("deleteContactsById", &[NoCredential, MissingScope, ForeignRow]),
    ("getCommentsByEntityTypeByEntityId", &[NoCredential, MissingScope, ForeignRow]),
    (
        "postComments",
        &[NoCredential, MissingScope, Reference("entityId", "/contacts"), Reference("parentId", "/comments")],
    ),
    ("patchCommentsById", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteCommentsById", &[NoCredential, MissingScope, ForeignRow]),
    ("getDocuments", &[NoCredential, MissingScope, ForeignData]),
    ("postDocuments", &[NoCredential, MissingScope, Reference("entityId", "/contacts")]),
    ("getDocumentsCount", &[NoCredential, MissingScope, ForeignData]),
    ("getDocumentsById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchDocumentsById", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteDocumentsById", &[NoCredential, MissingScope, ForeignRow]),
    ("getDocumentsByIdDownload", &[NoCredential, MissingScope, ForeignRow]),
    ("getNotifications", &[NoCredential, MissingScope, ForeignData]),
    ("postContactsExports", &[NoCredential, MissingScope]),
    ("postContactsImports", &[NoCredential, MissingScope]),
    ("postContactsBulk", &[NoCredential, MissingScope]),
    ("getLeads", &[NoCredential, MissingScope, ForeignData]),
    ("postLeads", LEAD),
    ("getLeadsCount", &[NoCredential, MissingScope, ForeignData]),
    ("getLeadsSummary", &[NoCredential, MissingScope, ForeignData]),
    ("getLeadsById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchLeadsById", &[NoCredential, MissingScope, ForeignRow, LEAD[2], LEAD[3], LEAD[4]]),
    ("deleteLeadsById", &[NoCredential, MissingScope, ForeignRow]),
    ("postLeadsByIdConvert", &[NoCredential, MissingScope, ForeignRow]),
    ("getLeadStages", &[NoCredential, MissingScope, ForeignData]),
    ("postLeadStages", &[NoCredential, MissingScope]),
    ("patchLeadStagesById", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteLeadStagesById", &[NoCredential, MissingScope, ForeignRow]),
    ("postLeadsExports", &[NoCredential, MissingScope]),
    ("postLeadsImports", &[NoCredential, MissingScope]),
    ("postLeadsBulk", &[NoCredential, MissingScope]),
    ("getProjectTemplates", &[NoCredential, MissingScope, ForeignData]),
    ("postProjectTemplates", &[NoCredential, MissingScope, Reference("createdBy", "/users")]),
    ("getProjectTemplatesById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchProjectTemplatesById", &[NoCredential, MissingScope, ForeignRow, Reference("createdBy", "/users")]),
    ("deleteProjectTemplatesById", &[NoCredential, MissingScope, ForeignRow]),
    ("getProducts", &[NoCredential, MissingScope, ForeignData]),
    ("postProducts", &[NoCredential, MissingScope]),
    ("getProductsCount", &[NoCredential, MissingScope, ForeignData]),
    ("postProductsGetMany", &[NoCredential, MissingScope, ForeignData]),
    ("getProductsById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchProductsById", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteProductsById", &[NoCredential, MissingScope, ForeignRow]),
    ("getProductsByIdUsage", &[NoCredential, MissingScope, ForeignRow]),
    ("postProductsByIdRestore", &[NoCredential, MissingScope, ForeignRow]),
    ("postProductsByIdDuplicate", &[NoCredential, MissingScope, ForeignRow]),
    ("postProductsBulkDelete", &[NoCredential, MissingScope, ForeignData]),
    ("postProductsBulkRestore", &[NoCredential, MissingScope, ForeignData]),
    ("getProductsByIdKitItems", &[NoCredential, MissingScope, ForeignRow]),
    (
        "postProductsByIdKitItems",
        &[NoCredential, MissingScope, ForeignRow, Reference("componentProductId", "/products")],
    ),
    (
        "patchProductsByIdKitItemsByItemId",
        &[NoCredential, MissingScope, ForeignRow, Reference("componentProductId", "/products")],
    ),
    ("deleteProductsByIdKitItemsByItemId", &[NoCredential, MissingScope, ForeignRow]),
    ("putProductsByIdKitItemsReorder", &[NoCredential, MissingScope, ForeignRow]),
    ("getBids", &[NoCredential, MissingScope, ForeignData]),
    ("postBids", BID),
    ("getBidsCount", &[NoCredential, MissingScope, ForeignData]),
    ("postBidsGetMany", &[NoCredential, MissingScope, ForeignData]),
    ("getBidsSummary", &[NoCredential, MissingScope, ForeignData]),
    ("getBidsById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchBidsById", &[NoCredential, MissingScope, ForeignRow, BID[2], BID[3], BID[4], BID[5], BID[6]]),
    ("deleteBidsById", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdSend", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdPdf", &[NoCredential, MissingScope, ForeignRow]),
    ("postChangeOrdersByIdPdf", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsByIdPdf", &[NoCredential, MissingScope, ForeignRow]),
    ("getInvoicesByIdPdf", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdAccept", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdRevertAcceptance", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdReject", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdCancel", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdReopen", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdDuplicate", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdConvertToProject", &[NoCredential, MissingScope, ForeignRow]),
    ("getBidsByIdLineItems", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdLineItems", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("patchBidsByIdLineItemsByItemId", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("deleteBidsByIdLineItemsByItemId", &[NoCredential, MissingScope, ForeignRow]),
    ("getBidsByIdLineItemsByItemIdSublines", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdLineItemsByItemIdSublines", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("patchBidsByIdLineItemsByItemIdSublinesBySublineId", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("deleteBidsByIdLineItemsByItemIdSublinesBySublineId", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdLineItemsByItemIdImportKit", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("getBidsByIdDistributedCosts", &[NoCredential, MissingScope, ForeignRow]),
    ("postBidsByIdDistributedCosts", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("patchBidsByIdDistributedCostsByCostId", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("deleteBidsByIdDistributedCostsByCostId", &[NoCredential, MissingScope, ForeignRow]),
    ("getChangeOrders", &[NoCredential, MissingScope, ForeignData]),
    ("postChangeOrders", &[NoCredential, MissingScope, Reference("projectId", "/projects")]),
    ("getChangeOrdersCount", &[NoCredential, MissingScope, ForeignData]),
    ("postChangeOrdersGetMany", &[NoCredential, MissingScope, ForeignData]),
    ("getChangeOrdersSummary", &[NoCredential, MissingScope, ForeignData]),
    ("getChangeOrdersById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchChangeOrdersById", &[NoCredential, MissingScope, ForeignRow, Reference("projectId", "/projects")]),
    ("deleteChangeOrdersById", &[NoCredential, MissingScope, ForeignRow]),
    ("postChangeOrdersByIdSubmit", &[NoCredential, MissingScope, ForeignRow]),
    ("postChangeOrdersByIdApprove", &[NoCredential, MissingScope, ForeignRow]),
    ("postChangeOrdersByIdReject", &[NoCredential, MissingScope, ForeignRow]),
    ("postChangeOrdersByIdVoid", &[NoCredential, MissingScope, ForeignRow]),
    ("postChangeOrdersByIdSend", &[NoCredential, MissingScope, ForeignRow]),
    ("getChangeOrdersByIdLineItems", &[NoCredential, MissingScope, ForeignRow]),
    ("postChangeOrdersByIdLineItems", &[NoCredential, MissingScope, ForeignRow, LINE]),
    ("patchChangeOrdersByIdLineItemsByItemId", &[NoCredential, MissingScope, ForeignRow, LINE]),
    ("deleteChangeOrdersByIdLineItemsByItemId", &[NoCredential, MissingScope, ForeignRow]),
    ("getInvoices", &[NoCredential, MissingScope, ForeignData]),
    ("postInvoices", &[NoCredential, MissingScope]),
    ("getInvoicesSummary", &[NoCredential, MissingScope, ForeignData]),
    ("getInvoicesById", &[NoCredential, MissingScope, ForeignRow]),
    (
        "patchInvoicesById",
        &[
            NoCredential,
            MissingScope,
            ForeignRow,
            Reference("projectId", "/projects"),
            Reference("contactId", "/contacts"),
            Reference("sourceBidId", "/bids"),
            Reference("sourcePayAppId", "/pay-apps"),
            Reference("paymentTermId", "/payment-terms"),
        ],
    ),
    ("deleteInvoicesById", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesFromBid", &[NoCredential, MissingScope, Reference("bidId", "/bids")]),
    ("postInvoicesFromPayApp", &[NoCredential, MissingScope, Reference("payAppId", "/pay-apps")]),
    ("postInvoicesByIdSend", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesByIdMarkSent", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesByIdMarkPaid", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesByIdVoid", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesByIdQboSync", &[NoCredential, MissingScope, ForeignRow]),
    ("getInvoicesByIdPayments", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesByIdPayments", &[NoCredential, MissingScope, ForeignRow]),
    ("patchInvoicesByIdPaymentsByPaymentId", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteInvoicesByIdPaymentsByPaymentId", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesByIdLines", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("patchInvoicesByIdLinesByLineId", &[NoCredential, MissingScope, ForeignRow, PRODUCT]),
    ("deleteInvoicesByIdLinesByLineId", &[NoCredential, MissingScope, ForeignRow]),
    ("postInvoicesByIdLinesReorder", &[NoCredential, MissingScope, ForeignRow]),
    ("getPayApps", &[NoCredential, MissingScope, ForeignData]),
    (
        "postPayApps",
        &[
            NoCredential,
            MissingScope,
            Reference("projectId", "/projects"),
            Reference("sentBy", "/users"),
            Reference("voidedBy", "/users"),
        ],
    ),
    ("getPayAppsCount", &[NoCredential, MissingScope, ForeignData]),
    ("postPayAppsGetMany", &[NoCredential, MissingScope, ForeignData]),
    ("getPayAppsSummary", &[NoCredential, MissingScope, ForeignData]),
    ("getPayAppsById", &[NoCredential, MissingScope, ForeignRow]),
    (
        "patchPayAppsById",
        &[
            NoCredential,
            MissingScope,
            ForeignRow,
            Reference("projectId", "/projects"),
            Reference("sentBy", "/users"),
            Reference("voidedBy", "/users"),
        ],
    ),
    ("deletePayAppsById", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsExports", &[NoCredential, MissingScope]),
    ("postPayAppsBulk", &[NoCredential, MissingScope]),
    ("postPayAppsByIdSubmit", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsByIdApprove", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsByIdMarkPaid", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsByIdReject", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsByIdVoid", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsByIdSend", &[NoCredential, MissingScope, ForeignRow]),
    ("getPayAppsByIdLineItems", &[NoCredential, MissingScope, ForeignRow]),
    ("postPayAppsByIdLineItems", &[NoCredential, MissingScope, ForeignRow, LINE]),
    ("patchPayAppsByIdLineItemsByLineId", &[NoCredential, MissingScope, ForeignRow, LINE]),
    ("deletePayAppsByIdLineItemsByLineId", &[NoCredential, MissingScope, ForeignRow]),
    ("getProjects", &[NoCredential, MissingScope, ForeignData]),
    (
        "postProjects",
        &[NoCredential, MissingScope, Reference("contactId", "/contacts"), Reference("assignedTo", "/users")],
    ),
    ("postProjectsGetMany", &[NoCredential, MissingScope, ForeignData]),
    ("getProjectsCount", &[NoCredential, MissingScope, ForeignData]),
    ("getProjectsSummary", &[NoCredential, MissingScope, ForeignData]),
    ("getProjectsById", &[NoCredential, MissingScope, ForeignRow]),
    (
        "patchProjectsById",
        &[
            NoCredential,
            MissingScope,
            ForeignRow,
            Reference("contactId", "/contacts"),
            Reference("assignedTo", "/users"),
        ],
    ),
    ("deleteProjectsById", &[NoCredential, MissingScope, ForeignRow]),
    ("getProjectsByIdPhases", &[NoCredential, MissingScope, ForeignRow]),
    ("postProjectsByIdPhases", &[NoCredential, MissingScope, ForeignRow]),
    ("putProjectsByIdPhasesOrder", &[NoCredential, MissingScope, ForeignRow]),
    ("patchProjectsByIdPhasesByPhaseId", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteProjectsByIdPhasesByPhaseId", &[NoCredential, MissingScope, ForeignRow]),
    ("getProjectsByIdTasks", &[NoCredential, MissingScope, ForeignRow]),
    ("postProjectsByIdTasks", TASK),
    ("putProjectsByIdTasksOrder", &[NoCredential, MissingScope, ForeignRow]),
    ("patchProjectsByIdTasksByTaskId", TASK),
    ("deleteProjectsByIdTasksByTaskId", &[NoCredential, MissingScope, ForeignRow]),
    ("getSiteLogs", &[NoCredential, MissingScope, ForeignData]),
    (
        "postSiteLogs",
        &[
            NoCredential,
            MissingScope,
            Reference("projectId", "/projects"),
            Reference("reviewedBy", "/users"),
            Reference("createdBy", "/users"),
        ],
    ),
    ("getSiteLogsById", &[NoCredential, MissingScope, ForeignRow]),
    (
        "patchSiteLogsById",
        &[
            NoCredential,
            MissingScope,
            ForeignRow,
            Reference("projectId", "/projects"),
            Reference("reviewedBy", "/users"),
        ],
    ),
    ("deleteSiteLogsById", &[NoCredential, MissingScope, ForeignRow]),
    ("getTimeEntries", &[NoCredential, MissingScope, ForeignData]),
    ("postTimeEntries", &[NoCredential, MissingScope, WORK[0], WORK[1], WORK[2], WORK[3], WORK[4]]),
    ("getTimeEntriesSummary", &[NoCredential, MissingScope, ForeignData]),
    ("patchTimeEntriesById", &[NoCredential, MissingScope, ForeignRow, WORK[0], WORK[1], WORK[2], WORK[3], WORK[4]]),
    ("deleteTimeEntriesById", &[NoCredential, MissingScope, ForeignRow]),
    ("getCalendarEvents", &[NoCredential, MissingScope, ForeignData]),
    ("postProjectsExports", &[NoCredential, MissingScope]),
    ("postProjectsImports", &[NoCredential, MissingScope]),
    ("postProjectsBulk", &[NoCredential, MissingScope]),
    ("postSiteLogsExports", &[NoCredential, MissingScope]),
    ("postSiteLogsImports", &[NoCredential, MissingScope]),
    ("postSiteLogsBulk", &[NoCredential, MissingScope]),
    ("postTimeEntriesExports", &[NoCredential, MissingScope]),
    ("postTimeEntriesImports", &[NoCredential, MissingScope]),
    ("postTimeEntriesBulk", &[NoCredential, MissingScope]),
    ("postDocumentsExports", &[NoCredential, MissingScope]),
    ("postDocumentsBulk", &[NoCredential, MissingScope]),
    ("postProductsExports", &[NoCredential, MissingScope]),
    ("postProductsImports", &[NoCredential, MissingScope]),
    ("postProductsBulk", &[NoCredential, MissingScope]),
    ("postBidsExports", &[NoCredential, MissingScope]),
    ("postBidsBulk", &[NoCredential, MissingScope]),
    ("postChangeOrdersExports", &[NoCredential, MissingScope]),
    ("postChangeOrdersBulk", &[NoCredential, MissingScope]),
    ("getSignatureRequests", &[NoCredential, MissingScope, ForeignData]),
    ("postSignatureRequests", &[NoCredential, MissingScope, Reference("entityId", "/bids")]),
    ("getSignatureRequestsById", &[NoCredential, MissingScope, ForeignRow]),
    ("postSignatureRequestsByIdResend", &[NoCredential, MissingScope, ForeignRow]),
    ("postSignatureRequestsByIdVoid", &[NoCredential, MissingScope, ForeignRow]),
    ("getSettingsBranding", &[NoCredential, MissingScope, ForeignData]),
    ("getSettingsDataRetention", &[NoCredential, MissingScope, ForeignData]),
    ("getUsers", &[NoCredential, MissingScope, ForeignData]),
    ("getUsersById", &[NoCredential, MissingScope, ForeignRow]),
    ("getJobs", &[NoCredential, MissingScope, ForeignData]),
    ("postJobsUploads", &[NoCredential, MissingScope]),
    ("getJobsById", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteJobsById", &[NoCredential, MissingScope, ForeignRow]),
    ("getJobsByIdDownload", &[NoCredential, MissingScope, ForeignRow]),
    ("getJobsByIdErrors", &[NoCredential, MissingScope, ForeignRow]),
    ("postJobsByIdCancel", &[NoCredential, MissingScope, ForeignRow]),
    ("postJobsByIdUndo", &[NoCredential, MissingScope, ForeignRow]),
    ("getWebhookEndpoints", &[NoCredential, MissingScope, ForeignData]),
    ("postWebhookEndpoints", &[NoCredential, MissingScope]),
    ("getWebhookEndpointsById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchWebhookEndpointsById", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteWebhookEndpointsById", &[NoCredential, MissingScope, ForeignRow]),
    ("postWebhookEndpointsByIdRotateSecret", &[NoCredential, MissingScope, ForeignRow]),
    ("getWebhookEndpointsByIdDeliveries", &[NoCredential, MissingScope, ForeignRow]),
    ("listWebhookDeliveries", &[NoCredential, MissingScope, ForeignData]),
    ("getWebhookDelivery", &[NoCredential, MissingScope, ForeignRow]),
    ("replayWebhookDelivery", &[NoCredential, MissingScope, ForeignRow]),
    ("getEvents", &[NoCredential, MissingScope, ForeignData]),
    ("getApiKeys", &[NoCredential, MissingScope, ForeignData]),
    ("postApiKeys", &[NoCredential, MissingScope]),
    ("getApiKeysById", &[NoCredential, MissingScope, ForeignRow]),
    ("patchApiKeysById", &[NoCredential, MissingScope, ForeignRow]),
    ("deleteApiKeysById", &[NoCredential, MissingScope, ForeignRow]),
    ("postApiKeysByIdRotate", &[NoCredential, MissingScope, ForeignRow]),
];

/// What rows must be before a step can be taken with them.
const READY: &[(&str, &str)] = &[
    ("postBidsByIdRevertAcceptance", "UPDATE bids SET status = 'accepted'"),
    ("postBidsByIdConvertToProject", "UPDATE bids SET status = 'accepted'"),
    ("postBidsByIdReopen", "UPDATE bids SET status = 'cancelled', cancelled_from_status = 'draft'"),
    (
        "postBidsByIdLineItemsByItemIdImportKit",
        "WITH part AS (
             INSERT INTO products (tenant_id, sku, name, type, is_kit, is_active, created_at, updated_at)
             SELECT tenant_id, gen_random_uuid(), 'Part', 'material', false, true, now(), now() FROM bid_line_items
             WHERE id = (SELECT max(id) FROM bid_line_items) RETURNING tenant_id, id
         ), kit AS (
             INSERT INTO products (tenant_id, sku, name, type, is_kit, is_active, created_at, updated_at)
             SELECT tenant_id, gen_random_uuid(), 'Kit', 'material', true, true, now(), now() FROM part RETURNING tenant_id, id
         ), item AS (
             INSERT INTO kit_items (tenant_id, kit_product_id, component_product_id, default_quantity, component_deleted,
                 created_at, updated_at)
             SELECT kit.tenant_id, kit.id, part.id, 1, false, now(), now() FROM part, kit
         )
         UPDATE bid_line_items SET product_id = kit.id FROM kit WHERE bid_line_items.id = (SELECT max(id) FROM bid_line_items)",
    ),
    (
        "postChangeOrdersByIdSubmit",
        "INSERT INTO change_order_items (tenant_id, change_order_id, change_type, created_at, updated_at)
         SELECT tenant_id, id, 'add', now(), now() FROM change_orders",
    ),
    ("postInvoicesFromBid", "UPDATE bids SET status = 'accepted', subtotal = 100, total = 100"),
    ("postInvoicesFromPayApp", "UPDATE pay_apps SET status = 'approved', current_billed = 100, current_payment_due = 100"),
    ("postInvoicesByIdMarkPaid", "UPDATE invoices SET status = 'sent'"),
    ("postInvoicesByIdPayments", "UPDATE invoices SET status = 'sent'"),
    ("postPayAppsByIdApprove", "UPDATE pay_apps SET status = 'submitted'"),
    ("postPayAppsByIdReject", "UPDATE pay_apps SET status = 'submitted'"),
    ("postPayAppsByIdVoid", "UPDATE pay_apps SET status = 'submitted'"),
    ("postPayAppsByIdMarkPaid", "UPDATE pay_apps SET status = 'approved'"),
    ("postChangeOrdersByIdApprove", "UPDATE change_orders SET status = 'submitted'"),
    ("postChangeOrdersByIdReject", "UPDATE change_orders SET status = 'submitted'"),
    ("postChangeOrdersByIdVoid", "UPDATE change_orders SET status = 'approved'"),
];

/// The id of no row.
const ABSENT: i64 = 999_999_999;

#[tokio::test]
async fn every_operation_passes_the_checks_of_its_row() {
    let world = World::start().await;
    let operations = operations(&world).await;
    assert_eq!(misfits(&operations, TABLE), [""; 0]);
    let all: BTreeSet<&str> = operations.iter().flat_map(|operation| &operation.scopes).map(String::as_str).collect();
    let all: Vec<&str> = all.into_iter().collect();
    let other = world.another_tenant().await;
    let tenants = Tenants {
        own: world.client(&all).await,
        foreign: world.client_of(&other, &all).await,
        operations: &operations,
        all_scopes: &all,
        world: &world,
    };
    // Of what rows name that are made.
    for client in [&tenants.own, &tenants.foreign] {
        for collection in ["/users", "/projects"] {
            tenants.row_of(client, collection).await;
        }
    }
    for operation in &operations {
        for check in checks_of(&operation.name) {
            match check {
                NoCredential => tenants.no_credential(operation).await,
                MissingScope => tenants.missing_scope(operation).await,
                ForeignRow => tenants.foreign_row(operation).await,
                ForeignCalls => tenants.foreign_calls(operation).await,
                ForeignData => tenants.foreign_data(operation).await,
                Reference(field, collection) => tenants.reference(operation, field, collection).await,
            }
        }
    }
}

fn checks_of(name: &str) -> &'static [Check] {
    TABLE.iter().find(|(operation, _)| *operation == name).map_or(&[], |(_, checks)| checks)
}

/// What does not fit between the operations of a document and a table.
fn misfits(operations: &[Operation], table: &[(&str, &[Check])]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, _) in table {
        if !operations.iter().any(|operation| operation.name == *name) {
            found.push(format!("{name} is in the table and not in the document"));
        }
    }
    for operation in operations {
        let name = &operation.name;
        let rows: Vec<_> = table.iter().filter(|(row, _)| row == name).collect();
        let [(_, checks)] = rows.as_slice() else {
            found.push(format!("{name} is in the table {} times", rows.len()));
            continue;
        };
        let declared: BTreeSet<String> = checks.iter().map(|check| check.kind()).collect();
        let expected = expected(operation);
        for check in expected.difference(&declared) {
            found.push(format!("{name} must declare {check}"));
        }
        for check in declared.difference(&expected) {
            found.push(format!("{name} has nothing for {check}"));
        }
    }
    found
}

/// The checks that an operation must stand, as its description says.
fn expected(operation: &Operation) -> BTreeSet<String> {
    let is_about_one = operation.path.contains("{id}") || operation.path.contains("{entityId}");
    // What a job says of rows that are not there is shown by tests of jobs.
    let names_ids = operation.fields.iter().any(|field| field == "ids") && !operation.path.ends_with("/bulk");
    let mut checks: BTreeSet<String> =
        operation.references.iter().map(|field| format!("a reference in {field}")).collect();
    checks.insert(NoCredential.kind());
    if !operation.scopes.is_empty() {
        checks.insert(MissingScope.kind());
    }
    if is_about_one {
        checks.insert(ForeignRow.kind());
    }
    if operation.path == "/usage" {
        checks.insert(ForeignCalls.kind());
    } else if names_ids || (operation.method == Method::GET && !is_about_one && !operation.scopes.is_empty()) {
        checks.insert(ForeignData.kind());
    }
    checks
}

impl Check {
    fn kind(self) -> String {
        match self {
            Reference(field, _) => format!("a reference in {field}"),
            check => format!("{check:?}"),
        }
    }
}

/// Two tenants, each with a client that may do everything.
struct Tenants<'a> {
    world: &'a World,
    operations: &'a [Operation],
    all_scopes: &'a [&'a str],
    own: Client,
    foreign: Client,
}

impl Tenants<'_> {
    async fn no_credential(&self, operation: &Operation) {
        let path = self.path_to_own(operation).await;
        let request = self.world.request(operation.method.clone(), &format!("/api/v1{path}"));
        send(request).await.problem(401, "unauthorized");
    }

    async fn missing_scope(&self, operation: &Operation) {
        for scope in &operation.scopes {
            let others: Vec<&str> = self.all_scopes.iter().copied().filter(|other| other != scope).collect();
            let client = self.world.client(&others).await;
            let answer = self.call(&client, operation, &self.path_to_own(operation).await, None).await;
            assert!(answer.problem(403, "scope_insufficient").contains(scope.as_str()), "{}: {answer}", operation.name);
        }
        // Who makes keys hands on what the example says, and must hold it.
        let handed_on =
            self.create(collection(operation)).and_then(|create| create.example.as_ref()?["scopes"].as_array());
        let handed_on = handed_on.into_iter().flatten().filter_map(Value::as_str);
        // An example may say what is so already: a change that changes nothing reads.
        let family = |operation: &Operation| operation.path.split('/').nth(1).map(str::to_owned);
        let reads =
            self.operations.iter().filter(|other| family(other) == family(operation) && other.method == Method::GET);
        let reads = reads.filter(|_| operation.method == Method::PATCH).flat_map(|read| &read.scopes);
        // Jobs of others are seen by those who may read what they are about, and undone by those who may change and delete it.
        let of_jobs: &[&str] = match operation.path.as_str() {
            "/jobs/{id}/undo" => &["leads:read", "leads:write", "leads:delete"],
            path if path.starts_with("/jobs/{id}") => &["leads:read"],
            _ => &[],
        };
        let own = operation.scopes.iter().chain(reads).map(String::as_str).chain(of_jobs.iter().copied());
        let just_these: Vec<&str> = own.chain(handed_on).collect();
        let client = self.world.client(&just_these).await;
        let answer = self.call(&client, operation, &self.path_to_own(operation).await, None).await;
        // Where an operation leads, the client goes.
        assert!((200..300).contains(&answer.status), "{}: {answer}", operation.name);
    }

    async fn foreign_row(&self, operation: &Operation) {
        let collection = collection(operation);
        let path = self.path_to(&self.foreign, operation).await;
        let row = format!("{collection}/{{id}}");
        let one = self.operations.iter().any(|o| o.path == row && o.method == Method::GET);
        let shown = match path.rsplit('/').next().and_then(|id| id.parse().ok()) {
            // They are shown together, on what they are about.
            Some(id) if collection == "/comments" => format!("/comments/contact/{}", self.about_comment(id).await),
            _ if operation.path.contains("{entityId}") => path.clone(),
            _ if one => path.split('/').take(3).collect::<Vec<_>>().join("/"),
            _ => collection.to_owned(),
        };
        let read = || self.foreign.get(&shown);
        let before = read().await;
        let foreign = self.call(&self.own, operation, &path, None).await;
        foreign.problem(404, "not_found");
        let absent = self.call(&self.own, operation, &operation.path_of(ABSENT), None).await;
        alike(operation, &foreign, &absent);
        assert_eq!(read().await.data(200), before.data(200), "{} left a trace", operation.name);
    }

    async fn foreign_data(&self, operation: &Operation) {
        let collection = collection(operation);
        if collection == "/api-audit-logs" {
            return self.foreign_requests(operation).await;
        }
        if collection == "/settings" {
            return self.foreign_settings(operation).await;
        }
        if collection == "/events" {
            return self.foreign_events(operation).await;
        }
        if collection == "/calendar" {
            return self.foreign_entries(operation).await;
        }
        if collection == "/notifications" {
            return self.foreign_notifications(operation).await;
        }
        let mut own = self.row_of(&self.own, collection).await;
        let body = |own, id| operation.example.as_ref().map(|_| json!({ "ids": [own, id] }));
        let before = self.call(&self.own, operation, &operation.path, body(own, ABSENT)).await;
        before.data(200);
        if operation.path.contains("/bulk-") {
            // It was done to that one.
            own = self.row_of(&self.own, collection).await;
        }
        let id = self.row_of(&self.foreign, collection).await;
        let row = format!("{collection}/{id}");
        let foreign = self.foreign.get(&row).await;
        let after = self.call(&self.own, operation, &operation.path, body(own, id)).await;
        alike(operation, &before, &after);
        assert_eq!(self.foreign.get(&row).await.json["data"], foreign.json["data"], "{}", operation.name);
    }

    /// The rows of the audit log are the requests themselves: asking for it adds one.
    async fn foreign_requests(&self, operation: &Operation) {
        let foreign = self.foreign.get("/me").await;
        let logged =
            format!("SELECT count(*) FROM api_audit_logs WHERE request_id = '{}'", foreign.header("x-request-id"));
        self.world.wait_until(&logged).await;
        let own = self.world.number("SELECT min(id) FROM tenants").await;
        let list = self.call(&self.own, operation, &format!("{}?limit=100", operation.path), None).await;
        let rows = list.data(200).as_array().expect("rows");
        assert!(!rows.is_empty() && rows.iter().all(|row| row["tenantId"] == own), "{list}");
        let key = self.world.number(&format!("SELECT max(id) FROM api_keys WHERE tenant_id <> {own}")).await;
        for id in [key, ABSENT] {
            let path = format!("{}?apiKeyId={id}", operation.path);
            assert_eq!(self.call(&self.own, operation, &path, None).await.data(200), &json!([]));
        }
    }

    /// The feed shows events once the outbox is read.
    async fn foreign_events(&self, operation: &Operation) {
        for client in [&self.own, &self.foreign] {
            client.post("/contacts", &contact("Feed")).await.data(201);
        }
        self.world.wait_until("SELECT (count(*) = 0)::integer::bigint FROM outbox WHERE position IS NULL").await;
        let own = self.world.number("SELECT min(id) FROM tenants").await;
        let feed = self.call(&self.own, operation, &format!("{}?limit=100", operation.path), None).await;
        let events = feed.data(200).as_array().expect("events");
        assert!(!events.is_empty() && events.iter().all(|event| event["tenant_id"] == own), "{feed}");
    }

    /// The id of a new delivery, which the background loop alone makes.
    async fn delivery_of(&self, client: &Client) -> i64 {
        let endpoint = self.row_of(client, "/webhook-endpoints").await;
        self.world.delivery(endpoint).await
    }

    /// Each tenant has one row, which no operation makes or changes.
    async fn foreign_settings(&self, operation: &Operation) {
        let before = self.call(&self.own, operation, &operation.path, None).await;
        for set in [
            "branding_settings SET company_name = 'Foreign'",
            "data_retention_settings SET deleted_records_retention_days = 33",
        ] {
            self.world.sql(&format!("UPDATE {set} WHERE tenant_id = (SELECT max(id) FROM tenants)")).await;
        }
        alike(operation, &before, &self.call(&self.own, operation, &operation.path, None).await);
        let foreign = self.call(&self.foreign, operation, &operation.path, None).await;
        assert_ne!(foreign.data(200), before.data(200), "{}", operation.name);
    }

    /// Events are those of rows of many families.
    async fn foreign_entries(&self, operation: &Operation) {
        let path = format!("{}{}", operation.path, operation.query);
        let make = async |client: &Client| {
            let body = json!({ "name": "Garage", "startDate": "2026-05-04" });
            let project = client.post("/projects", &body).await.data(201)["id"].clone();
            for (steps, date) in [("phases", "startDate"), ("tasks", "dueDate")] {
                let body = json!({ "name": "Dig", date: "2026-05-04" });
                client.post(&format!("/projects/{project}/{steps}"), &body).await.data(201);
            }
            let stage = client.get("/lead-stages").await.data(200)[0]["id"].clone();
            let lead = json!({ "name": "Shed", "stageId": stage, "expectedCloseDate": "2026-05-04" });
            client.post("/leads", &lead).await.data(201);
        };
        make(&self.own).await;
        let before = self.call(&self.own, operation, &path, None).await;
        assert!(before.data(200).as_array().is_some_and(|events| events.len() >= 4), "{before}");
        make(&self.foreign).await;
        alike(operation, &before, &self.call(&self.own, operation, &path, None).await);
    }

    /// No operation makes them, and they are those of the one who made the key.
    async fn foreign_notifications(&self, operation: &Operation) {
        let own = self.world.number("SELECT min(id) FROM tenants").await;
        let person = self.user_of(&self.own).await;
        let user = format!("SELECT id FROM users WHERE tenant_id = {own} AND account_id = {person}");
        self.world.sql(&format!("UPDATE api_keys SET created_by = ({user}) WHERE tenant_id = {own}")).await;
        // The same person is a user of the other tenants, too.
        let member = format!(
            "INSERT INTO users (tenant_id, account_id, role, created_at)
             SELECT id, {person}, 'viewer', now() FROM tenants WHERE id <> {own}"
        );
        self.world.sql(&member).await;
        let notify = |tenant: &str, title: &str| {
            format!(
                "INSERT INTO notifications (tenant_id, account_id, type, title, created_at)
                 SELECT tenant_id, account_id, 'mention', '{title}', now() FROM users
                 WHERE account_id = {person} AND tenant_id {tenant} {own}"
            )
        };
        self.world.sql(&notify("=", "own")).await;
        let before = self.call(&self.own, operation, &operation.path, None).await;
        assert_eq!(before.data(200)[0]["title"], "own");
        self.world.sql(&notify("<>", "foreign")).await;
        alike(operation, &before, &self.call(&self.own, operation, &operation.path, None).await);
    }

    async fn about_comment(&self, id: i64) -> i64 {
        self.world.number(&format!("SELECT entity_id FROM comments WHERE id = {id}")).await
    }

    async fn foreign_calls(&self, operation: &Operation) {
        let foreign = self.foreign.get("/me").await.data(200)["tenantId"].clone();
        for tenant in [self.world.tenant.as_str(), foreign.as_str().expect("an id")] {
            self.world.bwp(&["tenant", "set-limit", tenant, "1000000"]).await;
        }
        let used = async |client: &Client| {
            let answer = self.call(client, operation, &operation.path, None).await;
            answer.data(200)["tenant"]["used"].as_i64().expect("a number")
        };
        let before = used(&self.own).await;
        for expected in 1..=3 {
            assert_eq!(used(&self.foreign).await, expected, "{}", operation.name);
        }
        assert_eq!(used(&self.own).await, before + 1, "{}", operation.name);
    }

    async fn reference(&self, operation: &Operation, field: &str, collection: &str) {
        let id = self.row_of(&self.foreign, collection).await;
        let path = self.path_to_own(operation).await;
        let referring = async |id: i64| {
            let mut body = operation.body(&self.own, &path).await.expect("a body");
            body[field] = json!(id);
            if field == "reviewedBy" {
                // Nobody has reviewed what is not reviewed.
                body["isReviewed"] = json!(true);
            }
            self.call(&self.own, operation, &path, Some(body)).await
        };
        let (foreign, absent) = (referring(id).await, referring(ABSENT).await);
        if operation.path.contains("/from-") {
            // That row is what it is about.
            foreign.problem(404, "not_found");
        } else {
            foreign.refuses_fields(&[(field, "not_found")]);
        }
        alike(operation, &foreign, &absent);
    }

    /// The operation's path, about a new row of the own tenant's if it is about one.
    async fn path_to_own(&self, operation: &Operation) -> String {
        self.path_to(&self.own, operation).await + operation.query.as_str()
    }

    /// The operation's path, about a new row of the client's tenant if it is about one: of one that belongs to another, about both.
    async fn path_to(&self, client: &Client, operation: &Operation) -> String {
        let make = async |collection: &str| {
            if !collection[1..].contains('/') {
                // Another one, which what is made below may name.
                self.row_of(client, collection).await;
            }
            let id = self.row_of(client, collection).await;
            let job = match operation.path.as_str() {
                "/jobs/{id}/cancel" => Some("status = 'running', lease_until = now() + interval '1 hour'"),
                "/jobs/{id}/undo" => Some("kind = 'csv_import'"),
                _ => None,
            };
            if let Some(set) = job {
                let job = format!("public_id = lpad(to_hex({id}), 32, '0')::uuid");
                self.world.sql(&format!("UPDATE jobs SET {set} WHERE {job}")).await;
            }
            id
        };
        let path = operation.path_to_new(make).await;
        // What they are made from.
        for (from, source) in [("/from-bid", "/bids"), ("/from-pay-app", "/pay-apps")] {
            if operation.path.ends_with(from) {
                self.row_of(client, source).await;
            }
        }
        for (_, ready) in READY.iter().filter(|(name, _)| *name == operation.name) {
            self.world.sql(ready).await;
        }
        path
    }

    /// The operation that makes rows of a collection.
    fn create(&self, collection: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.makes(collection))
    }

    /// The id of a new user, whom no operation makes.
    async fn user_of(&self, client: &Client) -> i64 {
        let tenant = if client.key == self.foreign.key { "max(id)" } else { "min(id)" };
        let make = format!(
            "WITH account AS (
                 INSERT INTO accounts (email, password_hash, created_at) VALUES (gen_random_uuid(), 'x', now()) RETURNING id
             )
             INSERT INTO users (tenant_id, account_id, role, created_at)
             SELECT (SELECT {tenant} FROM tenants), id, 'viewer', now() FROM account"
        );
        self.world.sql(&make).await;
        self.world.number("SELECT max(id) FROM accounts").await
    }

    /// A new job that is over, with its files. The number that its id is made of counts as its id.
    async fn job_of(&self, client: &Client) -> i64 {
        let tenant = if client.key == self.foreign.key { "max(id)" } else { "min(id)" };
        // Those that only seem to run would hold the turns of their tenant.
        self.world.sql("UPDATE jobs SET status = 'succeeded' WHERE lease_until > now() + interval '30 minutes'").await;
        // The first key of each tenant is that of the client that may do everything.
        let make = format!(
            "INSERT INTO jobs (tenant_id, public_id, kind, resource, status, params, key_id, created_at, expires_at)
             SELECT tenant.id, lpad(to_hex((SELECT count(*) + 1 FROM jobs)), 32, '0')::uuid, 'csv_export', 'leads', 'queued', '{{}}',
             (SELECT min(id) FROM api_keys WHERE tenant_id = tenant.id), now(), now() + interval '1 day'
             FROM (SELECT {tenant} AS id FROM tenants) AS tenant"
        );
        self.world.sql(&make).await;
        self.world.wait_until("SELECT every(completed_at IS NOT NULL)::integer FROM jobs").await;
        self.world.sql("UPDATE jobs SET errors_artifact = artifact").await;
        self.world.number("SELECT count(*) FROM jobs").await
    }

    /// The id of a new payment term, which no operation makes.
    async fn payment_term_of(&self, client: &Client) -> i64 {
        let tenant = if client.key == self.foreign.key { "max(id)" } else { "min(id)" };
        let make = format!(
            "INSERT INTO payment_terms (tenant_id, name, created_at, updated_at)
             SELECT {tenant}, 'Net 30', now(), now() FROM tenants"
        );
        self.world.sql(&make).await;
        self.world.number("SELECT max(id) FROM payment_terms").await
    }

    /// The id of a new row.
    async fn row_of(&self, client: &Client, collection: &str) -> i64 {
        if collection == "/users" {
            return self.user_of(client).await;
        }
        if let "/project-phases" | "/project-tasks" = collection {
            let project = Box::pin(self.row_of(client, "/projects")).await;
            let steps = collection.replace("/project-", "");
            return Box::pin(self.row_of(client, &format!("/projects/{project}/{steps}"))).await;
        }
        if collection == "/jobs" {
            return self.job_of(client).await;
        }
        if collection == "/payment-terms" {
            return self.payment_term_of(client).await;
        }
        if collection == "/bid-line-items" {
            let bid = Box::pin(self.row_of(client, "/bids")).await;
            let line = client.post(&format!("/bids/{bid}/line-items"), &json!({ "description": "Brick" })).await;
            return line.data(201)["id"].as_i64().expect("an id");
        }
        if collection == "/webhook-deliveries" {
            return Box::pin(self.delivery_of(client)).await;
        }
        if collection.ends_with("/payments") {
            // Drafts are not paid.
            self.world.sql("UPDATE invoices SET status = 'sent' WHERE status = 'draft'").await;
        }
        let create = self.create(collection).expect("an operation that makes rows");
        for (field, named) in &create.refers_to {
            if create.example.as_ref().is_some_and(|body| body[field].is_i64()) && named != "/users" {
                Box::pin(self.row_of(client, named)).await;
            }
        }
        let made = self.call(client, create, collection, None).await;
        let made = made.data(201);
        // A payment is shown beside its invoice.
        made.get("payment").unwrap_or(made)["id"].as_i64().expect("an id")
    }

    /// Sends the body, or the one that the document gives as an example.
    async fn call(&self, client: &Client, operation: &Operation, path: &str, body: Option<Value>) -> Answer {
        let tenant = if client.key == self.foreign.key { &self.foreign } else { &self.own };
        let body = if body.is_some() { body } else { operation.body(tenant, path).await };
        send(operation.request(client, path, body.as_ref())).await
    }
}

/// `/contacts` of `/contacts/{id}` and of `/contacts/count`.
fn collection(operation: &Operation) -> &str {
    // What stands on a record is asked for by the record: any contact.
    if operation.path.contains("{entityId}") {
        return "/contacts";
    }
    let end = operation.path[1..].find('/').map_or(operation.path.len(), |slash| slash + 1);
    &operation.path[..end]
}

#[track_caller]
fn alike(operation: &Operation, one: &Answer, other: &Answer) {
    let Operation { name, .. } = operation;
    // When a key was last used is written late: that of the asking one at any moment.
    let shown = |answer: &Answer| {
        let mut json = answer.without_request_id();
        for row in json["data"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            row.remove("lastUsedAt");
        }
        json
    };
    assert_eq!((one.status, shown(one)), (other.status, shown(other)), "{name}");
}

mod the_table {
    //! The ratchet bites.

    use super::*;

    fn operation(name: &str, method: Method, path: &str, scopes: &[&str], fields: &[&str]) -> Operation {
        let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Operation {
            name: name.to_owned(),
            method,
            path: path.to_owned(),
            parameters: Vec::new(),
            scopes: all(scopes),
            example: None,
            is_form: false,
            required: Vec::new(),
            fields: all(fields),
            references: all(fields).into_iter().filter(|field: &String| field.ends_with("Id")).collect(),
            refers_to: Vec::new(),
            read_only: Vec::new(),
            query: String::new(),
        }
    }

    #[test]
    fn misses_no_operation_and_has_none_too_many() {
        let known = operation("known", Method::GET, "/me", &[], &[]);
        let new = operation("new", Method::GET, "/new", &[], &[]);
        let table: &[(&str, &[Check])] = &[("known", &[NoCredential]), ("gone", &[NoCredential])];
        assert_eq!(
            misfits(&[known.clone(), new], table),
            ["gone is in the table and not in the document", "new is in the table 0 times"]
        );
        let twice: &[(&str, &[Check])] = &[("known", &[NoCredential]), ("known", &[NoCredential])];
        assert_eq!(misfits(&[known], twice), ["known is in the table 2 times"]);
    }

    #[test]
    fn declares_what_the_document_says_and_no_more() {
        let list = operation("list", Method::GET, "/leads", &["leads:read"], &[]);
        let get = operation("get", Method::GET, "/leads/{id}", &["leads:read"], &[]);
        let update = operation("update", Method::PATCH, "/leads/{id}", &["leads:write"], &["name", "contactId"]);
        let many = operation("many", Method::POST, "/leads/get-many", &["leads:read"], &["ids"]);
        let nothing: &[Check] = &[];
        let table = [("list", nothing), ("get", nothing), ("update", nothing), ("many", nothing)];
        assert_eq!(
            misfits(&[list.clone(), get, update, many], &table),
            [
                "list must declare ForeignData",
                "list must declare MissingScope",
                "list must declare NoCredential",
                "get must declare ForeignRow",
                "get must declare MissingScope",
                "get must declare NoCredential",
                "update must declare ForeignRow",
                "update must declare MissingScope",
                "update must declare NoCredential",
                "update must declare a reference in contactId",
                "many must declare ForeignData",
                "many must declare MissingScope",
                "many must declare NoCredential",
            ]
        );
        let much: &[Check] = &[NoCredential, MissingScope, ForeignData, ForeignRow, Reference("nameId", "/leads")];
        assert_eq!(
            misfits(&[list], &[("list", much)]),
            ["list has nothing for ForeignRow", "list has nothing for a reference in nameId"]
        );
    }
}
