//! What effects do to the outside world, and by what they are recognized there.
//!
//! One mutating request an attempt, a look afterwards, and whether a desired state holds: that is
//! [`Perform`], and [`ThroughPorts`] carries it out. When an effect may go out, what is stored of it and
//! what comes of an unclear answer is the engine's (`engine/effect/`): nothing here knows the engine, the
//! store's writer or a clock.

pub(crate) mod kinds;
pub(crate) mod name;
mod outcome;
pub(crate) mod perform;

use relay_core::effects::Settled;
use relay_store::Effect;

pub use name::Name;
pub(crate) use name::is_ours;
pub use outcome::{FoundAtVendor, Holds, Perform, Performed, ProbeResult};
pub use perform::ThroughPorts;

/// The vendor's id for what a done effect made.
pub(crate) fn vendor_ref(effect: &Effect) -> Option<&str> {
    match effect.settled.as_ref()? {
        Settled::Done { vendor_ref, .. } => vendor_ref.as_deref(),
        _ => None,
    }
}
