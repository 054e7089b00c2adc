//! What the page shows: plain values, and how each is made of what a tool holds.
//!
//! Times are given as the clinic reads them; the page computes with none. What makes a value here
//! is a function of what was read and of nothing else, so that it can be tried without a page.

use relay_clear_connection::emulator as portal;
use relay_core::time::{Date, TimeZone, Timestamp};
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_keap::emulator as keap;
use serde::Serialize;

use super::relay::RelayView;
use crate::sandbox::clinic::{COACHING_PRODUCT, TYPE_FIELD};

/// Everything on the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// The clinic's time.
    pub clock: ClockView,
    /// Whether the relay runs in this process: where it doesn't, its line and its buttons say so.
    pub relay_here: bool,
    /// What is wrong at each vendor, in words; empty where nothing is.
    pub trouble: Trouble,
    /// Everybody who can be chosen.
    pub roster: Vec<Entry>,
    /// Those who were asked for, whole.
    pub people: Vec<Person>,
}

/// The clinic's time, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClockView {
    /// `Friday, November 6`.
    pub day: String,
    /// `09:00`.
    pub time: String,
    /// Whether time passes.
    pub running: bool,
    /// How fast, in words.
    pub pace: String,
    /// What the visitor can do with it; `None`: nothing.
    pub in_hand: Option<InHand>,
    /// How many presses show at least: a page knows by it that its own has.
    pub presses: u64,
}

/// What a visitor can do with time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InHand {
    /// There is a slower pace.
    pub slower: bool,
    /// There is a faster pace.
    pub faster: bool,
    /// The cast's story has come to its end.
    pub over: bool,
    /// How often it has begun anew.
    pub round: u64,
}

/// Time, as whoever drives the house knows it.
#[derive(Debug, Clone)]
pub struct ShownTime {
    /// Procedure time.
    pub now: Timestamp,
    /// Whether it passes.
    pub running: bool,
    /// How fast, in words.
    pub pace: String,
    /// What the visitor can do with it.
    pub in_hand: Option<InHand>,
}

/// What is wrong at the vendors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// At the portal.
    pub portal: Vec<String>,
    /// At the CRM.
    pub keap: Vec<String>,
}

/// Somebody who can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Her id.
    pub id: String,
    /// First name and initial.
    pub name: String,
}

/// Somebody, before anything of hers was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Someone {
    /// Her id.
    pub id: String,
    /// First name and initial.
    pub name: String,
    /// What her story shows; empty where nobody tells one.
    pub story: String,
    /// Her contact in the CRM, where it is known.
    pub contact: Option<u64>,
    /// Whether a visitor has taken a hand in her story.
    pub taken_over: bool,
}

impl Someone {
    /// Somebody as the portal knows her.
    pub fn of_portal(seen: &portal::Seen) -> Self {
        let first = seen.first_name.as_deref().unwrap_or("(no name)");
        let initial = seen
            .last_name
            .as_deref()
            .and_then(|last| last.chars().next());
        Self {
            id: seen.id.clone(),
            name: initial.map_or_else(|| first.to_owned(), |initial| format!("{first} {initial}.")),
            story: String::new(),
            contact: seen.contact.as_deref().and_then(|id| id.parse().ok()),
            taken_over: false,
        }
    }
}

/// A client, with what each tool shows of her.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Person {
    /// Her id.
    pub id: String,
    /// First name and initial.
    pub name: String,
    /// What her story shows.
    pub story: String,
    /// Her coach, by name.
    pub coach: String,
    /// Whether a visitor has taken a hand in her story.
    pub taken_over: bool,
    /// The portal.
    pub portal: PortalView,
    /// The CRM; `None` where she has no contact there.
    pub keap: Option<KeapView>,
    /// What her phone has to do with it.
    pub phone: Vec<CallView>,
    /// The mail that has content, newest first.
    pub mailbox: Vec<MailView>,
    /// The relay's own line; `None` where it runs elsewhere.
    pub relay: Option<RelayView>,
    /// Which buttons do something now.
    pub can: Can,
}

