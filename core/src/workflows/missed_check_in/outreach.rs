//! The three ways in which this procedure reaches a client, or has a coach reach her.

use super::{email_follow_up, phone_follow_up, portal_message};
use crate::effects::EffectKind;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outreach {
    /// A message in the portal, in the coach's name.
    PortalMessage,
    /// An email through the CRM, in the coach's name.
    Email,
    /// A task for the coach: she calls.
    CallTask,
}

impl Outreach {
    /// The id of its script.
    pub(super) const fn script(self) -> &'static str {
        match self {
            Self::PortalMessage => portal_message::SCRIPT,
            Self::Email => email_follow_up::SCRIPT,
            Self::CallTask => phone_follow_up::SCRIPT,
        }
    }

    /// What people call it.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::PortalMessage => "the first message",
            Self::Email => "the follow-up email",
            Self::CallTask => "the call task",
        }
    }

    /// What is said where every try has failed, for her coach.
    pub(super) const fn not_taken(self) -> &'static str {
        match self {
            Self::PortalMessage => "the portal did not take the first message",
            Self::Email => "the CRM did not take the follow-up email",
            Self::CallTask => "the CRM did not take the task for your call",
        }
    }

    /// What she does then.
    pub(super) const fn by_hand_instead(self) -> &'static str {
        match self {
            Self::PortalMessage => {
                "please send it in the portal yourself, then answer \"done\"; or answer \"leave out\""
            }
            Self::Email => "please send it yourself, then answer \"done\"; or answer \"leave out\"",
            Self::CallTask => "please call her, then answer \"done\"; or answer \"leave out\"",
        }
    }

    /// What she does where nobody can tell whether it arrived.
    pub(super) const fn look_whether_it_arrived(self) -> &'static str {
        match self {
            Self::PortalMessage => {
                "look at her messages in the portal: if it is there, answer \"done\"; if not, send it yourself and answer \
                 \"done\", or answer \"leave out\""
            }
            Self::Email => {
                "look at her emails in the CRM: if it is there, answer \"done\"; if not, send it yourself and answer \
                 \"done\", or answer \"leave out\""
            }
            Self::CallTask => {
                "look at her tasks in the CRM: whether it is there or not, call her and answer \"done\", or answer \
                 \"leave out\""
            }
        }
    }

    /// Which of them a kind of effect is; `None` for what no client notices. Every kind stands here, so that
    /// a new one is never taken for one of the three.
    pub(super) const fn of(kind: EffectKind) -> Option<Self> {
        match kind {
            EffectKind::PortalMessage => Some(Self::PortalMessage),
            EffectKind::Email => Some(Self::Email),
            EffectKind::CallTask => Some(Self::CallTask),
            EffectKind::PortalNote
            | EffectKind::CloseTask
            | EffectKind::ReassignTask
            | EffectKind::WorkTask
            | EffectKind::ContactNote
            | EffectKind::AddTag
            | EffectKind::RemoveTag
            | EffectKind::ContactType
            | EffectKind::AutoChargeOff
            | EffectKind::DeactivateSubscription
            | EffectKind::RemoveCard => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outreach;
    use crate::effects::EffectKind;

    #[test]
    fn every_kind_that_is_outreach_is_one_of_the_ways_and_no_other() {
        for kind in EffectKind::ALL {
            assert_eq!(Outreach::of(kind).is_some(), kind.is_outreach(), "{kind:?}");
        }
    }
}
