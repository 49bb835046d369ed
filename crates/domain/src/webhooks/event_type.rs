//! What receivers can be told of.

use crate::words;

words! {
    /// A type of events. An endpoint names those that it wants.
    pub enum EventType {
        /// A bid was made.
        BidCreated = "bid.created",
        /// A bid was changed.
        BidUpdated = "bid.updated",
        /// A bid was deleted.
        BidDeleted = "bid.deleted",
        /// A bid was accepted.
        BidAccepted = "bid.accepted",
        /// A bid was accepted, and that was taken back.
        BidAcceptanceReverted = "bid.acceptance_reverted",
        /// A bid was rejected.
        BidRejected = "bid.rejected",
        /// A bid was not accepted in time.
        BidExpired = "bid.expired",
        /// A bid was cancelled.
        BidCancelled = "bid.cancelled",
        /// A bid was opened again.
        BidReopened = "bid.reopened",
        /// A project was made.
        ProjectCreated = "project.created",
        /// A project was changed.
        ProjectUpdated = "project.updated",
        /// A project was deleted.
        ProjectDeleted = "project.deleted",
        /// A project got another status.
        ProjectStatusChanged = "project.status_changed",
        /// A pay application was submitted.
        PayAppSubmitted = "pay_app.submitted",
        /// A pay application was approved.
        PayAppApproved = "pay_app.approved",
        /// A pay application was rejected.
        PayAppRejected = "pay_app.rejected",
        /// A pay application was paid.
        PayAppPaid = "pay_app.paid",
        /// A pay application was voided.
        PayAppVoided = "pay_app.voided",
        /// A pay application was changed.
        PayAppUpdated = "pay_app.updated",
        /// A pay application was deleted.
        PayAppDeleted = "pay_app.deleted",
        /// A change order was submitted.
        ChangeOrderSubmitted = "change_order.submitted",
        /// A change order was approved.
        ChangeOrderApproved = "change_order.approved",
        /// A change order was rejected.
        ChangeOrderRejected = "change_order.rejected",
        /// A change order was voided.
        ChangeOrderVoided = "change_order.voided",
        /// A change order was changed.
        ChangeOrderUpdated = "change_order.updated",
        /// A change order was deleted.
        ChangeOrderDeleted = "change_order.deleted",
        /// A contact was made.
        ContactCreated = "contact.created",
        /// A contact was changed.
        ContactUpdated = "contact.updated",
        /// A contact was deleted.
        ContactDeleted = "contact.deleted",
        /// A lead was made.
        LeadCreated = "lead.created",
        /// A lead was changed.
        LeadUpdated = "lead.updated",
        /// A lead was deleted.
        LeadDeleted = "lead.deleted",
        /// A product was made.
        ProductCreated = "product.created",
        /// A product was changed.
        ProductUpdated = "product.updated",
        /// A product was deleted.
        ProductDeleted = "product.deleted",
    }
}
