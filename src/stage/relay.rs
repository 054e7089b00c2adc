//! The relay's own line: where each case of a client stands, why, and what it asks of people.
//!
//! Beside each step stand the sentences of the clinic's document that it carries out, from the
//! registry of procedures: a step that is added there shows here.

use relay_core::case::{Case, CaseStatus, TimelineEntry, Wait};
use relay_core::effects::KeyParts;
use relay_core::ids::ClientId;
use relay_core::time::{Date, TimeZone};
use relay_core::workflows::{ProcedureInfo, StepInfo, registry};
use relay_store::{CaseFilter, Job, JobFilter, JobState, Page, WorkItem};
use serde::Serialize;
use serde_json::Value;

use crate::engine::Engine;
use crate::engine::ready::{Ready, ready};
use crate::sandbox::report::clinic_time;

/// Rows that are read at most.
const MANY: Page = Page {
    offset: 0,
    limit: 200,
};

/// The relay's line for one client.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RelayView {
    /// Her cases, newest change first.
    pub cases: Vec<CaseView>,
    /// What people must do, the most urgent first.
    pub work: Vec<WorkView>,
    /// Jobs that fail.
    pub failing: Vec<FailingView>,
    /// How many jobs were given up and can be replayed.
    pub dead: usize,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseView {
    /// Its id.
    pub id: String,
    /// Its procedure, in words.
    pub procedure: String,
    /// `open`, `paused`, `held` or `closed`.
    pub status: &'static str,
    /// What it waits for, or why it is over.
    pub now: String,
    /// Until when, where it waits for a moment.
    pub until: Option<String>,
    /// The channel that was chosen, and why, in one line.
    pub decision: Option<String>,
    /// What the coach should know before she relies on it.
    pub cautions: Vec<String>,
    /// What would have led to another.
    pub would_change: Option<String>,
    /// Its steps, in order.
    pub steps: Vec<StepView>,
    /// What happened, oldest first.
    pub history: Vec<LineView>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepView {
    /// Its name, in words.
    pub name: String,
    /// `done`, `now`, `to come` or `not taken`.
    pub state: &'static str,
    /// The sentences of the document that it carries out.
    pub sentences: Vec<&'static str>,
}

/// A line of a case's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineView {
    /// When it happened, on the clinic's clock.
    pub at: String,
    /// What happened, as people read it.
    pub text: String,
}

/// What a person must do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkView {
    /// Its id.
    pub id: String,
    /// Its kind, in words.
    pub kind: String,
    /// Whose it is.
    pub owner: String,
    /// What is to be done.
    pub title: String,
    /// Why, where the item says so.
    pub reason: Option<String>,
    /// The text that is ready for it.
    pub ready: Option<String>,
    /// What the text claims and is not so.
    pub check: Vec<String>,
    /// The actions that settle it.
    pub actions: Vec<String>,
}

/// A job that fails, or was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailingView {
    /// Its id.
    pub id: String,
    /// Whether it was given up.
    pub dead: bool,
    /// What, why, and when it is tried again.
    pub text: String,
}

/// Steps of which a case takes one: the two scenarios of the document.
const EITHER: [&str; 2] = ["email_follow_up", "phone_follow_up"];

/// Reads the line of one client.
pub async fn read(engine: &Engine, client: &str, zone: &TimeZone) -> Result<RelayView, String> {
    let told = |error: relay_store::StoreError| error.to_string();
    let store = &engine.store;
    let id = ClientId::from(client);
    let today = engine.calendar.date_of(engine.now());
    let filter = CaseFilter {
        client: Some(id.clone()),
        closed: true,
        ..CaseFilter::default()
    };
    let mut cases = Vec::new();
    for stored in store.cases(&filter, MANY).await.map_err(told)? {
        let timeline = store.timeline(stored.id).await.map_err(told)?;
        cases.push(case(&stored, &timeline, zone));
    }
    let open = store.open_work(None, MANY).await.map_err(told)?;
    let mine = open.iter().filter(|item| item.client.as_ref() == Some(&id));
    let filter = JobFilter {
        states: vec![JobState::Ready, JobState::Parked, JobState::Dead],
        client: Some(id.clone()),
        ..JobFilter::default()
    };
    let jobs = store.jobs(&filter, MANY).await.map_err(told)?;
    Ok(RelayView {
        cases,
        work: mine.map(|item| work(item, today)).collect(),
        failing: jobs.iter().filter_map(|job| failing(job, zone)).collect(),
        dead: jobs
            .iter()
            .filter(|job| job.state == JobState::Dead)
            .count(),
    })
}

/// A case with its history, for the page.
pub fn case(case: &Case, timeline: &[TimelineEntry], zone: &TimeZone) -> CaseView {
    let decided = timeline.iter().rev().find(|line| decision(line).is_some());
    let made = decided.and_then(decision);
    let would_change = made.and_then(|decision| decision["would_change"].as_str());
    let cautions = made.and_then(|decision| decision["cautions"].as_array());
    CaseView {
        id: case.id.to_string(),
        procedure: in_words(&case.procedure),
        status: case.status.as_str(),
        now: now(case),
        until: match &case.wait {
            Some(Wait::Timer { until, .. }) => Some(clinic_time(*until, zone)),
            _ => None,
        },
        decision: decided.map(|line| line.text.clone()),
        cautions: cautions.map_or_else(Vec::new, |all| {
            let all = all.iter().filter_map(|caution| caution.as_str());
            all.map(str::to_owned).collect()
        }),
        would_change: would_change.map(str::to_owned),
        steps: steps(case, timeline),
        history: timeline
            .iter()
            .map(|line| LineView {
                at: clinic_time(line.at, zone),
                text: line.text.clone(),
            })
            .collect(),
    }
}

