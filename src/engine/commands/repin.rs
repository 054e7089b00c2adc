//! Moves an open case to the version of its procedure that is in force (E72).
//!
//! A case keeps the parameters and texts it was opened with, so that a rule that changes between
//! two of its steps changes nothing for it. Sometimes the clinic wants it to: a text was wrong, a
//! wait too long. Then a person looks at what differs and moves the case by name.
//!
//! Rules:
//! - Whoever moves a case names the version she was shown. If another has come into force since,
//!   nothing is moved.
//! - What is done stays done, and a wait that has begun ends when it was set to end. From the next
//!   step on, and for what is planned and not sent, the new version counts.
//! - An effect under way keeps its bytes, so a case with one is not moved before that is settled.
//! - The mode does not change: a case that was opened as a proposal stays one.
//!
//! Not guaranteed: that no effect begins in the very moment of the move. Its bytes are those of the
//! version it was guarded in, and the history tells both.
//!
//! Guarantee: the case moves in the same batch as the line in its history and the entry in the
//! audit log that say who moved it and what differed.

use relay_core::case::{Case, Wait};
use relay_core::ids::{CaseId, ClientId};
use relay_core::procedure::{Difference, differences};
use relay_core::workflow::Input;
use relay_store::{AuditEntry, CaseFilter, EffectState, Op, Page, ProcedureVersion};
use serde::Serialize;
use serde_json::{Value, json};

use crate::engine::{Engine, EngineError, time_off};
use crate::failpoint::SETTLE;

/// How many letters of a version are enough to name it.
const SHORTEST: usize = 8;

/// How many cases are read at once.
const PAGE: u32 = 500;

/// What moving a case means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repin {
    /// The case that moves.
    pub case: CaseId,
    /// The client whose case it is.
    pub client: ClientId,
    /// The name of its procedure.
    pub procedure: String,
    /// The step it is in.
    pub step: String,
    /// The version it runs on.
    pub from: String,
    /// The version in force.
    pub to: String,
    /// What differs between the two versions.
    pub differences: Vec<Difference>,
    /// What the move does not change, and what it does at once; a sentence each.
    pub notes: Vec<String>,
}

/// What differs between a version that open cases run on and the one in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OlderVersion {
    /// The name of the procedure.
    pub procedure: String,
    /// The older version.
    pub from: String,
    /// The version in force.
    pub to: String,
    /// The open cases that run on the older one.
    pub cases: Vec<CaseId>,
    /// What differs between the two versions.
    pub differences: Vec<Difference>,
}

fn refused<T>(text: impl Into<String>) -> Result<T, EngineError> {
    Err(EngineError::Refused(text.into()))
}

fn body(version: &ProcedureVersion) -> Result<Value, EngineError> {
    serde_json::from_str(&version.body).map_err(|error| EngineError::Procedure {
        name: version.name.clone(),
        hash: version.hash.clone(),
        reason: error.to_string(),
    })
}

/// Refuses a version that is not the one in force, or is named by too few letters.
fn check_version(repin: &Repin, to: &str) -> Result<(), EngineError> {
    if to.len() >= SHORTEST && repin.to.starts_with(&to.to_lowercase()) {
        return Ok(());
    }
    refused(format!(
        "the version in force is {}, not {to}: look again with --dry-run, then name what it shows",
        repin.to.get(..12).unwrap_or(&repin.to)
    ))
}

/// What moving a case would mean; refused as the move itself would be.
pub async fn repin_preview(
    engine: &Engine,
    id: CaseId,
    to: Option<&str>,
) -> Result<Repin, EngineError> {
    let case = case_to_repin(engine, id).await?;
    let repin = repin_of(engine, &case).await?;
    if let Some(to) = to {
        check_version(&repin, to)?;
    }
    Ok(repin)
}

/// Moves a case to the version in force, which `to` names by its first letters.
pub async fn repin(engine: &Engine, id: CaseId, by: &str, to: &str) -> Result<Repin, EngineError> {
    let case = case_to_repin(engine, id).await?;
    let repin = repin_of(engine, &case).await?;
    check_version(&repin, to)?;
    match engine
        .commit(SETTLE, repin_ops(engine, &case, by, &repin))
        .await
    {
        Err(error) if error.is_conflict() => refused("the case has just moved; look again"),
        Err(error) => Err(error),
        Ok(_) => Ok(repin),
    }
}

/// Open cases that run on an older version than the one in force, by version.
pub async fn older_versions(engine: &Engine) -> Result<Vec<OlderVersion>, EngineError> {
    let mut found: Vec<OlderVersion> = Vec::new();
    let mut offset = 0;
    loop {
        let page = Page {
            offset,
            limit: PAGE,
        };
        let cases = engine.store.cases(&CaseFilter::default(), page).await?;
        for case in &cases {
            note_version(engine, case, &mut found).await?;
        }
        offset += PAGE;
        if cases.len() < PAGE as usize {
            return Ok(found);
        }
    }
}

