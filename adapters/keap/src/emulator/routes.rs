//! From a method and a path to an operation. One table: what a fault can be ordered for and what
//! carries the request out can't drift apart.

use super::hooks::HookCall;
use super::reply::{Handled, Version};
use super::request::Incoming;
use super::v1;
use super::v2::{billing, contacts, emails, goals, model, notes, staff, tags, tasks};
use super::world::World;

/// What carries an operation out.
pub(super) enum Handler<'a> {
    Plain(fn(&mut World<'_>, &Incoming) -> Handled),
    One(fn(&mut World<'_>, &Incoming, &str) -> Handled, &'a str),
    Two(
        fn(&mut World<'_>, &Incoming, &str, &str) -> Handled,
        &'a str,
        &'a str,
    ),
    /// Hooks call out, so they are carried out elsewhere.
    Hook(HookCall<'a>),
}

/// An operation: its name in faults and in what was accepted, and what carries it out.
pub(super) struct Route<'a> {
    pub(super) operation: &'static str,
    pub(super) run: Handler<'a>,
}

fn plain<'a>(operation: &'static str, run: fn(&mut World<'_>, &Incoming) -> Handled) -> Route<'a> {
    let run = Handler::Plain(run);
    Route { operation, run }
}

fn one<'a>(
    operation: &'static str,
    run: fn(&mut World<'_>, &Incoming, &str) -> Handled,
    id: &'a str,
) -> Route<'a> {
    let run = Handler::One(run, id);
    Route { operation, run }
}

fn hook<'a>(operation: &'static str, call: HookCall<'a>) -> Route<'a> {
    let run = Handler::Hook(call);
    Route { operation, run }
}

/// The operation of a request; `None` where it isn't emulated. Which paths there are and which
/// methods they have is for the vendor's description to say.
pub(super) fn find(request: &Incoming) -> Option<Route<'_>> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let (method, path) = (request.method.as_str(), segments.as_slice());
    match request.version {
        Version::V1 => v1_contact(method, path).or_else(|| v1_hook(method, path)),
        Version::V2 => contact(method, path)
            .or_else(|| tag(method, path))
            .or_else(|| mail(method, path))
            .or_else(|| task(method, path, request))
            .or_else(|| money(method, path, request))
            .or_else(|| tenant(method, path)),
    }
}

fn v1_contact<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["contacts"]) => plain("v1_list_contacts", v1::contact_list),
        ("GET", ["contacts", "model"]) => plain("v1_contact_model", v1::contact_model),
        ("GET", ["contacts", id]) => one("v1_get_contact", v1::contact, id),
        ("PATCH", ["contacts", id]) => one("contact_type", v1::patch_contact, id),
        ("GET", ["emails"]) => plain("v1_list_emails", v1::emails),
        _ => return None,
    })
}

fn v1_hook<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["hooks", "event_keys"]) => hook("list_event_keys", HookCall::EventKeys),
        ("GET", ["hooks"]) => hook("list_hooks", HookCall::List),
        ("POST", ["hooks"]) => hook("create_hook", HookCall::Create),
        ("PUT", ["hooks", key]) => hook("update_hook", HookCall::Update(key)),
        ("DELETE", ["hooks", key]) => hook("delete_hook", HookCall::Delete(key)),
        ("POST", ["hooks", key, "verify"]) => hook("verify_hook", HookCall::Verify(key)),
        _ => return None,
    })
}

fn contact<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["contacts"]) => plain("list_contacts", contacts::list),
        ("GET", ["contacts", "model"]) => plain("contact_model", model::contact_model),
        ("GET", ["contacts", "model", "customFields", "tabs"]) => plain("list_tabs", model::tabs),
        ("GET", ["contacts", "model", "customFields", "groups"]) => {
            plain("list_groups", model::groups)
        }
        ("GET", ["contacts", id]) => one("get_contact", contacts::get, id),
        ("PATCH", ["contacts", id]) => one("contact_type", contacts::patch, id),
        ("GET", ["contacts", id, "tags"]) => one("list_contact_tags", tags::of_contact, id),
        ("GET", ["contacts", id, "notes"]) => one("list_notes", notes::list, id),
        ("GET", ["contacts", id, "notes", note]) => Route {
            operation: "get_note",
            run: Handler::Two(notes::get, id, note),
        },
        ("POST", ["contacts", id, "notes"]) => one("contact_note", notes::create, id),
        _ => return None,
    })
}

fn tag<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["tags"]) => plain("list_tags", tags::list),
        ("POST", ["tags"]) => plain("create_tag", tags::create),
        ("GET", ["tags", id, "contacts"]) => one("list_tagged_contacts", tags::tagged, id),
        ("POST", ["tags", id, "contacts:applyTags"]) => one("add_tag", tags::apply, id),
        ("POST", ["tags", id, "contacts:removeTags"]) => one("remove_tag", tags::remove, id),
        _ => return None,
    })
}

fn mail<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["emails"]) => plain("list_emails", emails::list),
        ("POST", ["emails:send"]) => plain("email", emails::send),
        ("GET", ["emails", id]) => one("get_email", emails::get, id),
        ("GET", ["emailAddresses"]) => plain("list_addresses", emails::statuses),
        ("GET", ["emailAddresses", email, "status"]) => {
            one("get_address_status", emails::status, email)
        }
        _ => return None,
    })
}

fn task<'a>(method: &str, path: &[&'a str], request: &Incoming) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["tasks"]) => plain("list_tasks", tasks::list),
        ("POST", ["tasks"]) => plain(tasks::create_name(request), tasks::create),
        ("GET", ["tasks", id]) => one("get_task", tasks::get, id),
        ("PATCH", ["tasks", id]) => one(tasks::patch_name(request), tasks::patch, id),
        _ => return None,
    })
}

fn money<'a>(method: &str, path: &[&'a str], request: &Incoming) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["subscriptions"]) => plain("list_subscriptions", billing::subscriptions),
        ("GET", ["subscriptions", id]) => one("get_subscription", billing::subscription, id),
        ("PATCH", ["subscriptions", id]) => one(
            billing::patch_name(request),
            billing::patch_subscription,
            id,
        ),
        ("POST", ["subscriptions", id]) => {
            let id = id.strip_suffix(":deactivate")?;
            one("deactivate_subscription", billing::deactivate, id)
        }
        ("GET", ["contacts", id, "paymentMethods"]) => {
            one("list_payment_methods", billing::cards_of, id)
        }
        ("DELETE", ["contacts", contact, "paymentMethods", id]) => Route {
            operation: "remove_card",
            run: Handler::Two(billing::delete_card, contact, id),
        },
        ("POST", ["contacts", contact, "paymentMethods", id]) => {
            let id = id.strip_suffix(":deactivate")?;
            let run = Handler::Two(billing::deactivate_card, contact, id);
            Route {
                operation: "remove_card",
                run,
            }
        }
        ("GET", ["products"]) => plain("list_products", billing::products),
        ("GET", ["products", id]) => one("get_product", billing::product, id),
        ("GET", ["orders"]) => plain("list_orders", billing::orders),
        _ => return None,
    })
}

fn tenant<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    Some(match (method, path) {
        ("GET", ["users"]) => plain("list_users", staff::users),
        ("GET", ["oauth", "connect", "userinfo"]) => plain("userinfo", staff::userinfo),
        ("GET", ["notes"]) => plain("list_all_notes", notes::list_all),
        ("POST", ["automations", "goals", "achieve"]) => plain("achieve_goal", goals::achieve),
        ("GET", ["businessProfile"]) => plain("business_profile", staff::business_profile),
        _ => return None,
    })
}
