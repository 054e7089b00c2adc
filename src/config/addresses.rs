//! Addresses that can't be a vendor's, told before anything is sent there.
//!
//! The clients add the rest of the path themselves. A base that already has some of it, or that is
//! another of the vendor's hosts, meets a page for each call, and what a page says is believed of
//! nothing: the relay would run and do nothing. What can be told from the address alone is a
//! mistake, so that `doctor` and `serve` refuse it alike; the rest is what `doctor` meets when it
//! asks ([`relay_http_client::CallError::may_be_wrong_address`]).

use url::Url;

use super::reader::{Reader, is_loopback};

/// Where Keap's API is. Both names lead to it; the tenant follows from the key.
const KEAP_HOSTS: [&str; 2] = ["api.keap.com", "api.infusionsoft.com"];
/// The domains that Keap's other pages are on.
const KEAP_DOMAINS: [&str; 3] = ["keap.com", "infusionsoft.com", "thryv.com"];
/// What Keap's API is below.
const KEAP_PATH: &str = "/crm";
/// The end of a path that the client adds itself, or that is another interface of Keap's.
const KEAP_ENDS: [&str; 6] = ["rest", "v1", "v2", "xmlrpc", "token", "authorize"];
/// The end of a path that the client of the portal adds itself.
const PORTAL_ENDS: [&str; 5] = ["clients", "coaches", "check-ins", "messages", "notes"];

/// `keap.base_url`, where it can be Keap's.
pub(super) fn keap(reader: &mut Reader<'_>, key: &'static str, default: &str) -> Option<Url> {
    let url = reader.base_url(key, Some(default))?;
    let host = url.host_str().unwrap_or_default();
    let of_keap = KEAP_DOMAINS
        .iter()
        .any(|domain| host == *domain || host.ends_with(&format!(".{domain}")));
    let right = if of_keap {
        KEAP_HOSTS.contains(&host) && path(&url) == KEAP_PATH
    } else {
        !ends_in(&url, &KEAP_ENDS)
    };
    if right {
        return Some(url);
    }
    let remedy = if of_keap || is_loopback(&url) {
        let wanted = if of_keap {
            default.to_owned()
        } else {
            cut(&url)
        };
        format!("write {key} = {wanted:?}: the relay adds /rest and the version itself")
    } else {
        format!(
            "write {key} = {:?}: the relay adds the rest itself",
            cut(&url)
        )
    };
    reader.mistake(
        key,
        format!("is not where Keap's interface begins: {url}"),
        remedy,
    );
    None
}

/// `clear_connection.base_url`, where it can be the portal's.
pub(super) fn portal(reader: &mut Reader<'_>, key: &'static str) -> Option<Url> {
    let url = reader.base_url(key, None)?;
    if !ends_in(&url, &PORTAL_ENDS) {
        return Some(url);
    }
    let remedy = format!(
        "write {key} = {:?}: the relay adds the rest itself",
        cut(&url)
    );
    reader.mistake(key, format!("is the address of one call: {url}"), remedy);
    None
}

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

fn path(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

fn last(url: &Url) -> &str {
    path(url).rsplit('/').next().unwrap_or_default()
}

fn ends_in(url: &Url, ends: &[&str]) -> bool {
    ends.iter().any(|end| last(url).eq_ignore_ascii_case(end))
}

/// The address without what the client adds.
fn cut(url: &Url) -> String {
    let mut url = url.clone();
    while ends_in(&url, &KEAP_ENDS) || ends_in(&url, &PORTAL_ENDS) {
        let Ok(mut segments) = url.path_segments_mut() else {
            break;
        };
        segments.pop_if_empty().pop();
    }
    url.to_string().trim_end_matches('/').to_owned()
}
