//! A clinic whose Keap is reached by tokens, with as many relays on its database as a test starts.

use crate::support::tools::Tools as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use clear_relay::config::Config;
use clear_relay::credentials::RefreshWait;
use clear_relay::failpoint::NoFailpoints;
use clear_relay::ports::{Begun, ConnectionStatus, Connections as _};
use clear_relay::sandbox::clinic::{self, Addresses, KEAP_KEY};
use clear_relay::sandbox::vendors::Vendors;
use clear_relay::wiring::keap::connection::KeapConnection;
use clear_relay::wiring::{self, Relay, Runtime, emulated};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use relay_core::calendar::Calendar;
use relay_core::random::{Random, SeededRandom};
use relay_core::time::{Clock, Clocks, ManualClock, SignedDuration, Timestamp};
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_http_client::{Answer, Call, CallError, RouterTransport, Transport, TransportError};
use relay_keap::emulator::OAuthSettings;
use relay_store::{Credential, Page, Store, WorkItem};
use relay_store_sqlite::SqliteStore;
use tokio::sync::Notify;
use tower::ServiceExt as _;

/// What every emulated token begins with.
pub(crate) const TOKEN: &str = "canary-token-";
/// The application's secret.
pub(crate) const SECRET: &str = "canary-client-secret";
/// An encryption key, and another.
pub(crate) const KEY: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
pub(crate) const NEXT_KEY: &str =
    "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

/// The way to the vendors: what arrives at the token endpoint may be held there, or carried out
/// without the answer ever coming back, as to a process that has died.
#[derive(Debug)]
pub(crate) struct Wire {
    inner: RouterTransport,
    hold: AtomicBool,
    die: AtomicBool,
    calls: AtomicUsize,
    pub(crate) arrived: Notify,
    pub(crate) released: Notify,
}

impl Wire {
    pub(crate) fn hold(&self, hold: bool) {
        self.hold.store(hold, Ordering::SeqCst);
    }

    /// How many requests were made that are not for tokens.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn die(&self, die: bool) {
        self.die.store(die, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let is_token = call.url.path() == "/token";
        if !is_token {
            self.calls.fetch_add(1, Ordering::SeqCst);
        }
        if is_token && self.hold.load(Ordering::SeqCst) {
            self.arrived.notify_one();
            self.released.notified().await;
        }
        let answer = self.inner.send(call).await;
        if is_token && self.die.load(Ordering::SeqCst) {
            self.arrived.notify_one();
            return std::future::pending().await;
        }
        answer
    }
}

/// A wait that ends when the test says so.
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    pub(crate) waiting: Notify,
    pub(crate) go_on: Notify,
}

#[async_trait]
impl RefreshWait for Turnstile {
    async fn a_moment(&self) {
        self.waiting.notify_one();
        self.go_on.notified().await;
    }
}

/// A second process: its own store on the same file, its own keeper.
pub(crate) struct Process {
    pub(crate) connection: Arc<KeapConnection>,
    pub(crate) refresh_wait: Arc<Turnstile>,
    pub(crate) store: SqliteStore,
}

impl Process {
    /// Something that needs Keap.
    pub(crate) async fn works(&self) -> Result<Option<String>, CallError> {
        self.connection.client().who_am_i().await
    }

    pub(crate) async fn must_work(&self) {
        let tenant = self.works().await.expect("Keap lets it in");
        assert_eq!(tenant.as_deref(), Some("zz999.infusionsoft.test"));
    }

    pub(crate) async fn status(&self) -> ConnectionStatus {
        let all = self.connection.status().await.expect("a store");
        all.into_iter().next().expect("a connection")
    }
}

/// The clinic.
pub(crate) struct Clinic {
    pub(crate) clock: Arc<ManualClock>,
    real: Arc<ManualClock>,
    random: Arc<dyn Random>,
    pub(crate) vendors: Vendors,
    pub(crate) wire: Arc<Wire>,
    field: String,
    folder: tempfile::TempDir,
}

impl Clinic {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// A clinic in which `adjust` has turned switches.
    pub(crate) fn with(adjust: impl FnOnce(&mut OAuthSettings)) -> Self {
        let start: Timestamp = "2026-11-03T16:00:00Z".parse().expect("a time");
        let clock = Arc::new(ManualClock::new(start));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(7));
        let procedure: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let zone = Calendar::default_denver().zone().clone();
        let vendors = Vendors::new(&emulated::Clinic {
            clock: &procedure,
            random: &random,
            zone: &zone,
            coaches: &[],
            told_by: emulated::ToldBy::Portal,
            has_crm: true,
        });
        vendors.keap().configure(|settings| {
            settings.oauth.token_prefix = TOKEN.to_owned();
            settings.oauth.client_secret = SECRET.to_owned();
            adjust(&mut settings.oauth);
        });
        let field = clinic::furnish(&vendors.keap()).expect("a furnished clinic");
        let routers = RouterTransport::new();
        routers.serve("keap.test", vendors.keap().router());
        routers.serve("portal.test", vendors.portal().router());
        let wire = Wire {
            inner: routers,
            hold: AtomicBool::new(false),
            die: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            arrived: Notify::new(),
            released: Notify::new(),
        };
        Self {
            clock,
            real: Arc::new(ManualClock::new(start)),
            random,
            vendors,
            wire: Arc::new(wire),
            field,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("relay.db")
    }

