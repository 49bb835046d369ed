//! `bwp rate`

use anyhow::anyhow;
use bwp_domain::{
    characters::legible,
    ids::{AccountId, ProjectId, TenantId},
    labor_rates::{LaborRate, SetRate},
    resource::{Filter, Record, Resource, Stored, ports::RowReader},
    store::Store,
    text::Email,
    users::{User, ports::UserReader},
};
use bwp_postgres::PgStore;
use serde_json::{Value, json};

use crate::{
    cli::{DatabaseArgs, RateCommand},
    commands,
    database::{Needs, with_database},
    output::Output,
};

pub(crate) async fn run(args: &DatabaseArgs, command: RateCommand, output: Output) -> anyhow::Result<()> {
    with_database(args, Needs::Schema, async |database| {
        let store = database.store()?;
        match command {
            RateCommand::Set { tenant, user, project, from, hourly_rate } => {
                let tenant = commands::tenant(&store, tenant).await?.id;
                let user = match user {
                    Some(email) => Some(account(&store, tenant, email).await?),
                    None => None,
                };
                let command = SetRate { user, project: project.and_then(ProjectId::new), from, hourly_rate };
                let rate = commands::operate(&store, tenant, command).await?.typed()?;
                let users = people(&store, tenant, std::slice::from_ref(&rate)).await?;
                output.print(&shown(&rate, &users), || format!("Set: {}", line(&rate, &users)))?;
            }
            RateCommand::List { tenant } => {
                let tenant = commands::tenant(&store, tenant).await?.id;
                let order = LaborRate::SHAPE.places(&["inForceFrom"]).first().copied().unwrap_or_default();
                let rates = store.all(tenant, LaborRate::SHAPE, &Filter::all(), order).await?;
                let rates = rates.iter().map(Record::typed).collect::<Result<Vec<_>, _>>()?;
                let users = people(&store, tenant, &rates).await?;
                output.print(&rates.iter().map(|rate| shown(rate, &users)).collect(), || {
                    rates.iter().map(|rate| line(rate, &users)).collect::<Vec<_>>().join("\n")
                })?;
            }
        }
        Ok(())
    })
    .await
}

/// The id that other rows name the user by who has this address.
async fn account(store: &PgStore, tenant: TenantId, email: String) -> anyhow::Result<AccountId> {
    let email = Email::parse(email).map_err(commands::wrong("--user"))?;
    let mut uow = store.begin().await?;
    let user = uow.users().find_by_email(tenant, &email).await?;
    uow.rollback().await?;
    let user = user.ok_or_else(|| anyhow!("no user of the tenant has the address {email}; see `bwp user list`"))?;
    Ok(user.account.id)
}

/// The users whose work the rates are of.
async fn people(store: &PgStore, tenant: TenantId, rates: &[Stored<LaborRate>]) -> anyhow::Result<Vec<User>> {
    let accounts: Vec<_> = rates.iter().filter_map(|rate| rate.details.user_id).collect();
    Ok(UserReader::get_many(store, tenant, &accounts).await?)
}

fn email<'u>(rate: &LaborRate, users: &'u [User]) -> Option<&'u str> {
    users.iter().find(|user| Some(user.account.id) == rate.user_id).map(|user| &*user.account.email)
}

fn shown(rate: &Stored<LaborRate>, users: &[User]) -> Value {
    let Stored { id, details, .. } = rate;
    json!({
        "id": id,
        "user": email(details, users),
        "userId": details.user_id,
        "projectId": details.project_id,
        "from": details.in_force_from.to_string(),
        "hourlyRate": details.hourly_rate.to_string(),
    })
}

fn line(rate: &Stored<LaborRate>, users: &[User]) -> String {
    let details = &rate.details;
    let whose = email(details, users).map_or("everybody".into(), legible);
    let project = details.project_id.map(|project| format!(" on project {project}")).unwrap_or_default();
    format!("{}  {}  {whose}{project}", details.in_force_from, details.hourly_rate)
}
