//! What a vendor is to the relay: one value, made in the vendor's own folder.
//!
//! Everything that has to do with every vendor loops over the list of these values in
//! [`wiring`](super). A function in the value is called with what it needs and nothing else, so that
//! `serve`, the doctor, `init` and the sandbox need not know which vendors there are.
//!
//! Rules: a vendor that is off provides nothing, or refuses, if the procedures can't do without it.
//! What stands in a port is one vendor's: two that provide the same are refused when the relay is put
//! together.
//!
//! Not guaranteed: that a vendor without emulation can take part in a cast; every vendor has one.

use std::fmt;
use std::sync::Arc;

use relay_core::effects::Port;
use relay_core::time::{Clock, Clocks, SignedDuration};
use relay_http_client::Transport;
use relay_store::Store;

use super::emulated::Emulation;
use super::limits;
use super::ports::PortSet;
use super::runtime::{AssembleError, Runtime};
use crate::config::{Config, VendorSection};
use crate::doctor::heard::Heard;
use crate::ports::{Authorize, Connections, Inspect, Portal};
use crate::rate_limit::{RateLimiter, ReadQuota};
use crate::receipts::Source;

/// A vendor.
#[derive(Clone, Copy)]
pub struct Vendor {
    /// Its name in tables, in casts and in the log. What is kept of it is kept under this name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The side of the world that it stands for; `None` for one that no effect calls.
    pub port: Option<Port>,
    /// Its section of the configuration.
    pub(crate) settings: fn(&Config) -> &dyn VendorSection,
    /// Reads what its answers say of quotas, if they do.
    pub(crate) read_quota: Option<ReadQuota>,
    /// What it brings into a relay.
    pub(crate) provide: fn(&Wiring<'_>) -> Result<Provided, AssembleError>,
    /// What looks at it for the doctor. Empty for one that is off, or whose address or credential is
    /// missing.
    pub(crate) inspectors: fn(&InspectionContext<'_>) -> Vec<Arc<dyn Inspect>>,
    /// The portal, where it is one that can be asked: another vendor's inspection may need to know the
    /// coaches.
    pub(crate) portal: fn(&InspectionContext<'_>) -> Option<Arc<dyn Portal>>,
    /// What `init` writes for it.
    pub(crate) form: Form,
    /// How it is emulated.
    pub emulation: Emulation,
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vendor")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a relay is put together from.
#[derive(Debug)]
pub(crate) struct Wiring<'a> {
    pub(crate) config: &'a Config,
    pub(crate) runtime: &'a Runtime,
    pub(super) limiter: &'a Arc<RateLimiter>,
}

impl Wiring<'_> {
    /// The way to `vendor`, counted and limited.
    pub(crate) fn transport(&self, vendor: &Vendor) -> Arc<dyn Transport> {
        limits::transport(vendor, self)
    }

    /// Procedure time.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.runtime.clocks.procedure
    }
}

/// What a vendor brings into a relay.
#[derive(Debug, Default)]
pub(crate) struct Provided {
    /// What it stands in for.
    pub(crate) ports: PortSet,
    /// Where its webhooks are let in.
    pub(crate) sources: Vec<Arc<dyn Source>>,
    /// The connection, where it has one that is shown or renewed.
    pub(crate) connections: Option<Arc<dyn Connections>>,
    /// The connection, where a person makes it by agreeing on the vendor's page.
    pub(crate) authorize: Option<Arc<dyn Authorize>>,
    /// How often it is looked who has opened or clicked an email; `None`: never.
    pub(crate) poll_opens: Option<SignedDuration>,
    /// How long it may tell nothing of check-ins before an admin is asked; `None`: for ever.
    pub(crate) list_silence: Option<SignedDuration>,
    /// How often it is read who has missed a check-in; `None`: it doesn't tell, or by itself.
    pub(crate) check_in_list: Option<SignedDuration>,
}

/// What a vendor is looked at with: a configuration that need not be whole.
#[derive(Debug)]
pub(crate) struct InspectionContext<'a> {
    pub(crate) config: &'a Config,
    /// The way to the vendors; [`heard`](Self::heard) listens to it.
    pub(crate) transport: &'a Arc<dyn Transport>,
    pub(crate) heard: &'a Arc<Heard>,
    pub(crate) clocks: &'a Clocks,
    /// The database, where there is one and a vendor needs it to be asked.
    pub(crate) store: Option<Arc<dyn Store>>,
    /// The portal, where one can be asked.
    pub(crate) portal: Option<Arc<dyn Portal>>,
}

/// What `init` writes for a vendor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// Where the example of its section is changed: section, line, what stands there instead. The
    /// example's values say what a key looks like; these say what a clinic starts with.
    pub(crate) changes: &'static [(&'static str, &'static str, &'static str)],
    /// The files of its secrets.
    pub(crate) secrets: &'static [NewSecret],
}

/// A file that holds a secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewSecret {
    /// Its name in the folder of secrets.
    pub(crate) file: &'static str,
    /// For people: what it is.
    pub(crate) what: &'static str,
    /// Where the secret comes from.
    pub(crate) content: Secret,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    /// The vendor makes it: the file is empty.
    OfVendor,
    /// Random bytes, in hexadecimal.
    Hex,
    /// Random bytes, as the Standard Webhooks scheme writes a key.
    WebhookKey,
}
