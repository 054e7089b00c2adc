//! A person opens a case: for a client whom nobody follows up and somebody should.
//!
//! The procedure's own rules hold for her as well: what is refused to the machine is refused here,
//! with what would have to change. Only what a person had decided before (a case that was closed for
//! good, a check-in from before the relay was switched on) she may decide anew.

use relay_core::clients::{CheckIn, ClientSnapshot};
use relay_core::ids::{CaseId, CheckInId, ClientId};
use relay_core::time::SignedDuration;
use relay_core::workflow::{NotOpened, Recheck};
use relay_core::workflows::missed_check_in::NAME;
use relay_store::{AuditEntry, Op};
use serde_json::json;

use crate::engine::commands::preview::in_words;
use crate::engine::stepper::Stepping;
use crate::engine::sync::backlog;
use crate::engine::sync::opening;
use crate::engine::sync::opening::{Opening, later_submitted};
use crate::engine::{Engine, EngineError, watch};
use crate::failpoint::{MISSED_COMMIT, MISSED_READ};

/// How far back a check-in is looked for.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 180);

/// How often it is decided again while the client's cases keep moving.
const TRIES: usize = 8;

fn refused<T>(text: impl Into<String>) -> Result<T, EngineError> {
    Err(EngineError::Refused(text.into()))
}

/// Opens a case for the check-in named, or the latest that is open and overdue.
pub async fn open_case(
    engine: &Engine,
    client: &ClientId,
    check_in: Option<&CheckInId>,
    by: &str,
) -> Result<CaseId, EngineError> {
    for _ in 0..TRIES {
        let (snapshot, listed) = missed_by(engine, client, check_in).await?;
        let mut stepping = opening_by_hand(engine, client, &snapshot, &listed).await?;
        stepping.push(Op::Audit(AuditEntry {
            at: engine.now(),
            who: by.to_owned(),
            what: "case.open".to_owned(),
            object: client.to_string(),
            detail: json!({ "check_in": listed.id, "due": listed.due }),
        }));
        stepping.push(backlog::opened_by(engine, client, &listed, by));
        match engine.commit(MISSED_COMMIT, stepping.into_ops()).await {
            Err(error) if error.is_conflict() => continue,
            other => other?,
        };
        engine.wake.notify_one();
        let open = engine.store.open_cases(client).await?;
        return match open.iter().find(|case| case.procedure == NAME) {
            Some(case) => Ok(case.id),
            None => refused(
                "nobody is followed up by a case: `clear-relay work list` shows what there is \
                 to do for her",
            ),
        };
    }
    refused("her cases keep moving; try again")
}

/// What [`open_case`] would do now.
pub async fn preview_open(
    engine: &Engine,
    client: &ClientId,
    check_in: Option<&CheckInId>,
) -> Result<Vec<String>, EngineError> {
    let (snapshot, listed) = missed_by(engine, client, check_in).await?;
    let stepping = opening_by_hand(engine, client, &snapshot, &listed).await?;
    let ops = stepping.into_ops();
    let lines = ops.iter().filter_map(|op| in_words(op, &engine.calendar));
    Ok(lines.collect())
}

/// The client and the check-in that she missed, as the portal shows them now.
async fn missed_by(
    engine: &Engine,
    client: &ClientId,
    check_in: Option<&CheckInId>,
) -> Result<(ClientSnapshot, CheckIn), EngineError> {
    let cases = engine.store.open_cases(client).await?;
    if let Some(case) = cases.iter().find(|case| case.procedure == NAME) {
        return refused(format!(
            "client {client} has an open case already: `clear-relay cases show {}`",
            case.id
        ));
    }
    let portal = &engine.ports.portal;
    let records = engine.ports.records().words();
    let Some(snapshot) = engine.call(MISSED_READ, portal.client(client)).await? else {
        return refused(format!(
            "{records} knows no client {client}: look up her id there"
        ));
    };
    let today = engine.calendar.date_of(engine.now());
    let since = today.saturating_sub(LOOK_BACK);
    let listed = engine
        .call(MISSED_READ, portal.check_ins(client, since))
        .await?;
    let later = later_submitted(&listed);
    let found = match check_in {
        Some(id) => listed.into_iter().find(|listed| listed.id == *id),
        None => listed
            .into_iter()
            .filter(|listed| listed.submitted_at.is_none() && !listed.withdrawn)
            .filter(|listed| listed.due < today)
            .max_by_key(|listed| listed.due),
    };
    match (found, check_in) {
        (Some(found), _) if later.is_some_and(|later| later > found.due) => refused(format!(
            "a later check-in than the one due {} was submitted in its place: if that is wrong, \
             have it put right in {records}",
            found.due
        )),
        (Some(found), _) => Ok((snapshot, found)),
        (None, Some(id)) => refused(format!(
            "{records} lists no check-in {id} of client {client}: leave out --check-in for the \
             latest that is overdue"
        )),
        (None, None) => refused(format!(
            "{records} lists no check-in of client {client} that is open and overdue: set one there first"
        )),
    }
}

async fn opening_by_hand<'a>(
    engine: &'a Engine,
    client: &ClientId,
    snapshot: &ClientSnapshot,
    listed: &CheckIn,
) -> Result<Stepping<'a>, EngineError> {
    let missed_from = watch::missed_from(engine, listed.due, listed.due_at);
    if missed_from > engine.now() {
        return refused(format!(
            "the check-in is due {}: it counts as missed once its day has passed",
            listed.due
        ));
    }
    match opening::opening(engine, client, listed, snapshot).await? {
        Opening::Opens(stepping) => Ok(stepping),
        Opening::Refused { why, .. } => refused(with_remedy(engine, &why, client)),
        Opening::NoField { why } => refused(format!(
            "whether she comes to the clinic can't be read in the CRM: {why}; `clear-relay doctor` \
             tells what to correct"
        )),
    }
}

/// Why not, and what would have to change.
fn with_remedy(engine: &Engine, refusal: &NotOpened, client: &ClientId) -> String {
    let records = engine.ports.records().words();
    let remedy = match &refusal.recheck {
        Recheck::Never => format!("{records} decides that: change it there"),
        Recheck::WhileStatus => format!(
            "if that is wrong, set client {client} to online in {records}: the follow-up then \
             begins by itself"
        ),
        Recheck::WhileContactType => format!(
            "if that is wrong, set the contact type of client {client} right in the CRM: the \
             follow-up then begins by itself"
        ),
        Recheck::AfterBreak(Some(_)) => {
            format!(
                "the follow-up begins by itself when the break is over; end it in {records} to begin now"
            )
        }
        Recheck::AfterBreak(None) => {
            format!("enter the last day of the break in {records}, or set her online there")
        }
        Recheck::UnknownWord(_) => {
            format!("set her to online in {records} if that is what is meant")
        }
    };
    format!("{}; {remedy}", refusal.reason)
}
