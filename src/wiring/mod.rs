//! Where vendors are put together (other shared files that name one are listed, with the reason, in
//! `tests/it/vendors.rs`): a folder for each, which implements what
//! [`ports`](crate::ports) and [`receipts`](crate::receipts) ask for with that vendor's client and makes
//! one [`Vendor`]; the list of them, [`VENDORS`]; and [`assemble`], which puts a relay together from a
//! checked configuration.
//!
//! Whoever has to do with every vendor loops over the list: wiring, rate limits, the doctor, `init`, the
//! sandbox, casts, and the page of the demo. Rules: two vendors never provide the same port, and a port
//! that nobody provides is refused by its name when a relay is put together; but for those of the CRM, all of which
//! refuse each call where none is on (`ports::NoCrm`). Who is expected and who has
//! checked in is told by one vendor (`VendorSection::tells_check_ins`), which fills the portal's port. Not
//! guaranteed: that the procedures can do without anybody who tells that; `serve` refuses.
//!
//! # How a newcomer adds a vendor
//!
//! New folders, and at most ten lines in shared files. NAME is its folder (`text-line`), MODULE the same
//! with underscores. `tests/vendor_sample/` is a vendor that was added so, in the least that is needed (the
//! suite compares its lines; it is built by command only); `tests/remove_vendor.sh` takes one out again.
//!
//! New:
//! 1. `adapters/NAME/`: the client, with `VENDOR`, its name in jobs, errors and commands. One attempt a call,
//!    failures classified (`relay_http_client::classify`), `webhook`, `emulator` behind the feature of that
//!    name, made of the kit (`relay_http_client::emulation` says how), `tests/contract.rs`, `examples/probe.rs`
//!    (named `MODULE_probe` in its `Cargo.toml`), `README.md` with the source of each fact. `fixtures/NAME/`: what
//!    was recorded, people invented.
//! 2. `adapters/NAME/quality.toml`: `names`, and an answer to each rule of `tests/it/vendor_quality.toml`.
//! 3. `src/config/MODULE/mod.rs`: `CRATE`, `EXAMPLE` with every key, the section, its `VendorSection`.
//! 4. `src/wiring/MODULE/`: `VENDOR`, what it provides, `emulated.rs` (an [`Emulated`](emulated::Emulated)),
//!    and where it has them `inspect.rs` and `panel.rs`.
//! 5. `fuzz/src/targets/MODULE/mod.rs`: `VENDOR` with a target for each parser, and its `fuzzed!` tests;
//!    `fuzz/corpus/TARGET/`: three seeds or more.
//!
//! Lines in shared files:
//! 1. `Cargo.toml`: `relay-NAME` under `[workspace.dependencies]`, and under `[dependencies]` with its
//!    emulator; `fuzz/Cargo.toml`: `relay-NAME`.
//! 2. `src/config/mod.rs`: `mod MODULE;`. `src/config/vendors.rs`: the section in the list, with a line of
//!    documentation.
//! 3. Here: `pub mod MODULE;`, and the line in [`VENDORS`].
//! 4. `fuzz/src/targets/mod.rs`: `pub mod MODULE;`, and the line in `VENDORS`.
//!
//! Then `clear-relay.example.toml`, which a test compares with the sections' examples (yours stands before
//! `[procedures`), and `Cargo.lock`.
//!
//! What else names a port and not a vendor, for one that is called by effects: a side of the world in
//! `relay_core::effects::Port`, the port's trait in `src/ports/` and its member of `Ports`, its place in
//! `wiring/ports.rs` and in `tests/it/engine/rig.rs`, and the effect kinds (`core/src/effects/kind.rs` has their
//! list). Such a port is needed by every relay: while its vendor is off it is provided all the same, by
//! something that refuses each call, and it stays behind when the vendor is taken out. A second vendor with
//! subscriptions to webhooks of its own (`HookRegistry`) has no place yet.

pub mod check_ins;
pub mod clear_connection;
mod connections;
pub mod emulated;
pub mod generation;
pub mod inspect;
pub mod keap;
pub mod limits;
mod ports;
pub mod procedures;
mod runtime;
pub mod store;
pub mod vendor;
mod watched;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use connections::AllConnections;
use ports::PortSet;
use relay_core::retry::{ProbeSchedule, RetryPolicy};
use relay_core::time::SignedDuration;
use tokio::sync::Notify;
use vendor::{Vendor, Wiring};

use crate::config::Config;
use crate::effects::{Perform, ThroughPorts};
use crate::engine::{Engine, EngineParts, People, jobs};
use crate::http::{self, HttpState, Limits};
use crate::ports::{Authorize, HookRegistry, Ports};
use crate::rate_limit::RateLimiter;
use crate::receipts::{Counters, Receiver, Source};
use crate::telemetry::LogThrottle;

pub(crate) use runtime::setting;
pub use runtime::{AssembleError, FaultInjector, Runtime};

/// Every vendor there is. What people read in lists is in this order.
pub const VENDORS: &[&Vendor] = &[
    // A line each.
    &keap::VENDOR,
    &clear_connection::VENDOR,
    &check_ins::VENDOR,
];

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// A relay, put together.
#[derive(Debug, Clone)]
pub struct Relay {
    /// What takes in, decides and acts.
    pub engine: Engine,
    /// The subscriptions at the CRM.
    pub hooks: Arc<dyn HookRegistry>,
    /// The connections that a person makes by agreeing on a vendor's page.
    pub authorize: Vec<Arc<dyn Authorize>>,
    /// Bounds the log lines that somebody outside can provoke.
    pub log_throttle: Arc<LogThrottle>,
    /// What strangers may take up.
    pub limits: Limits,
    receiver: Receiver,
}

