//! What an emulated list is set up with, how it may behave, who can be in it.

use relay_core::time::{Date, TimeZone};
use serde::{Deserialize, Serialize};

/// What an emulated list is set up with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The clinic's zone: which day it is there.
    pub zone: TimeZone,
}

impl Default for Settings {
    /// The clinic in Denver.
    fn default() -> Self {
        Self {
            zone: TimeZone::get("America/Denver").unwrap_or(TimeZone::UTC),
        }
    }
}

/// How the program that sends may behave. Everything off is the contract to the letter.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each on or off"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// No deliveries; they are not made up for when it is switched off again, but by `send_all`.
    pub events_off: bool,
    /// Everything is delivered twice, with the same `webhook-id`.
    pub duplicate_events: bool,
    /// Deliveries that are due together come in reverse order.
    pub reorder_events: bool,
    /// Deliveries are first attempted so many seconds late.
    pub event_delay_seconds: u32,
    /// Ids that look like numbers are sent as numbers, what is empty as `null`, and members nobody knows
    /// are added.
    pub odd_shapes: bool,
    /// The list has no ids of check-ins: the due day stands for them, and a check-in that is moved is told
    /// as a withdrawn one and a new one.
    pub no_check_in_ids: bool,
    /// Rows don't say when the list was as they say.
    pub no_made_at: bool,
}

/// A client to be added: members as in the emulated portal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Her id.
    pub id: String,
    /// Her given name. Without one the list says nothing of her.
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
