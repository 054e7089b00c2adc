//! The subscriptions at Keap: listed, made, verified, moved to another path, counted once.
//!
//! Rules:
//! - Only what is under our own address is touched ([`Place`]).
//! - A handshake is answered only while a call of ours asks for one: the moment until which it may
//!   be is stored before the call, because the call may be a command's and the answer `serve`'s.
//! - The older of two subscriptions goes only when the newer is verified.
//! - A subscription is moved by `PUT` and a new verification; where Keap refuses the `PUT`, by
//!   making another, verifying that, and deleting the old one. What waited for delivery meanwhile
//!   may be lost either way: whoever moves reads the gap back (`engine::hook_watch`).

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use relay_core::retry::Class;
use relay_core::time::{Clock, SignedDuration, Timestamp, later};
use relay_http_client::CallError;
use relay_keap::types::Hook;
use relay_keap::webhook::PathSecrets;
use relay_keap::{KeapClient, Touched, VENDOR};
use relay_store::{CarefulWord, Op, Store, StoredWord};
use url::Url;

use super::hook_paths::{CLOSED, Closed, ClosedPaths, HookPaths, Place};
use super::source::HANDSHAKE_UNTIL;
use crate::ports::{Among, Changed, HookRegistry, HookStatus, SubscriptionState, SyncWish, Synced};
use crate::receipts::HintObject;

/// The events the relay needs: hints that a contact, a call task or a subscription changed, or
/// that a contact is gone (E40).
/// A tag that was put on is among them for those by which staff begin (E8); which tag it is, is read.
pub const EVENTS: [(&str, HintObject); 6] = [
    ("contact.edit", HintObject::Contact),
    ("contact.delete", HintObject::Contact),
    ("task.edit", HintObject::Task),
    ("task.complete", HintObject::Task),
    ("subscription.edit", HintObject::Subscription),
    ("contactGroup.applied", HintObject::Tags),
];

/// How long a call may take that ends with a handshake, real time: its own limit is 30 seconds,
/// and so is Keap's for the handshake.
const WINDOW: SignedDuration = SignedDuration::from_secs(90);

/// What is said of a subscription that is not verified yet. Keap's handshake may come after its
/// answer, so that alone it is nobody's fault.
const NOT_VERIFIED: &str = "Keap has not verified it yet. `clear-relay hooks list` shows whether it \
                            has in a minute; if not, see that http.public_url is reachable from \
                            outside and that `serve` is running";

/// Keap's word for a subscription that delivers.
const VERIFIED: &str = "Verified";

/// Where Keap's webhooks come in: their paths and the secrets in them.
#[derive(Debug, Clone)]
pub struct WebhookEndpoints {
    /// Where Keap is to send; `None` when the configuration doesn't say.
    pub paths: Option<HookPaths>,
    /// The secrets that let in.
    pub secrets: PathSecrets,
    /// Which of them no longer do.
    pub closed: ClosedPaths,
}

/// Keap's hooks that point at this relay.
#[derive(Debug, Clone)]
pub struct KeapHooks {
    client: Arc<KeapClient>,
    endpoints: WebhookEndpoints,
    every: SignedDuration,
    store: Arc<dyn Store>,
    real: Arc<dyn Clock>,
}

/// What an event's subscriptions should become.
struct Plan<'a> {
    step: Step<'a>,
    /// Ours, and too many.
    spare: Vec<&'a Hook>,
}

