//! `/documents`

use std::{path::Path, time::Duration};

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::contacts::create_named;
use crate::support::{Answer, Client, Connection, Form, World, send, until};

const ALL: &[&str] =
    &["documents:read", "documents:write", "documents:delete", "contacts:read", "contacts:write", "projects:write"];

struct Stage {
    world: World,
    client: Client,
    contact: i64,
}

impl Stage {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(arguments: &[&str]) -> Self {
        let world = World::start_with(arguments).await;
        let client = world.client(ALL).await;
        let contact = create_named(&client, "Acme").await;
        Self { world, client, contact }
    }

    fn form(&self) -> Form {
        Form::on_record("contact", &json!(self.contact))
    }

    async fn post(&self, form: Form) -> Answer {
        send(form.on(self.client.request(Method::POST, "/documents"))).await
    }

    /// A document of a file.
    async fn upload(&self, name: &str, media_type: &str, bytes: &[u8]) -> Value {
        self.post(self.form().file(name, media_type, bytes)).await.data(201).clone()
    }

    async fn download(&self, document: &Value, headers: &[(header::HeaderName, &str)]) -> Answer {
        self.download_with("", document, headers).await
    }

    async fn download_with(&self, query: &str, document: &Value, headers: &[(header::HeaderName, &str)]) -> Answer {
        let path = format!("/documents/{}/download{query}", document["id"]);
        let request = self.client.request(Method::GET, &path);
        send(headers.iter().fold(request, |request, (name, value)| request.header(name, *value))).await
    }

    /// How many files lie in the store, whatever they are.
    fn files(&self) -> usize {
        count(&self.world.server.files())
    }
}

fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.map(|entry| entry.expect("an entry").path()).map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

const PDF: &[u8] = b"%PDF-1.7\nnot much of one\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[tokio::test]
async fn what_is_uploaded_is_described_listed_changed_and_deleted() {
    let stage = Stage::start().await;
    let Stage { client, .. } = &stage;
    let form =
        stage.form().text("category", "drawing").text("description", "Ground floor").file("Plan.pdf", "x/y", PDF);
    let made = stage.post(form).await.data(201).clone();
    let expected = json!({
        "id": made["id"], "entityType": "contact", "entityId": stage.contact, "originalFilename": "Plan.pdf",
        "storagePath": made["storagePath"], "mimeType": "application/pdf", "fileSize": PDF.len(), "category": "drawing",
        "description": "Ground floor", "createdAt": made["createdAt"], "updatedAt": made["createdAt"], "uploadedBy": null,
    });
    assert_eq!(made, expected);
    let place = made["storagePath"].as_str().expect("a text");
    assert!(place.strip_prefix("documents/").is_some_and(|name| name.len() == 32), "{place}");
    let path = format!("/documents/{}", made["id"]);
    assert_eq!(client.get(&path).await.data(200), &made);
    let photo = stage.upload("photo.png", "image/png", PNG).await;
    let ids = async |query: &str| {
        let list = client.get(&format!("/documents?{query}")).await;
        let count = client.get(&format!("/documents/count?{query}")).await;
        let ids: Vec<Value> = list.data(200).as_array().expect("a list").iter().map(|row| row["id"].clone()).collect();
        assert_eq!(count.data(200)["total"], ids.len(), "{query}");
        ids
    };
    let (first, second) = (made["id"].clone(), photo["id"].clone());
    let both = vec![second.clone(), first.clone()];
    for (query, expected) in [
        (String::new(), both.clone()),
        ("entityType=contact".to_owned(), both.clone()),
        (format!("entityId={}", stage.contact), both.clone()),
        (format!("entityType=contact&entityId={}", stage.contact), both.clone()),
        ("entityId=".to_owned(), both.clone()),
        ("entityType=project".to_owned(), vec![]),
        ("entityId=99999".to_owned(), vec![]),
        ("category=drawing".to_owned(), vec![first.clone()]),
        ("category=Drawing".to_owned(), vec![]),
        ("search=ground".to_owned(), vec![first.clone()]),
        ("search=PHOTO".to_owned(), vec![second]),
    ] {
        assert_eq!(ids(&query).await, expected, "{query}");
    }
    client.get("/documents?entityType=nonsense").await.problem(400, "bad_request");
    let compact = client.get("/documents?compact=true&limit=1").await;
    assert!(compact.data(200)[0].get("uploadedBy").is_none() && compact.data(200)[0].get("storagePath").is_some());
    // A change sets two fields; the rest of what was read is ignored, a rename included.
    let mut edited = made.clone();
    for (field, value) in [
        ("category", json!("permit")),
        ("description", json!(null)),
        ("originalFilename", json!("other.exe")),
        ("mimeType", json!("text/html")),
        ("entityId", json!(77)),
        ("storagePath", json!("documents/../../etc/passwd")),
    ] {
        edited[field] = value;
    }
    let changed = client.patch(&path, &edited).await.data(200).clone();
    let mut after = made.clone();
    (after["category"], after["description"]) = (json!("permit"), json!(null));
    after["updatedAt"] = changed["updatedAt"].clone();
    assert_eq!(changed, after);
    client.patch(&path, &json!({ "category": "x".repeat(65) })).await.refuses_fields(&[("category", "too_long")]);
    // Deleted, it is gone, and its bytes are not downloaded any more.
    assert_eq!(client.delete(&path).await.status, 204);
    client.delete(&path).await.problem(404, "not_found");
    stage.download(&made, &[]).await.problem(404, "not_found");
    assert_eq!(ids("").await, vec![photo["id"].clone()]);
    assert!(stage.world.events().await.iter().all(|event| !event.kind.contains("document")), "nobody is told");
}

