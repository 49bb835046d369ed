//! `bwp export`: the rows of a family as a CSV file, as the export of the API writes them.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    path::Path,
};

use anyhow::{Context, anyhow, bail};
use bwp_domain::{
    families,
    fields::FieldErrors,
    ids::TenantId,
    jobs::{ExportPlan, ExportRequest, Transfers, ports::Snapshots},
};
use bwp_embedded::files::NewFile;
use bwp_postgres::PgStore;
use serde_json::{Map, Value, json};

use crate::{
    cli::{DatabaseArgs, ExportArgs},
    commands::{self, STANDARD},
    database::{Needs, with_database},
    output::Output,
    system::unguessable,
};

/// How many rows are read at once.
const ROWS: usize = 1_000;
/// How many bytes are written at once.
const PIECE: usize = 256 * 1024;

pub(crate) async fn run(args: &DatabaseArgs, export: ExportArgs, output: Output) -> anyhow::Result<()> {
    let known: Vec<_> = families::all().iter().map(|family| family.shape().table).collect();
    let transfers = families::of_table(&export.family.replace('-', "_"))
        .ok_or_else(|| anyhow!("there is no family {}: name one of {}", export.family, known.join(", ")))?;
    let request = ExportRequest::read(transfers, &asked(&export)?, FieldErrors::default())
        .map_err(|errors| anyhow!("{errors}"))?;
    // Made before all else: what is wrong with it is found now, and not when all rows have been read.
    let to_standard = export.output == Path::new(STANDARD);
    let new = if to_standard { None } else { Some(NewFile::create(&export.output, &unguessable("partial"))?) };
    let mut out = match &new {
        Some(new) => new.file().try_clone()?,
        None => File::from(io::stdout().as_fd().try_clone_to_owned()?),
    };
    let rows = with_database(args, Needs::Schema, async |database| {
        let store = database.store()?;
        let tenant = commands::tenant(&store, export.tenant).await?.id;
        write(&store, tenant, transfers, &request, &mut out).await
    })
    .await?;
    if let Some(new) = new {
        new.publish()?;
    }
    let file = export.output.display().to_string();
    let (written, many) = (json!({ "file": file, "rows": rows }), transfers.shape().many);
    if to_standard {
        // Nothing but the rows goes there.
        let said = || format!("Wrote {rows} {many} to standard output.");
        output.print_to(&mut io::stderr().lock(), &written, said)?;
    } else {
        output.print(&written, || format!("Wrote {rows} {many} to {file}."))?;
    }
    Ok(())
}

/// The request that the arguments stand for.
fn asked(export: &ExportArgs) -> anyhow::Result<Map<String, Value>> {
    let mut filters = Map::new();
    for filter in &export.filter {
        let Some((name, value)) = filter.split_once('=') else {
            bail!("--filter {filter}: write it as NAME=VALUE, such as type=vendor");
        };
        filters.insert(name.to_owned(), json!(value));
    }
    let mut asked = Map::new();
    asked.insert("filters".to_owned(), Value::Object(filters));
    if !export.columns.is_empty() {
        asked.insert("columns".to_owned(), json!(export.columns));
    }
    Ok(asked)
}

/// Writes the rows that there are at one moment, and gives how many.
async fn write(
    store: &PgStore,
    tenant: TenantId,
    transfers: &'static dyn Transfers,
    request: &ExportRequest,
    out: &mut File,
) -> anyhow::Result<usize> {
    let plan = ExportPlan::new(transfers, request.columns.clone());
    let mut snapshot = store.snapshot(tenant, transfers.shape(), &request.filter).await?;
    let total = usize::try_from(snapshot.count().await?).unwrap_or_default();
    let (mut piece, mut rows) = (Vec::with_capacity(PIECE), 0);
    let mut progress = Progress::of(total);
    plan.header(&mut piece);
    loop {
        let records = snapshot.next(ROWS).await?;
        if records.is_empty() || piece.len() >= PIECE {
            out.write_all(&piece).context("cannot write")?;
            piece.clear();
        }
        if records.is_empty() {
            break;
        }
        plan.rows(&records, &mut *snapshot, &mut piece).await?;
        rows += records.len();
        progress.show(rows);
    }
    progress.end();
    Ok(rows)
}

/// How far it is, on a terminal.
struct Progress {
    total: usize,
    shown: Option<usize>,
}

impl Progress {
    fn of(total: usize) -> Self {
        // Where nobody looks, nothing is drawn.
        Self { total, shown: io::stderr().is_terminal().then_some(0) }
    }

    /// A line that is written over: each whole percent once.
    fn show(&mut self, done: usize) {
        let Some(shown) = &mut self.shown else { return };
        let percent = (done * 100).checked_div(self.total).unwrap_or(100).min(100);
        if percent > *shown {
            *shown = percent;
            let bar = "#".repeat(percent / 5);
            let _ = write!(io::stderr(), "\r[{bar:<20}] {percent} % of {}", self.total);
        }
    }

    fn end(&self) {
        if self.shown.is_some_and(|shown| shown > 0) {
            let _ = writeln!(io::stderr());
        }
    }
}
