//! Tasks: what is to be done for a project.

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    execute::Failure,
    fields::{Fault, FieldErrors},
    ids::{AccountId, ProjectId, ProjectPhaseId},
    project_phases::ProjectPhase,
    projects::Project,
    resource::{Resource, ResourceError, Rules, Saving},
    text::{Name, Text},
    users::ActiveUser,
    words,
};

words! {
    /// How far a task is.
    pub enum TaskStatus {
        /// It has not begun.
        Todo = "todo",
        /// Somebody is at it.
        InProgress = "in_progress",
        /// It is done.
        Done = "done",
    }
}

words! {
    /// How urgent a task is.
    pub enum TaskPriority {
        /// It can wait.
        Low = "low",
        /// It takes its turn.
        Medium = "medium",
        /// It comes before others.
        High = "high",
        /// It cannot wait.
        Urgent = "urgent",
    }
}

/// Something that is to be done for a project.
#[derive(Clone, Debug, PartialEq, Resource)]
#[resource(one = "project task", asks, read(ProjectsRead), write(ProjectsWrite), delete(ProjectsWrite))]
pub struct ProjectTask {
    /// The project.
    #[field(ignored, refers = Project)]
    pub project_id: ProjectId,
    /// The phase that it is a part of, of the same project.
    #[field(refers = ProjectPhase)]
    pub phase_id: Option<ProjectPhaseId>,
    /// What is to be done.
    #[field(example = "Dig the trench")]
    pub name: Name,
    /// What there is to know about it.
    pub description: Option<Text>,
    /// How far it is.
    #[field(default = "todo", example = "in_progress")]
    pub status: TaskStatus,
    /// How urgent it is.
    #[field(default = "medium", example = "high")]
    pub priority: TaskPriority,
    /// The user who does it.
    #[field(refers = ActiveUser)]
    pub assigned_to: Option<AccountId>,
    /// When it begins.
    #[field(example = "2026-05-04T00:00:00.000Z")]
    pub start_date: Option<Timestamp>,
    /// When it is to be done.
    #[field(example = "2026-05-08T00:00:00.000Z")]
    pub due_date: Option<Timestamp>,
    /// How many workdays it takes. Weekends are none.
    #[field(least = 0, most = 100_000, example = "5")]
    pub duration: Option<i64>,
    /// Where it stands in the plan: tasks are shown by this number. Unless it is sent, behind all others.
    #[field(default = 0, least = 0, most = 2_147_483_647, example = "1")]
    pub order: i64,
}

#[async_trait]
impl Rules for ProjectTask {
    async fn save(&mut self, saving: &mut Saving<'_, Self>) -> Result<(), Failure<ResourceError>> {
        let before = saving.before.and_then(|before| before.details.phase_id);
        if let Some(id) = self.phase_id.filter(|id| before != Some(*id)) {
            let phase = saving.uow.rows().lock(saving.context.tenant, ProjectPhase::SHAPE, id.get()).await?;
            let phase = phase.map(|phase| phase.typed::<ProjectPhase>()).transpose()?;
            if phase.is_none_or(|phase| phase.details.project_id != self.project_id) {
                let fault = Fault::new("invalid_value", "Must be the id of a phase of the task's own project.");
                return Err(FieldErrors::one("phaseId", fault).into());
            }
        }
        Ok(())
    }
}