#[tokio::test]
async fn every_mistake_in_a_form_is_named() {
    let stage = Stage::start().await;
    let contact = stage.contact.to_string();
    let on = |kind: &str, id: &str| Form::default().text("entityType", kind).text("entityId", id);
    for (form, expected) in [
        (Form::default(), &[("file", "required"), ("entityType", "required"), ("entityId", "required")][..]),
        (stage.form(), &[("file", "required")]),
        (on("contact", ""), &[("file", "required"), ("entityId", "required")]),
        (on("nonsense", "x").file("a", "b/c", b""), &[("entityType", "invalid_value"), ("entityId", "invalid_type")]),
        (on("contact", "99999").file("a", "b/c", b"x"), &[("entityId", "not_found")]),
        (on("contact", "99999999999999999999").file("a", "b/c", b"x"), &[("entityId", "invalid_type")]),
        (on("bid", "1").file("a", "b/c", b"x"), &[("entityId", "not_found")]),
        (
            stage.form().text("category", &"x".repeat(65)).text("nonsense", "1").file("a", "b/c", b"x"),
            &[("nonsense", "unknown_field"), ("category", "too_long")],
        ),
        (stage.form().text("entityId", &contact).file("a", "b/c", b"x"), &[("entityId", "repeated")]),
        (stage.form().file("a", "b/c", b"x").file("b", "b/c", b"y"), &[("file", "repeated")]),
        (stage.form().file("", "b/c", b"x"), &[("file", "required")]),
        (stage.form().part("name=\"file\"", None, b"x"), &[("file", "required")]),
        (stage.form().file(&"x".repeat(501), "b/c", b"x"), &[("file", "too_long")]),
        (
            stage.form().part("name=\"description\"", None, b"\xff").file("a", "b/c", b"x"),
            &[("description", "invalid_value")],
        ),
    ] {
        stage.post(form).await.refuses_fields(expected);
    }
    // What is no such form at all.
    let request = || stage.client.request(Method::POST, "/documents");
    stage.client.post("/documents", &json!({})).await.problem(415, "bad_request");
    let no_boundary = request().header(header::CONTENT_TYPE, "multipart/form-data").body("x");
    send(no_boundary).await.problem(400, "bad_request");
    let not_one = request().header(header::CONTENT_TYPE, Form::media_type()).body("--other\r\n\r\nx");
    send(not_one).await.problem(400, "bad_request");
    let mut cut = stage.form().file("a", "b/c", PDF).bytes();
    cut.truncate(cut.len() - 40);
    send(request().header(header::CONTENT_TYPE, Form::media_type()).body(cut)).await.problem(400, "bad_request");
    until("nothing stays of what was refused", async || stage.files() == 0).await;
    assert_eq!(stage.world.number("SELECT count(*) FROM files").await, 0);
}

