//! Sets the stage: a cast's people as every vendor knows them when the story begins.

use relay_core::time::{SignedDuration, TimeZone, Timestamp, later};

use super::cast::{Cast, CastClient, CastCoach, CastMail, instant};
use super::vendors::Vendors;
use crate::wiring::emulated::{NewClient, NewCoach, PastMail};

/// Sets up everybody. The error names who and what.
pub fn set(cast: &Cast, vendors: &Vendors, zone: &TimeZone) -> Result<(), String> {
    for coach in coaches(&cast.coaches)? {
        let mut all = vendors.each();
        all.try_for_each(|one| one.emulated.add_coach(&coach))?;
    }
    for client in &cast.clients {
        set_client(cast, client, vendors, zone)
            .map_err(|error| format!("client {}: {error}", client.id))?;
    }
    Ok(())
}

/// The coaches of a cast, as vendors are told of them.
pub fn coaches(cast: &[CastCoach]) -> Result<Vec<NewCoach<'_>>, String> {
    let known = cast.iter().map(|coach| {
        Ok(NewCoach {
            id: &coach.id,
            name: &coach.name,
            email: &coach.email,
            user: number(&coach.user)?,
        })
    });
    known.collect()
}

fn set_client(
    cast: &Cast,
    client: &CastClient,
    vendors: &Vendors,
    zone: &TimeZone,
) -> Result<(), String> {
    let known = NewClient {
        id: &client.id,
        first: name(&client.first),
        last: name(&client.last),
        email: &client.email,
        portal_email: client.portal_email.as_ref().unwrap_or(&client.email),
        phone: client.phone.as_deref(),
        portal_phone: client.portal_phone.as_deref(),
        zone: client.zone.as_deref(),
        coach: &client.coach,
        contact: number(&client.contact)?,
        linked: client.linked,
        regimen: client.regimen,
        due: client.due,
        mails: cast
            .mails(client)
            .iter()
            .map(|mail| past(mail, zone))
            .collect(),
    };
    let mut all = vendors.each();
    all.try_for_each(|one| one.emulated.add_client(&known))?;
    for setup in &client.before {
        vendors.act(&setup.by, setup.what.clone())?;
    }
    Ok(())
}

fn name(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn past(mail: &CastMail, zone: &TimeZone) -> PastMail {
    let sent = instant(mail.sent, zone);
    let after = |seconds: Option<i64>| -> Option<Timestamp> {
        Some(later(sent, SignedDuration::from_secs(seconds?)))
    };
    PastMail {
        sent,
        opened: after(mail.opened_after),
        clicked: after(mail.clicked_after),
        from: mail.from.clone(),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
