//! What looks at the vendors, for the doctor, from a configuration that need not be whole.
//!
//! How a newcomer adds a check that asks a vendor: a function in the vendor's `inspect.rs`, or in the
//! file of its area below `inspect/`, called by its `inspect`. A check of something that is no vendor's
//! (stored grants, a watch over hooks) is an inspector of its own, pushed here.

use std::sync::Arc;

use relay_core::time::Clocks;
use relay_http_client::Transport;
use relay_store::Store;

use super::VENDORS;
use super::vendor::InspectionContext;
use crate::config::{Config, VendorSection};
use crate::doctor::heard::Heard;
use crate::ports::Inspect;

/// Whether a vendor can be looked at only with the database at hand.
pub fn needs_store(config: &Config) -> bool {
    let sections = config.vendors.each();
    sections.into_iter().any(VendorSection::needs_store)
}

/// Who looks at what is configured. A vendor that is off, or whose address or credential is
/// missing, is not looked at. `store` holds the tokens, where a vendor is reached by tokens.
pub fn inspectors(
    config: &Config,
    transport: &Arc<dyn Transport>,
    clocks: &Clocks,
    store: Option<Arc<dyn Store>>,
) -> Vec<Arc<dyn Inspect>> {
    let clock = Arc::clone(&clocks.procedure);
    let heard = Arc::new(Heard::new(Arc::clone(transport), clock));
    let transport: Arc<dyn Transport> = Arc::<Heard>::clone(&heard) as _;
    let mut context = InspectionContext {
        config,
        transport: &transport,
        heard: &heard,
        clocks,
        store,
        portal: None,
    };
    context.portal = VENDORS.iter().find_map(|vendor| (vendor.portal)(&context));
    let each = VENDORS.iter();
    each.flat_map(|vendor| (vendor.inspectors)(&context))
        .collect()
}
