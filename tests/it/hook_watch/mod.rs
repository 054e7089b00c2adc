//! Hooks as objects: kept active, moved, read back when they were inactive, read in few calls.

mod batch;
mod gap;
mod own_writes;
mod restore;
mod rotation;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use clear_relay::engine::sync::hook_watch;
use clear_relay::engine::sync::hook_watch::Watch;
use clear_relay::sandbox::clinic::KEAP_KEY;
use clear_relay::sandbox::world::Setup;
use http::{HeaderMap, Method, StatusCode};
use relay_core::time::{Clock, SignedDuration};
use relay_http_client::{Answer, Call, RouterTransport, Transport, TransportError};
use relay_keap::{KeapClient, Settings};
use relay_store::{Job, JobFilter};
use secrecy::SecretString;

use crate::edge::clinic::{ALL, Clinic};
use crate::support::tools::Tools as _;

/// The way from Keap to the relay.
#[derive(Debug)]
struct Door {
    inner: RouterTransport,
    mode: AtomicU8,
    /// Statuses of what went through or didn't, handshakes too.
    answers: Mutex<Vec<u16>>,
}

/// What becomes of whoever comes to the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The relay answers.
    Open,
    /// "Come again": what the relay says while it can't store.
    Unavailable,
    /// Somebody before the relay says yes and forgets it.
    Swallowed,
}

impl Door {
    fn set(&self, way: Way) {
        self.mode.store(way as u8, Ordering::SeqCst);
    }

    fn answers(&self) -> Vec<u16> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Transport for Door {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let said = |status| Answer {
            status,
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let mode = self.mode.load(Ordering::SeqCst);
        let answer = if mode == Way::Open as u8 {
            self.inner.send(call).await?
        } else if mode == Way::Unavailable as u8 {
            said(StatusCode::SERVICE_UNAVAILABLE)
        } else {
            said(StatusCode::OK)
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push(answer.status.as_u16());
        Ok(answer)
    }
}

/// A clinic whose hooks are looked at every so many minutes, behind a door.
async fn watched(minutes: u32, change: impl FnOnce(&mut Setup)) -> (Clinic, Arc<Door>) {
    let clinic = Clinic::open_with(|setup| {
        setup.watch_minutes = minutes;
        change(setup);
    })
    .await;
    let door = Arc::new(Door {
        inner: clinic.world.relay_transport().clone(),
        mode: AtomicU8::new(Way::Open as u8),
        answers: Mutex::default(),
    });
    let keap = &clinic.world.vendors.keap();
    keap.set_hook_transport(Arc::clone(&door) as _);
    (clinic, door)
}

impl Clinic {
    async fn watch(&self) -> Watch {
        let engine = &self.world.relay.engine;
        hook_watch::hook_watch(engine).await.expect("a state")
    }

    /// How many changes of a kind of object were ever read back.
    async fn recovered(&self, object: &str) -> usize {
        let watch = self.watch().await;
        watch.recovered.get(object).map_or(0, |known| known.total)
    }

    async fn pass(&self, minutes: i64) {
        let by = SignedDuration::from_mins(minutes);
        self.world.run_for(by).await.expect("a run");
    }

    /// Jobs of a kind, in every state.
    async fn jobs_of(&self, kind: &str) -> Vec<Job> {
        let filter = JobFilter {
            kind: Some(kind.to_owned()),
            ..JobFilter::default()
        };
        self.store().jobs(&filter, ALL).await.expect("jobs")
    }

    /// Somebody else who uses the same account.
    fn stranger(&self) -> KeapClient {
        let routers = RouterTransport::new();
        routers.serve("keap.test", self.world.vendors.keap().router());
        let settings = Settings {
            base: "https://keap.test/crm".parse().expect("an address"),
            ..Settings::live(SecretString::from(KEAP_KEY)).expect("settings")
        };
        let clock = Arc::clone(&self.world.clock) as Arc<dyn Clock>;
        KeapClient::new(Arc::new(routers), clock, settings).expect("a client")
    }

    /// The status of every subscription at Keap, in order of their making.
    async fn at_keap(&self) -> Vec<String> {
        let hooks = self.stranger().hooks().await.expect("a list");
        hooks.into_iter().filter_map(|hook| hook.status).collect()
    }
}

/// What lists the requests on their way to the vendors, and refuses those that name an id.
#[derive(Debug)]
struct Tap {
    inner: Arc<dyn Transport>,
    reads: Arc<Mutex<Vec<String>>>,
    poison: Option<&'static str>,
}

impl Tap {
    /// Puts one before the vendors; returns where it writes what is read from Keap.
    fn on(setup: &mut Setup, poison: Option<&'static str>) -> Arc<Mutex<Vec<String>>> {
        let reads: Arc<Mutex<Vec<String>>> = Arc::default();
        let written = Arc::clone(&reads);
        setup.on_the_way = Some(Arc::new(move |inner| {
            Arc::new(Self {
                inner,
                reads: Arc::clone(&written),
                poison,
            })
        }));
        reads
    }
}

#[async_trait]
impl Transport for Tap {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        if call.method == Method::GET && call.url.host_str() == Some("keap.test") {
            let read = call.url[url::Position::BeforePath..].to_owned();
            if self.poison.is_some_and(|poison| read.contains(poison)) {
                return Ok(Answer {
                    status: StatusCode::BAD_REQUEST,
                    headers: HeaderMap::new(),
                    body: "{\"message\":\"not this one\"}".into(),
                });
            }
            let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
            reads.push(read);
        }
        self.inner.send(call).await
    }
}

/// Takes what was read so far.
fn taken(reads: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *reads.lock().unwrap_or_else(PoisonError::into_inner))
}
