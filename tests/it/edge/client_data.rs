//! What is known of clients, or wrong: E13, E15–E23, E25–E27.

use clear_relay::engine::commands::cases;
use relay_core::case::CaseStatus;
use relay_core::effects::CardRemoval;
use relay_core::facts::Order;
use serde_json::json;

use super::clinic::{Clinic, Person};
use crate::support::tools::Tools as _;

/// What the portal accepted as the first message.
fn first_message(clinic: &Clinic, who: &Person) -> String {
    let all = clinic.accepted(who);
    let sent = all.iter().find(|entry| entry.operation == "portal_message");
    let text = sent.and_then(|entry| entry.content["text"].as_str());
    text.expect("a first message").to_owned()
}

#[tokio::test]
async fn e13_a_number_that_is_gone_by_the_time_of_the_call_holds_and_resuming_decides_anew() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    // Keap can't take the task now, and says when to come back; meanwhile the number goes.
    clinic.fault(
        "keap",
        json!({ "operation": "call_task", "moment": "before", "act": "status", "code": 429,
                "retry_after": 3600 }),
    );
    clinic.until("2026-11-06 09:30").await;
    clinic.keap(json!({ "act": "set_phone", "contact": 202, "phone": null }));
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), ["4 09:00 portal_message"]);
    assert_eq!(clinic.work_kinds(&jo).await, ["hold"]);
    clinic.done(&jo, "hold", "resume", None).await;
    assert_eq!(
        clinic.outreach(&jo),
        ["4 09:00 portal_message", "6 12:00 email"]
    );
    assert!(!clinic.story(&jo).contains(&"6 call_task".to_owned()));
}

#[tokio::test]
async fn e15_an_address_that_bounces_between_decision_and_send_holds_the_email() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.fault(
        "keap",
        json!({ "operation": "email", "moment": "before", "act": "status", "code": 429,
                "retry_after": 3600 }),
    );
    clinic.until("2026-11-06 09:30").await;
    clinic.keap(
        json!({ "act": "set_address_status", "email": "maya@example.test",
        "status": "HARD_BOUNCE" }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    clinic.done(&maya, "hold", "resume", None).await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 12:00 call_task"]
    );
}

#[tokio::test]
async fn e20_of_two_contacts_with_her_address_only_the_linked_one_gets_her_mail() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(
        json!({ "act": "add_contact", "id": 990, "given_name": "Maya",
        "email": "maya@example.test", "email_status": "SINGLE_OPT_IN" }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 09:00 email"]
    );
    let all = clinic.world.vendors.accepted();
    assert!(all.iter().all(|entry| entry.who != "990"), "{all:?}");
}

