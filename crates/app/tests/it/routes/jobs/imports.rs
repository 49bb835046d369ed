//! Imports.

use serde_json::{Value, json};

use super::{done, file, import, start, upload, wrong};
use crate::support::Client;

async fn names(client: &Client, family: &str) -> Vec<String> {
    let list = client.get(&format!("/{family}?limit=100")).await;
    let rows = list.data(200).as_array().expect("a list");
    rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn good_rows_are_imported_and_wrong_ones_are_told() {
    let (world, client) = start().await;
    world.user(&world.tenant, "seller@example.com", "member").await;
    let seller = world.number("SELECT max(id) FROM accounts").await;
    let csv = "Name,Stage,Who,Value,Likely,Type,When,Ignored\r\n\
               Garage,bid sent,seller@example.com,\"$1,250.5\",60,Commercial,2026-05-04,x\r\n\
               '=Shed,,,,,,,\r\n\
               ,New Lead,,,,,,\r\n\
               Barn,Nowhere,nobody@example.com,much,600,big,4 May,\r\n\
               \r\n\
               ,,,,,,,x\r\n";
    let mapping = json!({ "Name": "name", "Stage": "stage", "Who": "assignedTo", "Value": "estimatedValue", "Likely": "probability",
                          "Type": "projectType", "When": "expectedCloseDate", "Absent": "description" });
    let job = import(&client, "leads", csv.as_bytes(), &mapping, false).await;
    assert_eq!((&job["status"], &job["type"]), (&json!("partial"), &json!("csv_import")), "{job}");
    assert_eq!(job["result"], json!({ "created": 2, "updated": 0, "errors": 2, "missingColumns": ["Absent"] }));
    assert_eq!(job["progress"], json!({ "processed": 6, "total": 6, "errorsCount": 2 }));
    assert_eq!(names(&client, "leads").await, ["=Shed", "Garage"]);
    let garage = client.get("/leads?search=Garage").await.data(200)[0].clone();
    for (field, value) in [
        ("assignedTo", json!(seller)),
        ("estimatedValue", json!("1250.50")),
        ("probability", json!(60)),
        ("projectType", json!("commercial")),
        ("expectedCloseDate", json!("2026-05-04T00:00:00.000Z")),
    ] {
        assert_eq!(garage[field], value, "{field}");
    }
    let events = world.events().await;
    assert_eq!(events.iter().filter(|event| event.kind == "lead.created").count(), 2);
    let errors = file(&client, &format!("/jobs/{}/errors", job["id"].as_str().expect("an id"))).await;
    let mut rows = errors.split("\r\n");
    assert_eq!(rows.next(), Some("rowNumber,errorCode,message,sourceJson"));
    assert!(
        rows.next().is_some_and(|row| row.starts_with("4,validation_failed,name: This field is required.,\"{")),
        "{errors}"
    );
    let last = rows.next().expect("another");
    for part in [
        "5,validation_failed,",
        "stage: ",
        "assignedTo: ",
        "estimatedValue: ",
        "probability: ",
        "projectType: ",
        "expectedCloseDate: ",
        "\"\"Ignored\"\":\"\"\"\"",
    ] {
        assert!(last.contains(part), "{part}: {last}");
    }
}

#[tokio::test]
async fn rows_are_changed_by_their_id_or_key() {
    let (world, client) = start().await;
    let make = async |number: &str| {
        let body = json!({ "name": number, "projectNumber": number, "priority": "low" });
        client.post("/projects", &body).await.data(201).clone()
    };
    let (one, two, three) = (make("A-1").await, make("A-2").await, make("a-2").await);
    let mapping = json!({ "id": "id", "number": "projectNumber", "name": "name", "priority": "priority" });
    let csv = format!(
        "id,number,name,priority\n{},,By id,\n,a-1,By number,high\n999999,,Nobody,\n,A-2,Two,\n,A-9,New,\n",
        one["id"]
    );
    let before = world.events().await.len();
    let job = import(&client, "projects", csv.as_bytes(), &mapping, true).await;
    assert_eq!(job["result"], json!({ "created": 1, "updated": 2, "errors": 2 }), "{job}");
    assert_eq!(
        wrong(&client, &job).await,
        [("4", "not_found"), ("5", "conflict")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    let get = async |project: &Value| client.get(&format!("/projects/{}", project["id"])).await.data(200).clone();
    let after = get(&one).await;
    assert_eq!((&after["name"], &after["priority"]), (&json!("By number"), &json!("high")));
    assert_eq!((get(&two).await, get(&three).await), (two, three));
    let kinds: Vec<_> = world.events().await[before..].iter().map(|event| event.kind.clone()).collect();
    assert_eq!(kinds, ["project.updated", "project.updated", "project.created"]);
    // Without `updateInPlace` ids mean nothing.
    let job = import(&client, "projects", csv.as_bytes(), &mapping, false).await;
    assert_eq!(job["result"], json!({ "created": 5, "updated": 0, "errors": 0 }), "{job}");
}

#[tokio::test]
async fn what_was_exported_changes_nothing_when_it_is_imported() {
    let (world, client) = start().await;
    let stages = client.get("/lead-stages").await.data(200).clone();
    for (n, text) in
        ["plain", "a,b", "\"q\"", "a\r\nb", "=1+1", "'=x", "-5", "+49 30 123456", "-x", " spaces ", "ü🏗", ";", "''@"]
            .iter()
            .enumerate()
    {
        let body = json!({ "name": text, "stageId": stages[n % 3]["id"], "source": text, "description": text, "siteCity": text,
                           "estimatedValue": format!("{n}.5"), "probability": n, "expectedCloseDate": "2026-05-04T10:11:12.013Z" });
        client.post("/leads", &body).await.data(201);
        let body = json!({ "name": text, "priority": text, "description": text, "siteState": text, "originalContractValue": n,
                           "contractValue": n + 1, "status": "in_progress", "startDate": "2026-05-04" });
        client.post("/projects", &body).await.data(201);
    }
    for family in ["leads", "projects"] {
        let before = client.get(&format!("/{family}?limit=100")).await.data(200).clone();
        let export = done(&client, &format!("/{family}/exports"), &json!({})).await;
        let csv = file(&client, &format!("/jobs/{}/download", export["id"].as_str().expect("an id"))).await;
        let header = csv.split("\r\n").next().expect("a header").to_owned();
        let not = ["stageName", "contactName", "convertedProjectId", "bidId", "leadId", "createdAt", "updatedAt"];
        let mapping: Value = header
            .split(',')
            .filter(|name| !not.contains(name))
            .map(|name| (name.to_owned(), json!(name)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let events = world.events().await.len();
        let job = import(&client, family, csv.as_bytes(), &mapping, true).await;
        assert_eq!(job["result"], json!({ "created": 0, "updated": 13, "errors": 0 }), "{job}");
        assert_eq!(client.get(&format!("/{family}?limit=100")).await.data(200), &before);
        assert_eq!(world.events().await.len(), events);
    }
}

#[tokio::test]
async fn files_from_the_world_are_read_or_told() {
    let (_world, client) = start().await;
    let wide = |row: fn(usize) -> String| (0..200).map(row).collect::<Vec<_>>().join(",");
    let wide = format!(
        "{}\n{}\n",
        wide(|n| if n == 150 { "Name".to_owned() } else { format!("c{n}") }),
        wide(|n| format!("v{n}"))
    );
    let huge = format!("Name,City\n{},x\nGood,y\n", "x".repeat(1_000_000));
    let none = json!({ "created": 0, "updated": 0, "errors": 0 });
    let one = json!({ "created": 1, "updated": 0, "errors": 0 });
    let good: [(&str, &[u8], &str, &Value); 8] = [
        ("a mark", "\u{feff}Name\nGarage\n".as_bytes(), "succeeded", &one),
        ("CRLF and a quoted line break", b"Name\r\n\"Gar\r\nage\"\r\n", "succeeded", &one),
        ("no last line break", b"Name\nGarage", "succeeded", &one),
        ("200 columns", wide.as_bytes(), "succeeded", &one),
        ("an empty line", b"Name\n\nGarage\n\n", "succeeded", &one),
        ("a header alone", b"Name\n", "succeeded", &none),
        ("a huge cell", huge.as_bytes(), "partial", &json!({ "created": 1, "updated": 0, "errors": 1 })),
        ("all wrong", b"Name,City\n,x\n,y\n", "succeeded", &json!({ "created": 0, "updated": 0, "errors": 2 })),
    ];
    for (what, csv, status, result) in good {
        let mapping = if csv.windows(4).any(|w| w == b"City") {
            json!({ "Name": "name", "City": "siteCity" })
        } else {
            json!({ "Name": "name" })
        };
        let job = import(&client, "projects", csv, &mapping, false).await;
        assert_eq!((&job["status"], &job["result"]), (&json!(status), result), "{what}: {job}");
    }
    for (what, csv, told) in [
        ("nothing", &b""[..], "Line 1, column 1: the file has no header row."),
        ("Latin-1", b"Name\nM\xfcller\n", "Line 2, column 2: the text is not UTF-8."),
        ("a workbook", b"PK\x03\x04\x14\x00\x06\x00", "Line 1, column 1: this is a workbook"),
        ("UTF-16", b"\xff\xfeN\x00a\x00", "Line 1, column 1: the text is UTF-16."),
        ("an unclosed quote", b"Name\nGood\n\"Bad\nGood\n", "Line 3, column 1: a quote is opened here and not closed"),
        ("text behind a quote", b"Name\n\"a\"b\n", "Line 2, column 4: a closing quote is followed by text."),
        ("a header twice", b"Name,Name\na,b\n", "The header names the column `Name` more than once."),
    ] {
        let job = import(&client, "projects", csv, &json!({ "Name": "name" }), false).await;
        assert_eq!(job["status"], "failed", "{what}: {job}");
        assert!(job["errorMessage"].as_str().expect("a text").starts_with(told), "{what}: {job}");
        assert_eq!(job["result"], none, "{what}: nothing was written");
    }
    // A column that the file lacks counts as empty cells.
    let job = import(&client, "projects", b"Other\nx\n", &json!({ "Name": "name" }), false).await;
    assert_eq!(job["result"], json!({ "created": 0, "updated": 0, "errors": 0, "missingColumns": ["Name"] }), "{job}");
}

#[tokio::test]
async fn a_foreign_or_absent_reference_is_refused_alike() {
    let (world, client) = start().await;
    let foreign = world.client_of(&world.another_tenant().await, super::ALL).await;
    let theirs = foreign.post("/contacts", &crate::support::contact("Theirs")).await.data(201)["id"].clone();
    let csv = format!("Name,Contact\na,{theirs}\nb,999999\nc,\n");
    let mapping = json!({ "Name": "name", "Contact": "contactId" });
    let job = import(&client, "projects", csv.as_bytes(), &mapping, false).await;
    assert_eq!(job["result"], json!({ "created": 1, "updated": 0, "errors": 2 }), "{job}");
    let errors = file(&client, &format!("/jobs/{}/errors", job["id"].as_str().expect("an id"))).await;
    let messages: Vec<_> =
        errors.lines().skip(1).map(|row| row.split(',').nth(2).expect("a message").to_owned()).collect();
    assert_eq!(messages, ["contactId: There is no contact with this id."; 2]);
    // Another tenant's upload is as none.
    let source = upload(&foreign, b"Name\nx\n").await;
    let refused =
        client.post("/projects/imports", &json!({ "sourcePath": source, "mapping": { "Name": "name" } })).await;
    refused.refuses_fields(&[("sourcePath", "not_found")]);
}

#[tokio::test]
async fn contacts_are_found_by_their_addresses() {
    let (_world, client) = start().await;
    let mapping = json!({ "Company": "companyName", "Mail": "email", "Kind": "type" });
    let csv =
        "Company,Mail,Kind\nOne,one@example.com,\nTwo,ONE@example.com,vendor\nThree,,General Contractor\nFour,,boss\n";
    let job = import(&client, "contacts", csv.as_bytes(), &mapping, false).await;
    assert_eq!(job["result"], json!({ "created": 2, "updated": 0, "errors": 2 }), "{job}");
    let codes =
        [("3", "commit_failed"), ("5", "validation_failed")].map(|(row, code)| (row.to_owned(), code.to_owned()));
    assert_eq!(wrong(&client, &job).await, codes);
    let csv = "Company,Mail,Kind\nAnother,One@Example.com,\nNew,new@example.com,\n";
    let job = import(&client, "contacts", csv.as_bytes(), &mapping, true).await;
    assert_eq!(job["result"], json!({ "created": 1, "updated": 1, "errors": 0 }), "{job}");
    let list = client.get("/contacts").await;
    let shown: Vec<_> = list
        .data(200)
        .as_array()
        .expect("a list")
        .iter()
        .map(|contact| (contact["companyName"].clone(), contact["type"].clone()))
        .collect();
    assert_eq!(
        shown,
        [("New", "customer"), ("Three", "general_contractor"), ("Another", "customer")]
            .map(|(name, kind)| (json!(name), json!(kind)))
    );
}

#[tokio::test]
async fn the_address_of_a_lead_links_its_contact() {
    let (world, client) = start().await;
    let known = json!({ "type": "vendor", "email": "known@example.com" });
    let known = client.post("/contacts", &known).await.data(201)["id"].clone();
    let mapping = json!({ "Name": "name", "Mail": "email", "Phone": "phone" });
    let csv = b"Name,Mail,Phone\na,KNOWN@example.com,1\nb,new@example.com,2\nc,new@example.com,3\n";
    let job = import(&client, "leads", csv, &mapping, false).await;
    assert_eq!(job["result"], json!({ "created": 3, "updated": 0, "errors": 0 }), "{job}");
    let made = client.get("/contacts").await.data(200)[0].clone();
    assert_eq!(
        (&made["email"], &made["phone"], &made["type"]),
        (&json!("new@example.com"), &json!("2"), &json!("customer"))
    );
    let list = client.get("/leads").await;
    let linked: Vec<_> =
        list.data(200).as_array().expect("a list").iter().map(|lead| lead["contactId"].clone()).collect();
    assert_eq!(linked, [made["id"].clone(), made["id"].clone(), known]);
    // Those who may not make contacts keep the address.
    let other = world.client(&["leads:read", "leads:write", "jobs:read", "jobs:write"]).await;
    import(&other, "leads", b"Name,Mail,Phone\nd,other@example.com,\n", &mapping, false).await;
    assert_eq!(client.get("/leads").await.data(200)[0]["description"], "other@example.com");
}
