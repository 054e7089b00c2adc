//! `serve`: the relay itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use backon::{ExponentialBuilder, Retryable as _};
use relay_core::random::{Random, SystemRandom};
use relay_core::time::SystemClock;
use relay_http_client::{ReqwestTransport, Transport};
use relay_store::{Store, StoreError};
use serde_json::json;
use tokio::net::TcpListener;

use super::error::CliError;
use super::opening::Opened;
use super::output::Output;
use super::process::ServeArgs;
use super::{clocks, doctor};
use crate::config::{Config, Examined, VendorSection};
use crate::engine::{Engine, damage, dispatcher, held_back, start};
use crate::failpoint::NoFailpoints;
use crate::http::{self, ConnectionLimits};
use crate::lifecycle::{Ended, Lifecycle, Patience, Phase, Signals, Stop, pause};
use crate::ports::Stores;
use crate::self_check::SelfCheck;
use crate::telemetry::{self, LogGuard, LogThrottle};
use crate::wiring::generation::NumberFile;
use crate::wiring::{self, Relay, Runtime};

/// Runs the relay until it is told to end. Also while it starts a signal ends it in order: nothing
/// has begun yet, and what is dropped is undone.
pub(super) async fn serve(
    examined: Examined,
    args: &ServeArgs,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let mut signals = Signals::of_process()?;
    let started = tokio::select! {
        started = start(examined, args, stores, out) => started?,
        _ = signals.next() => return Ok(()),
    };
    match started {
        Some(started) => run(started, signals).await,
        None => Ok(()),
    }
}

/// A relay that is about to serve.
struct Started {
    relay: Relay,
    listener: TcpListener,
    /// The last lines of the log are written when it is dropped.
    log: LogGuard,
}

