//! The look between decisions.

use std::sync::Arc;

use relay_core::channel::EngagementSource;
use relay_keap::emulator::AddressList;
use relay_store::JobState;

use super::*;
use crate::support::failpoints::StopAt;
use crate::support::tools::Tools as _;

const FIRST: &str = "4 09:00 portal_message";

/// Jo, whom the relay looks at; her call is decided on Friday at 9:00, and its task is made at 10:00.
async fn call_waits() -> (Clinic, Person) {
    let jo = Person::jo();
    let mut clinic = office_opens_late(&jo).await;
    looks_from_friday(&mut clinic).await;
    clinic.until("2026-11-06 09:16").await;
    assert_eq!(clinic.outreach(&jo), [FIRST]);
    (clinic, jo)
}

/// The look is switched on on Friday at 8:45: earlier ones would only take their time.
async fn looks_from_friday(clinic: &mut Clinic) {
    clinic.until("2026-11-06 08:45").await;
    clinic.world.reconfigure(polling).await.expect("a restart");
}

fn opens(clinic: &Clinic, time: &str) {
    clinic.keap(json!({ "act": "open_email", "contact": 202, "at": at(time) }));
}

#[tokio::test]
async fn an_open_found_before_the_call_task_is_made_turns_the_call() {
    let (clinic, jo) = call_waits().await;
    opens(&clinic, "2026-11-06 09:17");
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:30 email"]);
    let rows = told(&clinic, &jo).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].event.source, EngagementSource::Poll);
    let (decision, _) = decisions(&clinic, &jo).await.remove(1);
    assert_eq!(
        decision.reason,
        "a look on Nov 6 09:30 showed that she opened 'News' on Nov 6 09:17, which the email \
         history read on Nov 6 09:00 does not show"
    );
}

#[tokio::test]
async fn a_tenant_without_the_list_is_asked_contact_by_contact() {
    let jo = Person::jo();
    let mut clinic = office_opens_late(&jo).await;
    let keap = &clinic.world.vendors.keap();
    keap.configure(|settings| settings.address_list = AddressList::NotImplemented);
    looks_from_friday(&mut clinic).await;
    clinic.until("2026-11-06 09:16").await;
    opens(&clinic, "2026-11-06 09:17");
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:30 email"]);
}

#[tokio::test]
async fn a_list_that_is_refused_for_good_is_no_reason_not_to_look() {
    let (clinic, jo) = call_waits().await;
    clinic.fault(
        "keap",
        json!({ "operation": "list_addresses", "moment": "before", "act": "status", "code": 403,
                "times": 100 }),
    );
    opens(&clinic, "2026-11-06 09:17");
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:30 email"]);
}

#[tokio::test]
async fn the_same_open_by_post_history_and_look_is_one_event() {
    let jo = Person::jo();
    let mut clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-05 11:12").await;
    opens(&clinic, "2026-11-05 11:12");
    automation(
        &clinic,
        &jo,
        &[("event", "email_opened"), ("email", "News")],
    )
    .await;
    let posted = told(&clinic, &jo).await;
    assert!(matches!(&posted[..], [one] if !one.event.exact));
    looks_from_friday(&mut clinic).await;
    clinic.until("2026-11-06 12:00").await;
    let rows = told(&clinic, &jo).await;
    let [one] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(one.event.at, at("2026-11-05 11:12"), "the event's own time");
    assert!(one.event.exact && one.event.email.is_some());
    assert_eq!(one.event.source, EngagementSource::Post);
    // She is linked since the opening, so the look comes before the history is asked.
    assert_eq!(one.confirmed, Some(EngagementSource::Poll));
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:00 email"]);
}

#[tokio::test]
async fn an_open_that_is_shown_late_is_found_behind_the_mark_and_only_once() {
    let (clinic, jo) = call_waits().await;
    clinic.until("2026-11-06 09:31").await;
    // Shown now, and twenty minutes old: the look at 9:30 has passed it by.
    opens(&clinic, "2026-11-06 09:11");
    clinic.until("2026-11-06 14:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:45 email"]);
    assert_eq!(told(&clinic, &jo).await.len(), 1);
    let reads = clinic.jobs(JobState::Done).await;
    let moved = reads
        .iter()
        .filter(|job| job.key.starts_with("engagement/202/moved"));
    assert_eq!(moved.count(), 1, "seen twice, read once");
}

#[tokio::test]
async fn a_look_that_dies_before_its_end_moves_no_mark_and_is_made_again() {
    let (mut clinic, jo) = call_waits().await;
    clinic.until("2026-11-06 09:20").await;
    let mark = clinic.store().setting("engagement_watermark").await;
    let stop = Arc::new(StopAt::name("effect.settle.before"));
    let failpoints = Arc::clone(&stop);
    clinic
        .world
        .restart_with(failpoints)
        .await
        .expect("a restart");
    opens(&clinic, "2026-11-06 09:21");
    tokio::select! {
        () = clinic.until("2026-11-06 09:40") => panic!("the look was not cut off"),
        () = stop.stopped() => {}
    }
    let after = clinic.store().setting("engagement_watermark").await;
    assert_eq!(after.expect("a store"), mark.expect("a store"));
    assert!(told(&clinic, &jo).await.is_empty());
    clinic.world.restart().await.expect("a restart");
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:30 email"]);
    assert_eq!(told(&clinic, &jo).await.len(), 1);
}

#[tokio::test]
async fn the_look_is_made_again_after_a_failure_and_misses_nothing() {
    let (clinic, jo) = call_waits().await;
    clinic.fault(
        "keap",
        json!({ "operation": "list_addresses", "moment": "before", "act": "status", "code": 503,
                "times": 3 }),
    );
    opens(&clinic, "2026-11-06 09:17");
    clinic.until("2026-11-06 12:00").await;
    let outreach = clinic.outreach(&jo);
    assert!(outreach[1].ends_with(" email"), "{outreach:?}");
    assert!(clinic.work().await.iter().all(|item| item.kind != "dead"));
}

#[tokio::test]
async fn a_history_that_lags_behind_the_address_is_read_again() {
    let (clinic, jo) = call_waits().await;
    // The address moves; the mail that was opened is listed half an hour later only.
    clinic.keap(
        json!({ "act": "add_email_record", "contact": 202, "subject": "Late",
                        "sent_at": at("2026-11-06 09:05"), "provider": "GOOGLE", "id": 777 }),
    );
    clinic.keap(json!({ "act": "open_email", "contact": 202, "email": 777,
                        "at": at("2026-11-06 09:17") }));
    clinic.until("2026-11-06 09:50").await;
    opens_news(&clinic, "2026-11-06 09:17");
    clinic.until("2026-11-06 10:02").await;
    assert_eq!(told(&clinic, &jo).await.len(), 1);
}

/// Opens one of the three mails that Keap sent.
fn opens_news(clinic: &Clinic, time: &str) {
    clinic.keap(json!({ "act": "open_email", "contact": 202, "email": 20_001, "at": at(time) }));
}

#[tokio::test]
async fn switched_off_nothing_is_asked() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 12:00").await;
    let job = clinic.store().job_by_key("engagement_poll").await;
    assert_eq!(job.expect("a store"), None);
}

#[tokio::test]
async fn no_address_is_stored() {
    let (clinic, _) = call_waits().await;
    let watched = clinic.store().watched(None, 9).await.expect("a store");
    assert_eq!(watched.len(), 1);
    let address = watched[0].address.as_deref().expect("a digest");
    assert!(address.len() == 64 && !address.contains('@'));
}
