//! What an admin reads of an incident.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use relay_core::effects::EffectKind;
use relay_core::ids::WorkItemId;
use relay_core::incidents::{Episode, IncidentClass, Scope, VendorIncidents};
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::work_kinds;
use relay_http_client::CallError;
use relay_store::{Job, Op, WorkItem};
use serde_json::{Value, json};

use crate::engine::job_kinds::JobKind;
use crate::engine::words::effect_name;
use crate::engine::{Engine, items};
use crate::remedy::RemedyCommand;

/// The kind of the item while an incident lasts, and of the notice when it is over.
pub(crate) const INCIDENT: &str = work_kinds::INCIDENT;
pub(crate) const OVER: &str = work_kinds::INCIDENT_OVER;

/// The key of the item of an incident.
pub(crate) fn item_key(vendor: &str, class: IncidentClass) -> String {
    format!("incident/{vendor}/{}", class.as_str())
}

/// The key of the notice that it is over.
pub(crate) fn over_key(vendor: &str, class: IncidentClass) -> String {
    format!("incident/{vendor}/{}/over", class.as_str())
}

/// Which incident an item is about.
pub(crate) fn of_item(item: &WorkItem) -> Option<(String, IncidentClass)> {
    let vendor = item.detail["vendor"].as_str()?;
    let class = IncidentClass::from_name(item.detail["class"].as_str()?)?;
    Some((vendor.to_owned(), class))
}

fn title_of(engine: &Engine, vendor: &str) -> String {
    let title = engine.limiter.title(vendor);
    title.unwrap_or(vendor).to_owned()
}

/// A moment as people at the clinic read it.
fn moment(engine: &Engine, at: Timestamp) -> String {
    let at = engine.calendar.zone().to_datetime(at);
    at.strftime("%B %-d, %H:%M").to_string()
}

/// What has happened, as the beginning of a sentence.
fn happened(title: &str, class: IncidentClass, since: &str) -> String {
    match class {
        IncidentClass::NoAnswer => format!("{title} has not answered as it should since {since}"),
        IncidentClass::Credential => format!("{title} has not let the relay in since {since}"),
        IncidentClass::Forbidden => {
            format!("{title} has not allowed the relay all that it needs since {since}")
        }
        IncidentClass::Rejected => {
            format!("{title} has refused what the relay asks of it since {since}")
        }
        IncidentClass::Unreadable => {
            format!("The relay has not been able to read what {title} answers since {since}")
        }
    }
}

/// What a person can do about it.
fn remedy(engine: &Engine, item: WorkItemId, vendor: &str, class: IncidentClass) -> String {
    let replay = RemedyCommand::WorkDone(item, "replay");
    match class {
        IncidentClass::NoAnswer => format!(
            "look at the vendor's status page and at this machine's network. Nothing needs to be repeated: \
             what waits goes on by itself; `{replay}` tries at once"
        ),
        IncidentClass::Credential => engine.ports.connections.remedy(vendor),
        IncidentClass::Forbidden => format!(
            "give the relay's access the right to what fails, in the vendor's settings. What waits goes on \
             by itself then; {}",
            engine.ports.connections.remedy(vendor)
        ),
        IncidentClass::Rejected => {
            "ask the vendor's people what they have changed. What waits goes on by itself \
                                    once it is accepted again"
                .to_owned()
        }
        IncidentClass::Unreadable => {
            "tell the vendor's people what it says; a newer release of the relay may \
                                      read it. What waits goes on by itself then"
                .to_owned()
        }
    }
}

/// What fails, in words.
fn fails(episode: &Episode) -> String {
    let scopes = episode.scopes();
    let words: Vec<&str> = scopes
        .iter()
        .map(|scope| match scope {
            Scope::Everything => "everything",
            Scope::Only(capability) => capability.words(),
        })
        .collect();
    if words.is_empty() {
        "nothing now; what waited is going on again".to_owned()
    } else {
        words.join(", ")
    }
}

