//! Nobody is forgotten: looks that fail, jobs that are lost, a process that dies in a job, a clock
//! that ran ahead.

use clear_relay::engine::commands::{cases, open, replay, work};
use clear_relay::engine::sync::invariants::{self, Violation};
use clear_relay::engine::{EngineError, dispatcher, start};
use relay_core::case::CaseStatus;
use relay_core::clients::ClientStatus;
use relay_core::facts::{FactBody, Order};
use relay_core::ids::CaseId;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Claim, Existing, Job, JobState, NewJob, Op};

use super::rig::{Rig, date};
use super::world::client;
use crate::support::invariants::assert_invariants;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Rig {
    /// Everything that a serving relay has queued at its start.
    pub(super) async fn prepared() -> Self {
        let rig = Self::new().await;
        start::prepare(&rig.engine).await.unwrap();
        rig
    }

    /// Maya's check-in of November 3 is told; it is midnight of the 4th and nothing has run yet.
    async fn due_yesterday(&self) {
        self.clock.set(at("2026-11-03T12:00:00-07:00"));
        self.list("maya", "c1", "2026-11-03");
        self.receive(&[self.due("maya", "c1", "2026-11-03")]).await;
        self.drain().await;
        self.clock.set(at("2026-11-04T00:00:00-07:00"));
    }

    pub(super) async fn days(&self, days: i64) {
        for _ in 0..days * 8 {
            self.pass(180).await;
        }
    }

    /// Orders effects of a new case of somebody's.
    pub(super) async fn order_for(&self, who: &str, effects: &str) -> CaseId {
        let order = Order::SetContactType {
            value: effects.into(),
        };
        let ordered = cases::order(&self.engine, &who.into(), "test", order).await;
        ordered.unwrap()
    }

    pub(super) async fn open_cases(&self) -> usize {
        self.store.open_cases(&"maya".into()).await.unwrap().len()
    }

    fn status(&self, status: ClientStatus, until: Option<&str>) {
        let mut vendors = self.world.now();
        vendors.clients[0].status = status;
        vendors.clients[0].break_until = until.map(date);
    }

    pub(super) async fn holds(&self) {
        assert_invariants(self.store.as_ref(), self.engine.now()).await;
    }

    async fn look(&self) -> Job {
        self.jobs("missed_check").await.pop().unwrap()
    }
}

#[tokio::test]
async fn a_portal_that_does_not_know_her_once_is_asked_again() {
    let rig = Rig::prepared().await;
    rig.due_yesterday().await;
    let known = std::mem::take(&mut rig.world.now().clients);
    rig.drain().await;
    assert_eq!(rig.open_cases().await, 0);
    rig.world.now().clients = known;
    rig.pass(60).await;
    assert_eq!(rig.open_cases().await, 1, "well before the first message");
    assert!(rig.work("unknown_client").await.is_empty());
    rig.holds().await;
}

#[tokio::test]
async fn a_portal_that_does_not_know_her_is_told_on_the_second_day() {
    let rig = Rig::prepared().await;
    rig.due_yesterday().await;
    let known = std::mem::take(&mut rig.world.now().clients);
    rig.drain().await;
    rig.pass(23 * 60).await;
    assert!(rig.work("unknown_client").await.is_empty());
    rig.pass(2 * 60).await;
    let items = rig.work("unknown_client").await;
    assert_eq!(items.len(), 1);
    // Settled, it is not told again at the next look, and the looks go on.
    work::settle_work(&rig.engine, items[0].id, "Beth", "done", None)
        .await
        .unwrap();
    rig.days(3).await;
    assert!(rig.work("unknown_client").await.is_empty());
    rig.days(6).await;
    assert_eq!(rig.work("unknown_client").await.len(), 1, "still so");
    rig.world.now().clients = known;
    rig.days(1).await;
    assert_eq!(rig.open_cases().await, 1);
    assert!(
        rig.work("unknown_client").await.is_empty(),
        "settles itself"
    );
    rig.holds().await;
}

