//! What the people of a cast do, and when.
//!
//! Most acts happen at a time. Some happen at a place of the relay's own work ("between guard and
//! send"): a [`Stagehand`] listens at the failpoints and acts right there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use relay_core::facts::Order;
use relay_core::ids::{ClientId, CoachId, ContactId};
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::Action;
use relay_http_client::emulation::FaultRule;
use relay_http_client::{Call, Transport};
use relay_store::{JobFilter, JobState, Page, WorkItem};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::cast::{CastAct, CastClient};
use super::clinic::HOOK_SECRET;
use super::vendors::Vendors;
use crate::engine::commands::cases::parse_action;
use crate::engine::commands::time_off::Asked;
use crate::engine::commands::{cases, import, replay, time_off, work};
use crate::engine::{Engine, intake};
use crate::failpoint::Failpoints;
use crate::wiring::check_ins::import::list_file;

/// How many rows are looked through for one client.
const MANY: Page = Page {
    offset: 0,
    limit: 1000,
};

/// What a person does with the relay.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
enum RelayAct {
    /// Events on their way arrive and are read: for acts at a failpoint.
    TakeIn,
    /// Settles her open work item of this kind.
    Work {
        kind: String,
        action: String,
        by: String,
        text: Option<String>,
    },
    /// Records what came of the call.
    Call { by: String, outcome: String },
    /// Orders something.
    Order { by: String, order: Order },
    /// Halts all outreach.
    Stop { by: String },
    /// Lets it go on.
    Resume { by: String },
    /// Links her to her contact.
    Link { by: String },
    /// Brings in a file of check-ins.
    Import { by: String, file: String },
    /// Says that a coach is away.
    Away {
        by: String,
        coach: String,
        from: Option<Date>,
        until: Date,
        deputy: String,
    },
    /// Says that a coach is back.
    Back { by: String, coach: String },
    /// Replays every dead job of hers.
    Replay { by: String },
}

/// A fault, with the vendor that has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Fault {
    /// The vendor, by its name.
    pub vendor: String,
    /// The fault.
    #[serde(flatten)]
    pub rule: FaultRule,
}

/// A vendor has no fault any more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mended {
    /// The vendor, by its name.
    vendor: String,
}

/// A request by somebody who has no business here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forged {
    /// The path; `{secret}` is the secret of the CRM's hooks, got hold of somehow.
    path: String,
    body: Value,
    /// The status it must be answered with.
    answer: u16,
}

/// Everything that people can lay hands on.
#[derive(Debug, Clone)]
pub struct Hands {
    /// The vendors.
    pub vendors: Vendors,
    /// The relay, where it runs in this process.
    pub engine: Option<Engine>,
    /// The way to the relay's routes.
    pub transport: Arc<dyn Transport>,
    /// Where they are.
    pub relay_url: Url,
}

impl Hands {
    /// Carries out an act of `client`'s story. The error says why it could not happen.
    pub async fn carry_out(&self, client: &CastClient, act: &CastAct) -> Result<(), String> {
        let what = act.what.clone();
        match act.by.as_str() {
            "fault" => {
                let fault: Fault = read(what)?;
                self.vendors.order(&fault.vendor, fault.rule)
            }
            "mended" => {
                let Mended { vendor } = read(what)?;
                self.vendors.faults(&vendor)?.clear();
                Ok(())
            }
            "relay" => self.at_the_relay(client, read(what)?).await,
            "stranger" => self.forge(read(what)?).await,
            vendor => self.vendors.act(vendor, what).map(|_| ()),
        }
    }

    fn engine(&self) -> Result<&Engine, String> {
        let engine = self.engine.as_ref();
        engine.ok_or_else(|| "the relay runs elsewhere: use its command line".to_owned())
    }

    async fn at_the_relay(&self, client: &CastClient, act: RelayAct) -> Result<(), String> {
        let engine = self.engine()?;
        let id = ClientId::from(client.id.as_str());
        let done = match act {
            RelayAct::TakeIn => {
                self.vendors.deliver_due().await;
                intake::intake(engine).await.map(|_| ())
            }
            RelayAct::Work {
                kind,
                action,
                by,
                text,
            } => {
                let item = self.open_item(&id, &kind).await?;
                work::settle_work(engine, item.id, &by, &action, text.as_deref()).await
            }
            RelayAct::Call { by, outcome } => {
                let action = parse_action(&outcome, None).map_err(told)?;
                return self
                    .decide(&id, &by, action.ok_or("that is no outcome")?)
                    .await;
            }
            RelayAct::Order { by, order } => {
                cases::order(engine, &id, &by, order).await.map(|_| ())
            }
            RelayAct::Stop { by } => cases::set_stopped(engine, true, &by, None).await,
            RelayAct::Resume { by } => cases::set_stopped(engine, false, &by, None).await,
            RelayAct::Link { by } => {
                let contact = ContactId::from(client.contact.as_str());
                cases::link_client(engine, &id, &contact, &by).await
            }
            RelayAct::Import { by, file } => {
                let list = list_file(file.as_bytes())?;
                let taught = import::import(engine, list.source, &list.bodies, &by);
                taught.await.map(|_| ())
            }
            RelayAct::Away {
                by,
                coach,
                from,
                until,
                deputy,
            } => {
                let asked = Asked {
                    coach: coach.into(),
                    from,
                    until,
                    deputy: Some(deputy.into()),
                };
                time_off::away(engine, &asked, &by).await.map(|_| ())
            }
            RelayAct::Back { by, coach } => {
                let coach = CoachId::from(coach);
                time_off::back(engine, &coach, &by).await.map(|_| ())
            }
            RelayAct::Replay { by } => return self.replay(id, &by).await,
        };
        done.map_err(told)
    }

