//! The procedures in force, and the older versions that cases still run on, of those that can be rebuilt (so
//! far the follow-up's).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use relay_core::case::Case;
use relay_core::time::Timestamp;
use relay_core::workflow::Workflow;
use relay_store::{Op, ProcedureVersion, Store};

use crate::engine::error::EngineError;

/// Makes a workflow from a stored version: the procedure's name and the body.
pub type Rebuild = fn(&ProcedureVersion) -> Result<Arc<dyn Workflow>, String>;

/// The procedures by name and version.
#[derive(Debug)]
pub struct ProcedureRegistry {
    current: Vec<(Arc<dyn Workflow>, ProcedureVersion)>,
    rebuild: Rebuild,
    older: Mutex<HashMap<(String, String), Arc<dyn Workflow>>>,
    /// Since when procedures are switched on, as far as it was asked. It is stored once and never
    /// changes.
    since: Mutex<HashMap<String, Timestamp>>,
}

impl ProcedureRegistry {
    /// A registry with these versions in force. `rebuild` reads older ones back.
    pub fn new(current: Vec<(Arc<dyn Workflow>, ProcedureVersion)>, rebuild: Rebuild) -> Self {
        Self {
            current,
            rebuild,
            older: Mutex::default(),
            since: Mutex::default(),
        }
    }

    /// What has to be stored before the first case is opened: the versions in force, and since
    /// when each is switched on in its mode ("off means off").
    pub fn ops_at_start(&self, now: Timestamp) -> Vec<Op> {
        let mut ops = Vec::new();
        for (workflow, version) in &self.current {
            ops.push(Op::PutProcedure(version.clone()));
            ops.push(Op::PutSettingOnce {
                key: switched_on_key(workflow.as_ref()),
                value: serde_json::json!(now),
            });
        }
        ops
    }

    /// The procedures in force.
    pub fn current(&self) -> impl Iterator<Item = &Arc<dyn Workflow>> {
        self.current.iter().map(|(workflow, _)| workflow)
    }

    /// The procedure in force under `name`.
    pub fn named(&self, name: &str) -> Option<Arc<dyn Workflow>> {
        self.current()
            .find(|workflow| workflow.name() == name)
            .cloned()
    }

    /// The procedure in force under `name`, with the version that is stored of it.
    pub fn in_force(&self, name: &str) -> Option<&(Arc<dyn Workflow>, ProcedureVersion)> {
        self.current
            .iter()
            .find(|(workflow, _)| workflow.name() == name)
    }

    /// Since when a procedure in force is switched on in its present mode; `None` before the first
    /// start has stored it.
    pub(crate) async fn switched_on(
        &self,
        store: &dyn Store,
        workflow: &dyn Workflow,
    ) -> Result<Option<Timestamp>, EngineError> {
        let key = switched_on_key(workflow);
        let known = {
            let all = self.since.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(&key).copied()
        };
        if known.is_some() {
            return Ok(known);
        }
        let stored = store.setting(&key).await?;
        let since = stored.and_then(|at| serde_json::from_value(at).ok());
        if let Some(since) = since {
            let mut all = self.since.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(key, since);
        }
        Ok(since)
    }

    /// The version that `case` runs on.
    pub async fn of_case(
        &self,
        store: &dyn Store,
        case: &Case,
    ) -> Result<Arc<dyn Workflow>, EngineError> {
        let in_force = self.current().find(|workflow| {
            workflow.name() == case.procedure && workflow.hash() == case.procedure_hash
        });
        if let Some(workflow) = in_force {
            return Ok(Arc::clone(workflow));
        }
        let key = (case.procedure.clone(), case.procedure_hash.clone());
        if let Some(workflow) = self
            .older
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Ok(Arc::clone(workflow));
        }
        let unusable = |reason: String| EngineError::Procedure {
            name: key.0.clone(),
            hash: key.1.clone(),
            reason,
        };
        let version = store
            .procedure(&case.procedure_hash)
            .await?
            .ok_or_else(|| unusable("this version is not stored".to_owned()))?;
        let workflow = (self.rebuild)(&version).map_err(unusable)?;
        self.older
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, Arc::clone(&workflow));
        Ok(workflow)
    }
}

/// The setting that holds since when a procedure is switched on in its present mode.
fn switched_on_key(workflow: &dyn Workflow) -> String {
    let mode = match workflow.mode() {
        relay_core::case::Mode::Propose => "propose",
        relay_core::case::Mode::Act => "act",
    };
    format!("switched_on/{}/{mode}", workflow.name())
}