/// The portal's panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortalView {
    /// The status word.
    pub status: String,
    /// Her check-ins.
    pub check_ins: Vec<CheckInView>,
    /// The conversation, oldest first.
    pub messages: Vec<MessageView>,
    /// Coaches' notes, oldest first.
    pub notes: Vec<NoteView>,
}

/// A check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckInView {
    /// Its id.
    pub id: String,
    /// `Nov 3`.
    pub due: String,
    /// `not due yet`, `due today`, `missed`, `submitted` or `withdrawn`.
    pub state: &'static str,
    /// When it was submitted.
    pub submitted: Option<String>,
}

/// A message in the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageView {
    /// Its id.
    pub id: String,
    /// Whether the client wrote it.
    pub from_client: bool,
    /// Who wrote it.
    pub who: String,
    /// When.
    pub at: String,
    /// What.
    pub text: String,
    /// Whether the client has read it; her own she has.
    pub read: bool,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteView {
    /// Its id.
    pub id: String,
    /// Its title, or who wrote it.
    pub title: String,
    /// When.
    pub at: String,
    /// What.
    pub text: String,
}

/// The CRM's panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeapView {
    /// The contact type.
    pub contact_type: Option<String>,
    /// The list of emails, newest first.
    pub emails: Vec<EmailView>,
    /// Tags on the contact.
    pub tags: Vec<String>,
    /// Tasks, newest first.
    pub tasks: Vec<TaskView>,
    /// Notes, newest first.
    pub notes: Vec<NoteView>,
    /// Subscriptions.
    pub subscriptions: Vec<SubscriptionView>,
    /// Cards.
    pub cards: Vec<CardView>,
}

/// A row in the CRM's list of emails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmailView {
    /// Its id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// When it was sent.
    pub sent: String,
    /// When it was opened.
    pub opened: Option<String>,
    /// When a link in it was clicked.
    pub clicked: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskView {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub text: String,
    /// Whose it is.
    pub owner: String,
    /// When it was made.
    pub at: String,
    /// Whether it is done.
    pub done: bool,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriptionView {
    /// Its id.
    pub id: String,
    /// What is paid for.
    pub name: String,
    /// Whether it is active.
    pub active: bool,
    /// Whether it charges by itself.
    pub auto_charge: bool,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardView {
    /// Its id.
    pub id: String,
    /// Its last four digits.
    pub last_four: String,
    /// Whether it can be charged.
    pub active: bool,
}

/// A call that a task asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// The task.
    pub id: String,
    /// Who calls.
    pub coach: String,
    /// Since when she is asked to.
    pub since: String,
    /// When she completed the task.
    pub done: Option<String>,
    /// What she wrote below it: what came of the call.
    pub outcome: Option<String>,
}

/// A mail as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailView {
    /// Its id.
    pub id: String,
    /// From which address.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// When it came.
    pub at: String,
    /// Whether she has opened it.
    pub opened: bool,
    /// Its HTML part. The page shows the text that a browser makes of it, and no more.
    pub html: String,
}

/// Which buttons do something now.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent buttons, each usable or not"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Can {
    /// There is an email that she hasn't opened.
    pub open_email: bool,
    /// There is an open check-in.
    pub check_in: bool,
    /// There is an open call task.
    pub call: bool,
    /// The contact type can be ordered to In-Person.
    pub move_to_clinic: bool,
    /// There is a coaching fee to stop.
    pub stop_fee: bool,
    /// There is a dead job to replay.
    pub replay: bool,
}

/// Who reads: the clinic's zone, and its day.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The zone.
    pub zone: &'a TimeZone,
    /// The day.
    pub today: Date,
}

impl Reader<'_> {
    /// An instant on the clinic's clock.
    pub fn time(&self, at: Timestamp) -> String {
        crate::sandbox::report::clinic_time(at, self.zone)
    }

    /// The same, where there is one.
    pub fn maybe(&self, at: Option<Timestamp>) -> Option<String> {
        at.map(|at| self.time(at))
    }
}

