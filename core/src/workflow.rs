//! The shape every procedure has.
//!
//! A workflow is two pure functions over stored data: [`step`](Workflow::step) turns a case and
//! something that happened into the next state of the case and a list of wishes, and
//! [`guard`](Workflow::guard) turns a planned effect and what was just read from the vendors into
//! "go, with exactly this", or a reason not to. The engine stores what they return in one batch
//! and carries it out; it never looks inside.
//!
//! Rules every workflow keeps, and the step tests check for free:
//! - Same input, same output: no clock, no random, no memory of its own.
//! - An input that doesn't apply any more (a timer of an old generation, an effect of a past step)
//!   changes nothing: it returns `None`.
//! - A case that is not closed leaves with exactly one [`Wait`].
//! - An effect key is `case/step/visit/name`; entering a step again is a new visit.

mod guard;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub(crate) use guard::LINK;
pub use guard::{
    Conversation, GuardReading, HoldReason, Needs, NoContact, NotOffered, PortalReading, Silence,
    StandsIn, Verdict,
};

use crate::answers::StopReason;
use crate::calendar::Calendar;
use crate::case::{Case, CaseStatus, Mode, TimelineEntry, Wait};
use crate::clients::Coach;
use crate::effects::{PlannedEffect, Settled};
use crate::facts::Fact;
use crate::ids::{CheckInId, EffectKey, MessageId};
use crate::time::{Date, Timestamp};
use crate::time_off::TimeOffList;

/// What a pure function may know besides the case.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The clinic's days and hours. Not pinned: a day closed at short notice moves pending sends.
    pub calendar: &'a Calendar,
    /// The coach directory, for the names that texts made ready for people are signed with. Not
    /// pinned either. May be empty: a text that needs a name then says that it is missing.
    pub coaches: &'a [Coach],
    /// Who acts for a coach while she is away (A25).
    pub time_off: &'a TimeOffList,
    /// Procedure time.
    pub now: Timestamp,
    /// What the clinic's tools don't let the relay do, as they are now. Not pinned.
    pub not_offered: NotOffered,
    /// The steps whose coach is asked before a message goes out (A30), by their ids, as it is set now. Not pinned: who
    /// says "ask us first" means the next message, of open cases, too.
    pub ask_first: &'a BTreeSet<String>,
}

/// Something that happened to a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    /// A new fact about the client.
    Fact {
        /// The fact.
        fact: Fact,
    },
    /// The case's timer came due.
    Timer {
        /// The generation it was set in.
        generation: u64,
    },
    /// An effect of the case ended.
    Effect {
        /// The effect that ended.
        key: EffectKey,
        /// How it ended.
        settled: Settled,
    },
    /// A read was given up.
    ReadFailed {
        /// What was to be read.
        what: ReadKind,
        /// The last failure, in one line.
        reason: String,
    },
    /// A person acts on an item that named these messages: she has been shown them.
    Shown {
        /// Their ids.
        messages: Vec<MessageId>,
    },
    /// The guard lets this effect out, and her coach is to be asked first.
    AskFirst {
        /// The effect.
        key: EffectKey,
        /// When it goes out if nobody stops it, as far as can be told before she has heard.
        at: Timestamp,
        /// Whether her silence lets it go; else only her word does.
        silence: bool,
    },
    /// Who acts for her coach now is another than the coach whom the task of this effect asks to call.
    CallerChanged {
        /// The effect that made the task.
        made_by: EffectKey,
    },
    /// Who acts for her coach now is another than the one whose name stands in the texts that are ready.
    SignerChanged,
    /// A person decided.
    Person {
        /// The person, by name.
        by: String,
        /// What she decided.
        action: Action,
    },
}

