//! The only place that names vendors: one file per vendor, each implementing what
//! [`ports`](crate::ports) and [`receipts`](crate::receipts) ask for with that vendor's client,
//! and [`assemble`], which puts a relay together from a checked configuration.

pub mod clear_connection;
pub mod generation;
pub mod inspect;
pub mod keap;
pub mod limits;
pub mod procedures;
pub mod store;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use relay_clear_connection::webhook::{FieldMap, KeyRing, WebhookKey};
use relay_clear_connection::{Capabilities, PortalClient};
use relay_core::random::Random;
use relay_core::retry::{ProbeSchedule, RetryPolicy};
use relay_core::time::{Clock, Clocks, SignedDuration};
use relay_http_client::Transport;
use relay_keap::webhook::PathSecrets;
use relay_store::Store;
use secrecy::SecretString;
use thiserror::Error;
use tokio::sync::Notify;

use crate::config::{self, Config, VendorMode};
use crate::effects::{Perform, ThroughPorts};
use crate::engine::jobs;
use crate::engine::{Engine, Parts, People};
use crate::failpoint::Failpoints;
use crate::http::{self, HttpState, Limits};
use crate::ports::{Authorize, HookRegistry, Ports};
use crate::receipts::{Counters, Receiver, Source};
use crate::telemetry::Repeats;
use clear_connection::{ClearConnectionPorts, ClearConnectionSource};
use keap::connection::KeapConnection;
use keap::hooks::Doors;
use keap::{
    AutomationSource, ClosedPaths, CoachingPlans, HookPaths, KeapHooks, KeapPorts, KeapSource,
};

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
    /// Both vendors are needed: the procedure reads one and acts on both.
    #[error(
        "{vendor}.mode is \"off\": a missed check-in can't be followed up without it; set it to \"on\""
    )]
    Off {
        /// Which.
        vendor: &'static str,
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
    let clock = &ground.clocks.procedure;
    let portal = portal_client(config, &limits::to_portal(config, &ground, &limiter), clock)?;
    let to_keap = limits::to_keap(config, &ground, &limiter);
    let connection = Arc::new(KeapConnection::new(config, &ground, to_keap)?);
    let keap = Arc::clone(connection.client());
    let closed = ClosedPaths::default();
    let sources = sources(config, &closed)?;
    let zone = config.calendar.zone().clone();
    let coaching = CoachingPlans {
        products: config.keap.coaching.product_ids.iter().cloned().collect(),
        plans: config.keap.coaching.plan_ids.iter().cloned().collect(),
    };
    let crm = Arc::new(KeapPorts::new(
        Arc::clone(&keap),
        coaching,
        Arc::clone(clock),
    ));
    let hooks: Arc<dyn HookRegistry> = Arc::new(KeapHooks::new(
        keap,
        Doors {
            paths: hook_paths(config),
            secrets: path_secrets(&config.keap.hook_secrets),
            closed,
        },
        SignedDuration::from_mins(i64::from(config.keap.watch_minutes)),
        Arc::clone(&ground.store),
        Arc::clone(&ground.clocks.real),
    ));
    let ports = Ports {
        portal: Arc::new(ClearConnectionPorts::new(portal, zone, Arc::clone(clock))),
        contacts: Arc::clone(&crm) as _,
        mail: Arc::clone(&crm) as _,
        addresses: Arc::clone(&crm) as _,
        tasks: Arc::clone(&crm) as _,
        notes: Arc::clone(&crm) as _,
        tags: Arc::clone(&crm) as _,
        billing: Arc::clone(&crm) as _,
        staff: crm,
        connections: Arc::clone(&connection) as _,
        hooks: Arc::clone(&hooks),
    };
    let mut perform: Arc<dyn Perform> = Arc::new(ThroughPorts::new(ports.clone()));
    if let Some(inject) = &ground.faults {
        perform = inject(perform);
    }
    let receiver = Receiver {
        store: Arc::clone(&ground.store),
        clock: Arc::clone(clock),
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
        ports,
        perform,
        limiter,
        book: Arc::new(book),
        jobs: jobs::spec,
        sources,
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
        poll_opens: config.keap.poll_opens,
    });
    Ok(Relay {
        engine,
        hooks,
        authorize: vec![connection],
        repeats: Arc::clone(&receiver.repeats),
        limits: config.http.limits,
        receiver,
    })
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

fn portal_client(
    config: &Config,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> Result<PortalClient, AssembleError> {
    let off = AssembleError::Off {
        vendor: "clear_connection",
    };
    let portal = &config.clear_connection;
    match (portal.mode, &portal.base_url, &portal.token) {
        (VendorMode::On, Some(base), Some(token)) => {
            let (transport, clock) = (Arc::clone(transport), Arc::clone(clock));
            let client = PortalClient::new(transport, base.clone(), token.clone(), clock);
            Ok(client.with_capabilities(capabilities(portal.capabilities)))
        }
        _ => Err(off),
    }
}

fn capabilities(config: config::PortalCapabilities) -> Capabilities {
    Capabilities {
        events: config.events,
        messages: config.messages,
        message_read: config.message_read,
        notes: config.notes,
        end_program: config.end_program,
        documents: config.documents,
    }
}

fn sources(config: &Config, closed: &ClosedPaths) -> Result<Vec<Arc<dyn Source>>, AssembleError> {
    let portal = &config.clear_connection;
    let keys = portal
        .webhook_keys
        .iter()
        .map(|(id, secret)| WebhookKey::new(id, secret))
        .collect::<Result<Vec<_>, _>>()
        .and_then(KeyRing::new)
        .map_err(|problem| setting("clear_connection.webhook_keys", problem))?;
    let fields = FieldMap::new(portal.fields.clone())
        .map_err(|problem| setting("clear_connection.fields", problem))?;
    let zone = config.calendar.zone().clone();
    let secrets = path_secrets(&config.keap.hook_secrets);
    let automation = path_secrets(&config.keap.automation_secrets);
    Ok(vec![
        Arc::new(ClearConnectionSource::new(keys, fields, zone)),
        Arc::new(KeapSource::new(secrets, closed.clone())),
        Arc::new(AutomationSource::new(automation)),
    ])
}

fn path_secrets(secrets: &BTreeMap<String, SecretString>) -> PathSecrets {
    let pairs = secrets.iter();
    PathSecrets::new(pairs.map(|(id, secret)| (id.clone(), secret.clone())))
}

/// Where the CRM is to send its hooks: the public address, the route, the current secret.
fn hook_paths(config: &Config) -> Option<HookPaths> {
    let public = config.http.public_url.as_ref()?;
    let current = config.keap.current_hook_secret()?;
    HookPaths::new(public, config.keap.hook_secrets.clone(), current)
}
