//! `import`: what a sender would tell by webhooks, from a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use relay_core::ids::{ClientId, CoachId};
use relay_core::time::{DateTime, Timestamp};
use serde_json::json;

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::Output;
use crate::config::{CheckInsFrom, Config};
use crate::engine::Engine;
use crate::engine::commands::import::{self, Learned, Look};
use crate::engine::sync::alike::Respelt;
use crate::remedy::shell_word;
use crate::wiring::check_ins::import::{ListFile, MAX_FILE, list_file_of};

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
    /// When the list was as the file says: day and time of the export, clinic time (2026-11-03T18:00), or `now`.
    /// What was told of a later moment stands. Without it the file is taken for the newest there is, unless it says
    /// again what was told otherwise since: then nothing of it is taken in.
    #[arg(long, value_name = "TIME", value_parser = as_of)]
    pub as_of: Option<AsOf>,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// When a list was as a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// As it is now.
    Now,
    /// At this time at the clinic.
    Clinic(DateTime),
}

fn as_of(text: &str) -> Result<AsOf, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(AsOf::Now);
    }
    let wrong = "write day and time of the export, clinic time, such as 2026-11-03T18:00, or `now`";
    // A day alone would be its first moment, before everything that the file knows of that day.
    // And an offset would be passed over.
    let clock = |letter: char| letter.is_ascii_digit() || letter == ':';
    let time = text.split(['T', ' ']).nth(1);
    let has_time = time.is_some_and(|time| time.contains(':') && time.chars().all(clock));
    let read = text.parse().ok().filter(|_| has_time);
    read.map(AsOf::Clinic).ok_or_else(|| wrong.to_owned())
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
            "check_ins.from is \"off\", so no list tells who is expected: write check_ins.from = \"list\" in the \
             configuration if the clinic's own list does"
                .to_owned(),
        ));
    }
    let text = read(&args.file)?;
    let made_at = match args.as_of {
        Some(AsOf::Clinic(at)) => Some(moment(engine, at)?),
        Some(AsOf::Now) | None => None,
    };
    let coaches = &config.vendors.check_ins.coaches;
    let is_known = |id: &CoachId| coaches.iter().any(|coach| coach.id == *id);
    let file = list_file_of(&text, made_at, is_known).map_err(|mistakes| {
        CliError::Usage(format!(
            "{}: nothing of it was taken in\n{mistakes}",
            args.file.display()
        ))
    })?;
    let dry_run = args.dry_run.dry_run;
    let look = import::look(engine, file.source, &file.bodies).await?;
    refuse(&look, args, out)?;
    let learned = if dry_run {
        look.learned
    } else {
        import::import(engine, file.source, &file.bodies, &args.by.by).await?
    };
    let unnamed: Vec<_> = look
        .unnamed
        .iter()
        .map(|(client, due)| json!({ "client": client, "due": due }))
        .collect();
    let json = json!({ "dry_run": dry_run, "rows": file.rows, "learned": learned,
                       "as_of": made_at, "still_open": unnamed });
    let has_crm = !engine.ports.not_offered().crm;
    let mut text = in_words(&file, learned, dry_run, has_crm);
    if args.as_of.is_none() {
        text.push_str(
            "It is taken for the list as it is now; for an older file, say when it was exported with --as-of.\n",
        );
    }
    text.push_str(&still_open(&look));
    Ok(out.emit(&json, &text)?)
}

/// A time at the clinic, which must have been.
fn moment(engine: &Engine, at: DateTime) -> Result<Timestamp, CliError> {
    let zone = engine.calendar.zone();
    let moment = zone.to_ambiguous_timestamp(at).compatible().ok();
    let moment = moment.filter(|moment| *moment <= engine.now());
    moment.ok_or_else(|| {
        CliError::Usage(format!(
            "--as-of {at} is yet to come at the clinic: write when the file was exported"
        ))
    })
}

/// What keeps a file from being taken in: the same for the command and for its dry run.
fn refuse(look: &Look, args: &ImportArgs, out: &Output<'_>) -> Result<(), CliError> {
    let file = args.file.display();
    if !look.respelt.is_empty() {
        let ids = look.respelt.iter().map(Respelt::to_string);
        return Err(CliError::Usage(format!(
            "{file}: nothing of it was taken in\n{}",
            ids.collect::<Vec<_>>().join("\n")
        )));
    }
    if args.as_of.is_some() || look.turned_back.is_empty() {
        return Ok(());
    }
    let since = match look.told_at {
        Some(at) => format!("The list last told something at {}", out.time(at)),
        None => "The list has told nothing yet".to_owned(),
    };
    let path = shell_word(&args.file.display().to_string());
    let by = shell_word(&args.by.by);
    Err(CliError::Usage(format!(
        "{file}: nothing of it was taken in, since it may be older than what is known. Of {} it says again what was \
         told otherwise since, or that somebody is followed up who is not ({}). {since}.\n\
         If the file is the newest: `clear-relay import check-ins {path} --by {by} --as-of now`\n\
         If it is older, with the day and time of its export at the clinic, so that what was told since stands: \
         `clear-relay import check-ins {path} --by {by} --as-of 2026-11-03T18:00`",
        counted(look.turned_back.len(), "client"),
        some(look.turned_back.iter().map(ClientId::as_str)),
    )))
}

/// What stays open although the file says nothing of it, since a list may be told in parts.
fn still_open(look: &Look) -> String {
    if look.unnamed.is_empty() {
        return String::new();
    }
    let count = counted(look.unnamed.len(), "check-in");
    let whose = look
        .unnamed
        .iter()
        .map(|(client, due)| format!("{client} of {due}"));
    let whose: Vec<String> = whose.collect();
    format!(
        "Not in the file and still open: {count} whose day has come ({}). A line that is gone takes nothing back: \
         write it with `withdrawn` yes where the check-in is no longer expected, with `submitted` yes where she has \
         checked in, or give her another `status`.\n",
        some(whose.iter().map(String::as_str))
    )
}

/// The first few of them.
fn some<'a>(all: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let all: Vec<&str> = all.collect();
    let shown = all[..all.len().min(SHOWN)].join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
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

fn in_words(file: &ListFile, learned: Learned, dry_run: bool, has_crm: bool) -> String {
    let Learned {
        clients,
        clients_changed,
        check_ins,
        submitted,
        withdrawn,
        outdated,
        left_out,
        unread,
    } = learned;
    let rows = counted(file.rows, "row");
    let mut text = format!("{rows} about {}\n", counted(clients, "client"));
    let nothing = Learned {
        clients,
        outdated,
        left_out,
        unread,
        ..Learned::default()
    };
    if learned == nothing {
        text.push_str(if outdated + left_out + unread == 0 {
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
    if outdated > 0 {
        let _ = writeln!(
            text,
            "{} older than what was told since: that stands",
            counted(outdated, "statement")
        );
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
        let follows = if has_crm {
            "nobody without one is mailed or called before a person has said that the address in the CRM is hers"
        } else {
            "where there is no phone number either, her coach is asked how she can be reached"
        };
        let _ = writeln!(
            text,
            "{without} without an email address in the file: {follows}"
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
