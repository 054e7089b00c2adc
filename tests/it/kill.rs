//! A serving relay is killed again and again while a whole cast lives on around it.
//!
//! Two processes, as in life: a sandbox that plays the cast on its own clock and redelivers what
//! was not acknowledged, and `serve`, which gets SIGKILL at random moments. What the vendors
//! accepted and what they saw acknowledged is the judge; the relay is only asked for its reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clear_relay::lifecycle::pause;
use relay_core::random::{Random, SeededRandom, SystemRandom};
use relay_core::time::{Clock as _, SystemClock, Timestamp};
use relay_http_client::ReqwestTransport;
use relay_store::{JobFilter, JobState, Page, ReceiptState, Store};
use relay_store_sqlite::SqliteStore;
use serde_json::Value;

use crate::support::invariants::assert_invariants;
use crate::support::process::{Process, free_port, get, wait_for};

/// How often the relay is killed.
const KILLS: usize = 50;
/// Seconds of the cast's life in a real second: its two weeks pass in about a minute.
const SCALE: &str = "20000";
/// How long the last relay is left alone: leases of the dead must end, and what they held be done.
const LAST_LIFE: Duration = Duration::from_secs(40);

/// The relay's reasons, read from its database after the last life.
struct Reasons {
    /// The dedupe key of every receipt, with its state.
    receipts: BTreeMap<String, ReceiptState>,
    /// Jobs that should have been done, a line each.
    undone: Vec<String>,
}

/// The moment that the cast's time has reached.
async fn moment(transport: &ReqwestTransport, sandbox: &str) -> Timestamp {
    let clock = get(transport, &format!("{sandbox}/clock")).await;
    let clock = clock.expect("the sandbox tells its time");
    let text = |name: &str| clock[name].as_str().expect("a moment").to_owned();
    let moment = |name: &str| text(name).parse::<Timestamp>().expect("a moment");
    let passed = SystemClock.now().duration_since(moment("real"));
    let scale = SCALE.parse::<i32>().expect("a scale");
    moment("procedure") + passed * scale
}

async fn reasons(path: &Path, now: Timestamp) -> Reasons {
    let store = SqliteStore::open(path).await.expect("the database opens");
    let page = Page {
        offset: 0,
        limit: 100_000,
    };
    let mut receipts = BTreeMap::new();
    for state in ReceiptState::ALL {
        for receipt in store.receipts(*state, page).await.expect("receipts") {
            // A duplicate must not hide the state of its original.
            let known = receipts.entry(receipt.dedupe_key).or_insert(receipt.state);
            if *known == ReceiptState::Duplicate {
                *known = receipt.state;
            }
        }
    }
    let running = JobFilter {
        states: vec![JobState::Running],
        ..JobFilter::default()
    };
    let undone = store.jobs(&running, page).await.expect("jobs");
    let undone = undone
        .iter()
        .map(|job| format!("{} is still running", job.key))
        .collect();
    assert_invariants(&store, now).await;
    store.close().await;
    Reasons { receipts, undone }
}

/// What reached a client or a coach more than once.
fn repeated(accepted: &Value) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for entry in accepted.as_array().expect("a list") {
        let what = entry["operation"].as_str().expect("an operation");
        let said = match what {
            "portal_message" | "portal_note" | "email" | "contact_note" => {
                &entry["content"]["text"]
            }
            "call_task" => &entry["content"]["title"],
            "create_hook" | "verify_hook" | "create_tag" => continue,
            _ => &entry["content"],
        };
        *seen
            .entry(format!("{what} for {}: {said}", entry["who"]))
            .or_default() += 1;
    }
    seen.into_iter()
        .filter(|(_, times)| *times > 1)
        .map(|(what, _)| what)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_killed_fifty_times_loses_nothing_it_acknowledged_and_repeats_nothing() {
    let seed = SystemRandom.next_u64();
    println!("seed {seed}");
    let random = SeededRandom::new(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("relay.toml");
    let config = config.to_str().expect("a path in plain text");
    let (box_port, relay_port) = (free_port().to_string(), free_port());
    let relay_url = format!("http://127.0.0.1:{relay_port}/");
    let sandbox_url = format!("http://127.0.0.1:{box_port}/_sandbox");
    let mut sandbox = Process::start(&[
        "sandbox",
        "--port",
        &box_port,
        "--play",
        "full",
        "--time-scale",
        SCALE,
        "--relay-url",
        &relay_url,
        "--write-config",
        config,
    ]);
    let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
    wait_for(&transport, &format!("{sandbox_url}/clock")).await;
    let serve = || Process::start(&["--config", config, "serve", "--time-scale", SCALE]);

    let mut relay = serve();
    wait_for(&transport, &format!("{relay_url}healthz")).await;
    let synced = Command::new(env!("CARGO_BIN_EXE_clear-relay"))
        .args(["--config", config, "hooks", "sync"])
        .output()
        .expect("hooks sync runs");
    assert!(
        synced.status.success(),
        "{}",
        String::from_utf8_lossy(&synced.stderr)
    );

    for _ in 0..KILLS {
        let life = 150 + random.next_u64() % 1_500;
        pause(Duration::from_millis(life)).await;
        relay.kill();
        relay = serve();
    }
    pause(LAST_LIFE).await;
    assert!(relay.is_alive(), "the last relay ended by itself");
    assert!(sandbox.is_alive(), "the sandbox ended by itself");

    let accepted = get(&transport, &format!("{sandbox_url}/accepted"))
        .await
        .expect("a list");
    let told = get(&transport, &format!("{sandbox_url}/acknowledged"))
        .await
        .expect("a list");
    // Asked to end, it finishes or hands back what it runs: nothing is left as running.
    assert!(relay.end(), "the last relay did not end well");
    let database = folder.path().join("clear-relay.sqlite");
    let now = moment(&transport, &sandbox_url).await;
    let reasons = reasons(&database, now).await;

    let acknowledged: BTreeSet<String> = told
        .as_object()
        .expect("a list by vendor")
        .values()
        .flat_map(|keys| keys.as_array().expect("a list of keys"))
        .map(|key| key.as_str().expect("a key").to_owned())
        .collect();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|key| {
            reasons
                .receipts
                .get(*key)
                .is_none_or(|state| *state == ReceiptState::New)
        })
        .collect();
    println!(
        "{KILLS} kills, {} webhooks acknowledged, {} requests accepted",
        acknowledged.len(),
        accepted.as_array().map_or(0, Vec::len),
    );
    assert!(
        acknowledged.len() > 50,
        "the cast has lived: {}",
        acknowledged.len()
    );
    assert_eq!(
        lost,
        Vec::<&String>::new(),
        "acknowledged and neither read nor explained"
    );
    assert_eq!(
        repeated(&accepted),
        Vec::<String>::new(),
        "done more than once"
    );
    assert_eq!(reasons.undone, Vec::<String>::new());
    drop(sandbox);
}
