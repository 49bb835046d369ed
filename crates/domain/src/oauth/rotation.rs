//! Which refresh token of a grant is good: rotation that tells a lost answer from theft.
//!
//! A refresh token is used once, and has a successor. An answer that was lost on its way leaves the client with the old token: it
//! sends it again, and must not be signed out for that. Whoever stole the old one sends it again as well. What tells them apart
//! is whether anybody has used the successor (its access token, or itself): if so, it arrived, and the one who sends the old
//! token is not the one who got the answer.

/// How the refresh tokens of a grant stand. `Id` is what tells one token from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation<Id> {
    /// The newest.
    current: Id,
    /// The one that it succeeds. `None` for the first.
    previous: Option<Id>,
    /// Whether an access token that was given with the newest was accepted.
    arrived: bool,
}

/// What it means that a refresh token of the grant is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is the newest: it gets a successor.
    Good,
    /// It is the one before, and nobody has used the newest: the answer was lost. The newest and the access tokens that were
    /// given with it are ended, and the old one gets another successor.
    LostAnswer,
    /// It was used, and what was given for it as well: it is in two hands. The grant ends.
    Stolen,
}

impl<Id: Copy + PartialEq> Rotation<Id> {
    /// That of a new grant, whose first refresh token this is.
    pub const fn begin(first: Id) -> Self {
        Self { current: first, previous: None, arrived: false }
    }

    /// One as it was stored.
    pub const fn stored(current: Id, previous: Option<Id>, arrived: bool) -> Self {
        Self { current, previous, arrived }
    }

    /// The newest refresh token.
    pub const fn current(&self) -> Id {
        self.current
    }

    /// The one that it succeeds.
    pub const fn previous(&self) -> Option<Id> {
        self.previous
    }

    /// Whether what was given with the newest was used.
    pub const fn arrived(&self) -> bool {
        self.arrived
    }

    /// What it means that this token of the grant is shown.
    pub fn shown(&self, token: Id) -> Shown {
        if token == self.current {
            Shown::Good
        } else if Some(token) == self.previous && !self.arrived {
            Shown::LostAnswer
        } else {
            Shown::Stolen
        }
    }

    /// Gives a token that was shown a successor. `None`, and nothing changes, if it is stolen.
    pub fn rotate(&mut self, token: Id, successor: Id) -> Option<Shown> {
        let shown = self.shown(token);
        if shown == Shown::Stolen {
            return None;
        }
        *self = Self { current: successor, previous: Some(token), arrived: false };
        Some(shown)
    }

    /// An access token was accepted that was given with this refresh token. Whether that is news, which must be stored before the
    /// request is answered.
    pub fn arrive(&mut self, given_with: Id) -> bool {
        let news = given_with == self.current && !self.arrived;
        self.arrived |= news;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_a_lost_answer_until_the_successor_is_used() {
        let mut rotation = Rotation::begin(1);
        assert_eq!(rotation.rotate(1, 2), Some(Shown::Good));
        assert_eq!(rotation.rotate(1, 3), Some(Shown::LostAnswer));
        assert_eq!(rotation.shown(2), Shown::Stolen, "the lost successor leads nowhere");
        assert!(rotation.arrive(3) && !rotation.arrive(3));
        assert_eq!(rotation.shown(1), Shown::Stolen);
        assert_eq!(rotation.rotate(3, 4), Some(Shown::Good));
        assert_eq!(rotation.shown(3), Shown::LostAnswer);
        assert_eq!(rotation.shown(1), Shown::Stolen, "two back is never a lost answer");
    }

    #[test]
    fn using_what_was_given_before_says_nothing_of_the_newest() {
        let mut rotation = Rotation::begin(1);
        rotation.rotate(1, 2);
        assert!(!rotation.arrive(1));
        assert_eq!(rotation.shown(1), Shown::LostAnswer);
    }
}
