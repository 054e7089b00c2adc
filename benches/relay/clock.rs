//! The one place of the benchmarks that reads the clock.

use std::time::{Duration, Instant};

/// Now, on the clock that only goes forward.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures real time; no decision of the relay hangs on it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long `work` took, with what it gave.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let begun = now();
    let done = work.await;
    (begun.elapsed(), done)
}
