//! The first start: something to call with, shown once.

use std::{fmt::Write, net::SocketAddr};

use anyhow::anyhow;
use bwp_domain::{
    accounts::Password,
    execute::Environment,
    keys::{Allowlist, CreateKey, KeyMode, KeyName, NewKey},
    rate_limits::RateLimit,
    scopes::ScopeId,
    tenants::{FirstStart, Provisioned, TenantName, first_start},
    text::Email,
    users::{AccountToUse, CreateUser, Role},
};
use bwp_postgres::PgStore;
use serde_json::{Value, json};

use crate::{cli::DatabaseArgs, commands::wrong, memory, output::Output};

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

/// Tells that the server is ready, and who was not told of the secrets how to get in.
pub(super) fn tell(
    output: Output,
    ready: &Value,
    url: &str,
    made: Option<&Made>,
    database: &DatabaseArgs,
) -> anyhow::Result<()> {
    output.print(ready, || greeting(url, made)).map_err(|error| {
        let error = anyhow::Error::from(error).context("cannot write to standard output");
        made.into_iter().fold(error, |error, made| error.context(lost(made, database)))
    })
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

/// What a person is told when the server is ready.
fn greeting(url: &str, made: Option<&Made>) -> String {
    let mut text = format!("bwp is ready at {url} (API reference and guides: {url}/docs)\n");
    if let Some(Made { provisioned, password }) = made {
        let key = provisioned.key.secret.expose();
        // Writing into a String cannot fail.
        let _ = write!(
            text,
            "
This is the first start. An organization, an admin and an API key were made. The password and the key are shown this once.

1. Sign in, make keys of your own, and see what they are used for:

  {url}/
  e-mail    {email}
  password  {password}
  tenant    {tenant} (the organization, for the bwp command)

2. Call the API. A first key is there already, for contacts:

  {key}

  curl -H 'Authorization: Bearer {key}' {url}/api/v1/me

  curl -X POST {url}/api/v1/contacts -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
-H 'Idempotency-Key: my-first-contact' -d '{{\"companyName\": \"Byron Masonry\", \"type\": \"subcontractor\"}}'

Stop it with Ctrl-C.
",
            email = provisioned.admin.account.email,
            tenant = provisioned.tenant.public_id,
            password = password.expose(),
        );
    }
    text
}
