//! Subscriptions, cards, products, orders.

use relay_keap::emulator::{
    Act, AutoCharge, DeactivatedCard, NewOrder, NewPaymentMethod, NewProduct, NewSubscription,
    SecondDeactivate, Settings,
};
use serde_json::{Value, json};

use crate::tenant::{JO, MAYA, Tenant};

const SUBSCRIPTION: &str = "/v2/subscriptions/5001";
const DEACTIVATE: &str = "/v2/subscriptions/5001:deactivate";

fn tenant(change: impl FnOnce(&mut Settings)) -> Tenant {
    let tenant = Tenant::with(change);
    tenant.act(Act::AddProduct(NewProduct {
        id: Some(701),
        name: "Monthly Coaching Support Fee".to_owned(),
        plan: Some(71),
    }));
    tenant.act(Act::AddPaymentMethod(NewPaymentMethod {
        id: Some(6001),
        contact: MAYA,
        last_four: None,
    }));
    tenant.act(Act::AddSubscription(NewSubscription {
        id: Some(5001),
        contact: MAYA,
        product: Some(701),
        plan: Some(71),
        payment_method: Some(6001),
        next_bill_date: Some("2026-11-20".parse().expect("a date")),
        ..NewSubscription::default()
    }));
    tenant
}

#[tokio::test]
async fn a_subscription_shows_its_product_only_by_id() {
    let tenant = tenant(|_| {});
    let list = tenant
        .get("/v2/subscriptions?filter=contact_id%3D%3D1001")
        .await;
    let subscription = &list.json["subscriptions"][0];
    assert_eq!(subscription["id"], json!("5001"));
    assert_eq!(subscription["product_id"], json!("701"));
    assert_eq!(subscription["payment_method_id"], json!("6001"));
    assert_eq!(subscription["next_bill_date"], json!("2026-11-20"));
    assert_eq!(subscription["active"], json!(true));
    assert_eq!(subscription["end_date"], Value::Null);
    let products = tenant.get("/v2/products?filter=name%3D%3DMonthly").await;
    let product = &products.json["products"][0];
    assert_eq!(product["name"], json!("Monthly Coaching Support Fee"));
    assert_eq!(product["subscription_plans"][0]["id"], json!("71"));
    assert_eq!(tenant.get("/v2/products/99").await.status, 404);
}

#[tokio::test]
async fn auto_charge_is_turned_off_by_a_mask() {
    let tenant = tenant(|_| {});
    let path = format!("{SUBSCRIPTION}?update_mask=auto_charge&update_mask=reason_stopped");
    let body = json!({ "auto_charge": false, "reason_stopped": "moved", "active": false });
    for _ in 0..2 {
        let answer = tenant.patch(&path, body.clone()).await;
        assert_eq!(answer.json["auto_charge"], json!(false));
        assert_eq!(answer.json["active"], json!(true), "not named in the mask");
        assert_eq!(answer.json["reason_stopped"], json!("moved"));
    }
    let accepted = tenant.accepted();
    assert_eq!(accepted[0].0, "auto_charge_off");
    assert_eq!(accepted[0].1, "1001");
    assert_eq!(
        accepted[0].2,
        json!({ "subscription": "5001", "reason": "moved" })
    );
    assert_eq!(accepted[1].0, "auto_charge_off_again");
}

#[tokio::test]
async fn a_patch_may_stop_both_and_refuses_what_is_no_flag() {
    let tenant = tenant(|_| {});
    let both = json!({ "active": false, "auto_charge": false });
    assert_eq!(tenant.patch(SUBSCRIPTION, both).await.status, 200);
    assert_eq!(
        tenant.operations(),
        ["auto_charge_off", "deactivate_subscription"]
    );
    let odd = json!({ "active": "no" });
    assert_eq!(tenant.patch(SUBSCRIPTION, odd).await.status, 400);
}

#[tokio::test]
async fn deactivating_answers_200_without_a_body() {
    for (switch, auto_charge) in [(AutoCharge::AsIs, true), (AutoCharge::TurnsOff, false)] {
        let tenant = tenant(|s| s.deactivate_auto_charge = switch);
        let answer = tenant.post(DEACTIVATE, json!({ "reason": "moved" })).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        let read = tenant.get(SUBSCRIPTION).await;
        assert_eq!(read.json["active"], json!(false));
        assert_eq!(read.json["auto_charge"], json!(auto_charge));
        assert_eq!(read.json["reason_stopped"], json!("moved"));
        assert_eq!(
            tenant.accepted(),
            [(
                "deactivate_subscription".to_owned(),
                "1001".to_owned(),
                json!({ "subscription": "5001", "reason": "moved" })
            )]
        );
    }
}

