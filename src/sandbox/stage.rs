//! Sets the stage: a cast's people as both vendors know them when the story begins.

use relay_core::time::{SignedDuration, TimeZone, Timestamp};
use serde_json::{Value, json};

use super::cast::{Cast, CastClient, CastMail, instant};
use super::clinic::GOAL_FIELD;
use super::vendors::Vendors;

/// The status of an address to which mail may be sent.
const OPTED_IN: &str = "SINGLE_OPT_IN";

/// Sets up everybody. The error names who and what.
pub fn set(cast: &Cast, vendors: &Vendors, zone: &TimeZone) -> Result<(), String> {
    for coach in &cast.coaches {
        let user = number(&coach.user)?;
        let what = json!({ "act": "add_coach", "id": coach.id, "name": coach.name,
                           "email": coach.email });
        vendors.act("portal", what)?;
        let what = json!({ "act": "add_user", "id": user, "email": coach.email,
                           "given_name": coach.name });
        vendors.act("keap", what)?;
    }
    for client in &cast.clients {
        set_client(cast, client, vendors, zone)
            .map_err(|error| format!("client {}: {error}", client.id))?;
    }
    Ok(())
}

fn set_client(
    cast: &Cast,
    client: &CastClient,
    vendors: &Vendors,
    zone: &TimeZone,
) -> Result<(), String> {
    let contact = number(&client.contact)?;
    vendors.act("keap", in_crm(client, contact))?;
    vendors.act("portal", in_portal(client))?;
    for mail in cast.mails(client) {
        vendors.act("keap", mailed(contact, mail, zone))?;
    }
    if let Some(due) = client.due {
        let id = format!("ci_{}", client.id);
        let what = json!({ "act": "add_check_in", "client": client.id, "id": id, "due": due });
        vendors.act("portal", what)?;
    }
    for setup in &client.before {
        vendors.act(&setup.by, setup.what.clone())?;
    }
    Ok(())
}

fn name(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn in_crm(client: &CastClient, contact: u64) -> Value {
    json!({
        "act": "add_contact",
        "id": contact,
        "given_name": name(&client.first),
        "family_name": name(&client.last),
        "email": client.email,
        "email_status": OPTED_IN,
        "phone": client.phone,
        // A value that a careless write of another field would lose.
        "custom": { GOAL_FIELD: "a calm week" },
    })
}

fn in_portal(client: &CastClient) -> Value {
    json!({
        "act": "add_client",
        "id": client.id,
        "first_name": name(&client.first),
        "last_name": name(&client.last),
        "status": "online",
        "coach": client.coach,
        "email": client.portal_email.as_ref().unwrap_or(&client.email),
        "time_zone": client.zone,
        "keap_contact_id": client.linked.then_some(&client.contact),
        "last_regimen_change": client.regimen,
    })
}

fn mailed(contact: u64, mail: &CastMail, zone: &TimeZone) -> Value {
    let sent = instant(mail.sent, zone);
    let later = |seconds: Option<i64>| -> Option<Timestamp> {
        sent.saturating_add(SignedDuration::from_secs(seconds?))
            .ok()
    };
    json!({
        "act": "add_email_record",
        "contact": contact,
        "subject": "News from the clinic",
        "sent_at": sent,
        "opened_at": later(mail.opened_after),
        "clicked_at": later(mail.clicked_after),
    })
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
