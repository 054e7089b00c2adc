//! The only place that names vendors: one file per vendor, each implementing what
//! [`ports`](crate::ports) and [`receipts`](crate::receipts) ask for with that vendor's client,
//! and [`assemble`], which puts a relay together from a checked configuration.

pub mod clear_connection;
mod connections;
pub mod emulated;
pub mod generation;
pub mod inspect;
pub mod keap;
pub mod limits;
mod ports;
pub mod procedures;
pub mod store;
pub mod vendor;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use relay_core::random::Random;
use relay_core::retry::{ProbeSchedule, RetryPolicy};
use relay_core::time::{Clocks, SignedDuration};
use relay_http_client::Transport;
use relay_store::Store;
use thiserror::Error;
use tokio::sync::Notify;

use crate::config::Config;
use crate::effects::{Perform, ThroughPorts};
use crate::engine::{Engine, Parts, People};
use crate::failpoint::Failpoints;
use crate::http::{self, HttpState, Limits};
use crate::ports::{Authorize, HookRegistry, Ports};
use crate::rate_limit::RateLimiter;
use crate::receipts::{Counters, Receiver, Source};
use crate::telemetry::Repeats;
use connections::AllConnections;
use ports::PortSet;
use vendor::{Vendor, Wiring};

/// Every vendor there is. What people read in lists is in this order.
pub const VENDORS: &[&Vendor] = &[&keap::VENDOR, &clear_connection::VENDOR];

/// Stands in for what carries effects out. Only the sandbox and tests make one.
pub type FaultInjector = Arc<dyn Fn(Arc<dyn Perform>) -> Arc<dyn Perform> + Send + Sync>;

/// What a relay stands on besides its configuration.
pub struct Runtime {
    /// The database, migrated.
    pub store: Arc<dyn Store>,
    /// The way to the vendors.
    pub transport: Arc<dyn Transport>,
    /// The two clocks.
    pub clocks: Clocks,
    /// Ids, jitter, secrets.
    pub random: Arc<dyn Random>,
    /// Told of every place the flow passes.
    pub failpoints: Arc<dyn Failpoints>,
    /// What makes effects fail on purpose, in a sandbox or a test.
    pub faults: Option<FaultInjector>,
    /// Seconds of procedure time in a real second; 1 except in a sandbox.
    pub time_scale: u32,
    /// The name this process leases under.
    pub worker: String,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// Why a relay can't be put together.
#[derive(Debug, Error)]
pub enum AssembleError {
    /// The vendor is needed, and off: the procedures read it or act on it.
    #[error(
        "{vendor}.mode is \"off\": a missed check-in can't be followed up without it; set it to \"on\""
    )]
    Off {
        /// Which.
        vendor: &'static str,
    },
    /// Nobody provides what the procedures need.
    #[error(
        "no vendor that is on provides {port}: a missed check-in can't be followed up without it"
    )]
    Nobody {
        /// What.
        port: &'static str,
    },
    /// Two vendors provide the same.
    #[error("two vendors that are on provide {port}: set the mode of one to \"off\"")]
    Twice {
        /// What.
        port: &'static str,
    },
    /// A setting that was checked alone doesn't work with the rest.
    #[error("{key}: {problem}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
}

fn setting(key: &'static str, problem: impl fmt::Display) -> AssembleError {
    AssembleError::Setting {
        key,
        problem: problem.to_string(),
    }
}

/// A relay, put together.
#[derive(Debug, Clone)]
pub struct Relay {
    /// What works.
    pub engine: Engine,
    /// The subscriptions at the CRM.
    pub hooks: Arc<dyn HookRegistry>,
    /// The connections that a person makes by agreeing on a vendor's page.
    pub authorize: Vec<Arc<dyn Authorize>>,
    /// Bounds the log lines that somebody outside can provoke.
    pub repeats: Arc<Repeats>,
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
pub fn assemble(config: &Config, ground: Runtime) -> Result<Relay, AssembleError> {
    let wake = Arc::new(Notify::new());
    let limiter = limits::limiter(config, &ground);
    let all = everything(config, &ground, &limiter)?;
    let hooks = Arc::clone(&all.ports.hooks);
    let mut perform: Arc<dyn Perform> = Arc::new(ThroughPorts::new(all.ports.clone()));
    if let Some(inject) = &ground.faults {
        perform = inject(perform);
    }
    let receiver = Receiver {
        store: Arc::clone(&ground.store),
        clock: Arc::clone(&ground.clocks.procedure),
        real: Arc::clone(&ground.clocks.real),
        random: Arc::clone(&ground.random),
        wake: Arc::clone(&wake),
        failpoints: Arc::clone(&ground.failpoints),
        counters: Arc::new(Counters::default()),
        repeats: Arc::new(Repeats::new(Arc::clone(&ground.clocks.real))),
    };
    let book = procedures::book(config).map_err(|problem| setting("procedures", problem))?;
    let engine = Engine::new(Parts {
        store: ground.store,
        ports: all.ports,
        perform,
        limiter,
        book: Arc::new(book),
        sources: all.sources,
        calendar: config.calendar.clone(),
        clocks: ground.clocks,
        random: ground.random,
        people: people(config),
        retry: RetryPolicy::standard(),
        contact_gap: SignedDuration::from_hours(config.procedures.hours_between_cases.into()),
        probes: ProbeSchedule::standard(),
        failpoints: ground.failpoints,
        wake,
        worker: ground.worker,
        time_scale: ground.time_scale,
        poll_opens: all.poll_opens,
    });
    Ok(Relay {
        engine,
        hooks,
        authorize: all.authorize,
        repeats: Arc::clone(&receiver.repeats),
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
}

fn everything(
    config: &Config,
    ground: &Runtime,
    limiter: &Arc<RateLimiter>,
) -> Result<Everything, AssembleError> {
    let wiring = Wiring {
        config,
        ground,
        limiter,
    };
    let mut ports = PortSet::default();
    let mut connections = AllConnections::default();
    let (mut sources, mut authorize, mut poll_opens) = (Vec::new(), Vec::new(), None);
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
    }
    Ok(Everything {
        ports: ports.whole(Arc::new(connections))?,
        sources,
        authorize,
        poll_opens,
    })
}

/// Where every vendor's webhooks are let in, by a configuration and over `ground`: what the routes need,
/// without a worker.
pub fn sources(config: &Config, ground: &Runtime) -> Result<Vec<Arc<dyn Source>>, AssembleError> {
    let limiter = limits::limiter(config, ground);
    Ok(everything(config, ground, &limiter)?.sources)
}

fn people(config: &Config) -> People {
    let defaults = People::default();
    People {
        admin: config.people.admin.clone().unwrap_or(defaults.admin),
        program_manager: config
            .people
            .program_manager
            .clone()
            .unwrap_or(defaults.program_manager),
    }
}
