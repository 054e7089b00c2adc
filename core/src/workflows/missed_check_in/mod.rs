//! Following up a missed check-in (SOP A), as far as it is built.
//!
//! **People.** The *client*, who has not submitted a check-in. Her *coach*, who would otherwise do
//! all of this by hand, sees the chosen channel in the tools she has open, makes the call, and
//! decides whenever a person must. The *Program Manager*, who hears of what stays undone.
//!
//! ```text
//!  open ─▶ portal_message ─48 h─▶ choose_channel ─seen────────────▶ email_follow_up ─48 h─┐
//!           S1 on D+1                   │                           S2, note, tag         ├▶ by_hand
//!                                       └─not seen, cannot tell──▶ phone_follow_up ─48 h─┘  the coach
//!                                                                   task, S3, tag, outcome   goes on
//! ```
//!
//! **Rules.**
//! - A check-in closes the case anywhere, takes our tag off and completes our open task.
//! - A reply pauses it; it never resumes by itself. What a person has seen of a conversation is a set
//!   of ids (`replies.rs`).
//! - What staff say of her by a tag or a command pauses it, too (`staff_said.rs`).
//! - A check-in that was attached to the case is looked at once the case has closed; a word about the
//!   client that ended it keeps her out for as long as it stands (`closing.rs`).
//! - A contact type of *In-Person* stops it, whoever set it (`in_person.rs`).
//! - An agreed break with an end puts the case aside until then; it goes on by itself (E12).
//! - An open or click that is told while a call is planned turns it into an email; once the call
//!   task is made, nothing turns.
//! - Right before each outreach the portal and the CRM are read again; see [`guard`](self).
//! - Where the clinic wants it, her coach is told before a message goes out in her name, and can stop it; silence
//!   sends it only if she was told two working hours before (`ask_first.rs`).
//! - Who calls says her own name: where another coach is to call, the call is asked for anew
//!   (`another_coach.rs`).
//! - What can't be sent truthfully, or to nobody, is held with the text ready; what no tool lets the relay
//!   send, the coach is asked to (`send_by_hand.rs`); without a CRM she is asked to mail or call (`hand_over.rs`).
//!
//! **Guarantees.** Every case that is not closed has exactly one wait. A message is planned anew
//! only under a new visit of its step, after a person said so or its date moved, and never once it
//! has gone out or may have. A person's pause outlasts every outcome that comes later.
//!
//! **Asked of the engine.** The facts of an [`Overtaken`](crate::workflow::Verdict::Overtaken)
//! verdict are stepped before the effect's outcome is. The outcome of an effect whose intent was
//! stored is stepped before another effect of the same client is guarded (the lane), so that a
//! message that went out after all is known before another is sent. Work items are settled before
//! new ones are opened.
//!
//! **Not guaranteed.** A message that was under way when the check-in came is not recalled (E4).

mod another_coach;
mod answers;
mod ask_first;
mod breaks;
mod by_hand;
mod choose_channel;
mod closing;
mod email_follow_up;
mod engaged;
mod facts;
mod guard;
mod hand_over;
mod in_person;
mod known;
mod next;
mod noted;
mod open;
mod outreach;
mod pauses;
mod people;
mod phone_follow_up;
mod portal_message;
mod questions;
mod reach;
mod replies;
mod request;
mod run;
mod send_by_hand;
mod settled;
mod staff_said;
mod state;
mod steps;

use crate::answers::StopReason;
use crate::case::{Case, CaseStatus, Mode};
use crate::effects::{EffectKind, PlannedEffect};
use crate::facts::{Fact, FactBody};
use crate::procedure::MissedCheckInProcedure;
use crate::time::Timestamp;
use crate::workflow::{
    Context, Conversation, GuardReading, Input, LeftOpen, Needs, NotOpened, ReadKind, Transition,
    Verdict, Workflow,
};
use crate::workflows::StepInfo;
use crate::workflows::draft::{unreadable, unreadable_verdict};

