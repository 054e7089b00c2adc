//! Has she been opening our email? (SOP A, scenarios 1 and 2; A4, A5; E13, E15–E19)
//!
//! The SOP asks the coach to look at the client's emails in the CRM: *has been opening* leads to a
//! follow-up by email, *is not opening* to a call. [`decide`] is that look, as a pure function of
//! stored data, so that it can be shown and recomputed for as long as the case is kept.
//!
//! # Words
//! - **Considered** mails: the newest [`ChannelParameters::emails`] that were sent within the
//!   window and not before the last regimen change. All others stay in the record, each with the
//!   reason why it was left out.
//! - **Seen**: a considered mail was opened or clicked, or she replied to it. A click without an
//!   open counts: images are often blocked (E18). **Not seen**: none of that. **Cannot tell**:
//!   nothing was sent, mail can't reach her, or the history couldn't be read (E15, E16).
//!
//! # Rules
//! - [`ChannelRule::AsShown`] believes what the CRM shows, as the coach who looks there would; it
//!   adds a caution when every event looks like a machine's (E17).
//! - [`ChannelRule::Strict`] doesn't count an open or click that a [`MachineRule`] hits. If only
//!   such events are left the answer is *cannot tell*, never *not seen*: the CRM keeps one time per
//!   event, and a machine's fetch may hide a person's reading (E17, E19).
//! - Both answers are computed and stored with every decision, so that the rules can be compared.
//! - Where no tool tells the relay what became of the clinic's mail, the answer is *cannot tell* (E16). Since
//!   [`LOGIC`] 4.
//! - Seen → email. Not seen, cannot tell → call. No number to call → email if it can arrive, and
//!   the coach is told (E13); else hold.
//! - What we were told beside the history (automation posts, looks between decisions) counts where
//!   the history lags or can't be read, by the rules of [`EngagementEvent`]'s module; the record
//!   says that it decided, and how it was told. Since [`LOGIC`] 2.
//! - Newsletters count like a coach's emails (A5, A37); where nothing else led to the answer, a caution says
//!   so ([`EmailSender`]). Since [`LOGIC`] 4.
//!
//! # Guarantees
//! Same input, same decision, whatever the order of the mails. What is seen under *strict* is seen
//! as shown. Another open that looks human never turns *seen* into anything else.
//!
//! # Not guaranteed
//! That an open was a person. No rule can tell from one time stamp, which is why nothing
//! irreversible ever follows from an open.

mod engagement;
mod judge;
mod machine;
mod senders;
mod told;
mod words;

use serde::{Deserialize, Serialize};

pub use self::engagement::{
    EngagementEvent, EngagementKind, EngagementSource, EventLeftOut, JudgedEvent, POST_LAG_SECS,
};
pub use self::judge::{JudgedEmail, LeftOut};
pub use self::machine::{MachineRule, Sign};
pub use self::senders::EmailSender;
use crate::clients::AddressState;
use crate::ids::EmailId;
use crate::time::{Date, SignedDuration, TimeZone, Timestamp, earlier};

/// The version of this decision. A change that could alter any stored outcome or its words takes
/// the next number and leaves the old function in place while cases still use it.
///
/// 1 knew the history only. 2 also counts what was told beside it; without any such word it decides
/// and says exactly what 1 did. 3 decides as 2 and says without the CRM's own words why mail can't reach her. 4 also
/// decides where no tool tells the relay of mail at all ([`MailEvidence::not_told`]), and says where nothing but
/// newsletters led to the answer; else it decides and says exactly what 3 did.
pub const LOGIC: u32 = 4;

/// The first that counts what was told beside the history.
const BESIDE_HISTORY: u32 = 2;

/// The first whose words have none of a program's: a coach reads them.
const FOR_PEOPLE: u32 = 3;

/// The first that knows clinics of which nobody tells what became of their mail.
const NOT_TOLD: u32 = 4;

/// The first that says whose emails they were.
const SENDERS: u32 = 4;