/// The clinic's time in words.
pub fn clock(time: &ShownTime, zone: &TimeZone) -> ClockView {
    let local = zone.to_datetime(time.now);
    ClockView {
        day: local.strftime("%A, %B %-d").to_string(),
        time: local.strftime("%H:%M").to_string(),
        running: time.running,
        pace: time.pace.clone(),
        in_hand: time.in_hand.clone(),
        presses: 0,
    }
}

/// How fast time passes, for people.
pub fn pace_in_words(scale: u32) -> String {
    match scale {
        1 => "the pace of life".to_owned(),
        60 => "a minute a second".to_owned(),
        86_400 => "a day a second".to_owned(),
        3600 => "an hour a second".to_owned(),
        scale if scale % 3600 == 0 => format!("{} hours a second", scale / 3600),
        scale if scale % 60 == 0 => format!("{} minutes a second", scale / 60),
        scale => format!("{scale} seconds a second"),
    }
}

/// Faults on order, in words: one line per kind.
pub fn trouble(left: &[FaultRule]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for rule in left {
        let what = match &rule.act {
            FaultAct::Status { code, .. } => format!("answers {code}"),
            FaultAct::Hang => "does not answer".to_owned(),
            FaultAct::Reset => "cuts the connection".to_owned(),
            FaultAct::Refuse => "refuses connections".to_owned(),
            FaultAct::Slow { seconds } => format!("answers after {seconds} seconds"),
        };
        let line = match (rule.moment, rule.operation.as_str()) {
            (Moment::Before, "*") if rule.times >= UNTIL_HEALED => what,
            (Moment::Before, "*") => format!("{what} to the next {} requests", rule.times),
            (Moment::Before, one) => format!("{what} to {}", one.replace('_', " ")),
            (Moment::After, _) => format!("carries out the next change of each kind, then {what}"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// So many requests that only healing ends it.
pub const UNTIL_HEALED: u32 = 1_000_000;

/// A client, whole.
pub fn person(
    someone: &Someone,
    seen: &portal::Seen,
    contact: Option<&keap::Seen>,
    relay: Option<RelayView>,
    reader: Reader<'_>,
) -> Person {
    let dead = relay.as_ref().is_some_and(|relay| relay.dead > 0);
    Person {
        id: someone.id.clone(),
        name: someone.name.clone(),
        story: someone.story.clone(),
        coach: seen.coach.clone().unwrap_or_else(|| "nobody".to_owned()),
        taken_over: someone.taken_over,
        portal: super::panels::in_portal(seen, reader),
        keap: contact.map(|contact| super::panels::in_keap(contact, reader)),
        phone: contact.map_or_else(Vec::new, |contact| super::panels::calls(contact, reader)),
        mailbox: contact.map_or_else(Vec::new, |contact| super::panels::mailbox(contact, reader)),
        can: can(seen, contact, relay.is_some(), dead),
        relay,
    }
}

fn can(seen: &portal::Seen, contact: Option<&keap::Seen>, here: bool, replay: bool) -> Can {
    let coaching = COACHING_PRODUCT.to_string();
    let open = |one: &portal::SeenCheckIn| one.submitted_at.is_none() && !one.withdrawn;
    let of = |test: fn(&keap::Seen) -> bool| contact.is_some_and(test);
    let fee = |one: &keap::SeenSubscription| one.product == coaching && one.active;
    Can {
        open_email: of(|contact| {
            contact
                .emails
                .last()
                .is_some_and(|mail| mail.opened.is_none())
        }),
        check_in: seen.check_ins.iter().any(open),
        call: of(|contact| contact.tasks.iter().any(|task| !task.completed)),
        move_to_clinic: here && of(|contact| contact_type(contact) != Some("In-Person")),
        stop_fee: here && contact.is_some_and(|contact| contact.subscriptions.iter().any(fee)),
        replay,
    }
}

/// The contact type, where one is set.
pub fn contact_type(contact: &keap::Seen) -> Option<&str> {
    let mut fields = contact.fields.iter();
    let found = fields.find(|(label, _)| label == TYPE_FIELD);
    found.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests;
