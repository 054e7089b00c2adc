//! `serve`: the relay itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use relay_core::random::{Random, SystemRandom};
use relay_core::time::SystemClock;
use relay_http_client::{ReqwestTransport, Transport};
use relay_store::{Store, StoreError};
use serde_json::json;
use tokio::net::TcpListener;

use super::Opened;
use super::clocks;
use super::doctor;
use super::error::CliError;
use super::output::Output;
use super::process::ServeArgs;
use crate::checkpoint::NoCheckpoints;
use crate::config::{Config, Examined};
use crate::engine::worker;
use crate::lifecycle::{Ended, Lifecycle, Patience, Signals};
use crate::ports::Stores;
use crate::wiring::{self, Ground, Relay};
use crate::{http, telemetry};

/// Runs the relay until it is told to end.
pub(super) async fn serve(
    examined: Examined,
    args: &ServeArgs,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    doctor::refuse_half_configured(&examined, stores).await?;
    let config = &examined.into_result()?;
    out.set_zone(config.calendar.zone().clone());
    config.check_time_scale(args.time_scale)?;
    let path = &config.store.path;
    if args.dry_run {
        // Whoever only looks must not find a database made, or brought to another version.
        super::require_database(path)?;
    }
    telemetry::init(&config.log, Arc::new(SystemClock))
        .map_err(|error| CliError::Failed(error.to_string()))?;
    let store = if args.dry_run {
        stores.open(path).await?
    } else {
        open(stores, path).await?
    };
    let transport: Arc<dyn Transport> =
        Arc::new(ReqwestTransport::new().map_err(|error| CliError::Failed(error.to_string()))?);
    let relay = assemble(config, args, store, transport).await?;
    if args.dry_run {
        return Ok(out.emit(&json!({ "valid": true }), "ready to serve")?);
    }
    relay.engine.prepare().await?;
    let listener = TcpListener::bind(config.http.listen)
        .await
        .map_err(|error| {
            CliError::Failed(format!("http.listen: {}: {error}", config.http.listen))
        })?;
    let address = listener.local_addr()?;
    let human = format!("listening on {address}");
    out.emit(&json!({ "listening": address }), &human)?;
    run(relay, listener).await
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
        .await?;
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
    let ground = ground(store, transport, Opened { clocks, time_scale });
    Ok(wiring::assemble(config, ground)?)
}

/// What a relay of this process stands on.
pub(super) fn ground(
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    opened: Opened,
) -> Ground {
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let worker = format!("{}-{:08x}", std::process::id(), random.next_u64() >> 32);
    Ground {
        store,
        transport,
        clocks: opened.clocks,
        random,
        checkpoints: Arc::new(NoCheckpoints),
        spoil: None,
        time_scale: opened.time_scale,
        worker,
    }
}

async fn run(relay: Relay, listener: TcpListener) -> Result<(), CliError> {
    let signals = Signals::of_process()?;
    let mut lifecycle = Lifecycle::new(Patience::default());
    // Added first, so that it runs last: after the last write of the doors and of the worker.
    let store = Arc::clone(&relay.engine.store);
    lifecycle.closer("store", async move {
        store.close().await;
        Ok(())
    });
    let router = relay.router();
    lifecycle.service("http", move |stop| async move {
        http::serve(listener, router, async move { stop.draining().await }).await?;
        Ok(())
    });
    let engine = relay.engine.clone();
    lifecycle.service("worker", move |stop| async move {
        worker::run(engine, worker::CONCURRENCY, stop).await?;
        Ok(())
    });
    match lifecycle.run(signals).await {
        Ended::Well => Ok(()),
        Ended::Badly => Err(CliError::Failed(
            "ended badly; the log tells why".to_owned(),
        )),
    }
}
