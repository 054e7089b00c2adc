//! The key, its header, its rights; the tenant's time zone; what is left of the quota.

use relay_core::retry::Class;
use relay_core::time::{SignedDuration, TimeZone, Timestamp, later};
use relay_http_client::CallError;
use relay_keap::Right;

use super::{Denied, KeapInspector, could_not};
use crate::config::KeyHeader;
use crate::doctor::{Area, Finding};
use crate::ports::{ConnectionState, ConnectionStatus};

/// Less than this part of the day's requests left is worth a look.
const LITTLE: u64 = 10;
/// Clock changes are compared over so many days.
const A_YEAR: i64 = 366;

pub(super) fn accepted(tenant: Option<&str>) -> Finding {
    let what = format!(
        "Keap accepts the key; the tenant is {}",
        tenant.unwrap_or("not told")
    );
    Finding::ok(Area::Crm, "keap.key", what)
}

/// How a connection by tokens stands; `None` for a key, which only a call can judge.
pub(super) fn connection(told: &ConnectionStatus) -> Option<Finding> {
    let state = match told.state {
        ConnectionState::Fixed => return None,
        state => state.as_str(),
    };
    let what = told.problem.clone();
    let what = what.unwrap_or_else(|| format!("the connection to {} is {state}", told.name));
    Some(match (told.state, &told.remedy) {
        (ConnectionState::Fresh, None) => Finding::ok(Area::Crm, "keap.credential", what),
        (ConnectionState::Fresh | ConnectionState::Uncertain, remedy) => Finding::warning(
            Area::Crm,
            "keap.credential",
            what,
            remedy
                .as_deref()
                .unwrap_or("nothing yet: it is tried once more by itself"),
        ),
        (_, remedy) => Finding::fault(
            Area::Crm,
            "keap.credential",
            what,
            remedy
                .as_deref()
                .unwrap_or("run `clear-relay connect keap --by NAME`"),
        ),
    })
}

impl KeapInspector {
    /// Why the first call failed; a refused key is tried in the other header.
    pub(super) async fn not_let_in(&self, error: &CallError) -> Finding {
        if error.may_be_wrong_address() {
            return Finding::fault(
                Area::Crm,
                "keap.base_url",
                format!(
                    "keap.base_url: what answers at {} is not Keap's interface: {error}",
                    self.config.base_url
                ),
                "write keap.base_url = \"https://api.keap.com/crm\"",
            );
        }
        if error.class != Class::Unauthorised {
            return Finding::warning(
                Area::Crm,
                "keap",
                format!("Keap could not be asked: {error}"),
                "try again; if it stays so, see keap.base_url and Keap's status page",
            );
        }
        let Some(other_way) = &self.other_way else {
            return Finding::fault(
                Area::Crm,
                "keap.credential",
                "Keap refuses the token that is kept (401)",
                "run `clear-relay connect keap --by NAME`, and let an admin of the account agree",
            );
        };
        if other_way.who_am_i().await.is_ok() {
            let (here, there) = match self.other {
                KeyHeader::ApiKey => ("bearer", "x-keap-api-key"),
                KeyHeader::Bearer => ("x-keap-api-key", "bearer"),
            };
            return Finding::fault(
                Area::Crm,
                "keap.header",
                format!("keap.header is {here:?}, and Keap takes this key as {there:?} only"),
                format!("write keap.header = {there:?}"),
            );
        }
        Finding::fault(
            Area::Crm,
            "keap.key",
            "keap.key is refused by Keap (401), in either header",
            "make a service account key in Keap under Settings, API, and write it to the file of keap.key_file",
        )
    }

    /// Each thing the relay reads, tried once.
    pub(super) async fn rights(&self) -> (Vec<Finding>, Denied) {
        let (mut findings, mut denied) = (Vec::new(), Denied::new());
        let mut untried = Vec::new();
        let contact = self.client.any_contact().await.ok().flatten();
        for right in Right::ALL {
            let name = right.as_str();
            match self.client.try_right(right, contact.as_deref()).await {
                Ok(true) => continue,
                Ok(false) => {
                    untried.push(name);
                    continue;
                }
                Err(error) if error.status == Some(403) => findings.push(Finding::fault(
                    Area::Crm,
                    name,
                    format!("the key may not read {name} (403): its user's rights, or the edition, leave it out"),
                    format!("give the user the right to {name} in Keap under Settings, Users, or use a service account key"),
                )),
                Err(error) => findings.push(could_not(Area::Crm, name, &error)),
            }
            denied.insert(name);
        }
        if findings.is_empty() {
            let what = "the key may read everything the relay reads";
            findings.push(Finding::ok(Area::Crm, "rights", what));
        }
        if !untried.is_empty() && !denied.contains(Right::Contacts.as_str()) {
            let untried = untried.join(" and ");
            let what = format!("there is no contact yet, so reading {untried} was not tried");
            findings.push(Finding::note(Area::Crm, "rights", what));
        }
        (findings, denied)
    }

    /// Bill dates are days of the tenant: where its zone differs, a fee that is stopped today may
    /// have been charged tomorrow.
    pub(super) async fn time_zone(&self) -> Option<Finding> {
        let ours = self.zone.iana_name().unwrap_or("unnamed");
        let subject = "clinic.zone";
        let told = match self.client.time_zone().await {
            Ok(Some(told)) => told,
            Ok(None) => return None,
            Err(error) => return Some(could_not(Area::Clock, "time zone", &error)),
        };
        let Ok(theirs) = TimeZone::get(&told) else {
            let what = format!(
                "Keap's time zone {told:?} is not known here, so it was not compared with clinic.zone"
            );
            return Some(Finding::note(Area::Clock, subject, what));
        };
        if same(&self.zone, &theirs, self.now) {
            let what = format!("clinic.zone is {ours:?}, and Keap's business profile agrees");
            return Some(Finding::ok(Area::Clock, subject, what));
        }
        Some(Finding::warning(
            Area::Clock,
            subject,
            format!("clinic.zone is {ours:?}, and Keap's business profile says {told:?}"),
            "correct the one that is wrong: clinic.zone, or Keap under Settings, Business Profile",
        ))
    }

    /// What the headers of the last answer say. An empty value is unknown, not none.
    pub(super) fn quota(&self) -> Option<Finding> {
        let told = self.heard.of(&self.config.base_url)?;
        let number = |name: &str| -> Option<u64> {
            told.headers.get(name)?.to_str().ok()?.trim().parse().ok()
        };
        let left = number("x-keap-product-quota-available")?;
        let limit = number("x-keap-product-quota-limit")?;
        let what = format!("{left} of {limit} requests are left until midnight UTC");
        let subject = "quota";
        let remedy = "find what else calls Keap with this key, or give the relay a key of its own";
        Some(if left == 0 {
            Finding::fault(Area::Quota, subject, what, remedy)
        } else if left < limit / LITTLE {
            Finding::warning(Area::Quota, subject, what, remedy)
        } else {
            Finding::ok(Area::Quota, subject, what)
        })
    }
}

/// Whether two zones keep the same time over the year to come, whatever they are called.
fn same(a: &TimeZone, b: &TimeZone, now: Timestamp) -> bool {
    (0..A_YEAR).all(|day| {
        let at = later(now, SignedDuration::from_hours(24 * day));
        a.to_offset(at) == b.to_offset(at)
    })
}
