//! The command line as a whole, and the small commands.

use std::process::Stdio;

use bwp_postgres::testing::TestDatabase;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::{Operator, parsed, printed, refused};
use crate::support::{DataFolder, Sql, World, attempt_bwp, bwp, send};

#[tokio::test]
async fn help_names_every_command_and_how_to_reach_the_data() {
    let help = printed(&attempt_bwp(&["--help"]).await);
    for named in [
        "serve",
        "migrate",
        "tenant",
        "user",
        "key",
        "cursor-secret",
        "openapi",
        "backup",
        "restore",
        "--data-dir",
        "BWP_DATA_DIR",
        ".bwp",
        "--database-url",
        "DATABASE_URL",
        "--json",
    ] {
        assert!(help.contains(named), "{named}: {help}");
    }
    let serve = printed(&attempt_bwp(&["serve", "--help"]).await);
    for named in [
        "--listen",
        "BWP_LISTEN",
        "127.0.0.1:8080",
        "BWP_BODY_TIMEOUT",
        "--public-url",
        "--trusted-proxies",
        "--cursor-secret",
        "--log",
    ] {
        assert!(serve.contains(named), "{named}: {serve}");
    }
    for command in [
        &["tenant", "create"][..],
        &["tenant", "list"],
        &["tenant", "set-status"],
        &["user", "create"],
        &["user", "list"],
        &["user", "set-password"],
        &["key", "create"],
        &["key", "list"],
        &["key", "revoke"],
        &["migrate"],
        &["openapi"],
        &["backup"],
        &["restore"],
        &["cursor-secret", "rotate"],
        &["completions"],
        &["serve"],
        &["key", "rotate"],
        &["tenant", "set-limit"],
        &["tenant", "set-time-zone"],
        &["tenant", "set-letterhead"],
    ] {
        let help = printed(&attempt_bwp(&[command, &["--help"]].concat()).await);
        assert!(help.contains("--json") && help.contains("Usage"), "{help}");
        // Its own options come first, then those that it shares, and last how it is used.
        let (own, others) = help.split_once("Options of every command:").expect("a heading");
        assert!(!own.contains("--data-dir") && !own.contains("--json") && own.contains("--help"), "{help}");
        let (shared, example) = others.split_once("Example").expect("an example");
        assert!(shared.contains("--database-url") && shared.contains("--json"), "{help}");
        assert!(example.contains(&format!("bwp {}", command.join(" "))), "{help}");
    }
    assert!(printed(&attempt_bwp(&["--version"]).await).starts_with("bwp 0."));
}

