//! Another coach is to call: the client has another coach now (E41), or hers is away (A25).
//!
//! S3 begins "this is YOUR NAME", and a task's text is never changed once it is made. So a call that nobody has made
//! yet is asked for anew, in the name of whoever calls now, and the task before it is closed. A call that was made
//! before its task was closed counts all the same (`phone_follow_up`).

use super::run::MissedCheckInRun;
use super::state::Step;
use crate::case::CaseStatus;
use crate::ids::EffectKey;

/// The first version in whose cases another coach of the client is asked to call in her own name: before it, the
/// task moved to her as it was.
pub(super) const CALLS_ANEW_SINCE: u32 = 5;

/// The task that `made_by` made is not the one of who calls now; `false` if no such call is waited for.
pub(super) fn caller_changed(run: &mut MissedCheckInRun<'_>, made_by: &EffectKey) -> bool {
    let call = run.state.call.as_ref();
    if !run.awaits_call() || call.is_none_or(|call| call.made_by != *made_by) {
        return false;
    }
    run.draft.say("Somebody else calls for her coach now");
    call_anew(run);
    true
}

/// The open call is asked for anew. In a case that is held, it is once the case goes on.
pub(super) fn call_anew(run: &mut MissedCheckInRun<'_>) {
    run.withdraw_call("another coach calls");
    if run.draft.status == CaseStatus::Open {
        run.enter(Step::PhoneFollowUp);
    }
}
