//! The doctor: looks at everything that has to be right before a client can be followed up, and
//! says all that is not, with what to do about it.
//!
//! People: whoever installs the relay and whoever is called when it is silent, by `doctor`;
//! `serve`, which asks [`local`] before it starts and refuses with the same words.
//!
//! | file | looks at |
//! |---|---|
//! | `configuration` | mistakes and gaps of the configuration |
//! | `files` | who may read secrets, where the database lies, how much room is left |
//! | `store` | the database: there, whole, of this version, nothing dead in it |
//! | `outreach` | whether somebody has stopped it; found among the procedure's |
//! | `calendar` | days and hours, holidays to come, hours that a clock change swallows |
//! | `procedure` | parameters, scripts, whether it acts |
//! | `people` | who answers for what |
//! | `heard` | clocks and quotas, from the headers of what the vendors answered |
//!
//! What asks a vendor is behind [`Inspect`] and stands in `wiring`.
//!
//! Rules:
//! - It changes nothing, at no vendor and in no file. Every request is a read.
//! - One thing that is wrong is one finding: where a check can't be made because of another
//!   finding, it is left out.
//! - A vendor that can't be reached is a warning, never a fault: an outage of theirs must not
//!   become one of ours.
//!
//! Not guaranteed: that a fault is found which needs a write to show, such as a right to read
//! that is no right to change.
//!
//! How a newcomer adds a check: a function from what it looks at to `Vec<Finding>` in the file of
//! its area, called in [`local`]; or, if a vendor must be asked, in that vendor's `inspect.rs`;
//! and a row in `tests/it/doctor/`.

mod calendar;
mod configuration;
mod files;
pub mod heard;
mod machine;
mod outreach;
mod people;
pub(crate) mod procedure;
mod store;
mod time_off;

use std::sync::Arc;

use futures_util::future::join_all;
use relay_core::time::Timestamp;

pub use crate::ports::finding::{Area, Finding, Severity};
pub use machine::{Machine, ThisMachine};

use crate::config::{Examined, Mistake};
use crate::ports::{Inspect, Stores};

/// What is looked at without asking anybody.
pub struct Local<'a> {
    /// The configuration, read to its end.
    pub examined: &'a Examined,
    /// The databases.
    pub stores: &'a dyn Stores,
    /// The machine.
    pub machine: &'a dyn Machine,
    /// Whether the whole database is read to find damage. `serve` must start at once.
    pub thorough: bool,
    /// Procedure time.
    pub now: Timestamp,
}

impl std::fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

/// Everything that can be found without a vendor, in the order of the areas.
pub async fn local(local: &Local<'_>) -> Vec<Finding> {
    let mistakes = &local.examined.mistakes;
    let mut findings = configuration::mistakes(mistakes);
    if let Some(config) = &local.examined.config {
        let mut more = configuration::gaps(config);
        more.extend(configuration::off(config));
        more.extend(files::look(config, local.machine));
        more.extend(store::look(&config.store.path, local).await);
        more.extend(outreach::look(&config.store.path, local.stores).await);
        if !mistakes.iter().any(|one| one.key.starts_with("clinic.")) {
            // A calendar with a mistake in it was replaced as a whole.
            more.extend(calendar::look(&config.calendar, local.now));
            let path = &config.store.path;
            more.extend(time_off::look(path, local.stores, &config.calendar, local.now).await);
        }
        more.extend(procedure::look(
            &config.procedures.missed_check_in,
            &config.people,
        ));
        more.extend(people::look(&config.people, config.vendors.have_crm()));
        more.retain(|finding| !follows(finding, mistakes));
        findings.extend(more);
    }
    in_order(findings)
}

/// Everything: [`local`], and what each of `inspectors` finds. They are asked at the same time.
pub async fn everything(here: &Local<'_>, inspectors: &[Arc<dyn Inspect>]) -> Vec<Finding> {
    let asked = join_all(inspectors.iter().map(|inspector| inspector.inspect()));
    let (mut findings, told) = tokio::join!(local(here), asked);
    let mistakes = &here.examined.mistakes;
    let told = told.into_iter().flatten();
    findings.extend(told.filter(|finding| !follows(finding, mistakes)));
    in_order(findings)
}

/// Whether a finding only follows from a mistake: the value looked at was a default that stands
/// in for a wrong one, or for one that is written behind a misspelt key.
fn follows(finding: &Finding, mistakes: &[Mistake]) -> bool {
    mistakes.iter().any(|mistake| {
        let meant = mistake.meant.as_ref();
        finding.is_about(&mistake.key) || meant.is_some_and(|meant| finding.is_about(meant))
    })
}

/// By area, and within one the worst first.
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.area, std::cmp::Reverse(finding.severity)));
    findings
}
