//! Every text of every corpus can be read, whatever a later version has written beside it.

use relay_core::case::{CaseStatus, Mode, Wait};
use relay_core::channel::MailEvidence;
use relay_core::clients::{BillingSnapshot, ClientSnapshot, ClientStatus, ContactSnapshot};
use relay_core::effects::{EffectInput, EffectKind, Request, Settled};
use relay_core::facts::{FactBody, Order};
use relay_core::incidents::VendorIncidents;
use relay_core::procedure::{MissedCheckInProcedure, Parameters};
use relay_core::rate_limit::LimiterState;
use relay_core::scripts::Scripts;
use relay_core::workflow::{Action, GuardReading, Input, NewWork};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{about, texts};

fn read<T: DeserializeOwned>(value: Value) -> Result<(), String> {
    let read = serde_json::from_value::<T>(value);
    read.map(|_| ()).map_err(|error| error.to_string())
}

/// Reads a stored structure by its name. Names stay: what a version has stored must be read.
fn decode(name: &str, value: Value) -> Result<(), String> {
    match name {
        "EffectInput" => read::<EffectInput>(value),
        "Request" => read::<Request>(value),
        "EffectKind" => read::<EffectKind>(value),
        "Settled" => read::<Settled>(value),
        "Input" => read::<Input>(value),
        "Action" => read::<Action>(value),
        "FactBody" => read::<FactBody>(value),
        "Order" => read::<Order>(value),
        "Wait" => read::<Wait>(value),
        "CaseStatus" => read::<CaseStatus>(value),
        "Mode" => read::<Mode>(value),
        "ClientStatus" => read::<ClientStatus>(value),
        "ClientSnapshot" => read::<ClientSnapshot>(value),
        "ContactSnapshot" => read::<ContactSnapshot>(value),
        "MailEvidence" => read::<MailEvidence>(value),
        "BillingSnapshot" => read::<BillingSnapshot>(value),
        "GuardReading" => read::<GuardReading>(value),
        "NewWork" => read::<NewWork>(value),
        "Parameters" => read::<Parameters>(value),
        "Scripts" => read::<Scripts>(value),
        "ProcedureBody" => MissedCheckInProcedure::from_body(&value, Mode::Act)
            .map(|_| ())
            .map_err(|error| error.to_string()),
        "Pace" => read::<LimiterState>(value),
        "Incidents" => read::<VendorIncidents>(value),
        other => Err(format!("say here how {other} is read")),
    }
}

/// The same value as a later version might have written it: with a member more.
fn with_a_member_more(value: &Value) -> Option<Value> {
    let mut value = value.clone();
    let members = value.as_object_mut()?;
    members.insert(
        "a_member_of_a_later_version".to_owned(),
        json!({ "on": true }),
    );
    Some(value)
}

#[test]
fn every_stored_text_is_read_also_with_a_member_that_this_version_does_not_know() {
    for corpus in about::all() {
        let text = std::fs::read_to_string(corpus.file(texts::FILE)).expect("texts");
        let all: Value = serde_json::from_str(&text).expect("JSON");
        for (name, values) in all.as_object().expect("an object") {
            for value in values.as_array().expect("a list") {
                decode(name, value.clone())
                    .unwrap_or_else(|error| panic!("{name}: {error}\n{value:#}"));
                // In these each member is a thing by itself: a script, the word for a status.
                let is_map = ["Scripts", "ClientStatus"].contains(&name.as_str());
                let more = with_a_member_more(value).filter(|_| !is_map);
                if let Some(more) = more {
                    decode(name, more).unwrap_or_else(|error| panic!("{name}: {error}\n{value:#}"));
                }
            }
        }
    }
}

#[test]
fn the_texts_of_this_version_are_read() {
    for (name, values) in texts::all() {
        assert!(!values.is_empty(), "{name}");
        for value in values {
            decode(&name, value).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn a_pace_and_a_setting_are_read_from_nothing() {
    read::<VendorIncidents>(json!({})).expect("a vendor that has none");
    read::<LimiterState>(json!({})).expect("a vendor of which nothing is remembered");
    read::<clear_relay::engine::sync::hook_watch::Watch>(json!({})).expect("nothing was looked at");
    read::<clear_relay::engine::sync::hook_watch::EventWatch>(json!({})).expect("an event");
    read::<clear_relay::engine::sync::hook_watch::Recovery>(json!({})).expect("a recovery");
}
