//! What a case of this procedure remembers between steps: the content of `case.data`.

mod call;
mod called;
mod known_client;
mod set_back;

pub use call::{Call, ClosedBy, LastCall};
pub use known_client::KnownClient;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::answers::StopReason;
use crate::channel::{Channel, MailEvidence};
use crate::clients::{AddressState, CheckIn, ClientSnapshot};
use crate::effects::{EffectKind, HandOver};
use crate::facts::CallOutcome;
use crate::ids::{CheckInId, EffectKey, MessageId};
use crate::scripts::{Assertion, Truth};
use crate::time::{Date, Timestamp};
use crate::workflow::{Context, NewWork};
use crate::workflows::missed_check_in::closing::Closing;

/// The steps that are built, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// S1 in the portal.
    PortalMessage,
    /// Has she been opening her email?
    ChooseChannel,
    /// Scenario 1: S2 by email.
    EmailFollowUp,
    /// Scenario 2: a call task with S3.
    PhoneFollowUp,
    /// What the relay does not do yet, asked of the coach.
    ByHand,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 5] = [
        Self::PortalMessage,
        Self::ChooseChannel,
        Self::EmailFollowUp,
        Self::PhoneFollowUp,
        Self::ByHand,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PortalMessage => "portal_message",
            Self::ChooseChannel => "choose_channel",
            Self::EmailFollowUp => "email_follow_up",
            Self::PhoneFollowUp => "phone_follow_up",
            Self::ByHand => "by_hand",
        }
    }
}

/// How far one of the two messages has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "progress", rename_all = "snake_case")]
pub enum Progress {
    /// It has not been carried out yet.
    Pending,
    /// It has been carried out.
    Done {
        /// When it was carried out, procedure time.
        at: Timestamp,
        /// Sent, proposed, sent by hand or left out.
        how: How,
    },
    /// It can't be told whether it reached her; it is never sent again.
    Unclear,
}

/// How a message was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By us.
    Sent,
    /// It would have been, in propose mode.
    Proposed,
    /// By the coach.
    ByHand,
    /// Left out by the coach's decision.
    Skipped,
}

/// The channel that was chosen, as far as later texts speak of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Email, phone, or neither: then a person decides.
    pub channel: Channel,
    /// Why, in a few words.
    pub reason: String,
    /// What the coach should know before she relies on it.
    pub cautions: Vec<String>,
    /// Whether no number was on file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_number: bool,
    /// What was so of her address, where it takes no mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_mail: Option<AddressState>,
}

/// That somebody looked into the portal, where the relay can't read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// By what name she is known.
    pub by: String,
    /// The clinic's day on which she did.
    pub on: Date,
}

/// A question that a paused case has besides the one that is asked now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paused {
    /// Why, in a few words.
    pub reason: String,
    /// What is asked, of whom.
    pub work: NewWork,
}

/// Why the case is held, which decides what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nothing was sent: the step can be tried again, done by hand or left out.
    NotSent,
    /// A read was given up: once it is made after all, the case goes on.
    Unread,
    /// It can't be told whether it was sent: never again by itself.
    Unclear,
    /// No tool lets the relay send it: the coach does.
    ByHand,
}

/// An effect that has not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The kind of the effect.
    pub kind: EffectKind,
    /// The step that planned it.
    pub step: Step,
    /// It is no longer wanted, but may have been under way when that was decided (E4).
    pub cancelled: bool,
}