/// What the CRM showed about mail to one client, normalized; enough to recompute the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailEvidence {
    /// When it was read.
    pub read_at: Timestamp,
    /// Whether mail can arrive.
    pub address: AddressState,
    /// Whether the contact has a phone number that can be called.
    pub has_phone: bool,
    /// The mails the CRM lists as sent by itself, newest first, at most thirty days old.
    pub emails: Vec<EmailRecord>,
    /// Why nothing could be read, when nothing could.
    pub unreadable: Option<String>,
    /// What we were told beside the history: opens and clicks of the same days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engagement: Vec<EngagementEvent>,
    /// Whether the state of the address could not be read either. `address` then says nothing; an
    /// open or click that counts shows that mail arrives, and the send reads the state again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub address_unread: bool,
    /// Whether no tool of the clinic tells the relay what became of its mail: there was nothing to read, and no
    /// later look can tell more. `address` then says only whether one is on file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_told: bool,
}

impl MailEvidence {
    /// What is there when nothing could be read: what was told, and a number that is known anyway.
    pub fn unread(
        at: Timestamp,
        has_phone: bool,
        why: String,
        engagement: Vec<EngagementEvent>,
    ) -> Self {
        Self {
            read_at: at,
            address: AddressState::Unknown("not read".to_owned()),
            has_phone,
            emails: Vec::new(),
            unreadable: Some(why),
            engagement,
            address_unread: true,
            not_told: false,
        }
    }

    /// Whether what was told could count at all (E15).
    fn hears(&self) -> bool {
        self.address_unread || self.address.accepts_mail()
    }
}

/// One email as the CRM lists it: one time per event, no user agent, no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailRecord {
    /// The CRM's id.
    pub id: EmailId,
    /// Its subject, as staff see it in the CRM.
    pub subject: Option<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was opened (first or last time: the CRM doesn't say).
    pub opened_at: Option<Timestamp>,
    /// When a link in it was clicked.
    pub clicked_at: Option<Timestamp>,
    /// When she replied, where the CRM has recorded a reply.
    pub replied_at: Option<Timestamp>,
    /// Whose address it was sent from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<EmailSender>,
}

/// Which events are believed (A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelRule {
    /// Every open, click and reply that the CRM shows. The default: what the SOP says.
    #[serde(rename = "as_keap_shows")]
    AsShown,
    /// Only those that no [`MachineRule`] hits.
    #[serde(rename = "strict")]
    Strict,
}

impl ChannelRule {
    /// The stored name, as configuration spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsShown => "as_keap_shows",
            Self::Strict => "strict",
        }
    }
}

/// The parameters of the decision (A4); part of the procedure and of its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelParameters {
    /// Which events are believed.
    pub rule: ChannelRule,
    /// How many of the newest mails are considered.
    pub emails: u32,
    /// How many days (of 24 hours) back from the decision a mail may have been sent.
    pub window_days: u32,
    /// An open less than this many seconds after sending looks like a machine's.
    pub machine_open_within_secs: u32,
    /// A click less than this many seconds after sending looks like a machine's.
    pub machine_click_within_secs: u32,
    /// Opens whose delays differ by at most this many seconds over all of three or more considered
    /// mails, none of them clicked or replied to, look like a machine's.
    pub machine_regular_within_secs: u32,
}

impl Default for ChannelParameters {
    fn default() -> Self {
        Self {
            rule: ChannelRule::AsShown,
            emails: 3,
            window_days: 30,
            machine_open_within_secs: 30,
            machine_click_within_secs: 60,
            machine_regular_within_secs: 5,
        }
    }
}

impl ChannelParameters {
    /// Every mistake, one line each with the key; empty if the parameters are sound.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.emails == 0 {
            mistakes.push("emails: 0 would never look at any mail; write 1 or more".to_owned());
        }
        if !(1..=30).contains(&self.window_days) {
            mistakes.push(format!(
                "window_days: {} can't be used; write 1 to 30 (older mail is not read)",
                self.window_days
            ));
        }
        mistakes
    }
}

/// Has she been opening our email?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailEngagement {
    /// She has: a mail that counts was opened, clicked or replied to.
    Seen,
    /// Mail was sent and nothing shows that she looked.
    NotSeen,
    /// There is nothing to tell it from.
    CannotTell,
}

