//! Opens and clicks that we were told of beside the email history.
//!
//! A tenant's automation may post that somebody opened or clicked, and the relay itself looks at
//! the history between decisions. Either may know more than the history shows at the moment of a
//! decision: it can lag, and it can be unreadable.
//!
//! # Rules
//! - An event counts if it lies in the window, is not about a mail that was left out, and is newer
//!   than what the history shows for its mail. Where the history could not be read, all events in
//!   the window count.
//! - A post carries no time of its own: its time is when it arrived, which may be minutes late.
//! - *Strict* judges an event by the machine rules as far as its mail's sending time is known. An
//!   early one counts as a machine's; for a post *early* reaches [`POST_LAG_SECS`] further. Where
//!   the sending time is not known, no rule can be applied and the event is not counted.
//! - An address that was read and takes no mail stays an obstacle (E15), whatever was told.
//!
//! # Against abuse
//! A post is let in by a secret in an address and by nothing else. A forged one can turn a call
//! into an email, and can do no more: it never pauses, never closes, never sends by itself, and
//! never turns an email into a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::judge::{JudgedEmail, Span};
use super::machine::{self, MachineRule, Sign};
use super::{ChannelParameters, EmailRecord, MailEvidence};
use crate::ids::EmailId;
use crate::time::{SignedDuration, Timestamp};

/// How long a post may take from the event to us: automations work in batches of minutes.
pub const POST_LAG_SECS: i64 = 600;

/// What she did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngagementKind {
    /// She opened an email.
    Open,
    /// She clicked a link in one.
    Click,
}

impl EngagementKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Open, Self::Click];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Click => "click",
        }
    }

    /// The kind with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// When a mail shows this, if it does.
    pub fn shown_by(self, mail: &EmailRecord) -> Option<Timestamp> {
        match self {
            Self::Open => mail.opened_at,
            Self::Click => mail.clicked_at,
        }
    }

    fn is_discounted_by(self, rule: MachineRule) -> bool {
        match self {
            Self::Open => rule.discounts_open(),
            Self::Click => rule.discounts_click(),
        }
    }
}

/// How we were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngagementSource {
    /// An automation of the CRM posted it.
    Post,
    /// The relay looked, between decisions.
    Poll,
    /// The relay looked, for a decision.
    History,
}

impl EngagementSource {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Post, Self::Poll, Self::History];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Poll => "poll",
            Self::History => "history",
        }
    }

    /// The source with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == name)
    }
}

/// One open or click of a contact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EngagementEvent {
    /// When it happened; when we heard of it if nobody says (see `exact`).
    pub at: Timestamp,
    /// What she did.
    pub kind: EngagementKind,
    /// Whether `at` is the event's own time.
    pub exact: bool,
    /// When we heard of it first.
    pub seen_at: Timestamp,
    /// Who told us first.
    pub source: EngagementSource,
    /// The mail, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailId>,
    /// When that mail was sent, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// What the mail is called: its subject, or the word an automation gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The link, where an automation names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl EngagementEvent {
    /// Every event that `mail` shows.
    pub fn shown_by(
        mail: &EmailRecord,
        source: EngagementSource,
        seen_at: Timestamp,
    ) -> impl Iterator<Item = Self> {
        EngagementKind::ALL.into_iter().filter_map(move |kind| {
            Some(Self {
                at: kind.shown_by(mail)?,
                kind,
                exact: true,
                seen_at,
                source,
                email: Some(mail.id.clone()),
                sent_at: Some(mail.sent_at),
                label: mail.subject.clone(),
                link: None,
            })
        })
    }

    /// Whether both can only be one event told twice: the same mail and moment; or the same name
    /// of a mail, where one of the two is a post and came within [`POST_LAG_SECS`].
    pub fn is_same(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        if let (Some(one), Some(another)) = (&self.email, &other.email) {
            return one == another && self.at == other.at;
        }
        let named = self.label_key().is_some() && self.label_key() == other.label_key();
        let apart = self.at.duration_since(other.at).abs();
        named && apart <= SignedDuration::from_secs(POST_LAG_SECS)
    }

    /// The label as two sources would spell it alike.
    pub fn label_key(&self) -> Option<String> {
        let label = self.label.as_deref()?.trim().to_lowercase();
        (!label.is_empty()).then_some(label)
    }
}

