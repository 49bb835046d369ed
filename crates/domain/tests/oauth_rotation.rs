//! Refreshing, with answers that get lost, apps that crash and thieves who replay: ten thousand random stories.

use bwp_domain::oauth::{Rotation, Shown};
use proptest::prelude::*;

/// The server's side of one grant.
#[derive(Debug)]
struct Grant {
    rotation: Rotation<u32>,
    next: u32,
    ended: bool,
    /// Refresh tokens whose access tokens were ended with them.
    superseded: Vec<u32>,
}

impl Grant {
    fn begin() -> Self {
        Self { rotation: Rotation::begin(0), next: 1, ended: false, superseded: Vec::new() }
    }

    /// A refresh token is shown. The new one, unless it is refused.
    fn refresh(&mut self, token: u32) -> Option<u32> {
        if self.ended {
            return None;
        }
        let (successor, current) = (self.next, self.rotation.current());
        match self.rotation.rotate(token, successor) {
            None => {
                self.ended = true;
                None
            }
            Some(shown) => {
                if shown == Shown::LostAnswer {
                    self.superseded.push(current);
                }
                self.next += 1;
                Some(successor)
            }
        }
    }

    /// An access token that was given with this refresh token is shown.
    fn call(&mut self, given_with: u32) -> bool {
        if self.ended || self.superseded.contains(&given_with) {
            return false;
        }
        self.rotation.arrive(given_with);
        true
    }

    /// The refresh tokens that would get a successor now.
    fn accepted(&self) -> Vec<u32> {
        if self.ended {
            return Vec::new();
        }
        (0..self.next).filter(|token| self.rotation.shown(*token) != Shown::Stolen).collect()
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The app refreshes, and the answer arrives.
    Refresh,
    /// The request is lost on its way to the server.
    RequestLost,
    /// The answer is lost on its way to the app.
    AnswerLost,
    /// The answer arrives, and the app crashes before it has kept it.
    Crash,
    /// The app makes a call with its access token.
    Call,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Refresh),
        Just(Step::RequestLost),
        Just(Step::AnswerLost),
        Just(Step::Crash),
        Just(Step::Call)
    ]
}

/// What an honest app does. `false` if it is signed out.
fn take(grant: &mut Grant, kept: &mut u32, step: Step) -> bool {
    match step {
        Step::RequestLost => true,
        Step::Call => grant.call(*kept),
        Step::AnswerLost | Step::Crash => grant.refresh(*kept).is_some(),
        Step::Refresh => match grant.refresh(*kept) {
            Some(new) => {
                *kept = new;
                true
            }
            None => false,
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn an_honest_app_is_never_signed_out_and_has_one_branch(steps in prop::collection::vec(step(), 1..40)) {
        let (mut grant, mut kept) = (Grant::begin(), 0);
        for step in steps {
            // With an access token that ended the app refreshes, and is not signed out.
            let ended_call = matches!(step, Step::Call) && grant.superseded.contains(&kept);
            prop_assert!(take(&mut grant, &mut kept, step) || ended_call, "{step:?} {grant:?}");
            let accepted = grant.accepted();
            prop_assert!(accepted.contains(&kept), "{accepted:?}, kept {kept}");
            // One branch: the newest token, and the one that it would take the place of again.
            prop_assert!(accepted.len() <= 2, "{accepted:?}");
            let (current, previous) = (grant.rotation.current(), grant.rotation.previous());
            let is_of_it = accepted.iter().all(|token| *token == current || Some(*token) == previous);
            prop_assert!(is_of_it, "{accepted:?}");
        }
    }

    #[test]
    fn a_stolen_token_that_both_use_ends_the_grant(
        before in prop::collection::vec(step(), 0..15),
        between in prop::collection::vec(step(), 0..15),
        thief_calls in any::<bool>(),
    ) {
        let (mut grant, mut kept) = (Grant::begin(), 0);
        for step in before {
            take(&mut grant, &mut kept, step);
        }
        let stolen = kept;
        for step in between {
            take(&mut grant, &mut kept, step);
        }
        // The thief uses it, and gets tokens or is found out at once.
        let mut thief = grant.refresh(stolen);
        if let (Some(token), true) = (thief, thief_calls) {
            grant.call(token);
        }
        // Both go on: each of them refreshes and works. Whoever comes second shows a token that has a successor in use.
        for _ in 0..2 {
            if let Some(new) = grant.refresh(kept) {
                kept = new;
                grant.call(kept);
            }
            if let Some(token) = thief {
                thief = grant.refresh(token);
                if let Some(token) = thief {
                    grant.call(token);
                }
            }
        }
        prop_assert!(grant.ended, "{grant:?}");
        prop_assert!(grant.accepted().is_empty() && !grant.call(kept), "all that came of it is dead");
    }
}
