//! What a relay stands on besides its configuration, and why it can't be put together.

use crate::effects::Perform;
use crate::failpoint::Failpoints;
use relay_core::random::Random;
use relay_core::time::Clocks;
use relay_http_client::Transport;
use relay_store::Store;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Stands in for what carries effects out. Only the sandbox and tests make one.
pub type FaultInjector = Arc<dyn Fn(Arc<dyn Perform>) -> Arc<dyn Perform> + Send + Sync>;

/// What a relay stands on besides its configuration.
pub struct Runtime {
    /// The database, migrated.
    pub store: Arc<dyn Store>,
    /// The way to the vendors.
    pub transport: Arc<dyn Transport>,
    /// The two clocks.
    pub clocks: Clocks,
    /// Ids, jitter, secrets.
    pub random: Arc<dyn Random>,
    /// Told of every place the flow passes.
    pub failpoints: Arc<dyn Failpoints>,
    /// What makes effects fail on purpose, in a sandbox or a test.
    pub faults: Option<FaultInjector>,
    /// Seconds of procedure time in a real second; 1 except in a sandbox.
    pub time_scale: u32,
    /// The name this process leases under.
    pub worker: String,
}

/// Why a relay can't be put together.
#[derive(Debug, Error)]
pub enum AssembleError {
    /// The vendor is needed for what was asked for, and off.
    #[error("{vendor}.mode is \"off\"; set it to \"on\", with its address and its credential")]
    Off {
        /// The vendor's name.
        vendor: &'static str,
    },
    /// Nobody provides what the procedures need.
    #[error(
        "no vendor that is on provides {port}: a missed check-in can't be followed up without it"
    )]
    Nobody {
        /// The port, in words.
        port: &'static str,
    },
    /// Two vendors provide the same.
    #[error("two vendors that are on provide {port}: set the mode of one to \"off\"")]
    Twice {
        /// The port, in words.
        port: &'static str,
    },
    /// A setting that was checked alone doesn't work with the rest.
    #[error("{key}: {problem}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
}

pub(crate) fn setting(key: &'static str, problem: impl fmt::Display) -> AssembleError {
    AssembleError::Setting {
        key,
        problem: problem.to_string(),
    }
}
