//! The only place that names vendors: one file per vendor, each implementing what
//! [`ports`](crate::ports) and [`receipts`](crate::receipts) ask for with that vendor's client,
//! and [`assemble`], which puts a relay together from a checked configuration.

pub mod clear_connection;
pub mod inspect;
pub mod keap;
pub mod procedures;
pub mod store;

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
use relay_keap::{ContactTypeField, CustomFieldsMode, HeaderStyle, KeapClient, Settings};
use relay_store::Store;
use secrecy::ExposeSecret as _;
use thiserror::Error;
use tokio::sync::Notify;

use crate::checkpoint::Checkpoints;
use crate::config::{self, Config, VendorMode};
use crate::effects::{Perform, ThroughPorts};
use crate::engine::{Engine, Parts, People};
use crate::http::{self, HttpState, Limits};
use crate::ports::{HookRegistry, Ports};
use crate::receipts::{Counters, Receiver, Source};
use clear_connection::{ClearConnectionPorts, ClearConnectionSource};
use keap::{CoachingPlans, KeapHooks, KeapPorts, KeapSource};

/// Stands in for what carries effects out. Only the sandbox and tests make one.
pub type Spoil = Arc<dyn Fn(Arc<dyn Perform>) -> Arc<dyn Perform> + Send + Sync>;

/// What a relay stands on besides its configuration.
pub struct Ground {
    /// The database, migrated.
    pub store: Arc<dyn Store>,
    /// The way to the vendors.
    pub transport: Arc<dyn Transport>,
    /// The two clocks.
    pub clocks: Clocks,
    /// Ids, jitter, secrets.
    pub random: Arc<dyn Random>,
    /// Told of every place the flow passes.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// What spoils effects, if anything does.
    pub spoil: Option<Spoil>,
    /// Seconds of procedure time in a real second; 1 except in a sandbox.
    pub time_scale: u32,
    /// The name this process leases under.
    pub worker: String,
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground")
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
    receiver: Receiver,
}

impl Relay {
    /// The routes, in a state of their own.
    pub fn router(&self) -> Router {
        let state = HttpState::new(
            self.receiver.clone(),
            self.engine.sources.clone(),
            Arc::clone(&self.engine.clocks.real),
            Limits::default(),
        );
        http::router(state)
    }
}

/// Puts a relay together.
pub fn assemble(config: &Config, ground: Ground) -> Result<Relay, AssembleError> {
    let wake = Arc::new(Notify::new());
    let (transport, clock) = (&ground.transport, &ground.clocks.procedure);
    let portal = portal_client(config, transport, clock)?;
    let keap = Arc::new(keap_client(config, config.keap.header, transport, clock)?);
    let sources = sources(config)?;
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
    let ports = Ports {
        portal: Arc::new(ClearConnectionPorts::new(portal, zone, Arc::clone(clock))),
        contacts: Arc::clone(&crm) as _,
        mail: Arc::clone(&crm) as _,
        tasks: Arc::clone(&crm) as _,
        notes: Arc::clone(&crm) as _,
        tags: Arc::clone(&crm) as _,
        billing: Arc::clone(&crm) as _,
        staff: crm,
    };
    let mut perform: Arc<dyn Perform> = Arc::new(ThroughPorts::new(ports.clone()));
    if let Some(spoil) = &ground.spoil {
        perform = spoil(perform);
    }
    let receiver = Receiver {
        store: Arc::clone(&ground.store),
        clock: Arc::clone(clock),
        random: Arc::clone(&ground.random),
        wake: Arc::clone(&wake),
        checkpoints: Arc::clone(&ground.checkpoints),
        counters: Arc::new(Counters::default()),
    };
    let book = procedures::book(config).map_err(|problem| setting("procedures", problem))?;
    let engine = Engine::new(Parts {
        store: ground.store,
        ports,
        perform,
        book: Arc::new(book),
        sources,
        calendar: config.calendar.clone(),
        clocks: ground.clocks,
        random: ground.random,
        people: people(config),
        retry: RetryPolicy::standard(),
        contact_gap: SignedDuration::from_hours(config.procedures.hours_between_cases.into()),
        probes: ProbeSchedule::standard(),
        checkpoints: ground.checkpoints,
        wake,
        worker: ground.worker,
        time_scale: ground.time_scale,
    });
    let hooks = Arc::new(KeapHooks::new(keap, hook_url(config)));
    Ok(Relay {
        engine,
        hooks,
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

fn keap_client(
    config: &Config,
    header: config::KeyHeader,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> Result<KeapClient, AssembleError> {
    let keap = &config.keap;
    let (VendorMode::On, Some(key)) = (keap.mode, &keap.key) else {
        return Err(AssembleError::Off { vendor: "keap" });
    };
    let settings = Settings {
        base: keap.base_url.clone(),
        key: key.clone(),
        header: match header {
            config::KeyHeader::Bearer => HeaderStyle::Bearer,
            config::KeyHeader::ApiKey => HeaderStyle::ApiKey,
        },
        custom_fields: match keap.custom_fields_mode {
            config::CustomFieldsMode::Full => CustomFieldsMode::Full,
            config::CustomFieldsMode::Single => CustomFieldsMode::Single,
            config::CustomFieldsMode::V1Single => CustomFieldsMode::V1Single,
        },
        contact_type: ContactTypeField {
            id: keap.contact_type_field.id.clone(),
            tab: keap.contact_type_field.tab.clone(),
            label: keap.contact_type_field.name.clone(),
        },
    };
    let (transport, clock) = (Arc::clone(transport), Arc::clone(clock));
    KeapClient::new(transport, clock, settings).map_err(|problem| setting("keap", problem))
}

fn sources(config: &Config) -> Result<Vec<Arc<dyn Source>>, AssembleError> {
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
    let secrets = PathSecrets::new(
        config
            .keap
            .hook_secrets
            .iter()
            .map(|(id, secret)| (id.clone(), secret.clone())),
    );
    Ok(vec![
        Arc::new(ClearConnectionSource::new(keys, fields, zone)),
        Arc::new(KeapSource::new(secrets)),
    ])
}

/// Where the CRM is to send its hooks: the public address, the route and the first secret.
fn hook_url(config: &Config) -> Option<url::Url> {
    let base = config.http.public_url.as_ref()?;
    let (_, secret) = config.keap.hook_secrets.iter().next()?;
    base.join(&format!("hooks/keap/{}", secret.expose_secret()))
        .ok()
}