#[tokio::test]
async fn names_arrive_and_leave_as_they_are() {
    let stage = Stage::start().await;
    for (parameters, name, plain, extended) in [
        // As browsers write them.
        ("filename=\"a %22b%22%0D%0Ac.pdf\"", "a \"b\"\r\nc.pdf", "a _b___c.pdf", "a%20%22b%22%0D%0Ac.pdf"),
        ("filename=\"Grüße 🏗.pdf\"", "Grüße 🏗.pdf", "Gr__e _.pdf", "Gr%C3%BC%C3%9Fe%20%F0%9F%8F%97.pdf"),
        // As curl did.
        ("filename=\"a \\\"b\\\".pdf\"", "a \"b\".pdf", "a _b_.pdf", "a%20%22b%22.pdf"),
        (
            "filename=\"x\"; filename*=UTF-8''%E2%82%AC%20rates.txt",
            "€ rates.txt",
            "_ rates.txt",
            "%E2%82%AC%20rates.txt",
        ),
        ("filename=\"../../../etc/passwd\"", "passwd", "passwd", "passwd"),
        ("filename=\"100%.pdf\"", "100%.pdf", "100_.pdf", "100%25.pdf"),
    ] {
        let form = stage.form().part(&format!("name=\"file\"; {parameters}"), Some("text/html"), PDF);
        let made = stage.post(form).await.data(201).clone();
        assert_eq!(made["originalFilename"], name);
        let file = stage.download(&made, &[]).await;
        let expected = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}");
        assert_eq!((file.header("content-disposition"), &*file.bytes), (&*expected, PDF));
    }
}

