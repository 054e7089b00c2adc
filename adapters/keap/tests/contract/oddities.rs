//! The client on the vendor's bad days: answers that come late, say nothing, say it in new words
//! or in another shape; and every write struck at both moments.

use relay_core::clients::AddressState;
use relay_core::retry::Class;
use relay_core::time::{Clock as _, SignedDuration};
use relay_http_client::CallError;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::{
    Act, CardInUse, Drift, ErrorShape, HtmlComment, ListBox, NewField, NewOrder, NewPaymentMethod,
    NewSubscription, Oddities, TagRefusal, Words, WriteBack, gateway_fault, html_page,
};
use relay_keap::marker::Marker;
use relay_keap::{ContactType, CustomFieldsMode, TaskClosing, TasksAmong};
use serde_json::json;

use super::support::{COACH, MAYA, Setup, at, has_tag, now, setup, setup_with, status};

const AGAIN: Class = Class::Retryable { after: None };

/// The tenant with a card, a subscription that charges it, and two tags of which one is on.
fn furnished(change: impl FnOnce(&mut Oddities), mode: CustomFieldsMode) -> Setup {
    let setup = setup_with(|tenant| change(&mut tenant.oddities), mode).with_contact_type();
    setup.edits("6", json!("Online"));
    setup.does(Act::AddPaymentMethod(NewPaymentMethod {
        id: Some(6001),
        contact: 1001,
        last_four: None,
    }));
    setup.does(Act::AddSubscription(NewSubscription {
        id: Some(5001),
        contact: 1001,
        payment_method: Some(6001),
        ..NewSubscription::default()
    }));
    for tag in ["On", "Off"] {
        let tag = tag.to_owned();
        setup.does(Act::ApplyTag { contact: 1001, tag });
    }
    setup.does(Act::RemoveTag {
        contact: 1001,
        tag: "Off".to_owned(),
    });
    setup
}

fn usual(change: impl FnOnce(&mut Oddities)) -> Setup {
    furnished(change, CustomFieldsMode::Full)
}

/// Every operation of the client that changes something, by its name in the emulator.
const WRITES: [&str; 17] = [
    "email",
    "call_task",
    "work_task",
    "close_task",
    "reassign_task",
    "contact_note",
    "create_tag",
    "add_tag",
    "remove_tag",
    "contact_type",
    "auto_charge_off",
    "deactivate_subscription",
    "remove_card",
    "remove_card/deactivate",
    "create_hook",
    "verify_hook",
    "delete_hook",
];

/// What the emulator can write and the client never asks for.
const NOT_OURS: [&str; 4] = [
    "achieve_goal",
    "edit_subscription",
    "edit_task",
    "update_hook",
];

#[test]
fn every_write_of_the_vendor_is_one_of_ours_or_said_not_to_be() {
    let ours = WRITES
        .iter()
        .map(|name| name.split('/').next().unwrap_or(name));
    let mut known: Vec<&str> = ours.chain(NOT_OURS).collect();
    known.sort_unstable();
    known.dedup();
    assert_eq!(known, relay_keap::emulator::WRITES);
}

/// Carries out one of [`WRITES`].
async fn write(setup: &Setup, name: &str) -> Result<(), CallError> {
    let client = &setup.client;
    let marker = Marker::new("marker_one");
    let url = "https://relay.test/hook".parse().expect("an address");
    match name {
        "email" => client.send_email(MAYA, COACH, "Hello", "Hi", &marker).await,
        "call_task" | "work_task" => {
            let due = at("2026-11-05T16:00:00Z");
            let title = match name {
                "call_task" => "CALL Maya R.",
                _ => "Maya R.: how does it go on?",
            };
            let made = client.create_task(Some(MAYA), COACH, title, "x", due, &marker);
            made.await.map(drop)
        }
        "close_task" => {
            client
                .complete_task("30001", now(), TaskClosing::TakenBack)
                .await
        }
        "reassign_task" => client.reassign_task("30001", "8").await,
        "contact_note" => {
            let made = client.create_note(MAYA, COACH, "Note", "x", &marker);
            made.await.map(drop)
        }
        "create_tag" => client.create_tag("New").await,
        "add_tag" => client.apply_tag(MAYA, "302").await,
        "remove_tag" => client.remove_tag(MAYA, "301").await,
        "contact_type" => client.set_contact_type(MAYA, "In-Person").await.map(drop),
        "auto_charge_off" => client.auto_charge_off("5001", "moved").await,
        "deactivate_subscription" => client.deactivate_subscription("5001", "moved").await,
        "remove_card" => client.delete_payment_method(MAYA, "6001").await,
        "remove_card/deactivate" => client
            .deactivate_payment_method(MAYA, "6001")
            .await
            .map(drop),
        "create_hook" => client.create_hook("task.edit", &url).await.map(drop),
        "verify_hook" => client.verify_hook("1").await.map(drop),
        "delete_hook" => client.delete_hook("1").await,
        other => panic!("no such write: {other}"),
    }
}

