//! Whether a text or an email can reach her, as far as the case has learned.
//!
//! People: her *coach*, who must not be asked to text a number that is somebody else's, nor to mail an address that
//! takes no mail (E13, E14, E15).
//!
//! Not guaranteed: that what was put right since is known. Whoever writes sees it where it stands.

use super::state::{Chosen, State};
use crate::channel::MailEvidence;
use crate::clients::AddressState;
use crate::facts::CallOutcome;

/// What a number is that was found to be somebody else's.
pub(super) fn has_wrong_number(state: &State) -> bool {
    state.called == Some(Some(CallOutcome::WrongNumber))
}

/// Why she is not to be texted, as a clause for people; `None`: she may be, or nobody has looked.
pub(super) fn no_text(state: &State) -> Option<&'static str> {
    let no_number = state
        .decision
        .as_ref()
        .is_some_and(|chosen| chosen.no_number);
    if has_wrong_number(state) {
        Some("the number on file is wrong")
    } else if no_number {
        Some("no number is on file")
    } else {
        None
    }
}

/// Why she is not to be mailed, as a clause for people; `None`: she may be, or nobody has looked.
pub(super) fn no_mail(state: &State) -> Option<&'static str> {
    let evidence = state.evidence.as_deref().and_then(takes_no_mail);
    let chosen = state.decision.as_ref();
    let address = evidence.or_else(|| chosen?.no_mail.as_ref());
    address.map(AddressState::words)
}

/// Her address, where it was read and takes no mail.
fn takes_no_mail(evidence: &MailEvidence) -> Option<&AddressState> {
    let address = &evidence.address;
    // Where no tool tells of mail, the address says only whether one is on file.
    let is_missing = *address == AddressState::Missing;
    let is_known = !evidence.address_unread && (!evidence.not_told || is_missing);
    (is_known && !address.accepts_mail()).then_some(address)
}

impl State {
    /// The portal has a number of hers; `false` if it is not known that there was none.
    pub(super) fn now_has_number(&mut self) -> bool {
        let chosen = self.decision.as_mut();
        chosen.is_some_and(|chosen| std::mem::take(&mut chosen.no_number))
    }
}

impl Chosen {
    /// Keeps what `evidence` tells of how she can be reached.
    pub(super) fn reached_by(self, evidence: &MailEvidence) -> Self {
        Self {
            no_number: !evidence.has_phone && !evidence.address_unread,
            no_mail: takes_no_mail(evidence).cloned(),
            ..self
        }
    }
}
