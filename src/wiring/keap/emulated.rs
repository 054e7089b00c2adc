//! Keap as the sandbox emulates it: the invented clinic's account, and its people in it.
//!
//! Every secret here is public and worth nothing: it opens emulators only.

use std::sync::{Arc, Mutex, PoisonError};

use relay_http_client::emulation::Emulator;
use relay_keap::emulator::{Act, Keap, NewField, NewProduct, Settings};
use serde_json::{Map, Value, json};
use url::Url;

use super::panel;
use crate::wiring::emulated::{
    Clinic, Emulated, EmulatedClient, NewClient, NewCoach, Panels, PastMail, Reader, StaffTask,
    ToldBy, Whom,
};

/// The key.
pub const KEAP_KEY: &str = "KeapAK-sandbox-0000000000000000";
/// The path secret of hooks.
pub const HOOK_SECRET: &str = "sandbox-hook-secret-0123456789abcdef0123";
/// The path secret of posts by automations.
pub const AUTOMATION_SECRET: &str = "sandbox-automation-secret-0123456789abcd";
/// The product whose subscriptions are the coaching fee.
pub const COACHING_PRODUCT: u64 = 10;
/// The product whose subscriptions are none of ours (E47, E49).
pub const STORE_PRODUCT: u64 = 20;
/// The events the relay subscribes to.
pub const HOOK_EVENTS: [&str; 5] = [
    "contact.edit",
    "task.edit",
    "task.complete",
    "subscription.edit",
    "contactGroup.applied",
];
/// The tab that holds the contact type, as SOP B names it.
pub const TAB: &str = "Clear Connection";
/// The contact type's label.
pub const TYPE_FIELD: &str = "Contact Type";
/// Another field of the same contacts, which no write of ours may change.
pub const GOAL_FIELD: &str = "Skin Goal";
/// The status of an address to which mail may be sent.
const OPTED_IN: &str = "SINGLE_OPT_IN";

/// The tag of those who have missed a check-in, where Keap alone tells.
pub const MISSED_TAG: &str = "Check-in missed";
/// The tag of those who have checked in.
pub const CHECKED_IN_TAG: &str = "Checked in";
/// The field with the day a check-in was due.
pub const DUE_FIELD: &str = "Check-in due";
/// The field with the day of the last check-in.
pub const CHECKED_IN_FIELD: &str = "Last check-in";
/// The field with the day of the last change of the regimen.
pub const REGIMEN_FIELD: &str = "Regimen changed";

#[derive(Debug)]
struct EmulatedKeap {
    keap: Arc<Keap>,
    /// Whether nobody else tells who is expected.
    alone: bool,
    /// Its people, where they are known by nobody else.
    people: Mutex<Vec<EmulatedClient>>,
}

/// An account where nobody is yet.
pub(super) fn start(clinic: &Clinic<'_>) -> Arc<dyn Emulated> {
    let settings = Settings {
        keys: vec![KEAP_KEY.to_owned()],
        ..Settings::default()
    };
    let (clock, random) = (Arc::clone(clinic.clock), Arc::clone(clinic.random));
    Arc::new(EmulatedKeap {
        keap: Keap::new(clock, random, settings),
        alone: clinic.told_by == ToldBy::Crm,
        people: Mutex::default(),
    })
}

/// The coaching product, the contact type field. Returns the field's id.
pub fn furnish(keap: &Keap) -> Result<String, String> {
    for (id, name, plan) in [
        (COACHING_PRODUCT, "Monthly Coaching Support Fee", 11),
        (STORE_PRODUCT, "Subscribe & Save", 21),
    ] {
        keap.perform(Act::AddProduct(NewProduct {
            id: Some(id),
            name: name.to_owned(),
            plan: Some(plan),
        }))?;
    }
    keap.perform(Act::AddField(NewField {
        label: GOAL_FIELD.to_owned(),
        tab: Some(TAB.to_owned()),
        ..NewField::default()
    }))?;
    let field = keap.perform(Act::AddField(NewField {
        label: TYPE_FIELD.to_owned(),
        field_type: Some("DROPDOWN".to_owned()),
        options: ["Online", "In-Person", "Graduated"]
            .map(str::to_owned)
            .to_vec(),
        tab: Some(TAB.to_owned()),
        ..NewField::default()
    }))?;
    Ok(field.to_string())
}

/// The section of a configuration in which Keap, which would be at `base`, is off.
pub(super) fn off(base: &Url) -> String {
    format!(
        r#"[keap]
mode = "off"
base_url = "{base}"
"#
    )
}