/// An incident in a line, for lists: since when, what fails, how many wait.
pub fn incident_words(title: &str, class: IncidentClass, episode: &Episode, since: &str) -> String {
    format!(
        "{} ({}); {}",
        happened(title, class, since),
        fails(episode),
        waiting_words(episode.waiting().count())
    )
}

fn waiting_words(things: usize) -> String {
    match things {
        0 => "nothing waits".to_owned(),
        1 => "1 thing waits".to_owned(),
        many => format!("{many} things wait"),
    }
}

/// Opens the item of an incident.
pub(crate) fn open_item_ops(
    engine: &Engine,
    vendor: &str,
    class: IncidentClass,
    incidents: &VendorIncidents,
    met: Option<(&Job, &CallError)>,
) -> Vec<Op> {
    let now = engine.now();
    let episode = incidents.of(class);
    let since = episode.and_then(Episode::since).unwrap_or(now);
    let title = title_of(engine, vendor);
    let title = format!(
        "{}: {}",
        happened(&title, class, &moment(engine, since)),
        if class.ends_at_once() {
            "what needs it waits for a day at most; after that somebody is asked about each client"
        } else {
            "what needs it waits, and goes on by itself once it works again"
        }
    );
    let mut item = items::item(engine, item_key(vendor, class), INCIDENT, title);
    item.detail = json!({
        "vendor": vendor, "class": class, "since": since,
        "list": { "fails": episode.map(fails) },
    });
    let mut remedy = remedy(engine, item.id, vendor, class);
    if let Some((job, call)) = met {
        // Its message may quote a person; it stands with the job.
        item.detail["technical"] = json!(technical(call));
        let show = RemedyCommand::JobsShow(job.id);
        // Writing to a string can't fail.
        let _ = write!(remedy, ". `{show}` shows what was said to one of them");
    }
    item.detail["remedy"] = json!(remedy);
    item.actions = vec!["replay".to_owned()];
    items::open_work_ops(engine, item, now)
}

/// What a vendor was asked, and how it answered, without its words.
fn technical(call: &CallError) -> String {
    let status = call.status.map_or_else(
        || "no status".to_owned(),
        |status| format!("status {status}"),
    );
    format!("{}: {status} ({})", call.operation, call.class.as_str())
}

/// What an item says of the present: what fails, how many wait, and what that is.
pub(crate) fn present_ops(
    vendor: &str,
    class: IncidentClass,
    episode: &Episode,
    waiting: &[Job],
) -> Vec<Op> {
    let mut clients: Vec<_> = waiting
        .iter()
        .filter_map(|job| job.client.as_ref())
        .collect();
    clients.sort();
    clients.dedup();
    let entry = |entry: &str, value: Value| Op::ListInWork {
        dedupe_key: item_key(vendor, class),
        entry: entry.to_owned(),
        value: Some(value),
    };
    vec![
        entry("fails", json!(fails(episode))),
        entry(
            "waits",
            json!({ "things": waiting.len(), "clients": clients.len() }),
        ),
        entry("holds", json!(holds(waiting))),
    ]
}

/// What waits, in words, the most first.
fn holds(waiting: &[Job]) -> Vec<String> {
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for job in waiting {
        *kinds.entry(thing(job)).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    kinds
        .into_iter()
        .map(|(what, times)| match times {
            1 => what.to_owned(),
            _ => format!("{what} ({times} times)"),
        })
        .collect()
}

/// What a job is for, as people call it.
fn thing(job: &Job) -> &'static str {
    match JobKind::of(job) {
        Some(JobKind::Effect) => {
            let kind = job.payload["kind"].as_str().and_then(EffectKind::from_name);
            kind.map_or("something to be sent", effect_name)
        }
        Some(JobKind::Read) => "what a follow-up must know before it goes on",
        Some(JobKind::MissedCheck) => "the look whether a check-in was missed",
        Some(JobKind::Reread | JobKind::RereadBatch) => {
            "what a vendor has told of and must be read"
        }
        Some(JobKind::Refresh) => "the daily look at a follow-up",
        Some(JobKind::Inbox) => "the look at a coach's task",
        Some(JobKind::EngagementRead | JobKind::EngagementPoll) => {
            "the look who has opened an email"
        }
        Some(JobKind::Reconcile) => "the daily comparison with the vendors",
        Some(JobKind::CheckInList) => "the look who has missed a check-in",
        Some(JobKind::Credential) => "the renewal of a connection",
        Some(JobKind::HooksWatch) => "the look at the webhook subscriptions",
        Some(JobKind::Timer | JobKind::Reminder | JobKind::Incident) | None => "work of the relay",
    }
}

