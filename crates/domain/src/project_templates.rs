//! Project templates: what new projects may be made from.

use async_trait::async_trait;

use crate::{
    execute::Failure,
    ids::AccountId,
    resource::{Resource, ResourceError, Rules, Saving},
    text::{Name, Text},
    users::AnyUser,
};

/// What new projects may be made from.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "project template", read(SettingsRead), write(SettingsWrite), delete(SettingsWrite))]
pub struct ProjectTemplate {
    /// What it is called.
    #[field(most = 255, example = "Garage, masonry")]
    pub name: Name,
    /// What it is for.
    pub description: Option<Text>,
    /// The kind of projects that it is for.
    #[field(minor, most = 50, example = "residential")]
    pub project_type: Option<Text>,
    /// The user who made it. Unless it is sent, the caller; none for a key that no user made.
    #[field(minor, refers = AnyUser)]
    pub created_by: Option<AccountId>,
    /// How many phases it has: none, when it is made.
    #[field(minor, ignored, default = 0)]
    pub phase_count: i64,
    /// How many tasks it has: none, when it is made.
    #[field(minor, ignored, default = 0)]
    pub task_count: i64,
}

#[async_trait]
impl Rules for ProjectTemplate {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<(), Failure<ResourceError>> {
        if saving.before.is_none() && !saving.sets("createdBy") {
            self.created_by = saving.context.principal.account();
        }
        Ok(())
    }
}
