//! `bwp completions`

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::Cli;

pub(crate) fn run(shell: Shell) -> anyhow::Result<()> {
    // Written to memory first: a pipe that is closed early is no defect of ours.
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "bwp", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(())
}
