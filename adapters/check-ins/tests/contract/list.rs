//! The emulated list: what its people do, how it is delivered, and that its file says the same.

use http::StatusCode;
use relay_check_ins::emulator::Switches;
use relay_check_ins::{Row, RowCheckIn, RowState, SubmittedAt, csv};
use relay_core::time::{Clock as _, SignedDuration};
use relay_http_client::TransportError;
use relay_http_client::emulation::Emulator;
use serde_json::{Value, json};

use crate::support::{World, day};

fn check_in(id: &str, due: &str, state: RowState) -> Row {
    Row {
        client: "1042".into(),
        about: None,
        check_in: Some(RowCheckIn {
            id: id.into(),
            due: day(due),
            state,
        }),
    }
}

#[tokio::test]
async fn what_changes_at_one_instant_is_one_delivery_of_the_rows_as_they_are() {
    let world = World::new();
    assert_eq!(world.list.next_due(), None);
    world.maya();
    world.act(&json!({"act": "add_check_in", "client": "1042", "id": "k1", "due": "2026-11-03"}));
    world.act(&json!({"act": "check_in", "client": "1042"}));
    assert_eq!(world.list.next_due(), Some(world.clock.now()));
    assert_eq!(world.list.deliver_due().await, 1);
    let deliveries = world.receiver.deliveries();
    assert_eq!(deliveries[0].made_at, Some(world.clock.now()));
    assert_eq!(deliveries[0].rows.len(), 2);
    let about = deliveries[0].rows[0].about.clone().expect("told");
    assert_eq!((about.first_name.as_str(), about.status), ("Maya", None));
    let submitted = RowState::Submitted(Some(SubmittedAt::Instant(world.clock.now())));
    assert_eq!(
        deliveries[0].rows[1],
        check_in("k1", "2026-11-03", submitted)
    );

    world.act(
        &json!({"act": "change_status", "client": "1042", "status": "on_break",
        "break_until": "2026-12-01"}),
    );
    assert_eq!(world.list.deliver_due().await, 1);
    let about = world.receiver.deliveries()[1].rows[0].about.clone();
    assert_eq!(about.expect("told").break_until, Some(day("2026-12-01")));
    assert_eq!(world.list.acknowledged().len(), 2);
}

#[tokio::test]
async fn a_delivery_that_is_not_taken_comes_again_with_its_id_until_it_is() {
    let world = World::new();
    world.maya();
    world.receiver.answers(Ok(StatusCode::SERVICE_UNAVAILABLE));
    for attempt in 0..11 {
        if attempt == 5 {
            world.receiver.answers(Err(TransportError::TimedOut));
        }
        assert_eq!(world.list.deliver_due().await, 1, "{attempt}");
        let next = world.list.next_due().expect("never dropped");
        assert!(next > world.clock.now());
        world.clock.set(next);
        // What changes now doesn't get into a body that was tried before.
        world.act(&json!({"act": "switch", "events_off": true}));
        world.act(&json!({"act": "change_regimen", "client": "1042"}));
        world.act(&json!({"act": "switch"}));
    }
    world.receiver.answers(Ok(StatusCode::OK));
    assert_eq!(world.list.deliver_due().await, 1);
    let about = world.receiver.deliveries()[0].rows[0].about.clone();
    let regimen = about.expect("told").last_regimen_change;
    assert_eq!(regimen, Some(day("2026-10-20")));
    assert_eq!(world.list.next_due(), None);
    assert!(world.receiver.refused.lock().expect("refused").is_empty());
}