#[tokio::test]
async fn e20_two_contacts_and_no_link_are_settled_by_a_person_and_never_guessed() {
    let maya = Person {
        linked: false,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(
        json!({ "act": "add_contact", "id": 990, "given_name": "Maya",
        "email": "maya@example.test", "email_status": "SINGLE_OPT_IN" }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.work_kinds(&maya).await, ["hold", "link"]);

    let engine = &clinic.world.relay.engine;
    cases::link_client(engine, &maya.id.into(), &"201".into(), "Robin")
        .await
        .expect("a link");
    clinic.settle().await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 12:00 email"],
        "what it was held for is settled"
    );
    assert!(clinic.work_kinds(&maya).await.is_empty());
}

#[tokio::test]
async fn e20_nothing_she_pays_is_touched_while_she_is_there_twice() {
    let maya = Person {
        due: None,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(json!({ "act": "add_contact", "id": 990, "email": "maya@example.test" }));
    clinic.fee(901, 201, None);
    let order = Order::CancelSubscription {
        reason: "asked for".into(),
        card: CardRemoval::Keep,
    };
    clinic.order(&maya, order).await;
    assert!(clinic.story(&maya).is_empty());
    assert_eq!(clinic.work_kinds(&maya).await, ["hold"]);
}

#[tokio::test]
async fn e21_a_link_that_the_portal_contradicts_reaches_neither_contact() {
    let maya = Person::maya();
    let clinic = Clinic::open().await;
    clinic.join(&Person {
        id: "ana",
        contact: 203,
        due: None,
        ..Person::maya()
    });
    clinic.join(&maya);
    let engine = &clinic.world.relay.engine;
    // Somebody linked her wrongly, long ago and not by hand.
    engine
        .store
        .commit(
            vec![relay_store::Op::PutLink(relay_store::Link {
                client: maya.id.into(),
                contact: "203".into(),
                source: "email".into(),
                at: clinic.world.now(),
            })]
            .into(),
        )
        .await
        .expect("a link");
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let in_crm = clinic.world.vendors.keap().accepted();
    assert!(
        in_crm
            .iter()
            .all(|entry| entry.who != "201" && entry.who != "203"),
        "{in_crm:?}"
    );
    assert_eq!(clinic.work_kinds(&maya).await, ["hold", "link"]);
}

#[tokio::test]
async fn e22_null_as_a_name_is_held_and_sent_once_it_is_corrected() {
    let nobody = Person {
        first: None,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&nobody)).await;
    clinic.until("2026-11-04 12:00").await;
    assert!(clinic.beside_inbox(&nobody).is_empty());
    let item = clinic.item(&nobody, "hold").await;
    assert!(item.title.contains("name"), "{}", item.title);
    clinic.done(&nobody, "hold", "skip", None).await;
    assert!(
        clinic.beside_inbox(&nobody).is_empty(),
        "left out is not sent"
    );
}

#[tokio::test]
async fn e23_markup_emoji_and_right_to_left_names_arrive_as_typed_and_as_text() {
    let people = [
        ("markup", 211, "<b>Mia</b> & {due}"),
        ("emoji", 212, "Zoë 🌻"),
        ("rtl", 213, "נועה"),
    ];
    let clinic = Clinic::open().await;
    let people = people.map(|(id, contact, first)| Person {
        id,
        contact,
        first: Some(first),
        ..Person::maya()
    });
    for person in &people {
        clinic.join(person);
    }
    clinic.until("2026-11-06 12:00").await;
    for person in &people {
        let name = person.first.expect("a name");
        let text = first_message(&clinic, person);
        let plain: String = text
            .chars()
            .filter(|c| !('\u{2066}'..='\u{2069}').contains(c))
            .collect();
        let expected = format!(
            "Hi {name}! Your check in was due yesterday, November 3. Please submit your check-in \
             ASAP, and I will get your regimen changes to you. Thanks, and have a great day!"
        );
        assert_eq!(plain, expected);
        assert_eq!(clinic.outreach(person).len(), 2, "{}", person.id);
    }
    let rtl = first_message(&clinic, &people[2]);
    assert!(rtl.contains("\u{2068}נועה\u{2069}"), "isolated: {rtl:?}");
}

#[tokio::test]
async fn e25_whoever_is_not_in_the_online_program_is_left_alone() {
    let clinic = Clinic::open().await;
    let people = [
        ("clinic", 221, "in_person"),
        ("left", 222, "quit"),
        ("done", 223, "graduated"),
        ("pause", 224, "on_break"),
        ("call", 225, "transition_call_only"),
        ("keeps", 226, "maintenance"),
    ];
    let people = people.map(|(id, contact, status)| {
        let person = Person {
            id,
            contact,
            ..Person::maya()
        };
        clinic.join(&person);
        clinic.portal(json!({ "act": "change_status", "client": id, "status": status }));
        person
    });
    clinic.until("2026-11-12 12:00").await;
    for person in &people {
        assert!(clinic.beside_inbox(person).is_empty(), "{}", person.id);
        let open = clinic.store().open_cases(&person.id.into()).await;
        assert!(open.expect("cases").is_empty(), "{}", person.id);
        // Only the call that ends a program is for somebody to arrange (A23), and a break without an
        // end is for her coach to put one to (E12).
        let asked: &[&str] = match person.id {
            "call" => &["transition_call"],
            "pause" => &["open_break"],
            _ => &[],
        };
        assert_eq!(clinic.work_kinds(person).await, asked, "{}", person.id);
    }
    clinic
        .done(&people[4], "transition_call", "done", None)
        .await;
    assert!(clinic.work_kinds(&people[4]).await.is_empty());
}

#[tokio::test]
async fn e25_a_program_ended_by_hand_closes_the_case_and_the_manager_can_stop_the_fee() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.fee(901, 201, None);
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "end_program", "client": "maya" }));
    clinic.until("2026-11-05 12:30").await;
    let item = clinic.item(&maya, "fee").await;
    assert_eq!(item.owner, "program_manager");
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);

    // Stopping it is an order of its own; taking note of the question stops nothing.
    clinic.done(&maya, "fee", "done", None).await;
    assert_eq!(clinic.count("auto_charge_off"), 0);
    let order = Order::CancelSubscription {
        reason: "the program has ended".into(),
        card: CardRemoval::Keep,
    };
    clinic.order(&maya, order).await;
    let story = clinic.story(&maya);
    assert!(story.contains(&"5 auto_charge_off".to_owned()), "{story:?}");
    assert!(
        story.contains(&"5 deactivate_subscription".to_owned()),
        "{story:?}"
    );
    assert!(clinic.work_kinds(&maya).await.is_empty());
}

#[tokio::test]
async fn e26_without_a_regimen_date_every_message_goes_out_and_no_wait_is_shortened() {
    let maya = Person {
        regimen: None,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 09:00 email"]
    );
    let case = clinic.case(&maya).await;
    let history = clinic.history(case.id).await.join("\n");
    assert!(history.contains("regimen change is unknown"), "{history}");
}

#[tokio::test]
async fn e39_a_status_nobody_knows_holds_a_case_under_way_and_nothing_is_sent() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "change_status", "client": "maya", "status": "hibernating" }));
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let case = clinic.case(&maya).await;
    assert!(matches!(case.status, CaseStatus::Held { .. }), "{case:?}");
}