fn decision(line: &TimelineEntry) -> Option<&Value> {
    line.detail.as_ref()?.get("decision")
}

/// What the case waits for now, or why it waits for nothing.
fn now(case: &Case) -> String {
    match (&case.status, &case.wait) {
        (CaseStatus::Closed { reason } | CaseStatus::Held { reason }, _)
        | (CaseStatus::Paused { reason }, None) => reason.clone(),
        (_, Some(Wait::Timer { why, .. })) => why.clone(),
        (_, Some(Wait::Person { who, why, .. })) => format!("{}: {why}", owner(who)),
        (_, Some(Wait::Effect { key })) => {
            let name = KeyParts::of(key).map_or("effect", |parts| parts.name);
            format!("being carried out: {}", in_words(name))
        }
        (_, Some(Wait::Read { what })) => format!("being read: {}", in_words(what)),
        (CaseStatus::Open, None) => String::new(),
    }
}

/// The procedure's steps, each with how far it has come in this case.
fn steps(case: &Case, timeline: &[TimelineEntry]) -> Vec<StepView> {
    let procedures = registry();
    let known = |one: &&ProcedureInfo| one.name == case.procedure;
    let Some(procedure) = procedures.iter().find(known) else {
        return Vec::new();
    };
    // That there is a case is the first step's work, whatever step its first line names.
    let first = procedure.steps.first().map(|step| step.id);
    let reached = |step: &StepInfo| {
        let told = timeline.iter().any(|line| line.step == step.id);
        told || step.id == case.step || Some(step.id) == first
    };
    let furthest = procedure.steps.iter().rposition(reached);
    let closed = case.status.is_closed();
    let scenario = procedure
        .steps
        .iter()
        .any(|step| EITHER.contains(&step.id) && reached(step));
    let state = |(place, step): (usize, &StepInfo)| {
        if step.id == case.step && !closed {
            "now"
        } else if reached(step) {
            "done"
        } else if closed
            || furthest.is_some_and(|furthest| place < furthest)
            || (scenario && EITHER.contains(&step.id))
        {
            "not taken"
        } else {
            "to come"
        }
    };
    let steps = procedure.steps.iter().enumerate();
    steps
        .map(|(place, step)| StepView {
            name: in_words(step.id),
            state: state((place, step)),
            sentences: step.sentences.to_vec(),
        })
        .collect()
}

/// A work item, for the page.
pub fn work(item: &WorkItem, today: Date) -> WorkView {
    let mut texts = Vec::new();
    let mut check = Vec::new();
    for one in ready(&item.detail["ready"], today) {
        match one {
            Ready::Text { text, .. } => texts.push(text),
            Ready::Withheld(faults) => check.extend(faults.into_iter().map(str::to_owned)),
            Ready::Missing => {}
        }
    }
    WorkView {
        id: item.id.to_string(),
        kind: in_words(&item.kind),
        owner: owner(&item.owner),
        title: item.title.clone(),
        reason: item.detail["reason"].as_str().map(str::to_owned),
        ready: (!texts.is_empty()).then(|| texts.join("\n\n")),
        check,
        actions: item.actions.clone(),
    }
}

/// A job that fails or waits for a person; `None` for one that does neither.
fn failing(job: &Job, zone: &TimeZone) -> Option<FailingView> {
    let error = job.last_error.as_ref();
    let why = error.map(|error| error.message.as_str());
    let why = why.or(job.note.as_deref()).unwrap_or("no reason is stored");
    let what = what(job);
    let text = match job.state {
        JobState::Dead => format!("{what}: given up. {why}"),
        JobState::Parked => format!("{what}: waits for a person. {why}"),
        _ if job.failures > 0 => {
            let times = match job.failures {
                1 => "once".to_owned(),
                failures => format!("{failures} times"),
            };
            let at = clinic_time(job.run_at, zone);
            format!("{what}: failed {times}, tries again {at}. {why}")
        }
        _ => return None,
    };
    Some(FailingView {
        id: job.id.to_string(),
        dead: job.state == JobState::Dead,
        text,
    })
}

fn what(job: &Job) -> String {
    // In the payload of an effect's job, its kind.
    let effect = job.payload["kind"].as_str();
    let read = job.payload["read"].as_str();
    match (effect, read) {
        (Some(kind), _) => in_words(kind),
        (None, Some(read)) => format!("read of {}", in_words(read)),
        (None, None) => in_words(&job.kind),
    }
}

/// A stored name as people read it.
fn in_words(name: &str) -> String {
    let words = name.replace('_', " ");
    let words = words.replace("check in", "check-in");
    words.replace("follow up", "follow-up")
}

/// Whose something is: a role, or a coach by the name in her id.
fn owner(name: &str) -> String {
    let Some(coach) = name.strip_prefix("coach_") else {
        return format!("the {}", in_words(name));
    };
    let mut letters = coach.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests;
