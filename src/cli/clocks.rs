//! Which clock a command of this installation runs on.
//!
//! Procedure time may be scaled, in a sandbox only. Anchor and scale come from the sandbox and are
//! stored with the data, so that every process on this database reads the same time, and a restart
//! under another scale is refused: it would make every stored due time mean something else.

use std::sync::Arc;

use http::Method;
use relay_core::time::{Clock, Clocks, ScaledClock, SystemClock, Timestamp};
use relay_http_client::{Call, Transport};
use relay_store::{Op, Store, StoreError};
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::CliError;
use crate::config::Config;

/// The setting that holds the anchor.
const SETTING: &str = "clock";

/// How long the sandbox may take to tell the time, real time.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Where procedure time is anchored in real time, and how fast it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Anchor {
    /// Real time.
    pub real: Timestamp,
    /// Procedure time at that moment.
    pub procedure: Timestamp,
    /// Seconds of procedure time in a real second.
    pub scale: u32,
}

impl Anchor {
    /// The clocks that follow from it.
    pub(super) fn clocks(self) -> Clocks {
        let real: Arc<dyn Clock> = Arc::new(SystemClock);
        let scaled = ScaledClock::new(Arc::clone(&real), self.real, self.procedure, self.scale);
        Clocks {
            procedure: Arc::new(scaled),
            real,
        }
    }
}

/// The anchor stored with the data, if procedure time is scaled here.
pub(super) async fn stored(store: &dyn Store) -> Result<Option<Anchor>, CliError> {
    let unreadable = || {
        CliError::Failed(format!(
            "the stored clock can't be read: `clear-relay database discard settings {SETTING} --by \
             NAME`, then start with the --time-scale as before"
        ))
    };
    let value = match store.setting(SETTING).await {
        Err(StoreError::Corrupt(_)) => return Err(unreadable()),
        value => value?,
    };
    let anchor = value.map(serde_json::from_value).transpose();
    anchor.map_err(|_| unreadable())
}

/// The clocks of this installation and their scale, for a command.
pub(crate) async fn of_command(store: &dyn Store) -> Result<(Clocks, u32), CliError> {
    Ok(match stored(store).await {
        Ok(Some(anchor)) => (anchor.clocks(), anchor.scale),
        // Only a sandbox has one. A command that stops, or that mends this very row, must not wait for it.
        Ok(None) | Err(CliError::Failed(_)) => (Clocks::system(), 1),
        Err(error) => return Err(error),
    })
}

/// The clocks of `serve --time-scale SCALE`. The anchor is stored, but for a dry run.
pub(super) async fn of_server(
    config: &Config,
    store: &dyn Store,
    transport: &dyn Transport,
    scale: u32,
    dry_run: bool,
) -> Result<Clocks, CliError> {
    if let Some(anchor) = stored(store).await? {
        if anchor.scale != scale {
            return Err(CliError::Usage(format!(
                "this database was made with --time-scale {}: start with the same, or with a \
                 database of its own",
                anchor.scale
            )));
        }
        return Ok(anchor.clocks());
    }
    if scale == 1 {
        return Ok(Clocks::system());
    }
    config.check_time_scale(scale)?;
    let anchor = ask(&config.keap.base_url, transport).await?;
    if anchor.scale != scale {
        return Err(CliError::Usage(format!(
            "the sandbox runs with --time-scale {}: start with the same",
            anchor.scale
        )));
    }
    if dry_run {
        return Ok(anchor.clocks());
    }
    let value = serde_json::to_value(anchor).unwrap_or_default();
    store
        .commit(
            vec![Op::PutSetting {
                key: SETTING.to_owned(),
                value,
            }]
            .into(),
        )
        .await?;
    Ok(anchor.clocks())
}

/// Asks the sandbox that stands behind `base` for its time.
async fn ask(base: &Url, transport: &dyn Transport) -> Result<Anchor, CliError> {
    let unusable =
        |why: String| CliError::Failed(format!("the sandbox does not tell its time: {why}"));
    let url = base
        .join("/_sandbox/clock")
        .map_err(|error| unusable(error.to_string()))?;
    let call = Call {
        method: Method::GET,
        url,
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        timeout: PATIENCE,
    };
    let answer = transport
        .send(call)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    serde_json::from_slice(&answer.body).map_err(|error| unusable(error.to_string()))
}
