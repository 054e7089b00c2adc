//! The command line of `clear-relay`.
//!
//! For admins. Rules:
//! - What changes the database, a vendor or the configuration has `--dry-run`, and what a person decides has
//!   `--by`.
//! - `--json` prints one document; without it, tables for people.
//! - Exit codes: 0 done; 1 tried and failed, or not found; 2 wrongly asked for or configured.
//! - A command names no secret on the command line: there, every user of the machine can read it.
//!
//! How a newcomer adds a command: its arguments in the file of its noun, a variant in the noun's enum, a
//! function beside it (`(store, args, out)` if it only reads, `(engine, args, out)` if it acts); a line in
//! `ReadOnly::of` and `ReadOnly::run`, or in `act`, or in `carry_out` if it must work without a whole
//! configuration; for a new noun a line in `name`. One with `--dry-run` also in `COMPARED` of
//! `tests/it/dry_runs.rs`, one that messages name in `src/remedy.rs`; README's table.

mod args;
pub mod backup;
pub mod cases;
pub mod clients;
pub mod clock;
mod clocks;
pub mod coaches;
pub mod connect;
pub mod database;
mod decision;
pub mod demo;
pub mod doctor;
mod error;
pub mod hooks;
pub mod import;
pub mod init;
pub mod jobs;
pub mod keap;
mod messages;
pub mod migrate;
mod opening;
mod output;
pub mod outreach;
pub mod procedures;
pub mod process;
pub mod reconcile;
pub mod repin;
pub mod sandbox;
mod serve;
mod told;
pub mod vendors;
pub mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Parser, Subcommand};
use relay_core::random::SystemRandom;
use relay_core::time::{Clock as _, SystemClock};
use relay_http_client::ReqwestTransport;
use relay_store::{Store, StoreError};
use serde_json::json;

use crate::wiring::VENDORS;

pub use args::{By, DryRun, Paging};
pub use error::CliError;
pub use output::{Output, Table, or_dash, plain};

use crate::config::{Config, Severity, example};
use crate::ports::Stores;
use crate::remedy::RemedyCommand;
use crate::wiring;
use backup::{BackupArgs, RestoreArgs};
use cases::CasesCommand;
use clients::ClientsCommand;
use coaches::CoachesCommand;
use connect::ConnectCommand;
use database::DatabaseCommand;
use doctor::DoctorArgs;
use hooks::HooksCommand;
use import::ImportCommand;
use init::InitArgs;
use jobs::JobsCommand;
use keap::KeapCommand;
use opening::Opening;
use outreach::{OutreachCommand, ResumeArgs, StopArgs};
use procedures::ProceduresCommand;
use process::{DemoArgs, SandboxArgs, ServeArgs};
use work::WorkCommand;

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 tried and failed, or not found; 2 wrongly asked for or configured.";

/// Follows up missed check-ins: webhooks in, procedures carried over days, every decision explained.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "clear-relay", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The configuration file [default: clear-relay.toml, if it is there].
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Print one JSON document instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the relay: receive webhooks, carry out procedures.
    Serve(ServeArgs),
    /// See it work: the relay and stand-ins for all vendors in one process, faster than life.
    Demo(DemoArgs),
    /// Serve stand-ins for all vendors, to run `serve` against.
    Sandbox(SandboxArgs),
    /// Halt all outreach at once.
    Stop(StopArgs),
    /// Allow outreach again.
    Resume(ResumeArgs),
    /// Where each client's procedure stands, and why.
    #[command(subcommand)]
    Cases(CasesCommand),
    /// What people must do.
    #[command(subcommand)]
    Work(WorkCommand),
    /// Compare what is stored with what must hold and with the portal, so that nobody is forgotten:
    /// what does not hold is repaired, or a person is told.
    Reconcile(reconcile::ReconcileArgs),
    /// What the vendors say of the time.
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    /// Queued work, and what to do with what died.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Which CRM contact a client is.
    #[command(subcommand)]
    Clients(ClientsCommand),
    /// Who is away, and who acts for her.
    #[command(subcommand)]
    Coaches(CoachesCommand),
    /// Bring in from a file what a sender would tell by webhooks.
    #[command(subcommand)]
    Import(ImportCommand),
    /// The subscriptions by which vendors send us webhooks.
    #[command(subcommand)]
    Hooks(HooksCommand),
    /// How much each vendor may be asked now: budget, quota left, pauses.
    Vendors {
        /// What to do about it. Without: show it.
        #[command(subcommand)]
        command: Option<vendors::VendorsCommand>,
    },
    /// The procedures' parameters and scripts.
    #[command(subcommand)]
    Procedures(ProceduresCommand),
    /// Writes to Keap that don't wait for a procedure.
    #[command(subcommand)]
    Keap(KeapCommand),
    /// How the relay is let in by the vendors.
    #[command(subcommand)]
    Connect(ConnectCommand),
    /// The configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at everything that has to be right, and say what is not and what to do about it.
    Doctor(DoctorArgs),
    /// Write a configuration to fill in, and the secrets it needs.
    Init(InitArgs),
    /// Make a whole copy of the database as a new file, while the relay runs.
    Backup(BackupArgs),
    /// Bring a copy of the database back; what it replaces is kept.
    Restore(RestoreArgs),
    /// Rows of the database that can't be read, and what to do about them.
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// Bring the database to this version; make it if it is not there.
    Migrate {
        /// Look only.
        #[command(flatten)]
        dry_run: DryRun,
    },
}