use another_coach::{caller_changed, signer_changed};
use answers::CoachAnswer;
pub use ask_first::{Notice, goes_out, notice};
pub use closing::{Again, Closing};
pub use open::contact_type_allows;
use run::MissedCheckInRun;
pub use state::{
    Call, Chosen, ClosedBy, Hold, How, KnownClient, LastCall, Paused, Pending, Progress, State,
    Step,
};

/// The procedure's name.
pub const NAME: &str = "missed_check_in";

/// The version of the decision code in this module. A change that could alter what an open case
/// does takes the next number, and the code of this one stays while cases use it.
///
/// Since 2, an open or click that is told after the decision can turn a call into an email until
/// the call task is made (`engaged.rs`). A case of 1 is not turned.
///
/// Since 3, a wait whose end is no allowed moment ends at the last allowed one within 24 to 48 hours
/// (A2), and a case goes on by itself after an agreed break (E12). A case of 1 or 2 waits for the
/// first allowed moment after the 48 hours, and for the coach after a break.
///
/// Since 3, too, "continue" waits for the short wait after the last outreach (`replies.rs`), a call that
/// is told late counts (`phone_follow_up.rs`), and what is asked by hand is asked one by one
/// (`by_hand.rs`).
///
/// Since 4, a coach who answers in the portal need not settle the question about the reply (`answers.rs`).
///
/// Since 5, a client's new coach is asked to call in her own name; before, the call task moved to her with the name of
/// the coach before her in its text (`another_coach.rs`).
///
/// What is looked at after a case has closed holds for every version, too (`closing.rs`): a closed case
/// does nothing any more, and the look that it leaves is decided by a fresh read.
///
/// What only stops a case holds for every version: a question before a message goes out, a pause for a message that nobody who decided has
/// seen, for what staff said of her, for a contact type, a hold for a value that is none. Such a case would otherwise
/// be the only one left that still does harm, and its history stays as it was told.
pub const LOGIC: u32 = 5;

/// The steps in their order, with the sentences of SOP A that they carry out.
pub const STEPS: [StepInfo; 6] = [
    StepInfo {
        id: "open",
        sentences: &[open::SOP],
    },
    StepInfo {
        id: "portal_message",
        sentences: &[portal_message::SOP, portal_message::SOP_WAIT],
    },
    StepInfo {
        id: "choose_channel",
        sentences: &[choose_channel::SOP, choose_channel::SOP_DECIDE],
    },
    StepInfo {
        id: "email_follow_up",
        sentences: &[email_follow_up::SOP, email_follow_up::SOP_WAIT],
    },
    StepInfo {
        id: "phone_follow_up",
        sentences: &[phone_follow_up::SOP, email_follow_up::SOP_WAIT],
    },
    StepInfo {
        id: "by_hand",
        sentences: &[by_hand::SOP],
    },
];

/// The procedure at one version.
#[derive(Debug, Clone)]
pub struct MissedCheckIn {
    procedure: MissedCheckInProcedure,
}

impl MissedCheckIn {
    /// The workflow with these parameters and texts.
    pub fn new(procedure: MissedCheckInProcedure) -> Self {
        Self { procedure }
    }

    /// Its parameters and texts.
    pub fn procedure(&self) -> &MissedCheckInProcedure {
        &self.procedure
    }
}

