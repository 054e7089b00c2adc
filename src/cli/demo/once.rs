//! `demo --once`: plays a cast unattended and tells whether it went as written down.

use std::path::Path;

use serde::Serialize;

use super::on_stage;
use crate::cli::process::DemoArgs;
use crate::cli::{CliError, Output};
use crate::sandbox::cast::{Cast, SHIPPED};
use crate::sandbox::play::Options;
use crate::sandbox::report::Report;

/// The casts that were played, and whether all of it went as written down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether it did.
    pub passed: bool,
    /// The seed they were played with.
    pub seed: u64,
    /// Each cast, by name.
    pub casts: Vec<(String, Report)>,
}

/// Plays, reports, and fails if anything differs from what was written down.
pub async fn once(args: &DemoArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let verdict = verdict(args).await?;
    if let Some(file) = &args.report {
        write_report(&verdict, file)?;
    }
    let json = serde_json::to_value(&verdict).map_err(std::io::Error::from)?;
    out.emit(&json, &summary(&verdict, args.report.as_deref()))?;
    if verdict.passed {
        return Ok(());
    }
    let differences: usize = verdict
        .casts
        .iter()
        .map(|(_, r)| r.differences().len())
        .sum();
    Err(CliError::Failed(format!(
        "{differences} differences from what was written down"
    )))
}

async fn verdict(args: &DemoArgs) -> Result<Verdict, CliError> {
    let mut casts = Vec::new();
    for name in names(&args.cast) {
        let cast = Cast::shipped(name).map_err(CliError::Usage)?;
        if args.sabotage.is_some() && !cast.compared {
            // Of what is only counted nobody would notice.
            if name == args.cast {
                return Err(CliError::Usage(format!(
                    "cast {name} is counted, not compared, so no sabotage would show: take --cast full"
                )));
            }
            continue;
        }
        let options = Options {
            seed: args.seed,
            sabotage: args.sabotage,
        };
        let (_folder, play) = on_stage(cast, options).await?;
        let report = play.run().await.map_err(CliError::Failed)?;
        casts.push((name.to_owned(), report));
    }
    let passed = casts.iter().all(|(_, report)| report.passed);
    Ok(Verdict {
        passed,
        seed: args.seed,
        casts,
    })
}

/// The whole cast comes with the same people for a month, which is only counted, with the clinic that judges opens strictly, those that have no portal to ask, those that have
/// the portal or a list alone, and the one whose CRM fails for a day.
fn names(cast: &str) -> Vec<&str> {
    match cast {
        "full" => {
            let shipped = SHIPPED.iter().map(|(name, _)| *name);
            shipped.skip_while(|name| *name != cast).collect()
        }
        other => vec![other],
    }
}

/// JSON where the file's name ends so, else Markdown.
fn write_report(verdict: &Verdict, file: &Path) -> Result<(), CliError> {
    let text = if file.extension().is_some_and(|ending| ending == "json") {
        serde_json::to_string_pretty(verdict).map_err(std::io::Error::from)?
    } else {
        markdown(verdict)
    };
    std::fs::write(file, text)
        .map_err(|error| CliError::Failed(format!("{}: {error}", file.display())))
}

fn markdown(verdict: &Verdict) -> String {
    let casts = verdict.casts.iter();
    let parts: Vec<String> = casts
        .map(|(name, report)| format!("\n# Cast `{name}`\n\n{}", report.markdown()))
        .collect();
    format!("# The casts, played\n{}", parts.concat())
}

fn summary(verdict: &Verdict, file: Option<&Path>) -> String {
    let mut lines = Vec::new();
    for (name, report) in &verdict.casts {
        let passed = report.people.iter().filter(|person| person.passed).count();
        let all = report.people.len();
        let is_compared = report.people.iter().any(|person| person.compared);
        lines.push(if is_compared {
            format!("cast {name}: {passed} of {all} stories as written down")
        } else {
            format!("cast {name}: {all} clients, not compared")
        });
        for (coach, count) in &report.tasks {
            lines.push(format!(
                "  tasks for {coach}: {}, {} on the fullest day, {} open about one client at one time",
                count.made, count.most_on_a_day, count.most_open_about_one
            ));
        }
        lines.extend(
            report
                .incidents
                .iter()
                .map(|told| format!("  incident: {told}")),
        );
        lines.extend(
            report
                .differences()
                .into_iter()
                .map(|line| format!("  differs  {line}")),
        );
    }
    lines.push(format!("seed {}", verdict.seed));
    if let Some(file) = file {
        lines.push(format!("report: {}", file.display()));
    }
    lines.join("\n")
}