/// Puts the relay together and listens; `None` after a dry run.
async fn start(
    examined: Examined,
    args: &ServeArgs,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<Option<Started>, CliError> {
    let looked = refuse_damaged(&examined, stores).await?;
    doctor::refuse_half_configured(&examined, stores).await?;
    let config = &examined.into_result()?;
    out.set_zone(config.calendar.zone().clone());
    config.check_time_scale(args.time_scale)?;
    let path = &config.store.path;
    if args.dry_run {
        // Whoever only looks must not find a database made, or brought to another version.
        super::opening::require_database(path)?;
    }
    let log = telemetry::init(&config.log, Arc::new(SystemClock))
        .map_err(|error| CliError::Failed(error.to_string()))?;
    let store = if args.dry_run {
        stores.open(path).await?
    } else {
        let opened = open(stores, path).await?;
        if looked {
            stores.found_whole(path);
        }
        opened
    };
    let transport: Arc<dyn Transport> =
        Arc::new(ReqwestTransport::new().map_err(|error| CliError::Failed(error.to_string()))?);
    let mut relay = assemble(config, args, store, transport).await?;
    if args.dry_run {
        out.emit(&json!({ "valid": true }), "ready to serve")?;
        return Ok(None);
    }
    let generation = Arc::new(NumberFile::beside(path));
    relay.engine = relay.engine.counted_with(generation);
    start::prepare(&relay.engine).await?;
    for by_hand in config
        .vendors
        .each()
        .into_iter()
        .filter_map(VendorSection::by_hand)
    {
        tracing::info!("{} {}", by_hand.key, by_hand.what);
    }
    let held_back = held_back::held_back(&relay.engine).await?;
    if !held_back.is_empty() {
        let cases: Vec<String> = held_back.iter().map(|case| case.id.to_string()).collect();
        tracing::warn!(
            cases = held_back.len(),
            ids = cases.join(" "),
            "opened to act, and held back: the procedure is in propose mode"
        );
    }
    let listener = TcpListener::bind(config.http.listen)
        .await
        .map_err(|error| {
            CliError::Failed(format!("http.listen: {}: {error}", config.http.listen))
        })?;
    let address = listener.local_addr()?;
    let human = format!("listening on {address}");
    // Whoever started it may have closed the output or filled the disk behind it: that stops nobody.
    let _ = out.emit(&json!({ "listening": address }), &human);
    Ok(Some(Started {
        relay,
        listener,
        log,
    }))
}

/// Refuses a file that was damaged when the last process was cut off: what is written into it would make it
/// worse, and is as good as lost. After a clean end nothing can have come of that, so a start need not
/// read all of a large file; the daily look does ([`look_daily`]). Whether it was looked through and found
/// whole.
async fn refuse_damaged(examined: &Examined, stores: &dyn Stores) -> Result<bool, CliError> {
    let Some(config) = &examined.config else {
        return Ok(false);
    };
    let path = &config.store.path;
    if !path.is_file() || !stores.unclean(path) {
        return Ok(false);
    }
    // What can't be looked at at all has a finding of its own.
    let Ok(look) = stores.look(path, true).await else {
        return Ok(false);
    };
    match look.damage {
        None => Ok(true),
        Some(damage) => Err(CliError::Failed(format!(
            "can't serve: the last process was cut off, and {} is damaged: {damage}. Bring back a copy \
             with `clear-relay restore FILE --by NAME`; the damaged file is kept",
            path.display()
        ))),
    }
}

/// How long after its start a relay looks at its file for the first time, if it is time to: a start has
/// enough to do, and one that is restarted every night must look all the same.
const FIRST_LOOK: Duration = Duration::from_mins(1);

/// How long it waits after a look that failed.
const LOOK_AGAIN: Duration = Duration::from_hours(1);

/// Reads the file through, once a day, beside the work: a disk goes bad without anybody restarting the
/// relay. When it did last is kept in the database.
async fn look_daily(engine: Engine, stop: Stop) {
    let mut wait = FIRST_LOOK;
    while stop.phase() == Phase::Running {
        tokio::select! {
            () = stop.draining() => return,
            () = pause(wait) => {}
        }
        let looked = tokio::select! {
            () = stop.draining() => return,
            looked = damage::look_through_file_daily(&engine) => looked,
        };
        wait = match looked {
            Ok(next) => Duration::try_from(next).unwrap_or(FIRST_LOOK),
            Err(error) => {
                tracing::warn!(%error, "the database file can't be looked through now");
                LOOK_AGAIN
            }
        };
    }
}

/// Opens the database, brought to this version. Another process may hold it for a moment, as
/// while it migrates: that is waited for.
async fn open(stores: &dyn Stores, path: &Path) -> Result<Arc<dyn Store>, CliError> {
    let attempt = || async {
        stores.migrate(path).await?;
        stores.open(path).await
    };
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(8);
    let opened = attempt
        .retry(waits)
        .when(|error| matches!(error, StoreError::Unavailable(_)))
        .notify(|error, _| tracing::warn!(%error, "waiting for the database"))
        .await
        .map_err(super::opening::not_migrated)?;
    Ok(opened)
}

async fn assemble(
    config: &Config,
    args: &ServeArgs,
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
) -> Result<Relay, CliError> {
    let time_scale = args.time_scale;
    let clocks = clocks::of_server(config, &*store, &*transport, time_scale, args.dry_run).await?;
    let runtime = runtime(store, transport, Opened { clocks, time_scale });
    Ok(wiring::assemble(config, runtime)?)
}

/// What a relay of this process stands on.
pub(super) fn runtime(
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    opened: Opened,
) -> Runtime {
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let worker = format!("{}-{:08x}", std::process::id(), random.next_u64() >> 32);
    Runtime {
        store,
        transport,
        clocks: opened.clocks,
        random,
        failpoints: Arc::new(NoFailpoints),
        faults: None,
        time_scale: opened.time_scale,
        worker,
    }
}

/// Serves until it is told to end. The doors close first, then the worker hands back, and the
/// database is put away last.
async fn run(started: Started, signals: Signals) -> Result<(), CliError> {
    let Started {
        relay,
        listener,
        log,
    } = started;
    let mut lifecycle = Lifecycle::new(Patience::default());
    // Added first, so that it runs last: after the last write of the doors and of the worker.
    let store = Arc::clone(&relay.engine.store);
    lifecycle.closer("store", async move {
        store.close().await;
        Ok(())
    });
    let listening = listening(&relay, listener);
    lifecycle.service("http", move |stop| listening.serve(stop));
    let engine = relay.engine.clone();
    lifecycle.service("worker", move |stop| async move {
        dispatcher::run(engine, dispatcher::CONCURRENCY, stop).await?;
        Ok(())
    });
    let engine = relay.engine.clone();
    lifecycle.service("file", move |stop| async move {
        look_daily(engine, stop).await;
        Ok(())
    });
    let check = SelfCheck::new(
        Arc::clone(&relay.engine.store),
        Arc::clone(&relay.log_throttle),
    );
    lifecycle.service("self-check", move |stop| async move {
        check.run(stop).await;
        Ok(())
    });
    let ended = lifecycle.run(signals).await;
    drop(log);
    match ended {
        Ended::Well => Ok(()),
        Ended::Badly => Err(CliError::Failed(
            "ended badly; the log tells why".to_owned(),
        )),
    }
}

/// What listens, and within which limits.
struct Listening {
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    log_throttle: Arc<LogThrottle>,
}

fn listening(relay: &Relay, listener: TcpListener) -> Listening {
    let mut limits = relay.limits.connections;
    let room = http::room_for(limits.most);
    if room < limits.most {
        tracing::warn!(
            connections = room,
            "the system allows fewer open files than http.max_connections needs"
        );
        limits.most = room;
    }
    Listening {
        listener,
        router: relay.router(),
        limits,
        log_throttle: Arc::clone(&relay.log_throttle),
    }
}

impl Listening {
    async fn serve(self, stop: Stop) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let draining = stop.clone();
        let draining = async move { draining.draining().await };
        let served = http::serve_within(
            self.listener,
            self.router,
            self.limits,
            self.log_throttle,
            draining,
        );
        tokio::select! {
            served = served => Ok(served?),
            // Nobody was told yet that what is still under way is stored.
            () = stop.cut() => Ok(()),
        }
    }
}
