//! Money: subscriptions, cards, products, orders.

use relay_core::time::{Date, TimeZone};
use serde_json::{Value, json};

use super::super::filter::{Kind, field, named};
use super::super::list::{self, Item, Listing};
use super::super::oddities::CardInUse;
use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::settings::{AutoCharge, DeactivatedCard, SecondDeactivate};
use super::super::state::{Record, Row, Table, v2_time};
use super::super::world::World;
use super::tags::name_kind;

/// Members that a subscription may lack.
const SUBSCRIPTION: &[&str] = &[
    "product_id",
    "subscription_plan_id",
    "last_bill_date",
    "next_bill_date",
    "end_date",
    "payment_method_id",
    "reason_stopped",
    "promo_code",
    "merchant_account_id",
    "shipping_address",
];

/// Members that an order may lack.
const ORDER: &[&str] = &["payment_plan", "due_time"];

/// What `update_mask` of a subscription may name.
const MASK: &[&str] = &[
    "contact_id",
    "subscription_plan_id",
    "quantity",
    "billing_amount",
    "auto_charge",
    "max_charge_attempts",
    "days_between_retries",
    "active",
    "billing_frequency",
    "billing_cycle",
    "next_bill_date",
    "end_date",
    "payment_method_id",
    "allow_tax",
    "promo_code",
    "reason_stopped",
    "custom_fields",
];

fn items(world: &World<'_>, table: &Table, optional: &[&str]) -> Vec<Item> {
    table
        .iter()
        .map(|record| Item {
            index: World::index(record),
            shown: world.shown(record, optional).into(),
        })
        .collect()
}