#[tokio::test]
async fn shells_complete_every_command() {
    for (shell, mark) in [
        ("bash", "complete -F _bwp"),
        ("zsh", "#compdef bwp"),
        ("fish", "complete -c bwp"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = printed(&attempt_bwp(&["completions", shell]).await);
        assert!(script.contains(mark), "{shell}: {script}");
        for word in ["cursor-secret", "set-time-zone", "trusted-proxies"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(refused(&attempt_bwp(&["completions", "cmd"]).await).contains("powershell"));
}

#[tokio::test]
async fn help_shows_no_secret_of_the_environment() {
    let mut command = bwp();
    command
        .env("DATABASE_URL", "postgres://u:hunter2@h/d")
        .env("BWP_CURSOR_SECRET", "hunter2")
        .args(["serve", "--help"]);
    let help = printed(&command.output().await.expect("bwp runs"));
    assert!(!help.contains("hunter2"), "{help}");
}

#[tokio::test]
async fn a_wrong_command_line_is_told() {
    for arguments in [&["sreve"][..], &["serve", "--lisen", "x"], &["serve", "--listen", "nowhere"], &["key"]] {
        let done = attempt_bwp(arguments).await;
        assert_eq!(done.status.code(), Some(2));
        assert!(!refused(&done).is_empty());
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_without_its_password() {
    let nowhere = "postgres://user:hunter2@127.0.0.1:1/bwp";
    for arguments in [&["tenant", "list"][..], &["migrate"], &["serve", "--listen", "127.0.0.1:0"]] {
        let done = attempt_bwp(&[&["--database-url", nowhere], arguments].concat()).await;
        let said = refused(&done);
        assert_eq!(done.status.code(), Some(1));
        assert!(said.contains("bwp: ") && !said.contains("hunter2") && !said.contains("panicked"), "{said}");
    }
}

#[tokio::test]
async fn the_environment_says_where_the_data_is() {
    let operator = Operator::new().await;
    operator.tenant().await;
    let mut command = bwp();
    command.env("DATABASE_URL", operator.0.url()).args(["--json", "tenant", "list"]);
    assert_eq!(parsed(&command.output().await.expect("bwp runs")).as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_empty_variable_sets_nothing() {
    let folder = DataFolder::new();
    let mut variables = Vec::new();
    for command in [&["--help"][..], &["serve", "--help"], &["openapi", "--help"]] {
        let help = printed(&attempt_bwp(command).await);
        let named = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next()).map(str::to_owned);
        variables.extend(named);
    }
    assert!(variables.len() > 20 && variables.contains(&"DATABASE_URL".to_owned()), "{variables:?}");
    let with_empty = |value: &str| {
        let mut command = bwp();
        command.envs(variables.iter().map(|name| (name, value))).args(folder.arguments());
        command
    };
    printed(&with_empty("").args(["tenant", "create", "--name", "Acme"]).output().await.expect("bwp runs"));
    let (_server, _said, ready) = serving(with_empty(" ").args(["--json", "serve", "--listen", "127.0.0.1:0"])).await;
    assert!(ready.contains("listening"), "{ready}");
    let mut command = with_empty("");
    let help = printed(&command.args(["serve", "--help"]).output().await.expect("bwp runs"));
    assert!(help.contains("BWP_LISTEN"), "{help}");
    let openapi = with_empty("").arg("openapi").output().await.expect("bwp runs");
    printed(&openapi);
}

#[tokio::test]
async fn a_variable_is_read_without_what_surrounds_it_and_named_when_it_is_wrong() {
    let operator = Operator::new().await;
    let with = |variables: &[(&str, &str)]| {
        let mut command = bwp();
        command.envs(variables.iter().copied());
        command
    };
    // As an env file says it that has blanks, or was written on Windows.
    let url = format!(" {}\r", operator.0.url());
    for skip in ["true\r", " TRUE", "1", "Yes", "on"] {
        let mut command =
            with(&[("DATABASE_URL", &url), ("BWP_LISTEN", "localhost:0\r"), ("BWP_SKIP_MIGRATIONS", skip)]);
        let (_server, _said, ready) = serving(&mut command).await;
        assert!(ready.contains("http://127.0.0.1:"), "{skip}: {ready}");
    }
    for (name, value, said) in [
        ("BWP_LISTEN", ":8080\r", "0.0.0.0:8080"),
        ("BWP_LISTEN", "8080", "127.0.0.1:8080"),
        ("BWP_ADMIN_LISTEN", "9090", "127.0.0.1:8080"),
        ("BWP_SKIP_MIGRATIONS", "maybe", "true or false"),
        ("BWP_WORKERS", "many", "512"),
        ("BWP_DRAIN", "soon", "--drain"),
        ("BWP_MAINTENANCE", "soon", "--maintenance"),
        ("BWP_REDIS_LOST", "panic", "refuse"),
    ] {
        let told = refused(&with(&[(name, value)]).args(["serve"]).output().await.expect("bwp runs"));
        assert!(told.contains(said) && told.contains(name), "{name}: {told}");
    }
    // On the command line it is the option's.
    let told =
        refused(&with(&[("BWP_LISTEN", "8080")]).args(["serve", "--listen", "8080"]).output().await.expect("bwp runs"));
    assert!(!told.contains("BWP_LISTEN"), "{told}");
}

/// A server, what it goes on saying, and the line by which it says that it is ready.
async fn serving(command: &mut Command) -> (Child, Lines<BufReader<ChildStdout>>, String) {
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("bwp starts");
    let mut said = BufReader::new(server.stdout.take().expect("piped")).lines();
    let ready = said.next_line().await.expect("readable").expect("a line");
    (server, said, ready)
}

#[tokio::test]
async fn without_a_command_it_serves_as_the_environment_says() {
    let operator = Operator::new().await;
    let mut command = bwp();
    let (_server, _said, ready) =
        serving(command.env("DATABASE_URL", operator.0.url()).env("BWP_LISTEN", "0.0.0.0:0")).await;
    let url = ready.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).expect("where it is reached");
    assert_eq!(reqwest::get(format!("{url}/healthz")).await.expect("an answer").status(), 200);
    // Who runs the database makes its tenants: nothing was made, and so no secret shown.
    assert_eq!(operator.json(&["tenant", "list"]).await, json!([]));
}

#[tokio::test]
async fn a_setting_of_the_server_that_is_wrong_is_told_before_anything_starts() {
    for (option, value, said) in [
        ("--cursor-secret", "sesame", "32 bytes"),
        ("--trusted-proxies", "10.0.0.0/8,proxy", "proxy"),
        ("--public-url", "nowhere", "--public-url"),
        ("--log", "bwp=loud", "--log"),
        ("--log", "foo=bar=baz", "--log"),
        ("--log", "verbose", "`verbose` is no level: say error"),
        ("--trusted-proxies", "10.0.0.0/33", "10.0.0.0/33"),
        ("--redis-url", "foo", "redis://"),
        ("--body-timeout", "soon", "--body-timeout"),
        ("--workers", "513", "512"),
    ] {
        let refusal = refused(&attempt_bwp(&["--data-dir", "/nonexistent/data", "serve", option, value]).await);
        assert!(refusal.contains(said) && !refusal.contains("sesame"), "{refusal}");
        let cause = refusal.trim_end().rsplit(": ").next().expect("a cause");
        assert_eq!(refusal.matches(cause).count(), 1, "told twice: {refusal}");
    }
}

#[tokio::test]
async fn the_schema_is_brought_up_to_date_once() {
    let operator = Operator(TestDatabase::empty().await);
    let applied = operator.json(&["migrate"]).await;
    assert!(applied["applied"].as_array().is_some_and(|steps| steps.len() > 3), "{applied}");
    assert_eq!(operator.json(&["migrate"]).await, json!({ "applied": [] }));
    assert!(operator.text(&["migrate"]).await.contains("up to date"));
    // Whoever makes the first tenant need not know of it.
    Operator(TestDatabase::empty().await).tenant().await;
}

/// Of each, one that only looks or changes what is there.
const NEED_A_DATABASE: [&[&str]; 7] = [
    &["backup", "/tmp/bwp-test-must-not-be-made.dump"],
    &["tenant", "list"],
    &["tenant", "set-status", "tnt_00000000000000000000000000", "suspended"],
    &["user", "list", "--tenant", "tnt_00000000000000000000000000"],
    &["key", "list", "--tenant", "tnt_00000000000000000000000000"],
    &["key", "revoke", "key_00000000000000000000000000"],
    &["cursor-secret", "rotate"],
];

#[tokio::test]
async fn a_database_that_is_not_bwps_is_left_alone() {
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    for theirs in ["", "CREATE TABLE __diesel_schema_migrations (version text); CREATE TABLE theirs (id int)"] {
        let operator = Operator(TestDatabase::empty().await);
        let mut sql = Sql::connect(&operator.0.url()).await;
        sql.run(theirs).await;
        let before = sql.number(tables).await;
        for arguments in NEED_A_DATABASE {
            let refusal = operator.refusal(arguments).await;
            for named in ["nothing of bwp", "/test_", "--database-url", "bwp serve"] {
                assert!(refusal.contains(named), "{arguments:?}: {named}: {refusal}");
            }
        }
        if !theirs.is_empty() {
            let refusal = operator.refusal(&["tenant", "create", "--name", "Acme"]).await;
            assert!(refusal.contains("bwp migrate"), "{refusal}");
        }
        assert_eq!(sql.number(tables).await, before);
    }
}

#[tokio::test]
async fn an_older_schema_is_not_migrated_in_passing() {
    let operator = Operator::new().await;
    let mut sql = Sql::connect(&operator.0.url()).await;
    // That is, one of which a step was not taken.
    let newest =
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)";
    sql.run(newest).await;
    let taken = "SELECT count(*) FROM __diesel_schema_migrations";
    let before = sql.number(taken).await;
    for arguments in NEED_A_DATABASE[1..].iter().copied().chain([&["tenant", "create", "--name", "Acme"][..]]) {
        let refusal = operator.refusal(arguments).await;
        assert!(refusal.contains("older") && refusal.contains("bwp migrate"), "{arguments:?}: {refusal}");
    }
    assert_eq!(sql.number(taken).await, before);
    // One that is newer than the command is worked on: the version before may still serve.
    let newer = Operator::new().await;
    let mut sql = Sql::connect(&newer.0.url()).await;
    sql.run("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000001')").await;
    newer.tenant().await;
}

#[tokio::test]
async fn a_schema_that_is_not_there_cannot_be_taken_as_it_is() {
    let operator = Operator(TestDatabase::empty().await);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--skip-migrations"];
    let refusal = operator.refusal(&serve).await;
    assert!(refusal.contains("bwp migrate"), "{refusal}");
}

#[tokio::test]
async fn a_role_without_rights_is_told_which_it_needs() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let more = if url.contains('?') { '&' } else { '?' };
    // It has no rights on the schema, and is on every server.
    let url = format!("{url}{more}options=-c%20role%3Dpg_monitor");
    let said = refused(&attempt_bwp(&["--database-url", &url, "migrate"]).await);
    assert!(said.contains("permission denied") && said.contains("ALTER DATABASE"), "{said}");
}

#[tokio::test]
async fn the_document_is_the_one_that_is_served() {
    let world = World::start().await;
    let served = send(world.request(Method::GET, "/api/v1/openapi.json")).await;
    let printed_one = parsed(&attempt_bwp(&["openapi", "--public-url", &world.server.url]).await);
    assert_eq!(printed_one, served.json);
    let compact = printed(&attempt_bwp(&["--json", "openapi", "--public-url", "https://api.example.org/"]).await);
    assert_eq!(compact.lines().count(), 1);
    let compact: Value = serde_json::from_str(&compact).expect("JSON");
    assert_eq!(compact["servers"][0]["url"], "https://api.example.org/api/v1");
    assert!(!refused(&attempt_bwp(&["openapi", "--public-url", "nowhere"]).await).is_empty());
}

#[tokio::test]
async fn the_cursors_secret_is_changed() {
    let operator = Operator::new().await;
    assert_eq!(operator.json(&["cursor-secret", "rotate"]).await, json!({ "rotated": true }));
    assert!(operator.text(&["cursor-secret", "rotate"]).await.contains("secret"));
}

#[tokio::test]
async fn a_public_url_is_the_one_that_answers_name() {
    let world = World::start_with(&["--public-url", "https://api.example.org/"]).await;
    let answer = send(world.request(Method::GET, "/api/v1/me").header("Host", "evil.example")).await;
    assert_eq!(answer.json["type"], "https://api.example.org/docs/errors#unauthorized");
    let document = send(world.request(Method::GET, "/api/v1/openapi.json").header("Host", "evil.example")).await;
    assert_eq!(document.json["servers"][0]["url"], "https://api.example.org/api/v1");
}
