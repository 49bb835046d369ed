//! The whole catalogue of scopes.

use std::{fmt, str::FromStr};

use crate::text::quoted;

/// The three kinds of scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeGroup {
    /// Seeing and changing a family of resources. Writing does not include deleting.
    Resource,
    /// Steps of a business process, such as approving.
    Workflow,
    /// The account itself: users, webhooks, jobs, audit, settings.
    Meta,
}

macro_rules! catalogue {
    ($($variant:ident = $text:literal, $group:ident, $meaning:literal;)*) => {
        /// One scope, written `family:action`. The order is that of the published catalogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ScopeId {
            $(#[doc = concat!("`", $text, "`: ", $meaning)] $variant,)*
        }

        impl ScopeId {
            /// Every scope.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The scope as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// Which kind of scope it is.
            pub const fn group(self) -> ScopeGroup {
                match self { $(Self::$variant => ScopeGroup::$group),* }
            }

            /// What it allows, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

catalogue! {
    ContactsRead = "contacts:read", Resource, "See contacts.";
    ContactsWrite = "contacts:write", Resource, "Create and change contacts.";
    ContactsDelete = "contacts:delete", Resource, "Delete contacts.";
    LeadsRead = "leads:read", Resource, "See leads.";
    LeadsWrite = "leads:write", Resource, "Create and change leads.";
    LeadsDelete = "leads:delete", Resource, "Delete leads.";
    ProjectsRead = "projects:read", Resource, "See projects.";
    ProjectsWrite = "projects:write", Resource, "Create and change projects.";
    ProjectsDelete = "projects:delete", Resource, "Delete projects.";
    BidsRead = "bids:read", Resource, "See bids.";
    BidsWrite = "bids:write", Resource, "Create and change bids.";
    BidsDelete = "bids:delete", Resource, "Delete bids.";
    PayAppsRead = "pay_apps:read", Resource, "See pay applications.";
    PayAppsWrite = "pay_apps:write", Resource, "Create and change pay applications.";
    PayAppsDelete = "pay_apps:delete", Resource, "Delete pay applications.";
    ChangeOrdersRead = "change_orders:read", Resource, "See change orders.";
    ChangeOrdersWrite = "change_orders:write", Resource, "Create and change change orders.";
    ChangeOrdersDelete = "change_orders:delete", Resource, "Delete change orders.";
    SiteLogsRead = "site_logs:read", Resource, "See site logs.";
    SiteLogsWrite = "site_logs:write", Resource, "Create and change site logs.";
    SiteLogsDelete = "site_logs:delete", Resource, "Delete site logs.";
    TimeEntriesRead = "time_entries:read", Resource, "See time entries.";
    TimeEntriesWrite = "time_entries:write", Resource, "Create and change time entries.";
    TimeEntriesDelete = "time_entries:delete", Resource, "Delete time entries.";
    ProductsRead = "products:read", Resource, "See the product catalogue.";
    ProductsWrite = "products:write", Resource, "Create and change the product catalogue.";
    ProductsDelete = "products:delete", Resource, "Delete products.";
    DocumentsRead = "documents:read", Resource, "See documents.";
    DocumentsWrite = "documents:write", Resource, "Create and change documents.";
    DocumentsDelete = "documents:delete", Resource, "Delete documents.";
    InvoicesRead = "invoices:read", Resource, "See invoices.";
    InvoicesWrite = "invoices:write", Resource, "Create and change invoices.";
    InvoicesDelete = "invoices:delete", Resource, "Delete invoices.";
    BidsSend = "bids:send", Workflow, "Send bids to customers.";
    BidsAcceptReject = "bids:accept_reject", Workflow, "Record that a bid was accepted or rejected.";
    PayAppsApprove = "pay_apps:approve", Workflow, "Approve pay applications.";
    PayAppsMarkPaid = "pay_apps:mark_paid", Workflow, "Record that a pay application was paid.";
    PayAppsSend = "pay_apps:send", Workflow, "Send pay applications.";
    ChangeOrdersApprove = "change_orders:approve", Workflow, "Approve change orders.";
    ChangeOrdersSend = "change_orders:send", Workflow, "Send change orders.";
    InvoicesSend = "invoices:send", Workflow, "Send invoices.";
    InvoicesMarkPaid = "invoices:mark_paid", Workflow, "Record that an invoice was paid.";
    InvoicesVoid = "invoices:void", Workflow, "Void invoices.";
    UsersRead = "users:read", Meta, "See the tenant's users.";
    CommentsRead = "comments:read", Resource, "Read comments.";
    CommentsWrite = "comments:write", Resource, "Write and edit comments.";
    CommentsDelete = "comments:delete", Resource, "Delete comments.";
    WebhooksManage = "webhooks:manage", Meta, "Manage webhook endpoints and replay deliveries.";
    JobsRead = "jobs:read", Meta, "Follow exports, imports and other jobs.";
    JobsWrite = "jobs:write", Meta, "Start and cancel jobs.";
    NotificationsRead = "notifications:read", Resource, "Read notifications.";
    NotificationsWrite = "notifications:write", Resource, "Mark notifications as read.";
    MessagingRead = "messaging:read", Resource, "Read messages.";
    MessagingSend = "messaging:send", Workflow, "Send messages.";
    SupportRead = "support:read", Resource, "Read support requests.";
    ReportsRead = "reports:read", Resource, "Read reports.";
    SignaturesRead = "signatures:read", Resource, "See requests for signature.";
    SignaturesSend = "signatures:send", Workflow, "Send requests for signature.";
    AuditRead = "audit:read", Meta, "Read the API audit log and the usage counters.";
    SettingsRead = "settings:read", Meta, "See the tenant's settings.";
    SettingsWrite = "settings:write", Meta, "Change the tenant's settings.";
    ApiKeysRead = "api_keys:read", Meta, "See the tenant's API keys. Only an admin can give it.";
    ApiKeysManage = "api_keys:manage", Meta, "Make, change, rotate and revoke API keys within its own limits. Only an admin can give it.";
    OfflineAccess = "offline_access", Meta, "Stay connected through refresh tokens. Has meaning for OAuth only.";
}

impl ScopeId {
    /// The family it belongs to: what stands before the colon.
    pub fn family(self) -> &'static str {
        self.as_str().split(':').next().unwrap_or_default()
    }
}

/// A text that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope")]
pub struct UnknownScope(pub String);

impl FromStr for ScopeId {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == text).ok_or_else(|| UnknownScope(quoted(text)))
    }
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for ScopeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back() {
        for scope in ScopeId::ALL {
            assert_eq!(scope.as_str().parse(), Ok(*scope));
        }
        assert!("contacts:fly".parse::<ScopeId>().is_err());
    }

    #[test]
    fn families() {
        assert_eq!(ScopeId::PayAppsMarkPaid.family(), "pay_apps");
        assert_eq!(ScopeId::OfflineAccess.family(), "offline_access");
    }
}
