//! What the engine could not be brought to leave behind: rows made by hand, each from the types that
//! the engine stores, through the store's own operations.

mod aside;

use std::collections::BTreeSet;

use clear_relay::sandbox::world::World;
use relay_core::case::{Case, Mode};
use relay_core::effects::{EffectKind, PlannedEffect, Scope};
use relay_core::ids::{ClientId, IntentId, JobId, WorkItemId};
use relay_core::random::SeededRandom;
use relay_core::time::{Clock as _, SignedDuration, Timestamp};
use relay_store::{
    Batch, Claim, Effect, EffectState, Existing, Fence, Intent, Job, JobEnd, JobError, JobFilter,
    JobState, NewJob, Op, Store, WorkItem, WorkSettled, effect_job_key,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{rows, samples, texts};
use crate::edge::clinic::ALL;

/// The kinds of job there are, with the payload of one that has nothing left to do.
pub(crate) const JOB_KINDS: &[&str] = &[
    "timer",
    "effect",
    "read",
    "missed_check",
    "reread",
    "reread_batch",
    "refresh",
    "credential",
    "reconcile",
    "hooks_watch",
    "engagement_poll",
    "check_in_list",
    "engagement_read",
    "reminder",
    "incident",
];

/// The kinds of work item there are.
pub(crate) const WORK_KINDS: &[&str] = &[
    "alarm",
    "backlog",
    "billing",
    "break",
    "by_hand",
    "call_outcome",
    "card",
    "connection",
    "dead_job",
    "fee",
    "held",
    "hold",
    "holidays",
    "hooks",
    "incident",
    "incident_over",
    "link",
    "missed_too",
    "overlap",
    "paused",
    "receipt",
    "reply",
    "stale",
    "transition_call",
    "unsettled",
    "wrong_number",
];

/// Whoever adds rows, and with what.
struct Hand<'a> {
    world: &'a World,
    store: &'a dyn Store,
    random: SeededRandom,
    now: Timestamp,
}

/// Adds what is missing.
pub(crate) async fn add(world: &World) {
    let hand = Hand {
        world,
        store: world.store().as_ref(),
        random: SeededRandom::new(77),
        now: world.now(),
    };
    hand.earlier_logic().await;
    hand.effects().await;
    hand.jobs().await;
    hand.work().await;
    hand.scopes().await;
    hand.receipts().await;
    hand.facts().await;
    hand.credentials().await;
    hand.engagement().await;
    hand.settings().await;
}