    /// The configuration file, with these encryption keys.
    pub(crate) fn config_text(&self, keys: &str) -> String {
        let address = |text: &str| text.parse().expect("an address");
        let addresses = Addresses {
            keap: address("https://keap.test/crm"),
            portal: address("https://portal.test/"),
            relay: address("https://relay.test/"),
        };
        let text = clinic::config_text(&addresses, &self.database(), &self.field);
        let oauth = format!(
            "credential = \"oauth\"\noauth = {{ client_id = \"emulated-application\", \
             client_secret = \"{SECRET}\", token_url = \"https://keap.test/token\", \
             authorize_url = \"https://keap.test/app/oauth/authorize\" }}"
        );
        let by_key = format!("key = \"{KEAP_KEY}\"");
        assert!(text.contains(&by_key), "the sandbox has a key");
        format!("{}\n[secrets]\n{keys}\n", text.replace(&by_key, &oauth))
    }

    fn config(&self, keys: &str) -> Config {
        clinic::read_config(&self.config_text(keys)).expect("a valid configuration")
    }

    pub(crate) async fn store(&self) -> SqliteStore {
        let store = SqliteStore::open(self.database()).await.expect("a file");
        store.migrate().await.expect("migrated");
        store
    }

    fn ground(&self, worker: &str, store: Arc<dyn Store>) -> Runtime {
        Runtime {
            store,
            transport: Arc::clone(&self.wire) as _,
            clocks: Clocks {
                procedure: Arc::<ManualClock>::clone(&self.clock) as _,
                real: Arc::<ManualClock>::clone(&self.real) as _,
            },
            random: Arc::clone(&self.random),
            failpoints: Arc::new(NoFailpoints),
            faults: None,
            time_scale: 1,
            worker: worker.to_owned(),
        }
    }

    /// A whole relay.
    pub(crate) async fn relay(&self) -> Relay {
        self.relay_on(Arc::new(self.store().await))
    }

    /// The same, on a store that is looked at on the way.
    pub(crate) fn relay_on(&self, store: Arc<dyn Store>) -> Relay {
        let config = self.config(&format!("encryption_key = \"{KEY}\""));
        wiring::assemble(&config, self.ground("relay", store)).expect("a relay")
    }

    /// The part of a relay that keeps tokens, as another process on the same database.
    pub(crate) async fn process(&self, worker: &str) -> Process {
        let keys = format!("encryption_key = \"{KEY}\"");
        self.process_with(worker, &keys).await
    }

    pub(crate) async fn process_with(&self, worker: &str, keys: &str) -> Process {
        let refresh_wait = Arc::new(Turnstile::default());
        let store = self.store().await;
        let ground = self.ground(worker, Arc::new(store.clone()));
        let connection = KeapConnection::with_refresh_wait(
            &self.config(keys),
            &ground,
            Arc::clone(&ground.transport),
            Arc::clone(&refresh_wait) as _,
        );
        Process {
            connection: Arc::new(connection.expect("a connection")),
            refresh_wait,
            store,
        }
    }

    /// A clinic that is connected, and a process that has its first tokens.
    pub(crate) async fn connected(&self) -> Process {
        self.connect(&self.relay().await).await;
        let process = self.process("first").await;
        process.must_work().await;
        process
    }

    /// Somebody connects through the relay's own route.
    pub(crate) async fn connect(&self, relay: &Relay) {
        let begun = relay.authorize[0].begin("Robin").await.expect("begun");
        let back = self.agrees(&begun).await;
        let (status, text) = visit(relay, &back).await;
        assert_eq!(status, StatusCode::OK, "{text}");
    }

    /// Somebody opens the page and agrees; where the browser is sent to.
    pub(crate) async fn agrees(&self, begun: &Begun) -> url::Url {
        let call = Call {
            method: Method::GET,
            url: begun.url.clone(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: std::time::Duration::from_secs(30),
        };
        let answer = self.wire.send(call).await.expect("an answer");
        assert_eq!(answer.status, StatusCode::FOUND);
        let back = answer.headers.get("location").expect("an address");
        let back = back.to_str().expect("text");
        back.parse().expect("an address")
    }

    /// Time passes on both clocks.
    pub(crate) fn pass(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.real.advance(by);
    }

    pub(crate) fn fault(&self, operation: &str, moment: Moment, act: FaultAct, times: u32) {
        self.vendors.keap().faults().order(FaultRule {
            operation: operation.to_owned(),
            moment,
            act,
            skip: 0,
            times,
        });
    }

    /// How many refreshes Keap has accepted.
    pub(crate) fn refreshes(&self) -> usize {
        let all = self.vendors.keap().accepted();
        all.iter()
            .filter(|entry| entry.operation == "token_refresh")
            .count()
    }

    pub(crate) async fn row(&self) -> Credential {
        let row = self.store().await.credential("keap").await;
        row.expect("a store").expect("a row")
    }

    pub(crate) async fn open_work(&self) -> Vec<WorkItem> {
        let work = self.store().await.open_work(None, Page::default()).await;
        work.expect("a store")
    }
}

/// A browser visits the relay.
pub(crate) async fn visit(relay: &Relay, address: &url::Url) -> (StatusCode, String) {
    let target = &address[url::Position::BeforePath..];
    let request = http::Request::get(target).body(Body::empty());
    let response = relay.router().oneshot(request.expect("a request")).await;
    let response = response.expect("infallible");
    let status = response.status();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = response.into_body().collect().await.expect("a body");
    let text = String::from_utf8(body.to_bytes().to_vec()).expect("text");
    (status, text)
}

pub(crate) fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub(crate) fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// What the token endpoint says of a token that is not valid.
pub(crate) fn invalid_grant() -> FaultAct {
    FaultAct::Status {
        code: 400,
        retry_after: None,
        body: Some(
            r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#.to_owned(),
        ),
    }
}
