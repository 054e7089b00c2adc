//! The ports as a few fields: what the vendors show, what they accepted, what they fail with.

mod crm;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use clear_relay::effects::{FoundAtVendor, Holds, Name, Perform, Performed, ProbeResult};
use clear_relay::ports::{Changed, HookStatus, OpenCheckIns, Portal, PortalNote, WordTag};
use clear_relay::receipts::HintObject;
use futures_util::future::BoxFuture;
use relay_core::clients::{CheckIn, ClientSnapshot, ClientStatus, Coach, PortalMessage};
use relay_core::effects::Request;
use relay_core::ids::{ClientId, CoachId, ContactId, EffectKey};
use relay_core::retry::Class;
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::NotOffered;
use relay_http_client::CallError;

/// Something that happens while a call is under way, once.
pub(crate) type Hook = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// How an attempt goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Accepted and answered.
    Accepted,
    /// Accepted; the answer is this error.
    AcceptedBut(Class),
    /// Not accepted; this error.
    Fails(Class),
    /// There is something under this key already, which a look shows or not.
    Conflict {
        /// Whether it does.
        shown: bool,
    },
    /// The code that carries it out panics.
    Panics,
}

#[derive(Default)]
pub(crate) struct Vendors {
    pub(crate) clients: Vec<ClientSnapshot>,
    pub(crate) check_ins: Vec<(ClientId, CheckIn)>,
    pub(crate) messages: Vec<PortalMessage>,
    pub(crate) outcomes: VecDeque<Outcome>,
    pub(crate) read_failures: VecDeque<Class>,
    pub(crate) attempts: Vec<EffectKey>,
    pub(crate) accepted: Vec<(EffectKey, Request)>,
    /// What each accepted request was marked with.
    pub(crate) markers: Vec<String>,
    pub(crate) probes: usize,
    pub(crate) reads: usize,
    /// Contacts that are not there.
    pub(crate) gone: Vec<ContactId>,
    /// A contact that can't be asked for.
    pub(crate) poison: Option<ContactId>,
    /// The contact type of every contact.
    pub(crate) contact_type: Option<String>,
    /// How the next reads of it fail.
    pub(crate) contact_type_fails: VecDeque<Class>,
    /// The CRM shows no field that holds it.
    pub(crate) no_type_field: bool,
    /// The tags on every contact by which staff begin something.
    pub(crate) words: Vec<WordTag>,
    /// How each subscription stands; all of them if a list of objects is empty.
    pub(crate) hooks: Vec<HookStatus>,
    /// What a sync makes of them.
    pub(crate) synced: Vec<HookStatus>,
    /// What changed, by kind of object.
    pub(crate) changed: Vec<(HintObject, Changed)>,
    /// Nothing that was accepted is shown to a probe.
    pub(crate) blind: bool,
    pub(crate) on_read: Option<Hook>,
    pub(crate) on_attempt: Option<Hook>,
    pub(crate) on_probe: Option<Hook>,
    /// The so-manieth probe from now on meets "not there", once.
    pub(crate) probe_fails_at: Option<usize>,
}

#[derive(Default)]
pub(crate) struct World(Mutex<Vendors>);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

pub(crate) fn error(class: Class) -> CallError {
    CallError {
        class,
        vendor: Some("vendor"),
        operation: "vendor call",
        status: None,
        message: "on order".into(),
    }
}

pub(crate) fn client(id: &str) -> ClientSnapshot {
    ClientSnapshot {
        id: id.into(),
        first_name: Some("Maya".into()),
        last_name: Some("Reyes".into()),
        status: ClientStatus::Online,
        coach: Some("dana".into()),
        email: Some(format!("{id}@example.test")),
        phone: Some("303-555-0142".into()),
        time_zone: None,
        last_regimen_change: Some("2026-10-20".parse().unwrap()),
        contact: Some(format!("contact-{id}").into()),
        break_until: None,
        minor: None,
        guardian: None,
    }
}

impl World {
    pub(crate) fn now(&self) -> MutexGuard<'_, Vendors> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every read passes here.
    async fn read(&self) -> Result<(), CallError> {
        let (hook, failure) = {
            let mut vendors = self.now();
            vendors.reads += 1;
            (vendors.on_read.take(), vendors.read_failures.pop_front())
        };
        if let Some(hook) = hook {
            hook().await;
        }
        failure.map_or(Ok(()), |class| Err(error(class)))
    }
}

#[async_trait]
impl Perform for World {
    async fn holds(&self, request: &Request) -> Result<Holds, CallError> {
        let holds = self.now().accepted.iter().any(|(_, done)| done == request);
        Ok(if holds { Holds::Yes } else { Holds::No })
    }

