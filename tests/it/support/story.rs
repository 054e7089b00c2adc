//! One client's story, played in a clinic of its own by a relay that may die on the way.

use std::collections::VecDeque;
use std::sync::Arc;

use clear_relay::engine::{Engine, dispatcher};
use clear_relay::sandbox::acting::Hands;
use clear_relay::sandbox::cast::{CastAct, CastClient, instant};
use clear_relay::sandbox::compare::compare;
use clear_relay::sandbox::report::asked;
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use relay_core::case::{Case, Wait};
use relay_core::effects::EffectKind;
use relay_core::ids::ClientId;
use relay_core::time::Timestamp;
use relay_http_client::Transport;
use relay_http_client::emulation::Accepted;
use relay_store::{
    CaseFilter, Effect, Job, JobFilter, JobState, Op, Page, Receipt, ReceiptState, Store, WorkItem,
};
use tempfile::TempDir;

use super::cast_of_one::one_of;
use super::crash::{Death, Doorstep, Life};
use super::invariants::assert_invariants;
use super::power::Power;
use super::rewording;
use super::wire::{Tapped, Wire};

/// Everybody whose story may be played.
pub(crate) const STORIES: [&str; 7] = ["maya", "jo", "gail", "mona", "hana", "tina", "cora"];

/// More rows than any story makes.
const ALL: Page = Page {
    offset: 0,
    limit: 1000,
};

/// A story being played.
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) client: CastClient,
    pub(crate) wire: Arc<Wire>,
    pub(crate) doorstep: Arc<Doorstep>,
    pub(crate) life: Arc<Life>,
    /// How often the relay has died.
    pub(crate) deaths: usize,
    next_deaths: VecDeque<Death>,
    power: Option<Power>,
    coming: VecDeque<(Timestamp, CastAct)>,
    until: Timestamp,
    work_list: bool,
    _folder: TempDir,
}

impl Story {
    /// The story of `name`; the relay's lives end as `deaths` say, the one after them never.
    pub(crate) async fn begin(name: &str, seed: u64, deaths: &[Death]) -> Self {
        let mut next_deaths: VecDeque<Death> = deaths.iter().copied().collect();
        let life = Life::new(next_deaths.pop_front());
        let mut story = Self::set_up(name, seed, life, None, false).await;
        story.next_deaths = next_deaths;
        story
    }

    /// The same; with `reworded` every text that people read is made meaningless.
    pub(crate) async fn reworded(name: &str, seed: u64, death: Option<Death>, it: bool) -> Self {
        Self::set_up(name, seed, Life::new(death), None, it).await
    }

    /// The story of `name`; the power fails once the disk has been written to so often as `cuts` say, each
    /// time, from now on or since it was back.
    pub(crate) async fn under_power(name: &str, seed: u64, cuts: &[usize]) -> Self {
        let power = Power::new(seed, cuts);
        let life = Life::powered(power.disk());
        let mut story = Self::set_up(name, seed, life, Some(power), false).await;
        story.power.as_mut().expect("just given").fail_next();
        story
    }

    async fn set_up(
        name: &str,
        seed: u64,
        life: Arc<Life>,
        power: Option<Power>,
        reworded: bool,
    ) -> Self {
        let (cast, client) = one_of(name);
        let folder = tempfile::tempdir().expect("a folder");
        let zone = relay_core::calendar::Calendar::default_denver()
            .zone()
            .clone();
        let (wire, clock) = (Arc::new(Wire::default()), Arc::default());
        let mut setup = Setup::new(cast.start(&zone), seed);
        setup.ask_first.clone_from(&cast.ask_first);
        setup.manager = cast.manager().cloned();
        setup.told_by = cast.told_by;
        setup.has_crm = cast.has_crm;
        setup.coaches.clone_from(&cast.coaches);
        setup.failpoints = Arc::clone(&life) as _;
        let (tap_wire, tap_clock) = (Arc::clone(&wire), Arc::clone(&clock));
        setup.on_the_way = Some(Arc::new(move |inner| {
            let inner = if reworded {
                rewording::transport(inner)
            } else {
                inner
            };
            Arc::new(Tapped::new(inner, &tap_wire, &tap_clock))
        }));
        setup.around_store = reworded.then(|| Arc::new(rewording::store) as _);
        setup.synced = power.is_some();
        let path = match &power {
            Some(power) => power.path(),
            None => folder.path().join("relay.sqlite"),
        };
        let world = World::new(setup, &path).await.expect("a world");
        *clock.lock().expect("the clock") = Some(Arc::clone(&world.clock));
        stage::set(&cast, &world.vendors, &zone).expect("a stage");
        let doorstep = Doorstep::new(world.relay_transport().clone(), Arc::clone(&life));
        world
            .vendors
            .set_hook_transport(&(Arc::clone(&doorstep) as Arc<dyn Transport>));
        let mut coming: Vec<(Timestamp, CastAct)> = client
            .acts
            .iter()
            .map(|act| (instant(act.at.expect("a time"), &zone), act.clone()))
            .collect();
        coming.sort_by_key(|(at, _)| *at);
        Self {
            until: cast.until(&zone),
            work_list: cast.work_list,
            world,
            client,
            wire,
            doorstep,
            life,
            deaths: 0,
            next_deaths: VecDeque::new(),
            power,
            coming: coming.into(),
            _folder: folder,
        }
    }

