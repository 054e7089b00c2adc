//! Money: subscriptions, cards, products, orders.

use relay_http_client::emulation::listing::{FilterKind, Item, by, by_member};
use serde_json::{Value, json};

use super::super::list::{self, Listing};
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

/// What `update_mask` may name. Of Keap's own list it is what stops a charge.
const MASK: &[&str] = &["auto_charge", "active", "reason_stopped"];

fn items(world: &World<'_>, table: &Table, optional: &[&str]) -> Vec<Item> {
    table
        .iter()
        .map(|record| World::item(record, world.shown(record, optional)))
        .collect()
}

/// `GET /v2/subscriptions`
pub(crate) fn subscriptions(world: &mut World<'_>, request: &Incoming) -> Handled {
    let items = items(world, &world.state.subscriptions, SUBSCRIPTION);
    let filters = [
        by("contact_id", FilterKind::Word),
        by_member("ids", "id", FilterKind::Set),
    ];
    let listing = Listing::new("subscriptions", &filters, &[]);
    list::page(world, request, &listing, items)
}

/// `GET /v2/subscriptions/{id}`
pub(crate) fn subscription(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = Reply::found(world.state.subscriptions.find(id), "Subscription")?;
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
    let record = Reply::found(world.state.subscriptions.find(id), "Subscription")?;
    let (id, before) = (record.id, record.row.clone());
    let changes: Row = request.changes(MASK)?.into_iter().collect();
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
    let record = Reply::found(world.state.subscriptions.find(id), "Subscription")?;
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
        .map(|record| World::item(record, card(world, record)))
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
    let contact = Reply::found(world.state.contacts.find(contact), "Contact")?;
    let contact = contact.id.to_string();
    let items = card_items(world)
        .into_iter()
        .filter(|item| item.index.get("contact_id") == Some(&json!(contact)))
        .collect();
    let listing = Listing::new("records", &[], &[]);
    list::page(world, request, &listing, items)
}

fn owned_card(world: &World<'_>, contact: &str, id: &str) -> Result<(u64, bool), Reply> {
    let contact = Reply::found(world.state.contacts.find(contact), "Contact")?.id;
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
    let filters = [by("name", name_kind(world))];
    let listing = Listing::new("products", &filters, &[]);
    list::page(world, request, &listing, items)
}

/// `GET /v2/products/{id}`
pub(crate) fn product(world: &mut World<'_>, _: &Incoming, id: &str) -> Handled {
    let record = Reply::found(world.state.products.find(id), "Product")?;
    Reply::ok(world.shown(record, &["sku", "description"]))
}

/// `GET /v2/orders`
pub(crate) fn orders(world: &mut World<'_>, request: &Incoming) -> Handled {
    let mut items = items(world, &world.state.orders, ORDER);
    for item in &mut items {
        let contact = item
            .index
            .get("contact")
            .map(|contact| contact["id"].clone());
        item.index
            .insert("contact_id".to_owned(), contact.unwrap_or_default());
    }
    let filters = [by("contact_id", FilterKind::Word)];
    let listing = Listing::new("orders", &filters, &[]);
    list::page(world, request, &listing, items)
}
