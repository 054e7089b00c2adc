//! The whole clinic in one process, on clocks that are moved by hand.
//!
//! One stepper: whatever is due is done; when nothing is, the clocks jump to the next due thing,
//! be it a job of the relay, an event of a vendor or an act of a person. With one worker and one
//! seed a run repeats itself exactly. A crash is the relay's futures dropped where they stand and
//! a new relay on the same store. A world in which an exchange was not as its vendor describes it
//! stops with an error.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use relay_core::calendar::Calendar;
use relay_core::random::{Random, SeededRandom};
use relay_core::time::{Clock, Clocks, ManualClock, SignedDuration, TimeZone, Timestamp, later};
use relay_http_client::{RouterTransport, Transport};
use relay_store::Store;
use relay_store_sqlite::SqliteStore;
use url::Url;

use super::cast::CastCoach;
use super::clinic::{self, Staff};
use super::generation::Generation;
use super::sabotage::{Sabotage, Saboteur};
use super::stage;
use super::vendors::Vendors;
use crate::config::Config;
use crate::engine::memory::counter::GenerationFile;
use crate::engine::memory::generation;
use crate::engine::{EngineError, dispatcher, start};
use crate::failpoint::{Failpoints, NoFailpoints};
use crate::wiring::emulated::{Clinic, ToldBy};
use crate::wiring::generation::NumberFile;
use crate::wiring::vendor::Vendor;
use crate::wiring::{self, FaultInjector, Relay, Runtime};

/// How a world is made.
#[derive(Clone)]
pub struct Setup {
    /// When it begins.
    pub start: Timestamp,
    /// What drives ids and jitter.
    pub seed: u64,
    /// Told of every place the relay passes.
    pub failpoints: Arc<dyn Failpoints>,
    /// What is broken on purpose, if anything is.
    pub sabotage: Option<Sabotage>,
    /// Every how many minutes the CRM's subscriptions are looked at. A day, unless a story is about
    /// them: a simulated month would be mostly looks.
    pub watch_minutes: u32,
    /// The rule by which opens are judged, where it is not the shipped one (A4).
    pub rule: Option<String>,
    /// The steps whose coach is asked before a message goes out (A30).
    pub ask_first: Vec<String>,
    /// The Program Manager, where she is asked in the CRM.
    pub manager: Option<CastCoach>,
    /// How many new tasks a coach gets on a day at most, if any waits for another day.
    pub tasks_a_day: Option<u32>,
    /// What tells who is expected and who has checked in.
    pub told_by: ToldBy,
    /// Whether the relay has a CRM.
    pub has_crm: bool,
    /// The coaches, where a vendor must know them before the story begins.
    pub coaches: Vec<CastCoach>,
    /// What stands between the relay and the vendors and sees every request, if anything does.
    pub on_the_way: Option<OnTheWay>,
    /// What stands between the relay and its database, if anything does.
    pub around_store: Option<AroundStore>,
    /// The database is synced as in life, and its generation file lies beside it: where the power may
    /// fail. Otherwise nobody waits for the disk.
    pub synced: bool,
    /// Rewrites the configuration before it is read: another mode, a second key.
    pub amend: fn(&str) -> String,
}

/// Puts something in front of a transport.
pub type OnTheWay = Arc<dyn Fn(Arc<dyn Transport>) -> Arc<dyn Transport> + Send + Sync>;

/// Puts something in front of the store.
pub type AroundStore = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("start", &self.start)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Setup {
    /// A world that begins at `start` and is left alone.
    pub fn new(start: Timestamp, seed: u64) -> Self {
        Self {
            start,
            seed,
            failpoints: Arc::new(NoFailpoints),
            sabotage: None,
            watch_minutes: 24 * 60,
            rule: None,
            ask_first: Vec::new(),
            manager: None,
            tasks_a_day: None,
            told_by: ToldBy::default(),
            has_crm: true,
            coaches: Vec::new(),
            on_the_way: None,
            around_store: None,
            synced: false,
            amend: str::to_owned,
        }
    }
}

