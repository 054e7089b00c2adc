//! The disk is full, or takes no write at all, under a serving relay: senders hear 503, nothing is
//! acknowledged that is not stored, and when there is room again everything goes on by itself.
//!
//! A process of its own whose files may not grow beyond a limit: to the database that is a disk
//! that refuses. The limit is set and lifted from outside while the relay runs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use clear_relay::lifecycle::pause;
use clear_relay::sandbox::clinic::WEBHOOK_KEY;
use http::{HeaderMap, Method, StatusCode};
use relay_clear_connection::webhook::WebhookKey;
use relay_core::time::{Clock as _, SystemClock};
use relay_http_client::{Call, ReqwestTransport, Transport as _};
use relay_store::{Page, ReceiptState, Store as _};
use relay_store_sqlite::SqliteStore;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;

use crate::support::process::{Process, free_port, wait_for};

/// A serving relay whose disk a test can fill.
struct Serving {
    relay: Process,
    _sandbox: Process,
    transport: ReqwestTransport,
    url: String,
    database: PathBuf,
    key: WebhookKey,
    _folder: TempDir,
}

impl Serving {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("relay.toml");
        let config = config.to_str().expect("a path in plain text");
        let (box_port, relay_port) = (free_port().to_string(), free_port());
        let url = format!("http://127.0.0.1:{relay_port}/");
        let sandbox = Process::start(&[
            "sandbox",
            "--port",
            &box_port,
            "--relay-url",
            &url,
            "--write-config",
            config,
        ]);
        let transport = ReqwestTransport::new().expect("a transport");
        let clock = format!("http://127.0.0.1:{box_port}/_sandbox/clock");
        wait_for(&transport, &clock).await;
        // A file that may not grow is a signal first, and would end the process; ignored, it is
        // an error of the write, as a full disk is.
        let mut program = Command::new("sh");
        let relay = env!("CARGO_BIN_EXE_clear-relay");
        let script = "trap '' XFSZ; exec \"$0\" --config \"$1\" serve";
        program.args(["-c", script, relay, config]);
        let relay = Process::spawn(program);
        wait_for(&transport, &format!("{url}healthz")).await;
        Self {
            relay,
            _sandbox: sandbox,
            transport,
            url,
            database: folder.path().join("clear-relay.sqlite"),
            key: WebhookKey::new("first", &SecretString::from(WEBHOOK_KEY)).expect("a key"),
            _folder: folder,
        }
    }

    /// How long a file of the relay's may get, in bytes; `None` as long as it likes.
    fn limit(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let pid = self.relay.id().to_string();
        let soft = format!("--fsize={limit}:");
        let done = Command::new("prlimit")
            .args(["--pid", &pid, &soft])
            .status();
        assert!(done.expect("prlimit, of util-linux").success());
    }

    /// Sends an event as the portal would. It says nothing the relay acts on: it fills the disk.
    async fn send(&self, id: &str) -> StatusCode {
        let now = SystemClock.now();
        let body = json!({ "id": id, "type": "photo.added", "timestamp": now.to_string(),
                           "data": { "filler": "x".repeat(20_000) } })
        .to_string();
        let signature = self.key.sign(id, now.as_second(), body.as_bytes());
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &str| {
            headers.insert(name, value.parse().expect("a header"));
        };
        put("webhook-id", id);
        put("webhook-timestamp", &now.as_second().to_string());
        put("webhook-signature", &signature);
        put("content-type", "application/json");
        let call = Call {
            method: Method::POST,
            url: format!("{}hooks/clear-connection", self.url)
                .parse()
                .expect("an address"),
            headers,
            body: Bytes::from(body),
            timeout: Duration::from_secs(30),
        };
        self.transport.send(call).await.expect("an answer").status
    }

    async fn status(&self, path: &str) -> StatusCode {
        let call = Call {
            method: Method::GET,
            url: format!("{}{path}", self.url).parse().expect("an address"),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(30),
        };
        self.transport.send(call).await.expect("an answer").status
    }

    /// Sends again what was refused until it is taken, as every sender does.
    async fn until_taken(&self, id: &str) {
        for _ in 0..200 {
            if self.send(id).await == StatusCode::OK {
                return;
            }
            pause(Duration::from_millis(25)).await;
        }
        panic!("{id} is refused although there is room");
    }

    /// Ends the relay, and tells the id of every stored event and how many of them are unread.
    async fn stored(self) -> (BTreeSet<String>, usize) {
        assert!(self.relay.end(), "the relay did not end well");
        let store = SqliteStore::open(&self.database).await.expect("a database");
        let page = Page {
            offset: 0,
            limit: 100_000,
        };
        let (mut ids, mut unread) = (BTreeSet::new(), 0);
        for state in ReceiptState::ALL {
            for receipt in store.receipts(*state, page).await.expect("receipts") {
                unread += usize::from(*state == ReceiptState::New);
                if *state != ReceiptState::Duplicate {
                    assert!(ids.insert(receipt.dedupe_key), "an original stands once");
                }
            }
        }
        store.close().await;
        (ids, unread)
    }
}

/// The disk under a relay gets `bytes` of room; then it has room again.
async fn drill(bytes: u64) {
    let mut serving = Serving::start().await;
    serving.until_taken("before").await;
    serving.limit(Some(bytes));
    let (mut taken, mut refused) = (vec!["before".to_owned()], Vec::new());
    for number in 0..1_000 {
        let id = format!("evt-{number}");
        match serving.send(&id).await {
            StatusCode::OK => taken.push(id),
            StatusCode::SERVICE_UNAVAILABLE => refused.push(id),
            other => panic!("neither taken nor to be sent again: {other}"),
        }
        if refused.len() == 5 {
            break;
        }
    }
    assert_eq!(refused.len(), 5, "the disk was never full");
    assert_eq!(
        serving.status("healthz").await,
        StatusCode::OK,
        "starting it anew would not help"
    );
    if bytes == 0 {
        // On a full disk a small write may still find room.
        let ready = serving.status("readyz").await;
        assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(serving.relay.is_alive(), "it waits for the disk");

    serving.limit(None);
    for id in &refused {
        serving.until_taken(id).await;
    }
    taken.append(&mut refused);
    // What it has taken it reads: the worker, too, has found that there is room.
    serving.until_taken("after").await;
    for _ in 0..200 {
        if serving.status("readyz").await == StatusCode::OK {
            break;
        }
        pause(Duration::from_millis(25)).await;
    }
    assert_eq!(serving.status("readyz").await, StatusCode::OK);
    pause(Duration::from_millis(1_500)).await;
    assert!(serving.relay.is_alive());

    let (stored, unread) = serving.stored().await;
    for id in &taken {
        assert!(
            stored.contains(id),
            "{id} was acknowledged and is not there"
        );
    }
    assert_eq!(unread, 0, "what was stored is read once there is room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_refuses_senders_loses_nothing_and_recovers_by_itself() {
    drill(1_000_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_write_refuses_senders_loses_nothing_and_recovers_by_itself() {
    drill(0).await;
}
