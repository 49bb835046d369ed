//! A page, and where it starts.

use crate::clock::Timestamp;

/// How many rows a page has: 1 to 100, 25 unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

/// A number of rows that no page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page has 1 to 100 rows")]
pub struct InvalidLimit;

impl Limit {
    /// The most rows.
    pub const MAX: u8 = 100;
    /// The rows of a page that nobody asked a size for.
    pub const DEFAULT: Self = Self(25);
    /// The rows of the largest page.
    pub const LARGEST: Self = Self(Self::MAX);

    /// A page of `rows` rows.
    pub const fn new(rows: u8) -> Result<Self, InvalidLimit> {
        if rows >= 1 && rows <= Self::MAX { Ok(Self(rows)) } else { Err(InvalidLimit) }
    }

    /// How many rows.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// Where a row stands in the order: newest first by (createdAt, id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the row was made.
    pub created_at: Timestamp,
    /// The row's id, which tells rows of one millisecond apart.
    pub id: i64,
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many rows.
    pub limit: Limit,
    /// Behind which row. `None` for the first page.
    pub after: Option<Position>,
}

/// A page of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts. `None` on the last page.
    pub next: Option<Position>,
}

impl<T> Page<T> {
    /// Makes a page of `items`, of which a store reads one more than `limit` to learn whether there is a next page.
    pub fn of(mut items: Vec<T>, limit: Limit, position: impl Fn(&T) -> Position) -> Self {
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let next = if more { items.last().map(position) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a store reads for a page of rows at these positions, newest first.
    fn read(rows: &[Position], limit: Limit, after: Option<Position>) -> Page<Position> {
        let behind = rows.iter().copied().filter(|row| after.is_none_or(|after| *row < after));
        Page::of(behind.take(limit.get() + 1).collect(), limit, |row| *row)
    }

    #[test]
    fn a_page_has_1_to_100_rows() {
        assert_eq!(Limit::new(0), Err(InvalidLimit));
        assert_eq!(Limit::new(1).map(Limit::get), Ok(1));
        assert_eq!(Limit::new(100).map(Limit::get), Ok(100));
        assert_eq!(Limit::new(101), Err(InvalidLimit));
        assert_eq!(Limit::DEFAULT.get(), 25);
    }

    proptest! {
        #[test]
        fn pages_make_up_the_list(times in prop::collection::vec(0_i64..3, 0..40), rows in 1_u8..10) {
            let limit = Limit::new(rows).expect("1 to 100");
            let mut list: Vec<_> = (1..)
                .zip(times)
                .map(|(id, time)| Position { created_at: Timestamp::from_unix_millis(time), id })
                .collect();
            list.sort_unstable_by(|a, b| b.cmp(a));
            let (mut walked, mut after) = (Vec::new(), None);
            loop {
                let page = read(&list, limit, after);
                prop_assert!(page.next.is_none() || page.items.len() == limit.get());
                walked.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(walked, list);
        }
    }
}
