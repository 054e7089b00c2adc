//! The client against the emulated portal: every call, every class of failure, and what happens
//! to a write whose answer is lost.

#![expect(clippy::expect_used, reason = "helpers of tests may fail a test, too")]

#[path = "contract/broken.rs"]
mod broken;
#[path = "contract/delivery.rs"]
mod delivery;
#[path = "contract/events.rs"]
mod events;
#[path = "contract/kit.rs"]
mod kit;
#[path = "contract/openapi.rs"]
mod openapi;
#[path = "contract/support.rs"]
mod support;

use relay_clear_connection::emulator::Switches;
use relay_clear_connection::{Capabilities, CheckInState, MessageAuthor};
use relay_core::ids::{ClientId, CoachId};
use relay_core::retry::Class;
use relay_core::time::{Clock as _, SignedDuration};
use relay_http_client::CallError;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use support::{World, day};

pub(crate) const KEY: &str = "0192/portal_message/1/s1";
pub(crate) const TEXT: &str = "Hi Maya! Your check in was due yesterday, (November 3).";

pub(crate) fn maya() -> ClientId {
    "c1".into()
}

pub(crate) fn bea() -> CoachId {
    "b1".into()
}

async fn send(world: &World) -> Result<String, CallError> {
    let sent = world.client.send_message(KEY, &maya(), &bea(), TEXT).await;
    sent.map(|id| id.0)
}

fn fault(world: &World, operation: &str, moment: Moment, act: FaultAct) {
    world.portal.faults().order(FaultRule {
        operation: operation.to_owned(),
        moment,
        act,
        skip: 0,
        times: 1,
    });
}

fn ignore_filters(world: &World) {
    world.portal.set_switches(Switches {
        filters_ignored: true,
        ..Switches::default()
    });
}

fn status(code: u16) -> FaultAct {
    FaultAct::Status {
        code,
        retry_after: None,
        body: None,
    }
}

pub(crate) fn class<T: std::fmt::Debug>(result: Result<T, CallError>) -> Class {
    result.expect_err("a failure").class
}

#[tokio::test]
async fn a_client_is_read_whole_and_an_unknown_one_is_none() {
    let world = World::new();
    let client = world.client.client(&maya()).await.expect("read");
    let client = client.expect("there");
    assert_eq!(client.first_name.as_deref(), Some("Maya"));
    assert_eq!(client.status.as_deref(), Some("online"));
    assert_eq!(client.coach, Some(bea()));
    assert_eq!(client.contact, Some("4411".into()));
    assert!(!client.transition_call_only);
    assert!(client.last_regimen_change.is_some());
    assert_eq!(client.time_zone, None);
    assert_eq!((client.minor, client.guardian), (None, None));
    assert_eq!(world.client.client(&"c9".into()).await.expect("read"), None);
}

#[tokio::test]
async fn a_minor_is_never_read_as_an_adult() {
    let world = World::new();
    for (minor, guardian, read) in [
        (
            Some(true),
            Some("Carla Ruiz"),
            (Some(true), Some("Carla Ruiz")),
        ),
        (Some(false), None, (Some(false), None)),
        (None, Some("Carla Ruiz"), (None, Some("Carla Ruiz"))),
        (None, Some(" "), (None, Some(""))),
        (None, None, (None, None)),
    ] {
        let told = world
            .portal
            .act(serde_json::json!({ "act": "change_guardian",
            "client": "c1", "minor": minor, "guardian": guardian }));
        told.expect("told");
        let client = world.client.client(&maya()).await.expect("read");
        let client = client.expect("there");
        assert_eq!((client.minor, client.guardian.as_deref()), read);
    }
}

#[tokio::test]
async fn a_search_by_address_is_exact_even_where_the_portal_ignores_it() {
    let world = World::new();
    for _ in 0..2 {
        let found = world.client.clients_by_email("MAYA@example.test").await;
        let found = found.expect("read");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, maya());
        ignore_filters(&world);
    }
    let none = world.client.clients_by_email("nobody@example.test").await;
    assert!(none.expect("read").is_empty());
}

