//! Which opens and clicks look like a machine's.
//!
//! Mail programs fetch images through a proxy whether or not anybody reads, and security gateways
//! follow links before delivery. Vendors that see the request go by user agent and address; the CRM
//! shows neither, so only timing is left (`adapters/keap/README.md`). Each rule says what it saw in one
//! line that is printed with the evidence; none of them is ever a silent truth.
//!
//! Left out on purpose: "several recipients at one company domain within seconds" (needs other
//! clients' mail) and any rule about the number of links (the CRM gives one time for all of them).

use serde::{Deserialize, Serialize};

use super::{ChannelParameters, EmailRecord};

/// A rule by which an event looks like a machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineRule {
    /// Opened sooner after sending than a person would: a proxy's fetch on delivery. An open
    /// before sending is counted here too. Discounts the open.
    EarlyOpen,
    /// Clicked sooner after sending than a person would: a scanner follows links on delivery.
    /// Discounts the click.
    EarlyClick,
    /// Opened and clicked within the same second: one program did both. Discounts both. (It also
    /// hits a person whose images were blocked, if the CRM takes the click for an open: another
    /// reason why strict then says *cannot tell* and not *not seen*.)
    OpenWithClick,
    /// All of three or more mails opened after the same delay, none clicked or replied to: a
    /// fetch on a schedule. Discounts the opens.
    RegularOpens,
    /// Clicked but never opened: blocked images or a scanner, weak either way. Discounts nothing
    /// (E18).
    ClickWithoutOpen,
    /// Told without a sending time to judge it by. Discounts both.
    Untimed,
}

impl MachineRule {
    /// Whether *strict* leaves out the open it hits.
    pub fn discounts_open(self) -> bool {
        matches!(
            self,
            Self::EarlyOpen | Self::OpenWithClick | Self::RegularOpens | Self::Untimed
        )
    }

    /// Whether *strict* leaves out the click it hits.
    pub fn discounts_click(self) -> bool {
        matches!(self, Self::EarlyClick | Self::OpenWithClick | Self::Untimed)
    }
}

/// A rule that hit a mail, with what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// The rule.
    pub rule: MachineRule,
    /// What it saw, in one line.
    pub says: String,
}

/// How many mails at least make a pattern.
const PATTERN: usize = 3;

/// The signs that `mail` shows by itself.
pub(super) fn signs_of(mail: &EmailRecord, parameters: &ChannelParameters) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut sign = |rule, says| signs.push(Sign { rule, says });
    if let Some(delay) = open_delay(mail)
        && delay < i64::from(parameters.machine_open_within_secs)
    {
        sign(MachineRule::EarlyOpen, early("opened", delay));
    }
    if let Some(delay) = click_delay(mail)
        && delay < i64::from(parameters.machine_click_within_secs)
    {
        sign(MachineRule::EarlyClick, early("clicked", delay));
    }
    match (mail.opened_at, mail.clicked_at) {
        (Some(opened), Some(clicked)) if opened.as_second() == clicked.as_second() => sign(
            MachineRule::OpenWithClick,
            "opened and clicked in the same second".to_owned(),
        ),
        (None, Some(_)) => sign(
            MachineRule::ClickWithoutOpen,
            "clicked without an open".to_owned(),
        ),
        _ => {}
    }
    signs
}

/// The sign that the considered mails show together, if they do.
pub(super) fn pattern_of<'a>(
    considered: impl Iterator<Item = &'a EmailRecord>,
    parameters: &ChannelParameters,
) -> Option<Sign> {
    let mut delays = Vec::new();
    for mail in considered {
        if mail.clicked_at.is_some() || mail.replied_at.is_some() {
            return None;
        }
        delays.push(open_delay(mail)?);
    }
    let (least, most) = (*delays.iter().min()?, *delays.iter().max()?);
    let regular = most - least <= i64::from(parameters.machine_regular_within_secs);
    (delays.len() >= PATTERN && regular).then(|| Sign {
        rule: MachineRule::RegularOpens,
        says: format!(
            "all {} emails opened after the same delay ({least} to {most} s), none clicked",
            delays.len()
        ),
    })
}

/// Whole seconds from sending to the open; negative if it came before.
pub(super) fn open_delay(mail: &EmailRecord) -> Option<i64> {
    mail.opened_at
        .map(|at| at.as_second() - mail.sent_at.as_second())
}

/// Whole seconds from sending to the click; negative if it came before.
pub(super) fn click_delay(mail: &EmailRecord) -> Option<i64> {
    mail.clicked_at
        .map(|at| at.as_second() - mail.sent_at.as_second())
}

/// `deed` so soon, in words.
fn early(deed: &str, delay: i64) -> String {
    if delay < 0 {
        format!("{deed} {} s before it was sent", -delay)
    } else {
        format!("{deed} {delay} s after sending")
    }
}
