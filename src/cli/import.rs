//! `import`: what a sender would tell by webhooks, from a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use relay_core::ids::CoachId;
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
    /// Who does it, for the audit log.
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
    let known = &config.vendors.check_ins.coaches;
    let unknown = |id: &&CoachId| known.iter().all(|coach| coach.id != **id);
    let strangers: Vec<&str> = file
        .coaches
        .iter()
        .filter(unknown)
        .map(CoachId::as_str)
        .collect();
    if !strangers.is_empty() {
        return Err(CliError::Usage(format!(
            "{}: nothing of it was taken in: column coach names {}, whom [check_ins.coaches] doesn't; write the ids \
             that stand there into the file, or the coach into the configuration",
            args.file.display(),
            strangers.join(", ")
        )));
    }
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
        left_out,
        unread,
    } = learned;
    let rows = counted(file.rows, "row");
    let mut text = format!("{rows} about {}\n", counted(clients, "client"));
    let nothing = Learned {
        clients,
        left_out,
        unread,
        ..Learned::default()
    };
    if learned == nothing {
        text.push_str(if left_out + unread == 0 {
            "All of it is known already.\n"
        } else {
            "The rest of it is known already.\n"
        });
    } else {
        text.push_str(if dry_run {
            "New in it, and not taken in yet:\n"
        } else {
            "New in it:\n"
        });
        for (count, what) in [
            (check_ins, "a check-in, or its day"),
            (submitted, "submitted"),
            (withdrawn, "withdrawn"),
            (clients_changed, "what is known of a client"),
        ] {
            // Writing to a string can't fail.
            let _ = writeln!(text, "  {count:>6}  {what}");
        }
    }
    if left_out > 0 {
        let out = counted(left_out, "client");
        let _ = writeln!(
            text,
            "{out} left out: a row about her can't be read in the database. `clear-relay database check` names it; import the file \
             again once it is mended"
        );
    }
    if unread > 0 {
        let parts = counted(unread, "part");
        let _ = writeln!(
            text,
            "{parts} of {} stored and not read yet, since the cases of clients in it kept moving: a running relay \
             reads it, or the same command again",
            file.bodies.len()
        );
    }
    if file.without_address > 0 {
        let without = counted(file.without_address, "client");
        let _ = writeln!(
            text,
            "{without} without an email address in the file: nobody without one is mailed or called before \
             a person has said that the address in the CRM is hers"
        );
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