impl Relay {
    /// The routes, in a state of their own.
    pub fn router(&self) -> Router {
        let state = HttpState::new(
            self.receiver.clone(),
            self.engine.sources.clone(),
            Arc::clone(&self.engine.clocks.real),
            self.limits,
        )
        .with_authorize(self.authorize.clone());
        http::router(state)
    }
}

/// Puts a relay together.
pub fn assemble(config: &Config, runtime: Runtime) -> Result<Relay, AssembleError> {
    let wake = Arc::new(Notify::new());
    let limiter = limits::limiter(VENDORS, config, &runtime);
    let all = everything(config, &runtime, &limiter)?;
    let hooks = Arc::clone(&all.ports.hooks);
    let mut perform: Arc<dyn Perform> = Arc::new(ThroughPorts::new(all.ports.clone()));
    if let Some(inject) = &runtime.faults {
        perform = inject(perform);
    }
    let receiver = Receiver {
        store: Arc::clone(&runtime.store),
        clock: Arc::clone(&runtime.clocks.procedure),
        real: Arc::clone(&runtime.clocks.real),
        random: Arc::clone(&runtime.random),
        wake: Arc::clone(&wake),
        failpoints: Arc::clone(&runtime.failpoints),
        counters: Arc::new(Counters::default()),
        log_throttle: Arc::new(LogThrottle::new(Arc::clone(&runtime.clocks.real))),
    };
    let registry =
        procedures::registry(config).map_err(|problem| setting("procedures", problem))?;
    let engine = Engine::new(EngineParts {
        store: runtime.store,
        ports: all.ports,
        perform,
        limiter,
        registry: Arc::new(registry),
        jobs: jobs::spec,
        sources: all.sources,
        calendar: config.calendar.clone(),
        clocks: runtime.clocks,
        random: runtime.random,
        people: people(config),
        retry: RetryPolicy::standard(),
        incidents: config.incidents,
        contact_gap: SignedDuration::from_hours(config.procedures.hours_between_cases.into()),
        probes: ProbeSchedule::standard(),
        failpoints: runtime.failpoints,
        wake,
        worker: runtime.worker,
        time_scale: runtime.time_scale,
        poll_opens: all.poll_opens,
        list_silence: all.list_silence,
        check_in_list: all.check_in_list,
    });
    Ok(Relay {
        engine,
        hooks,
        authorize: all.authorize,
        log_throttle: Arc::clone(&receiver.log_throttle),
        limits: config.http.limits,
        receiver,
    })
}

/// What all vendors bring into a relay.
struct Everything {
    ports: Ports,
    sources: Vec<Arc<dyn Source>>,
    authorize: Vec<Arc<dyn Authorize>>,
    poll_opens: Option<SignedDuration>,
    list_silence: Option<SignedDuration>,
    check_in_list: Option<SignedDuration>,
}

fn everything(
    config: &Config,
    runtime: &Runtime,
    limiter: &Arc<RateLimiter>,
) -> Result<Everything, AssembleError> {
    let wiring = Wiring {
        config,
        runtime,
        limiter,
    };
    let mut ports = PortSet::default();
    let mut connections = AllConnections::default();
    let (mut sources, mut authorize) = (Vec::new(), Vec::new());
    let (mut poll_opens, mut list_silence, mut check_in_list) = (None, None, None);
    for vendor in VENDORS {
        let provided = (vendor.provide)(&wiring)?;
        ports.add(provided.ports)?;
        sources.extend(provided.sources);
        let connection = provided.connections.into_iter();
        connections
            .0
            .extend(connection.map(|one| (vendor.name, one)));
        authorize.extend(provided.authorize);
        poll_opens = poll_opens.or(provided.poll_opens);
        list_silence = list_silence.or(provided.list_silence);
        check_in_list = check_in_list.or(provided.check_in_list);
    }
    Ok(Everything {
        ports: watched::watched(ports.whole(Arc::new(connections))?),
        sources,
        authorize,
        poll_opens,
        list_silence,
        check_in_list,
    })
}

/// Where every vendor's webhooks are let in, by a configuration and over `runtime`: what the routes need,
/// without a worker.
pub fn sources(config: &Config, runtime: &Runtime) -> Result<Vec<Arc<dyn Source>>, AssembleError> {
    let limiter = limits::limiter(VENDORS, config, runtime);
    Ok(everything(config, runtime, &limiter)?.sources)
}

fn people(config: &Config) -> People {
    let defaults = People::default();
    People {
        admin: config.people.admin.clone().unwrap_or(defaults.admin),
        manager_user: config.people.program_manager_user.clone(),
        program_manager: config
            .people
            .program_manager
            .clone()
            .unwrap_or(defaults.program_manager),
        coach_channel: config.people.coach_channel,
        coach_tasks_a_day: config.people.coach_tasks_a_day,
        deputies: config
            .people
            .deputies
            .iter()
            .map(|(coach, deputy)| (coach.as_str().into(), deputy.as_str().into()))
            .collect(),
        messages_while_away: config.people.messages_while_away,
        client_page: config.people.client_page.clone(),
        act_for: config.procedures.missed_check_in.act_for.clone(),
        ask_first: config.procedures.missed_check_in.ask_first.clone(),
    }
}