/// `config …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration, and report every mistake.
    Check,
    /// Print a commented example with every key.
    Example,
}

/// Carries out a command.
pub async fn run(cli: &Cli, stores: &dyn Stores, out: &mut Output<'_>) -> Result<(), CliError> {
    let stores = Opening::new(stores);
    // Boxed: it is as large as the largest of all commands.
    let done = Box::pin(carry_out(cli, &stores, out)).await;
    // Whatever came of it: what was acknowledged must stand in the file itself, for its log may be left
    // behind by whoever copies it. Beside a relay that serves, it is the relay that sees to it.
    stores.close().await;
    done.map_err(with_damage)
}

/// Which file is damaged, and how, is said by the cause alone.
fn with_damage(error: CliError) -> CliError {
    let CliError::Store(what @ StoreError::Damaged(_)) = &error else {
        return error;
    };
    match std::error::Error::source(what) {
        Some(cause) => CliError::Failed(format!("{error}: {cause}")),
        None => error,
    }
}

async fn carry_out(cli: &Cli, stores: &dyn Stores, out: &mut Output<'_>) -> Result<(), CliError> {
    if cli.command == Command::Config(ConfigCommand::Example) {
        let text = example();
        return Ok(out.emit(&json!({ "example": text }), &text)?);
    }
    // Neither needs a configuration: they bring a clinic of their own.
    if let Command::Demo(args) = &cli.command {
        return demo(args, out).await;
    }
    if let Command::Sandbox(args) = &cli.command {
        return sandbox::serve(args, out).await;
    }
    if cli.command == Command::Connect(ConnectCommand::NewKey) {
        return connect::print_new_key(out);
    }
    if let Command::Init(args) = &cli.command {
        return init::run(args, &SystemRandom, out);
    }
    // Both look at the whole configuration, whatever is wrong with it.
    if let Command::Doctor(args) = &cli.command {
        let examined = Config::examine(cli.config.as_deref())?;
        return doctor::run(&examined, args, stores, out).await;
    }
    if let Command::Serve(args) = &cli.command {
        let examined = Config::examine(cli.config.as_deref())?;
        if let Ok(path) = examined.database() {
            refuse_remains(path, stores).await?;
        }
        return serve::serve(examined, args, stores, out).await;
    }
    // Needs nothing but the database: it must work while the rest of the configuration is wrong.
    if let Command::Stop(args) = &cli.command {
        let examined = Config::examine(cli.config.as_deref())?;
        let path = examined.database()?;
        refuse_remains(path, stores).await?;
        opening::require_database(path)?;
        let store = stores.open(path).await?;
        return outreach::set(&*store, path, OutreachCommand::Stop(args), out).await;
    }
    let config = Config::load(cli.config.as_deref())?;
    out.set_zone(config.calendar.zone().clone());
    match &cli.command {
        Command::Config(_) => {
            // The folder of a procedure is named by the configuration, so its mistakes are too.
            let procedure = config.procedures.missed_check_in.missed_check_in();
            procedure.map_err(|mistakes| {
                CliError::Usage(format!("procedures.missed_check_in: {mistakes}"))
            })?;
            check_config(&config, out)
        }
        Command::Migrate { dry_run } => {
            opening::check_place(&config.store.path)?;
            refuse_remains(&config.store.path, stores).await?;
            migrate::migrate(&config.store.path, *dry_run, stores, out).await
        }
        Command::Backup(args) => {
            refuse_remains(&config.store.path, stores).await?;
            opening::require_database(&config.store.path)?;
            backup::backup(&config.store.path, args, stores, out).await
        }
        Command::Restore(args) => {
            opening::check_place(&config.store.path)?;
            let now = SystemClock.now();
            backup::restore(&config.store.path, args, now, stores, out).await
        }
        Command::Procedures(ProceduresCommand::Check { path }) => {
            procedures::check(&config.procedures.missed_check_in, path.clone(), out)
        }
        Command::Demo(_)
        | Command::Sandbox(_)
        | Command::Serve(_)
        | Command::Doctor(_)
        | Command::Init(_) => Err(CliError::NotBuilt(name(&cli.command))),
        command => {
            let path = &config.store.path;
            refuse_remains(path, stores).await?;
            opening::require_this_version(path, stores).await?;
            let store = stores.open(path).await?;
            if let Command::Vendors { command: None } = command {
                let (clocks, _) = clocks::of_command(&*store).await?;
                let vendors = wiring::limits::vendors(VENDORS, &config);
                return vendors::list(&*store, &vendors, clocks.procedure.now(), out).await;
            }
            if let Command::Database(command) = command {
                let (clocks, _) = clocks::of_command(&*store).await?;
                return database::run(&*store, command, clocks.procedure.now(), out).await;
            }
            match ReadOnly::of(command) {
                Some(read) => {
                    read.run(&*store, out).await?;
                    told_of_damage(&*store, out)
                }
                None if let Command::Resume(args) = command => {
                    outreach::set(&*store, path, OutreachCommand::Resume(args), out).await
                }
                None if let Command::Connect(command) = command => {
                    connect::run(&config, command, store, out).await
                }
                None => act(&config, command, store, out).await,
            }
        }
    }
}

