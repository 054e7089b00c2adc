//! An engine on a database in a temporary file, clocks that are moved by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clear_relay::engine::commands::cases;
use clear_relay::engine::registry::ProcedureRegistry;
use clear_relay::engine::{Engine, EngineParts, People, dispatcher, jobs};
use clear_relay::failpoint::{Failpoints, NoFailpoints};
use clear_relay::ports::{NoConnections, Ports};
use clear_relay::rate_limit::RateLimiter;
use clear_relay::receipts::{Parsed, Refusal, Source, Verified};
use clear_relay::wiring::generation::NumberFile;
use http::HeaderMap;
use relay_core::calendar::{Calendar, CalendarSettings};
use relay_core::case::{Case, Mode};
use relay_core::clients::{CheckIn, PortalMessage};
use relay_core::effects::{Request, Scope};
use relay_core::facts::{Fact, FactBody, Order};
use relay_core::ids::{CaseId, ClientId, EffectKey, ReceiptId};
use relay_core::procedure::{MissedCheckInProcedure, SHIPPED};
use relay_core::random::{Random, SeededRandom};
use relay_core::retry::{ProbeSchedule, RetryPolicy};
use relay_core::scripts::shipped;
use relay_core::time::{Clock, Clocks, Date, ManualClock, SignedDuration, Timestamp};
use relay_core::workflow::Workflow;
use relay_core::workflows::missed_check_in::MissedCheckIn;
use relay_store::{
    Batch, Effect, Job, JobFilter, Op, Page, ProcedureVersion, Receipt, ReceiptState, Store,
    WorkItem,
};
use relay_store_sqlite::{Options, SqliteStore};
use tokio::sync::Notify;

use super::tiny::Tiny;
use super::world::{World, client};

/// A Wednesday morning in Denver, the portal's hours begun.
pub(crate) fn start() -> Timestamp {
    "2026-11-04T09:00:00-07:00".parse().unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) real: Arc<ManualClock>,
    pub(crate) random: Arc<dyn Random>,
    parts: EngineParts,
    folder: tempfile::TempDir,
}