/// `GET /v2/subscriptions`
pub(crate) fn subscriptions(world: &mut World<'_>, request: &Incoming) -> Handled {
    let mut items = items(world, &world.state.subscriptions, SUBSCRIPTION);
    for item in &mut items {
        let active = item.index.get("active") == Some(&json!(true));
        let status = if active { "Active" } else { "Inactive" };
        item.index.insert("status".to_owned(), status.into());
    }
    let listing = Listing {
        key: "subscriptions",
        fields: vec![
            field("contact_id", Kind::Word),
            field("subscription_plan_id", Kind::Word),
            field("status", Kind::Word),
            field("id", Kind::Number),
            field("billing_amount", Kind::Number),
            named("ids", "id", Kind::Set),
            named("subscription_plan_ids", "subscription_plan_id", Kind::Set),
        ],
        orders: &[
            ("id", "id"),
            ("contact_id", "contact_id"),
            ("subscription_plan_id", "subscription_plan_id"),
            ("modification_time", "modification_time"),
        ],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

/// `GET /v2/subscriptions/{id}`
pub(crate) fn subscription(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = world.state.subscriptions.find(id);
    let record = record.ok_or_else(|| Reply::not_found("Subscription"))?;
    Reply::ok(world.shown(record, SUBSCRIPTION))
}

/// The name of what a patch does: the first of stopping the charge, stopping the subscription,
/// editing.
pub(crate) fn patch_name(request: &Incoming) -> &'static str {
    let turns_off =
        |name: &str| request.patches(name) && request.member(name) == Some(&json!(false));
    if turns_off("auto_charge") {
        "auto_charge_off"
    } else if turns_off("active") {
        "deactivate_subscription"
    } else {
        "edit_subscription"
    }
}

/// `PATCH /v2/subscriptions/{id}`
pub(crate) fn patch_subscription(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = world.state.subscriptions.find(id);
    let record = record.ok_or_else(|| Reply::not_found("Subscription"))?;
    let (id, before) = (record.id, record.row.clone());
    let changes: Row = request.changes(MASK)?.into_iter().collect();
    check_dates(world, &changes)?;
    if ["auto_charge", "active"]
        .iter()
        .any(|name| changes.get(*name).is_some_and(|value| !value.is_boolean()))
    {
        return Err(Reply::bad(
            "Input could not be converted to a valid request",
        ));
    }
    apply(world, id, &changes);
    record_patch(world, id, &before, &changes);
    subscription(world, request, &id.to_string())
}

/// Each thing a patch stops is an entry of its own; whatever else it does is one more.
fn record_patch(world: &World<'_>, id: u64, before: &Row, changes: &Row) {
    let who = before.get("contact_id").and_then(Value::as_str);
    let who = who.unwrap_or_default();
    let mut named = false;
    for (member, operation) in [
        ("auto_charge", "auto_charge_off"),
        ("active", "deactivate_subscription"),
    ] {
        if changes.get(member) == Some(&json!(false)) {
            named = true;
            let again = before.get(member) == Some(&json!(false));
            let content = json!({
                "subscription": id.to_string(),
                "reason": changes.get("reason_stopped"),
            });
            let suffix = if again { "_again" } else { "" };
            world.accept(&format!("{operation}{suffix}"), &who, content);
        }
    }
    if !named {
        let mut content = changes.clone();
        content.insert("subscription".to_owned(), id.to_string().into());
        world.accept("edit_subscription", &who, content.into());
    }
}

fn check_dates(world: &World<'_>, changes: &Row) -> Result<(), Reply> {
    let zone = TimeZone::get(&world.settings.time_zone).unwrap_or(TimeZone::UTC);
    let today = zone.to_datetime(world.now).date();
    for name in ["next_bill_date", "end_date"] {
        let Some(text) = changes.get(name).and_then(Value::as_str) else {
            continue;
        };
        let date: Option<Date> = text.parse().ok();
        if date.is_none_or(|date| date < today) {
            return Err(Reply::bad(&format!("{name} must not be in the past")));
        }
    }
    Ok(())
}

/// Writes members of a subscription and tells the hooks. Used by the API and by people alike.
pub(crate) fn apply(world: &mut World<'_>, id: u64, changes: &Row) {
    let now = v2_time(world.now);
    if let Some(record) = world.state.subscriptions.get_mut(id) {
        for (name, value) in changes {
            record.set(name, value.clone());
        }
        record.set("modification_time", now);
    }
    world.raise("subscription.edit", id);
}

/// `POST /v2/subscriptions/{id}:deactivate`: 200 with an empty body.
pub(crate) fn deactivate(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = world.state.subscriptions.find(id);
    let record = record.ok_or_else(|| Reply::not_found("Subscription"))?;
    let (id, active) = (record.id, record.flag("active"));
    let who = record.text("contact_id").unwrap_or_default().to_owned();
    if !request.body.as_ref().is_some_and(Value::is_object) {
        return Err(Reply::bad(
            "Input could not be converted to a valid request",
        ));
    }
    if !active {
        match world.settings.second_deactivate {
            SecondDeactivate::Ok => {}
            SecondDeactivate::BadRequest => {
                return Err(Reply::bad("Subscription is not active"));
            }
            SecondDeactivate::Conflict => {
                return Err(Reply::error(
                    request.version,
                    409,
                    "Subscription is not active",
                ));
            }
        }
    }
    let mut changes = Row::new();
    changes.insert("active".to_owned(), false.into());
    if let Some(reason) = request.member("reason") {
        changes.insert("reason_stopped".to_owned(), reason.clone());
    }
    if world.settings.deactivate_auto_charge == AutoCharge::TurnsOff {
        changes.insert("auto_charge".to_owned(), false.into());
    }
    apply(world, id, &changes);
    let operation = if active {
        "deactivate_subscription"
    } else {
        "deactivate_subscription_again"
    };
    let content = json!({ "subscription": id.to_string(), "reason": request.member("reason") });
    world.accept(operation, &who, content);
    Ok(Reply::empty(200))
}

fn card_items(world: &World<'_>) -> Vec<Item> {
    let hidden = world.settings.deactivated_card == DeactivatedCard::Hidden;
    world
        .state
        .payment_methods
        .iter()
        .filter(|record| !(hidden && record.flag("deactivated")))
        .map(|record| Item {
            index: World::index(record),
            shown: card(world, record),
        })
        .collect()
}

/// A card as shown. Whether it is deactivated is not: no description has a member for it.
fn card(world: &World<'_>, record: &Record) -> Value {
    let mut row = world.shown(record, &["status", "credit_card_id", "merchant_account_id"]);
    row.remove("deactivated");
    row.remove("id");
    row.insert("payment_method_id".to_owned(), record.id.to_string().into());
    Value::Object(row)
}

/// `GET /v2/contacts/{id}/paymentMethods`: the key is `records` here.
pub(crate) fn cards_of(world: &mut World<'_>, request: &Incoming, contact: &str) -> Handled {
    let contact = world.state.contacts.find(contact);
    let contact = contact
        .ok_or_else(|| Reply::not_found("Contact"))?
        .id
        .to_string();
    let items = card_items(world)
        .into_iter()
        .filter(|item| item.index.get("contact_id") == Some(&json!(contact)))
        .collect();
    let listing = Listing {
        key: "records",
        fields: vec![field("merchant_account_id", Kind::Word)],
        orders: &[("created_time", "created_time")],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

/// `GET /v2/paymentMethods`: the key is `payment_methods` here.
pub(crate) fn cards(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = card_items(world);
    let listing = Listing {
        key: "payment_methods",
        fields: vec![
            field("contact_id", Kind::Word),
            named("payment_method_id", "id", Kind::Set),
            field("credit_card_id", Kind::Word),
            field("merchant_account_id", Kind::Word),
            named("since_time", "created_time", Kind::Since),
            named("until_time", "created_time", Kind::Until),
        ],
        orders: &[
            ("created_time", "created_time"),
            ("payment_method_id", "id"),
            ("contact_id", "contact_id"),
            ("merchant_account_id", "merchant_account_id"),
        ],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

fn owned_card(world: &World<'_>, contact: &str, id: &str) -> Result<(u64, bool), Reply> {
    let contact = world.state.contacts.find(contact);
    let contact = contact.ok_or_else(|| Reply::not_found("Contact"))?.id;
    let record = world.state.payment_methods.find(id);
    record
        .filter(|record| record.belongs_to(contact))
        .map(|record| (record.id, record.flag("deactivated")))
        .ok_or_else(|| Reply::not_found("Payment Method"))
}

/// `DELETE /v2/contacts/{id}/paymentMethods/{id}`. A subscription that used the card keeps its id,
/// or the card stays, by the switch.
pub(crate) fn delete_card(
    world: &mut World<'_>,
    request: &Incoming,
    contact: &str,
    id: &str,
) -> Handled {
    let (id, _) = owned_card(world, contact, id)?;
    let card = id.to_string();
    let charged = world.state.subscriptions.iter().any(|subscription| {
        subscription.flag("active") && subscription.text("payment_method_id") == Some(&card)
    });
    if charged && world.settings.oddities.card_in_use == CardInUse::Refused {
        let message = "Payment method is in use";
        return Err(Reply::error(request.version, 409, message));
    }
    world.state.payment_methods.remove(id);
    let content = json!({ "payment_method": id.to_string(), "mode": "delete" });
    world.accept("remove_card", &contact, content);
    Ok(Reply::empty(204))
}

/// `POST /v2/contacts/{id}/paymentMethods/{id}:deactivate`
pub(crate) fn deactivate_card(
    world: &mut World<'_>,
    _: &Incoming,
    contact: &str,
    id: &str,
) -> Handled {
    let (id, again) = owned_card(world, contact, id)?;
    if let Some(record) = world.state.payment_methods.get_mut(id) {
        record.set("deactivated", true);
    }
    let operation = if again {
        "remove_card_again"
    } else {
        "remove_card"
    };
    let content = json!({ "payment_method": id.to_string(), "mode": "deactivate" });
    world.accept(operation, &contact, content);
    Ok(Reply::empty(204))
}

/// `GET /v2/products`
pub(crate) fn products(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = items(world, &world.state.products, &["sku", "description"]);
    let listing = Listing {
        key: "products",
        fields: vec![
            field("name", name_kind(world)),
            field("sku", Kind::Text),
            field("description", Kind::Text),
            field("short_description", Kind::Text),
            named("product_id", "id", Kind::Number),
            named("product_ids", "id", Kind::Set),
        ],
        orders: &[
            ("name", "name"),
            ("sku", "sku"),
            ("last_updated_time", "update_time"),
        ],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

fn find_product<'a>(world: &'a World<'_>, id: &str) -> Result<&'a Record, Reply> {
    let record = world.state.products.find(id);
    record.ok_or_else(|| Reply::not_found("Product"))
}

/// `GET /v2/products/{id}`
pub(crate) fn product(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = find_product(world, id)?;
    Reply::ok(world.shown(record, &["sku", "description"]))
}

/// `GET /v2/products/{id}/subscriptions`: its plans, under the key `subscriptions`.
pub(crate) fn plans(world: &mut World<'_>, request: &Incoming, id: &str) -> Handled {
    let record = find_product(world, id)?;
    let product = record.id.to_string();
    // The same plans as in the product, under other names.
    let plans = record.row.get("subscription_plans");
    let items = plans
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|plan| {
            let shown = json!({
                "id": plan["id"],
                "active": plan["active"],
                "cycle_type": plan["billing_cycle"],
                "frequency": plan["billing_frequency"],
                "total_cycles": plan["number_of_cycles"],
                "subscription_plan_name": record.text("name"),
            });
            let mut index = shown.as_object().cloned().unwrap_or_default();
            index.insert("product_id".to_owned(), product.clone().into());
            Item { index, shown }
        })
        .collect();
    let listing = Listing {
        key: "subscriptions",
        fields: vec![field("active", Kind::Flag), field("cycle_type", Kind::Word)],
        orders: &[("id", "id"), ("product_id", "product_id")],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}

/// `GET /v2/orders/{id}`
pub(crate) fn order(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = world.state.orders.find(id);
    let record = record.ok_or_else(|| Reply::not_found("Order"))?;
    Reply::ok(world.shown(record, ORDER))
}

/// `GET /v2/orders`
pub(crate) fn orders(world: &mut World<'_>, request: &Incoming) -> Handled {
    let mut items = items(world, &world.state.orders, ORDER);
    for item in &mut items {
        let contact = item
            .index
            .get("contact")
            .map(|contact| contact["id"].clone());
        let paid = item.index.get("status") == Some(&json!("PAID"));
        item.index
            .insert("contact_id".to_owned(), contact.unwrap_or_default());
        item.index.insert("paid".to_owned(), paid.into());
    }
    let listing = Listing {
        key: "orders",
        fields: vec![
            field("id", Kind::Number),
            named("ids", "id", Kind::Set),
            field("contact_id", Kind::Word),
            field("paid", Kind::Flag),
            field("title", Kind::Text),
            field("order_type", Kind::Word),
            named("created_since_time", "creation_time", Kind::Since),
            named("created_until_time", "creation_time", Kind::Until),
            named("modified_since_time", "modification_time", Kind::Since),
            named("modified_until_time", "modification_time", Kind::Until),
            field("product_id", Kind::Word),
            field("invoice_id", Kind::Word),
            field("invoice_xid", Kind::Word),
            field("shipping_locality", Kind::Word),
            field("shipping_region_code", Kind::Word),
            field("shipping_postal_code", Kind::Word),
            field("shipping_country_code", Kind::Word),
        ],
        orders: &[
            ("id", "id"),
            ("order_time", "order_time"),
            ("modification_time", "modification_time"),
        ],
        page: 0..=1000,
    };
    list::page(world, request, &listing, items)
}