/// Whoever reads a list must know that something is missing in it.
fn told_of_damage(store: &dyn Store, out: &mut Output<'_>) -> Result<(), CliError> {
    let left_out = store.noticed().len();
    if left_out == 0 {
        return Ok(());
    }
    let line = format!("{left_out} left out: can't be read; see `clear-relay database check`");
    Ok(out.say(&line)?)
}

/// Carries out a command that changes something or asks a vendor.
async fn act(
    config: &Config,
    command: &Command,
    store: Arc<dyn Store>,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (clocks, time_scale) = clocks::of_command(&*store).await?;
    let transport = ReqwestTransport::new().map_err(|error| CliError::Failed(error.to_string()))?;
    let runtime = serve::runtime(
        store,
        Arc::new(transport),
        opening::Opened { clocks, time_scale },
    );
    let relay = wiring::assemble(config, runtime)?;
    let engine = &relay.engine;
    match command {
        Command::Cases(command) => cases::decide(engine, command, out).await,
        Command::Work(WorkCommand::Done(args)) => work::done(engine, args, out).await,
        Command::Reconcile(args) => reconcile::run(engine, *args, out).await,
        Command::Clock(command) => clock::run(engine, command, out).await,
        Command::Jobs(JobsCommand::Replay(args)) => jobs::replay(engine, args, out).await,
        Command::Jobs(JobsCommand::Cancel(args)) => jobs::cancel(engine, args, out).await,
        Command::Clients(ClientsCommand::Link(args)) => clients::link(engine, args, out).await,
        Command::Clients(ClientsCommand::Replied(args)) => {
            clients::replied(engine, args, out).await
        }
        Command::Coaches(command) => coaches::run(engine, command, out).await,
        Command::Procedures(ProceduresCommand::Diff) => repin::diff(engine, out).await,
        Command::Import(command) => import::run(config, engine, command, out).await,
        Command::Hooks(command) => hooks::run(engine, command, out).await,
        Command::Vendors {
            command: Some(vendors::VendorsCommand::Resume(args)),
        } => vendors::resume(engine, args, out).await,
        Command::Keap(KeapCommand::SetContactType(args)) => {
            keap::set_contact_type(engine, args, out).await
        }
        Command::Keap(KeapCommand::CancelSubscription(args)) => {
            keap::cancel_subscription(engine, config.vendors.keap.card_removal, args, out).await
        }
        other => Err(CliError::NotBuilt(name(other))),
    }
}

