//! Crashes, lost answers, replays, keys, and the switch: E67, E68, E71, E74, off means off.

use std::sync::Arc;

use async_trait::async_trait;
use clear_relay::engine::Engine;
use clear_relay::engine::commands::{cases, replay, work};
use clear_relay::failpoint::Failpoints;
use relay_core::effects::EffectKind;
use relay_store::{EffectState, JobState};
use secrecy::SecretString;
use serde_json::json;
use tokio::sync::Mutex;

use super::clinic::{Clinic, Person, at};
use crate::support::failpoints::StopAt;
use crate::support::tools::Tools as _;

#[tokio::test]
async fn e67_a_crash_after_the_vendor_did_it_is_found_and_not_repeated() {
    for place in ["effect.attempt.after", "effect.settle.before"] {
        let maya = Person::maya();
        let stop = Arc::new(StopAt::name(place));
        let failpoints = Arc::clone(&stop);
        let mut clinic = Clinic::open_with(move |setup| setup.failpoints = failpoints).await;
        clinic.join(&maya);
        tokio::select! {
            () = clinic.until("2026-11-04 12:00") => panic!("{place} was never passed"),
            () = stop.stopped() => {}
        }
        clinic.world.restart().await.expect("a restart");
        clinic.until("2026-11-06 12:00").await;
        assert_eq!(clinic.count("portal_message"), 1, "{place}");
        assert_eq!(clinic.count("email"), 1, "{place}");
        let case = clinic.case(&maya).await;
        let effects = clinic.effects(case.id).await;
        assert!(
            effects
                .iter()
                .all(|effect| effect.state == EffectState::Done),
            "{place}: {effects:?}"
        );
    }
}

#[tokio::test]
async fn e67_a_crash_before_the_vendor_was_asked_sends_once_after_all() {
    let maya = Person::maya();
    let stop = Arc::new(StopAt::name("effect.attempt.before"));
    let failpoints = Arc::clone(&stop);
    let mut clinic = Clinic::open_with(move |setup| setup.failpoints = failpoints).await;
    clinic.join(&maya);
    tokio::select! {
        () = clinic.until("2026-11-04 12:00") => panic!("it was never passed"),
        () = stop.stopped() => {}
    }
    assert_eq!(clinic.count("portal_message"), 0);
    clinic.world.restart().await.expect("a restart");
    clinic.until("2026-11-06 08:00").await;
    assert_eq!(clinic.count("portal_message"), 1);
    assert!(clinic.work_kinds(&maya).await.is_empty());
}

#[tokio::test]
async fn e68_what_the_list_shows_only_a_minute_later_is_believed_then() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.portal(json!({ "act": "switch", "list_lag_seconds": 100, "key_ignored": true }));
    clinic.fault(
        "portal",
        json!({ "operation": "portal_message", "moment": "after", "act": "hang" }),
    );
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let case = clinic.case(&maya).await;
    let effects = clinic.effects(case.id).await;
    assert_eq!(effects[0].state, EffectState::Done, "{effects:?}");
    assert!(clinic.work_kinds(&maya).await.is_empty());
}

#[tokio::test]
async fn an_email_whose_fate_nobody_can_tell_is_asked_about_and_never_sent_again() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.fault(
        "keap",
        json!({ "operation": "email", "moment": "before", "act": "hang" }),
    );
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.count("email"), 0);
    let kinds = clinic.work_kinds(&maya).await;
    assert!(kinds.contains(&"unsettled".to_owned()), "{kinds:?}");
    clinic.done(&maya, "unsettled", "happened", None).await;
    clinic.until("2026-11-12 12:00").await;
    assert_eq!(clinic.count("email"), 0, "a person said that it is there");
    assert_eq!(clinic.work_kinds(&maya).await, ["by_hand"]);
}

#[tokio::test]
async fn an_email_that_may_have_arrived_is_left_to_a_person_with_the_text_ready() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.fault(
        "keap",
        json!({ "operation": "email", "moment": "before", "act": "hang" }),
    );
    clinic.until("2026-11-09 12:00").await;
    let item = clinic.item(&maya, "unsettled").await;
    let engine = &clinic.world.relay.engine;
    let refused = work::settle_work(engine, item.id, "Beth", "send", None).await;
    assert!(
        refused.is_err(),
        "what reaches a client is not sent twice for being asked for"
    );
    let ready = clinic.item(&maya, "hold").await.detail.to_string();
    assert!(
        ready.contains("I just wanted to see if you saw my previous message"),
        "{ready}"
    );
    clinic.done(&maya, "hold", "done_by_hand", None).await;
    clinic.until("2026-11-13 12:00").await;
    assert_eq!(clinic.count("email"), 0);
    assert!(
        clinic
            .work_kinds(&maya)
            .await
            .contains(&"by_hand".to_owned())
    );
}