/// Why an event does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventLeftOut {
    /// The history shows it, or something later: it counts there.
    ShownByHistory,
    /// It happened before the window, or before the last regimen change.
    BeforeWindow,
    /// It is of a mail that is not considered.
    OfAnotherEmail,
    /// It lies later than the decision.
    AfterDecision,
}

/// One event and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedEvent {
    /// The event as it was told.
    pub event: EngagementEvent,
    /// Whole seconds from sending to the event, where the sending is known.
    pub delay_secs: Option<i64>,
    /// Why it does not count, if it doesn't.
    pub left_out: Option<EventLeftOut>,
    /// Which machine rules discount it. Empty for one that was left out.
    pub signs: Vec<Sign>,
    /// Whether it counts under *strict*.
    pub counts: bool,
}

impl JudgedEvent {
    /// Whether it counts as the CRM would show it.
    pub fn counts_as_shown(&self) -> bool {
        self.left_out.is_none()
    }
}

/// Every event once, newest first, judged beside the mails that the history shows.
pub(super) fn judge(
    evidence: &MailEvidence,
    emails: &[JudgedEmail],
    span: &Span,
    parameters: &ChannelParameters,
) -> Vec<JudgedEvent> {
    let mut events = evidence.engagement.clone();
    events.sort();
    events.dedup();
    events.reverse();
    let bench = Bench {
        // What could not be read shows nothing.
        emails: if evidence.unreadable.is_some() {
            &[]
        } else {
            emails
        },
        span,
        parameters,
    };
    let placed: Vec<_> = events
        .into_iter()
        .map(|event| {
            let mail = bench.mail_of(&event);
            let left_out = bench.left_out(&event, mail);
            (event, mail, left_out)
        })
        .collect();
    let records = records(&placed);
    let pattern = machine::pattern_of(records.values(), parameters);
    placed
        .into_iter()
        .map(|(event, mail, left_out)| {
            let sent_at = mail.map(|mail| mail.email.sent_at).or(event.sent_at);
            let mut signs = Vec::new();
            if left_out.is_none() {
                let record = event.email.as_ref().and_then(|id| records.get(id));
                signs = bench.signs(&event, sent_at, record);
                signs.extend(pattern.clone().filter(|_| event.exact));
                signs.retain(|sign| event.kind.is_discounted_by(sign.rule));
            }
            JudgedEvent {
                delay_secs: sent_at.map(|sent| seconds_between(sent, event.at)),
                counts: left_out.is_none() && signs.is_empty(),
                left_out,
                signs,
                event,
            }
        })
        .collect()
}

/// What events are judged by.
struct Bench<'a> {
    emails: &'a [JudgedEmail],
    span: &'a Span,
    parameters: &'a ChannelParameters,
}

type Placed<'a> = (
    EngagementEvent,
    Option<&'a JudgedEmail>,
    Option<EventLeftOut>,
);

