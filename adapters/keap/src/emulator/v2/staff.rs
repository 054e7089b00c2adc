//! Users, who the key is, and the business.

use relay_http_client::emulation::listing::{FilterKind, Item, by, by_member};
use serde_json::{Value, json};

use super::super::list::{self, Listing};
use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::state::{Record, Row};
use super::super::world::World;

/// Members that a user may lack.
const OPTIONAL: &[&str] = &["title", "website", "phone_numbers", "nickname", "address"];

/// `GET /v2/users`: pages of 1 to 100 here, and inactive users only when asked for.
pub(crate) fn users(world: &mut World<'_>, request: &Incoming) -> Handled {
    let filter = request.parameter("filter").unwrap_or_default();
    let all = filter.split(';').any(|c| c == "include_inactive==true");
    let items = world
        .state
        .users
        .iter()
        .filter(|record| all || record.text("status") != Some("INACTIVE"))
        .map(|record| Item {
            index: index(record),
            shown: world.shown(record, OPTIONAL).into(),
        })
        .collect();
    let filters = [
        by("email", FilterKind::Word),
        by_member("include_inactive", "everybody", FilterKind::Word),
    ];
    let listing = Listing {
        page: 1..=100,
        ..Listing::new("users", &filters, &[])
    };
    list::page(world, request, &listing, items)
}

fn index(record: &Record) -> Row {
    let mut row = World::index(record);
    let email = row
        .get("email_addresses")
        .map(|list| list[0]["email"].clone());
    row.insert("email".to_owned(), email.unwrap_or_default());
    // `include_inactive` widens the list; as a condition it is always met.
    row.insert("everybody".to_owned(), json!(["true", "false"]));
    row
}

/// `GET /v2/oauth/connect/userinfo`
pub(crate) fn userinfo(world: &mut World<'_>, _: &Incoming) -> Handled {
    let id = world.settings.acting_user;
    let row = world.state.users.get(id).map(|record| &record.row);
    let member = |name: &str| row.and_then(|row| row.get(name)).cloned();
    let email = member("email_addresses").map(|list| list[0]["email"].clone());
    Reply::ok(json!({
        "id": id.to_string(),
        "sub": id.to_string(),
        "keap_id": email,
        "email": email,
        "given_name": member("given_name"),
        "family_name": member("family_name"),
        "is_admin": true,
        "tenant_id": world.settings.tenant,
    }))
}

/// `GET /v2/businessProfile`
pub(crate) fn business_profile(world: &mut World<'_>, _: &Incoming) -> Handled {
    Reply::ok(json!({
        "name": "Emulated Skin Clinic",
        "email": "desk@example.test",
        "time_zone": world.settings.time_zone,
        "currency_code": "USD",
        "language_tag": "en-US",
        "website": Value::Null,
    }))
}