/// The clinic, its vendors and the relay.
#[derive(Debug)]
pub struct World {
    /// Procedure time.
    pub clock: Arc<ManualClock>,
    /// Real time.
    pub real: Arc<ManualClock>,
    /// The vendors.
    pub vendors: Vendors,
    /// The relay as it runs now.
    pub relay: Relay,
    setup: Setup,
    base: Base,
    hooks: RouterTransport,
    config_text: String,
    config: Box<Config>,
    zone: TimeZone,
    relay_url: Url,
    lives: u32,
}

/// What every life of the relay stands on.
struct Base {
    transport: Arc<dyn Transport>,
    random: Arc<dyn Random>,
    faults: Option<FaultInjector>,
    path: PathBuf,
    generation: Arc<dyn GenerationFile>,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Base")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The relay's host, as the vendors know it.
const RELAY_HOST: &str = "relay.test";

/// The host of a vendor, as the relay knows it.
fn host(vendor: &Vendor) -> String {
    format!("{}.test", vendor.name)
}

impl World {
    /// A furnished clinic without people. The database is a file at `path`.
    pub async fn new(setup: Setup, path: &Path) -> Result<Self, String> {
        let clock = Arc::new(ManualClock::new(setup.start));
        let real = Arc::new(ManualClock::new(setup.start));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(setup.seed));
        let procedure: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let zone = Calendar::default_denver().zone().clone();
        let coaches = stage::coaches(&setup.coaches)?;
        let vendors = Vendors::new(&Clinic {
            clock: &procedure,
            random: &random,
            zone: &zone,
            coaches: &coaches,
            told_by: setup.told_by,
            has_crm: setup.has_crm,
        });
        let relay_url = address(&format!("https://{RELAY_HOST}/"))?;
        let furnished = vendors.furnish()?;
        let sections =
            vendors.sections(&furnished, |vendor| format!("https://{}/", host(vendor)))?;
        let staff = Staff {
            ask_first: &setup.ask_first,
            manager: setup.manager.as_ref(),
            tasks_a_day: setup.tasks_a_day,
        };
        let text = (setup.amend)(&clinic::file(&relay_url, path, &sections, staff));
        let config = read_config(&text, &setup, path)?;
        let routers = RouterTransport::new();
        for (vendor, router) in vendors.routers() {
            routers.serve(&host(vendor), router);
        }
        let mut transport: Arc<dyn Transport> = Arc::new(routers);
        let saboteur = setup.sabotage.map(Saboteur::new);
        if let Some(saboteur) = &saboteur {
            transport = saboteur.transport(transport);
        }
        if let Some(put_before) = &setup.on_the_way {
            transport = put_before(transport);
        }
        let faults = saboteur.map(|saboteur| saboteur.faults());
        let clocks = Clocks {
            procedure,
            real: Arc::<ManualClock>::clone(&real) as _,
        };
        let runtime = Base {
            transport,
            random,
            faults,
            path: path.to_owned(),
            generation: generation(&setup, path),
        };
        let relay = runtime.start(&setup, &config, &clocks, 0).await?;
        let hooks = RouterTransport::new();
        hooks.serve(RELAY_HOST, relay.router());
        let world = Self {
            clock,
            real,
            vendors,
            relay,
            setup,
            base: runtime,
            hooks,
            config_text: text,
            config,
            zone,
            relay_url,
            lives: 0,
        };
        world.connect().await?;
        Ok(world)
    }

    /// Tells the vendors where the relay is.
    async fn connect(&self) -> Result<(), String> {
        let outward: Arc<dyn Transport> = Arc::new(self.hooks.clone());
        self.vendors.connect(&outward, &self.relay_url)?;
        let synced = self
            .relay
            .hooks
            .sync(crate::ports::SyncWish::default())
            .await
            .map_err(|error| error.to_string())?;
        match synced.hooks.iter().find(|hook| hook.status != "Verified") {
            None => Ok(()),
            Some(hook) => Err(format!("hook {} is {}", hook.event, hook.status)),
        }
    }