impl EmailEngagement {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::NotSeen => "not_seen",
            Self::CannotTell => "cannot_tell",
        }
    }
}

/// How the follow-up goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Scenario 1: by email.
    Email,
    /// Scenario 2: the coach calls.
    Phone,
    /// Neither is possible: a person decides.
    Hold,
}

impl Channel {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Hold => "hold",
        }
    }
}

/// The decision with everything that explains it: what is stored, shown and recomputed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelDecision {
    /// [`LOGIC`] at the time.
    pub logic: u32,
    /// The rule that decided.
    pub rule: ChannelRule,
    /// The answer by that rule.
    pub seen: EmailEngagement,
    /// The answer by [`ChannelRule::AsShown`].
    #[serde(rename = "as_keap_shows")]
    pub as_shown: EmailEngagement,
    /// The answer by [`ChannelRule::Strict`].
    pub strict: EmailEngagement,
    /// How the follow-up goes on.
    pub channel: Channel,
    /// Why, in a few words that a coach reads in a task's title: `last 3 emails unopened`.
    pub reason: String,
    /// What the coach should know before she relies on it; each a clause of its own.
    pub cautions: Vec<String>,
    /// Every mail of the evidence, newest first, and what was made of it.
    pub emails: Vec<JudgedEmail>,
    /// Everything that was told beside the history, newest first, and what was made of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engagement: Vec<JudgedEvent>,
    /// What would have led to another channel.
    pub would_change: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When the evidence was read.
    pub read_at: Timestamp,
    /// Mails sent before this were not considered.
    pub considered_since: Timestamp,
    /// `R` as it was known.
    pub last_regimen_change: Option<Date>,
    /// The parameters, so that the record stands alone.
    pub parameters: ChannelParameters,
    /// The clinic's zone, in which dates are written.
    pub zone: String,
}

impl ChannelDecision {
    /// The same decision made anew from `evidence`: equal to this one if `evidence` is what it was
    /// made from. `None` if this record was made by a [`LOGIC`] that this release doesn't know, or
    /// its zone isn't known.
    pub fn recompute(&self, evidence: &MailEvidence) -> Option<Self> {
        if !(1..=LOGIC).contains(&self.logic) {
            return None;
        }
        let zone = TimeZone::get(&self.zone).ok()?;
        Some(decide_by(
            self.logic,
            evidence,
            self.last_regimen_change,
            &self.parameters,
            &zone,
            self.decided_at,
        ))
    }

    /// What was told beside the history and counts, newest first; under *strict* if that decided.
    pub fn told(&self) -> impl Iterator<Item = &JudgedEvent> {
        let strict = self.rule == ChannelRule::Strict;
        self.engagement
            .iter()
            .filter(move |told| told.counts || (!strict && told.counts_as_shown()))
    }

    /// The mails that were considered, newest first.
    pub fn considered(&self) -> impl Iterator<Item = &JudgedEmail> {
        self.emails.iter().filter(|mail| mail.left_out.is_none())
    }
}

/// Decides the channel from `evidence`.
///
/// `last_regimen_change` is `R`, a civil date at the clinic; mail of that day counts. An `R` later
/// than `now` is ignored with a caution (E26). `zone` is the clinic's.
pub fn decide(
    evidence: &MailEvidence,
    last_regimen_change: Option<Date>,
    parameters: &ChannelParameters,
    zone: &TimeZone,
    now: Timestamp,
) -> ChannelDecision {
    decide_by(LOGIC, evidence, last_regimen_change, parameters, zone, now)
}