/// What the vendors have seen, to go on with elsewhere.
pub(crate) struct Seen {
    check_ins: Vec<(ClientId, CheckIn)>,
    messages: Vec<PortalMessage>,
    accepted: Vec<(EffectKey, Request)>,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Mode::Act, Arc::new(NoFailpoints)).await
    }

    pub(crate) async fn with(mode: Mode, failpoints: Arc<dyn Failpoints>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = SqliteStore::open(folder.path().join("relay.db"))
            .await
            .unwrap();
        sqlite.migrate().await.unwrap();
        let rig = Self::on(folder, sqlite, mode, failpoints, 7);
        // Switched on long ago: what was due before would only be listed.
        let ops = rig
            .parts
            .registry
            .ops_at_start("2026-10-01T09:00:00-06:00".parse().unwrap());
        rig.store.commit(ops.into()).await.unwrap();
        rig
    }

    /// A relay on a copy of a database, among vendors who have seen what they have seen.
    pub(crate) async fn on_copy(file: &Path, seen: &Seen) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("relay.db");
        std::fs::copy(file, &copy).unwrap();
        let options = Options {
            throw_away: true,
            ..Options::default()
        };
        let sqlite = SqliteStore::open_with(copy, options).await.unwrap();
        // Other ids than those that are in it.
        let rig = Self::on(folder, sqlite, Mode::Act, Arc::new(NoFailpoints), 8);
        {
            let mut vendors = rig.world.now();
            vendors.check_ins.clone_from(&seen.check_ins);
            vendors.messages.clone_from(&seen.messages);
            vendors.accepted.clone_from(&seen.accepted);
        }
        rig
    }

    /// The same, counting the generations of its database in a file beside it.
    pub(crate) fn counting(mut self) -> Self {
        let file = Arc::new(NumberFile::beside(&self.file()));
        self.engine = self.engine.counted_with(file);
        self
    }

    /// What the vendors have seen so far.
    pub(crate) fn seen(&self) -> Seen {
        let vendors = self.world.now();
        Seen {
            check_ins: vendors.check_ins.clone(),
            messages: vendors.messages.clone(),
            accepted: vendors.accepted.clone(),
        }
    }

    /// The database's file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("relay.db")
    }

    fn on(
        folder: tempfile::TempDir,
        sqlite: SqliteStore,
        mode: Mode,
        failpoints: Arc<dyn Failpoints>,
        seed: u64,
    ) -> Self {
        let store: Arc<dyn Store> = Arc::new(sqlite);
        let world = Arc::new(World::default());
        world.now().clients = ["maya", "ana"].map(client).to_vec();
        let clock = Arc::new(ManualClock::new(start()));
        let real = Arc::new(ManualClock::new(start()));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(seed));
        let ports = Ports {
            portal: world.clone(),
            contacts: world.clone(),
            mail: world.clone(),
            addresses: world.clone(),
            tasks: world.clone(),
            notes: world.clone(),
            tags: world.clone(),
            billing: world.clone(),
            staff: world.clone(),
            connections: Arc::new(NoConnections),
            hooks: world.clone(),
        };
        let all = EngineParts {
            incidents: relay_core::incidents::IncidentNumbers::standard(),
            store: store.clone(),
            ports,
            perform: world.clone(),
            limiter: Arc::new(RateLimiter::new(
                Vec::new(),
                store.clone(),
                Clocks {
                    procedure: clock.clone(),
                    real: real.clone(),
                },
                random.clone(),
            )),
            registry: Arc::new(registry(mode)),
            jobs: jobs::spec,
            sources: vec![Arc::new(Facts)],
            calendar: Calendar::default_denver(),
            clocks: Clocks {
                procedure: clock.clone(),
                real: real.clone(),
            },
            random: random.clone(),
            people: People::default(),
            retry: RetryPolicy::standard(),
            contact_gap: relay_core::time::SignedDuration::ZERO,
            probes: ProbeSchedule::standard(),
            failpoints,
            wake: Arc::new(Notify::new()),
            worker: "first".into(),
            time_scale: 1,
            poll_opens: None,
            list_silence: None,
            check_in_list: None,
        };
        Self {
            engine: Engine::new(all.clone()),
            store,
            world,
            clock,
            real,
            random,
            parts: all,
            folder,
        }
    }

    /// The process has died and another one has started on the same database.
    pub(crate) async fn restart(&mut self, failpoints: Arc<dyn Failpoints>) {
        self.parts.failpoints = failpoints;
        self.parts.worker = "second".into();
        self.engine = Engine::new(self.parts.clone());
        self.real.advance(SignedDuration::from_hours(1));
        dispatcher::rescue(&self.engine).await.unwrap();
    }

    /// The same relay with its procedures in another mode, as after a restart.
    pub(crate) fn in_mode(&mut self, mode: Mode) {
        self.parts.registry = Arc::new(registry(mode));
        self.engine = Engine::new(self.parts.clone());
    }

    /// The same relay with these holidays, as after a restart.
    pub(crate) fn with_holidays(&mut self, days: &[&str]) {
        let settings = CalendarSettings {
            holidays: days.iter().map(|day| date(day)).collect(),
            ..CalendarSettings::default()
        };
        self.parts.calendar = Calendar::new(settings).unwrap();
        self.engine = Engine::new(self.parts.clone());
    }

    /// Runs what is due; fails instead of running forever.
    pub(crate) async fn drain(&self) {
        tokio::time::timeout(
            std::time::Duration::from_secs(20),
            dispatcher::drain(&self.engine, None),
        )
        .await
        .expect("the queue comes to rest")
        .expect("the engine goes on");
    }

    /// Drains, then moves the clock by `minutes`, drains again.
    pub(crate) async fn pass(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
        self.drain().await;
    }

    /// Orders effects of a new case of Maya's: names separated by spaces.
    pub(crate) async fn order(&self, effects: &str) -> CaseId {
        let order = Order::SetContactType {
            value: effects.into(),
        };
        cases::order(&self.engine, &"maya".into(), "test", order)
            .await
            .unwrap()
    }

    pub(crate) fn key(case: CaseId, name: &str) -> EffectKey {
        let client = "maya".into();
        Scope::Case { case, client }.key("go", 1, name)
    }

    pub(crate) async fn effect(&self, case: CaseId, name: &str) -> Effect {
        let key = Self::key(case, name);
        self.store.effect(&key).await.unwrap().unwrap()
    }

    pub(crate) async fn job(&self, case: CaseId, name: &str) -> Job {
        let key = format!("effect/{}", Self::key(case, name));
        self.store.job_by_key(&key).await.unwrap().unwrap()
    }

    pub(crate) async fn case(&self, id: CaseId) -> Case {
        self.store.case(id).await.unwrap().unwrap()
    }

    pub(crate) async fn jobs(&self, kind: &str) -> Vec<Job> {
        let filter = JobFilter {
            kind: Some(kind.into()),
            ..JobFilter::default()
        };
        self.store.jobs(&filter, Page::default()).await.unwrap()
    }

    pub(crate) async fn work(&self, kind: &str) -> Vec<WorkItem> {
        let open = self.store.open_work(None, Page::default()).await.unwrap();
        open.into_iter().filter(|item| item.kind == kind).collect()
    }

    pub(crate) fn fact(&self, client: &str, object: &str, body: FactBody) -> Fact {
        Fact {
            client: client.into(),
            object: object.into(),
            source_time: self.clock.now(),
            body,
        }
    }

    /// A webhook with these facts, stored and not yet read.
    pub(crate) async fn receive(&self, facts: &[Fact]) -> ReceiptId {
        self.receive_bytes(serde_json::to_vec(facts).unwrap()).await
    }

    pub(crate) async fn receive_bytes(&self, body: Vec<u8>) -> ReceiptId {
        let id = ReceiptId::new(self.random.as_ref(), self.clock.now());
        self.receive_as(id, &id.to_string(), body).await
    }

    /// A webhook under an id of the sender's own.
    pub(crate) async fn receive_as(
        &self,
        id: ReceiptId,
        dedupe_key: &str,
        body: Vec<u8>,
    ) -> ReceiptId {
        let now = self.clock.now();
        let receipt = Receipt {
            id,
            source: "facts".into(),
            dedupe_key: dedupe_key.into(),
            dedupe_forever: true,
            verified_by: "k1".into(),
            received_at: now,
            content_type: None,
            body,
            state: ReceiptState::New,
            duplicate_of: None,
            note: None,
            processed_at: None,
        };
        let batch = Batch::from(vec![Op::InsertReceipt(receipt)]);
        self.store.commit(batch).await.unwrap();
        id
    }

    pub(crate) async fn receipt_state(&self, id: ReceiptId) -> ReceiptState {
        self.store.receipt(id).await.unwrap().unwrap().state
    }

    /// Lists a check-in in the portal.
    pub(crate) fn list(&self, client: &str, id: &str, due: &str) {
        let mut vendors = self.world.now();
        vendors.check_ins.retain(|(_, listed)| listed.id.0 != id);
        let check_in = CheckIn {
            id: id.into(),
            due: date(due),
            due_at: None,
            submitted_at: None,
            withdrawn: false,
        };
        vendors.check_ins.push((client.into(), check_in));
    }

    pub(crate) fn due(&self, client: &str, id: &str, due: &str) -> Fact {
        let body = FactBody::CheckInDue {
            check_in: id.into(),
            due: date(due),
            due_at: None,
        };
        self.fact(client, id, body)
    }

    /// A case of the real procedure, opened by a check-in that Maya missed yesterday.
    pub(crate) async fn missed(&self) -> CaseId {
        self.clock.set("2026-11-03T12:00:00-07:00".parse().unwrap());
        self.list("maya", "c1", "2026-11-03");
        let due = self.due("maya", "c1", "2026-11-03");
        self.receive(&[due]).await;
        self.drain().await;
        self.clock.set("2026-11-04T00:05:00-07:00".parse().unwrap());
        self.drain().await;
        self.store.open_cases(&"maya".into()).await.unwrap()[0].id
    }
}

