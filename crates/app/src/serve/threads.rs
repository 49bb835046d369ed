//! How many threads answer requests, and how the database connections are divided among them.

use std::{num::NonZeroUsize, thread::available_parallelism};

use anyhow::bail;
use bwp_postgres::PoolSettings;

use crate::{background, cli::MOST_WORKERS};

/// The threads that answer requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threads {
    pub(super) workers: NonZeroUsize,
    /// The connections of each.
    pub(super) each: PoolSettings,
    /// The connections of the pages, on whichever thread they are shown: whatever is asked of pages leaves the API its own.
    pub(super) of_pages: PoolSettings,
    /// The connections of the background loop, if it runs here.
    pub(super) of_background: PoolSettings,
}

/// The fewest connections a worker can work with: one for short reads, one for changes.
const FEWEST: usize = 2;
/// More bring no more: measured, see docs/performance.md.
const USUAL: usize = 16;
/// The connections of the pages: a page takes one for some milliseconds.
const OF_PAGES: usize = 4;
/// How many requests for pages wait for each of them.
const WAITING: usize = 16;
/// The most of all workers together, unless it is said: a PostgreSQL of usual size has a hundred.
const USUAL_IN_ALL: usize = 64;

impl Threads {
    /// The connections of the main thread, which keeps house.
    pub(super) const OWN: PoolSettings = PoolSettings { max_size: 1, lanes: 1, ..PoolSettings::DEFAULT };
    /// With that of the audit log.
    const OWN_CONNECTIONS: usize = Self::OWN.max_size + Self::OWN.lanes + 1;

    /// `workers` threads (one for each CPU, if it is not said) and perhaps the background loop, with at most `connections` in all.
    pub(super) fn of(
        workers: Option<NonZeroUsize>,
        connections: Option<usize>,
        with_background: bool,
    ) -> anyhow::Result<Self> {
        let cpus = available_parallelism().unwrap_or(NonZeroUsize::MIN).min(MOST_WORKERS);
        let fewest = if with_background { background::FEWEST_CONNECTIONS } else { 0 };
        let Some(connections) = connections else {
            let workers = workers.unwrap_or(cpus);
            return Ok(Self::with(
                workers,
                (USUAL_IN_ALL / workers).clamp(FEWEST, USUAL),
                OF_PAGES,
                background::CONNECTIONS,
            ));
        };
        let left = connections.saturating_sub(Self::OWN_CONNECTIONS);
        let pages = (left / 8).clamp(1, OF_PAGES);
        let background = if with_background { (left / 8).clamp(fewest, background::CONNECTIONS) } else { 0 };
        let shared = left.saturating_sub(pages + background);
        let most = NonZeroUsize::new(shared / FEWEST);
        let (workers, least) = match (workers, most) {
            (Some(workers), Some(most)) if workers <= most => {
                return Ok(Self::with(workers, shared / workers, pages, background));
            }
            (None, Some(most)) => {
                let workers = cpus.min(most);
                return Ok(Self::with(workers, shared / workers, pages, background));
            }
            (workers, _) => {
                let workers = workers.map_or(1, NonZeroUsize::get);
                (workers, workers * FEWEST + 1 + fewest + Self::OWN_CONNECTIONS)
            }
        };
        bail!("--database-connections: {connections} are too few for {workers} workers; give at least {least}");
    }

    fn with(workers: NonZeroUsize, each: usize, pages: usize, background: usize) -> Self {
        let lanes = if each > FEWEST + 1 { 2 } else { 1 };
        let max_waiting = pages * WAITING;
        Self {
            workers,
            each: PoolSettings { max_size: each - lanes, lanes, ..PoolSettings::DEFAULT },
            // Pages read nothing in lanes: none is opened.
            of_pages: PoolSettings { max_size: pages, lanes: 1, max_waiting, ..PoolSettings::DEFAULT },
            of_background: background::connections(background.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(workers: usize, connections: Option<usize>) -> Option<(usize, usize, usize, usize)> {
        let threads = Threads::of(NonZeroUsize::new(workers), connections, false).ok()?;
        Some((threads.workers.get(), threads.each.lanes, threads.each.max_size, threads.of_pages.max_size))
    }

    #[test]
    fn connections_are_divided() {
        assert_eq!(threads(2, None), Some((2, 2, 14, 4)));
        assert_eq!(threads(8, None), Some((8, 2, 6, 4)));
        assert_eq!(threads(100, None), Some((100, 1, 1, 4)));
        assert_eq!(threads(2, Some(18)), Some((2, 2, 5, 1)));
        assert_eq!(threads(2, Some(35)), Some((2, 2, 12, 4)));
        assert_eq!(threads(1, Some(6)), Some((1, 1, 1, 1)));
        assert_eq!(threads(3, Some(10)), Some((3, 1, 1, 1)));
    }

    #[test]
    fn the_background_loop_has_a_share() {
        for (connections, expected) in [
            (None, Some((14, 7))),
            (Some(18), Some((4, 2))),
            (Some(35), Some((10, 4))),
            (Some(10), Some((1, 2))),
            (Some(9), None),
        ] {
            let threads = Threads::of(NonZeroUsize::new(2), connections, true).ok();
            let shares = threads.map(|threads| (threads.each.max_size, threads.of_background.max_size));
            assert_eq!(shares, expected, "{connections:?}");
        }
    }

    #[test]
    fn too_few_are_refused() {
        assert_eq!(threads(1, Some(5)), None);
        assert_eq!(threads(0, Some(5)), None);
        assert_eq!(threads(3, Some(9)), None);
    }

    #[test]
    fn workers_are_no_more_than_the_connections_allow() {
        assert_eq!(threads(0, Some(6)), Some((1, 1, 1, 1)));
    }
}
