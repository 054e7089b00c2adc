//! The hook subscriptions: each event that the relay needs, and where it is sent to. An address
//! holds our secret, so of an address only scheme and host are shown. Events that suffer from the
//! same are one finding: after a move of the relay all of them do.

use std::collections::BTreeMap;

use relay_keap::types::Hook;
use secrecy::ExposeSecret as _;
use url::Url;

use super::super::hooks::EVENTS;
use super::{KeapInspector, could_not};
use crate::doctor::{Area, Finding};

const SYNC: &str = "`clear-relay hooks sync`, while `serve` runs";

/// Where a subscription of ours sends to.
enum Aim {
    /// To this relay.
    Here,
    /// Here, but unencrypted.
    Open,
    /// Another host, or another path before ours.
    Elsewhere(String),
}

/// What an event suffers from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    NotOffered,
    Missing,
    /// The secret travels unencrypted.
    Open,
    /// The secret goes to this host.
    Elsewhere(String),
    /// Nothing is sent; the status.
    Asleep(String),
    Several,
}

/// Which events suffer from what, and the keys of the subscriptions that are to blame.
#[derive(Default)]
struct Troubles(BTreeMap<Trouble, (Vec<&'static str>, Vec<String>)>);

impl Troubles {
    fn add<'a>(
        &mut self,
        trouble: Trouble,
        event: &'static str,
        hooks: impl IntoIterator<Item = &'a Hook>,
    ) {
        let (events, keys) = self.0.entry(trouble).or_default();
        if !events.contains(&event) {
            events.push(event);
        }
        let key = |hook: &Hook| hook.key.clone().unwrap_or_else(|| "unnamed".to_owned());
        keys.extend(hooks.into_iter().map(key));
    }
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
        let mut troubles = Troubles::default();
        for (event, _) in EVENTS {
            if offered.iter().any(|key| key == event) {
                self.event(event, &there, &mut troubles);
            } else {
                troubles.add(Trouble::NotOffered, event, []);
            }
        }
        if troubles.0.is_empty() {
            let what = format!("Keap tells us of all {} events", EVENTS.len());
            return vec![Finding::ok(Area::Hooks, "hooks", what)];
        }
        let troubles = troubles.0.iter();
        troubles
            .map(|(trouble, (events, keys))| finding(trouble, events, keys))
            .collect()
    }

    /// The subscriptions to one event that hold a secret of ours.
    fn event(&self, event: &'static str, there: &[Hook], troubles: &mut Troubles) {
        let mut here = Vec::new();
        let mut astray = false;
        for hook in there
            .iter()
            .filter(|hook| hook.event_key.as_deref() == Some(event))
        {
            let trouble = match self.aim(hook) {
                None => continue,
                Some(Aim::Here) => {
                    here.push(hook);
                    continue;
                }
                Some(Aim::Open) => Trouble::Open,
                Some(Aim::Elsewhere(host)) => Trouble::Elsewhere(host),
            };
            astray = true;
            troubles.add(trouble, event, [hook]);
        }
        match here[..] {
            [] if !astray => troubles.add(Trouble::Missing, event, []),
            [] => {}
            [hook] => {
                let status = hook.status.as_deref().unwrap_or("not told");
                if status != "Verified" {
                    troubles.add(Trouble::Asleep(status.to_owned()), event, [hook]);
                }
            }
            [..] => troubles.add(Trouble::Several, event, here),
        }
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

fn finding(trouble: &Trouble, events: &[&str], keys: &[String]) -> Finding {
    let (subject, are) = match events {
        [event] => (*event, "is"),
        _ => ("hooks", "are"),
    };
    let (events, keys) = (events.join(", "), keys.join(", "));
    let warning = |what: String, remedy: &str| Finding::warning(Area::Hooks, subject, what, remedy);
    let fault = |what: String, remedy: &str| Finding::fault(Area::Hooks, subject, what, remedy);
    let delete = format!(
        "delete the subscriptions {keys}, change the secret in keap.hook_secrets, then {SYNC}"
    );
    match trouble {
        Trouble::NotOffered => warning(
            format!(
                "{events} {are} not offered by this account: such changes are seen late, by reading"
            ),
            "ask Keap's support for the event; nothing can be set here",
        ),
        Trouble::Missing => fault(
            format!("{events} {are} not subscribed to: Keap doesn't tell us of it"),
            SYNC,
        ),
        Trouble::Open => fault(
            format!(
                "{events} {are} sent to us over http (key {keys}): our secret travels unencrypted"
            ),
            &delete,
        ),
        Trouble::Elsewhere(host) => fault(
            format!(
                "{events} {are} sent with our secret to {host} (key {keys}), not to http.public_url"
            ),
            &delete,
        ),
        Trouble::Asleep(status) => fault(
            format!("{events} {are} {status} at Keap (key {keys}): nothing is sent"),
            SYNC,
        ),
        Trouble::Several => warning(
            format!(
                "{events} {are} subscribed to more than once (keys {keys}): each change is sent as often"
            ),
            "run `clear-relay hooks sync`: it leaves one subscription of each",
        ),
    }
}