#[tokio::test]
async fn switches_silence_double_delay_and_reorder_deliveries() {
    let world = World::new();
    world.act(&json!({"act": "switch", "events_off": true}));
    world.maya();
    assert_eq!(world.list.next_due(), None);

    world.list.set_switches(Switches {
        duplicate_events: true,
        reorder_events: true,
        event_delay_seconds: 60,
        ..Switches::default()
    });
    world.act(&json!({"act": "add_check_in", "client": "1042", "id": "k1", "due": "2026-11-06"}));
    world.clock.advance(SignedDuration::from_secs(30));
    world.act(&json!({"act": "reschedule", "check_in": "k1", "due": "2026-11-09"}));
    assert_eq!(world.list.deliver_due().await, 0);
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(world.list.deliver_due().await, 4);
    let ids = world.receiver.ids();
    assert_eq!((&ids[0], &ids[2]), (&ids[1], &ids[3]));
    let deliveries = world.receiver.deliveries();
    assert_eq!(
        deliveries[0].rows[0],
        check_in("k1", "2026-11-09", RowState::Open)
    );
    assert!(
        deliveries[0].made_at > deliveries[2].made_at,
        "the later one came first"
    );
}

#[tokio::test]
async fn a_list_without_ids_of_check_ins_tells_a_moved_one_as_two() {
    let world = World::new();
    world.act(&json!({"act": "switch", "no_check_in_ids": true, "no_made_at": true}));
    world.maya();
    world.act(&json!({"act": "add_check_in", "client": "1042", "id": "k1", "due": "2026-11-06"}));
    world.list.deliver_due().await;
    world.act(&json!({"act": "reschedule", "check_in": "k1", "due": "2026-11-09"}));
    world.list.deliver_due().await;
    let deliveries = world.receiver.deliveries();
    assert_eq!(deliveries[1].made_at, None);
    assert_eq!(
        deliveries[1].rows,
        [
            check_in("2026-11-06", "2026-11-06", RowState::Withdrawn),
            check_in("2026-11-09", "2026-11-09", RowState::Open),
        ]
    );
    world.act(&json!({"act": "withdraw", "check_in": "k1"}));
    world.act(&json!({"act": "add_check_in", "client": "1042", "id": "k2", "due": "2026-11-09"}));
    let rows = csv::read(world.list.file().as_bytes()).expect("readable");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].check_in.clone().expect("told").state,
        RowState::Open
    );
}

#[tokio::test]
async fn odd_shapes_say_the_same() {
    let plain = World::new();
    let odd = World::new();
    odd.act(&json!({"act": "switch", "odd_shapes": true}));
    for world in [&plain, &odd] {
        world.maya();
        world.act(
            &json!({"act": "add_check_in", "client": "1042", "id": "31", "due": "2026-11-03"}),
        );
        world.list.deliver_due().await;
    }
    assert_eq!(odd.receiver.deliveries(), plain.receiver.deliveries());
    assert_ne!(odd.receiver.values(), plain.receiver.values());
    assert_eq!(odd.receiver.values()[0]["rows"][0]["client"], 1042);
}

#[tokio::test]
async fn a_forged_delivery_is_refused_and_not_repeated() {
    let world = World::new();
    world.act(&json!({"act": "forge", "rows": [{"client": "1042", "due": "2026-11-03"}]}));
    assert_eq!(world.list.deliver_due().await, 1);
    assert_eq!(world.list.next_due(), None);
    assert!(world.receiver.ids().is_empty());
    let refused = world.receiver.refused.lock().expect("refused");
    assert_eq!(*refused, ["signature_mismatch"]);
}

fn story() -> Vec<Value> {
    vec![
        json!({"act": "add_coach", "id": "b3", "name": "Ida", "email": "ida@example.test"}),
        json!({"act": "rename_coach", "id": "b3", "name": "Ida Holm"}),
        json!({"act": "add_client", "id": "c3", "first_name": "Ana", "last_name": "\"Vogel\", Dr.",
            "coach": "b3", "minor": false}),
        json!({"act": "add_client", "id": "c4"}),
        json!({"act": "add_check_in", "client": "c3", "id": "k1", "due": "2026-11-03"}),
        json!({"act": "add_check_in", "client": "c3", "id": "k2", "due": "2026-11-17",
            "due_at": "2026-11-17T19:00:00Z"}),
        json!({"act": "add_check_in", "client": "c4", "id": "k3", "due": "2026-11-17"}),
        json!({"act": "reschedule", "check_in": "k2", "due": "2026-11-20"}),
        json!({"act": "check_in", "client": "c3", "complete": true}),
        json!({"act": "withdraw", "check_in": "k2"}),
        json!({"act": "change_regimen", "client": "c3"}),
        json!({"act": "change_coach", "client": "c3", "coach": "b1"}),
        json!({"act": "change_status", "client": "c3", "status": "on_break",
            "break_until": "2026-12-01"}),
        json!({"act": "end_program", "client": "c3"}),
        json!({"act": "reactivate", "client": "c3"}),
        json!({"act": "change_guardian", "client": "c3", "minor": true, "guardian": "Carla Vogel"}),
    ]
}

