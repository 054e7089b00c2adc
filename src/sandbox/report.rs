//! What came of a play: each person's story, what reached her and why, and the verdict.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use relay_core::case::{Case, CaseStatus, TimelineEntry};
use relay_core::ids::ClientId;
use relay_core::time::{TimeZone, Timestamp};
use relay_http_client::emulation::Accepted;
use relay_store::{CaseFilter, Page, Store, StoreError};
use serde::Serialize;
use serde_json::{Value, json};

pub use crate::wiring::emulated::clinic_time;

use super::cast::CastClient;
use super::compare::compare;
use super::play::Play;
use super::tasks::{TaskCount, counted};
use crate::engine::incidents::{INCIDENT, OVER};

/// A played cast.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether everything was as written down.
    pub passed: bool,
    /// The seed it was played with.
    pub seed: u64,
    /// Each client, in the order of the cast.
    pub people: Vec<Person>,
    /// The tasks that each coach was given in the CRM, by her name, calls and questions together.
    pub tasks: BTreeMap<String, TaskCount>,
    /// What an admin was told of vendors that failed for many.
    pub incidents: Vec<String>,
    /// What belongs to no client and was not expected.
    pub problems: Vec<String>,
    /// How often each place of the relay was passed.
    pub passed_places: BTreeMap<String, u64>,
}

/// One client's story as it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Person {
    /// Her id.
    pub client: String,
    /// First name and initial.
    pub name: String,
    /// What the story shows.
    pub story: String,
    /// Whether it went as written down.
    pub passed: bool,
    /// Whether it was compared at all: not where somebody took a hand in it.
    pub compared: bool,
    /// What differs, a line each.
    pub differences: Vec<String>,
    /// What vendors accepted for her, in order.
    pub received: Vec<Received>,
    /// Her cases, in order.
    pub cases: Vec<CaseReport>,
    /// What people find in the work list, one line each.
    pub work: Vec<String>,
}

/// An accepted request, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Received {
    /// When the vendor accepted it, procedure time.
    pub at: Timestamp,
    /// When, on the clinic's clock.
    pub clinic_time: String,
    /// What: the name of the effect.
    pub what: String,
    /// Its text or title.
    pub says: String,
}

/// A case, told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseReport {
    /// The name of its procedure.
    pub procedure: String,
    /// Where it stands.
    pub status: String,
    /// The chosen channel with its one-line reason, if one was chosen.
    pub decision: Option<String>,
    /// What would have led to another.
    pub would_change: Option<String>,
    /// What the coach should know before she relies on it.
    pub cautions: Vec<String>,
    /// What happened, line by line.
    pub timeline: Vec<Line>,
}

/// A line of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// When, on the clinic's clock.
    pub clinic_time: String,
    /// What happened, as people read it.
    pub text: String,
    /// The sentence of the SOP.
    pub sop: Option<String>,
}

/// The report of a play that is over.
pub(super) async fn of(play: &Play) -> Result<Report, StoreError> {
    let accepted = play.world.vendors.accepted();
    let mut people = Vec::new();
    for client in &play.cast().clients {
        people.push(person(play, client, &accepted).await?);
    }
    let world = &play.world;
    let tasks = counted(play.cast(), &world.vendors, world.zone(), &accepted);
    let ours: Vec<&str> = play
        .cast()
        .clients
        .iter()
        .map(|client| client.id.as_str())
        .collect();
    let problems: Vec<String> = play
        .problems()
        .iter()
        .filter(|(who, _)| !ours.contains(&who.as_str()) && play.is_compared(who))
        .map(|(_, problem)| problem.clone())
        .collect();
    // Whoever takes a hand in a story makes tasks of her own at most.
    let crowded = tasks
        .iter()
        .filter(|(_, count)| count.most_open_about_one > 1);
    let crowded = crowded.map(|(name, count)| {
        let open = count.most_open_about_one;
        format!("{name} had {open} open tasks about one client at one time")
    });
    let problems: Vec<String> = problems.into_iter().chain(crowded).collect();
    let places = play
        .passed()
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count));
    Ok(Report {
        passed: problems.is_empty() && people.iter().all(|person| person.passed),
        seed: play.options().seed,
        people,
        tasks,
        incidents: incidents(play).await?,
        problems,
        passed_places: places.collect(),
    })
}

