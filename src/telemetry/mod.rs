//! The log: what its lines hold, and in which form they are written.
//!
//! Rules, for everyone who writes a log line:
//! - Ids in every line (`receipt`, `case`, `job`, `client` as the portal's id), so that a line
//!   can be followed through the system.
//! - Personal data in none: no name, address, number, message text, no body and no query of a
//!   request. Fields are ids, counts, codes, durations. A vendor's error text goes through
//!   `relay_http_client::redact` first.
//! - Secrets are `SecretString`; nothing prints one.
//! - A failure is logged once, where it is dealt with; what is passed on is not logged.
//! - What somebody outside can provoke as often as he likes goes through [`LogThrottle`].
//! - `error`: somebody must look. `warn`: dealt with, and worth knowing. `info`: what happened to
//!   a receipt, a case, an effect. `debug`: what a vendor said, by request id.
//!
//! The filter comes from the configuration, never from the environment behind our back. Lines
//! carry real time, also where procedure time is scaled.
//!
//! Guarantee: a log that is full, closed or not read stops nothing. Lines are dropped and counted
//! ([`writer`]), and no line is worth a panic.

mod form;
pub mod log_throttle;
pub mod writer;

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::Arc;

use relay_core::time::Clock;
use thiserror::Error;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

pub use self::log_throttle::LogThrottle;
pub use self::writer::{LogGuard, LogWriter};
pub use form::{LogConfig, LogFormat};

/// Why logging can't be set up.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter has a form that can't be read. Configuration checks it before.
    #[error("the log filter can't be read")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody has set up logging in this process already.
    #[error("logging is set up already")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
    /// The thread that writes can't be started.
    #[error("logging can't be started")]
    Thread(#[from] std::io::Error),
}

/// A panic is a line of the log from now on, where there is one: the usual hook prints the panic's
/// text, which may quote anything, and the place is enough. It is the process's, so the binary sets
/// it, and tests see why they fail.
pub fn log_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if tracing::dispatcher::has_been_set() {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, "panicked");
        } else {
            usual(panic);
        }
    }));
}

/// Logs to standard error from now on. Keep the guard until the process ends.
pub fn init(config: &LogConfig, real: Arc<dyn Clock>) -> Result<LogGuard, TelemetryError> {
    let colors = std::io::stderr().is_terminal();
    let writer = LogWriter::start(std::io::stderr(), |lost| {
        tracing::warn!(lost, "so many lines of this log were lost since the start");
    })?;
    let subscriber = subscriber(config, real, writer.clone(), colors)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(LogGuard(writer))
}

/// What [`init`] installs, for a writer of choice.
pub fn subscriber<W>(
    config: &LogConfig,
    real: Arc<dyn Clock>,
    writer: W,
    colors: bool,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&config.level)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(LogTime(real))
        // It would print to standard error, which panics where that is the trouble.
        .log_internal_errors(false)
        .with_writer(writer);
    Ok(match config.format {
        LogFormat::Human => Box::new(builder.with_ansi(colors).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    })
}

struct LogTime(Arc<dyn Clock>);

impl FormatTime for LogTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:.3}", self.0.now())
    }
}
