//! `reconcile`: what must hold, and does it?

use clap::Args;
use serde_json::json;

use super::args::DryRun;
use super::error::CliError;
use super::output::{Output, Table};
use crate::engine::Engine;
use crate::engine::sync::reconcile;
use crate::engine::sync::report::{Became, Report};

/// `reconcile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct ReconcileArgs {
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Compares what is stored with what must hold and with the portal; repairs or tells what does not.
pub async fn run(
    engine: &Engine,
    args: ReconcileArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let dry_run = args.dry_run.dry_run;
    let report = reconcile::reconcile(engine, dry_run).await?;
    if !dry_run {
        engine.wake.notify_one();
    }
    let json = json!({ "dry_run": dry_run, "report": report });
    Ok(out.emit(&json, &in_words(&report, dry_run))?)
}

fn in_words(report: &Report, dry_run: bool) -> String {
    let mut human = format!(
        "{} open check-ins that are overdue and {} open cases were looked at; not as it must be: {}\n",
        report.check_ins,
        report.cases,
        report.found.len()
    );
    if report.found.is_empty() {
        return human;
    }
    let mut table = Table::new(&["WHAT", "RESULT"]);
    for found in &report.found {
        let result = match (found.became, dry_run) {
            (Became::Repaired, false) => "repaired",
            (Became::Repaired, true) => "would be repaired",
            (Became::Told, false) => "a person is told: `clear-relay work list`",
            (Became::Told, true) => "a person would be told",
            (Became::Left, _) => "left as it is",
        };
        table.row([found.violation.to_string(), result.to_owned()]);
    }
    human.push_str(&table.render(""));
    human
}