impl Workflow for MissedCheckIn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hash(&self) -> &str {
        self.procedure.hash()
    }

    fn logic(&self) -> u32 {
        LOGIC
    }

    fn opens_on(&self, fact: &Fact) -> bool {
        matches!(fact.body, FactBody::CheckInMissed { .. })
    }

    fn open(&self, cx: Context<'_>, case: &Case, fact: &Fact) -> Result<Transition, NotOpened> {
        match &fact.body {
            FactBody::CheckInMissed { check_in, client } => {
                open::open(&self.procedure, cx, case, check_in, client)
            }
            other => Err(format!("{} opens no case", other.kind()).into()),
        }
    }

    fn step(&self, cx: Context<'_>, case: &Case, input: &Input) -> Option<Transition> {
        let Ok(state) = serde_json::from_value::<State>(case.data.clone()) else {
            return unreadable(cx, case, input);
        };
        let mut run = MissedCheckInRun::new(&self.procedure, cx, case, state, steps::begin);
        run.take(input).then(|| run.finish())?
    }

    fn needs(&self, effect: &PlannedEffect) -> Needs {
        match effect.kind() {
            EffectKind::PortalMessage => Needs {
                portal: true,
                coach: true,
                ..Needs::default()
            },
            EffectKind::Email | EffectKind::CallTask => Needs {
                portal: true,
                contact: true,
                coach: true,
                billing: false,
            },
            EffectKind::ReassignTask => Needs {
                coach: true,
                ..Needs::default()
            },
            EffectKind::ContactNote => Needs {
                contact: true,
                coach: true,
                ..Needs::default()
            },
            EffectKind::AddTag | EffectKind::RemoveTag => Needs {
                contact: true,
                ..Needs::default()
            },
            EffectKind::PortalNote
            | EffectKind::CloseTask
            | EffectKind::WorkTask
            | EffectKind::ContactType
            | EffectKind::AutoChargeOff
            | EffectKind::DeactivateSubscription
            | EffectKind::RemoveCard => Needs::default(),
        }
    }

    fn guard(
        &self,
        cx: Context<'_>,
        case: &Case,
        effect: &PlannedEffect,
        reading: &GuardReading,
    ) -> Verdict {
        match serde_json::from_value::<State>(case.data.clone()) {
            Ok(state) => guard::guard(&self.procedure, cx, case, &state, effect, reading),
            Err(_) => unreadable_verdict(),
        }
    }

    fn mode(&self) -> Mode {
        self.procedure.mode
    }

    fn set_back(&self, data: &serde_json::Value, now: Timestamp) -> Option<serde_json::Value> {
        let before: State = serde_json::from_value(data.clone()).ok()?;
        let after = before.clone().set_back(now);
        (after != before).then(|| serde_json::to_value(after).ok())?
    }

    fn conversation(&self, case: &Case) -> Option<Conversation> {
        let state = serde_json::from_value::<State>(case.data.clone()).ok()?;
        Some(Conversation {
            since: state.counts_from.unwrap_or(state.since),
            signed_by: state.client.coach,
        })
    }

    fn stopped(&self, case: &Case) -> Option<StopReason> {
        let state = serde_json::from_value::<State>(case.data.clone()).ok()?;
        state.stopped
    }

    fn left_open(&self, case: &Case) -> Vec<LeftOpen> {
        serde_json::from_value::<State>(case.data.clone())
            .map(|state| closing::left_open(&state))
            .unwrap_or_default()
    }
}

impl MissedCheckInRun<'_> {
    /// Takes an input in; `false` if it changes nothing.
    fn take(&mut self, input: &Input) -> bool {
        let closed = self.draft.status.is_closed();
        match input {
            Input::Effect { key, settled } => self.settled(key, settled),
            _ if closed => false,
            Input::Fact { fact } => self.fact(fact),
            Input::Timer { generation } => self.timer(*generation),
            Input::ReadFailed { what, reason } => {
                let asked = *what == ReadKind::MailHistory && self.reads_mail();
                if asked {
                    self.mail_unreadable(reason);
                }
                asked
            }
            Input::Shown { messages } => self.was_shown(messages),
            Input::AskFirst { key, at, silence } => ask_first::ask(self, key, *at, *silence),
            Input::CallerChanged { made_by } => caller_changed(self, made_by),
            Input::SignerChanged => signer_changed(self),
            Input::Person { by, action } => self.person(by, action),
        }
    }

    /// The wait is over. A timer of another generation was set for a wait that is no longer.
    fn timer(&mut self, generation: u64) -> bool {
        let rests =
            self.state.resting.is_some() && matches!(self.draft.status, CaseStatus::Paused { .. });
        let asks =
            self.state.later.is_some() && matches!(self.draft.status, CaseStatus::Paused { .. });
        let due = (self.is_open() || rests || asks)
            && matches!(self.draft.wait, Some(crate::case::Wait::Timer { .. }))
            && generation == self.draft.case.generation;
        if due && asks {
            CoachAnswer::to(self).ask_later();
        } else if due && rests {
            self.break_over();
        } else if due {
            self.enter(self.state.next());
        }
        due
    }
}
