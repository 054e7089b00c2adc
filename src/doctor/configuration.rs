//! Mistakes and gaps of the configuration.

use super::{Area, Finding};
use crate::config::{Config, Mistake, Severity, VendorSection};

/// Each mistake.
pub(super) fn mistakes(mistakes: &[Mistake]) -> Vec<Finding> {
    if mistakes.is_empty() {
        let what = "every key is known and every value can be used";
        return vec![Finding::ok(Area::Configuration, "configuration", what)];
    }
    let finding = |mistake: &Mistake| {
        let Mistake {
            key, wrong, remedy, ..
        } = mistake;
        let what = sentence(key, wrong);
        Finding::fault(Area::Configuration, key, what, remedy)
    };
    mistakes.iter().map(finding).collect()
}

/// A key and what is wrong with it. Most mistakes go on from the key; some are sentences.
fn sentence(key: &str, wrong: &str) -> String {
    let goes_on = ["is ", "has ", "can't ", "would ", "holds "];
    if goes_on.iter().any(|word| wrong.starts_with(word)) {
        format!("{key} {wrong}")
    } else {
        format!("{key}: {wrong}")
    }
}

/// What is off, and who does it instead.
pub(super) fn off(config: &Config) -> Vec<Finding> {
    let sections = config.vendors.each().into_iter();
    let off = sections.filter_map(VendorSection::by_hand);
    off.map(|by_hand| {
        let what = format!("{} {}", by_hand.key, by_hand.what);
        Finding::note(Area::Crm, by_hand.key, what)
    })
    .collect()
}

/// What is missing or doesn't fit.
pub(super) fn gaps(config: &Config) -> Vec<Finding> {
    let gaps = config.gaps().into_iter();
    gaps.map(|gap| {
        let what = format!("{} {}", gap.key, gap.wrong);
        let area = match gap.key.split('.').next() {
            Some("log") => Area::Logging,
            _ => Area::Configuration,
        };
        match gap.severity {
            Severity::Error => Finding::fault(area, gap.key, what, gap.remedy),
            Severity::Warning => Finding::warning(area, gap.key, what, gap.remedy),
        }
    })
    .collect()
}