async fn note_version(
    engine: &Engine,
    case: &Case,
    found: &mut Vec<OlderVersion>,
) -> Result<(), EngineError> {
    let Some((_, now)) = engine.registry.in_force(&case.procedure) else {
        return Ok(());
    };
    if now.hash == case.procedure_hash {
        return Ok(());
    }
    let known = found
        .iter_mut()
        .find(|one| one.procedure == case.procedure && one.from == case.procedure_hash);
    match known {
        Some(known) => known.cases.push(case.id),
        None => found.push(OlderVersion {
            procedure: case.procedure.clone(),
            from: case.procedure_hash.clone(),
            to: now.hash.clone(),
            cases: vec![case.id],
            differences: differences_for(engine, case, now).await?,
        }),
    }
    Ok(())
}

async fn differences_for(
    engine: &Engine,
    case: &Case,
    now: &ProcedureVersion,
) -> Result<Vec<Difference>, EngineError> {
    let was = engine.store.procedure(&case.procedure_hash).await?;
    let was = was.ok_or_else(|| EngineError::Procedure {
        name: case.procedure.clone(),
        hash: case.procedure_hash.clone(),
        reason: "this version is not stored".to_owned(),
    })?;
    Ok(differences(&body(&was)?, &body(now)?))
}

async fn case_to_repin(engine: &Engine, id: CaseId) -> Result<Case, EngineError> {
    match engine.store.case(id).await? {
        None => refused(format!(
            "there is no case {id}; `{}` shows them",
            crate::remedy::RemedyCommand::CasesList
        )),
        Some(case) if case.status.is_closed() => {
            refused("a closed case keeps the version it was closed with")
        }
        Some(case) => Ok(case),
    }
}

async fn repin_of(engine: &Engine, case: &Case) -> Result<Repin, EngineError> {
    let Some((workflow, now)) = engine.registry.in_force(&case.procedure) else {
        return refused(format!("no procedure {} is in force", case.procedure));
    };
    if now.hash == case.procedure_hash {
        return refused("the case runs on the version in force already");
    }
    let effects = engine.store.effects(case.id).await?;
    let under_way = effects.iter().find(|effect| effect.state.is_under_way());
    if let Some(effect) = under_way {
        return refused(format!(
            "{} is under way; move the case once it is settled",
            effect.kind().as_str()
        ));
    }
    let coaches = engine.store.coaches().await?;
    let time_off = time_off::list(engine.store.as_ref()).await?;
    let cx = engine.context(&coaches, &time_off, engine.now());
    // No timer of that generation was ever set: it moves nothing, unless the state can't be
    // read by this version.
    let nothing = Input::Timer {
        generation: u64::MAX,
    };
    if workflow.step(cx, case, &nothing).is_some() {
        return refused("the version in force can't read the state of this case");
    }
    let planned = effects
        .iter()
        .any(|effect| effect.state == EffectState::Planned);
    Ok(Repin {
        case: case.id,
        client: case.client.clone(),
        procedure: case.procedure.clone(),
        step: case.step.clone(),
        from: case.procedure_hash.clone(),
        to: now.hash.clone(),
        differences: differences_for(engine, case, now).await?,
        notes: notes(engine, case, planned),
    })
}

fn repin_ops(engine: &Engine, case: &Case, by: &str, repin: &Repin) -> Vec<Op> {
    let now = engine.now();
    let mut moved = case.clone();
    moved.procedure_hash.clone_from(&repin.to);
    if let Some((workflow, _)) = engine.registry.in_force(&case.procedure) {
        moved.logic = workflow.logic();
    }
    moved.version += 1;
    moved.changed_at = now;
    let detail = json!({ "from": repin.from, "to": repin.to,
                         "differences": repin.differences });
    vec![
        Op::UpdateCase {
            case: moved,
            expected: case.version,
        },
        Op::AppendTimeline {
            case: case.id,
            entry: relay_core::case::TimelineEntry {
                at: now,
                step: case.step.clone(),
                text: format!(
                    "{by} moved the case to another version of the procedure ({} differences)",
                    repin.differences.len()
                ),
                sop: None,
                detail: Some(detail.clone()),
            },
        },
        Op::Audit(AuditEntry {
            at: now,
            who: by.to_owned(),
            what: "repin".to_owned(),
            object: case.id.to_string(),
            detail,
        }),
    ]
}

fn notes(engine: &Engine, case: &Case, planned: bool) -> Vec<String> {
    let mut notes = vec!["what is sent and decided stays as it is".to_owned()];
    if let Some(Wait::Timer { until, .. }) = &case.wait {
        let local = engine.calendar.zone().to_datetime(*until);
        let local = local.strftime("%Y-%m-%d %H:%M");
        notes.push(format!(
            "the wait under way still ends at {local}, clinic time"
        ));
    }
    if planned {
        notes.push("what is planned and not sent goes out with the new texts".to_owned());
    }
    notes
}
