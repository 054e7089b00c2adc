//! The clinic's texts, to the character.
//!
//! A script file holds the document's text with its own typing marks (SOP A, `sop.md` 4.3): the
//! quotation marks around it, the spaces next to them, "recievng". What a client receives follows
//! from it by three rules and nothing else (A27):
//!
//! 1. One quotation mark at the start and one at the end (`"`, `“` or `”`, in whichever direction
//!    it was typed; S3 and S4 have none at the end) are the document's way to show where the text
//!    begins and ends. They are not sent, nor is the blank space next to them.
//! 2. Each placeholder is replaced by its value (see [`Placeholder`]). A value is inserted as
//!    plain text on one line: a placeholder inside a value is not looked at again, and what a value
//!    must be is judged by [`outside`](crate::outside). Escaping for HTML or JSON is the adapter's
//!    (E23).
//! 3. Everything else is sent as written.
//!
//! Guarantee: a [`Rendered`] text has no placeholder left; a value that is missing, or that is
//! no value (`null`, `~Contact.FirstName~`), is an error that says so (E22). Not guaranteed: that a sentence is true.
//! What a script claims is listed beside it as [`Assertion`]s, and [`Scripts::choose`] checks them.

mod render;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use render::{
    Placeholder, RenderError, Rendered, Unfilled, Values, date_words, moment_words, weekday_words,
};

use render::Template;

/// The texts shipped with the relay, by file name.
const SHIPPED: [(&str, &str); 6] = [
    ("S1.txt", include_str!("../../../procedures/scripts/S1.txt")),
    (
        "S1-date-only.txt",
        include_str!("../../../procedures/scripts/S1-date-only.txt"),
    ),
    ("S2.txt", include_str!("../../../procedures/scripts/S2.txt")),
    ("S3.txt", include_str!("../../../procedures/scripts/S3.txt")),
    ("S4.txt", include_str!("../../../procedures/scripts/S4.txt")),
    ("S5.txt", include_str!("../../../procedures/scripts/S5.txt")),
];

/// The text shipped under a file name; `None` if there is none.
pub fn shipped(file: &str) -> Option<String> {
    SHIPPED
        .iter()
        .find(|(name, _)| *name == file)
        .map(|(_, text)| (*text).to_owned())
}

/// Something that a sentence of a script says, and that must be so when it is sent ("no sent sentence is false").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assertion {
    /// "was due yesterday": today is the day after `D`, clinic time (A1).
    DueYesterday,
    /// "your late check-in", "please submit": it has not been submitted.
    NoCheckIn,
    /// "I have not received a reply from you in Clear Connection".
    NoReply,
    /// "… or to my phone call": a call was made and not answered (A9).
    CalledWithoutReply,
    /// "my previous message": the first portal message was sent.
    FirstMessageSent,
    /// "reply back to this text": it goes out as a text message (A9).
    SentAsText,
    /// The three weeks since the last regimen change are not over.
    WindowOpen,
}

impl Assertion {
    /// Every assertion, in the order people are shown them.
    pub const ALL: [Self; 7] = [
        Self::DueYesterday,
        Self::NoCheckIn,
        Self::NoReply,
        Self::CalledWithoutReply,
        Self::FirstMessageSent,
        Self::SentAsText,
        Self::WindowOpen,
    ];

    /// The name in the procedure file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DueYesterday => "due_yesterday",
            Self::NoCheckIn => "no_check_in",
            Self::NoReply => "no_reply",
            Self::CalledWithoutReply => "called_without_reply",
            Self::FirstMessageSent => "first_message_sent",
            Self::SentAsText => "sent_as_text",
            Self::WindowOpen => "window_open",
        }
    }

    /// The assertion with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// What is wrong when it does not hold, for a coach.
    pub fn fault(self) -> &'static str {
        match self {
            Self::DueYesterday => "it says \"yesterday\", and the check-in was not due yesterday",
            Self::NoCheckIn => "it asks for a check-in that has been submitted",
            Self::NoReply => "it says that there was no reply, and there was one",
            Self::CalledWithoutReply => {
                "it speaks of a phone call that she did not answer, and that is not known to be so"
            }
            Self::FirstMessageSent => "it speaks of a first message that was not sent",
            Self::SentAsText => "it says \"this text\", and it is not a text message",
            Self::WindowOpen => "the three weeks since the last regimen change are over",
        }
    }
}

