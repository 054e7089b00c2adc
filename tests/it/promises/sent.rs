//! Promises 1 to 3: what comes in is kept, what goes out goes out once, and is not stale.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use clear_relay::engine::commands::replay;
use clear_relay::failpoint::{
    ATTEMPT, Failpoints, GUARD, INTAKE, INTENT, PROBE, PROBE_COMMIT, RECEIVE, SETTLE,
};
use clear_relay::sandbox::vendors::Vendors;
use http::StatusCode;
use relay_core::effects::EffectKind;
use relay_core::time::{Clock as _, ManualClock, SignedDuration, Timestamp};
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_store::{JobState, Store};
use serde_json::json;

use crate::corpus::rows;
use crate::edge::clinic::{Clinic, Person, at};
use crate::support::crash::Death;
use crate::support::receiving::{signed, world};
use crate::support::story::Story;
use crate::support::tools::Tools as _;

/// Looks into the database at the moment of each acknowledgment.
#[derive(Debug)]
struct Witness {
    inner: Arc<dyn Transport>,
    store: Arc<dyn Store>,
    acknowledged: Mutex<usize>,
    unstored: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Witness {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let body = call.body.clone();
        let answer = self.inner.send(call).await?;
        if answer.status.is_success() && !body.is_empty() {
            *lock(&self.acknowledged) += 1;
            let all = rows::receipts(self.store.as_ref()).await;
            if !all.iter().any(|receipt| receipt.body == body) {
                lock(&self.unstored).push(String::from_utf8_lossy(&body).into_owned());
            }
        }
        Ok(answer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whatever is acknowledged is stored at that moment, whenever the relay dies and whether or not its
/// disk is full; and all of it is read in the end.
#[tokio::test]
async fn promise_1_no_acknowledged_webhook_is_lost() {
    let full = world();
    full.store.state().read_only = true;
    let refused = full.send(signed("evt-1", "a")).await.status();
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE, "a full disk");
    full.store.state().read_only = false;
    assert!(full.send(signed("evt-1", "a")).await.status().is_success());
    assert_eq!(full.store.state().receipts.len(), 1);

    let deaths = [
        RECEIVE.before,
        RECEIVE.after,
        RECEIVE.after,
        INTAKE.before,
        INTAKE.after,
    ];
    for name in ["gail", "mona"] {
        let deaths = deaths.map(|name| Death { name, hit: 1 });
        let mut story = Story::begin(name, 31, &deaths).await;
        let witness = Arc::new(Witness {
            inner: Arc::clone(&story.doorstep) as _,
            store: Arc::clone(story.world.store()),
            acknowledged: Mutex::default(),
            unstored: Mutex::default(),
        });
        let outward: Arc<dyn Transport> = Arc::clone(&witness) as _;
        story.world.vendors.set_hook_transport(&outward);
        story.play().await;
        assert_eq!(story.deaths, deaths.len(), "{name}: every life ended");
        story.no_webhook_is_lost().await;
        assert!(*lock(&witness.acknowledged) > 1, "{name}");
        assert_eq!(*lock(&witness.unstored), Vec::<String>::new(), "{name}");
        assert_eq!(story.differences(), Vec::<String>::new(), "{name}");
    }
}

/// Dying around the request, dying again while looking for it, and everything replayed by an admin
/// who does not know better: nothing that a client or a coach sees happens twice, and what did not
/// happen has a person.
#[tokio::test]
async fn promise_2_what_a_client_sees_happens_once() {
    let around = [INTENT.after, ATTEMPT.before, ATTEMPT.after, SETTLE.before];
    let mut number = 3_200;
    for (name, hits) in [("maya", 3), ("jo", 2)] {
        for place in around {
            for hit in 1..=hits {
                number += 1;
                let again = if number % 2 == 0 { PROBE } else { PROBE_COMMIT };
                let deaths = [
                    Death { name: place, hit },
                    Death {
                        name: again.after,
                        hit: 1,
                    },
                ];
                let mut story = Story::begin(name, number, &deaths).await;
                story.play().await;
                for job in rows::jobs(story.store()).await {
                    if job.state != JobState::Ready {
                        // Refused, or looked for first: either is right.
                        let _ = replay::replay(story.engine(), job.id, "Robin").await;
                    }
                }
                story.play_for(SignedDuration::from_hours(24)).await;
                let mut seen = BTreeMap::new();
                for kind in [
                    EffectKind::PortalMessage,
                    EffectKind::Email,
                    EffectKind::CallTask,
                ] {
                    let times = story.accepted(kind).len();
                    assert!(times <= 1, "{name} {deaths:?}: {} {times}", kind.as_str());
                    seen.insert(kind, times);
                }
                let missing = !story.differences().is_empty();
                let work = story.open_kinds().await;
                assert!(
                    !missing || work.iter().any(|kind| kind == "unsettled"),
                    "{name} {deaths:?}: {seen:?}, {work:?}"
                );
            }
        }
    }
}

/// Does something at the vendors right before the first guard from a time on, without a word to
/// the relay: what was read before is old then.
struct BeforeTheGuard {
    from: Timestamp,
    clock: Mutex<Option<(Arc<ManualClock>, Vendors)>>,
    act: Mutex<Option<serde_json::Value>>,
}

impl std::fmt::Debug for BeforeTheGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BeforeTheGuard").finish_non_exhaustive()
    }
}

