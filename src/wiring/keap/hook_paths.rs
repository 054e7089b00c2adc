//! Where Keap is to send its hooks: one path for each secret, one of them current.
//!
//! Rules:
//! - An address holds a secret. None is shown, in no form: paths are spoken of by the secret's id.
//! - What lies under our own public address is ours, also under a secret that is no longer
//!   configured. Everything else is somebody else's and is left alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use relay_keap::webhook::PathSecrets;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

/// Where a subscription sends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The current path.
    Current,
    /// The path of an older secret that is still configured.
    Older(String),
    /// Our address with a secret that is not configured any more.
    Forgotten,
    /// Somebody else's address.
    Foreign,
}

/// The paths.
#[derive(Clone)]
pub struct HookPaths {
    base: Url,
    current: String,
    secrets: BTreeMap<String, SecretString>,
}

impl fmt::Debug for HookPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookPaths")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl HookPaths {
    /// Paths under `public`; `current` is the id of the secret to send to. `None` if there is no
    /// such secret.
    pub fn new(
        public: &Url,
        secrets: BTreeMap<String, SecretString>,
        current: &str,
    ) -> Option<Self> {
        secrets.get(current)?;
        Some(Self {
            base: public.join("hooks/keap/").ok()?,
            current: current.to_owned(),
            secrets,
        })
    }

    /// The address to subscribe with.
    pub fn url(&self) -> Option<Url> {
        let secret = self.secrets.get(&self.current)?;
        self.base.join(secret.expose_secret()).ok()
    }

    /// The id of the current secret.
    pub fn current(&self) -> &str {
        &self.current
    }

    /// The ids of the other secrets.
    pub fn older(&self) -> impl Iterator<Item = &str> {
        let ids = self.secrets.keys().map(String::as_str);
        ids.filter(|id| *id != self.current)
    }

    /// Where a subscription to `url` sends.
    pub fn place(&self, url: &str) -> Place {
        let Some(secret) = url.trim_end_matches('/').strip_prefix(self.base.as_str()) else {
            return Place::Foreign;
        };
        let known = self.secrets.iter();
        let mut known = known.filter(|(_, known)| known.expose_secret() == secret);
        match known.next() {
            Some((id, _)) if *id == self.current => Place::Current,
            Some((id, _)) => Place::Older(id.clone()),
            None => Place::Forgotten,
        }
    }

    /// `text` without any secret of ours: an error may quote the address it was given.
    pub fn hide(&self, text: &str) -> String {
        let secrets = self.secrets.values();
        secrets.fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose_secret(), "…")
        })
    }
}

/// The setting that names the closed paths.
pub(super) const CLOSED: &str = relay_store::CarefulWord::ClosedPaths.key();

/// Paths that are no longer answered although their secrets are still configured, by the secrets'
/// ids and fingerprints: an id that is given to a new secret is open again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Closed(pub BTreeMap<String, String>);

/// The closed paths as this process knows them: told by the store, asked by every webhook.
#[derive(Debug, Clone, Default)]
pub struct ClosedPaths(Arc<RwLock<Closed>>);

impl ClosedPaths {
    /// From now on these.
    pub fn set(&self, closed: Closed) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = closed;
    }

    /// Whether the path of secret `id` is closed.
    pub fn has(&self, id: &str, secrets: &PathSecrets) -> bool {
        let closed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let fingerprint = closed.0.get(id);
        fingerprint.is_some_and(|known| secrets.fingerprint(id).as_ref() == Some(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> HookPaths {
        let secrets = [
            ("a", "secret-of-a-000000000000"),
            ("b", "secret-of-b-000000000000"),
        ];
        let secrets = secrets.map(|(id, secret)| (id.to_owned(), SecretString::from(secret)));
        let public = "https://relay.example.test/".parse().expect("an address");
        HookPaths::new(&public, secrets.into(), "b").expect("paths")
    }

    #[test]
    fn what_is_under_our_address_is_ours_and_nothing_else_is() {
        let paths = paths();
        let url = paths.url().expect("an address");
        assert_eq!(paths.place(url.as_str()), Place::Current);
        let place = |rest: &str| paths.place(&format!("https://relay.example.test/{rest}"));
        assert_eq!(
            place("hooks/keap/secret-of-a-000000000000/"),
            Place::Older("a".to_owned())
        );
        assert_eq!(place("hooks/keap/long-gone"), Place::Forgotten);
        assert_eq!(
            place("hooks/other/secret-of-b-000000000000"),
            Place::Foreign
        );
        assert_eq!(
            paths.place("https://other.example.test/hooks/keap/secret-of-b-000000000000"),
            Place::Foreign
        );
    }

    #[test]
    fn no_secret_is_in_what_is_shown() {
        let paths = paths();
        let url = paths.url().expect("an address");
        let quoted = format!("hookUrl {url} is invalid; was secret-of-a-000000000000");
        for shown in [paths.hide(&quoted), format!("{paths:?}")] {
            assert!(!shown.contains("secret-of"), "{shown}");
        }
    }

    #[test]
    fn a_closed_path_opens_again_for_another_secret_of_the_same_id() {
        let secrets =
            |text: &str| PathSecrets::new([("a".to_owned(), SecretString::from(text.to_owned()))]);
        let leaked = secrets("leaked");
        let closed = ClosedPaths::default();
        assert!(!closed.has("a", &leaked));
        let print = leaked.fingerprint("a").expect("a secret");
        closed.set(Closed([("a".to_owned(), print)].into()));
        assert!(closed.has("a", &leaked));
        assert!(!closed.has("a", &secrets("another")));
    }
}