    /// Plays to the end of the story.
    pub(crate) async fn play(&mut self) {
        self.play_until(self.until).await;
    }

    /// Plays until `until`, procedure time.
    pub(crate) async fn play_until(&mut self, until: Timestamp) {
        loop {
            self.settle().await;
            while self
                .coming
                .front()
                .is_some_and(|(at, _)| *at <= self.world.now())
            {
                let (_, act) = self.coming.pop_front().expect("an act");
                self.act(&act).await;
                self.settle().await;
            }
            let due = self.world.next_due().await.expect("a time");
            let act = self.coming.front().map(|(at, _)| *at);
            match [due, act].into_iter().flatten().min() {
                Some(at) if at <= until => self.jump(at).await,
                _ => {
                    self.jump(until).await;
                    return self.settle().await;
                }
            }
        }
    }

    async fn jump(&self, to: Timestamp) {
        self.world.jump(to);
        if self.life.is_over() {
            return;
        }
        if let Some(power) = &self.power {
            // The relay lived on in between, and the power may fail from here on.
            let left = power.holds();
            self.world.has_lived().await.expect("a working store");
            power.fails_after(left);
        }
    }

    /// Clinic time on a day of November, as the cast writes it.
    pub(crate) fn at(&self, text: &str) -> Timestamp {
        instant(text.parse().expect("a time"), self.world.zone())
    }

    /// Plays until `now + by`.
    pub(crate) async fn play_for(&mut self, by: relay_core::time::SignedDuration) {
        let until = self.world.now().saturating_add(by).expect("a time");
        self.play_until(until).await;
    }

    /// Does what is due, dying and living again as it comes, until nothing is.
    async fn settle(&mut self) {
        loop {
            let delivered = self.world.vendors.deliver_due().await;
            self.live_again().await;
            let (engine, life) = (self.world.relay.engine.clone(), Arc::clone(&self.life));
            let ran = tokio::select! {
                biased;
                () = life.ended() => None,
                ran = dispatcher::drain(&engine, None) => Some(ran.expect("a working store")),
            };
            let ran = ran.filter(|_| !self.life.is_over());
            self.live_again().await;
            if delivered == 0 && ran == Some(0) {
                self.every_case_waits_for_one_thing().await;
                assert_invariants(self.store(), self.world.now()).await;
                return;
            }
        }
    }

    /// If the relay has died: what it was doing is dropped by now, and a new one starts.
    async fn live_again(&mut self) {
        if !self.life.is_over() {
            return;
        }
        self.deaths += 1;
        if let Some(power) = &mut self.power {
            let path = power.returns();
            self.life = Life::powered(power.disk());
            let failpoints = Arc::clone(&self.life) as _;
            let lives = self.world.restart_at(&path, failpoints).await;
            lives.expect("another life");
            power.fail_next();
        } else {
            self.life = Life::new(self.next_deaths.pop_front());
            let failpoints = Arc::clone(&self.life) as _;
            let lives = self.world.restart_with(failpoints).await;
            lives.expect("another life");
        }
        self.doorstep.next_life(Arc::clone(&self.life));
    }

    /// Somebody acts. A person whose command was cut off looks, and gives it again if need be.
    async fn act(&mut self, act: &CastAct) {
        let mut cut_off = false;
        loop {
            let (hands, life) = (self.hands(), Arc::clone(&self.life));
            let done = tokio::select! {
                biased;
                () = life.ended() => None,
                done = hands.carry_out(&self.client, act) => Some(done),
            };
            let done = done.filter(|_| !self.life.is_over());
            self.live_again().await;
            match done {
                None => cut_off = true,
                Some(Err(refused)) if cut_off && refused.contains("is under way already") => return,
                Some(done) => return done.expect("an act"),
            }
        }
    }

