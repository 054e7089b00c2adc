//! What no section can tell alone: a configuration whose parts are all valid and which is still
//! half a configuration.
//!
//! For `doctor`, and for `serve`, which refuses to start with a hindrance. A [`Gap`] is not a
//! mistake of [`Config::parse`]: the other commands work without what is missing here, and a
//! person who fills in a file line by line must be able to use them.

use url::Url;

use super::Config;
use super::gap::Gap;
use super::reader::is_loopback;
use super::vendors::{Reach, VendorSection};
use crate::config::gap;
use crate::engine::CoachChannel;

impl Config {
    /// Everything that is missing or doesn't fit, in the order of the sections.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        self.environment(&mut gaps);
        self.who_is_expected(&mut gaps);
        let vendors = self.vendors.each();
        let mut telling = vendors.iter().filter_map(|one| one.tells_check_ins());
        let reach = Reach {
            public_url: self.http.public_url.as_ref(),
            // Also while nobody tells yet: that is said by itself.
            is_tried_without: telling.all(|one| !one.on || one.is_looked_up),
        };
        for vendor in vendors {
            gaps.extend(vendor.gaps(reach));
        }
        self.where_coaches_are_asked(&mut gaps);
        self.logging(&mut gaps);
        gaps
    }

    /// Tasks can't be made where there is no CRM. That they are meant to be somebody has written.
    fn where_coaches_are_asked(&self, gaps: &mut Vec<Gap>) {
        if self.people.coach_channel == CoachChannel::CrmTasks && !self.vendors.have_crm() {
            gaps.push(gap::gap(
                "people.coaches",
                "is \"crm_tasks\", and no CRM is on to make them in: coaches would be asked nothing there",
                "write people.coaches = \"work_list\", or leave it out",
            ));
        }
    }

    /// One vendor tells who is expected and who has checked in.
    fn who_is_expected(&self, gaps: &mut Vec<Gap>) {
        let vendors = self.vendors.each().into_iter();
        let able: Vec<_> = vendors.filter_map(VendorSection::tells_check_ins).collect();
        let mut telling = able.iter().filter(|one| one.on);
        match (telling.next(), telling.next()) {
            (Some(_), None) => {}
            (None, _) => {
                let ways: Vec<_> = able.iter().map(|one| one.how).collect();
                gaps.push(gap::gap(
                    "check_ins",
                    "are told by nobody that is on: who is expected, and who has checked in",
                    format!("write {}", ways.join(", or ")),
                ));
            }
            (Some(first), Some(second)) => gaps.push(gap::gap(
                second.key,
                format!(
                    "is on together with {}: only one of them can tell who is expected",
                    first.key
                ),
                format!("{}, or {}", second.off, first.off),
            )),
        }
    }

    /// Variables that begin like ours and are none: a service of our name in a cluster.
    fn environment(&self, gaps: &mut Vec<Gap>) {
        if self.strange_variables.is_empty() {
            return;
        }
        gaps.push(gap::worry(
            "environment",
            format!(
                "holds what begins like a setting of the relay and is none, and is ignored: {}",
                self.strange_variables.join(", ")
            ),
            "settings are named CLEAR_RELAY__SECTION__KEY; name a service of a cluster otherwise, \
             or switch off its links (enableServiceLinks: false)",
        ));
    }

    fn logging(&self, gaps: &mut Vec<Gap>) {
        let live = self.base_urls().iter().any(|(_, url)| !is_here(url));
        let level = &self.log.level;
        if live && level.to_ascii_lowercase().contains("trace") {
            gaps.push(gap::worry(
                "log.level",
                format!("is {level:?}: so much is logged that nobody reads it, and disks fill"),
                "write log.level = \"info\"",
            ));
        }
    }
}

/// Whether the address is on this machine, or on a network that the world can't reach.
pub(super) fn is_here(url: &Url) -> bool {
    let private = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        Some(url::Host::Ipv6(ip)) => ip.is_unique_local() || ip.is_unspecified(),
        _ => false,
    };
    private || is_loopback(url)
}
