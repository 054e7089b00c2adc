//! What every measurement stands on: a configuration, a relay, a database with a past.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clear_relay::config::Config;
use clear_relay::failpoint::NoFailpoints;
use clear_relay::sandbox::clinic::{self, Addresses};
use clear_relay::wiring::{self, Relay, Runtime};
use relay_core::ids::ReceiptId;
use relay_core::random::{Random, SeededRandom, SystemRandom};
use relay_core::time::{Clock, Clocks, SystemClock, Timestamp};
use relay_http_client::Transport;
use relay_store::{Batch, Op, Receipt, ReceiptState, Store};
use relay_store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

use crate::figures::Latencies;
use crate::{Trouble, clock, signed};

/// Operations in a commit while the past is written.
const PORTION: usize = 500;

/// The configuration of the sandbox's clinic, with the database at `path`.
pub(crate) fn config_text(path: &Path) -> Result<String, Trouble> {
    let addresses = Addresses {
        keap: "https://keap.test/crm".parse()?,
        portal: "https://portal.test/".parse()?,
        relay: "https://relay.test/".parse()?,
    };
    Ok(clinic::config_text(&addresses, path, "12"))
}

/// The same, read.
pub(crate) fn config(path: &Path) -> Result<Config, Trouble> {
    Ok(clinic::read_config(&config_text(path)?)?)
}

/// A relay on `store`, as `serve` puts it together.
pub(crate) fn relay(
    config: &Config,
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    procedure: Arc<dyn Clock>,
) -> Result<Relay, Trouble> {
    let runtime = Runtime {
        store,
        transport,
        clocks: Clocks {
            procedure,
            real: Arc::new(SystemClock),
        },
        random: Arc::new(SystemRandom),
        failpoints: Arc::new(NoFailpoints),
        faults: None,
        time_scale: 1,
        worker: "bench".to_owned(),
    };
    Ok(wiring::assemble(config, runtime)?)
}

/// Where databases are to lie, if not beside this program.
pub(crate) static PLACE: OnceLock<PathBuf> = OnceLock::new();

/// A folder for databases: in the build folder unless told otherwise, because `/tmp` may be memory
/// that never syncs.
pub(crate) fn folder() -> Result<TempDir, Trouble> {
    let near = std::env::current_exe()?;
    let near = near.parent().ok_or("this program lies nowhere")?;
    let place = PLACE.get().map_or(near, PathBuf::as_path);
    Ok(tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(place)?)
}

/// What it takes to write two pages to a file and have the disk keep them: the least a lone commit
/// can take.
pub(crate) fn sync_time(folder: &Path) -> Result<Duration, Trouble> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let mut times = Latencies::default();
    for _ in 0..200 {
        let begun = clock::now();
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        times.add(begun.elapsed());
    }
    times.sort();
    Ok(times.percentile(500))
}

/// A store whose file is being prepared: nobody waits for the disk yet.
pub(crate) async fn preparing(path: &Path) -> Result<SqliteStore, Trouble> {
    let options = Options {
        throw_away: true,
        ..Options::default()
    };
    let store = SqliteStore::open_with(path, options).await?;
    store.migrate().await?;
    Ok(store)
}

/// Carries out many operations, a portion at a time.
pub(crate) async fn fill(
    store: &SqliteStore,
    ops: impl Iterator<Item = Op>,
) -> Result<(), Trouble> {
    let mut portion = Vec::with_capacity(PORTION);
    for op in ops {
        portion.push(op);
        if portion.len() >= PORTION {
            store
                .commit(Batch::from(std::mem::take(&mut portion)))
                .await?;
        }
    }
    store.commit(Batch::from(portion)).await?;
    Ok(())
}

/// A database that has received `count` webhooks and read them.
pub(crate) async fn with_past(folder: &Path, count: usize) -> Result<PathBuf, Trouble> {
    let path = folder.join("past.db");
    let store = preparing(&path).await?;
    let random = SeededRandom::new(11);
    let now = SystemClock.now();
    fill(&store, (0..count).map(|_| past_receipt(&random, now))).await?;
    store.close().await;
    Ok(path)
}

fn past_receipt(random: &dyn Random, now: Timestamp) -> Op {
    Op::InsertReceipt(Receipt {
        id: ReceiptId::new(random, now),
        source: "clear-connection".to_owned(),
        dedupe_key: signed::id(random),
        dedupe_forever: true,
        verified_by: "first".to_owned(),
        received_at: now,
        content_type: Some("application/json".to_owned()),
        body: signed::body(now, random),
        state: ReceiptState::Done,
        duplicate_of: None,
        note: Some("unknown type bench.nothing".to_owned()),
        processed_at: Some(now),
    })
}

/// A runtime with one thread, for whatever measures.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}