/// A client whose call task Keap has refused for good.
async fn dead_call() -> (Clinic, Person) {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.fault(
        "keap",
        json!({ "operation": "call_task", "moment": "before", "act": "status", "code": 400 }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.count("call_task"), 0);
    (clinic, jo)
}

#[tokio::test]
async fn e71_a_step_replayed_by_two_admins_and_by_its_timer_happens_once() {
    let (clinic, jo) = dead_call().await;
    let dead = clinic.jobs(JobState::Dead).await;
    let [job] = dead.as_slice() else {
        panic!("one dead job: {dead:?}")
    };
    let engine = &clinic.world.relay.engine;
    let (one, two, ()) = tokio::join!(
        replay::replay(engine, job.id, "Robin"),
        replay::replay(engine, job.id, "Alex"),
        clinic.settle(),
    );
    assert!(one.is_ok() || two.is_ok());
    clinic.settle().await;
    assert_eq!(clinic.count("call_task"), 1);
    assert_eq!(clinic.work_kinds(&jo).await, ["call_outcome"]);
    replay::replay(engine, job.id, "Robin")
        .await
        .expect("nothing to do");
    clinic.until("2026-11-07 12:00").await;
    assert_eq!(clinic.count("call_task"), 1);
}

#[tokio::test]
async fn a_dead_job_can_be_replayed_or_cancelled_through_its_work_item() {
    let (clinic, jo) = dead_call().await;
    assert_eq!(clinic.work_kinds(&jo).await, ["dead_job", "hold"]);
    clinic.done(&jo, "dead_job", "replay", None).await;
    assert_eq!(clinic.count("call_task"), 1);
    assert_eq!(clinic.work_kinds(&jo).await, ["call_outcome"]);

    let (clinic, jo) = dead_call().await;
    clinic.done(&jo, "dead_job", "cancel", None).await;
    assert_eq!(clinic.count("call_task"), 0);
    assert!(clinic.jobs(JobState::Dead).await.is_empty());
    assert_eq!(
        clinic.work_kinds(&jo).await,
        ["hold"],
        "the case still asks"
    );
}

#[tokio::test]
async fn a_refused_credential_is_one_item_for_the_admin_and_work_goes_on_when_it_is_renewed() {
    let people = [Person::maya(), Person::jo()];
    let clinic = Clinic::with(&people).await;
    clinic.fault(
        "portal",
        json!({ "operation": "portal_message", "moment": "before", "act": "status", "code": 401,
                "times": 2 }),
    );
    clinic.until("2026-11-04 09:05").await;
    let work = clinic.work().await;
    let kinds: Vec<_> = work.iter().map(|item| item.kind.as_str()).collect();
    assert_eq!(kinds, ["connection"], "not one per client");
    work::settle_work(
        &clinic.world.relay.engine,
        work[0].id,
        "Robin",
        "done",
        None,
    )
    .await
    .expect("settled");
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.count("portal_message"), 2);
}

const OLD: &str = "whsec_b2xkLWtleS1vbGQta2V5LW9sZC1rZXktMDEyMzQ1Njc=";

fn two_keys(text: &str) -> String {
    let one = "webhook_keys = { first = ";
    text.replace(
        one,
        &format!("webhook_keys = {{ leaked = \"{OLD}\", first = "),
    )
}

fn without_the_old_key(text: &str) -> String {
    text.replace(&format!("leaked = \"{OLD}\", "), "")
}

#[tokio::test]
async fn e74_after_a_leak_both_keys_overlap_and_what_came_under_the_old_one_can_be_listed() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let mut clinic = Clinic::open_with(|setup| setup.amend = two_keys).await;
    clinic.join(&maya);
    clinic.join(&jo);
    let url = clinic.world.relay_url().join("hooks/clear-connection");
    let url = url.expect("an address");
    let old = || vec![SecretString::from(OLD)];
    let portal = Arc::clone(&clinic.world.vendors.portal());
    portal.set_hook_target(url.clone(), &old()).expect("a key");
    clinic.until("2026-11-03 12:00").await;
    let new = SecretString::from(clear_relay::sandbox::clinic::WEBHOOK_KEY);
    portal.set_hook_target(url.clone(), &[new]).expect("a key");
    clinic.portal(json!({ "act": "client_writes", "client": "maya", "text": "Soon!" }));
    clinic.until("2026-11-03 13:00").await;

    let by_key = |key: &'static str| {
        let receipts = clinic.receipts();
        async move {
            let all = receipts.await.into_iter();
            all.filter(|receipt| receipt.verified_by == key).count()
        }
    };
    assert_eq!(by_key("leaked").await, 2, "both due dates");
    assert_eq!(by_key("first").await, 1, "the message");

    clinic
        .world
        .reconfigure(without_the_old_key)
        .await
        .expect("a restart");
    portal.set_hook_target(url, &old()).expect("a key");
    clinic.portal(json!({ "act": "check_in", "client": "jo" }));
    clinic.until("2026-11-03 14:00").await;
    let old = clinic.receipts().await;
    let old = old.iter().filter(|receipt| receipt.verified_by == "leaked");
    assert_eq!(old.count(), 2, "refused from now on");
}

