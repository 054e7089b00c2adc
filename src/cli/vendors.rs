//! `vendors`: how much each vendor may be asked at this moment, and why no more.

use clap::{Args, Subcommand};
use relay_core::rate_limit::{BreakerState, LimiterState, Priority};
use relay_core::time::Timestamp;
use relay_store::Store;
use serde_json::{Value, json};

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::{Output, Table, or_dash};
use crate::engine::{Engine, wake};
use crate::rate_limit::Vendor;

/// `vendors …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum VendorsCommand {
    /// Ask a vendor again at once: ends its pause, or the time for which it is left alone because it
    /// did not answer, and makes the jobs that wait for it due. What is left of its quotas is kept.
    Resume(ResumeArgs),
}

/// `vendors resume`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ResumeArgs {
    /// Which, as `vendors` shows it.
    #[arg(value_name = "VENDOR")]
    pub vendor: String,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Ends a vendor's pause, or says what that would do.
pub async fn resume(
    engine: &Engine,
    args: &ResumeArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (vendor, dry_run) = (&args.vendor, args.dry_run.dry_run);
    let resumed = if dry_run {
        wake::preview_resume(engine, vendor).await?
    } else {
        wake::resume_vendor(engine, vendor, &args.by.by).await?
    };
    let was = match resumed.closed {
        Some((until, why)) => format!("it was not to be asked until {}: {why}", out.time(until)),
        None => "nothing kept it from being asked".to_owned(),
    };
    let verb = if dry_run {
        "would be asked"
    } else {
        "is asked"
    };
    let jobs = resumed.jobs;
    let human = format!("{vendor} {verb} at once ({was}); jobs that waited for it: {jobs}\n");
    let document = json!({
        "vendor": vendor,
        "dry_run": dry_run,
        "until": resumed.closed.map(|(until, _)| until),
        "why": resumed.closed.map(|(_, why)| why.to_string()),
        "jobs": jobs,
    });
    Ok(out.emit(&document, &human)?)
}

/// Lists the vendors.
pub async fn list(
    store: &dyn Store,
    vendors: &[Vendor],
    now: Timestamp,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let rows = store.limiter_states().await?;
    let mut table = Table::new(&[
        "VENDOR",
        "STATE",
        "CALLS LEFT",
        "QUOTA LEFT",
        "WAITS UNTIL",
        "WHY",
    ]);
    let mut documents = Vec::new();
    for vendor in vendors {
        let row = rows.iter().find(|row| row.vendor == vendor.name);
        // One that can't be read is begun anew by whoever asks next.
        let mut limiter: LimiterState = row
            .and_then(|row| serde_json::from_value(row.body.clone()).ok())
            .unwrap_or_default();
        limiter.correct(now);
        let document = document(vendor, &limiter, now);
        let held = limiter.held(&vendor.limits, Priority::Normal, now);
        table.row([
            vendor.name.to_owned(),
            document["state"].as_str().unwrap_or_default().to_owned(),
            or_dash(level(vendor, &limiter, now).map(|level| format!("{level:.1}"))),
            quota_left(&limiter, now),
            or_dash(held.map(|(until, _)| out.time(until))),
            or_dash(held.map(|(_, why)| why)),
        ]);
        documents.push(document);
    }
    Ok(out.emit(
        &json!({ "vendors": documents }),
        &table.render("no vendor has a limit"),
    )?)
}

/// How many calls the budget holds; `None` where there is no budget.
fn level(vendor: &Vendor, limiter: &LimiterState, now: Timestamp) -> Option<f64> {
    let rate = vendor.limits.rate?;
    Some(limiter.budget().level(rate, now))
}

fn quota_left(limiter: &LimiterState, now: Timestamp) -> String {
    let windows: Vec<String> = limiter
        .quota()
        .known(now)
        .map(|known| {
            let limit = known.limit.map(|limit| format!("/{limit}"));
            let limit = limit.unwrap_or_default();
            format!("{}{limit} of {}", known.available, known.window)
        })
        .collect();
    if windows.is_empty() {
        "unknown".to_owned()
    } else {
        windows.join(", ")
    }
}

/// Everything, for programs.
fn document(vendor: &Vendor, limiter: &LimiterState, now: Timestamp) -> Value {
    let limits = &vendor.limits;
    let state = match (limiter.breaker().state(now), limiter.closed(now)) {
        (BreakerState::Open { .. }, _) => "down",
        (BreakerState::TrialDue | BreakerState::Trial { .. }, _) => "trying",
        (BreakerState::Closed, Some(_)) => "paused",
        (BreakerState::Closed, None) => "up",
    };
    let quota: Vec<Value> = limiter
        .quota()
        .known(now)
        .map(|known| {
            json!({ "window": known.window, "available": known.available, "limit": known.limit,
                    "until": known.until })
        })
        .collect();
    let waits = |priority: Priority| {
        let (until, why) = limiter.held(limits, priority, now)?;
        Some(json!({ "until": until, "why": why.to_string() }))
    };
    json!({
        "vendor": vendor.name,
        "state": state,
        "budget": limits.rate.map(|rate| json!({
            "level": rate_level(limiter.budget().level(rate, now)),
            "burst": rate.burst,
            "gap_seconds": rate.gap.as_secs_f64(),
        })),
        "quota": quota,
        "waits": { "background": waits(Priority::Background), "normal": waits(Priority::Normal),
                   "deadline": waits(Priority::Deadline) },
        "trouble_since": limiter.trouble().map(|trouble| trouble.since),
    })
}

/// A level to a thousandth: what is finer is noise.
fn rate_level(level: f64) -> f64 {
    (level * 1_000.0).round() / 1_000.0
}
