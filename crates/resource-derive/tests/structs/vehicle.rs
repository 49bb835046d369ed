/// Something that drives.
#[resource(one = "vehicle", events = "vehicle", read(ProjectsRead), write(ProjectsWrite), delete(ProjectsDelete), asks)]
pub struct Vehicle {
    /// What it is called.
    #[field(least = 1, most = 80, search, example = "Crane 2")]
    pub name: Name,
    /// What it is used for.
    #[field(default = "transport", filter)]
    pub purpose: Purpose,
    /// The project that it is at.
    #[field(refers = Project, filter, minor)]
    pub project_id: Option<ProjectId>,
    /// What a day costs.
    #[field(text, most = 99999.5)]
    pub daily_rate: Option<Money>,
    /// The lowest temperature that it works at.
    #[field(least = -40, most = 10)]
    pub coldest: i64,
    /// What it is known by.
    #[field(most = 5, each = 20, default = [])]
    pub marks: Vec<Text>,
    /// The day of its last inspection.
    #[field(range, read_only = "`POST /vehicles/{id}/inspect` sets it.")]
    pub inspected_on: Option<Day>,
}
