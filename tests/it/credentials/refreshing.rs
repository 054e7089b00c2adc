//! Refreshes that go as they should, whoever else is at it.

use std::sync::Arc;

use relay_core::retry::Class;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::Act;
use relay_store::CredentialState;

use super::rig::{Clinic, hours, invalid_grant, minutes};
use crate::support::tools::Tools as _;

#[tokio::test]
async fn a_token_is_renewed_a_tenth_of_its_life_before_its_end() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(21));
    process.must_work().await;
    assert_eq!(clinic.refreshes(), 0, "three hours are left");
    clinic.pass(minutes(37));
    process.must_work().await;
    process.must_work().await;
    assert_eq!(clinic.refreshes(), 1);
    let row = clinic.row().await;
    assert_eq!((row.pair.version, row.state), (2, CredentialState::Fresh));
    assert_eq!((row.tries, row.lease), (0, None));
}

#[tokio::test]
async fn e69_two_processes_that_refresh_at_once_make_one_request_and_both_go_on() {
    let clinic = Clinic::new();
    let one = Arc::new(clinic.connected().await);
    let two = Arc::new(clinic.process("second").await);
    two.must_work().await;
    clinic.pass(hours(25));
    clinic.wire.hold(true);
    let work = |process: &Arc<super::rig::Process>| {
        let process = Arc::clone(process);
        tokio::spawn(async move { process.works().await })
    };
    // Two tasks of the first process want a token; one of them refreshes.
    let firsts = [work(&one), work(&one)];
    clinic.wire.arrived.notified().await;
    // The second process comes while the answer is out, and finds the lease.
    let seconds = [work(&two), work(&two)];
    two.refresh_wait.waiting.notified().await;
    clinic.wire.hold(false);
    clinic.wire.released.notify_one();
    for task in firsts {
        task.await.expect("no panic").expect("let in");
    }
    two.refresh_wait.go_on.notify_one();
    for task in seconds {
        task.await.expect("no panic").expect("let in");
    }
    assert_eq!(clinic.refreshes(), 1, "one refresh for all four");
    assert_eq!(clinic.row().await.pair.version, 2);
}

#[tokio::test]
async fn whoever_comes_second_does_not_wait_while_the_old_token_is_good() {
    let clinic = Clinic::with(|oauth| {
        oauth.old_access = relay_keap::emulator::OldToken::Lives;
    });
    let one = Arc::new(clinic.connected().await);
    let two = clinic.process("second").await;
    clinic.pass(hours(22));
    clinic.wire.hold(true);
    let first = Arc::clone(&one);
    let refreshing = tokio::spawn(async move { first.works().await });
    clinic.wire.arrived.notified().await;
    two.must_work().await;
    one.must_work().await;
    assert_eq!(clinic.refreshes(), 0, "it is still under way");
    clinic.wire.hold(false);
    clinic.wire.released.notify_one();
    refreshing.await.expect("no panic").expect("let in");
    assert_eq!(clinic.refreshes(), 1);
}

#[tokio::test]
async fn a_token_that_another_process_has_replaced_is_read_again_and_not_refreshed() {
    let clinic = Clinic::new();
    let one = clinic.connected().await;
    let two = clinic.process("second").await;
    two.must_work().await;
    clinic.pass(hours(22));
    one.must_work().await;
    assert_eq!(
        clinic.refreshes(),
        1,
        "and the token that `two` remembers is dead"
    );
    clinic.pass(-minutes(30));
    two.must_work().await;
    assert_eq!(clinic.refreshes(), 1, "the stored one was tried first");
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_work_is_answered_with_one_refresh() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(1));
    clinic
        .vendors
        .keap()
        .perform(Act::ExpireAccess)
        .expect("an act");
    let tag = process
        .connection
        .client()
        .create_tag("Follow-up: email")
        .await;
    tag.expect("a write that the gateway refused is made again");
    assert_eq!(clinic.refreshes(), 1);
    let tags = clinic.vendors.keap().accepted();
    let tags = tags.iter().filter(|entry| entry.operation == "create_tag");
    assert_eq!(tags.count(), 1);
}

#[tokio::test]
async fn a_vendor_that_refuses_good_tokens_is_not_asked_for_more_and_more_of_them() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(1));
    let refused = FaultAct::Status {
        code: 401,
        retry_after: None,
        body: None,
    };
    clinic.fault("userinfo", Moment::Before, refused, u32::MAX);
    for _ in 0..5 {
        let error = process.works().await.expect_err("refused");
        assert_eq!(error.class, Class::Unauthorised);
    }
    assert_eq!(clinic.refreshes(), 1);
}

#[tokio::test]
async fn what_was_not_sent_or_refused_for_now_costs_no_try_and_work_goes_on() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(22));
    let too_many = FaultAct::Status {
        code: 429,
        retry_after: Some(60),
        body: None,
    };
    for act in [FaultAct::Refuse, too_many] {
        for _ in 0..3 {
            clinic.fault("token_refresh", Moment::Before, act.clone(), 1);
            process.must_work().await;
            let row = clinic.row().await;
            assert_eq!(
                (row.state, row.tries),
                (CredentialState::Fresh, 0),
                "{act:?}"
            );
            assert!(row.note.is_some(), "{act:?}");
            // Until the time it asked for the endpoint is left alone.
            process.must_work().await;
            clinic.pass(minutes(1));
        }
    }
    process.must_work().await;
    assert_eq!(clinic.refreshes(), 1);
}

#[tokio::test]
async fn a_refusal_out_of_the_blue_is_not_believed_at_once_and_a_second_one_is() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(25));
    clinic.fault("token_refresh", Moment::Before, invalid_grant(), 1);
    process.must_work().await;
    assert_eq!(clinic.row().await.state, CredentialState::Fresh);

    clinic.pass(hours(25));
    clinic
        .vendors
        .keap()
        .perform(Act::RevokeGrants)
        .expect("an act");
    let error = process.works().await.expect_err("taken back");
    assert_eq!(error.class, Class::Unauthorised);
    assert!(
        error.message.contains("clear-relay connect keap"),
        "{error}"
    );
    assert_eq!(clinic.row().await.state, CredentialState::Dead);
}

#[tokio::test]
async fn an_application_that_keap_does_not_know_ends_nothing() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(25));
    let other = |secret: &str| {
        clinic
            .vendors
            .keap()
            .configure(|settings| secret.clone_into(&mut settings.oauth.client_secret));
    };
    other("changed in the portal");
    for _ in 0..3 {
        let error = process.works().await.expect_err("unknown");
        assert_eq!(error.class, Class::Unauthorised);
        assert!(error.message.contains("application"), "{error}");
    }
    let row = clinic.row().await;
    assert_eq!((row.state, row.tries), (CredentialState::Fresh, 0));
    other(super::rig::SECRET);
    clinic.pass(minutes(1));
    process.must_work().await;
}
