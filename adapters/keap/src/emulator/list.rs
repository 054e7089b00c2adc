//! v2 lists: filter, order, page. Parameters that nobody declared are ignored, and then the list
//! holds everything, as the vendor's does.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::filter::{self, Field};
use super::reply::{Handled, Reply};
use super::request::Incoming;
use super::settings::{PageEnd, PageToken, Unset};
use super::state::Row;
use super::world::World;

/// What a page holds when `page_size` isn't sent. The vendor's default is undocumented; a small
/// one shows who forgot.
const DEFAULT_PAGE: usize = 10;

/// What a list can do.
pub(super) struct Listing<'a> {
    /// The member that holds the items.
    pub(super) key: &'a str,
    pub(super) fields: Vec<Field>,
    /// Sort keys and the index members they look at.
    pub(super) orders: &'a [(&'a str, &'a str)],
    pub(super) page: RangeInclusive<usize>,
}

/// An item: what filters look at, and what is shown.
pub(super) struct Item {
    pub(super) index: Row,
    pub(super) shown: Value,
}

/// The page that the request asks for.
pub(super) fn page(
    world: &World<'_>,
    request: &Incoming,
    listing: &Listing<'_>,
    items: Vec<Item>,
) -> Handled {
    let clauses = match request.parameter("filter") {
        Some(text) => filter::parse(text).map_err(|m| Reply::bad(&m))?,
        None => Vec::new(),
    };
    let tests = filter::compile(clauses, &listing.fields).map_err(|m| Reply::bad(&m))?;
    let size = page_size(request, &listing.page)?;
    let start = start(request)?;
    let mut found: Vec<Item> = items
        .into_iter()
        .filter(|item| tests.iter().all(|test| test.passes(&item.index)))
        .collect();
    if let Some(text) = request.parameter("order_by") {
        sort(&mut found, text, listing.orders, world.settings.unset)?;
    }
    let total = found.len();
    let shown: Vec<Value> = found
        .into_iter()
        .skip(start)
        .take(size)
        .map(|item| item.shown)
        .collect();
    let end = start.saturating_add(shown.len());
    let mut body = json!({});
    body[listing.key] = shown.into();
    if end < total && size > 0 {
        body["next_page_token"] = next_token(world, request, size, end).into();
    } else {
        match world.settings.page_end {
            PageEnd::Absent => {}
            PageEnd::Null => body["next_page_token"] = Value::Null,
            PageEnd::Empty => body["next_page_token"] = "".into(),
        }
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
    let Some(token) = request.parameter("page_token").filter(|t| !t.is_empty()) else {
        return Ok(0);
    };
    token
        .strip_prefix("at")
        .and_then(|offset| usize::from_str_radix(offset, 16).ok())
        .ok_or_else(|| Reply::bad("page_token is invalid"))
}

fn next_token(world: &World<'_>, request: &Incoming, size: usize, end: usize) -> String {
    let token = format!("at{end:x}");
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
    let invalid = || Reply::bad(&format!("Invalid order_by: {text}"));
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
    items.sort_by(|a, b| {
        let order = compare(a.index.get(*member), b.index.get(*member));
        if descending { order.reverse() } else { order }
    });
    if descending && unset == Unset::First {
        let is_set = |item: &Item| {
            item.index
                .get(*member)
                .is_some_and(|value| !value.is_null())
        };
        items.sort_by_key(is_set);
    }
    Ok(())
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or(Ordering::Equal),
        (Some(Value::String(a)), Some(Value::String(b))) => compare_text(a, b),
        (Some(Value::Null) | None, Some(Value::Null) | None) => Ordering::Equal,
        (Some(Value::Null) | None, _) => Ordering::Less,
        (_, Some(Value::Null) | None) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

/// Times are compared as times: with and without a fraction they don't sort as text.
fn compare_text(a: &str, b: &str) -> Ordering {
    let time = |text: &str| text.parse::<relay_core::time::Timestamp>().ok();
    match (time(a), time(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}
