//! Who is followed up.

use relay_core::clients::{ClientSnapshot, ClientStatus};

use super::date;

/// Maya R., of age as far as anybody tells.
pub(super) fn maya() -> ClientSnapshot {
    ClientSnapshot {
        id: "maya".into(),
        first_name: Some("Maya".into()),
        last_name: Some("Reyes".into()),
        status: ClientStatus::Online,
        coach: Some("dana".into()),
        email: Some("maya@example.test".into()),
        phone: Some("303-555-0142".into()),
        time_zone: None,
        last_regimen_change: Some(date("2026-10-20")),
        contact: Some("41".into()),
        break_until: None,
        minor: None,
        guardian: None,
    }
}
