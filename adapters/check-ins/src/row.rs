//! What a row says.

use relay_core::ids::{CheckInId, ClientId, CoachId, ContactId};
use relay_core::time::{Date, Timestamp};
use serde::{Deserialize, Serialize};

/// A row of the clinic's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Who, by an id of the clinic's own.
    pub client: ClientId,
    /// What is known of her. `None` where the row names no first name: then it says nothing of her,
    /// and what is known stays.
    #[serde(default)]
    pub about: Option<About>,
    /// A check-in of hers.
    #[serde(default)]
    pub check_in: Option<RowCheckIn>,
}

/// What a row tells of the client: all that is known of her. What is `None` is known to be absent, but for
/// [`status`](Self::status) and [`minor`](Self::minor).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Given name.
    pub first_name: String,
    /// Family name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// Email address.
    #[serde(default)]
    pub email: Option<String>,
    /// Phone number.
    #[serde(default)]
    pub phone: Option<String>,
    /// The CRM contact.
    #[serde(default)]
    pub contact: Option<ContactId>,
    /// Her coach.
    #[serde(default)]
    pub coach: Option<CoachId>,
    /// The status word as told; `None` means online.
    #[serde(default)]
    pub status: Option<String>,
    /// IANA time zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// `R`.
    #[serde(default)]
    pub last_regimen_change: Option<Date>,
    /// End of an agreed break.
    #[serde(default)]
    pub break_until: Option<Date>,
    /// Whether she is a minor; `None` if not told.
    #[serde(default)]
    pub minor: Option<bool>,
    /// Who answers for her, by name.
    #[serde(default)]
    pub guardian: Option<String>,
}

/// A check-in, as a row has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCheckIn {
    /// Which of hers: the column `check_in`, or the due day as text where the list has no ids of
    /// check-ins. Two clients may have check-ins of one id.
    pub id: CheckInId,
    /// `D`.
    pub due: Date,
    /// Where it stands.
    pub state: RowState,
}

/// Where a check-in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Asked for and not there yet.
    Open,
    /// Submitted, then where the row says when.
    Submitted(Option<SubmittedAt>),
    /// Withdrawn by the clinic.
    Withdrawn,
}

/// When a check-in was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmittedAt {
    /// On this day of the clinic.
    Day(Date),
    /// At this instant.
    Instant(Timestamp),
}