#[async_trait]
impl Failpoints for BeforeTheGuard {
    async fn reach(&self, name: &'static str) {
        let clock = lock(&self.clock).clone();
        if let Some((clock, vendors)) = clock
            && name == GUARD.before
            && clock.now() >= self.from
            && let Some(act) = lock(&self.act).take()
        {
            vendors.act("portal", act).expect("an act");
        }
    }
}

/// A check-in, a reply, a break, the move to the clinic, the end of the program, each in the last
/// moment before each kind of outreach: it stays unsent. So it does when nothing can be read.
#[tokio::test]
async fn promise_3_nothing_stale_goes_out() {
    let acts = |id: &str| {
        [
            json!({ "act": "check_in", "client": id }),
            json!({ "act": "client_writes", "client": id, "text": "Sorry, I was away" }),
            json!({ "act": "change_status", "client": id, "status": "on_break",
                    "break_until": "2026-11-20" }),
            json!({ "act": "change_status", "client": id, "status": "in_person" }),
            json!({ "act": "end_program", "client": id }),
        ]
    };
    for (who, what, from) in [
        (Person::maya(), "portal_message", "2026-11-04 09:00"),
        (Person::maya(), "email", "2026-11-06 09:00"),
        (Person::jo(), "call_task", "2026-11-06 09:00"),
    ] {
        for act in acts(who.id) {
            let told = format!("{what}: {act}");
            let meanwhile = Arc::new(BeforeTheGuard {
                from: at(from),
                clock: Mutex::default(),
                act: Mutex::new(Some(act)),
            });
            let listening = Arc::clone(&meanwhile);
            let clinic = Clinic::open_with(move |setup| setup.failpoints = listening).await;
            let world = &clinic.world;
            *lock(&meanwhile.clock) = Some((Arc::clone(&world.clock), world.vendors.clone()));
            clinic.join(&who);
            clinic.until("2026-11-13 18:00").await;
            assert!(lock(&meanwhile.act).is_none(), "{told}: it happened");
            assert_eq!(clinic.count(what), 0, "{told}");
        }
        // What can't be read does not go out; and once it can, what has changed counts.
        let clinic = Clinic::with(std::slice::from_ref(&who)).await;
        clinic
            .world
            .run_until(at(from) - SignedDuration::from_mins(1))
            .await
            .expect("a run");
        clinic.fault(
            "portal",
            json!({ "operation": "*", "moment": "before", "act": "status", "code": 500,
                    "times": 200 }),
        );
        let later = at(from) + SignedDuration::from_mins(20);
        clinic.world.run_until(later).await.expect("a run");
        assert_eq!(clinic.count(what), 0, "{what}: nothing could be read");
        clinic.portal(json!({ "act": "check_in", "client": who.id }));
        clinic.world.vendors.portal().faults().clear();
        clinic.until("2026-11-13 18:00").await;
        assert_eq!(clinic.count(what), 0, "{what}: she has checked in");
    }
}
