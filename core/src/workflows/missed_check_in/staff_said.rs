//! What staff begin by themselves (E8): by a tag in the CRM, or by a command.
//!
//! - *Replied*: she answered where the relay does not look. As after a reply, but nothing is to be read.
//! - *Pause*: as a person's pause. While a manager is asked whether everything stops, nothing goes out in any case,
//!   and her question stays.
//! - *Resume* is decided like any other answer, with what the portal shows by then: it comes as a person's action,
//!   and changes nothing as a fact.

use super::questions::STOPPED;
use super::replies::replied_in;
use super::run::MissedCheckInRun;
use crate::facts::StaffWord;

/// Takes a word in; `false` if it changes nothing.
pub(super) fn staff_said(run: &mut MissedCheckInRun<'_>, word: StaffWord, by: &str) -> bool {
    match word {
        StaffWord::Resume => false,
        StaffWord::Replied => {
            replied_in(run, &format!("she answered elsewhere, says {by}"), "");
            true
        }
        StaffWord::Pause if run.state.is_asked(STOPPED) => false,
        StaffWord::Pause => run.pause_by(by, "nothing goes out until you say so"),
    }
}
