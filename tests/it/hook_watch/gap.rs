//! E38: Keap has switched the hooks off for a night.

use std::sync::Arc;

use relay_core::effects::CardRemoval;
use relay_core::facts::Order;
use relay_core::time::SignedDuration;
use relay_store::JobState;
use serde_json::json;

use super::{Door, Way, watched};
use crate::edge::clinic::{Clinic, Person, at};
use crate::support::crash::{Death, Life};
use crate::support::tools::Tools as _;

fn lee() -> Person {
    Person {
        id: "lee",
        contact: 203,
        first: Some("Lee"),
        phone: Some("303-555-0103"),
        due: None,
        ..Person::maya()
    }
}

fn people() -> [Person; 3] {
    [Person::maya(), Person::jo(), lee()]
}

/// Friday noon: Maya has her email, Jo's coach her call task, Lee's fee is stopped.
async fn friday(minutes: u32) -> (Clinic, Arc<Door>) {
    let (clinic, door) = watched(minutes, |_| ()).await;
    for person in people() {
        clinic.join(&person);
    }
    clinic.fee(901, 203, None);
    let order = Order::CancelSubscription {
        reason: "asked for".into(),
        card: CardRemoval::Keep,
    };
    clinic.order(&lee(), order).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.work_kinds(&Person::jo()).await, ["call_outcome"]);
    (clinic, door)
}

/// What people do while nobody is told: three contacts, one of them twice, a call, a subscription.
/// And a contact that is nobody's.
fn happenings(clinic: &Clinic) {
    let edit = |contact: u64, field: &str, value: &str| {
        clinic.keap(
            json!({ "act": "edit_contact_field", "contact": contact, "field": field,
            "value": value }),
        );
    };
    clinic.keap(json!({ "act": "set_phone", "contact": 201, "phone": "303-555-0199" }));
    edit(201, "Skin Goal", "less redness");
    edit(202, "Skin Goal", "fewer marks");
    edit(203, "Skin Goal", "fewer breakouts");
    clinic.keap(json!({ "act": "complete_task", "contact": 202, "text": "Outcome: voicemail" }));
    clinic.keap(json!({ "act": "change_subscription", "subscription": 901,
        "changes": { "active": true, "auto_charge": true } }));
    clinic.keap(json!({ "act": "set_phone", "contact": 204, "phone": "303-555-0104" }));
}

/// The door is shut, and a change is told in vain four times.
async fn becomes_inactive(clinic: &Clinic, door: &Door) {
    door.set(Way::Unavailable);
    door.answers();
    clinic.keap(json!({ "act": "add_contact", "id": 204, "given_name": "Nia" }));
    clinic.keap(json!({ "act": "set_phone", "contact": 204, "phone": null }));
    clinic.pass(40).await;
    // Four deliveries, then the handshakes by which the watch tries to restore it.
    let answers = door.answers();
    assert!(
        answers.len() > 4 && answers.iter().all(|status| *status == 503),
        "{answers:?}"
    );
    let inactive = |status: &&String| *status != "Verified";
    assert_eq!(clinic.at_keap().await.iter().filter(inactive).count(), 1);
}

async fn recovered(clinic: &Clinic) -> [usize; 3] {
    [
        clinic.recovered("contact").await,
        clinic.recovered("task").await,
        clinic.recovered("subscription").await,
    ]
}

/// Nothing that reaches a client or asks somebody to was done twice.
fn nothing_twice(clinic: &Clinic) {
    assert_eq!(clinic.outreach(&Person::maya()).len(), 2);
    assert_eq!(clinic.outreach(&Person::jo()).len(), 2);
    let again = clinic.world.vendors.accepted();
    let again = again
        .iter()
        .filter(|entry| entry.operation.ends_with("_again"));
    assert_eq!(again.count(), 0);
}

async fn revived(clinic: &Clinic) -> usize {
    let work = clinic.work().await;
    let revived = work.iter().filter(|item| item.dedupe_key == "revived/901");
    revived.count()
}

