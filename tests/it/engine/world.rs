//! The ports as a few fields: what the vendors show, what they accepted, what they fail with.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use clear_relay::effects::{Name, Perform, Performed, Seen, Sighting};
use clear_relay::ports::{
    Activity, Addresses, Among, Billing, CallTask, CardRemoved, Changed, ContactMatch,
    ContactTypeWrite, Contacts, Found, FoundTask, HookRegistry, HookStatus, Mail, NewCallTask,
    NewEmail, NewNote, Notes, Portal, PortalNote, Staff, SyncWish, Synced, TagAdded, Tags, Tasks,
};
use clear_relay::receipts::HintObject;
use futures_util::future::BoxFuture;
use relay_core::channel::EmailRecord;
use relay_core::clients::{
    AddressState, BillingSnapshot, CheckIn, ClientSnapshot, ClientStatus, Coach, ContactSnapshot,
    PortalMessage,
};
use relay_core::effects::{CardRemoval, Request};
use relay_core::ids::{
    ClientId, CoachId, ContactId, CrmUserId, EffectKey, PaymentMethodId, SubscriptionId, TaskId,
};
use relay_core::retry::Class;
use relay_core::time::{Date, SignedDuration, Timestamp};
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
    async fn holds(&self, request: &Request) -> Result<bool, CallError> {
        Ok(self.now().accepted.iter().any(|(_, done)| done == request))
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
    ) -> Result<Sighting, CallError> {
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
        Ok(seen.map_or(Sighting::NOTHING, |key| {
            Sighting::Seen(Seen {
                vendor_ref: Some(format!("ref-{key}")),
                ..Seen::default()
            })
        }))
    }
}

