//! The procedures in force, from the configuration, and older versions from the store.

use std::sync::Arc;

use relay_core::case::Mode;
use relay_core::procedure::MissedCheckInProcedure;
use relay_core::workflow::Workflow;
use relay_core::workflows::{CancelSubscription, MissedCheckIn, SetContactType};
use relay_store::ProcedureVersion;

use crate::config::Config;
use crate::engine::ProcedureBook;

/// Reads the procedures that `config` names, or those that travel in the binary.
pub fn book(config: &Config) -> Result<ProcedureBook, String> {
    let mut missed = missed_check_in(config)?;
    missed.mode = config.procedures.missed_check_in.mode;
    let body = missed.to_body().map_err(|error| error.to_string())?;
    let missed: Arc<dyn Workflow> = Arc::new(MissedCheckIn::new(missed));
    let cancel: Arc<dyn Workflow> = Arc::new(CancelSubscription::default());
    let contact_type: Arc<dyn Workflow> = Arc::new(SetContactType::default());
    let empty = || serde_json::json!({});
    let current = [(missed, body), (cancel, empty()), (contact_type, empty())]
        .into_iter()
        .map(|(workflow, body)| {
            let version = ProcedureVersion {
                hash: workflow.hash().to_owned(),
                name: workflow.name().to_owned(),
                body: body.to_string(),
            };
            (workflow, version)
        })
        .collect();
    Ok(ProcedureBook::new(current, rebuild))
}

/// The missed check-in procedure: the configured file with the scripts beside it, or the one that
/// travels in the binary.
pub fn missed_check_in(config: &Config) -> Result<MissedCheckInProcedure, String> {
    let Some(path) = &config.procedures.missed_check_in.path else {
        return MissedCheckInProcedure::shipped().map_err(|mistakes| mistakes.to_string());
    };
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let scripts = path
        .parent()
        .map(|folder| folder.join("scripts"))
        .unwrap_or_default();
    let script = |file: &str| std::fs::read_to_string(scripts.join(file)).ok();
    MissedCheckInProcedure::parse(&text, script).map_err(|mistakes| mistakes.to_string())
}

/// An older version, for the cases that still run on it. Their mode is their own.
fn rebuild(version: &ProcedureVersion) -> Result<Arc<dyn Workflow>, String> {
    match version.name.as_str() {
        "missed_check_in" => {
            let body = serde_json::from_str(&version.body).map_err(|error| error.to_string())?;
            let procedure = MissedCheckInProcedure::from_body(&body, Mode::Propose)
                .map_err(|error| error.to_string())?;
            Ok(Arc::new(MissedCheckIn::new(procedure)))
        }
        other => Err(format!("no release can read {other} in this version")),
    }
}
