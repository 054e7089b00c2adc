//! The procedures in force, from the configuration, and older versions from the store.

use std::sync::Arc;

use relay_core::case::Mode;
use relay_core::procedure::MissedCheckInProcedure;
use relay_core::workflow::Workflow;
use relay_core::workflows::cancel_subscription::CancelSubscription;
use relay_core::workflows::missed_check_in::{self, MissedCheckIn};
use relay_core::workflows::set_contact_type::SetContactType;
use relay_store::ProcedureVersion;

use crate::config::Config;
use crate::engine::registry::ProcedureRegistry;

/// The procedures that `config` names, or those that travel in the binary.
///
/// The two that carry out a person's order act whenever they are ordered: the order is the
/// approval, and `--dry-run` is their way of proposing.
pub fn registry(config: &Config) -> Result<ProcedureRegistry, String> {
    let procedure = config.procedures.missed_check_in.missed_check_in();
    let procedure = procedure.map_err(|mistakes| mistakes.to_string())?;
    let body = procedure.to_body().map_err(|error| error.to_string())?;
    let current: [(Arc<dyn Workflow>, serde_json::Value); 3] = [
        (Arc::new(MissedCheckIn::new(procedure)), body),
        (
            Arc::new(CancelSubscription::new(Mode::Act)),
            serde_json::json!({}),
        ),
        (
            Arc::new(SetContactType::new(Mode::Act)),
            serde_json::json!({}),
        ),
    ];
    let current = current
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
    Ok(ProcedureRegistry::new(current, rebuild))
}

/// An older version, for the cases that still run on it. New cases are never opened in it, so its
/// mode says nothing: each case keeps its own.
fn rebuild(version: &ProcedureVersion) -> Result<Arc<dyn Workflow>, String> {
    if version.name != missed_check_in::NAME {
        return Err(format!(
            "this release can't read {} in this version",
            version.name
        ));
    }
    let body = serde_json::from_str(&version.body).map_err(|error| error.to_string())?;
    let procedure = MissedCheckInProcedure::from_body(&body, Mode::Propose)
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(MissedCheckIn::new(procedure)))
}
