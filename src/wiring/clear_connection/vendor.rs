//! Clear Connection as one value of the list of vendors.

use std::sync::Arc;

use relay_clear_connection::webhook::{FieldMap, KeyRing, WebhookKey};
use relay_clear_connection::{Capabilities, PortalClient};
use relay_core::effects::Port;
use relay_core::time::Clock;
use relay_http_client::Transport;

use super::inspect::PortalInspector;
use super::{ClearConnectionPorts, ClearConnectionSource, emulated};
use crate::config::{self, Config, VendorMode, VendorSection as _};
use crate::ports::{Inspect, Portal};
use crate::receipts::Source;
use crate::wiring::emulated::{Emulation, ToldBy};
use crate::wiring::ports::PortSet;
use crate::wiring::vendor::{Form, InspectionContext, NewSecret, Provided, Secret, Vendor, Wiring};
use crate::wiring::{AssembleError, setting};

/// Clear Connection.
pub const VENDOR: Vendor = Vendor {
    name: relay_clear_connection::VENDOR,
    title: "Clear Connection",
    port: Some(Port::Portal),
    settings: |config| &config.vendors.clear_connection,
    read_quota: None,
    provide,
    inspectors,
    portal,
    form: Form {
        changes: &[
            ("[clear_connection]", "mode = \"off\"", "mode = \"on\""),
            (
                "[clear_connection]",
                "#token_file = \"secrets/portal-token\"",
                "token_file = \"secrets/portal-token\"",
            ),
            (
                "[clear_connection.webhook_keys]",
                "#a_file = \"secrets/portal-webhook-a\"",
                "a_file = \"secrets/portal-webhook-a\"",
            ),
        ],
        secrets: &[
            NewSecret {
                file: "portal-token",
                what: "empty: the token that the portal's team makes",
                content: Secret::OfVendor,
            },
            NewSecret {
                file: "portal-webhook-a",
                what: "made: the key that signs the portal's events; the portal's team needs it",
                content: Secret::WebhookKey,
            },
        ],
    },
    emulation: Emulation {
        folder: "clear-connection",
        base: "",
        only_where: Some(ToldBy::Portal),
        off: |_| None,
        start: emulated::start,
    },
};

fn provide(wiring: &Wiring<'_>) -> Result<Provided, AssembleError> {
    if !wiring.config.vendors.clear_connection.is_on() {
        return Ok(Provided::default());
    }
    let transport = wiring.transport(&VENDOR);
    let client = client(wiring.config, &transport, wiring.clock())?;
    let zone = wiring.config.calendar.zone().clone();
    let portal = ClearConnectionPorts::new(client, zone, Arc::clone(wiring.clock()));
    Ok(Provided {
        ports: PortSet {
            portal: Some(Arc::new(portal)),
            ..PortSet::default()
        },
        sources: vec![source(wiring.config)?],
        ..Provided::default()
    })
}

fn client(
    config: &Config,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> Result<PortalClient, AssembleError> {
    let off = AssembleError::Off {
        vendor: "clear_connection",
    };
    let portal = &config.vendors.clear_connection;
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

fn source(config: &Config) -> Result<Arc<dyn Source>, AssembleError> {
    let portal = &config.vendors.clear_connection;
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
    Ok(Arc::new(ClearConnectionSource::new(keys, fields, zone)))
}

fn portal(context: &InspectionContext<'_>) -> Option<Arc<dyn Portal>> {
    let clock = &context.clocks.procedure;
    let client = client(context.config, context.transport, clock).ok()?;
    let zone = context.config.calendar.zone().clone();
    Some(Arc::new(ClearConnectionPorts::new(
        client,
        zone,
        Arc::clone(clock),
    )))
}

fn inspectors(context: &InspectionContext<'_>) -> Vec<Arc<dyn Inspect>> {
    let config = context.config;
    let clock = &context.clocks.procedure;
    let client = client(config, context.transport, clock).ok();
    let base = config.vendors.clear_connection.base_url.clone();
    let inspector = client.zip(base).map(|(client, base)| PortalInspector {
        client,
        base,
        deputies: config.people.deputies.clone(),
        act_for: config.procedures.missed_check_in.acts_for(),
        today: config.calendar.date_of(clock.now()),
        heard: Arc::clone(context.heard),
    });
    let inspectors = inspector.into_iter();
    inspectors
        .map(|inspector| Arc::new(inspector) as _)
        .collect()
}
