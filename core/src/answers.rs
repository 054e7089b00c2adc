//! What a coach may answer about a client, and the words that she writes (A8, A33).
//!
//! > *handled · wait until DATE · continue · wants to leave · complaint · unwell · no contact*; the last four
//! > stop every channel and tell the manager the same working day
//!
//! People: the *coach* writes a word behind "Answer:" in a task of the CRM. Anybody in the account can edit
//! that task, so nothing here approves anything or moves money.
//!
//! Rules:
//! - One table has the word, what it means and the action that it is ([`ANSWERS`]): what a task offers is what
//!   is understood.
//! - What is not clearly one of the words is no answer, and she is asked again.
//! - What a coach means by *unwell* is health data: the word is stored and shown as it is, and nothing that
//!   the client wrote is quoted with it (A32).

mod call;
mod day;
mod written;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use call::CallOutcome;
pub use written::{Written, has_remarks, outcome_of, written, written_of_call};

/// Why every channel to a client stops until the manager decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// She wants to leave the program.
    WantsToLeave,
    /// She complains.
    Complaint,
    /// She is unwell, pregnant, or reacts badly (E10).
    Unwell,
    /// She asks not to be contacted (E9).
    NoContact,
}

impl StopReason {
    /// Every reason, in the order people are shown them.
    pub const ALL: [Self; 4] = [
        Self::WantsToLeave,
        Self::Complaint,
        Self::Unwell,
        Self::NoContact,
    ];

    /// The stored name, which is the name of the action, too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WantsToLeave => "wants_to_leave",
            Self::Complaint => "complaint",
            Self::Unwell => "unwell",
            Self::NoContact => "no_contact",
        }
    }

    /// The reason with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == name)
    }

    /// Whether it says something of her health, which stands in no title (A32).
    pub const fn is_health(self) -> bool {
        match self {
            Self::Unwell => true,
            Self::WantsToLeave | Self::Complaint | Self::NoContact => false,
        }
    }

    /// What is so of her, as the end of a sentence that begins with her name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::WantsToLeave => "wants to leave the program",
            Self::Complaint => "has a complaint",
            Self::Unwell => "is unwell",
            Self::NoContact => "does not want to be contacted",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of the follow-up once an answer is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Nothing goes out until somebody says so.
    KeepsBack,
    /// Nothing goes out before the date that is named.
    Waits,
    /// It goes on, and what was asked about is done or sent.
    GoesOn,
    /// It goes on, and what was asked about does not go out.
    LeavesOut,
    /// It ends.
    Ends,
}

/// A word that a coach may write, and the action that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerWord {
    /// The action's stored name.
    pub action: &'static str,
    /// What becomes of the follow-up.
    pub course: Course,
    /// What she writes.
    pub word: &'static str,
    /// What follows from it, for her to read.
    pub meaning: &'static str,
}

/// The action whose word is followed by a date.
pub const WAIT_UNTIL: &str = "promised";

/// The action of a coach who says that the client has answered where the relay can't see it.
pub const REPLIED: &str = "replied";

/// The action by which what came of a call is recorded, with the outcome's name.
pub const CALL_OUTCOME: &str = "call_outcome";

/// The action of a coach who stops a message before it goes out.
pub const STOP_IT: &str = "stop_it";

/// The action of a coach who has looked into the portal and found that the client has not written.
pub const NO_REPLY: &str = "no_reply";

/// Every word, in the order people are shown them.
pub const ANSWERS: [AnswerWord; 15] = [
    AnswerWord {
        action: NO_REPLY,
        course: Course::GoesOn,
        word: "no reply",
        meaning: "you have looked into the portal, and she has not written: you get the text to send, in a new task",
    },
    AnswerWord {
        action: "handled",
        course: Course::KeepsBack,
        word: "handled",
        meaning: "you have answered her; nothing goes out, and you are asked once more in two working days",
    },
    AnswerWord {
        action: WAIT_UNTIL,
        course: Course::Waits,
        word: "wait until",
        meaning: "with a date, such as \"wait until Nov 12\": nothing goes out before the day after it",
    },
    AnswerWord {
        action: "resume",
        course: Course::GoesOn,
        word: "continue",
        meaning: "the follow-up goes on with its next step",
    },
    AnswerWord {
        action: "done_by_hand",
        course: Course::LeavesOut,
        word: "done",
        meaning: "you have done it yourself",
    },
    AnswerWord {
        action: "send_anyway",
        course: Course::GoesOn,
        word: "send",
        meaning: "it goes out as it is",
    },
    AnswerWord {
        action: "skip",
        course: Course::LeavesOut,
        word: "leave out",
        meaning: "this step is left out, and the follow-up goes on",
    },
    AnswerWord {
        action: REPLIED,
        course: Course::KeepsBack,
        word: "replied",
        meaning: "she has answered you; nothing goes out, and you are asked how it goes on",
    },
    AnswerWord {
        action: STOP_IT,
        course: Course::KeepsBack,
        word: "stop",
        meaning: "it does not go out; you are asked how the follow-up goes on",
    },
    AnswerWord {
        action: "pause",
        course: Course::KeepsBack,
        word: "pause",
        meaning: "nothing goes out until you say so",
    },
    AnswerWord {
        action: "wants_to_leave",
        course: Course::KeepsBack,
        word: "wants to leave",
        meaning: "everything stops, and the Program Manager is asked",
    },
    AnswerWord {
        action: "complaint",
        course: Course::KeepsBack,
        word: "complaint",
        meaning: "everything stops, and the Program Manager is told",
    },
    AnswerWord {
        action: "unwell",
        course: Course::KeepsBack,
        word: "unwell",
        meaning: "everything stops, and the Program Manager is told",
    },
    AnswerWord {
        action: "no_contact",
        course: Course::KeepsBack,
        word: "no contact",
        meaning: "she asks not to be contacted: everything stops, and the Program Manager is told",
    },
    AnswerWord {
        action: "close",
        course: Course::Ends,
        word: "close",
        meaning: "this follow-up ends for good",
    },
];

/// The course after the answer that is this action; `None`: it is no answer.
pub fn course_of(action: &str) -> Option<Course> {
    let answer = ANSWERS.iter().find(|answer| answer.action == action);
    answer.map(|answer| answer.course)
}

/// The words for these actions, in the order people are shown them.
pub fn offered(actions: &[String]) -> impl Iterator<Item = &'static AnswerWord> + '_ {
    let offered = move |answer: &&AnswerWord| actions.iter().any(|action| action == answer.action);
    ANSWERS.iter().filter(offered)
}