/// A tenant in which each of [`WRITES`] has something to do.
async fn ready() -> Setup {
    let setup = usual(|_| {});
    setup.does(Act::AddUser(relay_keap::emulator::NewUser {
        id: Some(8),
        ..Default::default()
    }));
    for prepared in ["call_task", "create_hook"] {
        write(&setup, prepared).await.expect("made");
    }
    // Found before the fault, which is for the write alone.
    setup.client.contact_type(MAYA).await.expect("a type");
    setup
}

#[tokio::test]
async fn every_write_that_meets_silence_or_a_server_error_is_unclear_at_both_moments() {
    let page = html_page("Bad Gateway");
    let with_page = FaultAct::Status {
        code: 502,
        retry_after: None,
        body: Some(page),
    };
    for act in [
        FaultAct::Hang,
        FaultAct::Reset,
        status(500),
        status(504),
        with_page,
    ] {
        for moment in [Moment::Before, Moment::After] {
            for name in WRITES {
                let setup = ready().await;
                let book = setup.operations().len();
                let operation = name.split('/').next().unwrap_or(name);
                setup.fault(operation, moment, act.clone());
                let result = write(&setup, name).await;
                let done = setup.operations().len() - book;
                let expected = usize::from(moment == Moment::After);
                assert_eq!(done, expected, "{name} {moment:?} {act:?}");
                match result {
                    // It looks by itself, and finds its value.
                    Ok(()) => assert_eq!((name, moment), ("contact_type", Moment::After)),
                    Err(error) => assert_eq!(error.class, Class::Unclear, "{name} {moment:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn every_write_that_is_refused_says_so_and_has_done_nothing() {
    let refused = FaultAct::Refuse;
    for (act, class) in [
        (refused, Class::NotSent),
        (status(429), AGAIN),
        (status(400), Class::Permanent),
        (status(401), Class::Unauthorised),
        (status(403), Class::Permanent),
        (status(501), Class::Permanent),
    ] {
        for name in WRITES {
            let setup = ready().await;
            let book = setup.operations().len();
            let operation = name.split('/').next().unwrap_or(name);
            setup.fault(operation, Moment::Before, act.clone());
            let result = write(&setup, name).await;
            assert_eq!(result.expect_err(name).class, class, "{name} {act:?}");
            assert_eq!(setup.operations().len(), book, "{name} {act:?}");
        }
    }
}

#[tokio::test]
async fn a_list_may_take_longer_than_a_single_read_and_a_late_write_is_unclear() {
    let slow = |seconds| FaultAct::Slow { seconds };
    let setup = ready().await;
    setup.fault("list_subscriptions", Moment::After, slow(45));
    let list = setup.client.subscriptions(MAYA).await.expect("in time");
    assert_eq!(list.len(), 1);
    setup.fault("list_subscriptions", Moment::After, slow(61));
    let error = setup
        .client
        .subscriptions(MAYA)
        .await
        .expect_err("too late");
    assert_eq!(error.class, AGAIN);
    setup.fault("get_subscription", Moment::After, slow(45));
    let error = setup
        .client
        .subscription("5001")
        .await
        .expect_err("too late");
    assert_eq!(error.class, AGAIN);
    setup.fault("create_tag", Moment::After, slow(45));
    let error = setup.client.create_tag("New").await.expect_err("too late");
    assert_eq!(error.class, Class::Unclear);
    assert_eq!(setup.accepted("create_tag").len(), 1, "and done");
}

#[tokio::test]
async fn answers_of_nulls_prove_nothing() {
    let setup = ready().await;
    setup.does(Act::AddOrder(NewOrder {
        contact: 1001,
        ..NewOrder::default()
    }));
    setup
        .keap
        .configure(|tenant| tenant.drift = Drift::NullsEverywhere);
    let client = &setup.client;
    let contact = client.contact(MAYA).await.expect("an answer").expect("she");
    assert_eq!((contact.email(), contact.phone()), (None, None));
    let user = client.user_by_email("coach@example.test").await;
    assert!(user.expect("an answer").is_none(), "nobody is guessed");
    let state = client.address_status("maya@example.test").await;
    assert_eq!(
        state.expect("an answer").state,
        AddressState::Unknown(String::new())
    );
    let subscription = client.subscription("5001").await.expect("an answer");
    let subscription = subscription.expect("there is one");
    assert_eq!(
        (subscription.active, subscription.auto_charge),
        (None, None)
    );
    assert_eq!(subscription.payment_method_id.as_deref(), Some("6001"));
    let stopped = client.deactivate_subscription("5001", "moved").await;
    assert_eq!(stopped.expect_err("not shown").class, AGAIN);
    let off = client.auto_charge_off("5001", "moved").await;
    assert_eq!(off.expect_err("not shown").class, AGAIN);
    let applied = client.apply_tag(MAYA, "302").await;
    assert_eq!(applied.expect_err("no word").class, Class::Unclear);
    let owed = client.open_orders(MAYA).await.expect("an answer");
    assert_eq!(owed.len(), 1, "what is not called paid is owed");
    let cards = client.payment_methods(MAYA).await.expect("an answer");
    assert_eq!(cards[0].label(), "card");
}

#[tokio::test]
async fn a_write_whose_own_answer_shows_nothing_is_no_success() {
    let setup = ready().await;
    setup
        .keap
        .configure(|tenant| tenant.drift = Drift::NullsEverywhere);
    let result = setup.client.set_contact_type(MAYA, "In-Person").await;
    assert!(result.is_err(), "{result:?}");
}

#[tokio::test]
async fn new_words_count_as_the_worse_of_what_they_may_mean() {
    let setup = ready().await;
    setup.does(Act::AddOrder(NewOrder {
        contact: 1001,
        status: Some("PAID".to_owned()),
        ..NewOrder::default()
    }));
    setup
        .keap
        .configure(|tenant| tenant.oddities.words = Words::New);
    let client = &setup.client;
    let word = "A_NEW_WORD".to_owned();
    let state = client.address_status("maya@example.test").await;
    assert_eq!(state.expect("an answer").state, AddressState::Unknown(word));
    let user = client.user_by_email("coach@example.test").await;
    assert!(user.expect("an answer").is_none());
    assert_eq!(client.open_orders(MAYA).await.expect("an answer").len(), 1);
    let applied = client.apply_tag(MAYA, "302").await;
    assert_eq!(applied.expect_err("a new word").class, Class::Unclear);
    assert!(has_tag(client, MAYA, "Off").await, "looking settles it");
    // A sent mail is found although its provider has a new name.
    write(&setup, "email").await.expect("sent");
    setup.clock.advance(SignedDuration::from_secs(121));
    let marker = Marker::new("marker_one");
    let found = client
        .find_email(MAYA, "Hello", std::slice::from_ref(&marker), now())
        .await;
    assert!(found.expect("an answer").is_some());
}

#[tokio::test]
async fn errors_of_every_shape_are_read_and_none_is_quoted_whole() {
    for shape in [ErrorShape::Described, ErrorShape::Bare, ErrorShape::Trace] {
        let setup = usual(|oddities| oddities.error_shape = shape);
        let gone = setup.client.contact("99").await;
        assert!(gone.expect("404 is an answer").is_none(), "{shape:?}");
        let error = setup.client.reassign_task("30001", "8").await;
        assert!(
            error.is_ok(),
            "a task that is gone is left alone, {shape:?}"
        );
        let error = setup.client.create_tag("On").await.expect_err("taken");
        assert_eq!(error.class, Class::Permanent, "{shape:?}");
        assert!(!error.message.contains("className"), "{}", error.message);
        assert!(error.message.len() < 200, "{}", error.message);
    }
}

#[tokio::test]
async fn all_codes_of_401_mean_unauthorised_and_are_named() {
    for code in [
        "oauth.v2.InvalidAccessToken",
        "keymanagement.service.invalid_access_token",
        "keymanagement.service.access_token_expired",
    ] {
        let setup = setup();
        let act = FaultAct::Status {
            code: 401,
            retry_after: None,
            body: Some(gateway_fault("Invalid Access Token", code).to_string()),
        };
        setup.fault("get_contact", Moment::Before, act);
        let error = setup.client.contact(MAYA).await.expect_err("refused");
        assert_eq!(
            (error.class, error.message.as_str()),
            (Class::Unauthorised, code)
        );
    }
}

#[tokio::test]
async fn a_sent_mail_whose_comment_was_stripped_is_never_found_and_never_proven_absent() {
    let setup = usual(|oddities| oddities.html_comment = HtmlComment::Stripped);
    write(&setup, "email").await.expect("sent");
    setup.clock.advance(SignedDuration::from_hours(1));
    let marker = Marker::new("marker_one");
    let found = setup
        .client
        .find_email(MAYA, "Hello", std::slice::from_ref(&marker), now())
        .await;
    assert_eq!(found.expect("an answer"), None);
    let history = setup.client.emails(MAYA, now()).await.expect("a history");
    assert_eq!(history.len(), 1, "a person can see it");
}

fn with_list_box(setup: &Setup) {
    setup.does(Act::AddField(NewField {
        id: Some(12),
        label: "Concerns".to_owned(),
        field_type: Some("LIST_BOX".to_owned()),
        ..NewField::default()
    }));
    setup.edits("12", json!(["chin", "jaw"]));
}

#[tokio::test]
async fn a_field_that_changes_by_being_written_back_is_reported() {
    for (switch, disturbed) in [
        (WriteBack::Kept, vec![]),
        (
            WriteBack::Altered,
            vec!["12 (changed meanwhile, left as it is)"],
        ),
    ] {
        let setup = usual(|oddities| {
            oddities.list_box = ListBox::Joined;
            oddities.write_back = switch;
        });
        with_list_box(&setup);
        let write = setup.client.set_contact_type(MAYA, "In-Person").await;
        assert_eq!(write.expect("written").disturbed, disturbed, "{switch:?}");
    }
}

#[tokio::test]
async fn a_field_that_cannot_be_written_back_stops_the_write_and_nothing_is_lost() {
    let setup = usual(|oddities| oddities.write_back = WriteBack::Refused);
    with_list_box(&setup);
    let before = setup.fields().await;
    let error = setup.client.set_contact_type(MAYA, "In-Person").await;
    assert_eq!(error.expect_err("refused").class, Class::Permanent);
    assert_eq!(setup.fields().await, before);
    assert!(setup.accepted("contact_type").is_empty());
}

#[tokio::test]
async fn a_write_that_reads_do_not_show_yet_is_tried_again_and_loses_nothing() {
    let late = |oddities: &mut Oddities| oddities.field_delay = 2..=2;
    let setup = furnished(late, CustomFieldsMode::Full);
    let write = setup.client.set_contact_type(MAYA, "In-Person").await;
    assert!(write.expect("its own answer shows it").written);

    let setup = furnished(late, CustomFieldsMode::V1Single);
    setup.add_text_field(8, "Skin Type");
    setup.edits("8", json!("dry"));
    let write = setup.client.set_contact_type(MAYA, "In-Person").await;
    assert_eq!(write.expect_err("not shown").class, AGAIN);
    setup.clock.advance(SignedDuration::from_secs(2));
    let shown = setup.client.contact_type(MAYA).await.expect("an answer");
    assert_eq!(shown, ContactType::Shown(Some("In-Person".into())));
    assert_eq!(setup.fields().await["8"], json!("dry"));
}

#[tokio::test]
async fn a_card_that_is_still_charged_and_so_refused_stays() {
    let setup = usual(|oddities| oddities.card_in_use = CardInUse::Refused);
    let error = setup.client.delete_payment_method(MAYA, "6001").await;
    let error = error.expect_err("in use");
    assert_eq!((error.class, error.status), (Class::Permanent, Some(409)));
    let cards = setup.client.payment_methods(MAYA).await.expect("cards");
    assert_eq!(cards.len(), 1);
}

#[tokio::test]
async fn a_tag_that_is_refused_with_200_is_no_success() {
    let setup = usual(|_| {});
    for (word, class) in [
        ("NO_PERMISSION", Class::Permanent),
        ("FAILURE", AGAIN),
        ("SOMETHING_NEW", Class::Unclear),
    ] {
        setup.does(Act::RefuseTags(TagRefusal {
            contact: 1001,
            word: Some(word.to_owned()),
        }));
        let error = setup.client.apply_tag(MAYA, "302").await.expect_err(word);
        assert_eq!(error.class, class, "{word}");
        assert!(!has_tag(&setup.client, MAYA, "Off").await);
    }
}

#[tokio::test]
async fn a_task_whose_text_the_list_leaves_out_is_read_by_itself() {
    let setup = ready().await;
    let client = &setup.client;
    let since = setup.clock.now();
    let marker = Marker::new("marker_short");
    let made = client
        .create_task(Some(MAYA), COACH, "CALL", "Call her", since, &marker)
        .await
        .expect("made");
    setup
        .keap
        .configure(|tenant| tenant.drift = Drift::ShortLists);
    let hers = TasksAmong::Contact(MAYA);
    let found = client
        .find_tasks(hers, std::slice::from_ref(&marker), since)
        .await;
    let found = found.expect("an answer");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.id, Some(made));
    let other = client
        .find_tasks(hers, &[Marker::new("marker_else")], since)
        .await;
    assert!(other.expect("an answer").is_empty());
}

#[tokio::test]
async fn a_note_whose_text_the_list_leaves_out_is_read_by_itself() {
    let setup = ready().await;
    let client = &setup.client;
    let since = setup.clock.now();
    let marker = Marker::new("marker_short");
    let made = client
        .create_note(MAYA, COACH, "Mailed", "Why", &marker)
        .await
        .expect("made");
    setup
        .keap
        .configure(|tenant| tenant.drift = Drift::ShortLists);
    let found = client
        .find_note(MAYA, std::slice::from_ref(&marker), since)
        .await;
    assert_eq!(found.expect("an answer").map(|found| found.id), Some(made));
}
