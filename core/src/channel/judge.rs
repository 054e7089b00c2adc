//! Which mails are considered, and what counts in them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::machine::{self, MachineRule, Sign};
use super::{ChannelParameters, EmailRecord};
use crate::ids::EmailId;
use crate::time::Timestamp;

/// Why a mail was not considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// Sent before the window.
    BeforeWindow,
    /// Sent before the last regimen change: it belongs to another stretch of the program.
    BeforeRegimenChange,
    /// Sent later than the decision: the source's clock is wrong, so its delays are too (E34).
    AfterDecision,
    /// Enough newer mails were considered.
    OlderThanConsidered,
}

/// One mail and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedEmail {
    /// The mail as it was shown.
    pub email: EmailRecord,
    /// Whole seconds from sending to the open.
    pub open_delay_secs: Option<i64>,
    /// Whole seconds from sending to the click.
    pub click_delay_secs: Option<i64>,
    /// Why it was not considered, if it wasn't.
    pub left_out: Option<LeftOut>,
    /// Which machine rules hit it. Empty for a mail that was left out.
    pub signs: Vec<Sign>,
    /// Whether its open counts under *strict*.
    pub open_counts: bool,
    /// Whether its click counts under *strict*.
    pub click_counts: bool,
}

impl JudgedEmail {
    /// Whether the mail is seen as the CRM shows it.
    pub fn counts_as_shown(&self) -> bool {
        let mail = &self.email;
        self.left_out.is_none()
            && (mail.opened_at.is_some() || mail.clicked_at.is_some() || self.replied())
    }

    /// Whether the mail is seen under *strict*.
    pub fn counts_strict(&self) -> bool {
        self.open_counts || self.click_counts || self.replied()
    }

    /// Whether she replied to it: no machine does.
    pub(super) fn replied(&self) -> bool {
        self.left_out.is_none() && self.email.replied_at.is_some()
    }

    /// Whether `rule` hit it.
    pub fn shows(&self, rule: MachineRule) -> bool {
        self.signs.iter().any(|sign| sign.rule == rule)
    }
}

/// Between when and when a mail must have been sent.
#[derive(Debug)]
pub(super) struct Span {
    /// The start of the window.
    pub(super) window: Timestamp,
    /// The start of the day of the last regimen change, where it is known.
    pub(super) regimen: Option<Timestamp>,
    /// The decision.
    pub(super) now: Timestamp,
}

impl Span {
    /// The earliest sending time that is considered.
    pub(super) fn since(&self) -> Timestamp {
        self.regimen
            .map_or(self.window, |regimen| regimen.max(self.window))
    }

    /// Why a mail sent at `sent` is not considered.
    fn leaves_out(&self, sent: Timestamp) -> Option<LeftOut> {
        if sent > self.now {
            Some(LeftOut::AfterDecision)
        } else if sent < self.window {
            Some(LeftOut::BeforeWindow)
        } else if sent < self.since() {
            Some(LeftOut::BeforeRegimenChange)
        } else {
            None
        }
    }
}

/// Every mail once, newest first, judged.
pub(super) fn judge(
    mails: &[EmailRecord],
    span: &Span,
    parameters: &ChannelParameters,
) -> Vec<JudgedEmail> {
    let mut room = parameters.emails;
    let chosen: Vec<_> = each_once(mails)
        .into_iter()
        .map(|mail| {
            let left_out = span.leaves_out(mail.sent_at).or_else(|| {
                let full = room == 0;
                room = room.saturating_sub(1);
                full.then_some(LeftOut::OlderThanConsidered)
            });
            (mail, left_out)
        })
        .collect();
    let considered = chosen.iter().filter(|(_, left_out)| left_out.is_none());
    let pattern = machine::pattern_of(considered.map(|(mail, _)| mail), parameters);
    chosen
        .into_iter()
        .map(|(mail, left_out)| judged(mail, left_out, pattern.as_ref(), parameters))
        .collect()
}

/// Puts the verdict on one mail together.
fn judged(
    mail: EmailRecord,
    left_out: Option<LeftOut>,
    pattern: Option<&Sign>,
    parameters: &ChannelParameters,
) -> JudgedEmail {
    let considered = left_out.is_none();
    let mut signs = Vec::new();
    if considered {
        signs = machine::signs_of(&mail, parameters);
        signs.extend(pattern.cloned());
    }
    let open_hit = signs.iter().any(|sign| sign.rule.discounts_open());
    let click_hit = signs.iter().any(|sign| sign.rule.discounts_click());
    JudgedEmail {
        open_delay_secs: machine::open_delay(&mail),
        click_delay_secs: machine::click_delay(&mail),
        left_out,
        signs,
        open_counts: considered && mail.opened_at.is_some() && !open_hit,
        click_counts: considered && mail.clicked_at.is_some() && !click_hit,
        email: mail,
    }
}

/// Each mail once, newest first, whatever the order they came in. A list read in pages may name a
/// mail twice, with an event that happened in between.
fn each_once(mails: &[EmailRecord]) -> Vec<EmailRecord> {
    let mut by_id: BTreeMap<&EmailId, EmailRecord> = BTreeMap::new();
    for mail in mails {
        by_id
            .entry(&mail.id)
            .and_modify(|known| merge(known, mail))
            .or_insert_with(|| mail.clone());
    }
    let mut mails: Vec<_> = by_id.into_values().collect();
    // Stable: mails of the same instant stay in the order of their ids.
    mails.sort_by_key(|mail| Reverse(mail.sent_at));
    mails
}

/// Adds to `known` what `copy` knows: every event, by its latest time. The order of copies doesn't
/// matter.
fn merge(known: &mut EmailRecord, copy: &EmailRecord) {
    known.sent_at = known.sent_at.min(copy.sent_at);
    known.opened_at = known.opened_at.max(copy.opened_at);
    known.clicked_at = known.clicked_at.max(copy.clicked_at);
    known.replied_at = known.replied_at.max(copy.replied_at);
    known.sender = known.sender.max(copy.sender);
    if copy.subject > known.subject {
        known.subject.clone_from(&copy.subject);
    }
}