#[tokio::test]
async fn a_status_word_that_we_do_not_know_is_one_item_and_no_end() {
    let rig = Rig::prepared().await;
    rig.world.now().clients.push(client("jo"));
    rig.clock.set(at("2026-11-03T12:00:00-07:00"));
    for who in ["maya", "ana", "jo"] {
        rig.list(who, &format!("c-{who}"), "2026-11-03");
        let due = rig.due(who, &format!("c-{who}"), "2026-11-03");
        rig.receive(&[due]).await;
    }
    for known in &mut rig.world.now().clients {
        known.status = ClientStatus::Unknown("active".into());
    }
    rig.drain().await;
    rig.clock.set(at("2026-11-04T00:00:00-07:00"));
    rig.drain().await;
    rig.days(2).await;
    let items = rig.work("status_word").await;
    assert_eq!(items.len(), 1, "one a word, not one a client");
    assert!(items[0].title.contains("\"active\""), "{}", items[0].title);
    assert!(rig.store.facts(&"maya".into()).await.unwrap().len() < 3);
    for known in &mut rig.world.now().clients {
        known.status = ClientStatus::Online;
    }
    rig.days(1).await;
    for who in ["maya", "ana", "jo"] {
        let open = rig.store.open_cases(&who.into()).await.unwrap();
        assert_eq!(open.len(), 1, "{who}");
    }
    rig.holds().await;
}

#[tokio::test]
async fn a_date_that_moves_away_and_back_opens_again() {
    let rig = Rig::prepared().await;
    rig.due_yesterday().await;
    rig.drain().await;
    assert_eq!(rig.open_cases().await, 1);
    for (day, due, open) in [("04", "2026-11-10", 0), ("05", "2026-11-03", 1)] {
        rig.clock.set(at(&format!("2026-11-{day}T08:00:00-07:00")));
        rig.list("maya", "c1", due);
        let body = FactBody::CheckInRescheduled {
            check_in: "c1".into(),
            due: date(due),
        };
        rig.receive(&[rig.fact("maya", "c1", body)]).await;
        rig.drain().await;
        assert_eq!(rig.open_cases().await, open, "due {due}");
    }
    rig.holds().await;
}

#[tokio::test]
async fn a_date_that_moves_back_without_a_word_opens_again_by_the_daily_look() {
    let rig = Rig::prepared().await;
    rig.due_yesterday().await;
    rig.drain().await;
    rig.clock.set(at("2026-11-04T08:00:00-07:00"));
    rig.list("maya", "c1", "2026-11-10");
    let body = FactBody::CheckInRescheduled {
        check_in: "c1".into(),
        due: date("2026-11-10"),
    };
    rig.receive(&[rig.fact("maya", "c1", body)]).await;
    rig.drain().await;
    assert_eq!(rig.open_cases().await, 0);
    rig.list("maya", "c1", "2026-11-03");
    rig.days(2).await;
    assert_eq!(rig.open_cases().await, 1);
}

#[tokio::test]
async fn a_case_that_a_person_closed_stays_closed_and_a_person_can_open_another() {
    let rig = Rig::prepared().await;
    rig.due_yesterday().await;
    rig.drain().await;
    let case = rig
        .store
        .open_cases(&"maya".into())
        .await
        .unwrap()
        .remove(0);
    let close = relay_core::workflow::Action::Close {
        reason: "spoke to her".into(),
    };
    cases::decide_case(&rig.engine, case.id, "Beth", close)
        .await
        .unwrap();
    rig.receive(&[rig.due("maya", "c1", "2026-11-03")]).await;
    rig.days(4).await;
    assert_eq!(rig.open_cases().await, 0);
    let maya = "maya".into();
    let would = open::preview_open(&rig.engine, &maya, None).await.unwrap();
    assert!(!would.is_empty());
    assert_eq!(rig.open_cases().await, 0, "a preview opens nothing");
    let opened = open::open_case(&rig.engine, &maya, None, "Beth")
        .await
        .unwrap();
    assert_ne!(opened, case.id);
    let again = open::open_case(&rig.engine, &maya, None, "Beth").await;
    let Err(EngineError::Refused(why)) = again else {
        panic!("{again:?}")
    };
    assert!(why.contains(&format!("cases show {opened}")), "{why}");
    rig.holds().await;
}

