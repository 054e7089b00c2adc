//! From a portal's event, posted and acknowledged, to the message that the portal accepts.
//!
//! The whole relay on a real socket and a real disk: receipt, intake, the look whether the check-in
//! is really missing, the case, the guard's reads, the intent, the message. The portal is in this
//! process and answers at once, so what is measured is ours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clear_relay::engine::dispatcher;
use clear_relay::engine::start::prepare;
use clear_relay::lifecycle::{Lifecycle, Patience, Signals};
use clear_relay::{http, lifecycle};
use relay_core::random::{Random as _, SeededRandom};
use relay_core::time::{ManualClock, Timestamp};
use relay_http_client::Transport;
use relay_store::{Batch, Op, Store};
use relay_store_sqlite::SqliteStore;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::figures::{Aim, Figure, Latencies, Report, micros, millis, say};
use crate::portal::{self, Portal};
use crate::signed::{self, Signer};
use crate::{Extent, Trouble, clock, load, setup};

/// A Wednesday morning in Denver, the portal's hours begun; the check-ins were due on Tuesday.
const NOW: &str = "2026-11-04T10:00:00-07:00";
/// Long before: what was due since then is no backlog.
const SWITCHED_ON: &str = "2026-10-01T09:00:00-06:00";
/// Events of the measurement at a fixed rate, and how many of them a second.
const PACED: usize = 1_000;
const RATE: f64 = 200.0;
/// How long the last message may take before the run is given up.
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) fn measure(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    let relay = lifecycle::runtime()?;
    let folder = setup::folder()?;
    let path = folder.path().join("relay.db");
    let portal = Arc::new(Portal::default());
    let now: Timestamp = NOW.parse()?;
    let listener = relay.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let to = listener.local_addr()?;
    let (stop, signals) = mpsc::unbounded_channel();
    let transport = Arc::clone(&portal);
    let store = relay.block_on(async {
        let store = SqliteStore::open(&path).await?;
        store.migrate().await?;
        Ok::<_, Trouble>(store)
    })?;
    let running = relay.spawn(async move {
        let ended = serve(Arc::new(store.clone()), transport, now, listener, signals).await;
        store.close().await;
        ended
    });
    setup::runtime()?.block_on(async {
        let random = SeededRandom::new(std::process::id().into());
        let events = events(extent.events, now, &random)?;
        let outcome = follow(&portal, to, &events, None).await?;
        let per_second = events.len() as f64 / outcome.took.as_secs_f64();
        let figure = Figure::new("event to message: throughput", per_second, "/s");
        report.add(figure.aim(Aim::AtLeast(3_500.0)))?;
        report.add(Figure::new(
            "event to message: acks meanwhile",
            outcome.acks_per_second,
            "/s",
        ))?;
        let events = self::events(PACED, now, &random)?;
        let outcome = follow(&portal, to, &events, Some(RATE)).await?;
        let name = |what: &str| format!("event to message at {RATE}/s: {what}");
        let latencies = outcome.latencies;
        report.add(Figure::new(
            name("p50"),
            micros(latencies.percentile(500)),
            "us",
        ))?;
        report.add(Figure::new(
            name("p99"),
            millis(latencies.percentile(990)),
            "ms",
        ))?;
        Ok::<_, Trouble>(())
    })?;
    let total = extent.events + PACED;
    let (clients, messages) = {
        let accepted = portal.accepted();
        (
            accepted.len(),
            accepted.values().map(Vec::len).sum::<usize>(),
        )
    };
    if (clients, messages) != (total, total) {
        let what = format!("{total} events, {messages} messages to {clients} clients");
        return Err(what.into());
    }
    say(&format!(
        "  checked: {total} events, {messages} messages, none twice"
    ))?;
    stop.send("end")?;
    relay.block_on(running)?
}

async fn serve(
    store: Arc<dyn Store>,
    portal: Arc<Portal>,
    now: Timestamp,
    listener: TcpListener,
    signals: mpsc::UnboundedReceiver<&'static str>,
) -> Result<(), Trouble> {
    let since: Timestamp = SWITCHED_ON.parse()?;
    let switched_on = Op::PutSettingOnce {
        key: "switched_on/missed_check_in/act".to_owned(),
        value: json!(since),
    };
    store.commit(Batch::from(vec![switched_on])).await?;
    let config = setup::config("unused.db".as_ref())?;
    let clock = Arc::new(ManualClock::new(now));
    let relay = setup::relay(&config, store, portal as Arc<dyn Transport>, clock)?;
    prepare(&relay.engine).await?;
    let router = relay.router();
    let mut lifecycle = Lifecycle::new(Patience::default());
    lifecycle.service("http", move |stop| async move {
        http::serve(listener, router, async move { stop.draining().await }).await?;
        Ok(())
    });
    lifecycle.service("worker", move |stop| async move {
        dispatcher::run(relay.engine, dispatcher::CONCURRENCY, stop).await?;
        Ok(())
    });
    match lifecycle.run(Signals::from_channel(signals)).await {
        lifecycle::Ended::Well => Ok(()),
        lifecycle::Ended::Badly => Err("the relay ended badly".into()),
    }
}

/// An event with the client it is about.
type Event = (String, Vec<u8>);

fn events(count: usize, now: Timestamp, random: &SeededRandom) -> Result<Vec<Event>, Trouble> {
    let signer = Signer::new()?;
    Ok((0..count)
        .map(|_| {
            let client = format!("cl-{:016x}", random.next_u64());
            let body = json!({
                "type": "check_in.due",
                "timestamp": now.to_string(),
                "data": { "client_id": client, "check_in_id": portal::check_in(&client),
                          "due_date": portal::DUE },
            });
            let body = body.to_string();
            let request = signer.request(&signed::id(random), now, body.as_bytes());
            (client, request)
        })
        .collect())
}

/// What came of a number of events.
struct Followed {
    took: Duration,
    acks_per_second: f64,
    /// From when an event was to be sent to its message; meaningful at a fixed rate only.
    latencies: Latencies,
}

async fn follow(
    portal: &Portal,
    to: std::net::SocketAddr,
    events: &[Event],
    rate: Option<f64>,
) -> Result<Followed, Trouble> {
    let requests: Vec<_> = events.iter().map(|(_, request)| request.clone()).collect();
    let before = portal.accepted().len();
    let begun = clock::now();
    let outcome = load::run(to, Arc::new(requests), 64, rate).await?;
    if outcome.refused > 0 {
        return Err(format!("{} events were refused", outcome.refused).into());
    }
    let all = async {
        while portal.accepted().len() < before + events.len() {
            portal.rung.notified().await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.map_err(|_| {
        let so_far = portal.accepted().len() - before;
        format!("after {PATIENCE:?} {so_far} of {} messages", events.len())
    })?;
    let accepted = portal.accepted();
    let moment = |client: &str| -> Option<Instant> { accepted.get(client)?.first().copied() };
    let mut latencies = Latencies::default();
    let mut last = begun;
    for (index, (client, _)) in events.iter().enumerate() {
        let at = moment(client).ok_or("an event without its message")?;
        last = last.max(at);
        let due = rate.map_or(0.0, |rate| index as f64 / rate);
        latencies.add(at.saturating_duration_since(outcome.begun + Duration::from_secs_f64(due)));
    }
    latencies.sort();
    Ok(Followed {
        took: last.duration_since(begun),
        acks_per_second: outcome.per_second(),
        latencies,
    })
}