#[tokio::test]
async fn e38_after_a_night_without_hooks_every_change_is_recovered_once_and_counted() {
    let (clinic, door) = friday(5).await;
    assert_eq!(recovered(&clinic).await, [0, 0, 0]);
    becomes_inactive(&clinic, &door).await;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.until("2026-11-06 16:00").await;
    happenings(&clinic);
    clinic.until("2026-11-07 12:00").await;
    assert!(
        clinic
            .at_keap()
            .await
            .iter()
            .all(|status| status != "Verified")
    );
    assert_eq!(recovered(&clinic).await, [0, 0, 0]);
    let work = clinic.work().await;
    let item = work
        .iter()
        .find(|item| item.kind == "hooks")
        .expect("an item");
    assert!(item.title.contains("contact.edit"), "{}", item.title);
    assert_eq!(item.owner, "admin");
    assert_eq!(revived(&clinic).await, 0, "nobody told us");

    door.set(Way::Open);
    clinic.until("2026-11-07 18:30").await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert_eq!(recovered(&clinic).await, [3, 1, 1]);
    assert_eq!(revived(&clinic).await, 1);
    let kinds: Vec<_> = clinic.work().await.into_iter().map(|i| i.kind).collect();
    assert!(
        !kinds.contains(&"hooks".to_owned()),
        "mended, so settled: {kinds:?}"
    );
    let gap = clinic.watch().await.events["contact.edit"].last_gap.clone();
    let gap = gap.expect("a gap");
    assert!(
        gap.from <= at("2026-11-06 12:45") && gap.from >= at("2026-11-06 12:35"),
        "{gap:?}"
    );

    // Once: later looks find nothing more, though their overlap reaches back into the gap.
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.until("2026-11-08 12:00").await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert_eq!(recovered(&clinic).await, [3, 1, 1]);
    nothing_twice(&clinic);
    assert!(clinic.jobs(JobState::Dead).await.is_empty());
}

#[tokio::test]
async fn e38_what_the_hooks_did_not_tell_moves_the_case_once_it_is_read_back() {
    let (clinic, door) = friday(5).await;
    becomes_inactive(&clinic, &door).await;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    happenings(&clinic);
    clinic.until("2026-11-06 16:00").await;
    let jo = Person::jo();
    assert_eq!(
        clinic.work_kinds(&jo).await,
        ["call_outcome"],
        "the call is not known"
    );
    door.set(Way::Open);
    clinic.until("2026-11-06 20:00").await;
    assert_eq!(recovered(&clinic).await, [3, 1, 1]);
    assert!(clinic.work_kinds(&jo).await.is_empty());
    let case = clinic.case(&jo).await;
    let history = clinic.history(case.id).await;
    let recorded = history.iter().filter(|line| line.contains("voicemail"));
    assert_eq!(recorded.count(), 1, "{history:?}");
    nothing_twice(&clinic);
}

#[tokio::test]
async fn e38_a_watch_that_dies_while_it_reads_back_recovers_each_change_once_all_the_same() {
    for (name, hit) in [
        ("reread.call.after", 1),
        ("reread.commit.before", 1),
        ("reread.commit.after", 1),
        ("reread.call.after", 2),
        ("reread.call.after", 3),
        ("reread.call.after", 4),
        ("reread.call.after", 6),
        ("effect.settle.before", 1),
        ("effect.settle.after", 1),
    ] {
        let (mut clinic, door) = friday(30).await;
        door.set(Way::Unavailable);
        clinic.keap(json!({ "act": "add_contact", "id": 204, "given_name": "Nia" }));
        clinic.keap(json!({ "act": "deactivate_hooks" }));
        happenings(&clinic);
        clinic.pass(29).await;
        // The next look restores and reads back, and dies on the way.
        let life = Life::new(Some(Death { name, hit }));
        clinic
            .world
            .restart_with(Arc::clone(&life) as _)
            .await
            .expect("a restart");
        door.set(Way::Open);
        let by = SignedDuration::from_mins(20);
        tokio::select! {
            biased;
            () = life.ended() => {}
            run = clinic.world.run_for(by) => panic!("{name} {hit} was never passed: {run:?}"),
        }
        clinic.world.restart().await.expect("a restart");
        clinic.pass(90).await;
        assert_eq!(clinic.at_keap().await, ["Verified"; 6], "{name} {hit}");
        assert_eq!(recovered(&clinic).await, [3, 1, 1], "{name} {hit}");
        assert_eq!(revived(&clinic).await, 1, "{name} {hit}");
        nothing_twice(&clinic);
    }
}