/// Whatever a client calls it, and whatever is asked for: only what runs nothing is shown in a page.
#[tokio::test]
async fn nothing_that_runs_is_shown_inline() {
    let stage = Stage::start().await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let html = b"<!DOCTYPE html><script>alert(1)</script>";
    for (name, claimed, bytes, media_type, inline) in [
        ("a.svg", "image/svg+xml", &svg[..], "image/svg+xml", false),
        ("a.png", "image/png", svg, "application/octet-stream", false),
        ("a.pdf", "application/pdf", html, "text/html", false),
        ("a.html", "image/png", html, "text/html", false),
        ("a.png", "image/png", html, "text/html", false),
        ("a.xml", "application/pdf", b"<?xml version=\"1.0\"?><a/>", "text/xml", false),
        ("a.js", "image/gif", b"alert(1)", "text/javascript", false),
        ("a", "", b"\0\x01\x02", "application/octet-stream", false),
        ("a.txt", "text/html", b"hello", "text/plain", false),
        ("a.html", "text/html", PDF, "application/pdf", true),
        ("a.svg", "image/svg+xml", PNG, "image/png", true),
    ] {
        let made = stage.upload(name, claimed, bytes).await;
        assert_eq!(made["mimeType"], media_type, "{name} {claimed}");
        for (query, shown) in [("", false), ("?inline=false", false), ("?inline=true", inline)] {
            let file = stage.download_with(query, &made, &[]).await;
            let disposition = if shown { "inline" } else { "attachment" };
            assert_eq!(file.header("content-disposition").split(';').next(), Some(disposition), "{name}{query}");
            assert_eq!((file.status, file.header("content-type")), (200, media_type), "{name}{query}");
            assert_eq!(file.header("x-content-type-options"), "nosniff");
        }
    }
    let made = stage.upload("a.pdf", "", PDF).await;
    stage.download_with("?inline=maybe", &made, &[]).await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_part_of_a_file_is_downloaded() {
    use header::{IF_NONE_MATCH, IF_RANGE, RANGE};
    let stage = Stage::start().await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| u8::try_from(n * 7 % 251).expect("below 251")).collect();
    let made = stage.upload("a.bin", "", &bytes).await;
    let whole = stage.download(&made, &[]).await;
    assert_eq!((whole.status, whole.header("content-length"), whole.header("accept-ranges")), (200, "200000", "bytes"));
    assert!(whole.bytes == bytes);
    let tag = whole.header("etag").to_owned();
    assert!(tag.len() > 20 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=100-70000", 100, 70_001),
        ("bytes=199999-", 199_999, 200_000),
        ("bytes=-10", 199_990, 200_000),
        ("bytes=5-9999999", 5, 200_000),
    ] {
        for more in [None, Some((IF_RANGE, &*tag))] {
            let headers: Vec<_> = [(RANGE, range)].into_iter().chain(more).collect();
            let file = stage.download(&made, &headers).await;
            let said = format!("bytes {from}-{}/200000", to - 1);
            assert_eq!((file.status, file.header("content-range")), (206, &*said), "{range}");
            assert_eq!(file.header("content-length"), (to - from).to_string());
            assert!(file.bytes == bytes[from..to], "{range}");
        }
    }
    for headers in
        [&[(RANGE, "bytes=0-1,5-6")][..], &[(RANGE, "lines=1-2")], &[(RANGE, "bytes=0-5"), (IF_RANGE, "\"other\"")]]
    {
        assert_eq!(stage.download(&made, headers).await.bytes.len(), bytes.len());
    }
    let beyond = stage.download(&made, &[(RANGE, "bytes=200000-")]).await;
    beyond.problem(416, "bad_request");
    assert_eq!(beyond.header("content-range"), "bytes */200000");
    for tags in [&*tag, "*", &format!("W/{tag}"), &format!("\"x\", {tag}")] {
        let file = stage.download(&made, &[(IF_NONE_MATCH, tags)]).await;
        assert_eq!((file.status, file.bytes.len(), file.header("etag")), (304, 0, &*tag), "{tags}");
    }
    let path = format!("/documents/{}/download", made["id"]);
    let head = send(stage.client.request(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.header("content-length"), head.bytes.len()), (200, "200000", 0));
    // Of nothing there is no part.
    let empty = stage.upload("a.txt", "", b"").await;
    assert_eq!(stage.download(&empty, &[]).await.header("content-length"), "0");
    stage.download(&empty, &[(RANGE, "bytes=0-")]).await.problem(416, "bad_request");
    // Bytes that are lost are told as such.
    std::fs::remove_dir_all(stage.world.server.files()).expect("removed");
    stage.download(&made, &[]).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_same_bytes_are_kept_once_for_each_tenant() {
    let stage = Stage::start().await;
    let one = stage.upload("a.pdf", "", PDF).await;
    let again = stage.upload("b.pdf", "", PDF).await;
    assert_eq!(one["storagePath"], again["storagePath"]);
    assert_ne!(one["id"], again["id"]);
    assert_eq!(stage.files(), 1);
    // Another tenant's are its own.
    let other = stage.world.client_of(&stage.world.another_tenant().await, ALL).await;
    let contact = create_named(&other, "Acme").await;
    let form = Form::on_record("contact", &json!(contact)).file("a.pdf", "", PDF);
    let foreign = send(form.on(other.request(Method::POST, "/documents"))).await.data(201).clone();
    assert_ne!(foreign["storagePath"], one["storagePath"]);
    assert_eq!(stage.files(), 2);
    // All at once.
    let stage = &stage;
    let all =
        futures(8, |n| async move { stage.upload(&format!("{n}.png"), "", PNG).await["storagePath"].clone() }).await;
    assert!(all.iter().all(|path| path == &all[0]), "{all:?}");
    until("the others are deleted", async || stage.files() == 3).await;
    assert_eq!(stage.world.number("SELECT count(*) FROM files").await, 3);
}

/// What so many futures give that run at the same time.
async fn futures<T, F: Future<Output = T>>(count: usize, one: impl Fn(usize) -> F) -> Vec<T> {
    let mut running: Vec<_> = (0..count).map(|n| Box::pin(one(n))).collect();
    let mut done: Vec<Option<T>> = (0..count).map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in running.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn an_upload_has_one_effect_for_each_key() {
    let stage = Stage::start().await;
    let keyed = async |key: &str, form: Form| {
        send(form.on(stage.client.request(Method::POST, "/documents")).header("Idempotency-Key", key)).await
    };
    let first = keyed("one", stage.form().file("a.pdf", "", PDF)).await;
    let made = first.data(201).clone();
    // The same fields and bytes, in another order and with another claim.
    let again = Form::default().text("entityId", &stage.contact.to_string()).text("entityType", "contact");
    let again = keyed("one", again.file("a.pdf", "x/y", PDF)).await;
    assert_eq!((again.data(201), again.header("idempotent-replayed")), (&made, "true"));
    for other in [
        stage.form().file("a.pdf", "", PNG),
        stage.form().file("b.pdf", "", PDF),
        stage.form().text("category", "x").file("a.pdf", "", PDF),
    ] {
        keyed("one", other).await.problem(409, "idempotency_key_reused");
    }
    assert_eq!(stage.client.get("/documents/count").await.data(200)["total"], 1);
    until("what was not needed is deleted", async || stage.files() == 1).await;
    // What was refused may be sent again.
    let bad = Form::on_record("contact", &json!(99_999)).file("a.pdf", "", PDF);
    keyed("two", bad).await.refuses_fields(&[("entityId", "not_found")]);
    assert_eq!(keyed("two", stage.form().file("a.pdf", "", PDF)).await.status, 201);
}

#[tokio::test]
async fn files_have_a_most_and_tenants_too() {
    let stage = Stage::start_with(&["--max-file-size", "100KiB", "--tenant-files", "150KiB"]).await;
    let file = |size: usize, byte: u8| stage.form().file("a.bin", "", &vec![byte; size]);
    stage.post(file(100 * 1024 + 1, 1)).await.problem(413, "bad_request");
    // Longer than any form may be: it is not read at all.
    stage.post(file(1_000_000, 1)).await.problem(413, "bad_request");
    assert_eq!(stage.post(file(100 * 1024, 1)).await.status, 201);
    stage.post(file(60 * 1024, 2)).await.problem(409, "conflict");
    // The same bytes again cost nothing.
    assert_eq!(stage.post(file(100 * 1024, 1)).await.status, 201);
    assert_eq!(stage.post(file(50 * 1024, 3)).await.status, 201);
    // All of it is used up: what is not there yet is not even read.
    stage.post(file(1, 4)).await.problem(409, "conflict");
    until("what was refused is deleted", async || stage.files() == 2).await;
    assert_eq!(stage.world.number("SELECT sum(size)::bigint FROM files").await, 150 * 1024);
}

#[tokio::test]
async fn nothing_stays_of_an_upload_that_breaks_off() {
    let stage = Stage::start().await;
    let whole = stage.form().file("a.bin", "", &vec![1; 3_000_000]).bytes();
    let mut connection = Connection::connect(&stage.world.server).await;
    let lines = [
        format!("Authorization: Bearer {}", stage.client.key),
        format!("Content-Type: {}", Form::media_type()),
        format!("Content-Length: {}", whole.len()),
        "Idempotency-Key: broken-off".to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    connection.head("POST", "/documents", &lines).await;
    connection.send(&whole[..2_500_000]).await;
    until("what has arrived lies aside", async || stage.files() == 1).await;
    assert_eq!(stage.client.get("/documents/count").await.data(200)["total"], 0);
    connection.vanish();
    until("it is thrown away", async || stage.files() == 0).await;
    assert_eq!(stage.world.number("SELECT count(*) FROM files").await, 0);
    // Begun again, under the same key.
    let again = stage.form().file("a.bin", "", &vec![1; 3_000_000]);
    let again =
        send(again.on(stage.client.request(Method::POST, "/documents")).header("Idempotency-Key", "broken-off")).await;
    assert_eq!(again.data(201)["fileSize"], 3_000_000);
}

/// The most memory that the process has had, in bytes.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("readable");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

/// A file goes up and down without ever being in memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_file_is_never_in_memory() {
    const SIZE: usize = 96 * 1024 * 1024;
    let stage = Stage::start().await;
    // What is used once is there.
    stage.download(&stage.upload("a.bin", "", &vec![7; 2_000_000]).await, &[]).await;
    let before = peak(stage.world.server.pid());
    let bytes: Vec<u8> = (0..SIZE).map(|n| u8::try_from(n * 31 / 7 % 253).expect("below 253")).collect();
    let made = stage.upload("a.bin", "", &bytes).await;
    assert_eq!(made["fileSize"], SIZE);
    // Three who read it slowly, at different paces, and one who reads it all.
    let path = format!("/documents/{}/download", made["id"]);
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut response = stage.client.request(Method::GET, &path).send().await.expect("an answer");
        assert!(response.chunk().await.expect("bytes").is_some());
        slow.push(response);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(stage.download(&made, &[]).await.bytes == bytes, "as it was");
    let grown = peak(stage.world.server.pid()).saturating_sub(before);
    assert!(grown < SIZE as u64 / 2, "{grown} bytes more for a file of {SIZE}");
}

#[tokio::test]
async fn a_slow_client_has_more_time_than_a_short_body_and_not_without_end() {
    let stage = Stage::start_with(&["--body-timeout", "1s", "--request-timeout", "1s"]).await;
    let whole = stage.form().file("a.bin", "", &vec![1; 60_000]).bytes();
    let head = async |length: usize| {
        let mut connection = Connection::connect(&stage.world.server).await;
        let lines = [
            format!("Authorization: Bearer {}", stage.client.key),
            format!("Content-Type: {}", Form::media_type()),
            format!("Content-Length: {length}"),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        connection.head("POST", "/documents", &lines).await;
        connection
    };
    // Longer than either limit, and never stopping.
    let mut connection = head(whole.len()).await;
    for part in whole.chunks(whole.len() / 8 + 1) {
        connection.send(part).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(connection.answer().await.status, 201);
    let mut connection = head(whole.len()).await;
    connection.send(&whole[..1_000]).await;
    connection.answer().await.problem(408, "bad_request");
    until("nothing stays of it", async || stage.files() == 1).await;
}