/// What a person may do with a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Pause all outreach.
    Pause {
        /// The reason, as the history tells it.
        reason: String,
    },
    /// Go on with the next step.
    Resume,
    /// Close for good.
    Close {
        /// The reason, as the history tells it.
        reason: String,
    },
    /// The client promised to check in by a date: wait, then go on.
    Promised {
        /// The day by which she promised it.
        until: Date,
    },
    /// The held step was carried out by hand: go on as if it had been sent at this moment.
    DoneByHand,
    /// Send the held message as it is rendered, although the guard held it.
    SendAnyway,
    /// Leave the held step out and go on.
    Skip,
    /// The client was answered; outreach stays paused (A33).
    Handled,
    /// The client has answered where the relay can't see it: the case pauses as for a reply (E8).
    Replied,
    /// Her coach has looked into the portal, where the relay can't read: the client has not written there.
    NoReply,
    /// Every channel to the client stops until the manager decides (A33).
    StopOutreach {
        /// The reason that was chosen.
        why: StopReason,
    },
    /// What came of the call.
    CallOutcome {
        /// The outcome.
        outcome: crate::facts::CallOutcome,
    },
}

/// A read that a step asks for; the answer comes back as a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadKind {
    /// The client's email history and address status: answered by `FactBody::MailRead`.
    MailHistory,
    /// What the client pays for: answered by `FactBody::BillingRead`.
    Billing,
}

impl ReadKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::MailHistory, Self::Billing];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MailHistory => "mail_history",
            Self::Billing => "billing",
        }
    }
}

/// What a step wants. Applied by the engine in one batch, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Where the case stands now.
    pub status: CaseStatus,
    /// The step it is in now.
    pub step: String,
    /// The visit of that step.
    pub visit: u32,
    /// What it waits for; `None` only when closed. A [`Wait::Timer`] also sets the timer, in a
    /// new generation; any transition that leaves a timer wait raises the generation.
    pub wait: Option<Wait>,
    /// The workflow's own state.
    pub data: serde_json::Value,
    /// Lines for the timeline, in order.
    pub timeline: Vec<TimelineEntry>,
    /// Effects to carry out, in order.
    pub effects: Vec<PlannedEffect>,
    /// Effects planned earlier and no longer wanted. Those not yet begun are cancelled; one whose
    /// intent is already stored runs to its end, and its outcome is reported (E4).
    pub cancel: Vec<EffectKey>,
    /// A read to do.
    pub read: Option<ReadKind>,
    /// Work items to open.
    pub open_work: Vec<NewWork>,
    /// Whether the work items of this case that were open before are settled by this transition.
    /// Carried out before `open_work`, whose items stay open.
    pub close_work: bool,
    /// A person's word was not carried out: she is asked anew, because she had not been shown all that
    /// was written. Only after [`Input::Person`].
    pub shown_first: bool,
}

/// What a person can do about a work item that a step asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers<'a> {
    /// She only has to take note: see [`NewWork::notice`].
    Notice,
    /// One of the actions with these names.
    Of(&'a [&'a str]),
}

impl Answers<'_> {
    /// The names of the actions, as they are stored.
    pub fn names(self) -> Vec<String> {
        let names = match self {
            Self::Notice => &["done"],
            Self::Of(names) => names,
        };
        names.iter().map(|&name| name.to_owned()).collect()
    }
}

/// A work item that a step asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewWork {
    /// What kind, for filters: `reply`, `hold`, `by_hand`, `call_outcome`, `link`, `backlog`, …
    pub kind: String,
    /// Whose it is: a coach id, or a role such as `program_manager`, `admin`.
    pub owner: String,
    /// What is to be done, in one line.
    pub title: String,
    /// Everything needed to do it: text ready to send, number, link, evidence.
    pub detail: serde_json::Value,
    /// The names of the actions that settle it.
    pub actions: Vec<String>,
    /// News that somebody only has to take note of: it is hers until she has, is not part of what the
    /// case waits for, and does not go when the case goes on or closes.
    #[serde(default)]
    pub notice: bool,
    /// When it should be done.
    pub due: Timestamp,
    /// When the owner is reminded next.
    pub remind_at: Timestamp,
}