#[tokio::test]
async fn check_ins_are_listed_with_their_states() {
    let world = World::new();
    for (id, due) in [
        ("k0", "2026-10-01"),
        ("k1", "2026-11-01"),
        ("k2", "2026-11-02"),
        ("k3", "2026-11-03"),
    ] {
        let asked = world.portal.add_check_in("c1", id, day(due), None);
        asked.expect("asked");
    }
    world
        .portal
        .submit("c1", Some("k1"), false)
        .expect("submitted");
    world.portal.withdraw("k2").expect("withdrawn");
    let listed = world.client.check_ins(&maya(), day("2026-11-01")).await;
    let listed = listed.expect("read");
    let states: Vec<_> = listed
        .iter()
        .map(|check_in| (check_in.id.as_str(), check_in.state.clone()))
        .collect();
    let submitted = CheckInState::Submitted(Some(world.clock.now()));
    assert_eq!(
        states,
        [
            ("k1", submitted),
            ("k2", CheckInState::Withdrawn),
            ("k3", CheckInState::Open),
        ]
    );
    let open = world.client.open_check_ins(day("2026-11-03")).await;
    let open = open.expect("read").open;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id.as_str(), "k0");
    assert_eq!(open[0].client, Some(maya()));
    ignore_filters(&world);
    let open = world.client.open_check_ins(day("2026-11-03")).await;
    let open = open.expect("read").open;
    assert!(
        open.iter()
            .all(|check_in| check_in.state == CheckInState::Open)
    );
}

#[tokio::test]
async fn a_list_of_many_pages_is_read_whole_and_a_page_that_fails_fails_it() {
    let world = World::with(support::TOKEN, 2, Capabilities::default());
    for number in 0..7 {
        let id = format!("k{number}");
        let asked = world
            .portal
            .add_check_in("c1", &id, day("2026-11-03"), None);
        asked.expect("asked");
    }
    let open = world.client.open_check_ins(day("2026-11-04")).await;
    assert_eq!(open.expect("read").open.len(), 7);
    world.portal.faults().order(FaultRule {
        operation: "list_open_check_ins".to_owned(),
        moment: Moment::Before,
        act: status(500),
        skip: 2,
        times: 1,
    });
    let open = world.client.open_check_ins(day("2026-11-04")).await;
    assert_eq!(class(open), Class::Retryable { after: None });
}

#[tokio::test]
async fn messages_of_both_directions_come_oldest_first() {
    let world = World::new();
    let early = world.clock.now();
    world.portal.client_writes("c1", "Hello").expect("written");
    world.clock.advance(SignedDuration::from_mins(1));
    send(&world).await.expect("sent");
    let messages = world.client.messages(&maya(), early).await.expect("read");
    assert_eq!(messages[0].author, MessageAuthor::Client);
    assert_eq!(messages[1].author, MessageAuthor::Coach(Some(bea())));
    assert_eq!(messages[1].text, TEXT);
    for _ in 0..2 {
        let later = world.client.messages(&maya(), world.clock.now()).await;
        assert_eq!(later.expect("read").len(), 1);
        ignore_filters(&world);
    }
    let jo = world.client.messages(&"c2".into(), early).await;
    assert!(jo.expect("read").is_empty());
}

#[tokio::test]
async fn a_note_is_written_once_and_listed_and_coaches_are_listed() {
    let world = World::new();
    let now = world.clock.now();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = world
            .client
            .add_note("k/note", &maya(), None, "quiet")
            .await;
        ids.push(made.expect("written"));
    }
    assert_eq!(ids[0], ids[1]);
    let notes = world.client.notes(&maya(), now).await.expect("read");
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].text.as_str(), &notes[0].author), ("quiet", &None));
    // Earlier versions wrote in a coach's name, and may have to be repeated.
    let (maya, bea) = (maya(), bea());
    let hers = world.client.add_note("k/hers", &maya, Some(&bea), "hers");
    hers.await.expect("written");
    let notes = world.client.notes(&maya, now).await.expect("read");
    assert!(notes.iter().any(|note| note.author.as_ref() == Some(&bea)));
    ignore_filters(&world);
    let later = now + SignedDuration::from_secs(1);
    let none = world.client.notes(&maya, later).await.expect("read");
    assert!(none.is_empty());
    let coaches = world.client.coaches().await.expect("read");
    assert_eq!(coaches.len(), 2);
    assert_eq!(coaches[0].name.as_deref(), Some("Bea Lund"));
    let accepted = world.portal.accepted();
    assert_eq!(accepted.len(), 2);
    assert!(
        accepted
            .iter()
            .all(|entry| entry.operation == "portal_note")
    );
}

