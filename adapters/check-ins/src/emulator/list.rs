//! The emulated list: what it is built of, and what its parts share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use relay_core::random::Random;
use relay_core::time::{Clock, Timestamp};
use relay_http_client::emulation::{Kit, Outbox, lock};
use url::Url;

use super::hooks::Told;
use super::settings::{Settings, Switches};
use super::state::State;
use crate::webhook::WebhookKey;

/// An emulated list. Held in an [`Arc`], shared by whoever plays the people and whoever delivers.
pub struct ClinicList {
    pub(super) kit: Kit,
    pub(super) settings: Settings,
    pub(super) state: Mutex<State>,
    pub(super) outbox: Mutex<Outbox<Told>>,
    /// Where deliveries go, and what they are signed with.
    pub(super) target: Mutex<Option<(Url, Vec<WebhookKey>)>>,
}

impl fmt::Debug for ClinicList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClinicList").finish_non_exhaustive()
    }
}

impl ClinicList {
    /// A list that nobody is in yet.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            kit: Kit::new(clock, random),
            settings,
            state: Mutex::default(),
            outbox: Mutex::default(),
            target: Mutex::default(),
        })
    }

    /// How it behaves now.
    pub fn switches(&self) -> Switches {
        self.state().switches
    }

    /// Changes how it behaves from now on.
    pub fn set_switches(&self, switches: Switches) {
        self.state().switches = switches;
    }

    /// Forgets everybody and everything, the switches included; where deliveries go to stays.
    pub fn reset(&self) {
        *self.state() = State::default();
        *lock(&self.outbox) = Outbox::default();
        self.kit.reset();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.kit.now()
    }
}