/// Says `stop` at a place of the flow.
#[derive(Debug)]
struct StopThere {
    place: &'static str,
    engine: Mutex<Option<Engine>>,
}

#[async_trait]
impl Failpoints for StopThere {
    async fn reach(&self, name: &'static str) {
        if name == self.place
            && let Some(engine) = self.engine.lock().await.take()
        {
            let done = cases::set_stopped(&engine, true, "Robin", Some("a wrong text")).await;
            done.expect("stopped");
        }
    }
}

#[tokio::test]
async fn stop_halts_at_once_even_between_guard_and_intent_and_resume_goes_on_once() {
    for place in ["effect.guard.before", "effect.guard.after"] {
        let maya = Person::maya();
        let failpoints = Arc::new(StopThere {
            place,
            engine: Mutex::default(),
        });
        let listening = Arc::clone(&failpoints);
        let clinic = Clinic::open_with(move |setup| setup.failpoints = listening).await;
        clinic.join(&maya);
        *failpoints.engine.lock().await = Some(clinic.world.relay.engine.clone());
        clinic.until("2026-11-04 11:00").await;
        assert_eq!(clinic.count("portal_message"), 0, "{place}");
        let engine = &clinic.world.relay.engine;
        cases::set_stopped(engine, false, "Robin", None)
            .await
            .expect("resumed");
        clinic.until("2026-11-04 12:00").await;
        assert_eq!(clinic.count("portal_message"), 1, "{place}");
        *failpoints.engine.lock().await = None;
    }
}

#[tokio::test]
async fn stop_halts_every_kind_of_outreach_and_nothing_else() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let clinic = Clinic::with(&[maya.clone(), jo.clone()]).await;
    clinic.until("2026-11-05 12:00").await;
    let engine = &clinic.world.relay.engine;
    cases::set_stopped(engine, true, "Robin", None)
        .await
        .expect("stopped");
    clinic.portal(
        json!({ "act": "add_client", "id": "new", "first_name": "New",
        "status": "online", "coach": "coach_beth" }),
    );
    clinic.until("2026-11-06 16:00").await;
    assert_eq!((clinic.count("email"), clinic.count("call_task")), (0, 0));
    // What no client sees goes on: a check-in still closes and is noted.
    clinic.portal(json!({ "act": "check_in", "client": "jo" }));
    clinic.until("2026-11-06 16:30").await;
    assert_eq!(clinic.closed(&jo).await, "the check-in was submitted");
    assert_eq!(clinic.count("contact_note"), 1);
    cases::set_stopped(engine, false, "Robin", None)
        .await
        .expect("resumed");
    clinic.until("2026-11-06 17:00").await;
    assert_eq!((clinic.count("email"), clinic.count("call_task")), (1, 0));
}

#[tokio::test]
async fn propose_mode_sends_nothing_and_shows_everything() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| text.replace("mode = \"act\"", "mode = \"propose\"");
    })
    .await;
    clinic.join(&maya);
    clinic.join(&jo);
    clinic.until("2026-11-10 12:00").await;
    assert!(clinic.story(&maya).is_empty(), "{:?}", clinic.story(&maya));
    assert!(clinic.story(&jo).is_empty(), "{:?}", clinic.story(&jo));
    for (person, kinds) in [
        (&maya, [EffectKind::PortalMessage, EffectKind::Email]),
        (&jo, [EffectKind::PortalMessage, EffectKind::CallTask]),
    ] {
        let case = clinic.case(person).await;
        let effects = clinic.effects(case.id).await;
        for effect in &effects {
            assert_eq!(effect.state, EffectState::Proposed, "{effect:?}");
            assert!(effect.request.is_some(), "shown whole: {effect:?}");
            assert!(effect.intended_at.is_none());
        }
        for kind in kinds {
            assert!(effects.iter().any(|effect| effect.kind() == kind));
        }
    }
    assert!(clinic.world.now() >= at("2026-11-10 12:00"));
}
