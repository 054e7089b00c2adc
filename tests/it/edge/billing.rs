//! Orders that touch what clients pay, and their rails: E46–E50.

use relay_core::case::CaseStatus;
use relay_core::effects::{CardRemoval, EffectKind};
use relay_core::facts::Order;
use relay_store::EffectState;
use serde_json::json;

use super::clinic::{Clinic, Person};

async fn clinic() -> (Clinic, Person) {
    let maya = Person {
        due: None,
        ..Person::maya()
    };
    (Clinic::with(std::slice::from_ref(&maya)).await, maya)
}

fn cancel(card: CardRemoval) -> Order {
    Order::CancelSubscription {
        reason: "asked for".into(),
        card,
    }
}

fn card(clinic: &Clinic, id: u64) {
    clinic.keap(json!({ "act": "add_payment_method", "id": id, "contact": 201 }));
}

#[tokio::test]
async fn the_fee_stops_in_the_documents_order_and_a_second_order_finds_nothing_to_do() {
    let (clinic, maya) = clinic().await;
    card(&clinic, 801);
    clinic.fee(901, 201, Some(801));
    clinic.order(&maya, cancel(CardRemoval::Delete)).await;
    let story = [
        "2 auto_charge_off",
        "2 deactivate_subscription",
        "2 remove_card",
    ];
    assert_eq!(clinic.story(&maya), story);
    let case = clinic.order(&maya, cancel(CardRemoval::Delete)).await;
    assert_eq!(clinic.story(&maya), story);
    let case = clinic.store().case(case).await.expect("a store");
    assert!(matches!(
        case.expect("a case").status,
        CaseStatus::Closed { .. }
    ));
}

#[tokio::test]
async fn a_page_in_keaps_place_is_no_removed_card_and_what_cannot_be_read_back_is_told() {
    for (mode, delete) in [
        (CardRemoval::Deactivate, false),
        (CardRemoval::Delete, true),
    ] {
        let (clinic, maya) = clinic().await;
        card(&clinic, 801);
        clinic.fee(901, 201, Some(801));
        clinic.fault(
            "keap",
            json!({ "operation": "remove_card", "moment": "before", "act": "status", "code": 404,
                    "body": "<html>Page not found</html>" }),
        );
        let case = clinic.order(&maya, cancel(mode)).await;
        assert_eq!(clinic.count("remove_card"), 0, "nothing was removed");
        let effects = clinic.effects(case).await;
        let removal = effects.iter().find(|e| e.kind() == EffectKind::RemoveCard);
        let removal = removal.expect("planned");
        assert_ne!(removal.state, EffectState::Done, "{mode:?}");
        // Looked for, found standing, and tried again.
        clinic.until("2026-11-03 09:00").await;
        assert_eq!(clinic.count("remove_card"), 1, "{mode:?}");
        let kinds = clinic.work_kinds(&maya).await;
        assert_eq!(kinds.contains(&"alarm".to_owned()), !delete, "{kinds:?}");
    }
}

#[tokio::test]
async fn e46_a_fee_that_is_stopped_already_is_a_success_that_says_so() {
    let (clinic, maya) = clinic().await;
    clinic.keap(
        json!({ "act": "add_subscription", "id": 901, "contact": 201, "product": 10,
        "active": false, "auto_charge": false }),
    );
    clinic.order(&maya, cancel(CardRemoval::Keep)).await;
    assert!(clinic.story(&maya).is_empty());
    assert!(clinic.closed(&maya).await.starts_with("nothing to do"));
}

#[tokio::test]
async fn e47_subscriptions_that_are_not_coaching_run_on() {
    let (clinic, maya) = clinic().await;
    clinic.fee(901, 201, None);
    clinic.keap(json!({ "act": "add_subscription", "id": 902, "contact": 201, "product": 20 }));
    clinic.order(&maya, cancel(CardRemoval::Keep)).await;
    let touched: Vec<_> = clinic
        .accepted(&maya)
        .iter()
        .map(|entry| entry.content["subscription"].clone())
        .collect();
    assert_eq!(touched, ["901", "901"]);
}

