//! Properties that are checked on a database.

use bwp_postgres::testing::Fixture;
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestRunner},
};

/// Checks a property for many values, all of them on one database.
pub(crate) fn check<S: Strategy>(
    cases: u32,
    strategy: &S,
    property: &impl AsyncFn(&Fixture, S::Value) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let fixture = runtime.block_on(Fixture::new());
    let config =
        ProptestConfig { failure_persistence: None, max_shrink_iters: 256, ..ProptestConfig::with_cases(cases) };
    let outcome = TestRunner::new(config).run(strategy, |value| runtime.block_on(property(&fixture, value)));
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