/// What an admin was told of vendors that failed.
async fn incidents(play: &Play) -> Result<Vec<String>, StoreError> {
    let page = Page {
        offset: 0,
        limit: 1000,
    };
    let open = play.world.store().open_work(None, page).await?;
    let told = open
        .into_iter()
        .filter(|item| [INCIDENT, OVER].contains(&item.kind.as_str()));
    Ok(told.map(|item| item.title).collect())
}

async fn person(
    play: &Play,
    client: &CastClient,
    accepted: &[Accepted],
) -> Result<Person, StoreError> {
    let zone = play.world.zone();
    let store = play.world.store();
    let id = ClientId::from(client.id.as_str());
    let page = Page {
        offset: 0,
        limit: 1000,
    };
    let mut reached = accepted.to_vec();
    if play.cast().work_list {
        reached.extend(asked(store.as_ref(), &id).await?);
    }
    let mut outcome = compare(client, &reached, zone);
    let open = store.open_work(None, page).await?;
    let mine: Vec<_> = open
        .iter()
        .filter(|item| item.client.as_ref() == Some(&id))
        .collect();
    let mut kinds: Vec<&str> = mine.iter().map(|item| item.kind.as_str()).collect();
    kinds.sort_unstable();
    if kinds != client.work {
        let (wanted, found) = (client.work.join(", "), kinds.join(", "));
        outcome
            .differences
            .push(format!("open work is [{found}] instead of [{wanted}]"));
    }
    let problems = play.problems().iter().filter(|(who, _)| *who == client.id);
    outcome
        .differences
        .extend(problems.map(|(_, problem)| problem.clone()));
    let compared = play.is_compared(&client.id);
    if !compared {
        outcome.differences.clear();
    }
    let filter = CaseFilter {
        client: Some(id),
        closed: true,
        ..CaseFilter::default()
    };
    let mut cases = Vec::new();
    for case in store.cases(&filter, page).await? {
        let timeline = store.timeline(case.id).await?;
        cases.push(tell(&case, &timeline, zone));
    }
    Ok(Person {
        client: client.id.clone(),
        name: short_name(client),
        story: client.story.clone(),
        passed: outcome.passed(),
        compared,
        received: outcome
            .accepted
            .iter()
            .map(|entry| received(entry, zone))
            .collect(),
        differences: outcome.differences,
        cases,
        work: mine
            .iter()
            .map(|item| format!("{}: {}", item.kind, item.title))
            .collect(),
    })
}

/// What people were asked about a client in the work list, settled or not, by when they were asked.
pub async fn asked(store: &dyn Store, client: &ClientId) -> Result<Vec<Accepted>, StoreError> {
    let page = Page {
        offset: 0,
        limit: 1000,
    };
    let mut items = store.client_work(client).await?;
    let filter = CaseFilter {
        client: Some(client.clone()),
        closed: true,
        ..CaseFilter::default()
    };
    for case in store.cases(&filter, page).await? {
        items.extend(store.case_work(case.id).await?);
    }
    items.sort_by_key(|item| (item.opened_at, item.id));
    items.dedup_by_key(|item| item.id);
    let asked = items.into_iter().map(|item| Accepted {
        at: item.opened_at,
        operation: item.kind,
        who: client.to_string(),
        content: json!({ "title": item.title, "owner": item.owner, "detail": item.detail }),
    });
    Ok(asked.collect())
}

/// How staff speak of her.
pub fn short_name(client: &CastClient) -> String {
    let first = if client.first.is_empty() {
        "(no name)"
    } else {
        &client.first
    };
    match client.last.chars().next() {
        Some(initial) => format!("{first} {initial}."),
        None => first.to_owned(),
    }
}

