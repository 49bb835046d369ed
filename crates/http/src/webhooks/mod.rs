//! `/webhook-endpoints` and `/webhook-deliveries`.

mod handlers;
mod requests;
mod responses;

use crate::{
    openapi::{ReplyKind, SchemaSource},
    operation::{Operation, Reply, Tag},
};

use responses::{
    WebhookDelivery, WebhookDeliveryFull, WebhookEndpoint, WebhookEndpointWithSecret, WebhookPayload, WebhookSecret,
};

pub(crate) const TAG: Tag =
    Tag { name: "Webhooks", description: "Telling a URL of your own what happens, and asking what happened." };

/// Every operation of the family.
pub(crate) fn operations() -> Vec<Operation> {
    let all = |description: &'static str, schema| Reply::new(200, description, ReplyKind::All(schema));
    vec![
        Operation::get("/webhook-endpoints", handlers::list)
            .tagged(TAG)
            .summary("List webhook endpoints")
            .description("All of the tenant's endpoints, newest first, those that are paused or disabled too.")
            .replies(all("The endpoints.", SchemaSource::of::<WebhookEndpoint>())),
        Operation::post("/webhook-endpoints", handlers::create)
            .tagged(TAG)
            .summary("Create a webhook endpoint")
            .description(
                "The endpoint is active at once. The answer holds its secret in `signingSecret`, which no other answer does but a \
                 repetition under the same idempotency key and `/rotate-secret`: verify with it what arrives. The URL must be \
                 https, and all addresses of its host public. A tenant has up to 200 endpoints (409 beyond that).",
            )
            .replies(Reply::created::<WebhookEndpointWithSecret>("The new endpoint, with its secret.")),
        Operation::get("/webhook-endpoints/{id}", handlers::get)
            .tagged(TAG)
            .summary("Get a webhook endpoint")
            .description("One endpoint, without its secret.")
            .replies(Reply::data::<WebhookEndpoint>("The endpoint.")),
        Operation::patch("/webhook-endpoints/{id}", handlers::update)
            .tagged(TAG)
            .summary("Change a webhook endpoint")
            .description(
                "Changes the fields that are sent. Deliveries that wait go to the new `url`. `isActive: false` pauses the endpoint: \
                 nothing is sent, new events make no deliveries, and those that wait go on waiting. `isActive: true` takes that back, \
                 and enables an endpoint that was disabled after 20 failures in a row; what waits is sent at once.",
            )
            .replies(Reply::data::<WebhookEndpoint>("The endpoint after the change.")),
        Operation::delete("/webhook-endpoints/{id}", handlers::delete)
            .tagged(TAG)
            .summary("Delete a webhook endpoint")
            .description("Deliveries that wait for it end as `exhausted`. All of them can still be read.")
            .replies(Reply::no_content("Deleted.")),
        Operation::post("/webhook-endpoints/{id}/rotate-secret", handlers::rotate)
            .tagged(TAG)
            .summary("Rotate the secret of a webhook endpoint")
            .description(
                "Makes another secret, which the answer holds. For 24 hours both sign, the new one first; a receiver that reads the \
                 first signature alone fails until it has the new secret. A second rotation within that time ends the older one \
                 at once.",
            )
            .replies(Reply::data::<WebhookSecret>("The new secret.")),
        Operation::get("/webhook-endpoints/{id}/deliveries", handlers::of_endpoint)
            .tagged(TAG)
            .summary("List the latest deliveries of a webhook endpoint")
            .description("The latest 100, newest first. `GET /webhook-deliveries?endpointId=…` has all.")
            .replies(all("The deliveries.", SchemaSource::of::<WebhookDelivery>())),
        Operation::get("/webhook-deliveries", handlers::deliveries)
            .named(handlers::LIST, TAG)
            .summary("List webhook deliveries")
            .description(
                "A page of the tenant's deliveries that fit every filter, newest first, those to deleted endpoints too. They are kept \
                 for 30 days after they ended.",
            )
            .replies(Reply::page::<WebhookDeliveryFull>("A page of deliveries.")),
        Operation::get("/webhook-deliveries/{id}", handlers::delivery)
            .named("getWebhookDelivery", TAG)
            .summary("Get a webhook delivery")
            .description("One delivery, with the body that is sent in `payload`.")
            .replies(Reply::data::<WebhookPayload>("The delivery.")),
        Operation::post("/webhook-deliveries/{id}/replay", handlers::replay)
            .named("replayWebhookDelivery", TAG)
            .summary("Replay a webhook delivery")
            .description(
                "Sends the same event again, whatever became of the delivery: the same bytes, signed anew. Its attempts are counted \
                 from 0, and `BuildWorkPro-Delivery-Id` becomes `<id>-r<n>` for its n-th replay. One to an endpoint that is not \
                 active waits for that; one to a deleted endpoint is refused: 409.",
            )
            .replies(Reply::data::<WebhookPayload>("The delivery, pending.")),
    ]
}
