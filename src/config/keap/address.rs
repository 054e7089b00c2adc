//! `keap.base_url`, where it can be Keap's.

use url::Url;

use crate::config::addresses::{cut, ends_in, path};
use crate::config::reader::{Reader, is_loopback};

/// Where Keap's API is. Both names lead to it; the tenant follows from the key.
const HOSTS: [&str; 2] = ["api.keap.com", "api.infusionsoft.com"];
/// The domains that Keap's other pages are on.
const DOMAINS: [&str; 3] = ["keap.com", "infusionsoft.com", "thryv.com"];
/// What Keap's API is below.
const PATH: &str = "/crm";
/// The end of a path that the client adds itself, or that is another interface of Keap's.
const ENDS: [&str; 6] = ["rest", "v1", "v2", "xmlrpc", "token", "authorize"];

/// `keap.base_url`, where it can be Keap's.
pub(super) fn base_url(reader: &mut Reader<'_>, key: &'static str, default: &str) -> Option<Url> {
    let url = reader.base_url(key, Some(default))?;
    let host = url.host_str().unwrap_or_default();
    let of_keap = DOMAINS
        .iter()
        .any(|domain| host == *domain || host.ends_with(&format!(".{domain}")));
    let right = if of_keap {
        HOSTS.contains(&host) && path(&url) == PATH
    } else {
        !ends_in(&url, &ENDS)
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