    async fn open_item(&self, client: &ClientId, kind: &str) -> Result<WorkItem, String> {
        let open = self
            .engine()?
            .store
            .open_work(None, MANY)
            .await
            .map_err(told)?;
        let item = open
            .into_iter()
            .find(|item| item.client.as_ref() == Some(client) && item.kind == kind);
        item.ok_or_else(|| format!("there is no open work item of kind {kind}"))
    }

    async fn decide(&self, client: &ClientId, by: &str, action: Action) -> Result<(), String> {
        let cases = self
            .engine()?
            .store
            .open_cases(client)
            .await
            .map_err(told)?;
        let case = cases.first().ok_or("there is no open case")?;
        cases::decide_case(self.engine()?, case.id, by, action)
            .await
            .map_err(told)
    }

    async fn replay(&self, client: ClientId, by: &str) -> Result<(), String> {
        let filter = JobFilter {
            states: vec![JobState::Dead],
            client: Some(client),
            ..JobFilter::default()
        };
        let dead = self
            .engine()?
            .store
            .jobs(&filter, MANY)
            .await
            .map_err(told)?;
        if dead.is_empty() {
            return Err("there is no dead job".to_owned());
        }
        for job in dead {
            replay::replay(self.engine()?, job.id, by)
                .await
                .map_err(told)?;
        }
        Ok(())
    }

    async fn forge(&self, forged: Forged) -> Result<(), String> {
        let path = forged.path.replace("{secret}", HOOK_SECRET);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let call = Call {
            method: Method::POST,
            url: self.relay_url.join(&path).map_err(told)?,
            headers,
            body: Bytes::from(forged.body.to_string()),
            timeout: Duration::from_secs(30),
        };
        let answer = self.transport.send(call).await.map_err(told)?;
        let status = answer.status.as_u16();
        if status == forged.answer {
            return Ok(());
        }
        Err(format!(
            "the relay answered {status} instead of {}",
            forged.answer
        ))
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn read<T: serde::de::DeserializeOwned>(what: Value) -> Result<T, String> {
    serde_json::from_value(what).map_err(told)
}

/// An act that waits for a place.
#[derive(Debug)]
struct Armed {
    client: CastClient,
    act: CastAct,
    since: Timestamp,
}

/// Listens at the failpoints, counts them, and acts where an act is due.
#[derive(Debug, Default)]
pub struct Stagehand {
    hands: Mutex<Option<Hands>>,
    armed: Mutex<Vec<Armed>>,
    for_whom: Mutex<Option<String>>,
    acting: AtomicBool,
    passed: Mutex<BTreeMap<&'static str, u64>>,
    problems: Mutex<Vec<(String, String)>>,
}

impl Stagehand {
    /// Gives the stagehand something to act with.
    pub fn equip(&self, hands: Hands) {
        *lock(&self.hands) = Some(hands);
    }

    /// Takes it away again: the relay holds the stagehand and its hands hold the relay.
    pub fn dismiss(&self) {
        *lock(&self.hands) = None;
    }

    /// Waits for the act's place, from `since` on.
    pub fn arm(&self, client: &CastClient, act: &CastAct, since: Timestamp) {
        lock(&self.armed).push(Armed {
            client: client.clone(),
            act: act.clone(),
            since,
        });
    }

    /// For whom acts may be due by now.
    pub fn waiting_for(&self, now: Timestamp) -> Vec<String> {
        let mut ids: Vec<String> = lock(&self.armed)
            .iter()
            .filter(|armed| armed.since <= now)
            .map(|armed| armed.client.id.clone())
            .collect();
        ids.dedup();
        ids
    }

    /// From now on the relay works for this client only, or for anybody.
    pub fn working_for(&self, client: Option<&str>) {
        *lock(&self.for_whom) = client.map(str::to_owned);
    }

    /// How often each place was passed.
    pub fn passed(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.passed).clone()
    }

    /// What could not happen, by client.
    pub fn problems(&self) -> Vec<(String, String)> {
        lock(&self.problems).clone()
    }

    /// Acts whose place was never passed.
    pub fn left(&self) -> Vec<(String, String)> {
        let armed = lock(&self.armed);
        let line = |armed: &Armed| {
            let place = armed.act.on.clone().unwrap_or_default();
            (
                armed.client.id.clone(),
                format!("the act at {place} never came about"),
            )
        };
        armed.iter().map(line).collect()
    }

    /// The acts that are due at this place, taken off the list.
    fn take(&self, name: &str, now: Timestamp) -> Vec<Armed> {
        let Some(client) = lock(&self.for_whom).clone() else {
            return Vec::new();
        };
        let mut armed = lock(&self.armed);
        let due = |one: &mut Armed| {
            one.client.id == client && one.act.on.as_deref() == Some(name) && one.since <= now
        };
        armed.extract_if(.., due).collect()
    }
}

#[async_trait]
impl Failpoints for Stagehand {
    async fn reach(&self, name: &'static str) {
        *lock(&self.passed).entry(name).or_insert(0) += 1;
        let Some(hands) = lock(&self.hands).clone() else {
            return;
        };
        // What an act causes passes places, too; it causes no further act.
        if self.acting.swap(true, Ordering::SeqCst) {
            return;
        }
        let due = hands
            .engine
            .as_ref()
            .map(|engine| self.take(name, engine.now()));
        for armed in due.into_iter().flatten() {
            if let Err(error) = hands.carry_out(&armed.client, &armed.act).await {
                lock(&self.problems).push((armed.client.id, format!("at {name}: {error}")));
            }
        }
        self.acting.store(false, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
