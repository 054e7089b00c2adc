//! `[check_ins]`: who is expected and who has checked in, where no portal tells the relay.

use std::collections::BTreeMap;

use relay_check_ins::webhook::WebhookKey;
use relay_core::clients::Coach;
use relay_core::outside;
use relay_core::time::SignedDuration;
use secrecy::SecretString;
use url::Url;

use super::reader::Reader;
use super::vendors::{TellsCheckIns, VendorSection};

/// The crate of the adapter, as a filter of the log names it.
pub(super) const CRATE: &str = "relay_check_ins";

pub(super) const EXAMPLE: &str = r#"[check_ins]
# Who is expected and who has checked in, where no portal tells the relay: "off" (the portal of [clear_connection]
# tells it), or "list": the clinic tells it, by signed webhooks at /hooks/check-ins, by
# `clear-relay import check-ins FILE --by NAME`, or both. Messages in the portal are then sent by the coaches, who are asked to.
from = "off"
# No check-in counts as missed before the list was told after its day, and nothing goes out on a list that has said
# nothing since the day before: tell it every day, before nine. An admin is asked once nothing was told for so many
# days.
silent_after_days = 3

# An id with its key (whsec_ and base64 of 24 to 64 random bytes); a second id while they are changed. No key
# here: every webhook is refused, and only imports tell.
[check_ins.webhook_keys]
#a_file = "secrets/check-ins-webhook-a"
#b_file = "secrets/check-ins-webhook-b"

# The coaches: the id that the list has for her = "Name <address>", with the address of her user in the CRM. Texts
# are signed with the name.
[check_ins.coaches]
#coach-1 = "Beth <beth@clinic.example.test>"
"#;

/// Where it is known from who is expected and who has checked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckInsFrom {
    /// The portal.
    Off,
    /// A list of the clinic's own.
    List,
}

/// The section.
#[derive(Debug, Clone)]
pub struct CheckInsConfig {
    /// Where it is known from.
    pub from: CheckInsFrom,
    /// How long nothing may be told before an admin is asked.
    pub silent_after: SignedDuration,
    /// The keys that verify webhooks, by id, as `whsec_…`.
    pub webhook_keys: BTreeMap<String, SecretString>,
    /// The coaches, whom no portal names.
    pub coaches: Vec<Coach>,
}

impl VendorSection for CheckInsConfig {
    fn read(reader: Reader<'_>) -> Option<Self> {
        Some(Self::of(reader))
    }

    fn is_on(&self) -> bool {
        self.from != CheckInsFrom::Off
    }

    fn addresses(&self) -> Vec<(&'static str, &Url)> {
        Vec::new()
    }

    fn needs_store(&self) -> bool {
        self.is_on()
    }

    fn tells_check_ins(&self) -> Option<TellsCheckIns> {
        Some(TellsCheckIns {
            key: "check_ins.from",
            on: self.is_on(),
            how: "check_ins.from = \"list\", with the coaches",
            off: "write check_ins.from = \"off\"",
            is_looked_up: true,
        })
    }
}

impl CheckInsConfig {
    fn of(mut reader: Reader<'_>) -> Self {
        let from = reader.choice(
            "from",
            &[("off", CheckInsFrom::Off), ("list", CheckInsFrom::List)],
            CheckInsFrom::Off,
        );
        let days = reader.ranged("silent_after_days", 1..=60).unwrap_or(3);
        let webhook_keys = webhook_keys(&mut reader);
        let coaches = coaches(&mut reader);
        if from != CheckInsFrom::Off && coaches.is_empty() && !reader.is_mistaken("coaches") {
            reader.mistake(
                "coaches",
                "names nobody, so no text could be signed and nobody asked",
                "write a line for each coach: ID = \"NAME <ADDRESS>\"",
            );
        }
        reader.finish();
        Self {
            from,
            silent_after: SignedDuration::from_hours(24 * i64::from(days)),
            webhook_keys,
            coaches,
        }
    }
}

/// The adapter says what a key may be, so that nothing passes here and fails there.
fn webhook_keys(reader: &mut Reader<'_>) -> BTreeMap<String, SecretString> {
    let keys = reader.secrets("webhook_keys");
    for (id, key) in &keys {
        if let Err(error) = WebhookKey::new(id, key) {
            reader.mistake(
                &format!("webhook_keys.{id}"),
                error.to_string(),
                "write whsec_ and the base64 of 24 to 64 random bytes",
            );
        }
    }
    if keys.len() > 2 {
        reader.mistake(
            "webhook_keys",
            format!("has {} keys", keys.len()),
            "keep the present one and, during a change, the next",
        );
    }
    keys
}

fn coaches(reader: &mut Reader<'_>) -> Vec<Coach> {
    let mut coaches: Vec<Coach> = Vec::new();
    for (id, text) in reader.texts("coaches") {
        let key = format!("coaches.{id}");
        let remedy = "write \"NAME <ADDRESS>\", with the address of her user in the CRM";
        let Some(coach) = coach(&id, &text) else {
            reader.mistake(&key, "is no name with an address", remedy);
            continue;
        };
        if let Some(other) = coaches.iter().find(|other| other.email == coach.email) {
            let wrong = format!("has the address of {}", other.id);
            reader.mistake(&key, wrong, "give each coach her own");
            continue;
        }
        coaches.push(coach);
    }
    for (key, variable) in reader.variables_below("coaches") {
        // Names of variables have no case, and ids of coaches may.
        let coach = key.rsplit('.').next().unwrap_or_default();
        let remedy = format!(
            "take it away, and write the coach under [check_ins.coaches] in the file instead of {variable}"
        );
        reader.mistake(
            &format!("coaches.{coach}"),
            "can't be set by a variable",
            remedy,
        );
    }
    coaches
}

/// `Beth <beth@clinic.example.test>`.
fn coach(id: &str, text: &str) -> Option<Coach> {
    let (name, rest) = text.split_once('<')?;
    let address = rest.trim().strip_suffix('>')?.trim();
    let (local, host) = address.split_once('@')?;
    let is_address = !local.is_empty()
        && host.contains('.')
        && !address.contains(|c: char| c.is_whitespace() || c == '<' || c == '>');
    Some(Coach {
        id: id.into(),
        name: outside::name(Some(name)).ok()?,
        email: is_address.then(|| address.to_lowercase())?,
        crm_user: None,
    })
}
