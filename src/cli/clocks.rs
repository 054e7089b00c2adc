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

/// What is stored with the data about its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// Nothing: procedure time is not scaled here.
    Nothing,
    /// The anchor.
    Anchor(Anchor),
    /// Something that is no anchor, and yet a row like any other: no command on rows touches it.
    NoAnchor,
}

async fn stored(store: &dyn Store) -> Result<Stored, CliError> {
    let value = match store.setting(SETTING).await {
        Err(StoreError::Corrupt(_)) => {
            return Err(CliError::Failed(format!(
                "the stored clock can't be read: `clear-relay database discard settings {SETTING} --by \
                 NAME`, then start with the --time-scale as before"
            )));
        }
        value => value?,
    };
    let Some(value) = value else {
        return Ok(Stored::Nothing);
    };
    let anchor = serde_json::from_value(value);
    Ok(anchor.map_or(Stored::NoAnchor, Stored::Anchor))
}

/// The clocks of this installation and their scale, for a command.
pub(crate) async fn of_command(store: &dyn Store) -> Result<(Clocks, u32), CliError> {
    Ok(match stored(store).await {
        Ok(Stored::Anchor(anchor)) => (anchor.clocks(), anchor.scale),
        // Only a sandbox has one. A command that stops, or that mends this very row, must not wait for it.
        Ok(Stored::Nothing | Stored::NoAnchor) | Err(CliError::Failed(_)) => (Clocks::system(), 1),
        Err(error) => return Err(error),
    })
}

/// The clocks of `serve --time-scale SCALE`. The anchor is stored, but for a dry run.
///
/// What is stored and is no anchor is replaced by the sandbox's, if that has this scale: it is the
/// sandbox that the anchor came from.
pub(super) async fn of_server(
    config: &Config,
    store: &dyn Store,
    transport: &dyn Transport,
    scale: u32,
    dry_run: bool,
) -> Result<Clocks, CliError> {
    let stored = stored(store).await?;
    match stored {
        Stored::Anchor(anchor) if anchor.scale != scale => {
            return Err(CliError::Usage(format!(
                "this database was made with --time-scale {}: start with the same, or with a \
                 database of its own",
                anchor.scale
            )));
        }
        Stored::Anchor(anchor) => return Ok(anchor.clocks()),
        Stored::NoAnchor if scale == 1 => {
            return Err(CliError::Failed(
                "the stored clock is none, so this database was made with a --time-scale: \
                 `clear-relay serve --time-scale SCALE` with the same one, while its sandbox runs, \
                 stores the sandbox's clock again"
                    .to_owned(),
            ));
        }
        Stored::Nothing if scale == 1 => return Ok(Clocks::system()),
        Stored::Nothing | Stored::NoAnchor => {}
    }
    config.check_time_scale(scale)?;
    // Every vendor is the sandbox's, so any address leads there.
    let addresses = config.base_urls();
    let (_, sandbox) = addresses.first().ok_or_else(|| {
        CliError::Usage(
            "--time-scale is for a sandbox, and no address of a vendor is set".to_owned(),
        )
    })?;
    let anchor = ask(sandbox, transport).await?;
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
    if stored == Stored::NoAnchor {
        tracing::warn!("the stored clock was none; it is the sandbox's again");
    }
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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use http::{HeaderMap, StatusCode};
    use relay_http_client::{Answer, TransportError};
    use relay_store_sqlite::SqliteStore;
    use serde_json::{Value, json};

    use super::*;
    use crate::sandbox::clinic::{self, Addresses};

    /// A sandbox that tells its time and nothing else.
    #[derive(Debug)]
    struct Sandbox(Value);

    #[async_trait]
    impl Transport for Sandbox {
        async fn send(&self, _call: Call) -> Result<Answer, TransportError> {
            Ok(Answer {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: bytes::Bytes::from(self.0.to_string()),
            })
        }
    }

    fn anchor(scale: u32) -> Value {
        json!({ "real": "2026-11-03T15:00:00Z", "procedure": "2026-12-03T15:00:00Z", "scale": scale })
    }

    #[tokio::test]
    async fn a_stored_clock_that_is_none_is_replaced_by_the_sandboxs_when_its_scale_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.db");
        let address = |text: &str| text.parse().expect("an address");
        let addresses = Addresses {
            keap: address("http://127.0.0.1:9/crm"),
            portal: address("http://127.0.0.1:9/portal/"),
            relay: address("http://127.0.0.1:9/"),
        };
        let config = clinic::config(&addresses, &path, "12").expect("a configuration");
        let store = SqliteStore::open(&path).await.expect("opened");
        store.migrate().await.expect("migrated");
        let sandbox = Sandbox(anchor(60));
        let start = async |scale, dry_run| {
            let clocks = of_server(&config, &store, &sandbox, scale, dry_run).await;
            clocks.map(|_| ()).map_err(|error| error.to_string())
        };
        for wrong in [json!("yesterday"), json!({ "scale": 60 }), json!(null)] {
            let put = Op::PutSetting {
                key: SETTING.to_owned(),
                value: wrong.clone(),
            };
            store.commit(vec![put].into()).await.expect("stored");
            // The command that is named carries on; one that is not, or another scale, changes nothing.
            let refused = start(1, false).await.expect_err("no clock");
            assert!(
                refused.contains("clear-relay serve --time-scale"),
                "{refused}"
            );
            let refused = start(30, false).await.expect_err("another scale");
            assert!(refused.contains("--time-scale 60"), "{refused}");
            start(60, true).await.expect("it would start");
            assert_eq!(store.setting(SETTING).await.expect("read"), Some(wrong));
            let (_, scale) = of_command(&store).await.expect("a command goes on");
            assert_eq!(scale, 1);
            start(60, false).await.expect("started");
            let now = store.setting(SETTING).await.expect("read");
            assert_eq!(now, Some(anchor(60)));
        }
        let (_, scale) = of_command(&store).await.expect("a clock");
        assert_eq!(scale, 60);
        store.close().await;
    }
}
