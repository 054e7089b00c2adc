//! Runs pure steps and turns what they want into one batch.
//!
//! A [`Stepping`] is a working copy: it loads the open cases of a client once, lets any number of
//! inputs act on them in order, and ends as a list of operations whose precondition is that none
//! of those cases has moved meanwhile. If one has, the batch is refused as a whole and the caller
//! begins a new `Stepping` on what is there now.

pub(crate) mod names;

use std::collections::HashSet;
use std::sync::Arc;

use relay_core::case::{Case, CaseStatus, Mode, Wait};
use relay_core::clients::Coach;
use relay_core::facts::{Fact, Identity};
use relay_core::ids::{CaseId, ClientId, JobId, ReceiptId, WorkItemId};
use relay_core::time::Timestamp;
use relay_core::time_off::TimeOffList;
use relay_core::workflow::{Context, Input, NewWork, NotOpened, ReadKind, Transition, Workflow};
use relay_store::{
    ClientView, Effect, Existing, FactRow, NewJob, Op, WorkItem, WorkSettled, effect_job_key,
};
use serde_json::json;

use crate::engine::case_jobs::{read_job_of, timer_job, timer_key};
use crate::engine::held_back::mode_at_opening;
use crate::engine::job_kinds::JobKind;
use crate::engine::{Engine, EngineError, RELAY, drift, inbox, items, time_off, watch};

/// A case being worked on, with the version it was loaded in (`None`: it is new).
#[derive(Debug)]
struct Working {
    case: Case,
    workflow: Arc<dyn Workflow>,
    loaded: Option<u64>,
    changed: bool,
}

/// A working copy of one client's cases, and the operations gathered so far.
#[derive(Debug)]
pub struct Stepping<'a> {
    engine: &'a Engine,
    /// `None`: no case of anybody is concerned.
    client: Option<ClientId>,
    now: Timestamp,
    cases: Vec<Working>,
    known: HashSet<Identity>,
    coaches: Vec<Coach>,
    time_off: TimeOffList,
    ops: Vec<Op>,
    /// How many transitions were made.
    moves: usize,
    /// Whether a person's word was not carried out, because she is shown something first.
    pub shown_first: bool,
    /// Why procedures in force did not open a case on a fact that could have opened one.
    pub not_opened: Vec<NotOpened>,
}

/// Loads the open cases and the known facts of `client`.
pub async fn stepping<'a>(
    engine: &'a Engine,
    client: &ClientId,
) -> Result<Stepping<'a>, EngineError> {
    let ClientView {
        open_cases,
        facts: known,
        coaches,
    } = engine.store.client_view(client).await?;
    let mut cases = Vec::new();
    for case in open_cases {
        cases.push(working(engine, case).await?);
    }
    Ok(Stepping {
        client: Some(client.clone()),
        cases,
        known: known.iter().map(|row| row.fact.identity()).collect(),
        coaches,
        time_off: time_off::list(engine.store.as_ref()).await?,
        ..without_client(engine)
    })
}

/// Of what concerns no client: no case is loaded, and none is opened.
pub fn without_client(engine: &Engine) -> Stepping<'_> {
    Stepping {
        engine,
        client: None,
        now: engine.now(),
        cases: Vec::new(),
        known: HashSet::new(),
        coaches: Vec::new(),
        time_off: TimeOffList::default(),
        ops: Vec::new(),
        moves: 0,
        shown_first: false,
        not_opened: Vec::new(),
    }
}

async fn working(engine: &Engine, case: Case) -> Result<Working, EngineError> {
    let workflow = engine
        .registry
        .of_case(engine.store.as_ref(), &case)
        .await?;
    Ok(Working {
        loaded: Some(case.version),
        case,
        workflow,
        changed: false,
    })
}