/// A procedure at one version: its parameters and scripts, and the code that reads them.
pub trait Workflow: std::fmt::Debug + Send + Sync {
    /// The procedure's name (`missed_check_in`).
    fn name(&self) -> &'static str;

    /// The hash of parameters and scripts, as lower-case hex.
    fn hash(&self) -> &str;

    /// The version of the decision code.
    fn logic(&self) -> u32;

    /// Whether `fact` is one that may open a case of this procedure.
    fn opens_on(&self, fact: &Fact) -> bool;

    /// Opens a case on `fact`, or says why not and when that is to be looked at again. `case` is an
    /// empty case with id, client, procedure and mode filled in.
    fn open(&self, cx: Context<'_>, case: &Case, fact: &Fact) -> Result<Transition, NotOpened>;

    /// The next state of `case` after `input`; `None` when the input changes nothing.
    fn step(&self, cx: Context<'_>, case: &Case, input: &Input) -> Option<Transition>;

    /// What must be read before `effect` may be carried out.
    fn needs(&self, effect: &PlannedEffect) -> Needs;

    /// Whether `effect` may be carried out now that `reading` is known, and with what.
    fn guard(
        &self,
        cx: Context<'_>,
        case: &Case,
        effect: &PlannedEffect,
        reading: &GuardReading,
    ) -> Verdict;

    /// The mode that new cases are opened in.
    fn mode(&self) -> Mode;

    /// The workflow's own state with no moment in it later than `now`: the clock ran ahead when
    /// those were written, and what is told from now on must not count as older. `None` if there is
    /// nothing to correct.
    fn set_back(&self, _data: &serde_json::Value, _now: Timestamp) -> Option<serde_json::Value> {
        None
    }

    /// The conversation that a case is about; `None` for a procedure that is about none, or a state
    /// that can't be read.
    fn conversation(&self, case: &Case) -> Option<Conversation> {
        let _ = case;
        None
    }

    /// Why every channel to the client is stopped, as this case was last told; also of a closed case.
    fn stopped(&self, case: &Case) -> Option<StopReason> {
        let _ = case;
        None
    }

    /// What a case that has just closed leaves to be looked at: a fresh read decides then whether
    /// anybody is to be followed up. Nothing by default.
    fn left_open(&self, case: &Case) -> Vec<LeftOpen> {
        let _ = case;
        Vec::new()
    }
}

/// A check-in that nobody looks after once its case has closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOpen {
    /// The check-in, by its id.
    pub check_in: CheckInId,
    /// The day on which it is due.
    pub due: Date,
    /// The exact time, where the portal gives one.
    pub due_at: Option<Timestamp>,
    /// Whether it is looked at at once; else on the next day.
    pub at_once: bool,
}

/// Why a fact opened no case. The reason is for people; what follows from it is the [`Recheck`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOpened {
    /// In one line.
    pub reason: String,
    /// When it is to be decided again.
    pub recheck: Recheck,
}

/// When it is to be decided again whether a case opens.
///
/// Nobody may be forgotten because of one look at one moment: only what can't turn out otherwise
/// is decided for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recheck {
    /// Decided: the same thing need not be looked at again.
    Never,
    /// The client's status stands in the way, for as long as it stands.
    WhileStatus,
    /// The contact type in the CRM stands in the way, for as long as it stands.
    WhileContactType,
    /// An agreed break stands in the way: until after its last day, or until somebody says when.
    AfterBreak(Option<Date>),
    /// The portal's word for her status is none that we know: it may mean any of the others.
    UnknownWord(String),
}

impl From<String> for NotOpened {
    fn from(reason: String) -> Self {
        Self {
            reason,
            recheck: Recheck::Never,
        }
    }
}

impl From<&str> for NotOpened {
    fn from(reason: &str) -> Self {
        reason.to_owned().into()
    }
}
