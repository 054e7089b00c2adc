//! The machine's clock is set: back because it ran ahead, forward because it had stood, by hours or
//! by more than a day, at every place of the flow. Nobody gets a message twice, and nobody is
//! forgotten: what could not be sent is somebody's work.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use clear_relay::failpoint::{Failpoints, POINTS};
use relay_core::time::{Clock as _, ManualClock, SignedDuration};
use serde_json::json;

use crate::edge::clinic::{Clinic, Person, at};

/// Sets both clocks once, when a place is passed for the `nth` time.
#[derive(Debug)]
struct SetsTheClock {
    place: &'static str,
    by: SignedDuration,
    passes_left: Mutex<u32>,
    clocks: OnceLock<[Arc<ManualClock>; 2]>,
}

#[async_trait]
impl Failpoints for SetsTheClock {
    async fn reach(&self, name: &'static str) {
        if name != self.place {
            return;
        }
        let mut left = self
            .passes_left
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(1);
        if *left == 0
            && let Some(clocks) = self.clocks.get()
        {
            *left = u32::MAX;
            set(clocks, self.by);
        }
    }
}

fn set(clocks: &[Arc<ManualClock>; 2], by: SignedDuration) {
    for clock in clocks {
        clock.set(clock.now().saturating_add(by).expect("a time"));
    }
}

/// Maya's and Jo's stories with the clock set at a place, to the end of the next week.
async fn story(place: &'static str, by: SignedDuration, nth: u32) -> (Clinic, Person, Person) {
    let (maya, jo) = (Person::maya(), Person::jo());
    let failpoints = Arc::new(SetsTheClock {
        place,
        by,
        passes_left: Mutex::new(nth),
        clocks: OnceLock::new(),
    });
    let listening = Arc::clone(&failpoints);
    let clinic = Clinic::open_with(move |setup| setup.failpoints = listening).await;
    clinic.join(&maya);
    clinic.join(&jo);
    let world = &clinic.world;
    let clocks = [Arc::clone(&world.clock), Arc::clone(&world.real)];
    failpoints.clocks.set(clocks).expect("set once");
    clinic.until("2026-11-13 12:00").await;
    (clinic, maya, jo)
}

/// Nobody got anything twice, and whoever did not get it is somebody's work.
async fn nobody_twice_and_nobody_forgotten(clinic: &Clinic, who: &Person, told: &str) {
    let story = clinic.outreach(who);
    for what in ["portal_message", "email", "call_task"] {
        let times = story.iter().filter(|line| line.ends_with(what)).count();
        assert!(
            times <= 1,
            "{told}: {} got {what} {times} times: {story:?}",
            who.id
        );
    }
    let work = clinic.work_kinds(who).await;
    assert!(!work.is_empty(), "{told}: nobody has {}: {story:?}", who.id);
}

#[tokio::test]
async fn a_clock_that_is_set_anywhere_in_the_flow_repeats_nothing_and_loses_nobody() {
    let hours = [-2, 2, -26, 26].map(SignedDuration::from_hours);
    for point in POINTS {
        for place in [point.before, point.after] {
            // The larger steps where a request is under way, the smaller ones everywhere.
            let large = place.starts_with("effect.");
            for by in hours {
                if by.abs() > SignedDuration::from_hours(2) && !large {
                    continue;
                }
                let told = format!("{place} {by:#}");
                let (clinic, maya, jo) = story(place, by, 2).await;
                for who in [&maya, &jo] {
                    nobody_twice_and_nobody_forgotten(&clinic, who, &told).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_clock_set_back_between_two_steps_sends_nothing_again_and_the_wait_keeps_its_end() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 09:30").await;
    let clocks = [
        Arc::clone(&clinic.world.clock),
        Arc::clone(&clinic.world.real),
    ];
    set(&clocks, SignedDuration::from_hours(-3));
    assert_eq!(clinic.world.now(), at("2026-11-04 06:30"));
    clinic.until("2026-11-06 08:59").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 09:00 email"]
    );
}

#[tokio::test]
async fn what_happens_while_the_clock_is_wrong_still_counts_when_it_is_right() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let clinic = Clinic::with(&[maya.clone(), jo.clone()]).await;
    clinic.until("2026-11-04 12:00").await;
    let clocks = [
        Arc::clone(&clinic.world.clock),
        Arc::clone(&clinic.world.real),
    ];
    clinic.portal(json!({ "act": "check_in", "client": "maya" }));
    clinic.portal(json!({ "act": "client_writes", "client": "jo", "text": "I was away" }));
    // Two days behind when the events come: their signatures are of the future, and refused.
    set(&clocks, SignedDuration::from_hours(-48));
    clinic.settle().await;
    set(&clocks, SignedDuration::from_hours(48));
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.closed(&maya).await, "the check-in was submitted");
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(
        clinic.outreach(&jo),
        ["4 09:00 portal_message"],
        "her reply came, whatever the clock said"
    );
}
