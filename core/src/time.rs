//! The door to the clock.
//!
//! Everything that needs to know the time takes a [`Clock`] or an instant as an argument. Two
//! clocks run side by side: *procedure time* (waits, backoff, signature windows), which a demo may
//! scale, and *real time* (leases, HTTP limits, shutdown), which nothing scales.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub use jiff::civil::{Date, DateTime, Time, Weekday};
pub use jiff::tz::TimeZone;
pub use jiff::{SignedDuration, Timestamp};

/// The instant `wait` after `at`; the last that there is, if that is later than any.
pub fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    // Only a span of days or more is refused, and a duration is counted in seconds.
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// The instant `by` before `at`; the first that there is, if that is earlier than any.
pub fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// Tells the time. The only way any module of ours learns it.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current instant on this clock.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved: for tests and simulation.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock standing at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock to `to`, forwards or backwards.
    pub fn set(&self, to: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// Moves the clock by `by`; saturates at the ends of representable time.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = later(*now, by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Procedure time that runs `scale` times as fast as `real` from an anchor both were read at.
///
/// The anchor and the scale are stored beside the data, because a restart under another scale
/// would make every stored due time mean something else.
#[derive(Debug, Clone)]
pub struct ScaledClock {
    real: Arc<dyn Clock>,
    anchor_real: Timestamp,
    anchor_procedure: Timestamp,
    scale: u32,
}

impl ScaledClock {
    /// A clock that showed `anchor_procedure` when `real` showed `anchor_real`.
    pub fn new(
        real: Arc<dyn Clock>,
        anchor_real: Timestamp,
        anchor_procedure: Timestamp,
        scale: u32,
    ) -> Self {
        Self {
            real,
            anchor_real,
            anchor_procedure,
            scale: scale.max(1),
        }
    }

    /// How long `procedure` lasts on the real clock.
    pub fn to_real(&self, procedure: SignedDuration) -> SignedDuration {
        procedure / i32::try_from(self.scale).unwrap_or(i32::MAX)
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.real.now().duration_since(self.anchor_real);
        let scale = i32::try_from(self.scale).unwrap_or(i32::MAX);
        let scaled = elapsed.checked_mul(scale).unwrap_or(SignedDuration::MAX);
        later(self.anchor_procedure, scaled)
    }
}

/// The two clocks of a running relay.
#[derive(Debug, Clone)]
pub struct Clocks {
    /// Waits, backoff, signature windows, visibility delays. May be scaled.
    pub procedure: Arc<dyn Clock>,
    /// Leases, HTTP limits, shutdown. Never scaled.
    pub real: Arc<dyn Clock>,
}

impl Clocks {
    /// Both clocks are the machine's.
    pub fn system() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self {
            procedure: Arc::clone(&clock),
            real: clock,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_ends_of_representable_time() {
        let epoch = Timestamp::UNIX_EPOCH;
        let day = SignedDuration::from_hours(24);
        assert_eq!(earlier(later(epoch, day), day), epoch);
        assert_eq!(later(epoch, -day), earlier(epoch, day));
        for at in [Timestamp::MIN, epoch, Timestamp::MAX] {
            assert_eq!(later(at, SignedDuration::MAX), Timestamp::MAX);
            assert_eq!(earlier(at, SignedDuration::MAX), Timestamp::MIN);
            assert_eq!(later(at, SignedDuration::MIN), Timestamp::MIN);
            assert_eq!(earlier(at, SignedDuration::MIN), Timestamp::MAX);
        }
    }
}
