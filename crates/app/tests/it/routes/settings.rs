//! `/settings`

use serde_json::{Value, json};

use crate::support::World;

/// Without what the contract does not name.
fn named(shown: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|name| ((*name).to_owned(), shown[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn a_new_tenant_has_settings_of_its_own() {
    let world = World::start().await;
    let other = world.another_tenant().await;
    let days = json!({
        "auditLogRetentionDays": 365, "activityLogRetentionDays": 730, "notificationRetentionDays": 90,
        "deletedRecordsRetentionDays": null, "exportRetentionDays": 30,
    });
    let names: Vec<&str> = days.as_object().expect("an object").keys().map(String::as_str).collect();
    for (tenant, id, name) in [(&world.tenant, "min(id)", "Test Builders"), (&other, "max(id)", "Other Builders")] {
        let client = world.client_of(tenant, &["users:read"]).await;
        let id = world.number(&format!("SELECT {id} FROM tenants")).await;
        let answer = client.get("/settings/branding").await;
        let branding = answer.data(200);
        let expected = json!({
            "tenantId": id, "companyName": name, "primaryColor": null, "accentColor": null, "hasLogo": false,
        });
        let fields = ["tenantId", "companyName", "primaryColor", "accentColor", "hasLogo"];
        assert_eq!((named(branding, &fields), branding["id"].is_i64()), (expected, true), "{answer}");
        assert_eq!(named(client.get("/settings/data-retention").await.data(200), &names), days);
    }
}

#[tokio::test]
async fn what_the_tenant_has_set_is_shown_and_cannot_be_set_here() {
    let world = World::start().await;
    let client = world.client(&["users:read", "settings:read", "settings:write"]).await;
    world.sql("UPDATE branding_settings SET accent_color = '#b45309', has_logo = true, company_name = NULL").await;
    world.sql("UPDATE data_retention_settings SET deleted_records_retention_days = 30").await;
    let branding = client.get("/settings/branding").await;
    let shown = named(branding.data(200), &["companyName", "accentColor", "hasLogo"]);
    assert_eq!(shown, json!({ "companyName": null, "accentColor": "#b45309", "hasLogo": true }));
    let retention = client.get("/settings/data-retention").await;
    assert_eq!(retention.data(200)["deletedRecordsRetentionDays"], 30);
    for path in ["/settings/branding", "/settings/data-retention"] {
        for answer in [client.patch(path, &json!({})).await, client.post(path, &json!({})).await] {
            answer.problem(405, "bad_request");
            assert_eq!(answer.header("allow"), "GET, HEAD");
        }
        world.client(&["settings:read"]).await.get(path).await.problem(403, "scope_insufficient");
    }
}

#[tokio::test]
async fn a_tenant_that_an_older_server_makes_has_settings_too() {
    let world = World::start().await;
    world
        .sql(
            "INSERT INTO tenants (public_id, name, status, created_at, rate_limit)
             VALUES (gen_random_uuid(), 'Third', 'active', now(), 0)",
        )
        .await;
    let of_third = "SELECT count(*) FROM branding_settings JOIN data_retention_settings USING (tenant_id)
                    WHERE tenant_id = (SELECT max(id) FROM tenants) AND company_name = 'Third'";
    assert_eq!(world.number(of_third).await, 1);
}
