//! Giving a key a successor.

use std::rc::Rc;

use bwp_domain::{
    execute::{Executed, execute},
    idempotency::RenderedResponse,
    keys::{ApiKey, KeyState, Overlap, RotateKey, RotatedKey},
};
use maud::{Markup, html};

use super::{explained, made, named, new, path_of, trail};
use crate::{
    form::Form,
    layout::{nonce, token},
    routes::{Answer, UNPROCESSABLE},
    trouble::rejected,
    visit::Visit,
    widgets::{isolated, refusal, time},
};

/// For how long both keys may work, in seconds.
const OVERLAPS: [(u32, &str); 5] = [
    (0, "Not at all: the old key ends now"),
    (3_600, "1 hour"),
    (86_400, "1 day"),
    (259_200, "3 days"),
    (604_800, "7 days"),
];
const USUAL: u32 = 86_400;

pub(super) async fn form(visit: Rc<Visit>) -> Answer {
    let key = named(&visit).await?.key;
    Ok(visit.ok("Rotate API key", &page(&visit, &key, USUAL, &html! {})))
}

pub(super) async fn rotate(visit: Rc<Visit>, form: Form) -> Answer {
    let key = named(&visit).await?.key;
    let show = |status, note: &Markup| Ok(visit.page(status, "Rotate API key", &page(&visit, &key, USUAL, note)));
    let Some(overlap) = form.get("overlap").parse().ok().and_then(|seconds| Overlap::of_seconds(seconds).ok()) else {
        return show(UNPROCESSABLE, &refusal("Nothing was changed: choose how long the old key goes on working."));
    };
    let state = &visit.state;
    let command = RotateKey { id: key.id, overlap };
    let receipt = |rotated: &RotatedKey| -> RenderedResponse { new::receipt(&rotated.successor) };
    let caller = visit.caller()?;
    match execute(&*state.store, &state.environment, &caller, form.keyed().as_ref(), &command, receipt).await {
        Ok(Executed::Applied { output, .. }) => {
            let more = html! {
                p {
                    "It has the same name, scopes and allowlist as the old one, which "
                    @match output.replaced.state {
                        KeyState::Active { expires_at: Some(at) } if at > state.environment.clock.now() => {
                            "goes on working until " (time(at)) "."
                        },
                        _ => "has stopped working.",
                    }
                }
            };
            let page = made::page(&visit, &output.successor, "The successor", &more);
            Ok(visit.ok("The successor", &page))
        }
        Ok(Executed::Replayed(receipt)) => Ok(new::sent_before(&visit, &receipt)),
        Err(error) => {
            let (status, _, note) = explained(rejected(error)?)?;
            show(status, &note)
        }
    }
}

fn page(visit: &Visit, key: &ApiKey, chosen: u32, note: &Markup) -> Markup {
    let path = path_of(key);
    html! {
        (trail(visit, Some(key)))
        h1 { "Rotate API key" }
        (note)
        p {
            "A successor is made, with the same name, scopes, allowlist and end as “" (isolated(key.name.as_str())) "”. Give it to the \
             program; the old key goes on working for as long as you choose, and never longer than its own end."
        }
        form method="post" action=(visit.link(&format!("{path}/rotate"))) {
            (token(visit))
            (nonce(visit))
            fieldset {
                legend { "Both keys work for" }
                @for (seconds, label) in OVERLAPS {
                    @let id = format!("overlap-{seconds}");
                    div.choice {
                        input type="radio" id=(id) name="overlap" value=(seconds) checked[seconds == chosen] required;
                        label for=(id) { (label) }
                    }
                }
            }
            p.actions {
                button type="submit" { "Rotate" }
                a href=(visit.link(&path)) { "Cancel" }
            }
        }
    }
}