/// The section of a configuration that reaches an account at `base`.
pub fn section(base: &Url, contact_type_field: &str) -> String {
    format!(
        r#"[keap]
mode = "on"
base_url = "{base}"
key = "{KEAP_KEY}"
hook_secrets = {{ first = "{HOOK_SECRET}" }}
automation_secrets = {{ first = "{AUTOMATION_SECRET}" }}
poll_opens_minutes = 0
contact_type_field = {{ id = "{contact_type_field}" }}
coaching = {{ product_ids = ["{COACHING_PRODUCT}"] }}
# Procedure time, like every wait: an hour is a second here, and a look every 5 minutes 12 a second.
watch_minutes = 60
# A whole cast acts in one minute here. The usual budget would spread it over a quarter of an hour,
# and what is expected of it names the minute.
limits = {{ calls_per_minute = 6000, burst = 10000, obey_quota = false }}
"#
    )
}

impl Emulated for EmulatedKeap {
    fn emulator(&self) -> Arc<dyn Emulator> {
        Arc::<Keap>::clone(&self.keap)
    }

    fn furnish(&self) -> Result<Map<String, Value>, String> {
        let field = furnish(&self.keap)?;
        if self.alone {
            furnish_check_ins(&self.keap)?;
        }
        Ok(Map::from_iter([("field".to_owned(), Value::from(field))]))
    }

    fn section(&self, base: &Url, furnished: &Map<String, Value>) -> String {
        let field = furnished.get("field").and_then(Value::as_str);
        let mut text = section(base, field.unwrap_or_default());
        if self.alone {
            text.push_str(&check_ins_section());
        }
        text
    }

    fn add_coach(&self, coach: &NewCoach<'_>) -> Result<(), String> {
        let what = json!({ "act": "add_user", "id": coach.user, "email": coach.email,
                           "given_name": coach.name });
        self.keap.act(what).map(|_| ())
    }

    fn add_client(&self, client: &NewClient<'_>) -> Result<(), String> {
        let mut known = contact(client);
        if self.alone {
            known["owner"] = owner(client)?.into();
            known["custom"][DUE_FIELD] = json!(client.due);
            known["custom"][REGIMEN_FIELD] = json!(client.regimen);
            let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
            people.push(EmulatedClient {
                id: client.id.to_owned(),
                first: client.first.map(str::to_owned),
                last: client.last.map(str::to_owned),
                contact: Some(client.contact),
            });
        }
        self.keap.act(known)?;
        for mail in &client.mails {
            self.keap.act(mailed(client.contact, mail))?;
        }
        Ok(())
    }

    fn clients(&self) -> Vec<EmulatedClient> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.clone()
    }

    fn tasks_about(&self, contact: u64) -> Vec<StaffTask> {
        let seen = self.keap.look(contact).map(|seen| seen.tasks);
        let tasks = seen.unwrap_or_default().into_iter();
        let shown = tasks.filter_map(|task| {
            Some(StaffTask {
                owner: task.owner,
                made: task.made?,
                completed: task.completed_at.filter(|_| task.completed),
            })
        });
        shown.collect()
    }

    fn panels(&self, client: &Whom<'_>, reader: Reader<'_>) -> Option<Panels> {
        let contact = client.contact.and_then(|id| self.keap.look(id));
        Some(panel::panels(contact.as_ref(), reader))
    }
}

/// The tags and fields by which Keap tells of check-ins.
fn furnish_check_ins(keap: &Keap) -> Result<(), String> {
    for name in [MISSED_TAG, CHECKED_IN_TAG] {
        keap.perform(Act::AddTag {
            name: name.to_owned(),
        })?;
    }
    for label in [DUE_FIELD, CHECKED_IN_FIELD, REGIMEN_FIELD] {
        keap.perform(Act::AddField(NewField {
            label: label.to_owned(),
            field_type: Some("DATE".to_owned()),
            tab: Some("Check-ins".to_owned()),
            ..NewField::default()
        }))?;
    }
    Ok(())
}

fn check_ins_section() -> String {
    format!(
        r#"[keap.check_ins]
missed_tag = "{MISSED_TAG}"
checked_in_tag = "{CHECKED_IN_TAG}"
due_field = "{DUE_FIELD}"
checked_in_field = "{CHECKED_IN_FIELD}"
regimen_field = "{REGIMEN_FIELD}"
"#
    )
}

/// The user who owns a client's contact: where Keap alone tells, a coach is known by her user.
fn owner(client: &NewClient<'_>) -> Result<u64, String> {
    let coach = client.coach;
    let user = coach.parse();
    user.map_err(|_| format!("the coach {coach} is named by no user of Keap"))
}

fn contact(client: &NewClient<'_>) -> Value {
    json!({
        "act": "add_contact",
        "id": client.contact,
        "given_name": client.first,
        "family_name": client.last,
        "email": client.email,
        "email_status": OPTED_IN,
        "phone": client.phone,
        // A value that a careless write of another field would lose.
        "custom": { GOAL_FIELD: "a calm week" },
    })
}

fn mailed(contact: u64, mail: &PastMail) -> Value {
    json!({
        "act": "add_email_record",
        "contact": contact,
        "subject": "News from the clinic",
        "sent_at": mail.sent,
        "opened_at": mail.opened,
        "clicked_at": mail.clicked,
        "from": mail.from,
    })
}
