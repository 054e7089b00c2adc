//! The program itself: how fast it starts, how much memory it takes, how large it is.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clear_relay::lifecycle::pause;
use relay_core::random::SeededRandom;
use relay_core::time::{Clock as _, SystemClock};
use relay_store::Store as _;
use relay_store_sqlite::SqliteStore;

use crate::child::Process;
use crate::figures::{Aim, Figure, Report, median, millis};
use crate::signed::Signer;
use crate::{Extent, Trouble, clock, load, setup};

const STARTS: usize = 5;
/// Webhooks a second when they come one by one.
const RATE: f64 = 100.0;
/// How long a server is left alone before its idle cost is taken, and for how long it is.
const SETTLING: Duration = Duration::from_secs(5);
/// How long a start may take before the run is given up.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn measure(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    setup::runtime()?.block_on(all(extent, report))
}

async fn all(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    let binary = Path::new(env!("CARGO_BIN_EXE_clear-relay"));
    let size = std::fs::metadata(binary)?.len() as f64 / f64::from(1024 * 1024);
    report.add(Figure::new("binary", size, "MiB").aim(Aim::AtMost(40.0)))?;
    let folder = setup::folder()?;
    let fresh = || Ok(folder.path().join("fresh.db"));
    starts("fresh database", fresh, folder.path(), report).await?;
    leisurely(extent, folder.path(), report).await?;
    let path = setup::with_past(folder.path(), extent.receipts).await?;
    let past = || Ok(path.clone());
    let what = format!("{} receipts", extent.receipts);
    starts(&what, past, folder.path(), report).await?;
    loaded(extent, &path, folder.path(), report).await
}

/// Starts it a few times and looks when it answers.
async fn starts(
    what: &str,
    database: impl Fn() -> Result<PathBuf, Trouble>,
    folder: &Path,
    report: &mut Report,
) -> Result<(), Trouble> {
    let (mut alive, mut ready, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let path = database()?;
        if what.starts_with("fresh") {
            remove(&path);
        }
        let begun = clock::now();
        let process = start(&path, folder)?;
        answers(process.address, "/healthz").await?;
        alive.push(millis(begun.elapsed()));
        answers(process.address, "/readyz").await?;
        ready.push(millis(begun.elapsed()));
        pause(Duration::from_millis(500)).await;
        memory.push(process.usage()?.resident);
    }
    let name = |part: &str| format!("start, {what}: {part}");
    let figure = Figure::new(name("healthz"), median(&alive), "ms");
    report.add(figure.aim(Aim::AtMost(200.0)))?;
    report.add(Figure::new(name("readyz"), median(&ready), "ms"))?;
    let figure = Figure::new(format!("memory idle, {what}"), median(&memory), "MiB");
    report.add(figure.aim(Aim::AtMost(40.0)))
}

/// A database begins with a log and an index beside it.
fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // It may not be there, and then there is nothing to do.
        let _ = std::fs::remove_file(name);
    }
}

pub(crate) fn start(database: &Path, folder: &Path) -> Result<Process, Trouble> {
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let text = setup::config_text(database)?
        .replace("127.0.0.1:443", &free.to_string())
        // Nobody is there: a vendor's answer is not what is measured.
        .replace("https://keap.test", "http://127.0.0.1:9")
        .replace("https://portal.test", "http://127.0.0.1:9");
    let config = folder.join("clear-relay.toml");
    std::fs::write(&config, text)?;
    Process::relay(&config, free)
}

/// Asks until it answers 200.
pub(crate) async fn answers(to: SocketAddr, path: &str) -> Result<(), Trouble> {
    let request = load::get(path);
    let begun = clock::now();
    while begun.elapsed() < PATIENCE {
        if load::once(to, &request)
            .await
            .is_ok_and(|status| status == 200)
        {
            return Ok(());
        }
        pause(Duration::from_millis(1)).await;
    }
    Err(format!("{path} did not answer 200 within {PATIENCE:?}").into())
}

/// What one webhook costs when they come one by one: nobody shares a commit, and everything that
/// sleeps is woken for each.
async fn leisurely(extent: Extent, folder: &Path, report: &mut Report) -> Result<(), Trouble> {
    let path = folder.join("leisurely.db");
    let process = start(&path, folder)?;
    answers(process.address, "/readyz").await?;
    pause(SETTLING).await;
    let before = process.usage()?;
    pause(SETTLING).await;
    let idle = process.usage()?;
    let seconds = SETTLING.as_secs_f64();
    let resting = (idle.cpu - before.cpu) / seconds;
    report.add(Figure::new(
        "idle: processor time a second",
        resting * 1e3,
        "ms",
    ))?;
    let (signer, random) = (Signer::new()?, SeededRandom::new(std::process::id().into()));
    let count = extent.events / 3;
    let requests = signer.requests(count, SystemClock.now(), &random);
    let outcome = load::run(process.address, Arc::new(requests), 8, Some(RATE)).await?;
    if outcome.refused > 0 {
        return Err(format!("{} webhooks were refused", outcome.refused).into());
    }
    let used = process.usage()?;
    let each = |total: f64| total / count as f64;
    let name = |what: &str| format!("at {RATE} webhooks/s: {what}");
    let cpu = used.cpu - idle.cpu - resting * outcome.took.as_secs_f64();
    report.add(Figure::new(
        name("processor time each"),
        each(cpu) * 1e6,
        "us",
    ))?;
    let switches = each(used.switches - idle.switches);
    report.add(Figure::new(name("waits of a thread each"), switches, ""))?;
    let writes = each(used.writes - idle.writes);
    report.add(Figure::new(name("calls that write each"), writes, ""))
}

/// Webhooks as fast as they are acknowledged, read and marked meanwhile; the memory is to stay.
async fn loaded(
    extent: Extent,
    path: &Path,
    folder: &Path,
    report: &mut Report,
) -> Result<(), Trouble> {
    let process = start(path, folder)?;
    answers(process.address, "/readyz").await?;
    let (signer, random) = (Signer::new()?, SeededRandom::new(std::process::id().into()));
    let mut memory = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..extent.rounds * 2 {
        let requests = signer.requests(extent.webhooks, SystemClock.now(), &random);
        let outcome = load::run(process.address, Arc::new(requests), 64, None).await?;
        if outcome.refused > 0 {
            return Err(format!("{} webhooks were refused", outcome.refused).into());
        }
        rates.push(outcome.per_second());
        memory.push(process.usage()?.resident);
    }
    let most = memory.iter().copied().fold(0.0, f64::max);
    let figure = Figure::new("memory loaded", most, "MiB");
    report.add(figure.aim(Aim::AtMost(150.0)))?;
    // The second half to the first: flat is 1.
    let half = memory.len() / 2;
    let growth = Figure::new("memory, late in the load", median(&memory[half..]), "MiB");
    report.add(growth.to(median(&memory[..half])))?;
    let figure = Figure::new("serve, 64 conn: acks while reading", median(&rates), "/s");
    report.add(figure)?;
    let begun = clock::now();
    let store = SqliteStore::open(path).await?;
    while store.health(SystemClock.now()).await?.unread_receipts > 0 {
        if begun.elapsed() > PATIENCE {
            return Err("the webhooks were not read in time".into());
        }
        pause(Duration::from_millis(10)).await;
    }
    store.close().await;
    report.add(Figure::new(
        "serve: all read after the last ack",
        millis(begun.elapsed()),
        "ms",
    ))
}
