//! The first start: something to call with, shown once.

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use bwp_domain::{
    accounts::Password,
    characters::legible,
    execute::Environment,
    keys::{Allowlist, CreateKey, KeyMode, KeyName, NewKey},
    rate_limits::RateLimit,
    scopes::ScopeId,
    tenants::{FirstStart, Provisioned, TenantName, first_start},
    text::Email,
    users::{AccountToUse, CreateUser, Role},
};
use bwp_embedded::files::NewFile;
use bwp_postgres::PgStore;
use serde_json::{Value, json};

use crate::{cli::DatabaseArgs, commands::wrong, memory, output::Output, system::unguessable};

/// What the first start made, with the secrets that are known only now.
pub(super) struct Made {
    provisioned: Provisioned,
    password: Password,
}

const TENANT: &str = "My company";
const ADMIN: &str = "admin@localhost";
const KEY: &str = "First key";

/// Makes a tenant, an admin and a key with the contact scopes, if there is no tenant yet.
pub(super) async fn provision(store: &PgStore, environment: &Environment) -> anyhow::Result<Option<Made>> {
    if !store.is_empty().await? {
        return Ok(None);
    }
    let password = Password::generate(&*environment.entropy);
    let hash = password.hash(&*environment.entropy).map_err(|error| anyhow!("hashing a password: {error}"))?;
    memory::give_back();
    let first = FirstStart {
        tenant: TenantName::parse(TENANT.to_owned()).map_err(wrong("the tenant's name"))?,
        admin: CreateUser {
            email: Email::parse(ADMIN.to_owned()).map_err(wrong("the admin's address"))?,
            role: Role::CompanyAdmin,
            account: AccountToUse::New(hash),
        },
        key: CreateKey::new(
            KeyMode::Live,
            NewKey {
                name: KeyName::parse(KEY.to_owned()).map_err(wrong("the key's name"))?,
                scopes: [ScopeId::ContactsRead, ScopeId::ContactsWrite, ScopeId::ContactsDelete].into_iter().collect(),
                allowlist: Allowlist::any(),
                rate_limit: RateLimit::OF_KEY,
                expires_at: None,
            },
        ),
    };
    let made = first_start(store, environment, &first).await?;
    Ok(made.map(|provisioned| Made { provisioned, password }))
}

/// What a program is told when the server is ready.
pub(super) fn ready(listening: SocketAddr, admin: Option<SocketAddr>, url: &str, made: Option<&Made>) -> Value {
    let mut ready = json!({ "listening": listening, "url": url });
    if let Some(admin) = admin {
        ready["admin"] = json!(admin);
    }
    if let Some(Made { provisioned, password }) = made {
        ready["firstStart"] = json!({
            "tenantId": provisioned.tenant.public_id,
            "email": &*provisioned.admin.account.email,
            "password": password.expose(),
            "keyId": provisioned.key.key.public_id,
            "key": provisioned.key.secret.expose(),
        });
    }
    ready
}

/// The file in the data folder that has the secrets of a first start whose output goes to no person.
const FILE: &str = "first-start.txt";

/// Tells that the server is ready, and who was not told of the secrets how to get in. They are printed on a terminal, or for a program that
/// asks for JSON: what a service manager or a container runtime reads ends in a log that others read. There they go to a file.
pub(super) fn tell(
    output: Output,
    ready: &Value,
    url: &str,
    made: Option<&Made>,
    database: &DatabaseArgs,
) -> anyhow::Result<()> {
    let lost = |error: anyhow::Error| made.into_iter().fold(error, |error, made| error.context(lost(made, database)));
    let goes_to_a_log = !output.json && !io::stdout().is_terminal();
    let kept = match made.filter(|_| goes_to_a_log) {
        Some(made) => Some(keep(url, made, database).map_err(lost)?),
        None => None,
    };
    let text = || greeting(url, made, kept.as_deref());
    match (output.print(ready, text), kept) {
        (Ok(()), _) => Ok(()),
        (Err(error), Some(_)) => Err(anyhow::Error::from(error).context("cannot write to standard output")),
        (Err(error), None) => Err(lost(anyhow::Error::from(error).context("cannot write to standard output"))),
    }
}

/// Writes the secrets where their owner alone can read them, and gives the file's name.
fn keep(url: &str, made: &Made, database: &DatabaseArgs) -> anyhow::Result<PathBuf> {
    let path = database.data_dir.join(FILE);
    let file = NewFile::create(&path, &unguessable("partial"))?;
    file.file().write_all(first_steps(url, made).trim_start().as_bytes()).context("cannot write the first secrets")?;
    file.publish()?;
    let path = std::path::absolute(&path).unwrap_or(path);
    tracing::info!(file = %path.display(), "first start: the admin's password and the first key are in the file");
    Ok(path)
}

/// What a person is told whom the secrets did not reach: they are kept as hashes alone, and the next start shows none.
fn lost(Made { provisioned, .. }: &Made, database: &DatabaseArgs) -> String {
    let folder = database.data_dir.display().to_string().replace('\'', r"'\''");
    format!(
        "this was the first start, and the admin's password and the first key could not be shown. They are lost. To get in, \
         give the admin another password and make another key:

  bwp --data-dir '{folder}' user set-password --email {email} --password-stdin
  bwp --data-dir '{folder}' key create --tenant {tenant} --name {key} --scope {read} --scope {write}

The reason",
        email = provisioned.admin.account.email,
        tenant = provisioned.tenant.public_id,
        key = "'Second key'",
        read = ScopeId::ContactsRead,
        write = ScopeId::ContactsWrite,
    )
}

/// What a person is told when the server is ready. `kept`: the file that has what is secret of it.
fn greeting(url: &str, made: Option<&Made>, kept: Option<&Path>) -> String {
    let ready = format!("bwp is ready at {url} (API reference and guides: {url}/docs)\n");
    match (made, kept) {
        (None, _) => ready,
        (Some(made), None) => {
            let steps = first_steps(url, made);
            format!(
                "{ready}
This is the first start. An organization, an admin and an API key were made. The password and the key are shown this once.
{steps}
Stop it with Ctrl-C.
"
            )
        }
        (Some(Made { provisioned, .. }), Some(file)) => format!(
            "{ready}
This is the first start. An organization ({tenant}), an admin ({email}) and an API key were made. The password and the key are in
{file}, which its owner alone can read. Keep them elsewhere, and remove the file.
",
            tenant = provisioned.tenant.public_id,
            email = provisioned.admin.account.email,
            file = legible(&file.display().to_string()),
        ),
    }
}

/// How to sign in and what to call, with the password and the key.
fn first_steps(url: &str, Made { provisioned, password }: &Made) -> String {
    let key = provisioned.key.secret.expose();
    format!(
        "
1. Sign in, make keys of your own, and see what they are used for:

  {url}/
  e-mail    {email}
  password  {password}
  tenant    {tenant} (the organization, for the bwp command)

2. Call the API. A first key is there already, for contacts:

  {key}

  curl -H \"Authorization: Bearer {key}\" {url}/api/v1/me

  curl -X POST {url}/api/v1/contacts -H \"Authorization: Bearer {key}\" -H \"Content-Type: application/json\" \
-H \"Idempotency-Key: my-first-contact\" -d \"{{\\\"companyName\\\": \\\"Byron Masonry\\\", \\\"type\\\": \\\"subcontractor\\\"}}\"

  (For a POSIX shell and cmd.exe; for PowerShell see {url}/docs/quickstart#on-windows)
",
        email = provisioned.admin.account.email,
        tenant = provisioned.tenant.public_id,
        password = password.expose(),
    )
}
