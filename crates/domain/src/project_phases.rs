//! Phases: the parts of a project's plan.

use crate::{
    clock::Timestamp,
    ids::ProjectId,
    projects::Project,
    resource::{Resource, Rules},
    text::Name,
    words,
};

words! {
    /// How far a phase is.
    pub enum PhaseStatus {
        /// It has not begun.
        Pending = "pending",
        /// Work goes on.
        InProgress = "in_progress",
        /// It is done.
        Completed = "completed",
    }
}

/// A part of a project's plan.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "project phase", asks, read(ProjectsRead), write(ProjectsWrite), delete(ProjectsWrite))]
pub struct ProjectPhase {
    /// The project.
    #[field(ignored, refers = Project)]
    pub project_id: ProjectId,
    /// What it is called.
    #[field(most = 255, example = "Foundation")]
    pub name: Name,
    /// How far it is.
    #[field(default = "pending", example = "in_progress")]
    pub status: PhaseStatus,
    /// When it begins.
    #[field(example = "2026-05-04T00:00:00.000Z")]
    pub start_date: Option<Timestamp>,
    /// When it is to be done.
    #[field(example = "2026-05-29T00:00:00.000Z")]
    pub end_date: Option<Timestamp>,
    /// Where it stands in the plan: phases are shown by this number. Unless it is sent, behind all others.
    #[field(default = 0, least = 0, most = 2_147_483_647, example = "1")]
    pub order: i64,
}

impl Rules for ProjectPhase {}
