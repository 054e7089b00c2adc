//! How a command fails, and with which exit code.

use std::process::ExitCode;

use relay_http_client::CallError;
use relay_store::StoreError;
use thiserror::Error;

use crate::config::ConfigError;
use crate::engine::EngineError;
use crate::wiring::AssembleError;

/// Why a command did not do what it was asked.
#[derive(Debug, Error)]
pub enum CliError {
    /// The configuration can't be used. Exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was asked for can't be asked so. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// This build can't carry out the command. Exit code 2.
    #[error("`{0}` is not part of this build")]
    NotBuilt(&'static str),
    /// There is no such thing. Exit code 1.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// The id it was looked for by.
        id: String,
    },
    /// The database failed. Exit code 1.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// The result could not be written. Exit code 1.
    #[error("the result can't be written")]
    Write(#[from] std::io::Error),
    /// The engine could not do it now. Exit code 1.
    #[error("{}", with_cause(.0))]
    Engine(#[from] EngineError),
    /// A vendor could not be asked. Exit code 1.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The relay can't be put together from its configuration. Exit code 2.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// It was carried out and did not succeed. Exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// 1: it was tried and failed. 2: it could not be tried, because of how it was asked for or
    /// how the relay is configured. (0 is success.)
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Usage(_) | Self::NotBuilt(_) | Self::Assemble(_) => {
                ExitCode::from(2)
            }
            _ => ExitCode::from(1),
        }
    }
}

/// An error with its cause, in one line.
fn with_cause(error: &EngineError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