#[tokio::test]
async fn a_person_is_refused_a_case_for_the_same_reasons_with_a_remedy() {
    let rig = Rig::prepared().await;
    rig.clock.set(at("2026-11-05T10:00:00-07:00"));
    let maya = "maya".into();
    let refused = async |words: &str| {
        let preview = open::preview_open(&rig.engine, &maya, None).await;
        let opened = open::open_case(&rig.engine, &maya, None, "Beth").await;
        let (Err(EngineError::Refused(dry)), Err(EngineError::Refused(why))) = (preview, opened)
        else {
            panic!("{words} is no reason")
        };
        assert_eq!(dry, why, "a dry run refuses what the command refuses");
        assert!(why.contains(words) && why.contains("portal"), "{why}");
    };
    refused("open and overdue").await;
    rig.list("maya", "c1", "2026-11-03");
    rig.status(ClientStatus::OnBreak, Some("2026-11-20"));
    refused("agreed break until").await;
    rig.status(ClientStatus::Unknown("active".into()), None);
    refused("active").await;
    rig.status(ClientStatus::InPerson, None);
    refused("comes to the clinic").await;
    let unknown = open::open_case(&rig.engine, &"nobody".into(), None, "Beth").await;
    assert!(matches!(unknown, Err(EngineError::Refused(_))));
    let other = open::open_case(&rig.engine, &maya, Some(&"c9".into()), "Beth").await;
    assert!(matches!(other, Err(EngineError::Refused(_))));
    rig.status(ClientStatus::Online, None);
    open::open_case(&rig.engine, &maya, Some(&"c1".into()), "Beth")
        .await
        .unwrap();
    rig.holds().await;
}

#[tokio::test]
async fn looks_and_reminders_are_not_cancelled_and_the_dry_run_says_so() {
    let rig = Rig::prepared().await;
    rig.clock.set(at("2026-11-03T12:00:00-07:00"));
    rig.list("maya", "c1", "2026-11-03");
    rig.receive(&[rig.due("maya", "c1", "2026-11-03")]).await;
    rig.drain().await;
    let mut refused = vec![rig.look().await];
    rig.status(ClientStatus::Unknown("active".into()), None);
    rig.clock.set(at("2026-11-04T00:05:00-07:00"));
    rig.drain().await;
    refused.extend(rig.jobs("reminder").await);
    refused.extend(rig.jobs("reconcile").await);
    refused.extend(rig.jobs("hooks_watch").await);
    let mut newer = refused[0].clone();
    newer.kind = "of a newer version".into();
    refused.push(newer);
    assert!(refused.len() >= 5, "{refused:?}");
    for job in refused {
        let dry = replay::why_not_cancelled(&rig.engine, &job).await.unwrap();
        let why = dry.unwrap_or_else(|| panic!("{} may be cancelled", job.kind));
        if job.kind != "of a newer version" {
            assert!(why.contains("`clear-relay "), "{why}");
            let done = replay::cancel_job(&rig.engine, job.id, "admin").await;
            let Err(EngineError::Refused(said)) = done else {
                panic!("{done:?}")
            };
            assert_eq!(said, why);
            let stored = rig.store.job(job.id).await.unwrap().unwrap();
            assert_eq!(stored.state, JobState::Ready);
        }
    }
}

/// Claims what is due and lets the process die with it.
pub(super) async fn die(rig: &Rig) -> Vec<Job> {
    let claim = Claim {
        worker: "dies".into(),
        now: rig.engine.now(),
        lease_until: rig.real_now(),
        limit: 64,
        lane: None,
        case: None,
        kinds: Vec::new(),
    };
    let claimed = rig.store.claim(claim).await.unwrap();
    rig.real.advance(SignedDuration::from_mins(1));
    dispatcher::rescue(&rig.engine).await.unwrap();
    claimed
}