enum Step<'a> {
    /// It is as it should be.
    Keep(&'a Hook),
    /// It sends to the current path and must be verified.
    Verify(&'a Hook),
    /// It sends to another path of ours.
    Move(&'a Hook, String),
    /// There is none.
    Create,
}

impl KeapHooks {
    /// Hooks through `endpoints`, to be looked at `every` so often. `real` is real time.
    pub fn new(
        client: Arc<KeapClient>,
        endpoints: WebhookEndpoints,
        every: SignedDuration,
        store: Arc<dyn Store>,
        real: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client,
            endpoints,
            every,
            store,
            real,
        }
    }

    fn paths(&self) -> Result<&HookPaths, CallError> {
        self.endpoints.paths.as_ref().ok_or_else(|| {
            CallError::permanent(
                VENDOR,
                "keap hooks",
                "set http.public_url and keap.hook_secrets, so that Keap can be told where to send",
            )
        })
    }

    /// Writes settings. A database that can't be written now is a reason to come again.
    async fn put(&self, key: &str, value: serde_json::Value) -> Result<(), CallError> {
        let put = Op::PutSetting {
            key: key.to_owned(),
            value,
        };
        let done = self.store.commit(vec![put].into()).await;
        done.map(|_| ()).map_err(|error| database(&error))
    }

    /// Tells this process which paths are closed.
    async fn learn_closed(&self) -> Result<(), CallError> {
        let said = CarefulWord::ClosedPaths.ask(self.store.as_ref()).await;
        let closed = match said.map_err(|error| database(&error))? {
            StoredWord::Nothing => Closed::default(),
            StoredWord::Word(word) => {
                serde_json::from_value(word).unwrap_or_else(|_| self.all_older())
            }
            StoredWord::Unreadable(_) => self.all_older(),
        };
        self.endpoints.closed.set(closed);
        Ok(())
    }

    /// Every path but the current one: which of them somebody has closed is not known, and a secret that
    /// has leaked lets nobody in. Where the configuration names no current one, there is none to tell.
    fn all_older(&self) -> Closed {
        let older = self.endpoints.paths.iter().flat_map(HookPaths::older);
        Closed(self.prints(older))
    }

    fn prints<'a>(&self, ids: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
        let prints = ids.filter_map(|id| {
            let print = self.endpoints.secrets.fingerprint(id)?;
            Some((id.to_owned(), print))
        });
        prints.collect()
    }

    /// Lets handshakes be answered for a while.
    async fn open_window(&self) -> Result<(), CallError> {
        let until = later(self.real.now(), WINDOW);
        self.put(HANDSHAKE_UNTIL, json(until)).await
    }

    /// No handshake is asked for any more. One that another process asks for in this moment fails,
    /// does no harm, and is asked for again.
    async fn close_window(&self) -> Result<(), CallError> {
        self.put(HANDSHAKE_UNTIL, serde_json::Value::Null).await
    }

    /// Whether the subscription is still to be verified.
    async fn carry_out(&self, plan: &Plan<'_>, status: &mut HookStatus) -> Result<bool, CallError> {
        let url = self.paths()?.url().ok_or_else(unusable_address)?;
        let now = match &plan.step {
            Step::Keep(hook) => (*hook).clone(),
            Step::Verify(hook) => self.verify(hook).await?,
            Step::Move(hook, _) => self.relocate(hook, &status.event, &url).await?,
            Step::Create => self.create(&status.event, &url).await?,
        };
        describe(status, &now, self.paths()?);
        if status.state != SubscriptionState::Active {
            // Keap may verify after it has answered: who is to blame is said after one more look.
            status.problem = Some(NOT_VERIFIED.to_owned());
            return Ok(true);
        }
        for spare in &plan.spare {
            // Where a move made another one, the old one is spare by now and gone by then.
            if spare.key != now.key {
                self.client.delete_hook(key_of(spare)?).await?;
            }
        }
        Ok(false)
    }

    async fn verify(&self, hook: &Hook) -> Result<Hook, CallError> {
        self.open_window().await?;
        self.client.verify_hook(key_of(hook)?).await
    }

    /// Moves a subscription to the current path.
    async fn relocate(&self, hook: &Hook, event: &str, url: &Url) -> Result<Hook, CallError> {
        match self.client.update_hook(key_of(hook)?, event, url).await {
            Ok(moved) => {
                let key = moved.key.clone().or_else(|| hook.key.clone());
                self.verify(&Hook { key, ..moved }).await
            }
            Err(error) if error.class == Class::Permanent => {
                let made = self.create(event, url).await?;
                if made.status.as_deref() == Some(VERIFIED) {
                    self.client.delete_hook(key_of(hook)?).await?;
                }
                Ok(made)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a subscription. When the answer was lost it is looked for, never made twice.
    async fn create(&self, event: &str, url: &Url) -> Result<Hook, CallError> {
        self.open_window().await?;
        let error = match self.client.create_hook(event, url).await {
            Err(error) if error.class == Class::Unclear => error,
            other => return other,
        };
        let there = self.client.hooks().await?;
        let found = there.into_iter().find(|hook| {
            hook.event_key.as_deref() == Some(event)
                && hook.hook_url.as_deref() == Some(url.as_str())
        });
        match found {
            Some(hook) if hook.status.as_deref() == Some(VERIFIED) => Ok(hook),
            Some(hook) => self.verify(&hook).await,
            None => Err(error),
        }
    }

    /// Lists once more what was not verified when Keap answered.
    async fn look_again(&self, hooks: &mut [HookStatus], at: &[usize]) -> Result<(), CallError> {
        if at.is_empty() {
            return Ok(());
        }
        let paths = self.paths()?;
        let there = self.client.hooks().await?;
        let each = hooks.iter_mut().enumerate();
        for (_, status) in each.filter(|(place, _)| at.contains(place)) {
            let listed = there.iter().find(|hook| hook.key == status.key);
            if let Some(listed) = listed {
                describe(status, listed, paths);
            }
            if status.state == SubscriptionState::Active {
                status.problem = None;
            }
        }
        Ok(())
    }

    /// Closes the paths of the older secrets. Returns their ids.
    async fn close_older(&self, hooks: &[HookStatus]) -> Result<Vec<String>, CallError> {
        let paths = self.paths()?;
        let behind = hooks.iter().find(|hook| {
            hook.state != SubscriptionState::NotOffered
                && (hook.state != SubscriptionState::Active
                    || hook.path.as_deref() != Some(paths.current()))
        });
        if let Some(behind) = behind {
            return Err(CallError::permanent(
                VENDOR,
                "keap hooks",
                format!(
                    "{} is not verified on the current path: no path is closed before every \
                     subscription has moved",
                    behind.event
                ),
            ));
        }
        let older: Vec<String> = paths.older().map(str::to_owned).collect();
        let closed = Closed(self.prints(paths.older()));
        self.put(CLOSED, json(closed)).await?;
        self.learn_closed().await?;
        Ok(older)
    }
}

#[async_trait]
impl HookRegistry for KeapHooks {
    async fn prepare(&self) -> Result<(), CallError> {
        self.learn_closed().await
    }

    fn every(&self) -> Option<SignedDuration> {
        self.endpoints.paths.as_ref().map(|_| self.every)
    }

    async fn list(&self) -> Result<Vec<HookStatus>, CallError> {
        let paths = self.paths()?;
        self.learn_closed().await?;
        let there = self.client.hooks().await?;
        Ok(EVENTS
            .map(|event| blank(event, &plan(&there, event.0, paths), paths))
            .into())
    }

    async fn sync(&self, wish: SyncWish) -> Result<Synced, CallError> {
        let paths = self.paths()?;
        self.learn_closed().await?;
        let known = self.client.hook_event_keys().await?;
        let there = self.client.hooks().await?;
        let mut synced = Synced::default();
        let mut waiting = Vec::new();
        let wanted = |event: &str| match &wish.only {
            Some(only) => only.iter().any(|wanted| wanted == event),
            None => true,
        };
        for event in EVENTS.into_iter().filter(|(event, _)| wanted(event)) {
            let plan = plan(&there, event.0, paths);
            let mut status = blank(event, &plan, paths);
            if known.iter().any(|known| known == event.0) {
                status.done = plan.in_words();
            } else {
                status.state = SubscriptionState::NotOffered;
                "not offered by this account".clone_into(&mut status.status);
            }
            if !wish.dry_run && !status.done.is_empty() {
                match self.carry_out(&plan, &mut status).await {
                    Err(error) if error.class == Class::Unauthorised => return Err(error),
                    Err(error) => status.problem = Some(paths.hide(&error.to_string())),
                    Ok(true) => waiting.push(synced.hooks.len()),
                    Ok(false) => {}
                }
            }
            synced.hooks.push(status);
        }
        if !wish.dry_run && synced.hooks.iter().any(|hook| !hook.done.is_empty()) {
            self.look_again(&mut synced.hooks, &waiting).await?;
            // A handshake that is still to come finds the window open until it closes by itself.
            if synced.hooks.iter().all(|hook| hook.problem.is_none()) {
                self.close_window().await?;
            }
        }
        if wish.finish_rotation && !wish.dry_run {
            synced.closed = self.close_older(&synced.hooks).await?;
        }
        Ok(synced)
    }

    async fn changed_since(
        &self,
        object: HintObject,
        among: Among<'_>,
        since: Timestamp,
    ) -> Result<Vec<Changed>, CallError> {
        let ids: Vec<&str> = match among {
            Among::All => Vec::new(),
            Among::Ids(ids) => ids.iter().map(String::as_str).collect(),
        };
        let touched = match (object, among) {
            (HintObject::Contact, Among::All) => self.client.contacts_changed_since(since).await?,
            (HintObject::Contact, Among::Ids(_)) => {
                let mut all = self.client.contacts_changed_since(since).await?;
                all.retain(|contact| ids.contains(&contact.id.as_str()));
                all
            }
            (HintObject::Task, Among::Ids(_)) => {
                self.client.tasks_changed_since(&ids, since).await?
            }
            (HintObject::Subscription, Among::Ids(_)) => {
                self.client.subscriptions_changed_since(&ids, since).await?
            }
            (HintObject::Task | HintObject::Subscription, Among::All) | (HintObject::Tags, _) => {
                let why = "only contacts can be listed by the time of their change";
                return Err(CallError::permanent(VENDOR, "keap list changes", why));
            }
        };
        let changed = |Touched { id, at }| Changed { id, at };
        Ok(touched.into_iter().map(changed).collect())
    }
}

impl Plan<'_> {
    /// What is to be done, one line each; nothing where all is well.
    fn in_words(&self) -> Vec<String> {
        let mut words = match &self.step {
            Step::Keep(_) => Vec::new(),
            Step::Verify(_) => vec!["verify".to_owned()],
            Step::Move(_, from) => vec![format!("move from {from}")],
            Step::Create => vec!["create".to_owned()],
        };
        words.extend(self.spare.iter().map(|hook| {
            let key = hook.key.as_deref().unwrap_or("without a key");
            format!("remove {key}, one of ours too many")
        }));
        words
    }
}

/// What the subscriptions to `event` should become. The best stays: on the current path rather
/// than on an older one, verified rather than not; the others of ours are spare.
fn plan<'a>(there: &'a [Hook], event: &str, paths: &HookPaths) -> Plan<'a> {
    let mut ours: Vec<(Place, &Hook)> = there
        .iter()
        .filter(|hook| hook.event_key.as_deref() == Some(event))
        .map(|hook| {
            (
                paths.place(hook.hook_url.as_deref().unwrap_or_default()),
                hook,
            )
        })
        .filter(|(place, _)| *place != Place::Foreign)
        .collect();
    ours.sort_by_key(|(place, hook)| (rank(place), hook.status.as_deref() != Some(VERIFIED)));
    let mut ours = ours.into_iter();
    let step = match ours.next() {
        None => Step::Create,
        Some((Place::Current, hook)) if hook.status.as_deref() == Some(VERIFIED) => {
            Step::Keep(hook)
        }
        Some((Place::Current, hook)) => Step::Verify(hook),
        Some((Place::Older(id), hook)) => Step::Move(hook, id),
        Some((_, hook)) => Step::Move(hook, "a path that is not configured any more".to_owned()),
    };
    Plan {
        step,
        spare: ours.map(|(_, hook)| hook).collect(),
    }
}

