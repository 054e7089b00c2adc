//! Subscriptions and cards: what is on goes off, once, and nothing else is touched.

use relay_core::retry::Class;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::{
    Act, AutoCharge, DeactivatedCard, NewOrder, NewPaymentMethod, NewProduct, NewSubscription,
    SecondDeactivate,
};
use relay_keap::{CustomFieldsMode, Removed};

use super::support::{MAYA, Setup, not_found, setup, setup_with};

const FEE: &str = "501";
const CARD: &str = "301";

/// Maya's coaching fee and another subscription on the same card.
fn fee(setup: Setup) -> Setup {
    let product = |id, name: &str| {
        Act::AddProduct(NewProduct {
            id: Some(id),
            name: name.to_owned(),
            plan: Some(id + 50),
        })
    };
    setup.does(product(11, "Monthly Coaching Support Fee"));
    setup.does(product(12, "Monthly Coaching Support Fee (old)"));
    setup.does(Act::AddPaymentMethod(NewPaymentMethod {
        id: Some(301),
        contact: 1001,
        ..NewPaymentMethod::default()
    }));
    for (id, product) in [(501, 11), (502, 12)] {
        setup.does(Act::AddSubscription(NewSubscription {
            id: Some(id),
            contact: 1001,
            product: Some(product),
            payment_method: Some(301),
            ..NewSubscription::default()
        }));
    }
    setup
}

#[tokio::test]
async fn a_subscription_goes_off_auto_charge_and_then_inactive_each_once() {
    for auto_charge in [AutoCharge::AsIs, AutoCharge::TurnsOff] {
        let adjust = |tenant: &mut relay_keap::emulator::Settings| {
            tenant.deactivate_auto_charge = auto_charge;
            tenant.second_deactivate = SecondDeactivate::Conflict;
        };
        let setup = fee(setup_with(adjust, CustomFieldsMode::Full));
        let client = &setup.client;
        for _ in 0..2 {
            client
                .auto_charge_off(FEE, "2026-11-03 moved to in-person")
                .await
                .expect("off");
            client
                .deactivate_subscription(FEE, "moved to in-person")
                .await
                .expect("inactive");
        }
        assert_eq!(
            setup.operations(),
            ["auto_charge_off", "deactivate_subscription"]
        );
        let all = client.subscriptions(MAYA).await.expect("an answer");
        let state = |id: &str| {
            let found = all
                .iter()
                .find(|s| s.id.as_deref() == Some(id))
                .expect("listed");
            (found.active, found.auto_charge)
        };
        assert_eq!(state(FEE), (Some(false), Some(false)));
        assert_eq!(
            state("502"),
            (Some(true), Some(true)),
            "the other one is untouched"
        );
    }
}

#[tokio::test]
async fn a_lost_answer_is_unclear_and_the_next_attempt_finds_nothing_to_do() {
    let setup = fee(setup());
    setup.fault("auto_charge_off", Moment::After, FaultAct::Hang);
    let error = setup
        .client
        .auto_charge_off(FEE, "why")
        .await
        .expect_err("lost");
    assert_eq!(error.class, Class::Unclear);
    setup
        .client
        .auto_charge_off(FEE, "why")
        .await
        .expect("nothing to do");
    setup.fault("deactivate_subscription", Moment::After, FaultAct::Reset);
    let error = setup
        .client
        .deactivate_subscription(FEE, "why")
        .await
        .expect_err("lost");
    assert_eq!(error.class, Class::Unclear);
    setup
        .client
        .deactivate_subscription(FEE, "why")
        .await
        .expect("nothing to do");
    assert_eq!(
        setup.operations(),
        ["auto_charge_off", "deactivate_subscription"]
    );
}

#[tokio::test]
async fn a_subscription_that_is_not_there_is_an_error_and_never_done() {
    let setup = setup();
    for error in [
        setup
            .client
            .auto_charge_off("99", "why")
            .await
            .expect_err("none"),
        setup
            .client
            .deactivate_subscription("99", "why")
            .await
            .expect_err("none"),
    ] {
        assert!(error.is_not_found());
        assert_eq!(error.class, Class::Permanent);
    }
    assert_eq!(setup.transport.mutating(), 0);
}

#[tokio::test]
async fn a_card_is_deleted_once_and_gone_is_done() {
    let setup = fee(setup());
    let client = &setup.client;
    let cards = client.payment_methods(MAYA).await.expect("an answer");
    assert_eq!(cards.len(), 1);
    assert_eq!(cards[0].payment_method_id.as_deref(), Some(CARD));
    assert!(cards[0].label().contains("4242"), "{}", cards[0].label());
    client
        .delete_payment_method(MAYA, CARD)
        .await
        .expect("deleted");
    client
        .delete_payment_method(MAYA, CARD)
        .await
        .expect("gone is done");
    client
        .deactivate_payment_method(MAYA, CARD)
        .await
        .expect("gone is done");
    assert!(
        client
            .payment_methods(MAYA)
            .await
            .expect("an answer")
            .is_empty()
    );
    assert_eq!(setup.operations(), ["remove_card"]);
}

