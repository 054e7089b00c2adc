//! What no section can tell alone: a configuration whose parts are all valid and which is still
//! half a configuration.
//!
//! For `doctor`, and for `serve`, which refuses to start with a hindrance. A [`Gap`] is not a
//! mistake of [`Config::parse`]: the other commands work without what is missing here, and a
//! person who fills in a file line by line must be able to use them.

use url::Url;

use super::Config;
use super::keap::{CredentialKind, KeyHeader};
use super::reader::is_loopback;
use super::vendor_mode::VendorMode;

/// How much a gap matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The relay can't do its work.
    Hinders,
    /// It works, and not as the clinic would want.
    Worries,
}

/// Something that is missing or doesn't fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where: `http.public_url`.
    pub key: &'static str,
    /// How much it matters.
    pub gravity: Severity,
    /// What is wrong, as a sentence that goes on from the key. Never the value of a secret.
    pub wrong: String,
    /// What to do about it.
    pub remedy: String,
}

fn gap(key: &'static str, wrong: impl Into<String>, remedy: impl Into<String>) -> Gap {
    Gap {
        key,
        gravity: Severity::Hinders,
        wrong: wrong.into(),
        remedy: remedy.into(),
    }
}

fn worry(key: &'static str, wrong: impl Into<String>, remedy: impl Into<String>) -> Gap {
    Gap {
        gravity: Severity::Worries,
        ..gap(key, wrong, remedy)
    }
}

impl Config {
    /// Everything that is missing or doesn't fit, in the order of the sections.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        self.environment(&mut gaps);
        self.vendors(&mut gaps);
        if self.keap.mode == VendorMode::On {
            self.hooks(&mut gaps);
            self.coaching(&mut gaps);
            self.unused(&mut gaps);
        }
        self.logging(&mut gaps);
        gaps
    }

    /// Variables that begin like ours and are none: a service of our name in a cluster.
    fn environment(&self, gaps: &mut Vec<Gap>) {
        if self.strange_variables.is_empty() {
            return;
        }
        gaps.push(worry(
            "environment",
            format!(
                "holds what begins like a setting of the relay and is none, and is ignored: {}",
                self.strange_variables.join(", ")
            ),
            "settings are named CLEAR_RELAY__SECTION__KEY; name a service of a cluster otherwise, \
             or switch off its links (enableServiceLinks: false)",
        ));
    }

    /// What is written and not used, because another setting says otherwise.
    fn unused(&self, gaps: &mut Vec<Gap>) {
        if self.keap.credential != CredentialKind::OAuth && self.keap.oauth.client_id.is_some() {
            gaps.push(worry(
                "keap.oauth",
                format!(
                    "names an application, which is not used while keap.credential is {:?}",
                    self.keap.credential.as_str()
                ),
                "write keap.credential = \"oauth\", or take keap.oauth.client_id out",
            ));
        }
        if self.keap.credential == CredentialKind::OAuth && self.keap.header == KeyHeader::ApiKey {
            gaps.push(worry(
                "keap.header",
                "is for a key, and is not used while keap.credential is \"oauth\"",
                "take keap.header out",
            ));
        }
    }

    fn vendors(&self, gaps: &mut Vec<Gap>) {
        for (key, mode) in [
            ("keap.mode", self.keap.mode),
            ("clear_connection.mode", self.clear_connection.mode),
        ] {
            if mode == VendorMode::Off {
                gaps.push(gap(
                    key,
                    "is \"off\": a missed check-in can't be followed up without it",
                    format!("write {key} = \"on\", with its address and its credential"),
                ));
            }
        }
    }

    /// What Keap needs to know to tell us of anything.
    fn hooks(&self, gaps: &mut Vec<Gap>) {
        if self.keap.hook_secrets.is_empty() {
            gaps.push(gap(
                "keap.hook_secrets",
                "has no secret, so every webhook of Keap's would be refused",
                "write a_file = \"PATH\" there; `clear-relay init` makes such a file",
            ));
        }
        let key = "http.public_url";
        let Some(url) = &self.http.public_url else {
            gaps.push(gap(
                key,
                "is missing, so Keap can't be told where to send its webhooks",
                "write the address under which the world reaches the relay: https://HOST/",
            ));
            return;
        };
        if !url.path().ends_with('/') {
            gaps.push(gap(
                key,
                format!(
                    "is {:?}: without a slash at its end its last part would be left out",
                    url.as_str()
                ),
                format!("write {key} = \"{url}/\""),
            ));
        }
        if is_here(url) && !is_here(&self.keap.base_url) {
            gaps.push(gap(
                key,
                format!(
                    "is {:?}, an address that Keap can't reach from outside",
                    url.as_str()
                ),
                "write the address of the proxy in front of the relay: https://HOST/",
            ));
        }
    }

    fn coaching(&self, gaps: &mut Vec<Gap>) {
        let coaching = &self.keap.coaching;
        if coaching.product_ids.is_empty() && coaching.plan_ids.is_empty() {
            gaps.push(worry(
                "keap.coaching",
                "names no product and no plan, so no coaching fee is ever found or stopped",
                "write the ids of the coaching products, from Keap under E-Commerce, Products (A15)",
            ));
        }
    }

    fn logging(&self, gaps: &mut Vec<Gap>) {
        let live = self.base_urls().iter().any(|(_, url)| !is_here(url));
        let level = &self.log.level;
        if live && level.to_ascii_lowercase().contains("trace") {
            gaps.push(worry(
                "log.level",
                format!("is {level:?}: so much is logged that nobody reads it, and disks fill"),
                "write log.level = \"info\"",
            ));
        }
    }
}

/// Whether the address is on this machine, or on a network that the world can't reach.
fn is_here(url: &Url) -> bool {
    let private = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        Some(url::Host::Ipv6(ip)) => ip.is_unique_local() || ip.is_unspecified(),
        _ => false,
    };
    private || is_loopback(url)
}
