//! `bwp user`

use std::io::Read;

use anyhow::{Context, anyhow};
use bwp_domain::{
    accounts::{Password, PasswordHash, TypedPassword, set_password},
    characters::legible,
    ids::TenantPublicId,
    paging::Limit,
    text::Email,
    users::{AccountToUse, CreateUser, User, UserError, ports::TeamReader},
};
use serde_json::{Value, json};

use crate::{
    cli::{DatabaseArgs, UserCommand},
    commands,
    database::{Database, Needs, with_database},
    output::Output,
    system::{environment, environment_of},
};

pub(crate) async fn run(args: &DatabaseArgs, command: UserCommand, output: Output) -> anyhow::Result<()> {
    match command {
        UserCommand::Create { tenant, email, role, existing_account, password_stdin: _ } => {
            let email = parse(email)?;
            let account =
                if existing_account { AccountToUse::Existing } else { AccountToUse::New(read_password(&email)?) };
            let command = CreateUser { email, role, account };
            with_database(args, Needs::Schema, async |database| create(database, tenant, command, output).await).await
        }
        UserCommand::List { tenant } => {
            with_database(args, Needs::Schema, async |database| list(database, tenant, output).await).await
        }
        UserCommand::SetPassword { email, password_stdin: _ } => {
            let email = parse(email)?;
            let password = read_password(&email)?;
            with_database(args, Needs::Schema, async |database| change(database, &email, &password, output).await).await
        }
    }
}

async fn create(
    database: &Database,
    tenant: TenantPublicId,
    command: CreateUser,
    output: Output,
) -> anyhow::Result<()> {
    let store = database.store()?;
    let tenant = commands::tenant(&store, tenant).await?;
    let made = commands::operate(&store, tenant.id, command).await.map_err(|error| match error.downcast_ref() {
        Some(UserError::HasAccount) => error.context("say --existing-account if it is theirs, or ask who made it"),
        Some(UserError::NoAccount) => error
            .context("leave --existing-account out and give a password with --password-stdin, or correct the address"),
        _ => error,
    })?;
    let user = &made.user;
    let json = json!({
        "id": user.id,
        "tenantId": tenant.public_id,
        "email": &*user.account.email,
        "role": user.role.as_str(),
        "active": user.is_active(),
        "createdAt": user.created_at,
        "hadAccount": made.had_account,
    });
    output.print(&json, || {
        let text = format!("Made user {} ({}), {}", user.id, legible(&user.account.email), user.role);
        if made.had_account {
            format!("{text}. They have an account already: they sign in with the password that they have.")
        } else {
            text
        }
    })?;
    Ok(())
}

fn described(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": &*user.account.email,
        "role": user.role.as_str(),
        "active": user.is_active(),
        "createdAt": user.created_at,
    })
}

async fn list(database: &Database, tenant: TenantPublicId, output: Output) -> anyhow::Result<()> {
    let store = database.store()?;
    let tenant = commands::tenant(&store, tenant).await?;
    let (mut team, mut after) = (Vec::new(), None);
    loop {
        let page = store.team(tenant.id, after, Limit::LARGEST).await?;
        team.extend(page.members);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let json: Vec<Value> = team.iter().map(|member| described(&member.user)).collect();
    output.print(&json.into(), || {
        let line = |user: &User| {
            let state = if user.is_active() { "" } else { ", deactivated" };
            format!("{}  {}  {}{state}", user.id, legible(&user.account.email), user.role)
        };
        team.iter().map(|member| line(&member.user)).collect::<Vec<_>>().join("\n")
    })?;
    Ok(())
}

async fn change(database: &Database, email: &Email, password: &PasswordHash, output: Output) -> anyhow::Result<()> {
    let store = database.store()?;
    let changed = set_password(&store, &environment_of(&store).await?, email, password).await?;
    let account = changed.ok_or_else(|| anyhow!("nobody has the address {email}; see `bwp user list`"))?;
    let email = &*account.email;
    output.print(&json!({ "email": email }), || {
        format!("{} signs in with the new password now, and is signed out everywhere.", legible(email))
    })?;
    Ok(())
}

fn parse(email: String) -> anyhow::Result<Email> {
    Email::parse(email).map_err(commands::wrong("--email"))
}

/// The hash of a password that is read from the standard input. Hashed before anything is done: no transaction waits for it.
fn read_password(email: &Email) -> anyhow::Result<PasswordHash> {
    let mut text = String::new();
    // One more than a password has, to notice one that is too long.
    let most = Password::MAX_BYTES as u64 + 3;
    std::io::stdin().lock().take(most).read_to_string(&mut text).context("reading the password")?;
    let password = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    let password = TypedPassword::new(password.to_owned()).choose(email).map_err(commands::wrong("the password"))?;
    password.hash(&*environment().entropy).map_err(|error| anyhow!("hashing: {error}"))
}
