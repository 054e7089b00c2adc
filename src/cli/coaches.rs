//! `coaches`: who there is, by the ids that settings and commands name; who is away, and who acts for her.

use clap::{Args, Subcommand};
use relay_core::ids::CoachId;
use relay_core::time::Date;
use relay_core::time_off::TimeOff;
use serde_json::{Value, json};

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::{Output, Table};
use crate::engine::Engine;
use crate::engine::commands::time_off::{self, Asked, Change};

/// `coaches …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CoachesCommand {
    /// Show the coaches with their ids, who is away, or will be, and who acts for them.
    List,
    /// Say that a coach is away: meanwhile her deputy is asked and calls in her place.
    Away(AwayArgs),
    /// Say that a coach is back, or won't be away after all.
    Back(BackArgs),
}

/// `coaches away`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AwayArgs {
    /// The portal's id of the coach.
    #[arg(value_name = "COACH")]
    pub coach: CoachId,
    /// The first day, clinic time [default: today].
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// The last day, clinic time.
    #[arg(long, value_name = "DATE")]
    pub until: Date,
    /// The portal's id of the coach who acts for her [default: as people.deputies says].
    #[arg(long, value_name = "COACH")]
    pub deputy: Option<CoachId>,
    /// Who says so.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `coaches back`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BackArgs {
    /// The portal's id of the coach.
    #[arg(value_name = "COACH")]
    pub coach: CoachId,
    /// Who says so.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Carries out a command.
pub async fn run(
    engine: &Engine,
    command: &CoachesCommand,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    match command {
        CoachesCommand::List => list(engine, out).await,
        CoachesCommand::Away(args) => away(engine, args, out).await,
        CoachesCommand::Back(args) => back(engine, args, out).await,
    }
}

async fn list(engine: &Engine, out: &mut Output<'_>) -> Result<(), CliError> {
    let (periods, names) = time_off::ahead(engine).await?;
    let name = |id: &CoachId| names.get(id).cloned().unwrap_or_else(|| id.to_string());
    let mut table = Table::new(&["COACH", "ID", "FROM", "UNTIL", "WHO ACTS", "ID"]);
    for period in &periods {
        table.row([
            name(&period.coach),
            period.coach.to_string(),
            period.from.to_string(),
            period.until.to_string(),
            name(&period.deputy),
            period.deputy.to_string(),
        ]);
    }
    let mut everybody = Table::new(&["ID", "COACH"]);
    for (id, name) in &names {
        everybody.row([id.to_string(), name.clone()]);
    }
    let json = json!({ "away": periods, "coaches": names });
    let human = format!(
        "{}\n{}",
        everybody.render("no coach is known yet\n"),
        table.render("nobody is away, and no time off is entered"),
    );
    Ok(out.emit(&json, &human)?)
}

async fn away(engine: &Engine, args: &AwayArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let asked = Asked {
        coach: args.coach.clone(),
        from: args.from,
        until: args.until,
        deputy: args.deputy.clone(),
    };
    let dry_run = args.dry_run.dry_run;
    let change = if dry_run {
        time_off::plan_away(engine, &asked).await?
    } else {
        time_off::away(engine, &asked, &args.by.by).await?
    };
    let TimeOff {
        coach,
        from,
        until,
        deputy,
    } = &change.period;
    let mut lines = vec![format!(
        "{} {} away from {from} to {until}, {} acts for her",
        change.name(coach),
        if dry_run { "would be" } else { "is" },
        change.name(deputy),
    )];
    let before = change.replaced.iter().map(|other| {
        let deputy = change.name(&other.deputy);
        format!(
            "replaces what was entered for these days: {} to {}, {deputy} acting",
            other.from, other.until
        )
    });
    lines.extend(before);
    lines.extend(moves(&change, dry_run));
    Ok(out.emit(&told(&change, dry_run), &lines.join("\n"))?)
}

async fn back(engine: &Engine, args: &BackArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let dry_run = args.dry_run.dry_run;
    let change = if dry_run {
        time_off::plan_back(engine, &args.coach).await?
    } else {
        time_off::back(engine, &args.coach, &args.by.by).await?
    };
    let period = &change.period;
    let who = change.name(&period.coach);
    let what = match (period.from > period.until, dry_run) {
        (true, false) => format!("won't be away after all ({})", days(&change)),
        (true, true) => format!("would not be away after all ({})", days(&change)),
        (false, false) => format!("is back: she was away until {}", period.until),
        (false, true) => format!("would be back: away until {}", period.until),
    };
    let mut lines = vec![format!("{who} {what}")];
    lines.extend(moves(&change, dry_run));
    Ok(out.emit(&told(&change, dry_run), &lines.join("\n"))?)
}

/// The days that were entered.
fn days(change: &Change) -> String {
    let entered = change
        .replaced
        .iter()
        .map(|period| format!("{} to {}", period.from, period.until));
    entered.collect::<Vec<_>>().join(", ")
}

/// What may go to another coach now, where anything is open.
fn moves(change: &Change, dry_run: bool) -> Option<String> {
    let goes = if dry_run { "would go" } else { "now goes" };
    match change.moves {
        0 => None,
        1 => Some(format!(
            "what is open about 1 client {goes} to whoever acts for her coach"
        )),
        more => Some(format!(
            "what is open about {more} clients {goes} to whoever acts for their coach"
        )),
    }
}

fn told(change: &Change, dry_run: bool) -> Value {
    json!({
        "time_off": change.period,
        "in_place_of": change.replaced,
        "clients_moved": change.moves,
        "dry_run": dry_run,
    })
}
