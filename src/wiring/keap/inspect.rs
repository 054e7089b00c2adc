//! Keap, looked at: does it let us in, may the key read what the relay needs, is everything there
//! that the configuration names.
//!
//! | file | looks at |
//! |---|---|
//! | `account` | the key, its header, its rights, the time zone, the quota |
//! | `field` | the field that holds the contact type |
//! | `fee` | products and plans of the coaching fee |
//! | `coaches` | the portal's coaches as users of Keap |
//! | `check_ins` | the tags and fields by which Keap alone tells of check-ins |
//! | `subscribed` | the hook subscriptions |
//! | `tags` | the tags by which staff begin something |
//!
//! Rules: one request at a time, as Keap's guidelines ask; what a refused right makes impossible
//! is not asked for, so that one missing right is one finding.

mod account;
mod check_ins;
mod coaches;
mod fee;
mod field;
mod subscribed;
mod tags;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use relay_core::retry::Class;
use relay_core::time::{TimeZone, Timestamp};
use relay_http_client::CallError;
use relay_keap::{KeapClient, Right};
use url::Url;

use super::connection::KeapConnection;
use crate::config::{KeapConfig, KeyHeader};
use crate::doctor::heard::Heard;
use crate::doctor::{Area, Finding};
use crate::ports::{Connections as _, Inspect, Portal};

/// Looks at Keap.
#[derive(Debug)]
pub(super) struct KeapInspector {
    /// As the relay itself calls.
    pub(super) client: Arc<KeapClient>,
    /// The same key in the other header, where there is a key.
    pub(super) other_way: Option<Arc<KeapClient>>,
    pub(super) other: KeyHeader,
    pub(super) config: KeapConfig,
    /// Where hooks should go; `None` where it can't be built.
    pub(super) hook_url: Option<Url>,
    pub(super) public_url: Option<Url>,
    /// Who knows the coaches; `None` where the portal can't be asked.
    pub(super) coaches: Option<Arc<dyn Portal>>,
    /// For whose clients the follow-up acts, where that is not everybody.
    pub(super) act_for: Vec<String>,
    /// The address of the Program Manager's user, where she is asked in Keap.
    pub(super) manager: Option<String>,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    pub(super) heard: Arc<Heard>,
}

#[async_trait]
impl Inspect for KeapInspector {
    async fn inspect(&self) -> Vec<Finding> {
        let mut findings = match self.client.who_am_i().await {
            Ok(tenant) => {
                let mut findings = vec![account::accepted(tenant.as_deref())];
                findings.extend(self.further().await);
                findings
            }
            Err(error) => vec![self.not_let_in(&error).await],
        };
        findings.extend(self.heard.time_of(&self.config.base_url, "Keap"));
        findings
    }
}

impl KeapInspector {
    async fn further(&self) -> Vec<Finding> {
        let (mut findings, denied) = self.rights().await;
        let may = |rights: &[Right]| rights.iter().all(|right| !denied.contains(right.as_str()));
        findings.extend(self.time_zone().await);
        if may(&[Right::ContactModel]) {
            findings.extend(self.field().await);
        }
        if may(&[Right::Products]) {
            findings.extend(self.fee().await);
        }
        if may(&[Right::Users]) {
            findings.extend(self.coaches().await);
            findings.extend(self.manager().await);
        }
        if may(&[Right::Tags]) {
            findings.extend(self.word_tags().await);
        }
        if may(&[
            Right::Tags,
            Right::Contacts,
            Right::ContactModel,
            Right::Users,
        ]) {
            findings.extend(self.check_ins().await);
        }
        if may(&[Right::Hooks]) {
            findings.extend(self.hooks().await);
        }
        findings.extend(self.quota());
        findings
    }
}

/// Looks at what is kept of the connection: tokens end by themselves.
#[derive(Debug)]
pub(super) struct ConnectionInspector(pub(super) Arc<KeapConnection>);

#[async_trait]
impl Inspect for ConnectionInspector {
    async fn inspect(&self) -> Vec<Finding> {
        match self.0.status().await {
            Ok(told) => told.iter().filter_map(account::connection).collect(),
            Err(error) => vec![Finding::fault(
                Area::Crm,
                "connection",
                format!("what is kept of the connection can't be read: {error}"),
                "see the findings about the database",
            )],
        }
    }
}

/// The names of rights that were refused.
type Denied = BTreeSet<&'static str>;

/// A read that failed for another reason than what it was about.
fn could_not(area: Area, what: &str, error: &CallError) -> Finding {
    let remedy = match error.class {
        Class::Unauthorised | Class::Permanent => {
            "see the right of this name in Keap under Settings, Users, and the README of adapters/keap"
        }
        _ => "try again; if it stays so, see Keap's status page",
    };
    Finding::warning(
        area,
        what,
        format!("Keap did not tell its {what}: {error}"),
        remedy,
    )
}
