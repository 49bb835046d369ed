//! Settings that programs may look at. A tenant has one row of each, made with it; people change them on the pages.

use crate::{
    ids::TenantId,
    resource::{Resource, Rules},
    text::Text,
};

/// How the tenant's documents look.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "branding settings", many = "branding settings", read(UsersRead), write(SettingsWrite))]
pub struct BrandingSettings {
    /// The tenant.
    #[field(ignored)]
    pub tenant_id: TenantId,
    /// The company's name.
    #[field(example = "Byron Masonry")]
    pub company_name: Option<Text>,
    /// The main colour.
    #[field(example = "#1d4ed8")]
    pub primary_color: Option<Text>,
    /// The colour of what stands out.
    #[field(example = "#b45309")]
    pub accent_color: Option<Text>,
    /// Whether there is a logo.
    #[field(default = false)]
    pub has_logo: bool,
}

impl Rules for BrandingSettings {}

/// For how many days what is kept. `null`: for ever.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "data retention settings", many = "data retention settings", read(UsersRead), write(SettingsWrite))]
pub struct DataRetentionSettings {
    /// What was done about keys, people and settings.
    #[field(least = 365, most = 3_650, example = "365")]
    pub audit_log_retention_days: Option<i64>,
    /// What was done to each row.
    #[field(least = 730, most = 3_650, example = "730")]
    pub activity_log_retention_days: Option<i64>,
    /// What people were told, whether they read it or not.
    #[field(least = 1, most = 3_650, example = "90")]
    pub notification_retention_days: Option<i64>,
    /// What was deleted and nothing refers to.
    #[field(least = 30, most = 3_650)]
    pub deleted_records_retention_days: Option<i64>,
    /// The files that exports made.
    #[field(least = 1, most = 30, example = "30")]
    pub export_retention_days: Option<i64>,
}

impl Rules for DataRetentionSettings {}
