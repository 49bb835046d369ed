//! Roles, and what each may do.

use std::{fmt, str::FromStr};

use crate::{
    scopes::{ScopeId, ScopeSet},
    text::quoted,
};

/// A user's role in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything; alone manages keys, webhooks and settings.
    CompanyAdmin,
    /// A member who may also delete, approve, send, review and keep the product catalogue.
    Manager,
    /// Sees and edits business data.
    Member,
    /// Works on site: sees projects, contacts and documents; writes site logs and time entries.
    FieldCrew,
    /// Sees business data.
    Viewer,
}

/// Something that not everybody may do.
///
/// A person may by their role, a key by a scope: [`Principal::require`](crate::principal::Principal::require) is the one
/// place where either is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See API keys and what they were used for.
    SeeKeys,
    /// Make, change, rotate and revoke API keys.
    ManageKeys,
    /// See who else is in the tenant.
    SeeUsers,
    /// Invite users, give roles, take access away.
    ManageUsers,
    /// See what was changed about keys and users, and by whom.
    SeeSecurityLog,
    /// See which apps act for whom, and disconnect those of others.
    ManageApps,
    /// Make, change and delete webhook endpoints, and see what was sent to them.
    ManageWebhooks,
    /// Mark site logs as reviewed.
    ReviewSiteLogs,
    /// Mark time entries as reviewed, and take that back.
    ReviewTimeEntries,
}

/// The one who asks may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not permitted: {}", .permission.meaning())]
pub struct Forbidden {
    /// What would be needed.
    pub permission: Permission,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::CompanyAdmin, Self::Manager, Self::Member, Self::FieldCrew, Self::Viewer];

    /// The role as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompanyAdmin => "company_admin",
            Self::Manager => "manager",
            Self::Member => "member",
            Self::FieldCrew => "field_crew",
            Self::Viewer => "viewer",
        }
    }

    /// What the role is called on a page.
    pub const fn label(self) -> &'static str {
        match self {
            Self::CompanyAdmin => "Company admin",
            Self::Manager => "Manager",
            Self::Member => "Member",
            Self::FieldCrew => "Field crew",
            Self::Viewer => "Viewer",
        }
    }

    /// What the role may do, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::CompanyAdmin => "May do everything, and alone manages users, API keys, webhooks and settings.",
            Self::Manager => "A member who may also delete, approve, send and keep the product catalogue.",
            Self::Member => "Sees business data, and creates and edits most of it. Does not delete or approve.",
            Self::FieldCrew => "Sees projects, contacts and documents, and writes site logs and time entries.",
            Self::Viewer => "Sees business data and changes nothing.",
        }
    }

    /// What the role may do with the tenant's data, and what an app that acts for such a user may be given of it.
    pub fn scopes(self) -> ScopeSet {
        let held: Vec<_> = ScopeId::ALL.iter().copied().filter(|scope| self.holds(*scope)).collect();
        ScopeSet::of(&held)
    }

    /// Whether the role holds a scope: the matrix. Those over API keys are no role's: an app with one could make a key that
    /// outlives it.
    const fn holds(self, scope: ScopeId) -> bool {
        use ScopeId as S;
        let (admin, manager) = (matches!(self, Self::CompanyAdmin), matches!(self, Self::CompanyAdmin | Self::Manager));
        let (member, crew) = (manager || matches!(self, Self::Member), matches!(self, Self::FieldCrew));
        match scope {
            S::ContactsRead
            | S::ProjectsRead
            | S::DocumentsRead
            | S::SiteLogsRead
            | S::TimeEntriesRead
            | S::CommentsRead
            | S::NotificationsRead
            | S::NotificationsWrite
            | S::OfflineAccess => true,
            S::LeadsRead
            | S::BidsRead
            | S::PayAppsRead
            | S::ChangeOrdersRead
            | S::InvoicesRead
            | S::ProductsRead
            | S::SignaturesRead
            | S::ReportsRead => !crew,
            S::SiteLogsWrite | S::TimeEntriesWrite => member || crew,
            S::ContactsWrite
            | S::LeadsWrite
            | S::ProjectsWrite
            | S::BidsWrite
            | S::PayAppsWrite
            | S::ChangeOrdersWrite
            | S::InvoicesWrite
            | S::DocumentsWrite
            | S::CommentsWrite
            | S::CommentsDelete
            | S::UsersRead
            | S::JobsRead
            | S::JobsWrite
            | S::MessagingRead => member,
            S::ProductsWrite
            | S::ContactsDelete
            | S::LeadsDelete
            | S::ProjectsDelete
            | S::BidsDelete
            | S::PayAppsDelete
            | S::ChangeOrdersDelete
            | S::SiteLogsDelete
            | S::TimeEntriesDelete
            | S::ProductsDelete
            | S::DocumentsDelete
            | S::InvoicesDelete
            | S::BidsSend
            | S::PayAppsSend
            | S::ChangeOrdersSend
            | S::InvoicesSend
            | S::SignaturesSend
            | S::MessagingSend
            | S::BidsAcceptReject
            | S::PayAppsApprove
            | S::ChangeOrdersApprove
            | S::PayAppsMarkPaid
            | S::InvoicesMarkPaid
            | S::InvoicesVoid => manager,
            S::WebhooksManage | S::AuditRead | S::SettingsRead | S::SettingsWrite | S::SupportRead => admin,
            S::ApiKeysRead | S::ApiKeysManage => false,
        }
    }

    /// Whether the role may do this.
    pub const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::SeeKeys
            | Permission::ManageKeys
            | Permission::ManageUsers
            | Permission::SeeSecurityLog
            | Permission::ManageApps
            | Permission::ManageWebhooks => matches!(self, Self::CompanyAdmin),
            Permission::SeeUsers => matches!(self, Self::CompanyAdmin | Self::Manager | Self::Member),
            Permission::ReviewSiteLogs | Permission::ReviewTimeEntries => {
                matches!(self, Self::CompanyAdmin | Self::Manager)
            }
        }
    }
}

