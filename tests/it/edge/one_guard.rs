//! One guard for every way in: what is refused to a person is refused to the machine (E20, E21, E60).

use clear_relay::engine::commands::cases;
use relay_core::case::{CaseStatus, Mode};
use relay_core::facts::Order;
use relay_core::ids::ContactId;
use serde_json::json;

use super::clinic::{Clinic, Person};

#[tokio::test]
async fn e60_in_person_by_our_own_order_stops_the_follow_up_at_once_and_closes_it() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-04 00:05").await;
    // Keap does not take the write yet.
    clinic.fault(
        "keap",
        json!({ "operation": "contact_type", "moment": "before", "act": "status", "code": 429,
            "retry_after": 3600 }),
    );
    let order = Order::SetContactType {
        value: "In-Person".into(),
    };
    clinic.order(&maya, order).await;
    let follow_up = |cases: Vec<relay_core::case::Case>| {
        let mut found = cases
            .into_iter()
            .filter(|case| case.procedure == "missed_check_in");
        found.next().expect("a follow-up").status
    };
    let status = follow_up(clinic.cases(&maya).await);
    assert!(!matches!(status, CaseStatus::Open), "{status:?}");
    clinic.until("2026-11-06 12:00").await;
    assert!(
        clinic.outreach(&maya).is_empty(),
        "{:?}",
        clinic.outreach(&maya)
    );
    assert_eq!(clinic.count("contact_type"), 1);
    let status = follow_up(clinic.cases(&maya).await);
    let CaseStatus::Closed { reason } = status else {
        panic!("{status:?}");
    };
    assert!(reason.contains("comes to the clinic"), "{reason}");
    assert!(clinic.work_kinds(&maya).await.is_empty());

    // The next check-in that she misses finds her in the clinic.
    clinic.check_in_due("maya", "ci_next", "2026-11-17");
    clinic.until("2026-11-19 12:00").await;
    assert!(
        clinic.outreach(&maya).is_empty(),
        "{:?}",
        clinic.outreach(&maya)
    );
}

#[tokio::test]
async fn e60_in_person_set_by_hand_in_keap_closes_the_follow_up() {
    // Told by Keap's hook; then without a hook, by the daily read or the guard.
    for hooked in [true, false] {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-05 12:00").await;
        // Linked by the first look that needs the CRM; here by hand.
        let engine = &clinic.world.relay.engine;
        let (client, contact) = (maya.id.into(), ContactId::from("201"));
        let linked = cases::link_client(engine, &client, &contact, "Beth");
        linked.await.expect("linked");
        if !hooked {
            clinic.keap(json!({ "act": "deactivate_hooks" }));
        }
        clinic.keap(json!({ "act": "edit_contact_field", "contact": 201,
            "field": "Contact Type", "value": "In-Person" }));
        let until = if hooked {
            "2026-11-05 12:30"
        } else {
            "2026-11-06 12:00"
        };
        clinic.until(until).await;
        let reason = clinic.closed(&maya).await;
        assert!(reason.contains("comes to the clinic"), "{reason}");
        assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    }
}

