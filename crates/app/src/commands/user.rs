//! `bwp user`

use std::io::Read;

use anyhow::{Context, anyhow};
use bwp_domain::{accounts::Password, text::Email, users::CreateUser};
use serde_json::json;

use crate::{
    cli::{DatabaseArgs, UserCommand},
    commands,
    database::with_database,
    output::Output,
    system::environment,
};

pub(crate) async fn run(args: &DatabaseArgs, command: UserCommand, output: Output) -> anyhow::Result<()> {
    let UserCommand::Create { tenant, email, role, password_stdin: _ } = command;
    let email = Email::parse(email).map_err(commands::wrong("--email"))?;
    let password = read_password()?.hash(&*environment().entropy).map_err(|error| anyhow!("hashing: {error}"))?;
    with_database(args, async |database| {
        let store = database.store()?;
        let tenant = commands::tenant(&store, tenant).await?;
        let user = commands::operate(&store, tenant.id, CreateUser { email, role, password }).await?;
        let json = json!({
            "id": user.id,
            "tenantId": tenant.public_id,
            "email": &*user.account.email,
            "role": user.role.as_str(),
            "createdAt": user.created_at,
        });
        output.print(&json, || format!("Made user {} ({}), {}", user.id, user.account.email, user.role))?;
        Ok(())
    })
    .await
}

fn read_password() -> anyhow::Result<Password> {
    let mut text = String::new();
    // One more than a password has, to notice one that is too long.
    let most = Password::MAX_BYTES as u64 + 3;
    std::io::stdin().lock().take(most).read_to_string(&mut text).context("reading the password")?;
    let password = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Password::parse(password.to_owned()).map_err(commands::wrong("the password"))
}
