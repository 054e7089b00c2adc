//! Addresses that can't be a vendor's, told before anything is sent there.
//!
//! The clients add the rest of the path themselves. A base that already has some of it, or that is
//! another of the vendor's hosts, meets a page for each call, and what a page says is believed of
//! nothing: the relay would run and do nothing. What can be told from the address alone is a
//! mistake, so that `doctor` and `serve` refuse it alike; the rest is what `doctor` meets when it
//! asks ([`relay_http_client::CallError::may_be_wrong_address`]).

use url::Url;

use super::reader::Reader;

/// Ends of a path that a vendor's client adds itself, or that are the address of one call.
const ENDS: [&str; 11] = [
    "rest",
    "v1",
    "v2",
    "xmlrpc",
    "token",
    "authorize",
    "clients",
    "coaches",
    "check-ins",
    "messages",
    "notes",
];

/// An address that must end in `end`.
pub(super) fn ending(
    reader: &mut Reader<'_>,
    key: &'static str,
    default: &str,
    end: &str,
) -> Option<Url> {
    let url = reader.base_url(key, Some(default))?;
    if ends_in(&url, &[end]) {
        return Some(url);
    }
    let wrong = format!("does not end in /{end}: {url}");
    reader.mistake(key, wrong, format!("write {key} = {default:?}"));
    None
}

pub(super) fn path(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

fn last(url: &Url) -> &str {
    path(url).rsplit('/').next().unwrap_or_default()
}

pub(super) fn ends_in(url: &Url, ends: &[&str]) -> bool {
    ends.iter().any(|end| last(url).eq_ignore_ascii_case(end))
}

/// The address without what the client adds.
pub(super) fn cut(url: &Url) -> String {
    let mut url = url.clone();
    while ends_in(&url, &ENDS) {
        let Ok(mut segments) = url.path_segments_mut() else {
            break;
        };
        segments.pop_if_empty().pop();
    }
    url.to_string().trim_end_matches('/').to_owned()
}
