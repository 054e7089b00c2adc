//! How much each vendor may be asked, and who watches its calls.

use std::sync::Arc;

use relay_http_client::{Metered, Transport};

use super::runtime::Runtime;
use super::vendor::{Vendor, Wiring};
use crate::config::{Config, is_loopback};
use crate::rate_limit::{self, RateLimiter, VendorMeter};

/// Every vendor that is called, with what it is granted. Nobody waits for one that is off, whatever is known of it.
pub fn vendors(all: &[&Vendor], config: &Config) -> Vec<rate_limit::Vendor> {
    let limited = |vendor: &&Vendor| {
        let settings = (vendor.settings)(config);
        let limits = settings.limits().filter(|_| settings.is_on())?.limits;
        Some(rate_limit::Vendor {
            port: vendor.port,
            name: vendor.name,
            title: vendor.title,
            limits,
        })
    };
    all.iter().filter_map(limited).collect()
}

/// The rate limiter of all of them.
pub(super) fn limiter(all: &[&Vendor], config: &Config, runtime: &Runtime) -> Arc<RateLimiter> {
    Arc::new(RateLimiter::new(
        vendors(all, config),
        Arc::clone(&runtime.store),
        runtime.clocks.clone(),
        Arc::clone(&runtime.random),
    ))
}

/// The way to a vendor, counted and limited.
pub(super) fn transport(vendor: &Vendor, wiring: &Wiring<'_>) -> Arc<dyn Transport> {
    let settings = (vendor.settings)(wiring.config);
    let base = settings.addresses().first().map(|(_, url)| *url);
    // A vendor on this machine has its clock and says nothing new of the time.
    if base.is_some_and(|base| !is_loopback(base)) {
        wiring.limiter.dates().listen_to(vendor.name);
    }
    let read = vendor
        .read_quota
        .filter(|_| settings.limits().is_some_and(|limits| limits.obey_quota));
    let meter = VendorMeter::new(Arc::clone(wiring.limiter), vendor.name, read);
    let transport = Arc::clone(&wiring.runtime.transport);
    Arc::new(Metered::new(transport, Arc::new(meter)))
}