#[tokio::test]
async fn every_act_of_the_clinics_people_can_be_played_as_json() {
    let world = World::new();
    for act in story() {
        world.act(&act);
        world.list.deliver_due().await;
    }
    let seen = world.list.look("c3").expect("there");
    assert_eq!(seen.coach.as_deref(), Some("Bea Lund"));
    assert_eq!(
        (seen.status.as_str(), seen.regimen),
        ("online", Some(day("2026-11-04")))
    );
    assert_eq!(seen.check_ins.len(), 2);
    assert!(seen.check_ins[0].submitted_at.is_some() && seen.check_ins[1].withdrawn);
    assert_eq!(world.list.clients(), ["c3", "c4"]);
    assert_eq!(world.list.look("c9"), None);
    assert_eq!(world.receiver.deliveries().len(), story().len() - 2);

    let sent = world.act(&json!({"act": "raise", "rows": [{"client": "c9"}]}));
    world.list.deliver_due().await;
    assert_eq!(
        world.receiver.ids().last().map(String::as_str),
        sent["id"].as_str()
    );
    for wrong in [
        json!({"act": "dance"}),
        json!({"act": "client_writes", "client": "c3", "text": "Hello"}),
        json!({"act": "check_in", "client": "c3"}),
        json!({"act": "check_in", "client": "c4", "complete": false}),
        json!({"act": "change_coach", "client": "c3", "coach": "b9"}),
        json!({"act": "add_client", "id": "c3"}),
        json!({"act": "switch", "key_ignored": true}),
        json!({}),
    ] {
        assert!(world.list.act(wrong.clone()).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn the_whole_list_says_the_same_as_file_and_as_delivery() {
    let world = World::new();
    for act in story() {
        world.act(&act);
    }
    world.list.deliver_due().await;
    let sent = world.act(&json!({"act": "send_all"}));
    assert_eq!(sent["ids"].as_array().map(Vec::len), Some(1));
    world.list.deliver_due().await;
    let delivered = world.receiver.deliveries().pop().expect("delivered");
    let exported = world.act(&json!({"act": "export"}));
    let file = exported["file"].as_str().expect("a file");
    assert_eq!(csv::read(file.as_bytes()), Ok(delivered.rows.clone()));
    assert_eq!(delivered.rows.len(), 3);
    assert_eq!(
        delivered.rows[2].about, None,
        "nothing is told without a first name"
    );
}

#[tokio::test]
async fn nothing_is_left_after_a_reset_and_nobody_is_asked() {
    let world = World::new();
    world.maya();
    world.list.deliver_due().await;
    world.act(&json!({"act": "switch", "no_made_at": true}));
    world.act(&json!({"act": "raise", "rows": []}));
    world.list.reset();
    assert_eq!(world.list.clients(), Vec::<String>::new());
    assert_eq!(world.list.next_due(), None);
    assert_eq!(world.list.switches(), Switches::default());
    let emulator: &dyn Emulator = world.list.as_ref();
    assert!(emulator.accepted().is_empty() && emulator.acknowledged().is_empty());
    world.maya_again().await;
}

impl World {
    /// Where deliveries go survives a reset.
    async fn maya_again(&self) {
        self.act(
            &json!({"act": "add_coach", "id": "b1", "name": "Bea", "email": "b1@example.test"}),
        );
        self.maya();
        assert_eq!(self.list.deliver_due().await, 1);
    }
}
