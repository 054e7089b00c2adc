//! How much each vendor may be asked, and who watches its calls.

use std::sync::Arc;

use relay_core::effects::Port;
use relay_http_client::{Metered, Transport};
use url::Url;

use super::Runtime;
use crate::config::{Config, is_loopback};
use crate::rate_limit::{RateLimiter, ReadQuota, Vendor, VendorMeter};

/// Keap's name in tables, notes and the log.
pub const KEAP: &str = relay_keap::VENDOR;
/// Clear Connection's name in tables, notes and the log.
pub const CLEAR_CONNECTION: &str = relay_clear_connection::VENDOR;

/// Every vendor that is paced, with what it is granted.
pub fn vendors(config: &Config) -> Vec<Vendor> {
    vec![
        Vendor {
            port: Port::Crm,
            name: KEAP,
            limits: config.keap.limits.limits,
        },
        Vendor {
            port: Port::Portal,
            name: CLEAR_CONNECTION,
            limits: config.clear_connection.limits.limits,
        },
    ]
}

/// The pace of all of them.
pub(super) fn limiter(config: &Config, ground: &Runtime) -> Arc<RateLimiter> {
    Arc::new(RateLimiter::new(
        vendors(config),
        Arc::clone(&ground.store),
        ground.clocks.clone(),
        Arc::clone(&ground.random),
    ))
}

/// The way to Keap.
pub(super) fn to_keap(
    config: &Config,
    ground: &Runtime,
    pacer: &Arc<RateLimiter>,
) -> Arc<dyn Transport> {
    let read: ReadQuota = relay_keap::quota::read;
    let read = config.keap.limits.obey_quota.then_some(read);
    listen(pacer, KEAP, &config.keap.base_url);
    metered(ground, pacer, KEAP, read)
}

/// The way to the portal, which tells of no quotas.
pub(super) fn to_portal(
    config: &Config,
    ground: &Runtime,
    pacer: &Arc<RateLimiter>,
) -> Arc<dyn Transport> {
    if let Some(base) = &config.clear_connection.base_url {
        listen(pacer, CLEAR_CONNECTION, base);
    }
    metered(ground, pacer, CLEAR_CONNECTION, None)
}

/// A vendor on this machine has its clock and says nothing new of the time.
fn listen(pacer: &RateLimiter, vendor: &'static str, base: &Url) {
    if !is_loopback(base) {
        pacer.dates().listen_to(vendor);
    }
}

fn metered(
    ground: &Runtime,
    pacer: &Arc<RateLimiter>,
    vendor: &'static str,
    read: Option<ReadQuota>,
) -> Arc<dyn Transport> {
    let meter = VendorMeter::new(Arc::clone(pacer), vendor, read);
    Arc::new(Metered::new(Arc::clone(&ground.transport), Arc::new(meter)))
}
