//! Why a case closed, and whether its check-in may open another one.
//!
//! A check-in that the portal still lists as open and overdue must not be forgotten because a case
//! about it has closed once. Each reason therefore says of itself whether it is *final*, for that
//! check-in at that due date; with another due date it is another matter.

use serde::{Deserialize, Serialize};

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
    /// Her program was ended (E25).
    Ended,
    /// She has completed the program.
    Graduated,
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
    pub const ALL: [Self; 10] = [
        Self::Submitted,
        Self::LaterSubmitted,
        Self::Withdrawn,
        Self::Rescheduled,
        Self::InPerson,
        Self::Ended,
        Self::Graduated,
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
            Self::Graduated => "graduated",
            Self::TransitionCall => "transition_call",
            Self::CarriedOut => "carried_out",
            Self::ByPerson => "by_person",
        }
    }

    /// Whether the check-in may open another case.
    pub const fn again(self) -> Again {
        match self {
            // Submitted: we have heard from her, and a coach who asks for the rest decides how (E5, E7).
            // Withdrawn: "new case only by coach" (E6). Ended, graduated: whoever begins again begins
            // with new check-ins. The transition call: somebody was told of it, and has it. Carried out
            // by hand: its last step is the end of her program.
            Self::Submitted
            | Self::LaterSubmitted
            | Self::Withdrawn
            | Self::Ended
            | Self::Graduated
            | Self::TransitionCall
            | Self::CarriedOut
            | Self::ByPerson => Again::Final,
            // Rescheduled: the new date may pass as well, or the old one be put back. In person: the
            // status forbids it for as long as it stands; one that was set by mistake, and put right,
            // leaves a client whom nobody followed up.
            Self::Rescheduled | Self::InPerson => Again::Reopening,
        }
    }
}