impl Hand<'_> {
    async fn commit(&self, ops: Vec<Op>) {
        let done = self.store.commit(Batch::from(ops)).await;
        done.expect("the store takes it");
    }

    async fn case(&self, who: &str) -> Case {
        let open = self.store.open_cases(&who.into()).await.expect("a store");
        open.into_iter().next().expect("an open case")
    }

    /// Cases that were opened before the decision code had its present number.
    async fn earlier_logic(&self) {
        for who in ["jana", "joyce"] {
            let mut case = self.case(who).await;
            let expected = case.version;
            case.logic = 1;
            case.version += 1;
            self.commit(vec![Op::UpdateCase { case, expected }]).await;
        }
    }

    /// Every kind of effect in every state.
    async fn effects(&self) {
        let known: BTreeSet<(EffectKind, EffectState)> = rows::effects(self.store)
            .await
            .iter()
            .map(|effect| (effect.kind(), effect.state))
            .collect();
        for kind in EffectKind::ALL {
            let who = match kind {
                EffectKind::ContactType => "nola",
                EffectKind::AutoChargeOff
                | EffectKind::DeactivateSubscription
                | EffectKind::RemoveCard => "nina",
                _ => "nell",
            };
            let case = self.case(who).await;
            for state in EffectState::ALL {
                if !known.contains(&(kind, *state)) {
                    self.effect(&case, kind, *state).await;
                }
            }
        }
    }

    /// What belongs to no case.
    async fn scopes(&self) {
        let client: ClientId = "nell".into();
        let items = self.store.open_work(None, ALL).await.expect("work items");
        let item = items.first().expect("an item").id;
        for scope in [
            Scope::Client {
                client: client.clone(),
            },
            Scope::WorkItem {
                item,
                client: Some(client),
            },
            Scope::Installation,
        ] {
            let key = scope.key("corpus", 1, "tag");
            let job = NewJob {
                id: JobId::new(&self.random, self.now),
                key: effect_job_key(&key),
                kind: "effect".to_owned(),
                lane: scope.lane(),
                run_at: self.now,
                client: scope.client().cloned(),
                case: None,
                payload: json!({ "effect": key, "kind": EffectKind::AddTag }),
            };
            let planned = PlannedEffect {
                key,
                scope,
                blocking: false,
                not_before: self.now,
                input: samples::input(EffectKind::AddTag),
            };
            let hash = serde_json::to_vec(&planned.input).expect("JSON");
            let hash = hex::encode(Sha256::digest(hash));
            let effect = Effect::new(planned, hash, Mode::Act, self.now);
            let existing = Existing::Keep;
            self.commit(vec![Op::PlanEffect(effect), Op::Enqueue { job, existing }])
                .await;
        }
    }

    async fn effect(&self, case: &Case, kind: EffectKind, state: EffectState) {
        let name = format!("{}_{}", kind.as_str(), state.as_str());
        let scope = Scope::Case {
            case: case.id,
            client: case.client.clone(),
        };
        let key = scope.key(&case.step, 90, &name);
        let planned = PlannedEffect {
            key: key.clone(),
            scope,
            blocking: false,
            not_before: self.now,
            input: samples::input(kind),
        };
        let hash = serde_json::to_vec(&planned.input).expect("JSON");
        let hash = hex::encode(Sha256::digest(hash));
        let effect = Effect::new(planned, hash, case.mode, self.now);
        let mut ops = vec![Op::PlanEffect(effect)];
        let sent = !matches!(
            state,
            EffectState::Planned
                | EffectState::Proposed
                | EffectState::Overtaken
                | EffectState::Held
                | EffectState::Cancelled
        );
        if sent {
            ops.push(Op::Intend(Intent {
                id: IntentId::new(&self.random, self.now),
                key: key.clone(),
                revision: 1,
                request: samples::request(kind),
                reading: serde_json::to_value(samples::reading()).expect("JSON"),
                at: self.now,
                outcome: None,
            }));
        }
        if let Some(outcome) = samples::outcome(state) {
            ops.push(Op::EndIntent {
                key: key.clone(),
                revision: 1,
                outcome: outcome.to_owned(),
            });
        }
        if !matches!(state, EffectState::Planned | EffectState::Intended) {
            ops.push(Op::MoveEffect {
                key: key.clone(),
                from: vec![EffectState::Planned, EffectState::Intended],
                to: state,
                settled: samples::settled(state),
                request: (!sent).then(|| samples::request(kind)),
                at: self.now,
            });
        }
        let job = self.new_job(
            effect_job_key(&key),
            "effect",
            case.client.as_str(),
            json!({ "effect": key, "kind": kind }),
        );
        ops.push(Op::Enqueue {
            job: NewJob {
                client: Some(case.client.clone()),
                case: Some(case.id),
                ..job.clone()
            },
            existing: Existing::Keep,
        });
        self.commit(ops).await;
        let waits = matches!(
            state,
            EffectState::Planned | EffectState::Intended | EffectState::Unclear
        );
        if !waits {
            let cancel = Op::CancelJob {
                id: job.id,
                why: "of the corpus".to_owned(),
                at: self.now,
            };
            self.commit(vec![cancel]).await;
        }
    }

    fn new_job(&self, key: String, kind: &str, lane: &str, payload: Value) -> NewJob {
        NewJob {
            id: JobId::new(&self.random, self.now),
            key,
            kind: kind.to_owned(),
            lane: lane.to_owned(),
            run_at: self.now,
            client: None,
            case: None,
            payload,
        }
    }

    /// Every kind of job in every state.
    async fn jobs(&self) {
        let jobs = self.store.jobs(&JobFilter::default(), ALL).await;
        let jobs = jobs.expect("a store");
        for kind in JOB_KINDS {
            let model = jobs.iter().find(|job| job.kind == *kind);
            for state in JobState::ALL {
                let there = jobs
                    .iter()
                    .any(|job| job.kind == *kind && job.state == *state);
                if !there {
                    self.job(kind, *state, model).await;
                }
            }
        }
    }

    async fn job(&self, kind: &str, state: JobState, model: Option<&Job>) {
        let lane = format!("corpus/{kind}/{}", state.as_str());
        let payload = model.map_or_else(|| texts::payload(kind), |job| job.payload.clone());
        let mut job = self.new_job(lane.clone(), kind, &lane, payload);
        job.client = model.and_then(|job| job.client.clone());
        job.case = model.and_then(|job| job.case);
        let id = job.id;
        let existing = Existing::Keep;
        self.commit(vec![Op::Enqueue { job, existing }]).await;
        let error = JobError::new("permanent", "the vendor refuses it");
        let end = match state {
            // One that has failed, and comes again.
            JobState::Ready => JobEnd::again(self.now, error),
            JobState::Running => return self.claim(&lane).await,
            JobState::Done => JobEnd::Done,
            JobState::Parked => JobEnd::Parked { error },
            JobState::Dead => JobEnd::Dead { error },
            JobState::Cancelled => JobEnd::Cancelled {
                why: "no longer wanted".to_owned(),
            },
        };
        self.claim(&lane).await;
        let at = self.now;
        let fence = Fence { job: id, fence: 1 };
        self.commit(vec![Op::FinishJob { fence, end, at }]).await;
    }

    /// Claims the job of a lane for a worker that has died: its lease is over.
    async fn claim(&self, lane: &str) {
        let over = self.world.real.now() - SignedDuration::from_hours(1);
        let claim = Claim {
            worker: "a worker that died".to_owned(),
            now: self.now,
            lease_until: over,
            limit: 1,
            lane: Some(lane.to_owned()),
            case: None,
            kinds: Vec::new(),
        };
        let claimed = self.store.claim(claim).await.expect("a store");
        assert_eq!(claimed.len(), 1, "{lane}");
    }

    /// Every kind of work item, open and settled.
    async fn work(&self) {
        let open = rows::work(self.store).await;
        for kind in WORK_KINDS {
            let has = |settled: bool| {
                open.iter()
                    .any(|item| item.kind == *kind && item.settled.is_some() == settled)
            };
            for settled in [false, true] {
                if !has(settled) {
                    self.item(kind, settled).await;
                }
            }
        }
    }

    async fn item(&self, kind: &str, settled: bool) {
        let id = WorkItemId::new(&self.random, self.now);
        let tomorrow = self.now + SignedDuration::from_hours(24);
        let case = self.case("nell").await;
        // What only somebody has to take note of belongs to no case.
        let of_case = matches!(kind, "stale" | "held" | "overlap" | "missed_too");
        let item = WorkItem {
            id,
            dedupe_key: format!("corpus/{kind}/{settled}"),
            kind: kind.to_owned(),
            owner: "admin".to_owned(),
            title: format!("An item of the kind {kind}"),
            detail: texts::detail(kind),
            actions: vec!["done".to_owned()],
            client: Some("nell".into()),
            case: of_case.then_some(case.id),
            effect: None,
            opened_at: self.now,
            due: tomorrow,
            remind_at: tomorrow,
            reminders: 1,
            settled: None,
        };
        let mut ops = vec![Op::OpenWork(item)];
        let key = format!("reminder/{id}");
        let mut job = self.new_job(key.clone(), "reminder", &key, json!({ "work_item": id }));
        job.run_at = tomorrow;
        let existing = Existing::Keep;
        ops.push(Op::Enqueue { job, existing });
        if settled {
            ops.push(Op::SettleWork {
                id,
                settled: WorkSettled {
                    at: self.now,
                    by: "Robin".to_owned(),
                    action: "done".to_owned(),
                },
            });
        }
        self.commit(ops).await;
    }
}
