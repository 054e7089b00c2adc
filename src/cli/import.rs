//! `import`: what a sender would tell by webhooks, from a file.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::Output;
use crate::config::{CheckInsFrom, Config};
use crate::engine::Engine;
use crate::engine::commands::import::{self, Learned};
use crate::wiring::check_ins::import::{ListFile, MAX_FILE, list_file};

/// `import …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ImportCommand {
    /// Who is expected and who has checked in, from a CSV file: for a clinic without a portal interface. The
    /// same file again changes nothing; a file with a mistake changes nothing, and every mistake is told.
    CheckIns(ImportArgs),
}

/// `import check-ins`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportArgs {
    /// The file: a line for each check-in, with the columns that the check-in list's README names.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Who.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Carries out an import.
pub async fn run(
    config: &Config,
    engine: &Engine,
    command: &ImportCommand,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let ImportCommand::CheckIns(args) = command;
    if config.vendors.check_ins.from == CheckInsFrom::Off {
        return Err(CliError::Usage(
            "check_ins.from is \"off\", so the portal tells who is expected: write check_ins.from = \"list\" \
             in the configuration if the clinic's own list does"
                .to_owned(),
        ));
    }
    let text = read(&args.file)?;
    let file = list_file(&text).map_err(|mistakes| {
        CliError::Usage(format!(
            "{}: nothing of it was taken in\n{mistakes}",
            args.file.display()
        ))
    })?;
    let dry_run = args.dry_run.dry_run;
    let learned = if dry_run {
        import::would_teach(engine, file.source, &file.bodies).await?
    } else {
        import::import(engine, file.source, &file.bodies, &args.by.by).await?
    };
    let json = json!({ "dry_run": dry_run, "rows": file.rows, "learned": learned });
    Ok(out.emit(&json, &in_words(&file, learned, dry_run))?)
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |wrong: String| CliError::Failed(format!("{}: {wrong}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if size.len() > MAX_FILE as u64 {
        let most = MAX_FILE / (1024 * 1024);
        return Err(failed(format!(
            "is larger than {most} MiB: import it in parts"
        )));
    }
    std::fs::read(path).map_err(|error| failed(error.to_string()))
}

fn in_words(file: &ListFile, learned: Learned, dry_run: bool) -> String {
    let Learned {
        clients,
        clients_changed,
        check_ins,
        submitted,
        withdrawn,
    } = learned;
    let verb = if dry_run { "would be" } else { "are" };
    let rows = file.rows;
    if learned
        == (Learned {
            clients,
            ..Learned::default()
        })
    {
        return format!("{rows} rows about {clients} clients, all of it known already\n");
    }
    format!(
        "{rows} rows about {clients} clients; {verb} news:\n  {check_ins} check-ins or dates of check-ins\n  \
         {submitted} submitted\n  {withdrawn} withdrawn\n  {clients_changed} clients new or changed\n"
    )
}