impl Permission {
    /// The scope by which a key may do this. `None`: no key may.
    pub const fn scope(self) -> Option<ScopeId> {
        match self {
            Self::SeeKeys => Some(ScopeId::ApiKeysRead),
            Self::ManageKeys => Some(ScopeId::ApiKeysManage),
            Self::SeeUsers => Some(ScopeId::UsersRead),
            Self::ReviewSiteLogs => Some(ScopeId::SiteLogsWrite),
            Self::ReviewTimeEntries => Some(ScopeId::TimeEntriesWrite),
            Self::ManageWebhooks => Some(ScopeId::WebhooksManage),
            Self::ManageUsers | Self::SeeSecurityLog | Self::ManageApps => None,
        }
    }

    /// What it is, as the end of a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::SeeKeys => "to see API keys",
            Self::ManageKeys => "to manage API keys",
            Self::SeeUsers => "to see the team",
            Self::ManageUsers => "to manage the team",
            Self::SeeSecurityLog => "to see the security log",
            Self::ReviewSiteLogs => "to review site logs",
            Self::ReviewTimeEntries => "to review time entries",
            Self::ManageApps => "to manage connected apps",
            Self::ManageWebhooks => "to manage webhooks",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: expected company_admin, manager, member, field_crew or viewer")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(quoted(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The behaviour page's section 7, as far as there is something to permit.
    #[test]
    fn roles_and_permissions() {
        let may = |role: Role| {
            use Permission::{
                ManageApps, ManageKeys, ManageUsers, ReviewSiteLogs, ReviewTimeEntries, SeeKeys, SeeSecurityLog,
                SeeUsers,
            };
            [SeeKeys, ManageKeys, SeeUsers, ManageUsers, SeeSecurityLog, ManageApps, ReviewSiteLogs, ReviewTimeEntries]
                .map(|permission| role.may(permission))
        };
        assert_eq!(may(Role::CompanyAdmin), [true; 8]);
        assert_eq!(may(Role::Manager), [false, false, true, false, false, false, true, true]);
        assert_eq!(may(Role::Member), [false, false, true, false, false, false, false, false]);
        assert_eq!(may(Role::FieldCrew), [false; 8]);
        assert_eq!(may(Role::Viewer), [false; 8]);
    }
}
