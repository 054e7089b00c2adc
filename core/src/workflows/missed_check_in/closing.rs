//! Why a case closed, and whether its check-in may open another one.
//!
//! A check-in that the portal still lists as open and overdue must not be forgotten because a case
//! about it has closed once. Each reason therefore says of itself whether it is *final*, for that
//! check-in at that due date; with another due date it is another matter.

use serde::{Deserialize, Serialize};

use super::state::State;
use crate::workflow::LeftOpen;

/// Why a case closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// The check-in was submitted.
    Submitted,
    /// A later check-in was submitted in its place (E7).
    LaterSubmitted,
    /// The check-in was withdrawn (E6).
    Withdrawn,
    /// It is due on a day that has not passed (E32).
    Rescheduled,
    /// She comes to the clinic.
    InPerson,
    /// Her program was ended by order of a person (E25): the portal told of the ending itself.
    Ended,
    /// Her status says that she has left the program (E25).
    Quit,
    /// She has completed the program.
    Graduated,
    /// She is on maintenance (E25).
    Maintenance,
    /// Only the Transition Maintenance Call is open (A23).
    TransitionCall,
    /// The coach has carried out the rest of the procedure by hand.
    CarriedOut,
    /// A person closed it.
    ByPerson,
}

/// Whether a check-in whose case has closed may open another case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Not by itself: a person can open one.
    Final,
    /// Once it is found to be missed.
    Reopening,
}

impl Closing {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Submitted,
        Self::LaterSubmitted,
        Self::Withdrawn,
        Self::Rescheduled,
        Self::InPerson,
        Self::Ended,
        Self::Quit,
        Self::Graduated,
        Self::Maintenance,
        Self::TransitionCall,
        Self::CarriedOut,
        Self::ByPerson,
    ];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::LaterSubmitted => "later_submitted",
            Self::Withdrawn => "withdrawn",
            Self::Rescheduled => "rescheduled",
            Self::InPerson => "in_person",
            Self::Ended => "ended",
            Self::Quit => "quit",
            Self::Graduated => "graduated",
            Self::Maintenance => "maintenance",
            Self::TransitionCall => "transition_call",
            Self::CarriedOut => "carried_out",
            Self::ByPerson => "by_person",
        }
    }

    /// Whether the check-in may open another case.
    pub const fn again(self) -> Again {
        match self {
            // Submitted: we have heard from her, and a coach who asks for the rest decides how (E5).
            // A later one: it stands for the missed one (E7). Withdrawn: "new case only by coach"
            // (E6). Ended: a person ended her program, and may have been asked to stop the fee; who
            // comes back begins with new check-ins, and "old case stays closed" (E55). Carried out by
            // hand: its last step is the end of her program. By a person: she decided it.
            Self::Submitted
            | Self::LaterSubmitted
            | Self::Withdrawn
            | Self::Ended
            | Self::CarriedOut
            | Self::ByPerson => Again::Final,
            // Rescheduled: the new date may pass as well, or the old one be put back.
            //
            // The others are words of the portal or the CRM about her. The word itself keeps the
            // check-in from opening another case for as long as it stands (`open.rs`), as it does
            // before there was any case. One that was set by mistake, and put right, must not leave a
            // client whom nobody follows up.
            // In person, quit, graduated, on maintenance (E25): by status or contact type alone, nobody has decided
            // anything about this check-in. Only the transition call is open (A23): the coach was told
            // of the call, once; if the word was wrong, the check-in is still missing.
            Self::Rescheduled
            | Self::InPerson
            | Self::Quit
            | Self::Graduated
            | Self::Maintenance
            | Self::TransitionCall => Again::Reopening,
        }
    }
}

/// What is to be looked at once a case has closed: its own check-in where the reason may pass, and
/// those that were attached to it (E66). The document follows up "until check-in is completed", each
/// of them; so they are looked at by the relay, and nobody is asked to follow them up by hand besides.
pub(super) fn left_open(state: &State) -> Vec<LeftOpen> {
    let Some(closed) = state.closed else {
        return Vec::new();
    };
    let own = (closed.again() == Again::Reopening).then(|| LeftOpen {
        check_in: state.check_in.clone(),
        due: state.due,
        due_at: state.due_at,
        at_once: false,
    });
    // What only the one check-in has ended goes on with the next at once. A word about her, or what a
    // person decided, is not asked about again in the very moment it was said.
    let at_once = matches!(
        closed,
        Closing::Submitted | Closing::LaterSubmitted | Closing::Withdrawn | Closing::Rescheduled
    );
    let attached = state.missed_too.iter().map(|(check_in, due)| LeftOpen {
        check_in: check_in.clone(),
        due: *due,
        due_at: None,
        at_once,
    });
    own.into_iter().chain(attached).collect()
}
