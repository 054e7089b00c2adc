//! `hooks`: the subscriptions by which a vendor sends us webhooks.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use relay_core::time::Timestamp;
use relay_store::Store;
use serde_json::json;

use super::args::{DryRun, Paging};
use super::error::CliError;
use super::output::{Output, Table, or_dash};
use crate::engine::Engine;
use crate::engine::sync::hook_watch;
use crate::engine::sync::hook_watch::Watch;
use crate::ports::{HookStatus, SubscriptionState, SyncWish};

/// `hooks …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum HooksCommand {
    /// List the subscriptions at the vendor, with their state, and what was read back of what they
    /// did not tell.
    List,
    /// Make the vendor's subscriptions what they should be: create, verify, move to the current
    /// secret's path, remove what is there twice.
    Sync(SyncArgs),
    /// List the webhooks that were let in under one secret or key: what to look at when it leaked.
    Receipts(ReceiptsArgs),
}

/// `hooks sync`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SyncArgs {
    /// Afterwards answer the paths of the older secrets no more. Refused while a subscription
    /// still sends there.
    #[arg(long)]
    pub finish_rotation: bool,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `hooks receipts`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReceiptsArgs {
    /// The id of the secret or key, as the configuration names it.
    #[arg(long, value_name = "ID")]
    pub key: String,
    /// Only what came at or after this time: 2026-11-03T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// Which part of the list.
    #[command(flatten)]
    pub paging: Paging,
}

/// Lists the subscriptions, or makes them what they should be.
pub async fn run(
    engine: &Engine,
    command: &HooksCommand,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    match command {
        HooksCommand::List => list(engine, out).await,
        HooksCommand::Sync(args) => sync(engine, args, out).await,
        HooksCommand::Receipts(args) => receipts(&*engine.store, args, out).await,
    }
}

async fn list(engine: &Engine, out: &mut Output<'_>) -> Result<(), CliError> {
    let hooks = engine.ports.hooks.list().await?;
    let watch = hook_watch::hook_watch(engine).await?;
    let mut table = Table::new(&[
        "EVENT",
        "KEY",
        "STATUS",
        "PATH",
        "LAST GOOD LOOK",
        "LAST GAP",
    ]);
    for hook in &hooks {
        let known = watch.events.get(&hook.event);
        let active_at = known.and_then(|known| known.active_at);
        let missing = known.and_then(|known| known.missing_since);
        let last_gap = known.and_then(|known| known.last_gap.as_ref());
        let gap = match (missing, last_gap) {
            (Some(since), _) => format!("open since {}", out.time(since)),
            (None, Some(gap)) => format!("{} to {}", out.time(gap.from), out.time(gap.until)),
            (None, None) => "-".to_owned(),
        };
        table.row([
            hook.event.clone(),
            or_dash(hook.key.as_ref()),
            status(hook, known.is_some_and(|known| known.not_offered)),
            or_dash(hook.path.as_ref()),
            active_at.map_or_else(|| "-".to_owned(), |at| out.time(at)),
            gap,
        ]);
    }
    let mut human = table.render("no subscription is needed");
    human.push_str(&recovered(&watch, out));
    Ok(out.emit(&json!({ "hooks": hooks, "watch": watch }), &human)?)
}

fn status(hook: &HookStatus, not_offered: bool) -> String {
    if not_offered && hook.state == SubscriptionState::Missing {
        return "not offered by this account".to_owned();
    }
    hook.status.clone()
}

/// One line for each kind of object that was read back.
fn recovered(watch: &Watch, out: &Output<'_>) -> String {
    let mut text = String::new();
    for (object, known) in &watch.recovered {
        let at = known.at.map_or_else(|| "-".to_owned(), |at| out.time(at));
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "\nread back {at}: {} changed {object}s that no webhook told of ({} in all)",
            known.changes, known.total
        );
    }
    text
}

async fn sync(engine: &Engine, args: &SyncArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let wish = SyncWish {
        dry_run: args.dry_run.dry_run,
        finish_rotation: args.finish_rotation,
        only: None,
    };
    let synced = hook_watch::sync_hooks(engine, wish).await?;
    let head = if args.dry_run.dry_run {
        "WOULD BE DONE"
    } else {
        "DONE"
    };
    let mut table = Table::new(&["EVENT", "KEY", "STATUS", "PATH", head]);
    for hook in &synced.hooks {
        table.row([
            hook.event.clone(),
            or_dash(hook.key.as_ref()),
            hook.status.clone(),
            or_dash(hook.path.as_ref()),
            match hook.done.as_slice() {
                [] => "-".to_owned(),
                done => done.join(", "),
            },
        ]);
    }
    let mut human = table.render("no subscription is needed");
    for id in &synced.closed {
        let _ = write!(
            human,
            "\nthe path of secret {id} is closed; a running relay closes it at its next look"
        );
    }
    if args.dry_run.dry_run && args.finish_rotation {
        human.push_str(
            "\nthe paths of the older secrets would be closed if every subscription stands \
             verified on the current one by then; if not, that is refused",
        );
    }
    let problems = synced.hooks.iter().filter_map(|hook| {
        let why = hook.problem.as_ref()?;
        Some(format!("{}: {why}", hook.event))
    });
    let problems: Vec<String> = problems.collect();
    out.emit(&json!(synced), &human)?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(CliError::Failed(problems.join("\n")))
}

/// Lists what one key let in. The bodies are not shown: they may hold what is personal.
pub async fn receipts(
    store: &dyn Store,
    args: &ReceiptsArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let found = store
        .receipts_by_key(&args.key, args.since, args.paging.page())
        .await?;
    let mut table = Table::new(&["RECEIVED", "RECEIPT", "SENDER", "STATE", "WHAT CAME OF IT"]);
    let mut rows = Vec::new();
    for receipt in &found {
        table.row([
            out.time(receipt.received_at),
            receipt.id.to_string(),
            receipt.source.clone(),
            receipt.state.as_str().to_owned(),
            or_dash(receipt.note.as_ref()),
        ]);
        rows.push(json!({
            "id": receipt.id, "source": receipt.source, "received_at": receipt.received_at,
            "state": receipt.state, "duplicate_of": receipt.duplicate_of, "note": receipt.note,
            "processed_at": receipt.processed_at,
        }));
    }
    let nothing = format!("nothing was let in under {}", args.key);
    Ok(out.emit(
        &json!({ "key": args.key, "receipts": rows }),
        &table.render(&nothing),
    )?)
}
