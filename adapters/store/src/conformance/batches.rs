//! All or nothing.

use relay_core::case::TimelineEntry;
use relay_core::clients::Coach;
use serde_json::json;

use super::make::{planned_email, reply, ALL, Maker, at, commit, conflict, enqueue, finish, settled};
use crate::{
    AuditEntry, Batch, CaseFilter, Committed, EffectState, Job, JobEnd, JobFilter, Link, Op,
    ProcedureVersion, ReceiptState, Store,
};

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

    conflict(store, "case version", ops.clone()).await;

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
