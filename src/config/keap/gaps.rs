//! What `[keap]` and the rest of the configuration lack together.

use super::{CredentialKind, KeapConfig, KeyHeader};
use crate::config::gap::{Gap, gap, worry};
use crate::config::vendors::Reach;
use crate::config::whole::is_here;

impl KeapConfig {
    /// What Keap needs to know to tell us of anything.
    pub(super) fn hook_gaps(&self, reach: Reach<'_>, gaps: &mut Vec<Gap>) {
        if self.hook_secrets.is_empty() {
            gaps.push(gap(
                "keap.hook_secrets",
                "has no secret, so every webhook of Keap's would be refused",
                "write a_file = \"PATH\" there; `clear-relay init` makes such a file",
            ));
        }
        let key = "http.public_url";
        let Some(url) = reach.public_url else {
            if reach.is_tried_without {
                let heard = match self.check_ins {
                    Some(_) => {
                        "the tag is looked for every so many minutes, what coaches answer in tasks only once a day"
                    }
                    None => "what coaches answer in tasks is looked for only once a day",
                };
                gaps.push(worry(
                    key,
                    format!("is missing, so Keap can't tell the relay of anything: {heard}"),
                    "write the address under which the world reaches the relay: https://HOST/",
                ));
                return;
            }
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
        if is_here(url) && !is_here(&self.base_url) {
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

    pub(super) fn coaching_gaps(&self, gaps: &mut Vec<Gap>) {
        let coaching = &self.coaching;
        if coaching.product_ids.is_empty() && coaching.plan_ids.is_empty() {
            gaps.push(worry(
                "keap.coaching",
                "names no product and no plan, so no coaching fee is ever found or stopped",
                "write the ids of the coaching products, from Keap under E-Commerce, Products (A15)",
            ));
        }
    }

    /// What is written and not used, because another setting says otherwise.
    pub(super) fn unused(&self, gaps: &mut Vec<Gap>) {
        if self.credential != CredentialKind::OAuth && self.oauth.client_id.is_some() {
            gaps.push(worry(
                "keap.oauth",
                format!(
                    "names an application, which is not used while keap.credential is {:?}",
                    self.credential.as_str()
                ),
                "write keap.credential = \"oauth\", or take keap.oauth.client_id out",
            ));
        }
        if self.credential == CredentialKind::OAuth && self.header == KeyHeader::ApiKey {
            gaps.push(worry(
                "keap.header",
                "is for a key, and is not used while keap.credential is \"oauth\"",
                "take keap.header out",
            ));
        }
    }
}
