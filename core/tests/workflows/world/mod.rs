//! One case with an invented client, and an engine of a few lines that checks what every
//! transition must keep.

mod acts;
mod client;
mod reads;

use std::collections::{BTreeMap, BTreeSet};

use relay_core::calendar::Calendar;
use relay_core::case::{Case, CaseStatus, TimelineEntry, Wait};
use relay_core::channel::{EmailRecord, MailEvidence};
use relay_core::clients::{
    AddressState, BillingSnapshot, CheckIn, ClientSnapshot, Coach, ContactSnapshot, PortalMessage,
};
use relay_core::effects::{Audience, EffectKind, PlannedEffect, Request, Settled};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, EffectKey, EmailId, TaskId};
use relay_core::procedure::{MissedCheckInProcedure, SHIPPED};
use relay_core::scripts::shipped;
use relay_core::time::{Date, SignedDuration, Timestamp};
use relay_core::time_off::TimeOffList;
use relay_core::workflow::{
    Action, Context, Input, NewWork, NotOffered, ReadKind, Transition, Verdict, Workflow,
};
use relay_core::workflows::missed_check_in::MissedCheckIn;

/// `D`, a Tuesday.
pub(crate) const DUE: Date = Date::constant(2026, 11, 3);

/// An instant given in Denver's winter time, as `2026-11-04 09:00`.
pub(crate) fn at(local: &str) -> Timestamp {
    format!("{}:00-07:00", local.replace(' ', "T"))
        .parse()
        .unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// The shipped procedure in act mode, changed by `change`.
pub(crate) fn procedure_with(change: impl Fn(String) -> String) -> MissedCheckInProcedure {
    let file = SHIPPED.replace("mode = \"propose\"", "mode = \"act\"");
    MissedCheckInProcedure::parse(&change(file), shipped).unwrap()
}

pub(crate) fn procedure() -> MissedCheckInProcedure {
    procedure_with(|file| file)
}

/// A client, her case, and everything that was planned, sent and asked.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) workflow: Box<dyn Workflow>,
    pub(crate) calendar: Calendar,
    pub(crate) coaches: Vec<Coach>,
    pub(crate) time_off: TimeOffList,
    pub(crate) now: Timestamp,
    pub(crate) client: ClientSnapshot,
    pub(crate) check_ins: Vec<CheckIn>,
    pub(crate) messages: Vec<PortalMessage>,
    pub(crate) contact: Option<ContactSnapshot>,
    pub(crate) billing: Option<BillingSnapshot>,
    pub(crate) task: Option<TaskId>,
    pub(crate) contact_type: Option<String>,
    pub(crate) not_offered: NotOffered,
    /// The steps whose coach is asked first, and whether her silence counts.
    pub(crate) asks: BTreeSet<String>,
    pub(crate) silence_counts: bool,
    /// Since when her coach can see what is asked, and the moment that it names.
    pub(crate) told: Option<(Timestamp, Option<Timestamp>)>,
    pub(crate) case: Case,
    pub(crate) opened: bool,
    pub(crate) planned: BTreeMap<EffectKey, PlannedEffect>,
    /// In the order of planning.
    pub(crate) order: Vec<EffectKey>,
    pub(crate) cancelled: Vec<EffectKey>,
    pub(crate) settled: BTreeSet<EffectKey>,
    /// Messages that have reached her, or may have.
    pub(crate) arrived: BTreeSet<(EffectKind, EffectKey)>,
    pub(crate) sent: Vec<Request>,
    pub(crate) work: Vec<NewWork>,
    pub(crate) timeline: Vec<TimelineEntry>,
    pub(crate) reads: Vec<ReadKind>,
}

pub(crate) fn coach(id: &str, name: &str) -> Coach {
    Coach {
        id: id.into(),
        name: name.into(),
        email: format!("{id}@example.test"),
        crm_user: Some(format!("user-{id}").as_str().into()),
    }
}

impl World {
    /// Maya R., coach Dana, check-in due November 3, last regimen change October 20.
    pub(crate) fn new() -> Self {
        Self::running(Box::new(MissedCheckIn::new(procedure())))
    }

