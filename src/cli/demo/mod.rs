//! `demo`: the clinic in a box, for people who want to see the point.
//!
//! Two ways: [`live`] shows four people in the terminal, one line per event, at a pace that a
//! person can follow, and on a page; [`once`] plays whole casts as fast as it can and compares what vendors
//! accepted with what was written down by hand.

mod lines;
mod live;
mod once;

pub use live::live;
pub use once::{Verdict, once};

use std::path::PathBuf;

use crate::cli::CliError;
use crate::sandbox::cast::Cast;
use crate::sandbox::play::{Options, Play};

/// A folder that is gone when it is dropped, and the database in it.
fn scratch() -> Result<(tempfile::TempDir, PathBuf), CliError> {
    let folder = tempfile::Builder::new().prefix("clear-relay-").tempdir()?;
    let path = folder.path().join("relay.sqlite");
    Ok((folder, path))
}

/// A cast on its stage, with the folder that it needs.
async fn on_stage(cast: Cast, options: Options) -> Result<(tempfile::TempDir, Play), CliError> {
    let (folder, path) = scratch()?;
    let play = Play::new(cast, options, &path)
        .await
        .map_err(CliError::Failed)?;
    Ok((folder, play))
}