/// What has become of what an incident held.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Became {
    pub(crate) went_on: usize,
    /// Ended at a person.
    pub(crate) left: usize,
    /// Has gone on, and comes later.
    pub(crate) under_way: usize,
}

/// The notice that an incident is over: how long it was, how much went on by itself, what needs a person.
pub(crate) fn over_ops(
    engine: &Engine,
    vendor: &str,
    class: IncidentClass,
    episode: &Episode,
    became: Became,
    now: Timestamp,
) -> Vec<Op> {
    let since = episode.since().unwrap_or(now);
    let until = episode.answered_at().unwrap_or(now);
    let title = title_of(engine, vendor);
    let over = over_words(&title, class, episode.is_unproven());
    let went = match became.went_on {
        0 => "nothing that waited for it has gone on by itself".to_owned(),
        1 => "1 thing that waited for it has gone on by itself".to_owned(),
        many => format!("{many} things that waited for it have gone on by themselves"),
    };
    let comes = match became.under_way {
        0 => "",
        _ => ", the rest comes in its time",
    };
    let needs = match became.left {
        0 => "nothing of it needs you".to_owned(),
        1 => "1 needs a person and is in the list of work".to_owned(),
        many => format!("{many} need a person and are in the list of work"),
    };
    // Whoever was not asked any more has not lasted until somebody looked.
    let met_last = episode.met_last();
    let when = match met_last {
        Some(last) => format!("It was last seen on {}", moment(engine, last)),
        None => format!(
            "It lasted {}, until {}",
            lasted(until.duration_since(since)),
            moment(engine, until)
        ),
    };
    let title = format!("{over}. {when}; {went}{comes}, and {needs}");
    let mut item = items::item(engine, over_key(vendor, class), OVER, title);
    item.detail = json!({ "vendor": vendor, "class": class, "since": since,
                          "until": met_last.unwrap_or(until), "went_on": became.went_on,
                          "need_a_person": became.left });
    item.actions = vec!["done".to_owned()];
    let mut ops = vec![
        Op::SettleWorkByKey {
            dedupe_key: item_key(vendor, class),
            settled: super::settled(now, "it is over"),
        },
        Op::SettleWorkByKey {
            dedupe_key: over_key(vendor, class),
            settled: super::settled(now, "told anew"),
        },
    ];
    ops.extend(items::open_work_ops(engine, item, now));
    ops
}

/// What has become of it, as a sentence.
fn over_words(title: &str, class: IncidentClass, unproven: bool) -> String {
    if unproven {
        return format!(
            "Nothing has run into the trouble with {title} lately; whether it is mended shows the next time \
             that the relay asks"
        );
    }
    match class {
        IncidentClass::NoAnswer => format!("{title} answers again"),
        IncidentClass::Credential => format!("{title} lets the relay in again"),
        IncidentClass::Forbidden => format!("{title} allows the relay what it needs again"),
        IncidentClass::Rejected => format!("{title} accepts what the relay asks of it again"),
        IncidentClass::Unreadable => format!("The relay can read what {title} answers again"),
    }
}

/// How long, as people say it.
fn lasted(time: SignedDuration) -> String {
    let minutes = time.as_mins().max(1);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match (hours, minutes) {
        (0, 1) => "1 minute".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
