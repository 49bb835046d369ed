//! `bwp export`

use serde_json::json;

use crate::support::{World, contact};

#[tokio::test]
async fn rows_are_written_to_a_file() {
    let world = World::start().await;
    let client = world.client(&["contacts:write", "leads:read"]).await;
    for name in ["Acme", "=1+1"] {
        client.post("/contacts", &contact(name)).await.data(201);
    }
    let other = json!({ "type": "customer", "companyName": "Northwind" });
    client.post("/contacts", &other).await.data(201);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("contacts.csv");
    let path = file.to_str().expect("UTF-8");
    let export = ["export", "contacts", "--tenant", &world.tenant, "-o", path];
    let with = |more: &[&str]| {
        let all: Vec<String> = export.iter().chain(more).map(|arg| (*arg).to_owned()).collect();
        let world = &world;
        async move {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            world.bwp(&all).await;
        }
    };
    with(&["--columns", "type,companyName", "--filter", "type=customer"]).await;
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "type,companyName\r\ncustomer,Northwind\r\n");
    // What a spreadsheet would run is written so that it does not.
    with(&["--columns", "companyName"]).await;
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "companyName\r\nNorthwind\r\n'=1+1\r\nAcme\r\n");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
}
