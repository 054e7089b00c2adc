//! Reading receipts: none is lost, none stops the others.

use clear_relay::engine::intake;
use relay_core::case::{Case, CaseStatus, Mode, Wait};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ReceiptId};
use relay_core::retry::Class;
use relay_store::{Claim, Fence, JobEnd, JobState, Op, ReceiptState};

use super::rig::{Rig, date};
use super::tiny::TINY;
use super::world::Outcome;

/// A case that was opened by another release, in a version that can't be read here.
async fn unreadable(rig: &Rig, client: &str) -> CaseId {
    let now = rig.engine.now();
    let id = CaseId::new(rig.random.as_ref(), now);
    let case = Case {
        id,
        client: client.into(),
        procedure: TINY.into(),
        procedure_hash: "tiny-0".into(),
        logic: 0,
        mode: Mode::Act,
        version: 1,
        status: CaseStatus::Open,
        step: "go".into(),
        visit: 1,
        generation: 1,
        wait: Some(Wait::Timer {
            until: now,
            why: "x".into(),
        }),
        data: serde_json::Value::Null,
        opened_at: now,
        changed_at: now,
    };
    rig.store
        .commit(vec![Op::InsertCase(case)].into())
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn a_receipt_that_can_never_be_read_does_not_stop_the_ones_beside_it() {
    for at_once in [1, 8] {
        let rig = Rig::new().await;
        unreadable(&rig, "ana").await;
        let before = good(&rig, "lee").await;
        let poison = good(&rig, "ana").await;
        let behind = good(&rig, "maya").await;

        read_all(&rig, at_once, 3).await;

        for receipt in [before, behind] {
            assert_eq!(rig.receipt_state(receipt).await, ReceiptState::Done);
        }
        assert_eq!(rig.receipt_state(poison).await, ReceiptState::Quarantined);
        assert_eq!(rig.work("receipt").await.len(), 1, "a person hears of it");
    }
}

#[tokio::test]
async fn a_receipt_that_makes_its_reader_panic_does_not_stop_the_ones_beside_it() {
    for at_once in [1, 8] {
        let rig = Rig::new().await;
        let before = good(&rig, "lee").await;
        let poison = rig.receive_bytes(b"boom".to_vec()).await;
        let behind = good(&rig, "maya").await;

        read_all(&rig, at_once, 3).await;

        for receipt in [before, behind] {
            assert_eq!(rig.receipt_state(receipt).await, ReceiptState::Done);
        }
        assert_eq!(rig.receipt_state(poison).await, ReceiptState::Quarantined);
    }
}

/// A receipt that says something about a client.
async fn good(rig: &Rig, client: &str) -> ReceiptId {
    rig.receive(&[rig.fact(client, client, FactBody::ProgramEnded)])
        .await
}

/// Reads everything that is new, in one pass.
async fn read_all(rig: &Rig, at_once: usize, count: usize) {
    assert_eq!(
        intake::intake_pass(&rig.engine, at_once).await.unwrap(),
        count
    );
    assert_eq!(intake::intake_pass(&rig.engine, at_once).await.unwrap(), 0);
}

#[tokio::test]
async fn a_receipt_that_must_wait_holds_up_only_its_own_client() {
    for at_once in [1, 8] {
        one_waits(at_once).await;
    }
}

async fn one_waits(at_once: usize) {
    let rig = Rig::new().await;
    rig.receive(&[rig.due("maya", "c1", "2026-11-01")]).await;
    intake::intake(&rig.engine).await.unwrap();
    // Another worker runs the job that the first receipt below wants to put off.
    let claim = Claim {
        worker: "other".into(),
        now: rig.engine.now(),
        lease_until: rig.engine.now(),
        limit: 1,
        lane: None,
        case: None,
        kinds: Vec::new(),
    };
    let claimed = rig.store.claim(claim).await.unwrap();
    let moved = FactBody::CheckInRescheduled {
        check_in: "c1".into(),
        due: date("2026-12-01"),
    };
    let first = rig.receive(&[rig.fact("maya", "c1", moved)]).await;
    let second = rig
        .receive(&[rig.fact("maya", "maya", FactBody::ProgramEnded)])
        .await;
    let other = rig
        .receive(&[rig.fact("ana", "ana", FactBody::ProgramEnded)])
        .await;

    assert_eq!(intake::intake_pass(&rig.engine, at_once).await.unwrap(), 1);

    assert_eq!(rig.receipt_state(first).await, ReceiptState::New);
    assert_eq!(rig.receipt_state(second).await, ReceiptState::New, "order");
    assert_eq!(rig.receipt_state(other).await, ReceiptState::Done);

    let fence = Fence {
        job: claimed[0].id,
        fence: claimed[0].fence,
    };
    let end = Op::FinishJob {
        fence,
        end: JobEnd::Done,
        at: rig.engine.now(),
    };
    rig.store.commit(vec![end].into()).await.unwrap();
    assert_eq!(intake::intake_pass(&rig.engine, at_once).await.unwrap(), 2);
    assert_eq!(rig.receipt_state(first).await, ReceiptState::Done);
    assert_eq!(rig.receipt_state(second).await, ReceiptState::Done);
}

#[tokio::test]
async fn receipts_read_at_once_are_of_different_clients_and_each_clients_keep_their_order() {
    let rig = Rig::new().await;
    let clients: Vec<_> = (0..20).map(|n| format!("client-{n}")).collect();
    let mut receipts = Vec::new();
    // Due and submitted, client after client for the first half and in turns for the second.
    for client in &clients[..10] {
        receipts.push(rig.receive(&[rig.due(client, client, "2026-11-20")]).await);
        receipts.push(rig.receive(&[submitted(&rig, client)]).await);
    }
    for client in &clients[10..] {
        receipts.push(rig.receive(&[rig.due(client, client, "2026-11-20")]).await);
    }
    for client in &clients[10..] {
        receipts.push(rig.receive(&[submitted(&rig, client)]).await);
    }

    assert_eq!(
        intake::intake_pass(&rig.engine, 8).await.unwrap(),
        receipts.len()
    );

    for receipt in receipts {
        assert_eq!(rig.receipt_state(receipt).await, ReceiptState::Done);
    }
    // Read in the other order the submission would find no watch to take back.
    let watches = rig.jobs("missed_check").await;
    assert_eq!(watches.len(), clients.len());
    for watch in watches {
        assert_eq!(watch.state, JobState::Cancelled, "{}", watch.key);
    }
}

fn submitted(rig: &Rig, client: &str) -> Fact {
    let body = FactBody::CheckInSubmitted {
        check_in: client.into(),
        complete: true,
    };
    rig.fact(client, client, body)
}

#[tokio::test]
async fn the_same_fact_told_by_two_webhooks_acts_once() {
    let rig = Rig::new().await;
    let case = rig.order("email").await;
    let fact = rig.fact("maya", "m1", FactBody::ProgramEnded);
    for _ in 0..2 {
        rig.receive(std::slice::from_ref(&fact)).await;
    }
    intake::intake(&rig.engine).await.unwrap();
    assert_eq!(rig.case(case).await.version, 2);
    assert_eq!(rig.store.facts(&"maya".into()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_job_of_a_case_that_cannot_be_read_dies_with_a_work_item_and_stops_nobody() {
    let rig = Rig::new().await;
    let case = unreadable(&rig, "ana").await;
    let now = rig.engine.now();
    let job = relay_store::NewJob {
        id: relay_core::ids::JobId::new(rig.random.as_ref(), now),
        key: "timer/x".into(),
        kind: "timer".into(),
        lane: "ana".into(),
        run_at: now,
        client: Some("ana".into()),
        case: Some(case),
        payload: serde_json::json!({ "case": case, "generation": 1 }),
    };
    let existing = relay_store::Existing::Keep;
    let op = Op::Enqueue { job, existing };
    rig.store.commit(vec![op].into()).await.unwrap();
    rig.order("note").await;

    rig.drain().await;

    assert_eq!(rig.world.now().accepted.len(), 1);
    let timer = rig.store.job_by_key("timer/x").await.unwrap().unwrap();
    assert_eq!(timer.state, relay_store::JobState::Dead);
    assert_eq!(rig.work("dead_job").await.len(), 1);
}

#[tokio::test]
async fn our_own_message_that_comes_back_before_its_answer_is_not_taken_for_the_coachs() {
    for outcome in [Outcome::Accepted, Outcome::AcceptedBut(Class::Unclear)] {
        let rig = std::sync::Arc::new(Rig::new().await);
        rig.world.now().outcomes.push_back(outcome);
        let case = rig.order("message").await;
        let key = Rig::key(case, "message");
        let wrote = FactBody::CoachWrote {
            message: format!("ref-{key}").into(),
            coach: Some("dana".into()),
        };
        let other = rig.clone();
        rig.world.now().on_attempt = Some(Box::new(move || {
            Box::pin(async move {
                let echo = other.fact("maya", "echo", wrote);
                other.receive(&[echo]).await;
                intake::intake(&other.engine).await.unwrap();
            })
        }));
        rig.drain().await;
        rig.pass(2).await;
        let facts = rig.store.facts(&"maya".into()).await.unwrap();
        assert!(facts.iter().all(|row| row.fact.kind() != "coach_wrote"));
        let unread = relay_store::Page::default();
        let unread = rig.store.receipts(ReceiptState::New, unread).await.unwrap();
        assert!(unread.is_empty());
    }
}

#[tokio::test]
async fn another_body_under_a_known_id_is_read_and_told_once_a_sender() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    let reply = |message: &str| {
        let body = FactBody::ClientReplied {
            message: Some(message.into()),
            channel: "portal".into(),
        };
        rig.fact("maya", message, body)
    };
    let due = rig.due("maya", "c9", "2026-12-01");
    let new_id = || ReceiptId::new(rig.random.as_ref(), rig.engine.now());
    for facts in [vec![due.clone()], vec![reply("m1")], vec![reply("m2")]] {
        let body = serde_json::to_vec(&facts).unwrap();
        rig.receive_as(new_id(), "ci_1", body).await;
        rig.drain().await;
    }
    // The same said once more, in other bytes: a repeat, and nothing to tell.
    let before = rig.store.facts(&"maya".into()).await.unwrap().len();
    let body = serde_json::to_vec_pretty(&vec![due]).unwrap();
    let same = rig.receive_as(new_id(), "ci_1", body).await;
    rig.drain().await;
    assert_eq!(rig.receipt_state(same).await, ReceiptState::Done);
    assert_eq!(rig.store.facts(&"maya".into()).await.unwrap().len(), before);

    let status = rig.case(case).await.status;
    assert!(matches!(status, CaseStatus::Paused { .. }), "{status:?}");
    let told = rig.work("receipt").await;
    assert_eq!(told.len(), 1, "one item for the sender");
    assert!(
        told[0]
            .title
            .contains("one webhook id for different events")
    );
}

#[tokio::test]
async fn two_states_of_a_client_with_one_time_both_count() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    let told = |change: fn(&mut relay_core::clients::ClientSnapshot)| {
        let mut client = super::world::client("maya");
        change(&mut client);
        let client = Box::new(client);
        rig.fact("maya", "maya", FactBody::ClientUpdated { client })
    };
    let new_coach = told(|client| client.coach = Some("ivy".into()));
    let in_person = told(|client| client.status = relay_core::clients::ClientStatus::InPerson);
    assert_eq!(new_coach.source_time, in_person.source_time);
    rig.receive(std::slice::from_ref(&new_coach)).await;
    rig.drain().await;
    rig.receive(&[new_coach.clone(), in_person]).await;
    rig.drain().await;
    let status = rig.case(case).await.status;
    assert!(matches!(status, CaseStatus::Closed { .. }), "{status:?}");
    let facts = rig.store.facts(&"maya".into()).await.unwrap();
    let updates = facts
        .iter()
        .filter(|row| row.fact.kind() == "client_updated");
    assert_eq!(updates.count(), 2, "the repeat is one with the first");
}
