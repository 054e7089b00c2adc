//! `cases repin` and `procedures diff`: moving open cases to the version in force.

use std::fmt::Write as _;

use clap::Args;
use relay_core::ids::CaseId;
use serde_json::json;

use super::args::{By, DryRun, words};
use super::error::CliError;
use super::output::Output;
use crate::engine::Engine;
use crate::engine::commands::repin;
use crate::engine::commands::repin::{OlderVersion, Repin};
use crate::remedy::RemedyCommand;

/// `cases repin`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RepinArgs {
    /// The case.
    #[arg(value_name = "CASE")]
    pub case: CaseId,
    /// The version that `--dry-run` showed, or its first letters: what you have looked at.
    #[arg(long, value_name = "VERSION", value_parser = words, required_unless_present = "dry_run")]
    pub to: Option<String>,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Moves a case to the version in force, or says what that would change.
pub async fn repin(
    engine: &Engine,
    args: &RepinArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    if args.dry_run.dry_run {
        let repin = repin::repin_preview(engine, args.case, args.to.as_deref()).await?;
        let next = RemedyCommand::CasesRepin(repin.case, short(&repin.to));
        let next = format!("\nTo do it: {next}\n");
        let human = told(&repin) + &next;
        return Ok(out.emit(&json!({ "would": repin }), &human)?);
    }
    let to = args.to.as_deref().unwrap_or_default();
    let repin = repin::repin(engine, args.case, &args.by.by, to).await?;
    let human = format!("moved\n\n{}", told(&repin));
    Ok(out.emit(&json!({ "moved": repin }), &human)?)
}

/// What differs between the versions that open cases run on and the one in force.
pub async fn diff(engine: &Engine, out: &mut Output<'_>) -> Result<(), CliError> {
    let older = repin::older_versions(engine).await?;
    let human = if older.is_empty() {
        "every open case runs on the version in force\n".to_owned()
    } else {
        older.iter().map(version).collect::<Vec<_>>().join("\n")
    };
    Ok(out.emit(&json!({ "older_versions": older }), &human)?)
}

fn version(older: &OlderVersion) -> String {
    let cases: Vec<String> = older.cases.iter().map(ToString::to_string).collect();
    format!(
        "{} {} → {}\n{}open cases on it:\n  {}\n",
        older.procedure,
        short(&older.from),
        short(&older.to),
        lines(&older.differences),
        cases.join("\n  ")
    )
}

fn told(repin: &Repin) -> String {
    format!(
        "case {} of {}, in {}\n{} {} → {}\n{}and:\n{}",
        repin.case,
        repin.client,
        repin.step,
        repin.procedure,
        short(&repin.from),
        short(&repin.to),
        lines(&repin.differences),
        lines(&repin.notes),
    )
}

/// A line each, indented.
fn lines<T: std::fmt::Display>(all: &[T]) -> String {
    let mut text = String::new();
    for one in all {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {one}");
    }
    text
}

fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}