impl<'a> Bench<'a> {
    /// The mail an event is about: by id, else the newest of that name sent before it.
    fn mail_of(&self, event: &EngagementEvent) -> Option<&'a JudgedEmail> {
        if let Some(id) = &event.email {
            return self.emails.iter().find(|mail| mail.email.id == *id);
        }
        let label = event.label_key()?;
        self.emails.iter().find(|mail| {
            let subject = mail.email.subject.as_deref().unwrap_or_default();
            subject.trim().to_lowercase() == label && mail.email.sent_at <= event.at
        })
    }

    fn left_out(
        &self,
        event: &EngagementEvent,
        mail: Option<&JudgedEmail>,
    ) -> Option<EventLeftOut> {
        if event.at > self.span.now {
            return Some(EventLeftOut::AfterDecision);
        }
        if event.at < self.span.since() {
            return Some(EventLeftOut::BeforeWindow);
        }
        if let Some(mail) = mail {
            if mail.left_out.is_some() {
                return Some(EventLeftOut::OfAnotherEmail);
            }
            return is_shown(event, &mail.email).then_some(EventLeftOut::ShownByHistory);
        }
        let considered = || self.emails.iter().filter(|mail| mail.left_out.is_none());
        let oldest = considered().map(|mail| mail.email.sent_at).min();
        let sent_too_early = |sent: Timestamp| {
            sent < self.span.since() || oldest.is_some_and(|oldest| sent < oldest)
        };
        if event.sent_at.is_some_and(sent_too_early)
            || oldest.is_some_and(|oldest| event.at < oldest)
        {
            return Some(EventLeftOut::OfAnotherEmail);
        }
        // A post that names no mail of the history may still be the word of one that is shown.
        let near = |mail: &JudgedEmail| {
            let shown = event.kind.shown_by(&mail.email);
            shown.is_some_and(|shown| shown <= event.at) && is_shown(event, &mail.email)
        };
        (event.email.is_none() && considered().any(near)).then_some(EventLeftOut::ShownByHistory)
    }

    fn signs(
        &self,
        event: &EngagementEvent,
        sent_at: Option<Timestamp>,
        record: Option<&EmailRecord>,
    ) -> Vec<Sign> {
        match (sent_at, record) {
            (None, _) => vec![Sign {
                rule: MachineRule::Untimed,
                says: "when that email was sent is not known, so that a machine's can't be told \
                       from hers"
                    .to_owned(),
            }],
            (Some(_), Some(record)) if event.exact => machine::signs_of(record, self.parameters),
            (Some(sent), _) => self.early_post(event, sent).into_iter().collect(),
        }
    }

    /// A post arrives later than the event: what lies this near to the sending may have been a
    /// machine's on delivery.
    fn early_post(&self, event: &EngagementEvent, sent: Timestamp) -> Option<Sign> {
        let (rule, within) = match event.kind {
            EngagementKind::Open => (
                MachineRule::EarlyOpen,
                self.parameters.machine_open_within_secs,
            ),
            EngagementKind::Click => (
                MachineRule::EarlyClick,
                self.parameters.machine_click_within_secs,
            ),
        };
        let delay = seconds_between(sent, event.at);
        (delay < i64::from(within) + POST_LAG_SECS).then(|| Sign {
            rule,
            says: format!(
                "told {delay} s after sending, which may have been a machine on delivery"
            ),
        })
    }
}

/// Whether the history shows this, or something later of the same kind, for this mail.
fn is_shown(event: &EngagementEvent, mail: &EmailRecord) -> bool {
    let late = if event.exact { 0 } else { POST_LAG_SECS };
    let shown = event.kind.shown_by(mail);
    shown.is_some_and(|shown| seconds_between(shown, event.at) <= late)
}

/// Each mail of exact events as the history would show it with them.
fn records(placed: &[Placed<'_>]) -> BTreeMap<EmailId, EmailRecord> {
    let mut records: BTreeMap<EmailId, EmailRecord> = BTreeMap::new();
    for (event, mail, left_out) in placed {
        let (Some(id), true, None) = (&event.email, event.exact, left_out) else {
            continue;
        };
        let Some(sent_at) = mail.map(|mail| mail.email.sent_at).or(event.sent_at) else {
            continue;
        };
        let record = records.entry(id.clone()).or_insert_with(|| {
            mail.map_or_else(
                || EmailRecord {
                    id: id.clone(),
                    subject: event.label.clone(),
                    sent_at,
                    opened_at: None,
                    clicked_at: None,
                    replied_at: None,
                    sender: None,
                },
                |mail| mail.email.clone(),
            )
        });
        let shown = match event.kind {
            EngagementKind::Open => &mut record.opened_at,
            EngagementKind::Click => &mut record.clicked_at,
        };
        *shown = (*shown).max(Some(event.at));
    }
    records
}

fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}
