//! `/api-keys`.

mod handlers;
pub(crate) mod requests;
mod responses;

use crate::operation::{Operation, Reply, Tag};

use responses::{ApiKey, ApiKeyOnce};

const TAG: Tag =
    Tag { name: "API keys", description: "The keys of the tenant's own programs: making, rotating, revoking them." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api-keys", handlers::list)
            .named(handlers::LIST, TAG)
            .summary("List API keys")
            .description("A page of the tenant's keys that fit every filter, newest first, whatever their status.")
            .replies(Reply::page::<ApiKey>("A page of keys.")),
        Operation::post("/api-keys", handlers::create)
            .named("postApiKeys", TAG)
            .summary("Create an API key")
            .description(
                "The answer holds the whole key in `key`, once: it is kept nowhere, and a repetition under the same \
                 idempotency key answers with `key: null`. What the new key holds lies within what the calling key holds: \
                 its scopes, its allowlist, its rate limit and its expiry; 403 `forbidden` names what does not. \
                 `api_keys:read` and `api_keys:manage` are given by an admin alone.",
            )
            .replies(Reply::created::<ApiKeyOnce>("The new key, with its secret.")),
        Operation::get("/api-keys/{id}", handlers::get)
            .named("getApiKeysById", TAG)
            .summary("Get an API key")
            .description("One key, by its `id` or its `keyId`, whatever its status.")
            .replies(Reply::data::<ApiKey>("The key.")),
        Operation::patch("/api-keys/{id}", handlers::update)
            .named("patchApiKeysById", TAG)
            .summary("Change an API key")
            .description(
                "Changes the name, the allowlist or both. A narrower allowlist holds from the next request on, and requests \
                 in flight from elsewhere end in 401. The key lies within what the calling key holds, before and after \
                 (403 `forbidden`). One that was revoked or has expired is not changed: 409. No other field is \
                 changed here: one that is sent with another value than it has is 422 `read_only`. For other scopes, make \
                 another key; to take a key out of use, revoke it.",
            )
            .replies(Reply::data::<ApiKey>("The key after the change.")),
        Operation::delete("/api-keys/{id}", handlers::revoke)
            .named("deleteApiKeysById", TAG)
            .summary("Revoke an API key")
            .description(
                "For good, from the next request on; requests in flight end in 401. Any key of the tenant, the calling one \
                 included. It stays in the list. A second time: 409.",
            )
            .replies(Reply::no_content("Revoked.")),
        Operation::post("/api-keys/{id}/rotate", handlers::rotate)
            .named("postApiKeysByIdRotate", TAG)
            .summary("Rotate an API key")
            .description(
                "Makes a successor with the same name, mode, scopes, allowlist, rate limit and expiry. The old key goes on \
                 working for `overlapSeconds`, and never longer than it would have; without an overlap it is revoked at once. \
                 The answer holds the successor's whole key in `key`, once: a repetition under the same idempotency key \
                 answers with `key: null`. The key lies within what the calling key holds (403 `forbidden`); a key may \
                 rotate itself. One that was revoked, has expired or was replaced before: 409.",
            )
            .replies(Reply::created::<ApiKeyOnce>("The successor, with its secret.")),
    ]
}
