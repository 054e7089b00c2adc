//! The check-in list as one value of the list of vendors.

use std::sync::Arc;

use relay_check_ins::webhook::{KeyRing, WebhookKey};
use relay_store::Store;

use super::inspect::ListInspector;
use super::list::CheckInList;
use super::{CheckInSource, emulated};
use crate::config::{CheckInsConfig, Config, VendorSection as _};
use crate::ports::{Inspect, Portal};
use crate::receipts::Source;
use crate::wiring::emulated::{Emulation, ToldBy};
use crate::wiring::ports::PortSet;
use crate::wiring::vendor::{Form, InspectionContext, NewSecret, Provided, Secret, Vendor, Wiring};
use crate::wiring::{AssembleError, setting};

/// The list.
pub const VENDOR: Vendor = Vendor {
    name: relay_check_ins::VENDOR,
    title: "Check-in list",
    port: None,
    settings: |config| &config.vendors.check_ins,
    read_quota: None,
    provide,
    inspectors,
    portal,
    form: Form {
        changes: &[],
        secrets: &[NewSecret {
            file: "check-ins-webhook-a",
            what: "made: the key that signs the webhooks of a check-in list, where there is no portal to ask",
            content: Secret::WebhookKey,
        }],
    },
    emulation: Emulation {
        folder: "check-ins",
        base: "",
        only_where: Some(ToldBy::List),
        off: |_| None,
        start: emulated::start,
    },
};

fn provide(wiring: &Wiring<'_>) -> Result<Provided, AssembleError> {
    let section = &wiring.config.vendors.check_ins;
    if !section.is_on() {
        return Ok(Provided::default());
    }
    Ok(Provided {
        ports: PortSet {
            portal: Some(list(section, Arc::clone(&wiring.runtime.store))),
            ..PortSet::default()
        },
        sources: vec![source(wiring.config)?],
        list_silence: Some(section.silent_after),
        ..Provided::default()
    })
}

fn list(section: &CheckInsConfig, store: Arc<dyn Store>) -> Arc<dyn Portal> {
    Arc::new(CheckInList::new(store, section.coaches.clone()))
}

fn source(config: &Config) -> Result<Arc<dyn Source>, AssembleError> {
    let section = &config.vendors.check_ins;
    let keys = section
        .webhook_keys
        .iter()
        .map(|(id, secret)| WebhookKey::new(id, secret))
        .collect::<Result<Vec<_>, _>>()
        .and_then(KeyRing::new)
        .map_err(|problem| setting("check_ins.webhook_keys", problem))?;
    Ok(Arc::new(CheckInSource::new(keys)))
}

fn portal(context: &InspectionContext<'_>) -> Option<Arc<dyn Portal>> {
    let section = &context.config.vendors.check_ins;
    let store = context.store.as_ref().filter(|_| section.is_on())?;
    Some(list(section, Arc::clone(store)))
}

fn inspectors(context: &InspectionContext<'_>) -> Vec<Arc<dyn Inspect>> {
    let section = &context.config.vendors.check_ins;
    if !section.is_on() {
        return Vec::new();
    }
    vec![Arc::new(ListInspector {
        webhooks: !section.webhook_keys.is_empty(),
        coaches: section.coaches.len(),
    })]
}
