//! Answers that are lost: before or after Keap has made the new pair, and with the process.

use relay_core::retry::Class;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::OldToken;
use relay_store::CredentialState;

use super::rig::{Clinic, Process, hours, minutes};
use crate::support::tools::Tools as _;

const LOSSES: [FaultAct; 2] = [FaultAct::Hang, FaultAct::Reset];

async fn must_have_ended(clinic: &Clinic, process: &Process) {
    let error = process.works().await.expect_err("it has ended");
    assert_eq!(error.class, Class::Unauthorised);
    assert!(
        error.message.contains("clear-relay connect keap"),
        "{error}"
    );
    assert_eq!(clinic.row().await.state, CredentialState::Dead);
}

async fn must_wait(process: &Process) {
    let error = process.works().await.expect_err("not yet");
    let Class::Retryable { after: Some(after) } = error.class else {
        panic!("{error:?}");
    };
    assert!(after <= minutes(1), "{after}");
}

#[tokio::test]
async fn an_answer_lost_before_the_rotation_is_made_up_for_while_work_goes_on() {
    for act in LOSSES {
        let clinic = Clinic::new();
        let process = clinic.connected().await;
        clinic.pass(hours(22));
        clinic.fault("token_refresh", Moment::Before, act, 1);
        process.must_work().await;
        let row = clinic.row().await;
        assert_eq!((row.state, row.tries), (CredentialState::Uncertain, 1));
        process.must_work().await;
        assert_eq!(clinic.row().await.tries, 1, "not tried again at once");
        clinic.pass(minutes(30));
        process.must_work().await;
        let row = clinic.row().await;
        assert_eq!((row.state, row.pair.version), (CredentialState::Fresh, 2));
        assert_eq!(clinic.refreshes(), 1);
    }
}

#[tokio::test]
async fn where_work_stands_still_the_second_try_comes_after_a_minute() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(25));
    clinic.fault("token_refresh", Moment::Before, FaultAct::Hang, 1);
    must_wait(&process).await;
    must_wait(&process).await;
    clinic.pass(minutes(1));
    process.must_work().await;
    assert_eq!(clinic.refreshes(), 1);
}

#[tokio::test]
async fn an_answer_lost_after_the_rotation_is_made_up_for_if_the_old_token_still_works() {
    for act in LOSSES {
        let clinic = Clinic::with(|oauth| oauth.old_refresh = OldToken::Lives);
        let process = clinic.connected().await;
        clinic.pass(hours(25));
        clinic.fault("token_refresh", Moment::After, act, 1);
        must_wait(&process).await;
        clinic.pass(minutes(1));
        process.must_work().await;
        assert_eq!(clinic.row().await.state, CredentialState::Fresh);
        assert_eq!(clinic.refreshes(), 2);
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_rotation_ends_in_a_clear_remedy_where_there_is_no_grace() {
    for act in LOSSES {
        let clinic = Clinic::new();
        let process = clinic.connected().await;
        clinic.pass(hours(22));
        clinic.fault("token_refresh", Moment::After, act, 1);
        // The old access token died with the rotation: the loss shows at once.
        must_wait(&process).await;
        clinic.pass(minutes(1));
        must_have_ended(&clinic, &process).await;
        must_have_ended(&clinic, &process).await;
        assert_eq!(clinic.refreshes(), 1);
        let relay = clinic.relay().await;
        clinic.connect(&relay).await;
        process.must_work().await;
        assert_eq!(clinic.row().await.state, CredentialState::Fresh);
    }
}

#[tokio::test]
async fn while_the_old_access_token_is_good_a_lost_connection_still_works() {
    let clinic = Clinic::with(|oauth| oauth.old_access = OldToken::Lives);
    let process = clinic.connected().await;
    clinic.pass(hours(22));
    clinic.fault("token_refresh", Moment::After, FaultAct::Hang, 1);
    process.must_work().await;
    clinic.pass(minutes(30));
    process.must_work().await;
    assert_eq!(clinic.row().await.state, CredentialState::Dead);
    process.must_work().await;
    clinic.pass(hours(2));
    must_have_ended(&clinic, &process).await;
}

#[tokio::test]
async fn two_lost_answers_end_it_and_a_third_is_never_asked_for() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(25));
    clinic.fault("token_refresh", Moment::Before, FaultAct::Hang, 3);
    must_wait(&process).await;
    clinic.pass(minutes(1));
    must_have_ended(&clinic, &process).await;
    clinic.pass(hours(1));
    must_have_ended(&clinic, &process).await;
    let left = clinic
        .vendors
        .keap()
        .faults()
        .take("token_refresh", Moment::Before);
    assert_eq!(left, Some(FaultAct::Hang), "the third was not used up");
}

/// The process dies when Keap has made the new pair and nothing of it is stored.
async fn dies_in_the_middle(clinic: &Clinic) {
    let process = clinic.connected().await;
    clinic.pass(hours(25));
    clinic.wire.die(true);
    let dying = tokio::spawn(async move { process.works().await });
    clinic.wire.arrived.notified().await;
    dying.abort();
    clinic.wire.die(false);
    let row = clinic.row().await;
    assert_eq!((row.state, row.tries), (CredentialState::Uncertain, 1));
    assert_eq!(clinic.refreshes(), 1);
}

#[tokio::test]
async fn a_crash_between_rotation_and_store_is_seen_by_the_next_process() {
    let clinic = Clinic::new();
    dies_in_the_middle(&clinic).await;
    let next = clinic.process("next").await;
    clinic.pass(minutes(1));
    must_have_ended(&clinic, &next).await;

    let clinic = Clinic::with(|oauth| oauth.old_refresh = OldToken::Lives);
    dies_in_the_middle(&clinic).await;
    let next = clinic.process("next").await;
    clinic.pass(minutes(1));
    next.must_work().await;
    assert_eq!(clinic.row().await.state, CredentialState::Fresh);
}

#[tokio::test]
async fn a_job_that_is_dropped_in_the_middle_does_not_take_the_answer_with_it() {
    let clinic = Clinic::new();
    let process = std::sync::Arc::new(clinic.connected().await);
    clinic.pass(hours(25));
    clinic.wire.hold(true);
    let job = std::sync::Arc::clone(&process);
    let job = tokio::spawn(async move { job.works().await });
    clinic.wire.arrived.notified().await;
    job.abort();
    assert!(job.await.is_err_and(|error| error.is_cancelled()));
    clinic.wire.hold(false);
    clinic.wire.released.notify_one();
    process.must_work().await;
    assert_eq!(clinic.refreshes(), 1);
    assert_eq!(clinic.row().await.state, CredentialState::Fresh);
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_not_used() {
    let clinic = Clinic::new();
    let process = std::sync::Arc::new(clinic.connected().await);
    clinic.pass(hours(25));
    let calls = clinic.wire.calls();
    clinic.wire.hold(true);
    let work = std::sync::Arc::clone(&process);
    let work = tokio::spawn(async move { work.works().await });
    clinic.wire.arrived.notified().await;
    process.store.close().await;
    clinic.wire.hold(false);
    clinic.wire.released.notify_one();
    for error in [work.await.expect("no panic"), process.works().await] {
        let error = error.expect_err("they are not stored");
        assert_eq!(error.class, Class::Retryable { after: None });
    }
    assert_eq!(clinic.refreshes(), 1, "and none was asked for on top");
    assert_eq!(clinic.wire.calls(), calls, "nothing was asked with them");
    assert_eq!(clinic.row().await.state, CredentialState::Uncertain);
}