#[async_trait]
impl Portal for World {
    async fn client(&self, id: &ClientId) -> Result<Option<ClientSnapshot>, CallError> {
        self.read().await?;
        let vendors = self.now();
        Ok(vendors.clients.iter().find(|c| c.id == *id).cloned())
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
    async fn open_check_ins(
        &self,
        due_before: Date,
    ) -> Result<Vec<(ClientId, CheckIn)>, CallError> {
        self.read().await?;
        let vendors = self.now();
        let open = vendors.check_ins.iter().filter(|(_, check_in)| {
            check_in.due < due_before && check_in.submitted_at.is_none() && !check_in.withdrawn
        });
        Ok(open.cloned().collect())
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
        _author: &CoachId,
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

#[async_trait]
impl Contacts for World {
    async fn contact(
        &self,
        id: &ContactId,
        _with_twins: bool,
    ) -> Result<Option<ContactSnapshot>, CallError> {
        self.read().await?;
        {
            let vendors = self.now();
            if vendors.poison.as_ref() == Some(id) {
                return Err(error(Class::Permanent));
            }
            if vendors.gone.contains(id) {
                return Ok(None);
            }
        }
        Ok(Some(ContactSnapshot {
            id: id.clone(),
            first_name: Some("Maya".into()),
            email: Some("maya@example.test".into()),
            phone: Some("303-555-0142".into()),
            address: AddressState::Deliverable,
            twins: Vec::new(),
        }))
    }
    async fn existing(&self, ids: &[ContactId]) -> Result<Vec<ContactId>, CallError> {
        self.read().await?;
        let vendors = self.now();
        if let Some(poison) = &vendors.poison
            && ids.contains(poison)
        {
            return Err(error(Class::Permanent));
        }
        let there = ids.iter().filter(|id| !vendors.gone.contains(id));
        Ok(there.cloned().collect())
    }
    async fn by_email(&self, _email: &str) -> Result<Vec<ContactMatch>, CallError> {
        self.read().await?;
        Ok(Vec::new())
    }
    async fn contact_type(&self, _id: &ContactId) -> Result<Option<String>, CallError> {
        Ok(None)
    }
    async fn contact_types(&self) -> Result<Vec<String>, CallError> {
        Ok(Vec::new())
    }
    async fn set_contact_type(
        &self,
        _id: &ContactId,
        _value: &str,
    ) -> Result<ContactTypeWrite, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
}

#[async_trait]
impl Mail for World {
    async fn history(
        &self,
        _contact: &ContactId,
        _since: Timestamp,
    ) -> Result<Vec<EmailRecord>, CallError> {
        self.read().await?;
        Ok(Vec::new())
    }
    async fn send(&self, _email: &NewEmail) -> Result<(), CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn find_sent(
        &self,
        _contact: &ContactId,
        _subject: &str,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Option<Found>, CallError> {
        Ok(None)
    }
}

#[async_trait]
impl Addresses for World {
    async fn moved(&self, _since: Timestamp) -> Result<Option<Vec<Activity>>, CallError> {
        self.read().await?;
        Ok(Some(Vec::new()))
    }
    async fn address(&self, _contact: &ContactId) -> Result<Option<String>, CallError> {
        self.read().await?;
        Ok(None)
    }
    async fn activity(&self, _contact: &ContactId) -> Result<Option<Activity>, CallError> {
        self.read().await?;
        Ok(None)
    }
}

#[async_trait]
impl Tasks for World {
    async fn create(&self, _task: &NewCallTask) -> Result<TaskId, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn find(
        &self,
        _contact: &ContactId,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Vec<FoundTask>, CallError> {
        Ok(Vec::new())
    }
    async fn task(&self, _id: &TaskId, _sent: Option<&str>) -> Result<Option<CallTask>, CallError> {
        Ok(None)
    }
    async fn complete(&self, _id: &TaskId, _at: Timestamp) -> Result<(), CallError> {
        Ok(())
    }
    async fn reassign(&self, _id: &TaskId, _user: &CrmUserId) -> Result<(), CallError> {
        Ok(())
    }
}

#[async_trait]
impl Notes for World {
    async fn create(&self, _note: &NewNote) -> Result<String, CallError> {
        unreachable!("effects are carried out by `Perform`")
    }
    async fn find(
        &self,
        _contact: &ContactId,
        _markers: &[String],
        _since: Timestamp,
    ) -> Result<Option<Found>, CallError> {
        Ok(None)
    }
}

#[async_trait]
impl Tags for World {
    async fn has(&self, _contact: &ContactId, _tag: &str) -> Result<bool, CallError> {
        Ok(false)
    }
    async fn add(&self, _contact: &ContactId, _tag: &str) -> Result<TagAdded, CallError> {
        Ok(TagAdded::Done)
    }
    async fn remove(&self, _contact: &ContactId, _tag: &str) -> Result<(), CallError> {
        Ok(())
    }
}

#[async_trait]
impl Billing for World {
    async fn snapshot(&self, _contact: &ContactId) -> Result<BillingSnapshot, CallError> {
        Err(error(Class::Permanent))
    }
    async fn auto_charge_off(&self, _s: &SubscriptionId, _reason: &str) -> Result<(), CallError> {
        Ok(())
    }
    async fn deactivate(&self, _s: &SubscriptionId, _reason: &str) -> Result<(), CallError> {
        Ok(())
    }
    async fn remove_card(
        &self,
        _contact: &ContactId,
        _card: &PaymentMethodId,
        _mode: CardRemoval,
    ) -> Result<CardRemoved, CallError> {
        Ok(CardRemoved::Gone)
    }
}

#[async_trait]
impl HookRegistry for World {
    fn every(&self) -> Option<SignedDuration> {
        Some(SignedDuration::from_mins(5))
    }
    async fn list(&self) -> Result<Vec<HookStatus>, CallError> {
        self.read().await?;
        Ok(self.now().hooks.clone())
    }
    async fn sync(&self, wish: SyncWish) -> Result<Synced, CallError> {
        self.read().await?;
        let mut vendors = self.now();
        let only = wish.only.unwrap_or_default();
        let mut hooks = vendors.synced.clone();
        hooks.retain(|hook| only.contains(&hook.event));
        for made in &hooks {
            let known = vendors
                .hooks
                .iter_mut()
                .find(|hook| hook.event == made.event);
            *known.unwrap() = made.clone();
        }
        let closed = Vec::new();
        Ok(Synced { hooks, closed })
    }
    async fn changed_since(
        &self,
        object: HintObject,
        among: Among<'_>,
        since: Timestamp,
    ) -> Result<Vec<Changed>, CallError> {
        self.read().await?;
        let vendors = self.now();
        let wanted = |(kind, changed): &&(HintObject, Changed)| {
            let asked = match among {
                Among::All => true,
                Among::Ids(ids) => ids.contains(&changed.id),
            };
            *kind == object && asked && changed.at.is_none_or(|at| at >= since)
        };
        let found = vendors.changed.iter().filter(wanted);
        Ok(found.map(|(_, changed)| changed.clone()).collect())
    }
}

#[async_trait]
impl Staff for World {
    async fn user_by_email(&self, _email: &str) -> Result<Option<CrmUserId>, CallError> {
        self.read().await?;
        Ok(Some("7".into()))
    }
}