    fn hands(&self) -> Hands {
        Hands {
            vendors: self.world.vendors.clone(),
            engine: Some(self.world.relay.engine.clone()),
            transport: Arc::new(self.world.relay_transport().clone()),
            relay_url: self.world.relay_url().clone(),
        }
    }

    /// How often the disk has been written to since the story began, or since the power was back.
    pub(crate) fn written(&self) -> usize {
        self.power.as_ref().map_or(0, Power::written)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.world.relay.engine
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.world.store().as_ref()
    }

    /// What the vendors accepted from the relay (not what the stage or the hooks needed).
    pub(crate) fn accepted(&self, kind: EffectKind) -> Vec<Accepted> {
        let mut all = self.world.vendors.accepted();
        all.retain(|entry| entry.operation == kind.as_str());
        all
    }

    /// What differs between the vendors' books and what was written down by hand.
    pub(crate) fn differences(&self) -> Vec<String> {
        self.differences_of(&self.world.vendors.accepted())
    }

    /// The same, with what people were asked in the work list where a cast expects that.
    pub(crate) async fn all_differences(&self) -> Vec<String> {
        let mut reached = self.world.vendors.accepted();
        if self.work_list {
            let client = ClientId::from(self.client.id.as_str());
            reached.extend(asked(self.store(), &client).await.expect("a store"));
        }
        self.differences_of(&reached)
    }

    fn differences_of(&self, accepted: &[Accepted]) -> Vec<String> {
        let mut all = compare(&self.client, accepted, self.world.zone()).differences;
        // Where something is struck, her coach may be asked what nobody wrote down, and sooner: of her tasks only
        // that one is missing counts.
        let is_more = |line: &String| {
            let of_task = line.contains("work_task") && !line.starts_with("missing: ");
            of_task || line.starts_with("not expected: close_task")
        };
        all.retain(|line| !is_more(line));
        all
    }

    pub(crate) async fn cases(&self) -> Vec<Case> {
        let filter = CaseFilter {
            closed: true,
            ..CaseFilter::default()
        };
        self.store().cases(&filter, ALL).await.expect("cases")
    }

    pub(crate) async fn open_work(&self) -> Vec<WorkItem> {
        let mut work = self.store().open_work(None, ALL).await.expect("work items");
        work.sort_by(|a, b| a.kind.cmp(&b.kind));
        work
    }

    pub(crate) async fn open_kinds(&self) -> Vec<String> {
        self.open_work()
            .await
            .into_iter()
            .map(|item| item.kind)
            .collect()
    }

    /// Kinds of every work item there ever was, of any case.
    pub(crate) async fn kinds_ever(&self) -> Vec<String> {
        let mut kinds = self.open_kinds().await;
        for case in self.cases().await {
            let work = self.store().case_work(case.id).await.expect("work items");
            kinds.extend(work.into_iter().map(|item| item.kind));
        }
        kinds
    }

    pub(crate) async fn jobs(&self, states: &[JobState]) -> Vec<Job> {
        let filter = JobFilter {
            states: states.to_vec(),
            ..JobFilter::default()
        };
        self.store().jobs(&filter, ALL).await.expect("jobs")
    }

    /// Her open case is one that an earlier version opened.
    pub(crate) async fn runs_by_logic(&self, logic: u32) {
        let open = self
            .store()
            .open_cases(&self.client.id.as_str().into())
            .await;
        let mut case = open.expect("a store").pop().expect("an open case");
        let expected = case.version;
        (case.logic, case.version) = (logic, expected + 1);
        let change = vec![Op::UpdateCase { case, expected }];
        self.store().commit(change.into()).await.expect("stored");
    }