#[tokio::test]
async fn deactivating_needs_a_body() {
    let tenant = tenant(|_| {});
    assert_eq!(tenant.post(DEACTIVATE, Value::Null).await.status, 400);
    assert_eq!(tenant.post(DEACTIVATE, json!({})).await.status, 200);
}

#[tokio::test]
async fn deactivating_twice_has_three_readings() {
    for (switch, status, entries) in [
        (SecondDeactivate::Ok, 200, 2),
        (SecondDeactivate::BadRequest, 400, 1),
        (SecondDeactivate::Conflict, 409, 1),
    ] {
        let tenant = tenant(|s| s.second_deactivate = switch);
        tenant.post(DEACTIVATE, json!({})).await;
        assert_eq!(tenant.post(DEACTIVATE, json!({})).await.status, status);
        assert_eq!(tenant.operations().len(), entries);
    }
}

#[tokio::test]
async fn cards_stand_under_records_and_go_with_204() {
    let tenant = tenant(|_| {});
    let path = "/v2/contacts/1001/paymentMethods";
    let list = tenant.get(path).await;
    let card = &list.json["records"][0];
    assert_eq!(card["payment_method_id"], json!("6001"));
    assert_eq!(card["card_info"]["last_four"], json!("4242"));
    assert_eq!(card.get("id"), None);
    let foreign = format!("/v2/contacts/{JO}/paymentMethods/6001");
    assert_eq!(tenant.delete(&foreign).await.status, 404);
    let card = format!("{path}/6001");
    let gone = tenant.delete(&card).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(tenant.delete(&card).await.status, 404);
    assert_eq!(tenant.get(path).await.json["records"], json!([]));
    assert_eq!(
        tenant.accepted(),
        [(
            "remove_card".to_owned(),
            "1001".to_owned(),
            json!({ "payment_method": "6001", "mode": "delete" })
        )]
    );
}

#[tokio::test]
async fn a_deactivated_card_is_still_listed_or_not() {
    let tenant = tenant(|_| {});
    let card = "/v2/contacts/1001/paymentMethods/6001:deactivate";
    for _ in 0..2 {
        assert_eq!(tenant.post(card, Value::Null).await.status, 204);
    }
    assert_eq!(tenant.operations(), ["remove_card", "remove_card_again"]);
    let path = "/v2/contacts/1001/paymentMethods";
    let list = tenant.get(path).await;
    assert_eq!(list.json["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(list.json["records"][0].get("deactivated"), None);
    assert_eq!(list.json["records"][0]["status"], Value::Null);
    tenant
        .keap
        .configure(|s| s.deactivated_card = DeactivatedCard::Hidden);
    assert_eq!(tenant.get(path).await.json["records"], json!([]));
}

#[tokio::test]
async fn orders_show_their_payment_plan() {
    let tenant = tenant(|_| {});
    tenant.act(Act::AddOrder(NewOrder {
        id: None,
        contact: MAYA,
        title: "Starter kit".to_owned(),
        status: None,
        plan_card: Some(6001),
        total_due: 4_500,
    }));
    let filter = "contact_id%3D%3D1001";
    let list = tenant.get(&format!("/v2/orders?filter={filter}")).await;
    let order = &list.json["orders"][0];
    assert_eq!(order["payment_plan"]["payment_method_id"], json!("6001"));
    assert_eq!(order["payment_plan"]["auto_charge"], json!(true));
    assert_eq!(order["total_due"]["amount"], json!(4_500));
    assert_eq!(order["contact"]["id"], json!("1001"));
}

#[tokio::test]
async fn people_and_billing_runs_change_subscriptions_too() {
    let tenant = tenant(|_| {});
    let act = json!({
        "act": "change_subscription",
        "subscription": 5001,
        "changes": { "last_bill_date": "2026-11-03" },
    });
    tenant.keap.act(act).expect("possible");
    let read = tenant.get(SUBSCRIPTION).await;
    assert_eq!(read.json["last_bill_date"], json!("2026-11-03"));
    assert_eq!(tenant.operations(), Vec::<String>::new());
}