/// An accepted request, as people read it.
pub fn received(entry: &Accepted, zone: &TimeZone) -> Received {
    let content = &entry.content;
    let first = [
        "title",
        "subject",
        "text",
        "name",
        "tag",
        "value",
        "subscription",
        "payment_method",
    ]
    .into_iter()
    .find_map(|name| content.get(name).and_then(Value::as_str));
    let mut says = first.unwrap_or_default().to_owned();
    if let (Some(_), Some(text)) = (content.get("subject"), content["text"].as_str()) {
        says = format!("{says}: {text}");
    }
    Received {
        at: entry.at,
        clinic_time: clinic_time(entry.at, zone),
        what: entry.operation.clone(),
        says,
    }
}

fn tell(case: &Case, timeline: &[TimelineEntry], zone: &TimeZone) -> CaseReport {
    let decided = timeline
        .iter()
        .rev()
        .find(|entry| decision_of(entry).is_some());
    let made = decided.and_then(decision_of);
    let would_change = made.and_then(|d| d["would_change"].as_str());
    let cautions = made.and_then(|d| d["cautions"].as_array());
    CaseReport {
        procedure: case.procedure.clone(),
        status: status(&case.status),
        decision: decided.map(|entry| entry.text.clone()),
        would_change: would_change.map(str::to_owned),
        cautions: cautions.map_or_else(Vec::new, |all| {
            let all = all.iter().filter_map(Value::as_str);
            all.map(str::to_owned).collect()
        }),
        timeline: timeline
            .iter()
            .map(|entry| Line {
                clinic_time: clinic_time(entry.at, zone),
                text: entry.text.clone(),
                sop: entry.sop.clone(),
            })
            .collect(),
    }
}

fn decision_of(entry: &TimelineEntry) -> Option<&Value> {
    entry.detail.as_ref()?.get("decision")
}

fn status(status: &CaseStatus) -> String {
    match status {
        CaseStatus::Open => "open".to_owned(),
        CaseStatus::Paused { reason } => format!("paused: {reason}"),
        CaseStatus::Held { reason } => format!("held: {reason}"),
        CaseStatus::Closed { reason } => format!("closed: {reason}"),
    }
}

impl Report {
    /// Every difference, with whose it is.
    pub fn differences(&self) -> Vec<String> {
        let of_people = self.people.iter().flat_map(|person| {
            person
                .differences
                .iter()
                .map(move |line| format!("{}: {line}", person.client))
        });
        of_people.chain(self.problems.iter().cloned()).collect()
    }

    /// The report for people.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let verdict = if self.passed {
            "everything as expected"
        } else {
            "NOT as expected"
        };
        let passed = self.people.iter().filter(|person| person.passed).count();
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{passed} of {} stories went as written down: {verdict}. Seed {}.\n",
            self.people.len(),
            self.seed
        );
        for problem in &self.problems {
            let _ = writeln!(text, "- **unexpected**: {problem}");
        }
        for person in &self.people {
            person.markdown(&mut text);
        }
        text
    }
}

impl Person {
    fn markdown(&self, text: &mut String) {
        let mark = match (self.compared, self.passed) {
            (false, _) => "not compared",
            (true, true) => "ok",
            (true, false) => "DIFFERS",
        };
        let _ = writeln!(
            text,
            "\n## {} ({}): {mark}\n\n{}\n",
            self.name, self.client, self.story
        );
        for case in &self.cases {
            let _ = writeln!(text, "- case `{}`: {}", case.procedure, case.status);
            if let Some(decision) = &case.decision {
                let _ = writeln!(text, "- decision: **{decision}**");
            }
            for caution in &case.cautions {
                let _ = writeln!(text, "- look at this: {caution}");
            }
            if let Some(change) = &case.would_change {
                let _ = writeln!(text, "- what would have changed it: {change}");
            }
        }
        for item in &self.work {
            let _ = writeln!(text, "- open work: {item}");
        }
        for difference in &self.differences {
            let _ = writeln!(text, "- **difference**: {difference}");
        }
        if !self.received.is_empty() {
            let _ = writeln!(text, "\n| when | what | says |\n|---|---|---|");
        }
        for entry in &self.received {
            let says = entry.says.replace('|', "\\|").replace('\n', " ");
            let _ = writeln!(text, "| {} | {} | {says} |", entry.clinic_time, entry.what);
        }
    }
}
