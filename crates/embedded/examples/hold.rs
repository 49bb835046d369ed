//! Opens the cluster of a data folder, says how to reach it, and keeps it until standard input ends:
//! `cargo run -p bwp-embedded --example hold -- <data folder>`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks on the terminal")]

use std::{error::Error, io::stdin, path::PathBuf, process::ExitCode, time::Instant};

use bwp_embedded::{Cluster, Options};

fn main() -> ExitCode {
    match hold() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn hold() -> Result<(), Box<dyn Error>> {
    let data_dir = std::env::args_os().nth(1).map(PathBuf::from).ok_or("give the data folder")?;
    let began = Instant::now();
    let cluster = Cluster::open(&data_dir, &Options::default())?;
    println!("{} after {:?}", cluster.url("bwp"), began.elapsed());

    std::io::copy(&mut stdin(), &mut std::io::sink())?;

    let began = Instant::now();
    cluster.close()?;
    println!("closed after {:?}", began.elapsed());
    Ok(())
}