    async fn attempt(
        &self,
        name: &Name,
        request: &Request,
        _now: Timestamp,
    ) -> Result<Performed, CallError> {
        let (outcome, hook) = {
            let mut vendors = self.now();
            let key = &name.key;
            vendors.attempts.push(key.clone());
            let outcome = vendors.outcomes.pop_front().unwrap_or(Outcome::Accepted);
            let there = matches!(
                outcome,
                Outcome::Accepted | Outcome::AcceptedBut(_) | Outcome::Conflict { shown: true }
            );
            if there {
                vendors.accepted.push((key.clone(), request.clone()));
                vendors.markers.push(name.marker());
            }
            (outcome, vendors.on_attempt.take())
        };
        if let Some(hook) = hook {
            hook().await;
        }
        match outcome {
            Outcome::Accepted => Ok(Performed {
                vendor_ref: Some(format!("ref-{}", name.key)),
                alarm: None,
                ..Performed::default()
            }),
            Outcome::AcceptedBut(class) | Outcome::Fails(class) => Err(error(class)),
            Outcome::Conflict { .. } => Err(CallError {
                status: Some(409),
                ..error(Class::Unclear)
            }),
            Outcome::Panics => panic!("on order"),
        }
    }

    async fn probe(
        &self,
        name: &Name,
        _request: &Request,
        _since: Timestamp,
    ) -> Result<ProbeResult, CallError> {
        // What is listed is settled at the beginning; the answer arrives later.
        let (seen, hook) = {
            let mut vendors = self.now();
            if let Some(left) = vendors.probe_fails_at.take() {
                if left <= 1 {
                    return Err(error(Class::Permanent));
                }
                vendors.probe_fails_at = Some(left - 1);
            }
            let markers = name.markers();
            let is_its = |marker: &String| markers.iter().any(|(_, own)| own == marker);
            let place = vendors.markers.iter().position(is_its);
            let key = place.map(|place| vendors.accepted[place].0.clone());
            let seen = key.filter(|_| !vendors.blind);
            vendors.probes += 1;
            (seen, vendors.on_probe.take())
        };
        if let Some(hook) = hook {
            hook().await;
        }
        Ok(seen.map_or(ProbeResult::NOTHING, |key| {
            ProbeResult::Seen(FoundAtVendor {
                vendor_ref: Some(format!("ref-{key}")),
                ..FoundAtVendor::default()
            })
        }))
    }
}

#[async_trait]
impl Portal for World {
    fn not_offered(&self) -> NotOffered {
        NotOffered::default()
    }

    async fn client(&self, id: &ClientId) -> Result<Option<ClientSnapshot>, CallError> {
        self.read().await?;
        let vendors = self.now();
        Ok(vendors.clients.iter().find(|c| c.id == *id).cloned())
    }
    async fn client_of(&self, _contact: &ContactId) -> Result<Option<ClientId>, CallError> {
        Ok(None)
    }
    async fn check_ins(&self, id: &ClientId, since: Date) -> Result<Vec<CheckIn>, CallError> {
        self.read().await?;
        let vendors = self.now();
        let hers = vendors.check_ins.iter().filter(|(client, _)| client == id);
        Ok(hers
            .map(|(_, check_in)| check_in.clone())
            .filter(|check_in| check_in.due >= since)
            .collect())
    }
    async fn open_check_ins(&self, due_before: Date) -> Result<OpenCheckIns, CallError> {
        self.read().await?;
        let vendors = self.now();
        let open = vendors.check_ins.iter().filter(|(_, check_in)| {
            check_in.due < due_before && check_in.submitted_at.is_none() && !check_in.withdrawn
        });
        Ok(OpenCheckIns {
            listed: open.cloned().collect(),
            ..OpenCheckIns::default()
        })
    }
    async fn messages(
        &self,
        _id: &ClientId,
        since: Timestamp,
    ) -> Result<Vec<PortalMessage>, CallError> {
        self.read().await?;
        let vendors = self.now();
        let listed = vendors.messages.iter().filter(|m| m.sent_at >= since);
        Ok(listed.cloned().collect())
    }
    async fn send_message(
        &self,
        _key: &str,
        _client: &ClientId,
        _author: &CoachId,
        _text: &str,
    ) -> Result<String, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn notes(&self, _id: &ClientId, _since: Timestamp) -> Result<Vec<PortalNote>, CallError> {
        Ok(Vec::new())
    }
    async fn add_note(
        &self,
        _key: &str,
        _client: &ClientId,
        _author: Option<&CoachId>,
        _text: &str,
    ) -> Result<String, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn coaches(&self) -> Result<Vec<Coach>, CallError> {
        self.read().await?;
        Ok(vec![Coach {
            id: "dana".into(),
            name: "Dana Reed".into(),
            email: "dana@example.test".into(),
            crm_user: None,
        }])
    }
}