#[tokio::test]
async fn e20_two_clients_with_one_address_are_not_both_linked_to_one_contact() {
    let maya = Person {
        linked: false,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.portal(
        json!({ "act": "add_client", "id": "twin", "first_name": "Mia", "last_name": "Hayes",
        "status": "online", "coach": "coach_beth", "email": "maya@example.test",
        "last_regimen_change": "2026-10-20" }),
    );
    clinic.check_in_due("twin", "ci_twin", "2026-11-03");
    clinic.until("2026-11-10 12:00").await;
    let linked = clinic
        .store()
        .clients_of(&"201".into())
        .await
        .expect("links");
    assert_eq!(linked.len(), 1, "{linked:?}");
    assert_eq!(clinic.count("email"), 1);
    let open = clinic.work().await;
    let refused: Vec<_> = open.iter().filter(|item| item.kind == "link").collect();
    assert_eq!(refused.len(), 1);
    let title = &refused[0].title;
    assert!(title.contains("contact 201 is client"), "{title}");
}

#[tokio::test]
async fn e21_a_second_address_of_a_contact_links_nobody_by_machine() {
    let maya = Person {
        linked: false,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(json!({ "act": "edit_contact", "contact": 201, "changes": {
        "email_addresses": [
            { "email": "husband@example.test", "field": "EMAIL1" },
            { "email": "maya@example.test", "field": "EMAIL2" },
        ] } }));
    clinic.until("2026-11-10 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert_eq!(clinic.work_kinds(&maya).await, ["hold", "link"]);
    let title = clinic.item(&maya, "link").await.title;
    assert!(title.contains("further address"), "{title}");
    assert!(
        clinic
            .store()
            .link(&maya.id.into())
            .await
            .expect("a read")
            .is_none()
    );
}

#[tokio::test]
async fn e21_nothing_is_mailed_to_an_address_the_portal_does_not_have_until_a_person_says_so() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(json!({ "act": "edit_contact", "contact": 201, "changes": {
        "email_addresses": [{ "email": "husband@example.test", "field": "EMAIL1" }] } }));
    clinic.keap(
        json!({ "act": "set_address_status", "email": "husband@example.test",
        "status": "SINGLE_OPT_IN" }),
    );
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let item = clinic.item(&maya, "hold").await;
    let command = item.detail["command"].as_str().expect("a command");
    assert!(command.contains("clients link maya 201"), "{command}");
    assert!(!item.title.contains('`'), "{}", item.title);
    let engine = &clinic.world.relay.engine;
    let (client, contact) = (maya.id.into(), ContactId::from("201"));
    let linked = cases::link_client(engine, &client, &contact, "Beth");
    linked.await.expect("a person's word");
    clinic.done(&maya, "hold", "resume", None).await;
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(
        clinic.count("email"),
        1,
        "asked once: {:?}",
        clinic.work_kinds(&maya).await
    );
}

#[tokio::test]
async fn e41_a_coach_whom_the_relay_has_not_met_is_met_when_her_name_is_needed() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.count("email"), 1);
    clinic.portal(
        json!({ "act": "add_coach", "id": "coach_new", "name": "Nora",
        "email": "nora@clinic.example.test" }),
    );
    clinic.portal(json!({ "act": "change_coach", "client": "maya", "coach": "coach_new" }));
    clinic.until("2026-11-09 12:00").await;
    let item = clinic.item(&maya, "by_hand").await;
    assert_eq!(item.owner, "coach_new");
    let text = item.detail["ready"]["text"].as_str().unwrap_or_default();
    assert!(text.contains("this is Nora at"), "{}", item.detail);
}

#[tokio::test]
async fn a39_for_other_coaches_clients_it_proposes_and_one_who_moves_there_waits() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let hers = Person {
        id: "hers",
        contact: 203,
        coach: "coach_ruth",
        ..Person::maya()
    };
    let clinic = Clinic::open_with(|setup| {
        setup.amend = |text| format!("{text}act_for = [\"coach_beth\"]\n");
    })
    .await;
    for person in [&maya, &jo, &hers] {
        clinic.join(person);
    }
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    assert!(clinic.story(&hers).is_empty(), "{:?}", clinic.story(&hers));
    assert_eq!(clinic.case(&hers).await.mode, Mode::Propose);
    // Jo goes to a coach for whom nothing is done yet, and Ruth's client comes to Beth.
    clinic.portal(json!({ "act": "change_coach", "client": "jo", "coach": "coach_ruth" }));
    clinic.portal(json!({ "act": "change_coach", "client": "hers", "coach": "coach_beth" }));
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), ["4 09:00 portal_message"]);
    assert_eq!(clinic.case(&jo).await.mode, Mode::Act);
    assert_eq!(
        clinic.outreach(&maya),
        ["4 09:00 portal_message", "6 09:00 email"]
    );
    assert!(clinic.outreach(&hers).is_empty(), "a proposal stays one");
    clinic.portal(json!({ "act": "change_coach", "client": "jo", "coach": "coach_beth" }));
    clinic.until("2026-11-06 14:00").await;
    assert_eq!(clinic.outreach(&jo).len(), 2, "{:?}", clinic.outreach(&jo));
}