    pub(crate) fn running(workflow: Box<dyn Workflow>) -> Self {
        let now = at("2026-11-04 00:05");
        let client = client::maya();
        let case = Case {
            id: CaseId(uuid::Uuid::from_u128(7)),
            client: client.id.clone(),
            procedure: workflow.name().into(),
            procedure_hash: workflow.hash().into(),
            logic: workflow.logic(),
            mode: workflow.mode(),
            version: 0,
            status: CaseStatus::Open,
            step: String::new(),
            visit: 0,
            generation: 0,
            wait: None,
            data: serde_json::Value::Null,
            opened_at: now,
            changed_at: now,
        };
        Self {
            workflow,
            calendar: Calendar::default_denver(),
            coaches: vec![coach("dana", "Dana Reed"), coach("ivy", "Ivy Moss")],
            time_off: TimeOffList::default(),
            now,
            check_ins: vec![CheckIn {
                id: "c1".into(),
                due: DUE,
                due_at: None,
                submitted_at: None,
                withdrawn: false,
            }],
            messages: Vec::new(),
            contact: Some(ContactSnapshot {
                id: "41".into(),
                first_name: Some("Maya".into()),
                email: Some("maya@example.test".into()),
                phone: Some("303-555-0142".into()),
                address: AddressState::Deliverable,
                twins: Vec::new(),
            }),
            billing: None,
            task: None,
            contact_type: None,
            not_offered: NotOffered::default(),
            asks: BTreeSet::new(),
            silence_counts: true,
            told: None,
            client,
            case,
            opened: false,
            planned: BTreeMap::new(),
            order: Vec::new(),
            cancelled: Vec::new(),
            settled: BTreeSet::new(),
            arrived: BTreeSet::new(),
            sent: Vec::new(),
            work: Vec::new(),
            timeline: Vec::new(),
            reads: Vec::new(),
        }
    }

