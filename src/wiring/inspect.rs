//! What looks at the vendors, for the doctor: one inspector per vendor, from a configuration that
//! need not be whole.
//!
//! How a newcomer adds a check that asks a vendor: a function in the file of its area below
//! `keap/inspect/` or in `clear_connection/inspect.rs`, called in `inspect` there. A check of
//! something that is no vendor of these two (stored grants, a watch over hooks) is an inspector of
//! its own, pushed here.

use std::sync::Arc;

use relay_core::random::SystemRandom;
use relay_core::time::Clocks;
use relay_http_client::Transport;
use relay_store::Store;

use super::Runtime;
use super::clear_connection::ClearConnectionPorts;
use super::clear_connection::inspect::PortalInspector;
use super::keap::connection::KeapConnection;
use super::keap::inspect::{ConnectionInspector, KeapInspector};
use crate::config::{Config, KeyHeader};
use crate::doctor::heard::Heard;
use crate::failpoint::NoFailpoints;
use crate::ports::{Inspect, Portal};

/// Who looks at what is configured. A vendor that is off, or whose address or credential is
/// missing, is not looked at. `store` holds the tokens, where Keap is reached by tokens.
pub fn inspectors(
    config: &Config,
    transport: &Arc<dyn Transport>,
    clocks: &Clocks,
    store: Option<Arc<dyn Store>>,
) -> Vec<Arc<dyn Inspect>> {
    let clock = &clocks.procedure;
    let heard = Arc::new(Heard::new(Arc::clone(transport), Arc::clone(clock)));
    let transport: Arc<dyn Transport> = Arc::<Heard>::clone(&heard) as _;
    let zone = config.calendar.zone().clone();
    let mut inspectors: Vec<Arc<dyn Inspect>> = Vec::new();
    let portal = super::portal_client(config, &transport, clock).ok();
    let coaches = portal.clone().map(|client| -> Arc<dyn Portal> {
        Arc::new(ClearConnectionPorts::new(
            client,
            zone.clone(),
            Arc::clone(clock),
        ))
    });
    if let (Some(client), Some(base)) = (portal, &config.clear_connection.base_url) {
        inspectors.push(Arc::new(PortalInspector {
            client,
            base: base.clone(),
            deputies: config.people.deputies.clone(),
            today: config.calendar.date_of(clock.now()),
            heard: Arc::clone(&heard),
        }));
    }
    // Hooks can be judged only by an address that is right.
    let sure_of_address = !config.gaps().iter().any(|gap| gap.key == "http.public_url");
    let other = match config.keap.header {
        KeyHeader::Bearer => KeyHeader::ApiKey,
        KeyHeader::ApiKey => KeyHeader::Bearer,
    };
    let connection = keap_connection(config, &transport, clocks, store);
    inspectors.extend(
        connection
            .clone()
            .map(|connection| -> Arc<dyn Inspect> { Arc::new(ConnectionInspector(connection)) }),
    );
    if let Some(connection) = connection {
        inspectors.push(Arc::new(KeapInspector {
            client: Arc::clone(connection.client()),
            other_way: connection.in_header(&config.keap, other, &transport, clock),
            other,
            config: config.keap.clone(),
            hook_url: super::hook_paths(config)
                .and_then(|paths| paths.url())
                .filter(|_| sure_of_address),
            public_url: config.http.public_url.clone(),
            coaches,
            zone,
            now: clock.now(),
            heard,
        }));
    }
    inspectors
}

/// The way to Keap. Tokens are kept in the database: without one there is nothing to look with.
fn keap_connection(
    config: &Config,
    transport: &Arc<dyn Transport>,
    clocks: &Clocks,
    store: Option<Arc<dyn Store>>,
) -> Option<Arc<KeapConnection>> {
    let connection = match store {
        Some(store) => {
            let ground = Runtime {
                store,
                transport: Arc::clone(transport),
                clocks: clocks.clone(),
                random: Arc::new(SystemRandom),
                failpoints: Arc::new(NoFailpoints),
                faults: None,
                time_scale: 1,
                worker: format!("doctor-{}", std::process::id()),
            };
            KeapConnection::new(config, &ground, Arc::clone(transport))
        }
        None => KeapConnection::by_key(&config.keap, Arc::clone(transport), &clocks.procedure),
    };
    connection.ok().map(Arc::new)
}
