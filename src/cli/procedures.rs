//! `procedures`: the parameters and scripts.

use std::path::PathBuf;

use clap::Subcommand;
use relay_core::procedure::MissedCheckInProcedure;
use serde_json::json;

use super::error::CliError;
use super::output::Output;
use crate::config::ProcedureConfig;

/// `procedures …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ProceduresCommand {
    /// Check parameters and scripts, and report every mistake.
    Check {
        /// The folder with them [default: what the configuration names, else what is built in].
        #[arg(value_name = "FOLDER")]
        path: Option<PathBuf>,
    },
    /// Show what differs between the versions that open cases run on and the one in force.
    Diff,
}

/// Checks the procedure, and tells its version.
pub fn check(
    config: &ProcedureConfig,
    folder: Option<PathBuf>,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let config = ProcedureConfig {
        path: folder.or_else(|| config.path.clone()),
        ..config.clone()
    };
    match config.missed_check_in() {
        Ok(procedure) => Ok(valid(&procedure, out)?),
        Err(mistakes) => Err(CliError::Failed(mistakes.to_string())),
    }
}

fn valid(procedure: &MissedCheckInProcedure, out: &mut Output<'_>) -> std::io::Result<()> {
    let json = json!({
        "procedure": "missed_check_in",
        "version": procedure.hash(),
        "mode": procedure.mode,
    });
    let human = format!("missed_check_in is valid\nversion  {}", procedure.hash());
    out.emit(&json, &human)
}
