//! The hook subscriptions: each event that the relay needs, and where it is sent to. An address
//! holds our secret, so of an address only scheme and host are shown.

use relay_keap::types::Hook;
use secrecy::ExposeSecret as _;
use url::Url;

use super::super::hooks::EVENTS;
use super::{KeapInspector, could_not};
use crate::doctor::{Area, Finding};

const SYNC: &str = "`clear-relay hooks sync`, while `serve` runs";

/// Where a subscription of ours sends to.
enum Aim {
    /// Here.
    Here,
    /// Here, but unencrypted.
    Open,
    /// Another host, or another path before ours.
    Elsewhere(String),
}

impl KeapInspector {
    pub(super) async fn hooks(&self) -> Vec<Finding> {
        if self.hook_url.is_none() {
            // A gap of the configuration already.
            return Vec::new();
        }
        let offered = match self.client.hook_event_keys().await {
            Ok(offered) => offered,
            Err(error) => return vec![could_not(Area::Hooks, "event keys", &error)],
        };
        let there = match self.client.hooks().await {
            Ok(there) => there,
            Err(error) => return vec![could_not(Area::Hooks, "hooks", &error)],
        };
        let mut findings = Vec::new();
        for event in EVENTS {
            if offered.iter().any(|key| key == event) {
                findings.extend(self.event(event, &there));
            } else {
                findings.push(Finding::warning(
                    Area::Hooks,
                    event,
                    format!("{event} is not offered by this account: such changes are seen late, by reading"),
                    "ask Keap's support for the event; nothing can be set here",
                ));
            }
        }
        if findings.is_empty() {
            let what = format!("Keap tells us of all {} events", EVENTS.len());
            findings.push(Finding::ok(Area::Hooks, "hooks", what));
        }
        findings
    }

    /// The subscriptions to one event that hold a secret of ours.
    fn event(&self, event: &str, there: &[Hook]) -> Vec<Finding> {
        let ours: Vec<(&Hook, Aim)> = there
            .iter()
            .filter(|hook| hook.event_key.as_deref() == Some(event))
            .filter_map(|hook| Some((hook, self.aim(hook)?)))
            .collect();
        let here: Vec<&Hook> = ours
            .iter()
            .filter(|(_, aim)| matches!(aim, Aim::Here))
            .map(|(hook, _)| *hook)
            .collect();
        let mut findings: Vec<Finding> = ours
            .iter()
            .filter_map(|(hook, aim)| astray(event, hook, aim))
            .collect();
        match here[..] {
            [] if findings.is_empty() => findings.push(Finding::fault(
                Area::Hooks,
                event,
                format!("{event} is not subscribed to: Keap doesn't tell us of it"),
                SYNC,
            )),
            [] => {}
            [hook] => findings.extend(asleep(event, hook)),
            [..] => findings.push(Finding::warning(
                Area::Hooks,
                event,
                format!(
                    "{event} is subscribed to {} times: each change is sent as often",
                    here.len()
                ),
                format!("delete all but one of the keys {}", keys(&here)),
            )),
        }
        findings
    }

    /// Where it sends to, if it is ours: if it holds one of our secrets.
    fn aim(&self, hook: &Hook) -> Option<Aim> {
        let url = Url::parse(hook.hook_url.as_deref()?).ok()?;
        let secrets = self.config.hook_secrets.values();
        let mut tails = secrets.map(|secret| format!("hooks/keap/{}", secret.expose_secret()));
        let tail = tails.find(|tail| url.path().ends_with(&format!("/{tail}")))?;
        let wanted = self.public_url.as_ref()?.join(&tail).ok()?;
        let host = url.host_str().unwrap_or_default().to_owned();
        Some(if url == wanted {
            Aim::Here
        } else if url.scheme() == "http" && url.host() == wanted.host() {
            Aim::Open
        } else {
            Aim::Elsewhere(host)
        })
    }
}

fn key(hook: &Hook) -> &str {
    hook.key.as_deref().unwrap_or("without a key")
}

fn keys(hooks: &[&Hook]) -> String {
    let keys: Vec<_> = hooks.iter().map(|hook| key(hook)).collect();
    keys.join(", ")
}

/// A subscription that holds our secret and sends it to another place than this relay.
fn astray(event: &str, hook: &Hook, aim: &Aim) -> Option<Finding> {
    let key = key(hook);
    let what = match aim {
        Aim::Here => return None,
        Aim::Open => {
            format!("{event} is sent to us over http (key {key}): our secret travels unencrypted")
        }
        Aim::Elsewhere(host) => {
            format!("{event} is sent with our secret to {host} (key {key}), not to http.public_url")
        }
    };
    let remedy = format!(
        "delete the subscription {key}, change the secret in keap.hook_secrets, then {SYNC}"
    );
    Some(Finding::fault(Area::Hooks, event, what, remedy))
}

/// A subscription that sends nothing.
fn asleep(event: &str, hook: &Hook) -> Option<Finding> {
    let status = hook.status.as_deref().unwrap_or("not told");
    (status != "Verified").then(|| {
        Finding::fault(
            Area::Hooks,
            event,
            format!(
                "{event} is {status} at Keap (key {}): nothing is sent",
                key(hook)
            ),
            SYNC,
        )
    })
}
