//! v2 lists: filter, order, page. Parameters that nobody declared are ignored, and then the list
//! holds everything, as the vendor's does.

use std::ops::RangeInclusive;

use relay_http_client::emulation::listing::{self, Cursor, Filter, Item};
use serde_json::{Value, json};

use super::filter;
use super::reply::{Handled, Reply};
use super::request::Incoming;
use super::settings::{PageEnd, PageToken, Unset};
use super::world::World;

/// What a page holds when `page_size` isn't sent. The vendor's default is undocumented; a small
/// one shows who forgot.
const DEFAULT_PAGE: usize = 10;

const CURSOR: Cursor = Cursor("at");

/// What a list can do.
pub(super) struct Listing<'a> {
    /// The member that holds the items.
    pub(super) key: &'a str,
    pub(super) filters: &'a [Filter<'a>],
    /// Sort keys and the index members they look at.
    pub(super) orders: &'a [(&'a str, &'a str)],
    pub(super) page: RangeInclusive<usize>,
}

impl<'a> Listing<'a> {
    /// A list whose pages hold up to a thousand items.
    pub(super) const fn new(
        key: &'a str,
        filters: &'a [Filter<'a>],
        orders: &'a [(&'a str, &'a str)],
    ) -> Self {
        Self {
            key,
            filters,
            orders,
            page: 0..=1000,
        }
    }
}

/// The page that the request asks for.
pub(super) fn page(
    world: &World<'_>,
    request: &Incoming,
    listing: &Listing<'_>,
    mut items: Vec<Item>,
) -> Handled {
    let text = request.parameter("filter").unwrap_or_default();
    let conditions = filter::conditions(text, listing.filters).map_err(|m| Reply::bad(&m))?;
    let size = page_size(request, &listing.page)?;
    let start = start(request)?;
    items.retain(|item| conditions.iter().all(|condition| condition.passes(item)));
    if let Some(text) = request.parameter("order_by") {
        sort(&mut items, text, listing.orders, world.settings.unset)?;
    }
    let (shown, next) = listing::page(items, start, size);
    let mut body = json!({});
    body[listing.key] = shown.into();
    match (next, world.settings.page_end) {
        (Some(end), _) => body["next_page_token"] = next_token(world, request, size, end).into(),
        (None, PageEnd::Absent) => {}
        (None, PageEnd::Null) => body["next_page_token"] = Value::Null,
        (None, PageEnd::Empty) => body["next_page_token"] = "".into(),
    }
    Ok(Reply::json(200, body))
}

fn page_size(request: &Incoming, allowed: &RangeInclusive<usize>) -> Result<usize, Reply> {
    let Some(text) = request.parameter("page_size") else {
        return Ok(DEFAULT_PAGE);
    };
    text.parse()
        .ok()
        .filter(|size| allowed.contains(size))
        .ok_or_else(|| Reply::bad("page_size is out of range"))
}

fn start(request: &Incoming) -> Result<usize, Reply> {
    let token = request.parameter("page_token").filter(|t| !t.is_empty());
    let start = token.map_or(Some(0), |token| CURSOR.read(token));
    start.ok_or_else(|| Reply::bad("page_token is invalid"))
}

fn next_token(world: &World<'_>, request: &Incoming, size: usize, end: usize) -> String {
    let token = CURSOR.write(end);
    match world.settings.page_token {
        PageToken::Token => token,
        PageToken::Url => format!(
            "https://api.infusionsoft.com/crm/rest{}/?page_size={size}&page_token={token}",
            request.path
        ),
    }
}

fn sort(
    items: &mut [Item],
    text: &str,
    orders: &[(&str, &str)],
    unset: Unset,
) -> Result<(), Reply> {
    let invalid = || {
        Reply::bad(&format!(
            "Invalid order_by, or none of the emulator's: {text}"
        ))
    };
    let (name, direction) = text.split_once(' ').unwrap_or((text, "asc"));
    let (_, member) = orders
        .iter()
        .find(|(order, _)| *order == name)
        .ok_or_else(invalid)?;
    let descending = match direction {
        "asc" => false,
        "desc" => true,
        _ => return Err(invalid()),
    };
    listing::sort(items, member, descending, unset == Unset::First);
    Ok(())
}