fn rank(place: &Place) -> u8 {
    match place {
        Place::Current => 0,
        Place::Older(_) => 1,
        Place::Forgotten | Place::Foreign => 2,
    }
}

/// How an event stands before anything is done.
fn blank((event, object): (&str, HintObject), plan: &Plan<'_>, paths: &HookPaths) -> HookStatus {
    let mut status = HookStatus {
        event: event.to_owned(),
        object,
        key: None,
        state: SubscriptionState::Missing,
        status: "missing".to_owned(),
        path: None,
        done: Vec::new(),
        problem: None,
    };
    match &plan.step {
        Step::Keep(hook) | Step::Verify(hook) | Step::Move(hook, _) => {
            describe(&mut status, hook, paths);
        }
        Step::Create => {}
    }
    status
}

fn describe(status: &mut HookStatus, hook: &Hook, paths: &HookPaths) {
    let place = paths.place(hook.hook_url.as_deref().unwrap_or_default());
    status.key.clone_from(&hook.key);
    status.status = hook.status.clone().unwrap_or_else(|| "unknown".to_owned());
    // What sends to a path that we don't answer tells us nothing, whatever Keap calls it.
    let heard = place != Place::Forgotten && status.status == VERIFIED;
    status.state = if heard {
        SubscriptionState::Active
    } else {
        SubscriptionState::Inactive
    };
    status.path = match place {
        Place::Current => Some(paths.current().to_owned()),
        Place::Older(id) => Some(id),
        Place::Forgotten | Place::Foreign => None,
    };
}

fn key_of(hook: &Hook) -> Result<&str, CallError> {
    let key = hook.key.as_deref();
    key.ok_or_else(|| CallError::permanent(VENDOR, "keap hooks", "a subscription without a key"))
}

fn unusable_address() -> CallError {
    CallError::permanent(
        VENDOR,
        "keap hooks",
        "http.public_url and the secret make no address",
    )
}

fn database(error: &relay_store::StoreError) -> CallError {
    let class = Class::Retryable { after: None };
    let message = format!("the database: {error}");
    CallError::ours(class, "keap hooks", message)
}

fn json(value: impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
