//! Another coach acts: the client has another coach now (E41), or hers is away (A25).
//!
//! S3 begins "this is YOUR NAME", S4 says "this is YOUR NAME at Natural Acne Clinic". A call that nobody has made yet is
//! asked for anew, in the name of whoever calls now, and the task before it is closed, for a task's text is never changed
//! once it is made. A call that was made before its task was closed counts all the same (`phone_follow_up`). Whatever
//! else a person is asked with texts ready is asked again with the texts in the name of whoever uses them.

use super::run::MissedCheckInRun;
use super::state::Step;
use crate::case::{CaseStatus, Wait};
use crate::ids::EffectKey;
use crate::workflow::NewWork;

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

/// What is asked with texts ready in another coach's name is asked again; `false` if nothing is.
pub(super) fn signer_changed(run: &mut MissedCheckInRun<'_>) -> bool {
    let Some(work) = run.state.asked.clone() else {
        return false;
    };
    let mut anew = work.clone();
    sign_anew(run, &mut anew);
    let changed = anew.detail["ready"] != work.detail["ready"];
    if changed {
        // Whoever acts has a day of her own before it is handed up.
        anew.remind_at = anew.remind_at.max(run.working_days_from_now(1));
        anew.due = anew.remind_at;
        run.draft.say("Somebody else acts for her coach now");
        ask_again(run, anew);
    }
    changed
}

/// Settles what is asked and asks it again, changed; a case that waits for a time or for a message besides still does.
pub(super) fn ask_again(run: &mut MissedCheckInRun<'_>, work: NewWork) {
    let wait = run.draft.wait.clone();
    run.draft.settle_work();
    run.ask_for(work);
    if matches!(wait, Some(Wait::Timer { .. } | Wait::Effect { .. })) {
        run.draft.wait = wait;
    }
}

/// The texts that are ready, in the name of whoever acts now.
pub(super) fn sign_anew(run: &MissedCheckInRun<'_>, work: &mut NewWork) {
    let again = |ready: &mut serde_json::Value| {
        let script = ready["script"].as_str().map(str::to_owned);
        if let Some(script) = script.filter(|_| ready.get("signed_by").is_some()) {
            *ready = run.ready_text(&script);
        }
    };
    match work.detail.get_mut("ready") {
        Some(serde_json::Value::Array(several)) => several.iter_mut().for_each(again),
        Some(one) => [one].into_iter().for_each(again),
        None => {}
    }
}

/// The open call is asked for anew. In a case that is held, it is once the case goes on.
pub(super) fn call_anew(run: &mut MissedCheckInRun<'_>) {
    run.withdraw_call("another coach calls");
    if run.draft.status == CaseStatus::Open {
        run.enter(Step::PhoneFollowUp);
    }
}