#[tokio::test]
async fn a_page_in_keaps_place_never_passes_for_a_removed_card() {
    let setup = fee(setup());
    let client = &setup.client;
    for body in [
        "<html>Page not found</html>",
        "",
        r#"{"message":"no Route matched"}"#,
    ] {
        for delete in [true, false] {
            setup.fault("remove_card", Moment::Before, not_found(body));
            let error = if delete {
                client.delete_payment_method(MAYA, CARD).await
            } else {
                client.deactivate_payment_method(MAYA, CARD).await.map(drop)
            };
            let error = error.expect_err("it is not known what became of it");
            assert_eq!(error.class, Class::Unclear, "{body}");
            assert!(!error.is_not_found());
        }
    }
    let cards = client.payment_methods(MAYA).await.expect("an answer");
    assert_eq!(cards.len(), 1, "it stands");
    assert!(setup.operations().is_empty());
}

#[tokio::test]
async fn a_card_made_inactive_says_whether_the_list_still_shows_it() {
    for (kept, expected) in [
        (DeactivatedCard::Listed, Removed::Listed),
        (DeactivatedCard::Hidden, Removed::Gone),
    ] {
        let setup = fee(setup());
        setup
            .keap
            .configure(|settings| settings.deactivated_card = kept);
        let removed = setup.client.deactivate_payment_method(MAYA, CARD).await;
        assert_eq!(removed.expect("accepted"), expected);
    }
}

#[tokio::test]
async fn a_card_that_is_not_there_but_listed_is_unclear() {
    let setup = fee(setup());
    let own = r#"{"code":404,"message":"Unable to find this Payment Method","status":"NOT_FOUND","details":[]}"#;
    setup.fault("remove_card", Moment::Before, not_found(own));
    setup.fault("remove_card", Moment::Before, not_found(own));
    let client = &setup.client;
    let deleted = client.delete_payment_method(MAYA, CARD).await;
    assert_eq!(deleted.expect_err("it is listed").class, Class::Unclear);
    let inactive = client.deactivate_payment_method(MAYA, CARD).await;
    assert_eq!(inactive.expect_err("it is listed").class, Class::Unclear);
}

#[tokio::test]
async fn a_list_of_cards_that_is_null_shows_no_card_gone() {
    let setup = fee(setup());
    let null = FaultAct::Status {
        code: 200,
        retry_after: None,
        body: Some(r#"{"records":null}"#.to_owned()),
    };
    setup.fault("list_payment_methods", Moment::Before, null.clone());
    let error = setup.client.payment_methods(MAYA).await;
    let error = error.expect_err("no list, no cards");
    assert_eq!(error.class, Class::Retryable { after: None });
    setup.fault("list_payment_methods", Moment::Before, null);
    let removed = setup.client.deactivate_payment_method(MAYA, CARD).await;
    let error = removed.expect_err("it may still be listed");
    assert_eq!(error.class, Class::Unclear);
}

#[tokio::test]
async fn a_product_is_found_by_its_whole_name_only() {
    let setup = fee(setup());
    let name = "Monthly Coaching Support Fee";
    let found = setup
        .client
        .products_by_name(name)
        .await
        .expect("an answer");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id.as_deref(), Some("11"));
    assert_eq!(found[0].subscription_plans[0].id.as_deref(), Some("61"));
    let product = setup
        .client
        .product("12")
        .await
        .expect("an answer")
        .expect("a product");
    assert_eq!(
        product.name.as_deref(),
        Some("Monthly Coaching Support Fee (old)")
    );
    assert!(
        setup
            .client
            .product("99")
            .await
            .expect("an answer")
            .is_none()
    );
}

#[tokio::test]
async fn orders_are_open_until_keap_calls_them_paid() {
    let setup = setup();
    for (id, status) in [(1, "PAID"), (2, "SENT"), (3, "A_NEW_WORD")] {
        setup.does(Act::AddOrder(NewOrder {
            id: Some(id),
            contact: 1001,
            title: format!("Peel {id}"),
            status: Some(status.to_owned()),
            ..NewOrder::default()
        }));
    }
    let open = setup.client.open_orders(MAYA).await.expect("an answer");
    let mut titles: Vec<_> = open.into_iter().filter_map(|order| order.title).collect();
    titles.sort();
    assert_eq!(titles, ["Peel 2", "Peel 3"]);
    assert!(
        setup
            .client
            .open_orders("1002")
            .await
            .expect("an answer")
            .is_empty()
    );
}