#[tokio::test]
async fn e38_a_relay_that_was_down_for_longer_than_keap_tries_reads_back_at_its_start() {
    let (mut clinic, door) = friday(5).await;
    door.set(Way::Unavailable);
    happenings_while_down(&clinic).await;
    assert!(
        clinic
            .at_keap()
            .await
            .iter()
            .any(|status| status == "Inactive")
    );
    door.set(Way::Open);
    clinic.world.restart().await.expect("a start");
    clinic.settle().await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert_eq!(recovered(&clinic).await, [3, 1, 1]);
    clinic.pass(60).await;
    assert_eq!(recovered(&clinic).await, [3, 1, 1]);
    nothing_twice(&clinic);
}

/// Two hours in which only Keap is up.
async fn happenings_while_down(clinic: &Clinic) {
    clinic.keap(json!({ "act": "add_contact", "id": 204, "given_name": "Nia" }));
    happenings(clinic);
    let end = clinic.world.now() + SignedDuration::from_hours(2);
    let keap = &clinic.world.vendors.keap();
    while let Some(due) = keap.next_due().filter(|due| *due <= end) {
        clinic.world.jump(due);
        keap.deliver_due().await;
    }
    clinic.world.jump(end);
}

#[tokio::test]
async fn e38_hooks_that_stayed_verified_while_we_were_away_are_a_gap_too() {
    let (mut clinic, door) = friday(5).await;
    // A proxy that says yes in our place: Keap sees no failure.
    door.set(Way::Swallowed);
    happenings_while_down(&clinic).await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    door.set(Way::Open);
    clinic.world.restart().await.expect("a start");
    clinic.settle().await;
    assert_eq!(recovered(&clinic).await, [3, 1, 1]);
    nothing_twice(&clinic);
}

#[tokio::test]
async fn a_short_refusal_costs_nothing_because_keap_comes_again() {
    let (clinic, door) = friday(5).await;
    door.set(Way::Unavailable);
    door.answers();
    clinic.keap(json!({ "act": "add_contact", "id": 204, "given_name": "Nia" }));
    happenings(&clinic);
    clinic.pass(6).await;
    assert!(door.answers().iter().all(|status| *status == 503));
    door.set(Way::Open);
    clinic.pass(45).await;
    assert_eq!(
        clinic.at_keap().await,
        ["Verified"; 6],
        "nothing became inactive"
    );
    assert_eq!(recovered(&clinic).await, [0, 0, 0], "everything was told");
    assert_eq!(revived(&clinic).await, 1);
    assert!(clinic.work_kinds(&Person::jo()).await.is_empty());
    nothing_twice(&clinic);
}

#[tokio::test]
async fn a_contact_that_was_deleted_in_the_gap_is_found_although_no_list_shows_it() {
    let (clinic, _) = friday(5).await;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.keap(json!({ "act": "delete_contact", "contact": 202 }));
    clinic.pass(10).await;
    assert_eq!(recovered(&clinic).await, [1, 0, 0]);
    clinic.pass(15).await;
    let jo = Person::jo();
    let case = clinic.case(&jo).await;
    let history = clinic.history(case.id).await.join("\n");
    assert!(
        history.contains("Her contact in the CRM is gone"),
        "{history}"
    );
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.pass(10).await;
    // Her coach's task about it, which is about no contact, is read like all that are open.
    assert_eq!(
        recovered(&clinic).await,
        [1, 1, 0],
        "the contact is not told again"
    );
}

#[tokio::test]
async fn where_keap_does_not_list_changes_all_who_are_followed_up_are_read_and_the_gap_is_closed() {
    let (clinic, _) = friday(5).await;
    clinic.keap(json!({ "act": "add_contact", "id": 204, "given_name": "Nia" }));
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    happenings(&clinic);
    clinic.fault(
        "keap",
        json!({ "operation": "list_contacts", "moment": "before", "act": "status", "code": 400 }),
    );
    clinic.pass(10).await;
    assert_eq!(
        recovered(&clinic).await,
        [2, 1, 1],
        "Lee is not followed up"
    );
    let watch = clinic.watch().await;
    assert!(
        watch
            .events
            .values()
            .all(|event| event.missing_since.is_none())
    );
    assert!(clinic.jobs(JobState::Dead).await.is_empty());
}