    /// The mutating requests that tried to carry out effects of a kind, whatever came of them.
    pub(crate) fn tried(&self, kind: EffectKind) -> Vec<Timestamp> {
        let (host, part) = match kind {
            EffectKind::PortalMessage => ("portal.test", "/messages"),
            EffectKind::PortalNote => ("portal.test", "/notes"),
            EffectKind::Email => ("keap.test", "/emails:send"),
            EffectKind::CallTask | EffectKind::WorkTask => ("keap.test", "/v2/tasks"),
            EffectKind::CloseTask | EffectKind::ReassignTask => ("keap.test", "/v2/tasks/"),
            EffectKind::ContactNote => ("keap.test", "/notes"),
            EffectKind::AddTag => ("keap.test", "/contacts:applyTags"),
            EffectKind::RemoveTag => ("keap.test", "/contacts:removeTags"),
            EffectKind::ContactType => ("keap.test", "/v2/contacts/"),
            EffectKind::AutoChargeOff | EffectKind::DeactivateSubscription => {
                ("keap.test", "/v2/subscriptions/")
            }
            EffectKind::RemoveCard => ("keap.test", "/paymentMethods/"),
        };
        let of_kind = |path: &str, is_call: bool| match kind {
            EffectKind::CallTask => path.ends_with(part) && is_call,
            EffectKind::WorkTask => path.ends_with(part) && !is_call,
            EffectKind::AutoChargeOff => path.contains(part) && !path.ends_with(":deactivate"),
            EffectKind::DeactivateSubscription => {
                path.contains(part) && path.ends_with(":deactivate")
            }
            EffectKind::ContactType => path.contains(part) && path.matches('/').count() == 5,
            _ => path.contains(part),
        };
        self.wire
            .sent()
            .into_iter()
            .filter(|sent| sent.host == host && of_kind(&sent.path, sent.is_call))
            .map(|sent| sent.at)
            .collect()
    }

    /// The latest effect of a kind.
    pub(crate) async fn effect(&self, kind: EffectKind) -> Option<Effect> {
        let mut found = None;
        for case in self.cases().await {
            let effects = self.store().effects(case.id).await.expect("effects");
            found = effects.into_iter().rfind(|e| e.kind() == kind).or(found);
            let alone = self.store().latest_of_client(&case.client, kind).await;
            found = alone.expect("effects").or(found);
        }
        found
    }

    /// The job that carries out the effect of a kind.
    pub(crate) async fn job_of(&self, kind: EffectKind) -> Job {
        let effect = self.effect(kind).await.expect("an effect");
        let key = relay_store::effect_job_key(effect.key());
        let job = self.store().job_by_key(&key).await.expect("a store");
        job.expect("a job")
    }

    pub(crate) async fn receipts(&self) -> Vec<Receipt> {
        let mut all = Vec::new();
        for state in ReceiptState::ALL {
            all.extend(self.store().receipts(*state, ALL).await.expect("receipts"));
        }
        all
    }

    async fn every_case_waits_for_one_thing(&self) {
        let store = self.store();
        for case in self.cases().await {
            if case.status.is_closed() {
                assert_eq!(case.wait, None, "a closed case waits for nothing");
                continue;
            }
            let of_case = JobFilter {
                states: vec![JobState::Ready, JobState::Running, JobState::Parked],
                case: Some(case.id),
                ..JobFilter::default()
            };
            let jobs = store.jobs(&of_case, ALL).await.expect("jobs");
            let alive = |kind: &str| jobs.iter().filter(|job| job.kind == kind).count();
            let work = store.case_work(case.id).await.expect("work items");
            let wait = case.wait.as_ref().expect("an open case waits");
            let timers = usize::from(matches!(wait, Wait::Timer { .. }));
            assert_eq!(alive("timer"), timers, "{wait:?} in {}", case.step);
            let carried = match wait {
                Wait::Timer { .. } => true,
                Wait::Effect { .. } => alive("effect") > 0,
                Wait::Read { .. } => alive("read") > 0,
                Wait::Person { .. } => work.iter().any(|item| item.settled.is_none()),
            };
            assert!(carried, "nothing carries {wait:?} in {}", case.step);
        }
    }

    /// Every delivery that was answered 2xx is stored and read, and every delivery was.
    pub(crate) async fn no_webhook_is_lost(&self) {
        let receipts = self.receipts().await;
        let deliveries = self.doorstep.deliveries();
        for delivery in &deliveries {
            let good = |answer: Option<http::StatusCode>| answer.is_some_and(|s| s.is_success());
            let came_through = deliveries
                .iter()
                .any(|other| other.body == delivery.body && good(other.answer));
            assert!(came_through, "a delivery was given up");
            if !good(delivery.answer) {
                continue;
            }
            let ended = receipts.iter().any(|receipt| {
                receipt.body == delivery.body
                    && match receipt.state {
                        ReceiptState::New => false,
                        ReceiptState::Done => true,
                        ReceiptState::Duplicate => receipt.duplicate_of.is_some(),
                        ReceiptState::Quarantined => receipt.note.is_some(),
                    }
            });
            assert!(ended, "an acknowledged webhook is not accounted for");
        }
        let unread = receipts.iter().any(|r| r.state == ReceiptState::New);
        assert!(!unread, "a stored webhook was never read");
    }
}
