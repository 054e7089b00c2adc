//! The emulated portal: what it is built of, and what its parts share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use relay_core::random::Random;
use relay_core::time::{Clock, Timestamp};
use relay_http_client::Transport;
use relay_http_client::emulation::{Accepted, Faults, Kit, Outbox, lock};
use serde_json::Value;
use url::Url;

use super::settings::{Settings, Switches};
use super::state::{State, oddly};
use crate::webhook::WebhookKey;

/// An event waiting to be delivered.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) body: String,
    /// Made by somebody who doesn't have the key: attempted once.
    pub(super) forged: bool,
}

/// An emulated portal. Held in an [`Arc`], shared by its router and whoever plays the people.
pub struct Portal {
    pub(super) kit: Kit,
    pub(super) settings: Settings,
    pub(super) state: Mutex<State>,
    pub(super) outbox: Mutex<Outbox<Event>>,
    /// Where events go, and what they are signed with.
    pub(super) target: Mutex<Option<(Url, Vec<WebhookKey>)>>,
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal").finish_non_exhaustive()
    }
}

impl Portal {
    /// A portal where nobody is yet.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            kit: Kit::new(clock, random),
            settings,
            state: Mutex::default(),
            outbox: Mutex::default(),
            target: Mutex::default(),
        })
    }

    /// Every write it accepted, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.kit.accepted()
    }

    /// The faults on order. Operations: `get_client`, `find_clients`, `list_check_ins`,
    /// `list_open_check_ins`, `list_messages`, `portal_message`, `list_notes`, `portal_note`,
    /// `list_coaches`.
    pub fn faults(&self) -> &Faults {
        self.kit.faults()
    }

    /// The `webhook-id` of every event that was answered with success, in order.
    pub fn acknowledged(&self) -> Vec<String> {
        self.kit.acknowledged()
    }

    /// What carries the events.
    pub fn set_hook_transport(&self, transport: Arc<dyn Transport>) {
        self.kit.set_hook_transport(transport);
    }

    /// How it behaves now.
    pub fn switches(&self) -> Switches {
        self.state().switches
    }

    /// Changes how it behaves from now on.
    pub fn set_switches(&self, switches: Switches) {
        self.state().switches = switches;
    }

    /// Forgets everybody and everything, what it accepted, the faults and the switches included;
    /// where events go to stays.
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

    /// A value as the portal would send it now.
    pub(super) fn shape(&self, value: Value) -> Value {
        if self.switches().odd_shapes {
            oddly(value)
        } else {
            value
        }
    }
}
