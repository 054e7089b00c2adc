//! All or nothing.

use relay_core::case::TimelineEntry;
use relay_core::clients::Coach;
use serde_json::json;

use super::make::{ALL, Maker, at, commit, conflict, enqueue, finish, planned_email, reply, settled};
use crate::{AuditEntry, Batch, CaseFilter, Committed, EffectState, Job, JobEnd, JobFilter, Link, Op, Precondition, ProcedureVersion, ReceiptState, Store};

pub(super) async fn an_empty_batch_is_carried_out(store: &dyn Store) {
    let committed = store.commit(Batch::new()).await.unwrap();
    assert_eq!(committed, Committed::default());
}

pub(super) async fn a_batch_is_carried_out_in_order(store: &dyn Store) {
    let make = Maker::new();
    let effect = planned_email(make.case_id(), "email");
    // Each needs the one before.
    let ops = [
        Op::PlanEffect(effect.clone()),
        Op::Intend(make.intent(&effect, 1)),
        Op::EndIntent {
            key: effect.key().clone(),
            revision: 1,
            outcome: "not_sent".into(),
        },
        Op::MoveEffect {
            key: effect.key().clone(),
            from: vec![EffectState::Intended],
            to: EffectState::Planned,
            settled: None,
            request: None,
            at: at(11),
        },
        Op::Intend(make.intent(&effect, 2)),
    ];
    commit(store, ops).await;
    let stored = store.effect(effect.key()).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.revision), (EffectState::Intended, 2));
}

/// A batch of every kind of change, on top of what `before` stored.
fn changes(make: &Maker, running: &Job) -> Vec<Op> {
    let case = make.case();
    let effect = planned_email(case.id, "email");
    let receipt = make.receipt("evt-1");
    let entry = TimelineEntry {
        at: at(0),
        step: "open".into(),
        text: "opened".into(),
        sop: None,
        detail: None,
    };
    let link = Link {
        client: "maya".into(),
        contact: "101".into(),
        source: "portal".into(),
        at: at(1),
    };
    let coach = Coach {
        id: "c-1".into(),
        name: "Zoe".into(),
        email: "zoe@example.test".into(),
        crm_user: None,
    };
    let audit = AuditEntry {
        at: at(1),
        who: "Dana".into(),
        what: "stop".into(),
        object: "relay".into(),
        detail: json!({}),
    };
    let version = ProcedureVersion {
        hash: "abc".into(),
        name: "missed_check_in".into(),
        body: "{}".into(),
    };
    vec![
        Op::InsertReceipt(receipt.clone()),
        Op::InsertFact(reply("m-1", 1)),
        Op::InsertCase(case.clone()),
        Op::AppendTimeline {
            case: case.id,
            entry,
        },
        Op::PlanEffect(effect.clone()),
        Op::Intend(make.intent(&effect, 1)),
        enqueue(&make.job("new", "new", 0)),
        finish(running, JobEnd::Done, 1),
        Op::OpenWork(make.work("new", 5)),
        Op::SettleWorkByKey {
            dedupe_key: "before".into(),
            settled: settled("done"),
        },
        Op::PutLink(link),
        Op::PutCoach(coach),
        Op::PutSetting {
            key: "stopped".into(),
            value: json!(true),
        },
        Op::PutProcedure(version),
        Op::Audit(audit),
    ]
}

pub(super) async fn a_batch_that_fails_at_its_end_leaves_nothing_behind(store: &dyn Store) {
    let make = Maker::new();
    let running = make.claimed(store, "running", "w-1").await;
    let before = make.work("before", 5);
    commit(store, [Op::OpenWork(before.clone())]).await;
    let mut ops = changes(&make, &running);
    let fails = Op::RequireCase {
        case: make.case_id(),
        version: 1,
    };
    ops.push(fails);

    conflict(store, Precondition::CaseVersion, ops.clone()).await;

    let maya = "maya".into();
    assert!(store.receipts(ReceiptState::New, ALL).await.unwrap().is_empty());
    assert!(store.facts(&maya).await.unwrap().is_empty());
    let cases = store.cases(&CaseFilter::default(), ALL).await.unwrap();
    assert!(cases.is_empty());
    let jobs = store.jobs(&JobFilter::default(), ALL).await.unwrap();
    assert_eq!(jobs, std::slice::from_ref(&running));
    assert!(store.attempts(running.id).await.unwrap().is_empty());
    assert_eq!(store.open_work(None, ALL).await.unwrap(), [before]);
    assert_eq!(store.link(&maya).await.unwrap(), None);
    assert!(store.coaches().await.unwrap().is_empty());
    assert_eq!(store.setting("stopped").await.unwrap(), None);
    assert_eq!(store.procedure("abc").await.unwrap(), None);
    assert!(store.audit(ALL).await.unwrap().is_empty());
    for op in &ops {
        if let Op::PlanEffect(effect) = op {
            assert_eq!(store.effect(effect.key()).await.unwrap(), None);
            assert!(store.intents(effect.key()).await.unwrap().is_empty());
        }
    }

    // Without the last operation the very same batch is good.
    ops.pop();
    commit(store, ops).await;
    assert_eq!(store.cases(&CaseFilter::default(), ALL).await.unwrap().len(), 1);
}

/// Long enough that no store has it in one piece.
const LONG: usize = 100;

/// A step of the same case, each one on the version that the one before it made.
fn long(make: &Maker) -> Vec<Op> {
    let mut case = make.case();
    let mut ops = vec![Op::InsertCase(case.clone())];
    for step in 0..LONG {
        let expected = case.version;
        case.version += 1;
        case.step = format!("step {step}");
        ops.push(Op::UpdateCase {
            case: case.clone(),
            expected,
        });
        ops.push(enqueue(&make.job(&format!("job {step}"), "lane", 5)));
        // One that has to look first, between those that don't.
        if step % 10 == 0 {
            ops.push(Op::InsertReceipt(make.receipt(&format!("evt-{step}"))));
        }
    }
    ops
}

pub(super) async fn a_long_batch_is_carried_out_in_order(store: &dyn Store) {
    let make = Maker::new();
    let committed = commit(store, long(&make)).await;
    assert_eq!(committed.duplicates, vec![None; LONG / 10]);
    let cases = store.cases(&CaseFilter::default(), ALL).await.unwrap();
    let (last, version) = (format!("step {}", LONG - 1), LONG as u64 + 1);
    assert_eq!((&cases[0].step, cases[0].version), (&last, version));
    let jobs = store.jobs(&JobFilter::default(), ALL).await.unwrap();
    let keys: Vec<_> = jobs.iter().map(|job| job.key.clone()).collect();
    let told: Vec<_> = (0..LONG).map(|step| format!("job {step}")).collect();
    assert_eq!(keys, told);
}

pub(super) async fn a_long_batch_is_all_or_nothing(store: &dyn Store) {
    let make = Maker::new();
    let ops = long(&make);
    // A precondition that does not hold, at the beginning, in the middle and at the end.
    for place in [1, ops.len() / 2, ops.len()] {
        let mut ops = ops.clone();
        let version = 1_000;
        let case = make.case_id();
        ops.insert(place, Op::RequireCase { case, version });
        conflict(store, Precondition::CaseVersion, ops).await;
        let cases = store.cases(&CaseFilter::default(), ALL).await.unwrap();
        let jobs = store.jobs(&JobFilter::default(), ALL).await.unwrap();
        assert_eq!((cases.len(), jobs.len()), (0, 0));
        assert!(store.receipts(ReceiptState::New, ALL).await.unwrap().is_empty());
    }
    commit(store, ops).await;
}
