//! The servers that are compared: what this program is when it runs as its own child.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use clap::ValueEnum;
use clear_relay::telemetry;
use http::StatusCode;
use relay_core::time::SystemClock;
use relay_store::Store;
use relay_store_sqlite::SqliteStore;
use tokio::net::TcpListener;

use crate::null_store::NullStore;
use crate::portal::Portal;
use crate::{Trouble, setup};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Axum with a handler that reads the body and answers.
    Bare,
    /// Our router and our verification; nothing is stored.
    Null,
    /// Ours as it is.
    Sqlite,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Null => "null",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Serves until standard input ends.
pub(crate) fn run(role: Role, db: Option<&Path>) -> Result<(), Trouble> {
    // As `clear-relay serve` does, and like there with the default log.
    let runtime = clear_relay::lifecycle::runtime()?;
    runtime.block_on(async {
        let router = match (role, db) {
            (Role::Bare, _) => Router::new().route("/hooks/{source}", post(bare)),
            (Role::Null, _) => ours(Arc::new(NullStore))?,
            (Role::Sqlite, Some(db)) => ours(Arc::new(SqliteStore::open(db).await?))?,
            (Role::Sqlite, None) => return Err("--db is missing".into()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        let ended = async {
            // The parent holds the other end; its death is ours.
            let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
        };
        tokio::select! {
            served = clear_relay::http::serve(listener, router, std::future::pending()) => {
                Ok(served?)
            }
            () = ended => Ok(()),
        }
    })
}

async fn bare(body: Bytes) -> StatusCode {
    if body.is_empty() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    }
}

fn ours(store: Arc<dyn Store>) -> Result<Router, Trouble> {
    let config = setup::config(Path::new("unused.db"))?;
    // Dropping the guard writes what is queued; the log goes on.
    drop(telemetry::init(&config.log, Arc::new(SystemClock))?);
    let clock = Arc::new(SystemClock);
    let portal = Arc::new(Portal::default());
    let relay = setup::relay(&config, store, portal, clock)?;
    Ok(relay.router())
}
