//! Webhooks acknowledged: a bare server, our routes without a store, ours with the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use relay_core::random::SeededRandom;
use relay_core::time::{Clock as _, SystemClock};
use relay_store::Store as _;
use relay_store_sqlite::SqliteStore;

use crate::child::Process;
use crate::figures::{Aim, Figure, Report, median, micros, millis, say};
use crate::server::Role;
use crate::signed::Signer;
use crate::{Extent, Trouble, load, setup};

const VARIANTS: [Role; 3] = [Role::Bare, Role::Null, Role::Sqlite];
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

/// What one round of one variant gave.
#[derive(Debug, Clone, Copy)]
struct Round {
    per_second: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    cpu: f64,
    writes: f64,
}

pub(crate) fn measure(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    setup::runtime()?.block_on(all(extent, report))
}

async fn all(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    let folder = setup::folder()?;
    let path = setup::with_past(folder.path(), extent.receipts).await?;
    say(&format!("  on {} stored receipts", extent.receipts))?;
    let sync = micros(setup::sync_time(folder.path())?);
    report.add(Figure::new("disk: write and sync 8 KiB, p50", sync, "us"))?;
    let servers = [
        Process::serve(Role::Bare, None)?,
        Process::serve(Role::Null, None)?,
        Process::serve(Role::Sqlite, Some(&path))?,
    ];
    let signer = Signer::new()?;
    let random = SeededRandom::new(std::process::id().into());
    let mut stored = 0;
    for connections in CONNECTIONS {
        let webhooks = if connections == 1 {
            extent.webhooks / 10
        } else {
            extent.webhooks
        };
        let mut rounds: BTreeMap<&str, Vec<Round>> = BTreeMap::new();
        // The first round warms caches and connections up, and is thrown away.
        for round in 0..=extent.rounds {
            for (role, server) in VARIANTS.iter().zip(&servers) {
                let now = SystemClock.now();
                let requests = Arc::new(signer.requests(webhooks, now, &random));
                let result = one(server, requests, connections).await?;
                if *role == Role::Sqlite {
                    stored += webhooks;
                }
                if round > 0 {
                    rounds.entry(role.name()).or_default().push(result);
                }
            }
        }
        tell(connections, &rounds, report)?;
    }
    drop(servers);
    let store = SqliteStore::open(&path).await?;
    let unread = store.health(SystemClock.now()).await?.unread_receipts;
    store.close().await;
    if unread != stored as u64 {
        return Err(format!("{stored} webhooks acknowledged, {unread} stored").into());
    }
    say(&format!(
        "  checked: {stored} acknowledged, {unread} stored"
    ))
}

async fn one(
    server: &Process,
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
) -> Result<Round, Trouble> {
    let webhooks = requests.len() as f64;
    let before = server.usage()?;
    let outcome = load::run(server.address, requests, connections, None).await?;
    let after = server.usage()?;
    if outcome.refused > 0 {
        return Err(format!("{} webhooks were refused", outcome.refused).into());
    }
    Ok(Round {
        per_second: outcome.per_second(),
        p50: micros(outcome.latencies.percentile(500)),
        p99: millis(outcome.latencies.percentile(990)),
        p999: millis(outcome.latencies.percentile(999)),
        cpu: (after.cpu - before.cpu) * 1e6 / webhooks,
        writes: (after.writes - before.writes) / webhooks,
    })
}

fn tell(
    connections: usize,
    rounds: &BTreeMap<&str, Vec<Round>>,
    report: &mut Report,
) -> Result<(), Trouble> {
    let of = |role: Role, part: fn(&Round) -> f64| {
        let rounds = rounds.get(role.name()).map_or(&[][..], Vec::as_slice);
        median(&rounds.iter().map(part).collect::<Vec<_>>())
    };
    // The ratio of each round to the one beside it, then the median: noise hits both alike.
    let ratio = |role: Role| {
        let empty = Vec::new();
        let ours = rounds.get(role.name()).unwrap_or(&empty);
        let bare = rounds.get(Role::Bare.name()).unwrap_or(&empty);
        let ratios: Vec<_> = ours
            .iter()
            .zip(bare)
            .map(|(ours, bare)| ours.per_second / bare.per_second)
            .collect();
        median(&ratios)
    };
    for role in VARIANTS {
        let name = |what: &str| format!("{} conn, {}: {what}", connections, role.name());
        let per_second = of(role, |round| round.per_second);
        let figure = Figure::new(name("acks"), per_second, "/s").to(per_second / ratio(role));
        let wanted = role == Role::Sqlite && connections == 64;
        report.add(if wanted {
            figure.aim(Aim::RatioAtLeast(0.5))
        } else {
            figure
        })?;
        report.add(Figure::new(name("p50"), of(role, |round| round.p50), "us"))?;
        let p99 = Figure::new(name("p99"), of(role, |round| round.p99), "ms");
        report.add(if wanted {
            p99.aim(Aim::AtMost(25.0))
        } else {
            p99
        })?;
        report.add(Figure::new(
            name("p999"),
            of(role, |round| round.p999),
            "ms",
        ))?;
        report.add(Figure::new(
            name("server cpu"),
            of(role, |round| round.cpu),
            "us",
        ))?;
        report.add(Figure::new(
            name("write calls"),
            of(role, |round| round.writes),
            "",
        ))?;
    }
    Ok(())
}