    /// Procedure time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clinic's zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The way to the relay's own routes, as any sender has it.
    pub fn relay_transport(&self) -> &RouterTransport {
        &self.hooks
    }

    /// The address at which the relay is reached there.
    pub fn relay_url(&self) -> &Url {
        &self.relay_url
    }

    /// The configuration as it was read.
    pub fn config_text(&self) -> &str {
        &self.config_text
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.relay.engine.store
    }

    /// Does whatever is due now, at the vendors and in the relay, until nothing is.
    pub async fn settle(&self) -> Result<(), EngineError> {
        loop {
            let delivered = self.vendors.deliver_due().await;
            let ran = dispatcher::drain(&self.relay.engine, None).await?;
            // An exchange that is not as the vendor describes it proves nothing, whatever came of it.
            let mismatches = self.vendors.mismatches();
            if !mismatches.is_empty() {
                let all = mismatches.join("; ");
                return Err(EngineError::Refused(format!("not as described: {all}")));
            }
            if delivered + ran == 0 {
                return Ok(());
            }
        }
    }

    /// The next moment at which something is due, after now.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, EngineError> {
        let jobs = self.store().next_due().await?;
        let now = self.now();
        Ok([jobs, self.vendors.next_due()]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min())
    }

    /// Moves both clocks to `to`, if that is later.
    pub fn jump(&self, to: Timestamp) {
        let now = self.now();
        if to > now {
            self.clock.set(to);
            self.real.advance(to.duration_since(now));
        }
    }

    /// Runs the clinic until `until`.
    pub async fn run_until(&self, until: Timestamp) -> Result<(), EngineError> {
        loop {
            self.settle().await?;
            match self.next_due().await? {
                Some(due) if due <= until => self.jump(due),
                _ => {
                    self.jump(until);
                    return self.settle().await;
                }
            }
        }
    }

    /// Runs the clinic for a while.
    pub async fn run_for(&self, by: SignedDuration) -> Result<(), EngineError> {
        self.run_until(later(self.now(), by)).await
    }

    /// Somebody rewrites the configuration and restarts the relay.
    pub async fn reconfigure(&mut self, amend: impl FnOnce(&str) -> String) -> Result<(), String> {
        self.config_text = amend(&self.config_text);
        self.config = read_config(&self.config_text, &self.setup, &self.base.path)?;
        self.restart().await
    }

    /// The relay dies where it stands (the caller has dropped what it was doing) and is started
    /// again on the same database, without the failpoints that killed it. Its leases end.
    pub async fn restart(&mut self) -> Result<(), String> {
        self.restart_with(Arc::new(NoFailpoints)).await
    }

    /// The same, and the new life has these failpoints: it may die, too.
    pub async fn restart_with(&mut self, failpoints: Arc<dyn Failpoints>) -> Result<(), String> {
        self.has_lived().await?;
        self.start_again(failpoints).await
    }

    /// The relay lived until now, however far the clocks have jumped since it had something to do. Part of
    /// every end but that of a power cut, which is too late for it: there it is for whoever jumps.
    pub async fn has_lived(&self) -> Result<(), String> {
        let counted = generation::count_now_and_then(&self.relay.engine).await;
        counted.map_err(|error| error.to_string())
    }

    async fn start_again(&mut self, failpoints: Arc<dyn Failpoints>) -> Result<(), String> {
        self.lives += 1;
        self.setup.failpoints = failpoints;
        let lease = SignedDuration::try_from(crate::engine::dispatcher::LEASE)
            .unwrap_or(SignedDuration::from_mins(5));
        self.real.advance(lease + SignedDuration::from_secs(1));
        self.relay = self.another().await?;
        self.hooks.replace(RELAY_HOST, self.relay.router());
        dispatcher::rescue(&self.relay.engine)
            .await
            .map_err(|error| error.to_string())?;
        Ok(())
    }

    /// A relay of its own on the same database, as a second process would be.
    pub async fn second(&mut self) -> Result<Relay, String> {
        self.has_lived().await?;
        self.lives += 1;
        self.another().await
    }

    /// A copy of the database as it is now, where nothing is under way: the file and its log.
    pub fn copy(&self, to: &Path) -> Result<(), String> {
        for (name, copied) in files(&self.base.path).iter().zip(files(to)) {
            if name.exists() {
                std::fs::copy(name, copied).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// The relay ends, its database becomes the copy (without one: nothing), and it starts again. What
    /// lies beside the database stays.
    pub async fn forget(&mut self, copy: Option<&Path>) -> Result<(), String> {
        self.lives += 1;
        // Whatever still reads or writes the old file keeps it; the new one is another.
        self.base.path = self
            .base
            .path
            .with_extension(format!("life-{}", self.lives));
        if let Some(copy) = copy {
            for (name, put) in files(copy).iter().zip(files(&self.base.path)) {
                if name.exists() {
                    std::fs::copy(name, put).map_err(|error| error.to_string())?;
                }
            }
        }
        self.start_again(Arc::new(NoFailpoints)).await
    }

    /// The relay dies, and starts again on the database at `path`, with what lies beside that one, and
    /// with these failpoints.
    pub async fn restart_at(
        &mut self,
        path: &Path,
        failpoints: Arc<dyn Failpoints>,
    ) -> Result<(), String> {
        path.clone_into(&mut self.base.path);
        self.base.generation = generation(&self.setup, path);
        self.start_again(failpoints).await
    }

    async fn another(&self) -> Result<Relay, String> {
        let clocks = Clocks {
            procedure: Arc::<ManualClock>::clone(&self.clock) as _,
            real: Arc::<ManualClock>::clone(&self.real) as _,
        };
        self.base
            .start(&self.setup, &self.config, &clocks, self.lives)
            .await
    }
}

/// The file of a database and its log. The index of the log is made anew.
fn files(path: &Path) -> [PathBuf; 2] {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path.to_owned(), PathBuf::from(log)]
}

/// What the database at `path` is counted with.
fn generation(setup: &Setup, path: &Path) -> Arc<dyn GenerationFile> {
    if setup.synced {
        Arc::new(NumberFile::beside(path))
    } else {
        Arc::new(Generation::default())
    }
}

fn read_config(text: &str, setup: &Setup, path: &Path) -> Result<Box<Config>, String> {
    let mut config = clinic::read_config(text).map_err(|error| error.to_string())?;
    config.vendors.keap.watch_minutes = setup.watch_minutes;
    if let Some(rule) = &setup.rule {
        let folder = path.with_extension("procedures");
        clinic::write_procedures(&folder, rule)?;
        config.procedures.missed_check_in.path = Some(folder);
    }
    Ok(Box::new(config))
}

fn address(text: &str) -> Result<Url, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

impl Base {
    async fn start(
        &self,
        setup: &Setup,
        config: &Config,
        clocks: &Clocks,
        life: u32,
    ) -> Result<Relay, String> {
        let options = relay_store_sqlite::Options {
            throw_away: !setup.synced,
            ..relay_store_sqlite::Options::default()
        };
        let store = SqliteStore::open_with(&self.path, options)
            .await
            .map_err(|error| error.to_string())?;
        store.migrate().await.map_err(|error| error.to_string())?;
        let store: Arc<dyn Store> = Arc::new(store);
        let around = setup.around_store.as_ref();
        let runtime = Runtime {
            store: around.map_or_else(|| Arc::clone(&store), |around| around(Arc::clone(&store))),
            transport: Arc::clone(&self.transport),
            clocks: clocks.clone(),
            random: Arc::clone(&self.random),
            failpoints: Arc::clone(&setup.failpoints),
            faults: self.faults.clone(),
            time_scale: 1,
            worker: format!("worker-{life}"),
        };
        let mut relay = wiring::assemble(config, runtime).map_err(|error| error.to_string())?;
        relay.engine = relay.engine.counted_with(Arc::clone(&self.generation));
        start::prepare(&relay.engine)
            .await
            .map_err(|error| error.to_string())?;
        Ok(relay)
    }
}