#[tokio::test]
async fn the_same_key_and_content_send_once_and_other_content_is_unclear() {
    let world = World::new();
    let first = send(&world).await.expect("sent");
    assert_eq!(send(&world).await.expect("the same"), first);
    let other = world
        .client
        .send_message(KEY, &maya(), &bea(), "Other")
        .await;
    let error = other.expect_err("refused");
    assert_eq!((error.class, error.status), (Class::Unclear, Some(409)));
    assert!(error.to_string().contains("idempotency_key_reused"));
    let to_jo = world
        .client
        .send_message(KEY, &"c2".into(), &bea(), TEXT)
        .await;
    assert_eq!(class(to_jo), Class::Unclear);
    let accepted = world.portal.accepted();
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].who, "c1");
    assert_eq!(accepted[0].content["text"], TEXT);
    assert_eq!(accepted[0].content["key"], KEY);
}

#[tokio::test]
async fn a_portal_that_ignores_or_forgets_keys_sends_twice_and_the_list_shows_it() {
    let ignored = Switches {
        key_ignored: true,
        ..Switches::default()
    };
    let expires = Switches {
        key_expires_after_seconds: Some(60),
        ..Switches::default()
    };
    for switches in [ignored, expires] {
        let world = World::new();
        world.portal.set_switches(switches);
        let since = world.clock.now();
        send(&world).await.expect("sent");
        world.clock.advance(SignedDuration::from_secs(60));
        send(&world).await.expect("sent again");
        let messages = world.client.messages(&maya(), since).await.expect("read");
        assert_eq!(messages.len(), 2, "{switches:?}");
        assert_eq!(world.portal.accepted().len(), 2, "{switches:?}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_unclear_and_the_list_proves_it() {
    for act in [
        FaultAct::Hang,
        FaultAct::Reset,
        status(500),
        status(502),
        status(408),
        status(503),
    ] {
        let world = World::new();
        let since = world.clock.now();
        fault(&world, "portal_message", Moment::After, act.clone());
        assert_eq!(class(send(&world).await), Class::Unclear, "{act:?}");
        let messages = world.client.messages(&maya(), since).await.expect("read");
        assert_eq!(messages.len(), 1, "{act:?}");
        assert_eq!(messages[0].text, TEXT);

        let world = World::new();
        fault(&world, "portal_message", Moment::Before, act.clone());
        assert_eq!(class(send(&world).await), Class::Unclear, "{act:?}");
        let messages = world.client.messages(&maya(), since).await.expect("read");
        assert!(messages.is_empty(), "{act:?}");
    }
}

#[tokio::test]
async fn a_message_may_be_there_before_the_list_shows_it() {
    let world = World::new();
    let since = world.clock.now();
    world.portal.set_switches(Switches {
        list_lag_seconds: 90,
        ..Switches::default()
    });
    fault(&world, "portal_message", Moment::After, FaultAct::Hang);
    assert_eq!(class(send(&world).await), Class::Unclear);
    let hidden = world.client.messages(&maya(), since).await.expect("read");
    assert!(hidden.is_empty());
    world.clock.advance(SignedDuration::from_secs(90));
    let shown = world.client.messages(&maya(), since).await.expect("read");
    assert_eq!(shown.len(), 1);
}

#[tokio::test]
async fn a_refusal_before_the_work_may_be_repeated_and_its_wait_is_told() {
    let world = World::new();
    for code in [429, 503] {
        let act = FaultAct::Status {
            code,
            retry_after: Some(120),
            body: None,
        };
        fault(&world, "portal_message", Moment::Before, act);
        let after = Some(SignedDuration::from_mins(2));
        assert_eq!(class(send(&world).await), Class::Retryable { after });
    }
    fault(&world, "portal_message", Moment::Before, status(429));
    assert_eq!(class(send(&world).await), Class::Retryable { after: None });
    fault(&world, "portal_message", Moment::Before, FaultAct::Refuse);
    assert_eq!(class(send(&world).await), Class::NotSent);
    assert!(world.portal.accepted().is_empty());
}

#[tokio::test]
async fn a_message_that_is_answered_late_is_sent_and_unclear_only_beyond_the_limit() {
    let world = World::new();
    let since = world.clock.now();
    fault(
        &world,
        "portal_message",
        Moment::Before,
        FaultAct::Slow { seconds: 10 },
    );
    send(&world).await.expect("in time");
    fault(
        &world,
        "portal_message",
        Moment::Before,
        FaultAct::Slow { seconds: 45 },
    );
    world.clock.advance(SignedDuration::from_secs(60));
    let sent = world
        .client
        .send_message("other", &maya(), &bea(), TEXT)
        .await;
    assert_eq!(class(sent), Class::Unclear);
    let messages = world.client.messages(&maya(), since).await.expect("read");
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn an_id_that_would_lead_out_of_its_path_is_never_asked_for() {
    let world = World::new();
    for id in ["", ".", "..", ".\t.", "\n..", "a\rb"] {
        let read = world.client.client(&ClientId(id.to_owned())).await;
        assert_eq!(class(read), Class::Permanent, "{id:?}");
    }
}

#[tokio::test]
async fn a_read_that_fails_may_be_repeated() {
    let world = World::new();
    for act in [FaultAct::Hang, FaultAct::Reset, status(500), status(503)] {
        fault(&world, "get_client", Moment::Before, act.clone());
        let read = world.client.client(&maya()).await;
        assert_eq!(class(read), Class::Retryable { after: None }, "{act:?}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_unauthorised_and_never_shown() {
    let world = World::with("another-token", 100, Capabilities::default());
    let error = world.client.coaches().await.expect_err("refused");
    assert_eq!(error.class, Class::Unauthorised);
    assert_eq!(class(send(&world).await), Class::Unauthorised);
    let shown = format!("{error} {error:?} {:?}", world.client);
    assert!(!shown.contains("another-token"), "{shown}");
    assert!(world.portal.accepted().is_empty());
}

#[tokio::test]
async fn what_the_portal_refuses_for_good_is_permanent_and_quoted_by_code_only() {
    let world = World::new();
    let nobody = world
        .client
        .send_message(KEY, &"c9".into(), &bea(), TEXT)
        .await;
    let error = nobody.expect_err("refused");
    assert!(error.is_not_found());
    assert_eq!(error.class, Class::Permanent);
    let empty = world.client.send_message(KEY, &maya(), &bea(), " ").await;
    let error = empty.expect_err("refused");
    assert_eq!(error.status, Some(422));
    assert!(error.to_string().ends_with("invalid (field text)"));
    let act = FaultAct::Status {
        code: 400,
        retry_after: None,
        body: Some(r#"{"error":{"code":"no","message":"Maya Ruiz is away"}}"#.to_owned()),
    };
    fault(&world, "get_client", Moment::Before, act);
    let error = world.client.client(&maya()).await.expect_err("refused");
    assert!(!error.to_string().contains("Maya"), "{error}");
}

#[tokio::test]
async fn an_id_that_would_change_the_address_is_refused_before_sending() {
    let world = World::new();
    for id in ["", ".", ".."] {
        let read = world.client.client(&id.into()).await;
        assert_eq!(class(read), Class::Permanent, "{id:?}");
    }
    let odd = world.client.client(&"../coaches?x=1#".into()).await;
    assert_eq!(odd.expect("asked for as one segment"), None);
}

#[tokio::test]
async fn a_capability_that_is_off_is_never_called() {
    let capabilities = Capabilities {
        messages: false,
        notes: false,
        ..Capabilities::default()
    };
    let world = World::with(support::TOKEN, 100, capabilities);
    let now = world.clock.now();
    assert_eq!(class(send(&world).await), Class::Permanent);
    let messages = world.client.messages(&maya(), now).await;
    assert_eq!(class(messages), Class::Permanent);
    let notes = world.client.notes(&maya(), now).await;
    assert_eq!(class(notes), Class::Permanent);
    assert!(world.transport.calls.lock().expect("calls").is_empty());
}

#[tokio::test]
async fn numbers_for_ids_and_unknown_members_change_nothing() {
    let world = World::new();
    world.portal.set_switches(Switches {
        odd_shapes: true,
        ..Switches::default()
    });
    let client = world.client.client(&maya()).await.expect("read");
    assert_eq!(client.expect("there").contact, Some("4411".into()));
    let first = send(&world).await.expect("sent");
    assert_eq!(send(&world).await.expect("the same"), first);
}