/// What a case of this procedure remembers.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about the case, each with its own sentence in the reading"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The missed check-in.
    pub check_in: CheckInId,
    /// `D`.
    pub due: Date,
    /// The instant it was due, where the portal gives one.
    pub due_at: Option<Timestamp>,
    /// When the source last told of `D`: an older word that comes late is not taken (E34).
    pub due_told_at: Timestamp,
    /// The client as last told.
    pub client: KnownClient,
    /// When the source last told of her (E34).
    pub client_told_at: Timestamp,
    /// When the coach last decided: the opening, or the last resume. A reply that has no id of its
    /// own counts from then on.
    pub since: Timestamp,
    /// Since when what the client wrote counts: `D` (A40). A case that was opened before messages
    /// were known by their ids has none, and goes by `since` for what is older than its next resume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_from: Option<Timestamp>,
    /// The messages of either side that whoever decided last had been shown: these are dealt with.
    /// Ids, because neither order nor time says what a person has seen.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seen: BTreeSet<MessageId>,
    /// Messages of the client that nobody has decided on yet, with their time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unanswered: BTreeMap<MessageId, Timestamp>,
    /// Those of them that the person who is asked has been shown.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub shown: BTreeSet<MessageId>,
    /// Those that an open case was paused for. Who resumes it has seen that it is paused, and what for;
    /// who says something else of it may have meant the case as it stood before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub paused_over: BTreeSet<MessageId>,
    /// What else the case is paused for, the newest last: each is asked by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paused_for: Vec<Paused>,
    /// The day by which she promised to check in. It holds through pauses for anything else, until a
    /// person answers what she wrote after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<Date>,
    /// When somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<Timestamp>,
    /// Messages that coaches wrote by hand, as far as we were told, since the last decision.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub by_coach: BTreeSet<MessageId>,
    /// Whether the coach has resumed the case: then she knows what she wrote before.
    pub resumed: bool,
    /// Whether the client has replied at any time in the case.
    pub replied: bool,
    /// S1.
    pub first_message: Progress,
    /// S2 or the call.
    pub follow_up: Progress,
    /// The channel that was chosen. The whole decision with its evidence is in the timeline.
    pub decision: Option<Chosen>,
    /// What a call was decided on, while what is told later could still turn it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<MailEvidence>>,
    /// The open call task, while there is one.
    pub call: Option<Call>,
    /// The call task before that, which is not waited for any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_call: Option<LastCall>,
    /// What came of the call, once one was recorded (`None` inside: completed without a word).
    #[serde(default, with = "called")]
    pub called: Option<Option<CallOutcome>>,
    /// What her coach was last given to reach her by hand, where the relay has no CRM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<HandOver>,
    /// Tags that we put on the contact.
    pub tags: BTreeSet<String>,
    /// How often each step was entered.
    pub visits: BTreeMap<Step, u32>,
    /// Effects that have not settled.
    pub pending: BTreeMap<EffectKey, Pending>,
    /// The effect that this visit waits for.
    pub current: Option<EffectKey>,
    /// The effect that the coach wants sent although she wrote by hand (E43).
    pub anyway: Option<EffectKey>,
    /// When she said so: what is written after that is another message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anyway_at: Option<Timestamp>,
    /// Whether the item that she answered so told that the client is a minor (A36).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anyway_of_minor: bool,
    /// What her coach is asked about before it goes out (A30).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_first: Option<EffectKey>,
    /// Why the case is held, while it is.
    pub hold: Option<Hold>,
    /// What she writes in the portal can't be read: nobody but her coach knows whether she has answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub portal_unread: bool,
    /// Who looked there last, and found that she has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Looked>,
    /// What a person is asked now, to be asked of the next coach if hers changes (E41).
    pub asked: Option<NewWork>,
    /// The CRM contact is gone (E40).
    pub contact_gone: bool,
    /// Held for nothing but that: once the contact is seen, the case goes on by itself.
    #[serde(default)]
    pub waits_for_contact: bool,
    /// The coach has done the first thing that is asked of her by hand.
    pub text_by_hand: bool,
    /// How many of the things that are asked of her after that she has done.
    #[serde(default)]
    pub by_hand: usize,
    /// When she did the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand_at: Option<Timestamp>,
    /// The coach was told that `W` is over (E27).
    pub window_told: bool,
    /// Her other check-ins, as far as we were told: to tell a later one from an earlier (E7).
    pub others: BTreeMap<CheckInId, Date>,
    /// Other check-ins that were submitted and whose date we were not told.
    pub submitted: BTreeSet<CheckInId>,
    /// Other check-ins that were missed while this case ran (E66).
    pub missed_too: BTreeMap<CheckInId, Date>,
    /// The last day of the agreed break after which the case goes on by itself (E12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting: Option<Date>,
    /// What a paused case asks once its timer ends: how it goes on after the coach answered (A3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Box<Paused>>,
    /// Why every channel to her is stopped (A33). It stays when the case closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopReason>,
    /// How many decisions were noted on the contact.
    #[serde(default)]
    pub noted: u32,
    /// Why the case closed, once it has. Not there in a case that was closed before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closing>,
}

impl State {
    /// The state at the opening. What she wrote counts from when the check-in was due (A40).
    pub(super) fn new(check_in: &CheckIn, client: &ClientSnapshot, cx: Context<'_>) -> Self {
        let now = cx.now;
        let due_from = check_in.due_at;
        let due_from = due_from.unwrap_or_else(|| cx.calendar.start_of_day(check_in.due));
        Self {
            check_in: check_in.id.clone(),
            due: check_in.due,
            due_at: check_in.due_at,
            due_told_at: now,
            client: KnownClient::from(client),
            client_told_at: now,
            since: now,
            counts_from: Some(due_from.min(now)),
            seen: BTreeSet::new(),
            unanswered: BTreeMap::new(),
            shown: BTreeSet::new(),
            paused_over: BTreeSet::new(),
            paused_for: Vec::new(),
            promised: None,
            promised_at: None,
            by_coach: BTreeSet::new(),
            resumed: false,
            replied: false,
            first_message: Progress::Pending,
            follow_up: Progress::Pending,
            decision: None,
            evidence: None,
            call: None,
            last_call: None,
            called: None,
            handed_over: None,
            tags: BTreeSet::new(),
            visits: BTreeMap::new(),
            pending: BTreeMap::new(),
            current: None,
            anyway: None,
            anyway_at: None,
            anyway_of_minor: false,
            asked_first: None,
            hold: None,
            portal_unread: false,
            looked: None,
            asked: None,
            contact_gone: false,
            waits_for_contact: false,
            text_by_hand: false,
            by_hand: 0,
            by_hand_at: None,
            window_told: false,
            others: BTreeMap::new(),
            submitted: BTreeSet::new(),
            missed_too: BTreeMap::new(),
            resting: None,
            later: None,
            stopped: None,
            noted: 0,
            closed: None,
        }
    }