fn procedure(mode: Mode) -> MissedCheckIn {
    let file = match mode {
        Mode::Act => SHIPPED.replace("mode = \"propose\"", "mode = \"act\""),
        Mode::Propose => SHIPPED.to_owned(),
    };
    MissedCheckIn::new(MissedCheckInProcedure::parse(&file, shipped).unwrap())
}

fn registry(mode: Mode) -> ProcedureRegistry {
    let current: Vec<Arc<dyn Workflow>> = vec![Arc::new(Tiny { mode }), Arc::new(procedure(mode))];
    let versions = current.into_iter().map(|workflow| {
        let version = ProcedureVersion {
            hash: workflow.hash().to_owned(),
            name: workflow.name().to_owned(),
            body: "{}".into(),
        };
        (workflow, version)
    });
    ProcedureRegistry::new(versions.collect(), |version| {
        Err(format!("{} is of another release", version.name))
    })
}

/// A sender whose webhooks are facts as JSON. One that says `boom` makes its reader panic.
#[derive(Debug)]
struct Facts;

impl Source for Facts {
    fn name(&self) -> &'static str {
        "facts"
    }
    fn secret_in_path(&self) -> bool {
        false
    }
    fn max_body(&self) -> usize {
        1 << 20
    }
    fn admit(
        &self,
        _headers: &HeaderMap,
        _path_secret: Option<&str>,
        _now: Timestamp,
    ) -> Result<(), Refusal> {
        unreachable!("receipts are put in by hand")
    }
    fn verify(
        &self,
        _headers: &HeaderMap,
        _path_secret: Option<&str>,
        _body: &[u8],
        _now: Timestamp,
    ) -> Result<Verified, Refusal> {
        unreachable!("receipts are put in by hand")
    }
    fn parse(&self, receipt: &Receipt) -> Parsed {
        assert_ne!(receipt.body, b"boom", "on order");
        match serde_json::from_slice(&receipt.body) {
            Ok(facts) => Parsed::Content {
                facts,
                hints: Vec::new(),
                note: None,
            },
            Err(error) => Parsed::Quarantine {
                reason: error.to_string(),
                hints: Vec::new(),
                facts: Vec::new(),
                unread: Vec::new(),
            },
        }
    }
}