/// Decides as `logic` did.
fn decide_by(
    logic: u32,
    evidence: &MailEvidence,
    last_regimen_change: Option<Date>,
    parameters: &ChannelParameters,
    zone: &TimeZone,
    now: Timestamp,
) -> ChannelDecision {
    let regimen = last_regimen_change
        .and_then(|date| zone.to_timestamp(date.into()).ok())
        .filter(|start| *start <= now);
    let window = SignedDuration::from_hours(24 * i64::from(parameters.window_days));
    let span = judge::Span {
        window: earlier(now, window),
        regimen,
        now,
    };
    let emails = judge::judge(&evidence.emails, &span, parameters);
    let obstacle = Obstacle::find(logic, evidence, &emails);
    let engagement = if logic >= BESIDE_HISTORY && evidence.hears() {
        engagement::judge(evidence, &emails, &span, parameters)
    } else {
        Vec::new()
    };
    let by = |rule| answer(obstacle.as_ref(), &emails, &engagement, rule);
    let (as_shown, strict) = (by(ChannelRule::AsShown), by(ChannelRule::Strict));
    let seen = match parameters.rule {
        ChannelRule::AsShown => as_shown,
        ChannelRule::Strict => strict,
    };
    let mut decision = ChannelDecision {
        logic,
        rule: parameters.rule,
        seen,
        as_shown,
        strict,
        channel: channel(seen, evidence),
        reason: String::new(),
        cautions: Vec::new(),
        emails,
        engagement,
        would_change: String::new(),
        decided_at: now,
        read_at: evidence.read_at,
        considered_since: span.since(),
        last_regimen_change,
        parameters: parameters.clone(),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    };
    let words = words::Words {
        decision: &decision,
        evidence,
        obstacle: obstacle.as_ref(),
        regimen_ignored: last_regimen_change.is_some() && regimen.is_none(),
        zone,
    };
    let (reason, cautions, would_change) = (words.reason(), words.cautions(), words.would_change());
    decision.reason = reason;
    decision.cautions = cautions;
    decision.would_change = would_change;
    decision
}

/// Why the mails can't tell anything.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Obstacle {
    /// No tool tells what became of the clinic's mail.
    NotTold,
    /// The history couldn't be read, for this reason.
    Unreadable(String),
    /// Mail can't reach her (E15).
    Address(AddressState),
    /// No mail was sent in the window (E16).
    NothingSent,
}

impl Obstacle {
    /// The first obstacle in the way of an answer.
    fn find(logic: u32, evidence: &MailEvidence, emails: &[JudgedEmail]) -> Option<Self> {
        if logic >= NOT_TOLD && evidence.not_told {
            return Some(Self::NotTold);
        }
        if let Some(why) = &evidence.unreadable {
            return Some(Self::Unreadable(why.clone()));
        }
        if !evidence.address.accepts_mail() {
            return Some(Self::Address(evidence.address.clone()));
        }
        let nothing = emails.iter().all(|mail| mail.left_out.is_some());
        nothing.then_some(Self::NothingSent)
    }
}

/// The answer by `rule`. Where an obstacle stands in the way of the mails, only what was told
/// beside them can give one.
fn answer(
    obstacle: Option<&Obstacle>,
    emails: &[JudgedEmail],
    told: &[JudgedEvent],
    rule: ChannelRule,
) -> EmailEngagement {
    let counts = |mail: &JudgedEmail| match rule {
        ChannelRule::AsShown => mail.counts_as_shown(),
        ChannelRule::Strict => mail.counts_strict(),
    };
    let heard = |event: &JudgedEvent| match rule {
        ChannelRule::AsShown => event.counts_as_shown(),
        ChannelRule::Strict => event.counts,
    };
    if told.iter().any(heard) {
        return EmailEngagement::Seen;
    }
    if obstacle.is_some() {
        return EmailEngagement::CannotTell;
    }
    if emails.iter().any(counts) {
        EmailEngagement::Seen
    } else if emails.iter().any(JudgedEmail::counts_as_shown)
        || told.iter().any(JudgedEvent::counts_as_shown)
    {
        EmailEngagement::CannotTell
    } else {
        EmailEngagement::NotSeen
    }
}

/// The channel that follows from the answer and from what can be reached (E13).
fn channel(seen: EmailEngagement, evidence: &MailEvidence) -> Channel {
    // Where the address could not be read, *seen* itself shows that mail arrives.
    let mail_arrives = evidence.address.accepts_mail()
        || (evidence.address_unread && seen == EmailEngagement::Seen);
    match (seen, mail_arrives, evidence.has_phone) {
        (EmailEngagement::Seen, true, _) | (_, true, false) => Channel::Email,
        (_, _, true) => Channel::Phone,
        (_, false, false) => Channel::Hold,
    }
}