    /// The step that comes next: the first one that has not been carried out.
    pub(super) fn next(&self) -> Step {
        if self.first_message == Progress::Pending {
            Step::PortalMessage
        } else if self.follow_up == Progress::Pending {
            Step::ChooseChannel
        } else {
            Step::ByHand
        }
    }

    /// `W`, the last day of the three weeks; `None` while `R` is missing or later than the
    /// check-in, which can't be right (E26).
    pub(super) fn window_end(&self, days: i32) -> Option<Date> {
        let regimen = self.client.regimen.filter(|date| *date <= self.due)?;
        regimen
            .checked_add(jiff::Span::new().try_days(days).ok()?)
            .ok()
    }

    /// What holds at `today`, given that the check-in is not there (which the guard has read).
    pub(super) fn truth(&self, today: Date, window_days: i32) -> Truth {
        let mut truth = Truth::from([Assertion::NoCheckIn]);
        let mut claim = |assertion, holds| {
            if holds {
                truth.insert(assertion);
            }
        };
        claim(
            Assertion::DueYesterday,
            self.due.tomorrow().is_ok_and(|next| next == today),
        );
        claim(Assertion::NoReply, !self.replied);
        claim(
            Assertion::CalledWithoutReply,
            // Completed without a word: called, and nobody knows whether it was answered (A8).
            matches!(
                self.called,
                Some(Some(CallOutcome::Voicemail | CallOutcome::NoAnswer))
            ),
        );
        claim(
            Assertion::FirstMessageSent,
            matches!(
                self.first_message,
                Progress::Done {
                    how: How::Sent | How::Proposed | How::ByHand,
                    ..
                }
            ),
        );
        claim(
            Assertion::WindowOpen,
            self.window_end(window_days).is_none_or(|end| today <= end),
        );
        truth
    }

    /// Whether a reply of this moment, which has no id, has not been dealt with yet. The reply that
    /// the coach has just answered by resuming must not pause the case again; one in the very moment
    /// of the opening must.
    pub(super) fn is_news(&self, at: Timestamp) -> bool {
        at > self.since || (!self.resumed && at == self.since)
    }

    /// Whether a message of hers or of a coach belongs to this case and nobody who decided has been
    /// shown it. Its time only bounds how far back the conversation counts.
    pub(super) fn is_unseen(&self, message: &MessageId, at: Timestamp) -> bool {
        let counts = match self.counts_from {
            Some(from) => at >= from,
            None => self.is_news(at),
        };
        counts && !self.seen.contains(message)
    }

    /// Whether nobody who decided has been shown what a coach wrote at `at`.
    pub(super) fn is_objection(&self, message: &MessageId, at: Timestamp) -> bool {
        // A case from before ids were kept goes by time: who resumed knew what she had written.
        let known = self.counts_from.is_none() && self.resumed && at <= self.since;
        !known && !self.seen.contains(message)
    }

    /// The person who decides has dealt with everything that she was shown.
    pub(super) fn dealt_with(&mut self, now: Timestamp) {
        if self.counts_from.is_none() {
            // Opened before ids were kept: what lies before the last decision was dealt with then.
            self.counts_from = Some(self.since);
        }
        let dealt_with = std::mem::take(&mut self.unanswered).into_keys();
        self.seen.extend(dealt_with);
        self.seen.append(&mut self.by_coach);
        self.shown.clear();
        self.paused_over.clear();
        self.since = now;
        self.resumed = true;
    }

    /// Messages of hers that whoever is asked has not been shown.
    pub(super) fn not_shown(&self) -> impl Iterator<Item = (&MessageId, &Timestamp)> {
        let all = self.unanswered.iter();
        all.filter(|(message, _)| !self.shown.contains(*message))
    }

    /// When something last went out to her, or a coach last called her, as far as is known.
    pub(super) fn last_outreach(&self) -> Option<Timestamp> {
        let reached = |progress: &Progress| match progress {
            Progress::Done { at, how } if *how != How::Skipped => Some(*at),
            _ => None,
        };
        reached(&self.first_message)
            .max(reached(&self.follow_up))
            .max(self.by_hand_at)
    }

    /// How staff speak of her: never her full name.
    pub(super) fn who(&self) -> &str {
        self.client.short_name.as_deref().unwrap_or("the client")
    }
}