/// What is so at this moment: the set of assertions that hold.
pub type Truth = BTreeSet<Assertion>;

/// One script: its text and what the text claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The document's text with its typing marks.
    pub text: String,
    /// What its sentences claim.
    pub asserts: BTreeSet<Assertion>,
    /// The script it may stand in for, if it is a variant.
    pub variant_of: Option<String>,
    /// Whether the clinic has approved it. The document's own scripts are; a variant is shipped
    /// unapproved, and is never sent until somebody approves it.
    pub approved: bool,
}

impl Script {
    /// The assertions that do not hold.
    pub fn faults(&self, truth: &Truth) -> Vec<Assertion> {
        self.asserts.difference(truth).copied().collect()
    }

    /// The text as it goes out. See the module's rules.
    pub fn render(&self, id: &str, values: &Values) -> Result<Rendered, RenderError> {
        Template::parse(&self.text)
            .map_err(|unknown| RenderError::UnknownPlaceholder {
                script: id.to_owned(),
                found: unknown,
            })?
            .render(id, values)
    }

    /// The placeholders in the text, or the text that looks like one and is none that we know.
    pub fn placeholders(&self) -> Result<BTreeSet<Placeholder>, String> {
        Template::parse(&self.text).map(|template| template.placeholders())
    }
}

/// No script may be sent as things stand.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChooseError {
    /// The procedure has no such script.
    #[error("there is no script {0}")]
    Missing(String),
    /// A sentence would be false, and no approved variant avoids it.
    #[error(
        "{} can't be sent as written: {}{}",
        called(.script),
        faults(.failing),
        waiting(.unapproved)
    )]
    WouldBeFalse {
        /// The script.
        script: String,
        /// What does not hold.
        failing: Vec<Assertion>,
        /// Variants that would be true and wait for approval.
        unapproved: Vec<String>,
    },
}

impl ChooseError {
    /// Whether it is, among others, that this does not hold.
    pub fn is_of(&self, assertion: Assertion) -> bool {
        match self {
            Self::Missing(_) => false,
            Self::WouldBeFalse { failing, .. } => failing.contains(&assertion),
        }
    }
}

/// What people call a script of the document.
pub fn called(script: &str) -> String {
    match script.split('-').next().unwrap_or_default() {
        "S1" => "the first message".to_owned(),
        "S2" => "the follow-up email".to_owned(),
        "S3" => "the text for the call".to_owned(),
        "S4" => "the text message".to_owned(),
        "S5" => "the final message".to_owned(),
        _ => format!("the text {script}"),
    }
}

fn faults(failing: &[Assertion]) -> String {
    let words: Vec<_> = failing.iter().map(|one| one.fault()).collect();
    words.join("; ")
}

fn waiting(unapproved: &[String]) -> String {
    if unapproved.is_empty() {
        String::new()
    } else {
        " (another wording waits for the clinic's approval)".to_owned()
    }
}

/// Every script of a procedure, by id (`S1`, …).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scripts(pub BTreeMap<String, Script>);

impl Scripts {
    /// The script with this id.
    pub fn get(&self, id: &str) -> Option<&Script> {
        self.0.get(id)
    }

    /// The script to send where `id` is asked for: itself if every claim holds, else the first
    /// approved variant (by id) whose claims hold.
    pub fn choose<'a>(
        &'a self,
        id: &'a str,
        truth: &Truth,
    ) -> Result<(&'a str, &'a Script), ChooseError> {
        let script = self
            .get(id)
            .ok_or_else(|| ChooseError::Missing(id.to_owned()))?;
        let failing = script.faults(truth);
        if failing.is_empty() && script.approved {
            return Ok((id, script));
        }
        let true_variants = self.0.iter().filter(|(_, variant)| {
            variant.variant_of.as_deref() == Some(id) && variant.faults(truth).is_empty()
        });
        let mut unapproved = Vec::new();
        for (name, variant) in true_variants {
            if variant.approved {
                return Ok((name, variant));
            }
            unapproved.push(name.clone());
        }
        Err(ChooseError::WouldBeFalse {
            script: id.to_owned(),
            failing,
            unapproved,
        })
    }
}

#[cfg(test)]
mod tests;
