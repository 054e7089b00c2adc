//! How fast the relay is: `cargo bench --bench relay -- [--quick] [--only NAME] [--json FILE]
//! [--compare OLD.json]`.
//!
//! For whoever changes something on the hot path, and for whoever wonders what a machine can take.
//! `benches/README.md` says what each figure means and lists those we measured.
//!
//! Rules:
//! - A figure alone says little: machines differ and neighbors make noise. What counts is its
//!   ratio to the baseline that was measured in the same run, in alternating rounds.
//! - What is measured is also checked: a server that acknowledges and does not store is no server.
//! - Servers run in processes of their own, so that they share the machine with the generator of
//!   load on the same terms.
//!
//! Not guaranteed: anything about a network, a slow disk or a vendor's pace.

mod child;
mod clock;
mod figures;
mod hook;
mod ingest;
mod load;
mod null_store;
mod pipeline;
mod portal;
mod process;
mod server;
mod setup;
mod signed;
mod stranger;
mod timers;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use figures::{Report, say};

/// Whatever goes wrong ends the run: a figure of half a measurement is worse than none.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Measures the relay.
#[derive(Debug, Parser)]
struct Args {
    /// A tenth of the stored rows, fewer rounds: two minutes instead of fifteen.
    #[arg(long)]
    quick: bool,
    /// Only one subject: ingest, hook, pipeline, timers, process or
    /// stranger.
    #[arg(long)]
    only: Option<String>,
    /// Writes the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Prints what changed since the figures in this file.
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Where databases lie meanwhile; beside this program if not given. A folder in memory shows
    /// what is left when the disk costs nothing.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
    /// Serve instead of measuring: what this program asks of its own children.
    #[arg(long, hide = true)]
    role: Option<server::Role>,
    /// The database of that role.
    #[arg(long, hide = true)]
    db: Option<PathBuf>,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Receipts stored before anything is measured.
    receipts: usize,
    /// Rounds of which the median counts.
    rounds: usize,
    /// Webhooks in a round.
    webhooks: usize,
    /// Portal events that are followed to their message.
    events: usize,
    /// Numbers of open cases.
    cases: &'static [usize],
}

const FULL: Extent = Extent {
    receipts: 1_000_000,
    rounds: 5,
    webhooks: 40_000,
    events: 10_000,
    cases: &[1_000, 10_000, 100_000, 1_000_000],
};

const QUICK: Extent = Extent {
    receipts: 100_000,
    rounds: 3,
    webhooks: 20_000,
    events: 3_000,
    cases: &[1_000, 10_000, 100_000],
};

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.role {
        Some(role) => server::run(*role, args.db.as_deref()),
        None => measure(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "relay bench: {error}");
            ExitCode::FAILURE
        }
    }
}

type Subject = fn(Extent, &mut Report) -> Result<(), Trouble>;

const SUBJECTS: [(&str, Subject); 6] = [
    ("ingest", ingest::measure),
    ("hook", hook::measure),
    ("pipeline", pipeline::measure),
    ("timers", timers::measure),
    ("process", process::measure),
    ("stranger", stranger::measure),
];

fn measure(args: &Args) -> Result<(), Trouble> {
    let extent = if args.quick { QUICK } else { FULL };
    let wanted = |name: &str| args.only.as_deref().is_none_or(|only| only == name);
    if !SUBJECTS.iter().any(|(name, _)| wanted(name)) {
        let names: Vec<_> = SUBJECTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("--only: there is {}", names.join(", ")).into());
    }
    if let Some(folder) = &args.folder {
        setup::PLACE.get_or_init(|| folder.clone());
    }
    // Read first: a file that can't be compared with should not cost a whole run.
    let old = args.compare.as_deref().map(Report::read).transpose()?;
    let mut report = Report::new(args.quick);
    for (name, subject) in SUBJECTS {
        if wanted(name) {
            say(&format!("\n{name}"))?;
            subject(extent, &mut report)?;
        }
    }
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    if let Some(old) = old {
        report.compare(&old)?;
    }
    Ok(())
}
