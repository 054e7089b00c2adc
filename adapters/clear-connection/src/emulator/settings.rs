//! What an emulated portal is set up with, how it may behave, who can be in it.

use relay_core::time::{Date, TimeZone};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// What an emulated portal is set up with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bearer token that callers must show.
    pub token: SecretString,
    /// The clinic's zone: where a due day begins.
    pub zone: TimeZone,
    /// Entries per page of a list; at least 1.
    pub page_size: usize,
}

impl Settings {
    /// The clinic in Denver, 100 entries per page.
    pub fn new(token: SecretString) -> Self {
        Self {
            token,
            zone: TimeZone::get("America/Denver").unwrap_or(TimeZone::UTC),
            page_size: 100,
        }
    }
}

/// How a young portal may behave. Everything off is the contract to the letter.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each on or off"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// `Idempotency-Key` is ignored: the same key makes a second message.
    pub key_ignored: bool,
    /// Keys are forgotten after so many seconds.
    pub key_expires_after_seconds: Option<u32>,
    /// Lists do not show the key that a message or note was written with.
    pub keys_not_shown: bool,
    /// No events; they are not made up for when it is switched off again.
    pub events_off: bool,
    /// Every event is delivered twice, with the same `webhook-id`.
    pub duplicate_events: bool,
    /// Events that are due together come in reverse order.
    pub reorder_events: bool,
    /// Events are first attempted so many seconds late.
    pub event_delay_seconds: u32,
    /// Messages and notes show up in lists only so many seconds after they were made.
    pub list_lag_seconds: u32,
    /// Ids that look like numbers are sent as numbers, and members nobody knows are added.
    pub odd_shapes: bool,
    /// Filters and paging parameters other than `cursor` are ignored.
    pub filters_ignored: bool,
}

/// A client to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Her id.
    pub id: String,
    /// Her given name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Her family name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// The status word; `online` if not given.
    #[serde(default)]
    pub status: Option<String>,
    /// Her coach's id.
    #[serde(default)]
    pub coach: Option<String>,
    /// Her address.
    #[serde(default)]
    pub email: Option<String>,
    /// Her number.
    #[serde(default)]
    pub phone: Option<String>,
    /// Her IANA zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The CRM contact she is linked to.
    #[serde(default)]
    pub keap_contact_id: Option<String>,
    /// `R`.
    #[serde(default)]
    pub last_regimen_change: Option<Date>,
    /// End of a break.
    #[serde(default)]
    pub break_until: Option<Date>,
    /// Whether she is a minor; not told if `None`.
    #[serde(default)]
    pub minor: Option<bool>,
    /// Her guardian's name.
    #[serde(default)]
    pub guardian: Option<String>,
}
