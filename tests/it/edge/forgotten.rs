//! Nobody is forgotten, from end to end: breaks, waits over a weekend, a clock that is wrong.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clear_relay::engine::clock;
use http::HeaderValue;
use http::header::DATE;
use relay_core::case::CaseStatus;
use relay_core::time::{Clock as _, ManualClock, SignedDuration};
use relay_http_client::{Answer, Call, Transport, TransportError};
use serde_json::json;

use super::clinic::{Clinic, Person, at};
use crate::support::invariants::assert_invariants;

async fn holds(clinic: &Clinic) {
    assert_invariants(clinic.store().as_ref(), clinic.world.now()).await;
}

fn status(clinic: &Clinic, status: &str, until: Option<&str>) {
    clinic.portal(
        json!({ "act": "change_status", "client": "maya", "status": status,
        "break_until": until }),
    );
}

#[tokio::test]
async fn e12_a_check_in_missed_during_a_break_opens_its_case_when_the_break_is_over_by_date() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    // Over on the very day on which the check-in is due; the portal goes on saying "on break".
    status(&clinic, "on_break", Some("2026-10-31"));
    clinic.until("2026-11-06 12:00").await;
    let case = clinic.case(&maya).await;
    assert!(!case.status.is_closed());
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 09:00 email"],
        "the guard does not stop her either"
    );
    holds(&clinic).await;
}

#[tokio::test]
async fn e12_a_check_in_missed_during_a_break_opens_its_case_when_she_is_online_again() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    status(&clinic, "on_break", Some("2026-11-04"));
    clinic.until("2026-11-04 23:00").await;
    assert!(clinic.cases(&maya).await.is_empty());
    holds(&clinic).await;
    clinic.until("2026-11-05 08:00").await;
    status(&clinic, "online", None);
    clinic.until("2026-11-06 08:00").await;
    assert!(!clinic.case(&maya).await.status.is_closed());
    holds(&clinic).await;
}

#[tokio::test]
async fn e12_a_break_that_ends_early_is_over() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    status(&clinic, "on_break", Some("2026-12-24"));
    clinic.until("2026-11-10 12:00").await;
    assert!(clinic.cases(&maya).await.is_empty());
    status(&clinic, "online", None);
    clinic.until("2026-11-11 12:00").await;
    assert!(!clinic.case(&maya).await.status.is_closed());
}

#[tokio::test]
async fn e12_a_break_without_a_date_asks_the_coach_once() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    status(&clinic, "on_break", None);
    clinic.until("2026-11-05 08:00").await;
    assert_eq!(clinic.work_kinds(&maya).await, ["open_break"]);
    let item = clinic.item(&maya, "open_break").await;
    assert_eq!(item.owner, "coach_beth");
    clinic.done(&maya, "open_break", "done", None).await;
    clinic.until("2026-11-10 12:00").await;
    assert!(clinic.work_kinds(&maya).await.is_empty());
    status(&clinic, "online", None);
    clinic.until("2026-11-11 12:00").await;
    assert!(!clinic.case(&maya).await.status.is_closed());
    holds(&clinic).await;
}

#[tokio::test]
async fn e12_a_break_mid_case_goes_on_by_itself_and_the_coach_hears_the_working_day_before() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 12:00").await;
    // Until Sunday the 15th: the working day before is Friday the 13th.
    status(&clinic, "on_break", Some("2026-11-15"));
    clinic.until("2026-11-12 12:00").await;
    assert_eq!(clinic.item(&maya, "break").await.reminders, 0);
    holds(&clinic).await;
    clinic.until("2026-11-13 12:00").await;
    assert_eq!(clinic.item(&maya, "break").await.reminders, 1);
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    // The portal never says that it is over.
    clinic.until("2026-11-16 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "16 09:00 email"]
    );
    assert!(clinic.work_kinds(&maya).await.is_empty());
    holds(&clinic).await;
}

#[tokio::test]
async fn e12_a_reply_during_a_break_still_needs_its_person() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 12:00").await;
    status(&clinic, "on_break", Some("2026-11-15"));
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "client_writes", "client": "maya", "text": "not yet" }));
    clinic.until("2026-11-20 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let case = clinic.case(&maya).await;
    assert!(matches!(case.status, CaseStatus::Paused { .. }), "{case:?}");
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    holds(&clinic).await;
}

#[tokio::test]
async fn a2_a_wait_that_would_end_on_a_closed_day_ends_at_the_last_allowed_moment_before() {
    let mut maya = Person::maya();
    maya.due = Some("2026-11-04");
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    // The first message goes out on Thursday at 9:00; 48 hours later is Saturday.
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["5 09:00 portal_message", "6 09:00 email"]
    );
    // After Friday's email no moment from Saturday to Sunday is allowed, and the history says so.
    let case = clinic.case(&maya).await;
    let history = clinic.history(case.id).await;
    let late: Vec<_> = history
        .iter()
        .filter(|line| line.contains("the next step comes later, November 9"))
        .collect();
    assert_eq!(late.len(), 1, "{history:?}");
}