impl Stepping<'_> {
    /// Stores a fact and lets it act on every open case, and on the watch outside of cases. A fact
    /// that is known changes nothing: the same change told twice acts once (E33). Whether it was
    /// new.
    pub fn fact(&mut self, fact: Fact, receipt: Option<ReceiptId>) -> bool {
        if !self.known.insert(fact.identity()) {
            return false;
        }
        self.ops.push(Op::InsertFact(FactRow {
            fact: fact.clone(),
            receipt,
            learned_at: self.now,
        }));
        self.ops
            .extend(watch::on_fact(self.engine, &fact, self.now));
        self.ops.extend(drift::drift_ops(self.engine, &fact.body));
        // A case opened by this very fact has seen it.
        let seen_it_coming = self.cases.len();
        self.open_on(&fact);
        let input = Input::Fact { fact };
        for index in 0..seen_it_coming {
            self.step_at(index, &input);
        }
        true
    }

    /// The same for a fact that a case may not have heard although it is known: it was told before
    /// the case was opened. Whether any case has moved.
    pub fn tell(&mut self, fact: Fact) -> bool {
        let before = self.moves;
        if !self.fact(fact.clone(), None) {
            let input = Input::Fact { fact };
            for index in 0..self.cases.len() {
                self.step_at(index, &input);
            }
        }
        self.moves != before
    }

    /// Whether a fact is known already.
    pub fn knows(&self, fact: &Fact) -> bool {
        self.known.contains(&fact.identity())
    }

    /// A case as it stands in the working copy.
    pub fn case(&self, id: CaseId) -> Option<&Case> {
        let mut cases = self.cases.iter();
        let found = cases.find(|working| working.case.id == id)?;
        Some(&found.case)
    }

    /// The case that this working copy opens, as it stands in it, and its procedure.
    pub fn opened(&self) -> Option<(Case, Arc<dyn Workflow>)> {
        let mut cases = self.cases.iter();
        let new = cases.find(|working| working.loaded.is_none())?;
        Some((new.case.clone(), Arc::clone(&new.workflow)))
    }

    /// Where a case stands in the working copy.
    pub fn status(&self, id: CaseId) -> Option<&CaseStatus> {
        self.case(id).map(|case| &case.status)
    }

    /// Lets an input act on one case, open or closed. Whether that changed anything.
    pub async fn input(&mut self, case: CaseId, input: &Input) -> Result<bool, EngineError> {
        let index = match self
            .cases
            .iter()
            .position(|working| working.case.id == case)
        {
            Some(index) => index,
            None => match self.engine.store.case(case).await? {
                Some(case) => {
                    self.cases.push(working(self.engine, case).await?);
                    self.cases.len() - 1
                }
                None => return Ok(false),
            },
        };
        Ok(self.step_at(index, input))
    }

    /// Adds an operation of the caller's to the batch.
    pub fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// Whether any case has moved.
    pub fn has_moved(&self) -> bool {
        self.cases.iter().any(|working| working.changed)
    }

    /// Whether a case would be held as it stands now in the working copy.
    pub fn is_held(&self, id: CaseId) -> bool {
        matches!(self.status(id), Some(CaseStatus::Held { .. }))
    }

    /// Whether any case has moved, or any operation was added.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && !self.has_moved()
    }

    /// The batch: the cases first, so that a refused precondition costs nothing.
    pub fn into_ops(self) -> Vec<Op> {
        let mut ops = Vec::new();
        for Working {
            mut case,
            loaded,
            changed,
            ..
        } in self.cases
        {
            if !changed {
                continue;
            }
            match loaded {
                None => ops.push(Op::InsertCase(case)),
                Some(expected) => {
                    case.version = expected + 1;
                    ops.push(Op::UpdateCase { case, expected });
                }
            }
        }
        ops.extend(self.ops);
        ops
    }

    fn context(&self) -> Context<'_> {
        self.engine.context(&self.coaches, &self.time_off, self.now)
    }

    /// Lets every procedure in force look at a fact that may open a case. One open case per
    /// client and procedure (E66): where there is one, the fact goes to it as a step instead.
    fn open_on(&mut self, fact: &Fact) {
        let Some(client) = self.client.clone() else {
            return;
        };
        for workflow in self.engine.registry.current().cloned().collect::<Vec<_>>() {
            if !workflow.opens_on(fact)
                || self
                    .cases
                    .iter()
                    .any(|w| w.case.procedure == workflow.name() && !w.case.status.is_closed())
            {
                continue;
            }
            let blank = self.blank_case(&client, workflow.as_ref(), fact);
            match workflow.open(self.context(), &blank, fact) {
                Ok(transition) => {
                    self.cases.push(Working {
                        case: blank,
                        workflow,
                        loaded: None,
                        changed: false,
                    });
                    let index = self.cases.len() - 1;
                    self.apply(index, transition);
                }
                Err(refused) => self.not_opened.push(refused),
            }
        }
    }

    fn blank_case(&self, client: &ClientId, workflow: &dyn Workflow, fact: &Fact) -> Case {
        Case {
            id: CaseId::new(self.engine.random.as_ref(), self.now),
            client: client.clone(),
            procedure: workflow.name().to_owned(),
            procedure_hash: workflow.hash().to_owned(),
            logic: workflow.logic(),
            mode: mode_at_opening(self.engine, workflow, fact),
            version: 1,
            status: CaseStatus::Open,
            step: "open".to_owned(),
            visit: 1,
            generation: 0,
            wait: None,
            data: serde_json::Value::Null,
            opened_at: self.now,
            changed_at: self.now,
        }
    }

    fn step_at(&mut self, index: usize, input: &Input) -> bool {
        let working = &self.cases[index];
        let transition = working.workflow.step(self.context(), &working.case, input);
        let moves = transition.is_some();
        if let Some(transition) = transition {
            self.apply(index, transition);
        }
        moves
    }

    /// Turns what a step wants into operations.
    fn apply(&mut self, index: usize, transition: Transition) {
        let Transition {
            status,
            step,
            visit,
            wait,
            data,
            timeline,
            effects,
            cancel,
            read,
            open_work,
            close_work,
            shown_first,
        } = transition;
        self.shown_first |= shown_first;
        self.moves += 1;
        let before = self.cases[index].case.clone();
        let working = &mut self.cases[index];
        working.changed = true;
        let case = &mut working.case;
        case.status = status;
        case.step = step;
        case.visit = visit;
        case.data = data;
        case.changed_at = self.now;
        let case = case.clone();

        for entry in timeline {
            self.ops.push(Op::AppendTimeline {
                case: case.id,
                entry,
            });
        }
        for key in cancel {
            self.ops.push(Op::CancelEffect {
                key,
                why: "no longer wanted".to_owned(),
                at: self.now,
            });
        }
        // Only the closing itself settles what is open. A closed case still hears of what was under
        // way, and must not take back what the closing asked a person to do.
        let closes = case.status.is_closed() && !before.status.is_closed();
        if close_work || closes {
            self.ops.push(Op::SettleCaseWork {
                case: case.id,
                settled: self.by_relay("overtaken"),
            });
        }
        if closes {
            let left = self.cases[index].workflow.left_open(&case);
            let looks = left
                .iter()
                .map(|left| watch::left_open(self.engine, &case.client, left, self.now));
            self.ops.extend(looks);
        }
        for effect in effects {
            self.plan(&case, effect);
        }
        if let Some(kind) = read {
            self.queue_read(&case, kind);
        }
        let asks = !open_work.is_empty();
        for (number, work) in open_work.into_iter().enumerate() {
            self.open_work(&case, number, work);
        }
        if asks || close_work || closes {
            let version = self.cases[index].loaded.unwrap_or(0);
            let what = format!("{}/{version}", case.id);
            self.ops
                .extend(inbox::changed(self.engine, &case.client, &what));
        }
        let generation = self.set_wait(&before, &case, wait.as_ref());
        let working = &mut self.cases[index];
        working.case.generation = generation;
        working.case.wait = wait;
    }

    fn by_relay(&self, action: &str) -> WorkSettled {
        WorkSettled {
            at: self.now,
            by: RELAY.to_owned(),
            action: action.to_owned(),
        }
    }

    fn plan(&mut self, case: &Case, planned: relay_core::effects::PlannedEffect) {
        let key = planned.key.clone();
        let kind = planned.input.kind();
        let run_at = planned.not_before.max(self.now);
        let input_hash = planned.input.hash();
        let effect = Effect::new(planned, input_hash, case.mode, self.now);
        self.ops.push(Op::PlanEffect(effect));
        let job_key = effect_job_key(&key);
        let lane = self.client.as_ref();
        self.ops.push(Op::Enqueue {
            job: NewJob {
                id: JobId::new(self.engine.random.as_ref(), self.now),
                lane: lane.map_or_else(|| job_key.clone(), ClientId::to_string),
                key: job_key,
                kind: JobKind::Effect.name().to_owned(),
                run_at,
                client: self.client.clone(),
                case: Some(case.id),
                payload: json!({ "effect": key, "kind": kind }),
            },
            existing: Existing::Keep,
        });
    }

    fn queue_read(&mut self, case: &Case, kind: ReadKind) {
        self.ops.push(Op::Enqueue {
            job: read_job_of(self.engine, case, kind),
            existing: Existing::Keep,
        });
    }

    /// Sets the timer a wait asks for. A wait that stays as it was keeps its timer.
    fn set_wait(&mut self, before: &Case, case: &Case, wait: Option<&Wait>) -> u64 {
        if before.wait.as_ref() == wait {
            return before.generation;
        }
        let mut generation = before.generation;
        if matches!(before.wait, Some(Wait::Timer { .. })) {
            self.ops.push(Op::CancelJobByKey {
                key: timer_key(case.id, generation),
                why: "the case waits for something else".to_owned(),
                at: self.now,
            });
            generation += 1;
        }
        if let Some(Wait::Timer { until, .. }) = wait {
            generation += 1;
            self.ops.push(Op::Enqueue {
                job: timer_job(self.engine, case, generation, *until),
                existing: Existing::Keep,
            });
        }
        generation
    }

    fn open_work(&mut self, case: &Case, number: usize, mut work: NewWork) {
        let notice = work.notice;
        if let Some(detail) = work.detail.as_object_mut().filter(|_| notice) {
            detail.insert("case".to_owned(), json!(case.id));
        }
        items::add_page(self.engine, &case.client, &mut work.detail);
        if !acts(case.mode) {
            // Nobody has had anything: whoever reads it must not do as if she had.
            work.detail["proposal"] = json!(true);
        }
        let item = WorkItem {
            id: WorkItemId::new(self.engine.random.as_ref(), self.now),
            dedupe_key: format!(
                "{}/{}/{}/{}/{number}",
                case.id, work.kind, case.step, case.visit
            ),
            kind: work.kind,
            owner: work.owner,
            title: work.title,
            detail: work.detail,
            actions: work.actions,
            client: Some(case.client.clone()),
            case: (!notice).then_some(case.id),
            effect: None,
            opened_at: self.now,
            due: work.due,
            remind_at: work.remind_at,
            reminders: 0,
            settled: None,
        };
        let ops = items::open_work_ops(self.engine, item, self.now);
        self.ops.extend(ops);
    }
}

/// Whether effects of a case are carried out.
pub(crate) fn acts(mode: Mode) -> bool {
    mode == Mode::Act
}