#[tokio::test]
async fn e48_two_coaching_subscriptions_are_both_stopped_and_an_admin_hears_of_it() {
    let (clinic, maya) = clinic().await;
    clinic.fee(901, 201, None);
    clinic.fee(902, 201, None);
    clinic.order(&maya, cancel(CardRemoval::Keep)).await;
    assert_eq!(clinic.count("auto_charge_off"), 2);
    assert_eq!(clinic.count("deactivate_subscription"), 2);
    assert_eq!(clinic.item(&maya, "billing").await.owner, "admin");
    clinic.done(&maya, "billing", "done", None).await;
    assert!(clinic.work_kinds(&maya).await.is_empty());
}

#[tokio::test]
async fn e49_a_card_that_something_else_is_charged_to_stays_and_the_manager_hears_of_it() {
    let (clinic, maya) = clinic().await;
    card(&clinic, 801);
    clinic.fee(901, 201, Some(801));
    clinic.keap(
        json!({ "act": "add_subscription", "id": 902, "contact": 201, "product": 20,
        "payment_method": 801 }),
    );
    clinic.order(&maya, cancel(CardRemoval::Delete)).await;
    assert_eq!(
        clinic.story(&maya),
        ["2 auto_charge_off", "2 deactivate_subscription"]
    );
    let item = clinic.item(&maya, "card").await;
    assert_eq!(item.owner, "program_manager");
    clinic.done(&maya, "card", "done", None).await;
    assert!(clinic.work_kinds(&maya).await.is_empty());
}

#[tokio::test]
async fn e50_the_only_card_stays_while_money_is_owed() {
    let (clinic, maya) = clinic().await;
    card(&clinic, 801);
    clinic.fee(901, 201, Some(801));
    clinic.keap(json!({ "act": "add_order", "contact": 201, "title": "Peel", "total_due": 8900 }));
    clinic.order(&maya, cancel(CardRemoval::Delete)).await;
    assert_eq!(clinic.count("remove_card"), 0);
    let item = clinic.item(&maya, "card").await;
    assert!(item.title.contains("only card"), "{}", item.title);
}

#[tokio::test]
async fn a_stopped_fee_that_comes_alive_again_alarms_the_admin() {
    let (clinic, maya) = clinic().await;
    clinic.fee(901, 201, None);
    clinic.order(&maya, cancel(CardRemoval::Keep)).await;
    clinic.keap(json!({ "act": "change_subscription", "subscription": 901,
        "changes": { "active": true, "auto_charge": true } }));
    clinic.until("2026-11-02 12:00").await;
    let item = clinic.item(&maya, "billing").await;
    assert_eq!(item.owner, "admin");
    assert_eq!(
        clinic.count("auto_charge_off"),
        1,
        "a person decides, not the relay"
    );
}

#[tokio::test]
async fn a_fee_whose_stop_was_refused_after_it_was_done_is_watched_as_well() {
    let (clinic, maya) = clinic().await;
    clinic.fee(901, 201, None);
    clinic.fault(
        "keap",
        json!({ "operation": "deactivate_subscription", "moment": "after", "act": "status",
                "code": 429 }),
    );
    clinic.order(&maya, cancel(CardRemoval::Keep)).await;
    clinic.until("2026-11-02 10:00").await;
    assert_eq!(clinic.count("deactivate_subscription"), 1);
    clinic.keap(json!({ "act": "change_subscription", "subscription": 901,
        "changes": { "active": true, "auto_charge": true } }));
    clinic.until("2026-11-02 12:00").await;
    assert_eq!(clinic.item(&maya, "billing").await.owner, "admin");
}

#[tokio::test]
async fn the_contact_type_changes_alone_and_a_value_keap_does_not_offer_is_held() {
    let (clinic, maya) = clinic().await;
    let order = |value: &str| Order::SetContactType {
        value: value.into(),
    };
    clinic.order(&maya, order("In-Person")).await;
    let written = &clinic.accepted(&maya)[0];
    assert_eq!(written.operation, "contact_type");
    assert_eq!(written.content["others_unchanged"], true);
    clinic.order(&maya, order("On the moon")).await;
    assert_eq!(clinic.count("contact_type"), 1);
    let item = clinic.item(&maya, "hold").await;
    assert_eq!(item.owner, "admin");
    clinic.done(&maya, "hold", "done_by_hand", None).await;
    assert!(clinic.work_kinds(&maya).await.is_empty());
}
