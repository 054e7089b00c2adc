//! The emulated tenant: what it is built of, and what its parts share.

use std::fmt;
use std::sync::{Arc, Mutex};

use relay_core::random::Random;
use relay_core::time::Clock;
use relay_http_client::Transport;
use relay_http_client::emulation::described::Side;
use relay_http_client::emulation::{Accepted, Faults, Kit, lock};

use super::settings::Settings;
use super::state::State;
use super::world::World;

/// The emulated tenant.
pub struct Keap {
    pub(super) kit: Kit,
    pub(super) settings: Mutex<Settings>,
    pub(super) state: Mutex<State>,
}

impl fmt::Debug for Keap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The state is people, the settings hold the key: neither is shown.
        f.debug_struct("Keap").finish_non_exhaustive()
    }
}

impl Keap {
    /// An empty tenant.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            kit: Kit::new(clock, random),
            settings: Mutex::new(settings),
            state: Mutex::default(),
        })
    }

    /// Every mutating request accepted so far, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.kit.accepted()
    }

    /// The faults on order.
    pub fn faults(&self) -> &Faults {
        self.kit.faults()
    }

    /// The SHA-256 (hex) of the body of every delivery that was answered with success, in order.
    pub fn acknowledged(&self) -> Vec<String> {
        self.kit.acknowledged()
    }

    /// Everything in which exchanges with this tenant differed from Keap's description, each thing
    /// once: requests that Keap would have refused or ignored a part of, answers that Keap would
    /// not have given. Faults on order and drift are not held against it. Survives
    /// [`reset`](Self::reset).
    pub fn mismatches(&self, side: Side) -> Vec<String> {
        self.kit.mismatches(side)
    }

    /// Turns switches.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.settings));
    }

    /// How the emulator reaches hook receivers. Without one every handshake fails.
    pub fn set_hook_transport(&self, transport: Arc<dyn Transport>) {
        self.kit.set_hook_transport(transport);
    }

    /// Forgets everything but the settings, what was not as described, and the way to hook receivers.
    pub fn reset(&self) {
        *lock(&self.state) = State::default();
        self.kit.reset();
    }

    /// Runs `work` on the tenant as it is now, alone.
    pub(super) fn with_world<T>(&self, work: impl FnOnce(&mut World<'_>) -> T) -> T {
        let settings = lock(&self.settings).clone();
        let mut state = lock(&self.state);
        work(&mut World {
            state: &mut state,
            settings: &settings,
            kit: &self.kit,
            now: self.kit.now(),
        })
    }
}