/// Says that a configuration is valid, and what `serve` would still refuse in it.
fn check_config(config: &Config, out: &mut Output<'_>) -> Result<(), CliError> {
    let gaps = config.gaps();
    let is_error = |gap: &&crate::config::Gap| gap.severity == Severity::Error;
    let missing: Vec<String> = gaps
        .iter()
        .filter(is_error)
        .map(|gap| format!("{} {}; {}", gap.key, gap.wrong, gap.remedy))
        .collect();
    let mut human = "the configuration is valid".to_owned();
    if !missing.is_empty() {
        human = format!(
            "{human}, and `{}` would still refuse it:\n  {}",
            RemedyCommand::Serve,
            missing.join("\n  ")
        );
    }
    Ok(out.emit(&json!({ "valid": true, "serve_refuses": missing }), &human)?)
}

async fn demo(args: &DemoArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    if args.once {
        demo::once(args, out).await
    } else {
        demo::live(args, out).await
    }
}

/// Refuses what is left of a database whose file is gone: none is made in its place, nor missed as if
/// there had never been one.
async fn refuse_remains(path: &Path, stores: &dyn Stores) -> Result<(), CliError> {
    if opening::missing_database(path)
        && let Err(error @ StoreError::Damaged(_)) = stores.look(path, false).await
    {
        return Err(error.into());
    }
    Ok(())
}

/// The commands that only read.
enum ReadOnly<'a> {
    Cases(&'a cases::ListArgs),
    Case(relay_core::ids::CaseId),
    Why(relay_core::ids::CaseId),
    Work(&'a work::ListArgs),
    WorkItem(relay_core::ids::WorkItemId),
    Jobs(&'a jobs::ListArgs),
    Job(relay_core::ids::JobId),
    Client(&'a relay_core::ids::ClientId),
    Receipts(&'a hooks::ReceiptsArgs),
}

impl<'a> ReadOnly<'a> {
    fn of(command: &'a Command) -> Option<Self> {
        Some(match command {
            Command::Cases(CasesCommand::List(args)) => Self::Cases(args),
            Command::Cases(CasesCommand::Show { case }) => Self::Case(*case),
            Command::Cases(CasesCommand::Explain { case }) => Self::Why(*case),
            Command::Work(WorkCommand::List(args)) => Self::Work(args),
            Command::Work(WorkCommand::Show { item }) => Self::WorkItem(*item),
            Command::Jobs(JobsCommand::List(args)) => Self::Jobs(args),
            Command::Jobs(JobsCommand::Show { job }) => Self::Job(*job),
            Command::Clients(ClientsCommand::Show { client }) => Self::Client(client),
            Command::Hooks(HooksCommand::Receipts(args)) => Self::Receipts(args),
            _ => return None,
        })
    }

    async fn run(self, store: &dyn Store, out: &mut Output<'_>) -> Result<(), CliError> {
        match self {
            Self::Cases(args) => cases::list(store, args, out).await,
            Self::Case(id) => cases::show(store, id, out).await,
            Self::Why(id) => cases::explain(store, id, out).await,
            Self::Work(args) => work::list(store, args, out).await,
            Self::WorkItem(id) => work::show(store, id, out).await,
            Self::Jobs(args) => jobs::list(store, args, out).await,
            Self::Job(id) => jobs::show(store, id, out).await,
            Self::Client(client) => clients::show(store, client, out).await,
            Self::Receipts(args) => hooks::receipts(store, args, out).await,
        }
    }
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Serve(_) => "serve",
        Command::Demo(_) => "demo",
        Command::Sandbox(_) => "sandbox",
        Command::Stop(_) => "stop",
        Command::Resume(_) => "resume",
        Command::Cases(_) => "cases",
        Command::Reconcile(_) => "reconcile",
        Command::Clock(_) => "clock",
        Command::Work(_) => "work",
        Command::Jobs(_) => "jobs",
        Command::Clients(_) => "clients",
        Command::Coaches(_) => "coaches",
        Command::Import(_) => "import",
        Command::Hooks(_) => "hooks",
        Command::Vendors { .. } => "vendors",
        Command::Procedures(_) => "procedures",
        Command::Keap(_) => "keap",
        Command::Connect(_) => "connect",
        Command::Config(_) => "config",
        Command::Doctor(_) => "doctor",
        Command::Init(_) => "init",
        Command::Backup(_) => "backup",
        Command::Restore(_) => "restore",
        Command::Database(_) => "database",
        Command::Migrate { .. } => "migrate",
    }
}
