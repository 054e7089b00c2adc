//! What each step does when a case enters it: one file per step.

use super::run::MissedCheckInRun;
use super::state::Step;

/// Begins `step`, which the case has just entered.
pub(super) fn begin(run: &mut MissedCheckInRun<'_>, step: Step) {
    match step {
        Step::PortalMessage => run.enter_portal_message(),
        Step::ChooseChannel => run.enter_choose_channel(),
        Step::EmailFollowUp => run.enter_email_follow_up(),
        Step::PhoneFollowUp => run.enter_phone_follow_up(),
        Step::ByHand => run.enter_by_hand(),
    }
}