impl Rig {
    fn real_now(&self) -> Timestamp {
        use relay_core::time::Clock as _;
        self.real.now()
    }
}

#[tokio::test]
async fn a_job_that_ends_its_process_again_and_again_is_dead_with_an_item_and_the_others_run() {
    let rig = Rig::new().await;
    let case = rig.order("message").await;
    let other = rig.order_for("ana", "message").await;
    // Both run when the process dies; then each runs alone, and one of them is it.
    for _ in 0..2 {
        assert_eq!(die(&rig).await.len(), 2);
    }
    let bad = rig.job(case, "message").await;
    let mut deaths = 2;
    for _ in 0..30 {
        let claim = Claim {
            worker: "dies".into(),
            now: rig.engine.now(),
            lease_until: rig.real_now(),
            limit: 64,
            lane: None,
            case: None,
            kinds: Vec::new(),
        };
        let claimed = rig.store.claim(claim).await.unwrap();
        assert!(claimed.len() < 2, "a suspect runs alone");
        let Some(job) = claimed.first() else { break };
        if job.id == bad.id && job.rescues < 3 {
            deaths += 1;
            rig.real.advance(SignedDuration::from_mins(1));
            dispatcher::rescue(&rig.engine).await.unwrap();
            continue;
        }
        // The process lives: it takes its lease back and runs what is to be run.
        rig.real.advance(SignedDuration::from_mins(1));
        rig.store.hand_back("dies", rig.engine.now()).await.unwrap();
        rig.drain().await;
    }
    assert_eq!(deaths, 3, "two beside others, one alone");
    let dead = rig.job(case, "message").await;
    assert_eq!(dead.state, JobState::Dead);
    assert_eq!(rig.work("dead_job").await.len(), 1);
    assert!(matches!(
        rig.case(case).await.status,
        CaseStatus::Held { .. }
    ));
    assert_eq!(rig.job(other, "message").await.state, JobState::Done);
    let attempts = rig.world.now().attempts.clone();
    assert_eq!(attempts, [Rig::key(other, "message")]);
}

#[tokio::test]
async fn a_job_that_ends_its_process_even_when_its_case_is_told_of_it_is_buried_without_its_case() {
    let rig = Rig::new().await;
    let case = rig.order("message").await;
    for _ in 0..4 {
        die(&rig).await;
    }
    rig.drain().await;
    assert_eq!(rig.job(case, "message").await.state, JobState::Dead);
    assert_eq!(rig.work("dead_job").await.len(), 1);
    assert!(rig.world.now().attempts.is_empty());
}

#[tokio::test]
async fn a_job_of_a_newer_version_waits_for_that_version() {
    let rig = Rig::prepared().await;
    let job = NewJob {
        id: relay_core::ids::JobId::new(rig.random.as_ref(), rig.engine.now()),
        key: "newer/1".into(),
        kind: "newer".into(),
        lane: "maya".into(),
        run_at: rig.engine.now(),
        client: Some("maya".into()),
        case: None,
        payload: serde_json::json!({}),
    };
    let existing = Existing::Keep;
    let batch = vec![Op::Enqueue { job, existing }];
    rig.store.commit(batch.into()).await.unwrap();
    let case = rig.order("message").await;
    rig.drain().await;
    let newer = rig.store.job_by_key("newer/1").await.unwrap().unwrap();
    assert_eq!(newer.state, JobState::Ready);
    assert_eq!(rig.job(case, "message").await.state, JobState::Done);
    let found = invariants::of_store(rig.store.as_ref(), &[], rig.engine.now()).await;
    assert!(matches!(found.unwrap()[..], [Violation::NewerKind { .. }]));
}

#[tokio::test]
async fn one_reminder_for_one_item_however_often_it_is_wished() {
    let rig = Rig::new().await;
    for _ in 0..200 {
        rig.receive_bytes(b"boom".to_vec()).await;
    }
    rig.drain().await;
    assert_eq!(rig.work("receipt").await.len(), 1);
    assert_eq!(rig.jobs("reminder").await.len(), 1);
}