    pub(crate) fn cx(&self) -> Context<'_> {
        Context {
            calendar: &self.calendar,
            coaches: &self.coaches,
            time_off: &self.time_off,
            now: self.now,
            not_offered: self.not_offered,
            ask_first: &self.asks,
        }
    }

    pub(crate) fn fact(&self, body: FactBody) -> Fact {
        Fact {
            client: self.client.id.clone(),
            object: "object".into(),
            source_time: self.now,
            body,
        }
    }

    /// Opens the case on the missed check-in as it stands.
    pub(crate) fn try_open(&mut self) -> Result<(), String> {
        let body = FactBody::CheckInMissed {
            check_in: self.check_ins[0].clone(),
            client: Box::new(self.client.clone()),
        };
        self.open_on(body)
    }

    pub(crate) fn open_on(&mut self, body: FactBody) -> Result<(), String> {
        self.case.opened_at = self.now;
        let fact = self.fact(body);
        let opened = self.workflow.open(self.cx(), &self.case, &fact);
        let transition = opened.map_err(|refused| refused.reason)?;
        assert_eq!(
            self.workflow.open(self.cx(), &self.case, &fact).as_ref(),
            Ok(&transition)
        );
        self.opened = true;
        self.apply(transition);
        Ok(())
    }

    pub(crate) fn open(mut self) -> Self {
        self.try_open().unwrap();
        self
    }

    /// Feeds an input in; whether it changed anything. Runs the step twice: same input, same
    /// output.
    pub(crate) fn step(&mut self, input: &Input) -> bool {
        let first = self.workflow.step(self.cx(), &self.case, input);
        let second = self.workflow.step(self.cx(), &self.case, input);
        assert_eq!(first, second, "the step is not pure");
        let changed = first.is_some();
        if let Some(transition) = first {
            self.apply(transition);
        }
        changed
    }

    pub(crate) fn learn(&mut self, body: FactBody) -> bool {
        let fact = self.fact(body);
        self.step(&Input::Fact { fact })
    }

    /// A person decides. As in the engine, the portal is read again before anything goes on, and
    /// what it shows of the client that the case did not know is shown to her instead.
    pub(crate) fn person(&mut self, action: Action) -> bool {
        if matches!(action, Action::Resume | Action::Promised { .. }) {
            let new = self.read_messages();
            if !new.is_empty() {
                self.step(&Input::Shown { messages: new });
                return true;
            }
        }
        self.person_unread(action)
    }

    /// The same, by the item that names what she wrote.
    pub(crate) fn person_at_item(&mut self, action: Action) -> bool {
        let asked = self.asked("reply").detail["messages"].clone();
        let named = asked.as_array().into_iter().flatten();
        let messages = named
            .map(|message| message["message"].as_str().unwrap().into())
            .collect();
        self.step(&Input::Shown { messages });
        self.person(action)
    }

    /// The same, without a look at the portal before.
    pub(crate) fn person_unread(&mut self, action: Action) -> bool {
        let by = "Dana".into();
        self.step(&Input::Person { by, action })
    }

    pub(crate) fn settle(&mut self, key: &EffectKey, settled: Settled) -> bool {
        if let Some(effect) = self.planned.get(key)
            && matches!(settled, Settled::Done { .. } | Settled::Unclear { .. })
        {
            self.arrived.insert((effect.kind(), key.clone()));
        }
        // Held, dead and unclear effects may still be carried out by a replay or a late look.
        if !matches!(
            settled,
            Settled::Held { .. } | Settled::Dead { .. } | Settled::Unclear { .. }
        ) {
            self.settled.insert(key.clone());
        }
        let key = key.clone();
        self.step(&Input::Effect { key, settled })
    }

    /// What the engine does with a transition, and what it must find in each.
    fn apply(&mut self, transition: Transition) {
        let was_closed = self.case.status.is_closed() && self.case.version > 0;
        let closed = transition.status.is_closed();
        assert!(closed || !was_closed, "a closed case was opened again");
        assert_eq!(closed, transition.wait.is_none(), "{transition:?}");
        if transition.close_work {
            self.work.clear();
        }
        self.work.extend(transition.open_work);
        if let Some(Wait::Person { who, .. }) = &transition.wait {
            assert!(
                self.work.iter().any(|work| work.owner == *who),
                "nobody is asked"
            );
        }
        for key in transition.cancel {
            self.cancelled.push(key);
        }
        for effect in transition.effects {
            let known = self.planned.insert(effect.key.clone(), effect.clone());
            match known {
                Some(known) => assert_eq!(known.input, effect.input, "a key was used again"),
                None => self.order.push(effect.key.clone()),
            }
        }
        if let Some(Wait::Effect { key }) = &transition.wait {
            assert!(self.planned.contains_key(key), "waits for no effect");
        }
        if let Some(Wait::Read { .. }) = &transition.wait
            && let Some(read) = transition.read
        {
            self.reads.push(read);
        }
        let timer = |wait: &Option<Wait>| matches!(wait, Some(Wait::Timer { .. }));
        if transition.wait != self.case.wait && (timer(&transition.wait) || timer(&self.case.wait))
        {
            self.case.generation += 1;
        }
        self.timeline.extend(transition.timeline);
        self.case.status = transition.status;
        self.case.step = transition.step;
        self.case.visit = transition.visit;
        self.case.wait = transition.wait;
        // As the store does it.
        self.case.data = serde_json::from_str(&transition.data.to_string()).unwrap();
        self.case.version += 1;
        self.case.changed_at = self.now;
    }

    /// The effect that the case waits for.
    pub(crate) fn current(&self) -> EffectKey {
        match &self.case.wait {
            Some(Wait::Effect { key }) => key.clone(),
            other => panic!("waits for {other:?}; {:?}", self.case.status),
        }
    }

    /// The newest planned effect of a kind.
    pub(crate) fn newest(&self, kind: EffectKind) -> EffectKey {
        let mut keys = self.order.iter().rev();
        keys.find(|key| self.planned[*key].kind() == kind)
            .unwrap_or_else(|| panic!("no {kind:?} was planned"))
            .clone()
    }

    pub(crate) fn count(&self, kind: EffectKind) -> usize {
        self.planned
            .values()
            .filter(|effect| effect.kind() == kind)
            .count()
    }

    /// Carries out the effect that the case waits for: moves the clock to its time, guards it, and
    /// tells the case how it ended.
    pub(crate) fn carry_out(&mut self) {
        let key = self.current();
        self.now = self.now.max(self.planned[&key].not_before);
        match self.guard(&key) {
            Verdict::Go(request) => {
                self.was_asked_first(&key);
                if matches!(request, Request::CallTask(_)) {
                    self.task = Some(TaskId("task-1".into()));
                }
                let kind = request.kind();
                assert!(
                    kind.audience() != Audience::Client
                        || self.arrived.iter().all(|(arrived, _)| *arrived != kind),
                    "a second {kind:?}"
                );
                self.sent.push(request);
                let done = Settled::Done {
                    at: self.now,
                    vendor_ref: self.task.as_ref().map(|task| task.0.clone()),
                    by_probe: false,
                };
                self.settle(&key, done);
            }
            Verdict::Overtaken { by, facts } => {
                for fact in facts {
                    self.step(&Input::Fact { fact });
                }
                self.settle(&key, Settled::Overtaken { by });
            }
            Verdict::Hold {
                reason,
                command,
                minor,
                lifts,
                ..
            } => {
                let held = Settled::Held {
                    reason,
                    command,
                    minor,
                    lifts,
                };
                self.settle(&key, held);
            }
            Verdict::ByHand { hand_over, .. } => {
                self.settle(&key, Settled::ByHand(hand_over));
            }
            Verdict::Ask {
                at, silence, facts, ..
            } => {
                assert!(at > self.now, "nobody is asked after the fact");
                self.told = None;
                for fact in facts {
                    self.step(&Input::Fact { fact });
                }
                let input = Input::AskFirst { key, at, silence };
                assert!(self.step(&input));
            }
            Verdict::Later { at, .. } => {
                assert!(at > self.now, "later is not later");
                self.now = at;
                // What nobody can see waits until somebody can.
                if self.asks.is_empty() || self.told.is_some() {
                    self.carry_out();
                }
            }
        }
    }

    pub(crate) fn timer(&self) -> Timestamp {
        match &self.case.wait {
            Some(Wait::Timer { until, .. }) => *until,
            other => panic!("waits for {other:?}"),
        }
    }

    /// Lets the case's timer come due.
    pub(crate) fn wait_over(&mut self) {
        self.now = self.timer();
        let generation = self.case.generation;
        assert!(self.step(&Input::Timer { generation }));
    }

    /// Answers the read of the email history.
    pub(crate) fn mail(&mut self, change: impl Fn(&mut MailEvidence)) {
        let mut evidence = MailEvidence {
            address: AddressState::Deliverable,
            emails: (1..=3).map(|days| unopened(self.now, days)).collect(),
            unreadable: None,
            address_unread: false,
            ..MailEvidence::unread(self.now, true, String::new(), Vec::new())
        };
        change(&mut evidence);
        let evidence = Box::new(evidence);
        assert!(self.learn(FactBody::MailRead { evidence }));
    }

    /// One open: seen.
    pub(crate) fn opens(&mut self) {
        self.mail(|evidence| {
            let sent = evidence.emails[0].sent_at;
            evidence.emails[0].opened_at = Some(sent + SignedDuration::from_hours(3));
        });
    }

    /// Opened, S1 sent, two days waited, history asked for.
    pub(crate) fn at_choice() -> Self {
        let mut world = Self::new().open();
        world.carry_out();
        world.wait_over();
        assert_eq!(world.case.step, "choose_channel");
        world
    }

    /// S2 is planned.
    pub(crate) fn at_email() -> Self {
        let mut world = Self::at_choice();
        world.opens();
        assert_eq!(world.case.step, "email_follow_up");
        world
    }

    /// The coach has the call task.
    pub(crate) fn at_call() -> Self {
        let mut world = Self::at_choice();
        world.mail(|_| {});
        assert_eq!(world.case.step, "phone_follow_up");
        world.carry_out();
        world
    }
}

fn unopened(now: Timestamp, days: i64) -> EmailRecord {
    EmailRecord {
        id: EmailId(format!("e{days}")),
        subject: Some("News".into()),
        sent_at: now - SignedDuration::from_hours(24 * days + 2),
        opened_at: None,
        clicked_at: None,
        replied_at: None,
        sender: None,
    }
}