/// The way to the vendors, whose answers carry the true time.
#[derive(Debug)]
struct TrueTime {
    inner: Arc<dyn Transport>,
    clock: Arc<Mutex<Option<Arc<ManualClock>>>>,
    /// How far the relay's clock is ahead of the truth, in seconds.
    ahead: Arc<AtomicI64>,
}

#[async_trait]
impl Transport for TrueTime {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let mut answer = self.inner.send(call).await?;
        let clock = self.clock.lock().expect("the clock").clone();
        if let Some(clock) = clock {
            let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
            let truth = clock.now() - ahead;
            let date = truth.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            answer
                .headers
                .insert(DATE, HeaderValue::from_str(&date).expect("a date"));
        }
        Ok(answer)
    }
}

#[tokio::test]
async fn a_clock_two_days_ahead_of_the_vendors_acts_on_nothing_until_it_is_right() {
    let ahead = Arc::new(AtomicI64::new(0));
    let clock: Arc<Mutex<Option<Arc<ManualClock>>>> = Arc::default();
    let (for_wire, for_clock) = (Arc::clone(&ahead), Arc::clone(&clock));
    let mut people = [Person::maya(), Person::jo()];
    people[1].due = Some("2026-11-05");
    let clinic = Clinic::open_with(|setup| {
        setup.on_the_way = Some(Arc::new(move |inner| {
            Arc::new(TrueTime {
                inner,
                clock: Arc::clone(&for_clock),
                ahead: Arc::clone(&for_wire),
            })
        }));
    })
    .await;
    *clock.lock().expect("the clock") = Some(Arc::clone(&clinic.world.clock));
    for person in &people {
        clinic.join(person);
    }
    let [maya, jo] = &people;
    clinic.until("2026-11-04 12:00").await;
    let first = ["4 09:00 portal_message"];
    assert_eq!(clinic.outreach(maya), first);

    // Two days ahead: her wait seems over, and the other check-in seems missed.
    let two_days = 2 * 86_400;
    ahead.store(two_days, Ordering::Relaxed);
    clinic.world.jump(at("2026-11-06 12:00"));
    clinic.settle().await;
    clinic.world.jump(at("2026-11-06 12:30"));
    clinic.settle().await;
    assert_eq!(clinic.outreach(maya), first, "nothing goes out");
    assert!(clinic.cases(jo).await.is_empty(), "nothing is decided");
    assert_eq!(clinic.case(maya).await.step, "portal_message");
    let told: Vec<_> = clinic.work().await;
    let told: Vec<_> = told.iter().filter(|item| item.kind == "clock").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].title.contains("2 days"), "{}", told[0].title);
    // Receiving goes on.
    clinic.portal(json!({ "act": "change_coach", "client": "jo", "coach": "coach_ruth" }));
    clinic.settle().await;
    assert!(!clinic.receipts().await.is_empty());

    // The clock is right again: everything comes at its time.
    ahead.store(0, Ordering::Relaxed);
    clinic.world.clock.set(at("2026-11-04 12:31"));
    clinic.settle().await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(
        clinic.outreach(maya),
        ["4 09:00 portal_message", "6 09:00 email"]
    );
    assert_eq!(clinic.outreach(jo), ["6 09:00 portal_message"]);
    assert!(clinic.work().await.iter().all(|item| item.kind != "clock"));
    holds(&clinic).await;
}

#[tokio::test]
async fn a_person_can_say_that_it_is_the_vendors_clock_that_is_wrong() {
    let clock: Arc<Mutex<Option<Arc<ManualClock>>>> = Arc::default();
    let for_clock = Arc::clone(&clock);
    let maya = Person::maya();
    let clinic = Clinic::open_with(|setup| {
        setup.on_the_way = Some(Arc::new(move |inner| {
            Arc::new(TrueTime {
                inner,
                clock: Arc::clone(&for_clock),
                ahead: Arc::new(AtomicI64::new(3 * 86_400)),
            })
        }));
    })
    .await;
    *clock.lock().expect("the clock") = Some(Arc::clone(&clinic.world.clock));
    clinic.join(&maya);
    clinic.until("2026-11-04 12:00").await;
    assert!(clinic.outreach(&maya).is_empty());
    let engine = &clinic.world.relay.engine;
    let apart = clock::accept_clock(engine, "Beth").await.expect("accepted");
    assert_eq!(apart.ahead.as_hours(), 72);
    clinic.until("2026-11-04 13:00").await;
    assert_eq!(clinic.outreach(&maya).len(), 1);
    assert!(clinic.work().await.iter().all(|item| item.kind != "clock"));
}
