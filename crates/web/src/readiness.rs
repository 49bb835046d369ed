//! Whether the server can do its work: a list of named checks.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::availability::Availability;

/// How long one check may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(3);

type Outcome = Result<(), String>;
type Run = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// The checks of one server.
pub struct Readiness {
    availability: Arc<Availability>,
    checks: Vec<Check>,
}

struct Check {
    name: &'static str,
    required: bool,
    run: Run,
}

impl Readiness {
    /// The name of the check that fails when the server is closed on purpose, or about to stop.
    pub const OWN: &str = "server";

    /// Ready unless the server is closed or about to stop.
    pub fn new(availability: Arc<Availability>) -> Self {
        Self { availability, checks: Vec::new() }
    }

    /// Adds a check without which the server is not ready. An `Err` says what is wrong, for operators.
    #[must_use]
    pub fn require<F: Future<Output = Outcome> + Send + 'static>(
        self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.with(name, true, check)
    }

    /// Adds a check that is reported, and without which the server does its work all the same.
    #[must_use]
    pub fn report_on<F: Future<Output = Outcome> + Send + 'static>(
        self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.with(name, false, check)
    }

    fn with<F: Future<Output = Outcome> + Send + 'static>(
        mut self,
        name: &'static str,
        required: bool,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.checks.push(Check { name, required, run: Box::new(move || Box::pin(check())) });
        self
    }

    /// The state that the checks go with.
    pub fn availability(&self) -> &Availability {
        &self.availability
    }

    /// Runs all checks at once.
    pub async fn report(&self) -> Report {
        let own = match (self.availability.is_stopping(), self.availability.maintenance()) {
            (true, _) => Err("about to stop".to_owned()),
            (false, Some(_)) => Err("closed for maintenance".to_owned()),
            (false, None) => Ok(()),
        };
        let own = Line { name: Self::OWN, required: true, outcome: own };
        let others = self.checks.iter().map(async |check| {
            let outcome = timeout(PATIENCE, (check.run)()).await;
            let outcome = outcome.unwrap_or_else(|_| Err(format!("no answer in {} s", PATIENCE.as_secs())));
            Line { name: check.name, required: check.required, outcome }
        });
        let lines = std::iter::once(own).chain(join_all(others).await).collect();
        Report { lines }
    }
}

/// What the checks found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: &'static str,
    required: bool,
    outcome: Outcome,
}

impl Report {
    /// Whether all is there that the server cannot do without.
    pub fn is_ready(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The names of the required checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &'static str> {
        self.lines.iter().filter(|line| line.required && line.outcome.is_err()).map(|line| line.name)
    }
}

/// A line for each check, for operators: `database: ok`.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|Line { name, required, outcome }| match (outcome, required) {
            (Ok(()), _) => writeln!(formatter, "{name}: ok"),
            (Err(why), true) => writeln!(formatter, "{name}: failed: {why}"),
            (Err(why), false) => writeln!(formatter, "{name}: failed, and not needed: {why}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn is_ready_with_all_that_is_required() {
        let availability = Arc::new(Availability::default());
        let readiness = Readiness::new(Arc::clone(&availability))
            .require("database", || async { Ok(()) })
            .report_on("counters", || async { Err("gone".to_owned()) });
        let report = readiness.report().await;
        assert!(report.is_ready());
        assert_eq!(report.to_string(), "server: ok\ndatabase: ok\ncounters: failed, and not needed: gone\n");

        availability.close(Duration::from_secs(90));
        assert_eq!(availability.maintenance(), Some(90));
        assert_eq!(readiness.report().await.failed().collect::<Vec<_>>(), ["server"]);
        availability.open();
        assert!(readiness.report().await.is_ready());
        availability.stop();
        assert!(!readiness.report().await.is_ready());
    }

    #[actix_web::test]
    async fn is_not_ready_without_what_is_required() {
        let readiness = Readiness::new(Arc::default()).require("database", || async { Err("gone".to_owned()) });
        let report = readiness.report().await;
        assert!(!report.is_ready());
        assert_eq!(report.to_string(), "server: ok\ndatabase: failed: gone\n");
    }
}
