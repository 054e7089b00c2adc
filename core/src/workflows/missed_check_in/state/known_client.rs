//! The client as a case knows her.

use serde::{Deserialize, Serialize};

use crate::clients::{ClientSnapshot, ClientStatus, Records};
use crate::ids::{CoachId, ContactId};
use crate::outside;
use crate::time::Date;

/// What the procedure needs to know of the client between reads. No address and no number: those
/// are read anew whenever they are used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownClient {
    /// Her given name.
    pub first_name: Option<String>,
    /// Given name and initial, for staff.
    pub short_name: Option<String>,
    /// Her coach.
    pub coach: Option<CoachId>,
    /// Where she stands.
    pub status: ClientStatus,
    /// Her time zone.
    pub zone: Option<String>,
    /// `R`.
    pub regimen: Option<Date>,
    /// Her contact, where the portal names it: for links shown to people.
    pub contact: Option<ContactId>,
    /// End of an agreed break.
    pub break_until: Option<Date>,
    /// Whether the portal has a number of hers.
    pub has_phone: bool,
    /// Whether she is a minor, if told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<bool>,
    /// Her guardian's name, if told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<String>,
}

impl From<&ClientSnapshot> for KnownClient {
    fn from(client: &ClientSnapshot) -> Self {
        Self {
            first_name: client.first_name.clone(),
            short_name: client.short_name(),
            coach: client.coach.clone(),
            status: client.status.clone(),
            zone: client.time_zone.clone(),
            regimen: client.last_regimen_change,
            contact: client.contact.clone(),
            break_until: client.break_until,
            has_phone: client.phone.is_some(),
            minor: client.minor,
            guardian: client.guardian.clone(),
        }
    }
}

impl KnownClient {
    /// What is known once `self` was told after `before`. An event tells a part of the client, and
    /// what it leaves out is not gone: the coach stays hers, and `R` stays known, until something
    /// else is told. What has in truth been taken away is found by the guard, which reads her
    /// whole. Only the end of a break is not carried over, unless the break is.
    pub(in super::super) fn after(self, before: &Self) -> Self {
        let same_break = self.status == before.status;
        Self {
            short_name: self.short_name.or_else(|| before.short_name.clone()),
            first_name: self.first_name.or_else(|| before.first_name.clone()),
            coach: self.coach.or_else(|| before.coach.clone()),
            status: self.status,
            zone: self.zone.or_else(|| before.zone.clone()),
            regimen: self.regimen.or(before.regimen),
            contact: self.contact.or_else(|| before.contact.clone()),
            break_until: self
                .break_until
                .or(before.break_until.filter(|_| same_break)),
            has_phone: self.has_phone || before.has_phone,
            // That she is of age is no more than what was told before somebody was told to answer for her.
            minor: self.minor.or(before
                .minor
                .filter(|minor| *minor || self.guardian.is_none())),
            guardian: self.guardian.or_else(|| before.guardian.clone()),
        }
    }

    /// What is known once a whole client was read after `self`.
    pub(in super::super) fn told(&self, client: &ClientSnapshot) -> Self {
        let mut known = Self::from(client).after(self);
        if client.minor.is_some() {
            // A guardian who is told no more must not be named.
            known.guardian.clone_from(&client.guardian);
        }
        known
    }

    /// What people are told of a minor, `None` of anybody else (A36, E11). One of whom the portal tells
    /// no more than that somebody answers for her counts as a minor; one of whom it tells nothing, as an
    /// adult. The guardian's name is the portal's: it stands in quotes at the end, so that it can't
    /// speak for us.
    pub(in super::super) fn as_minor(&self, records: Records) -> Option<String> {
        if !self.minor.unwrap_or(self.guardian.is_some()) {
            return None;
        }
        let told = self.guardian.as_deref().filter(|name| !name.is_empty());
        let named = outside::name(told).map(|name| {
            let in_names = |c: &char| c.is_alphabetic() || " .-'\u{2019}".contains(*c);
            name.chars().filter(in_names).collect::<String>()
        });
        let records = records.words();
        let guardian = match (told, named) {
            (None, _) => "no guardian is known here".to_owned(),
            (Some(_), Err(_)) => {
                format!("{records} has the name of a guardian that can't be shown here")
            }
            (Some(_), Ok(name)) => format!("her guardian in {records} is \u{201c}{name}\u{201d}"),
        };
        Some(format!(
            "She is a minor: the address and number on file may be a parent's, and {guardian}."
        ))
    }
}
