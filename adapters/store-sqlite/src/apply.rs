//! Carries out a batch, operation by operation. Each operation's statement lives with its topic.

use relay_core::ids::EffectKey;
use relay_core::time::Timestamp;
use relay_store::{Batch, Committed, Op, effect_job_key};
use sqlx::SqliteConnection;

use crate::failure::Failure;
use crate::{
    cases, credentials, directory, effects, engagement, jobs, leases, pace, receipts, work,
};

/// Carries out every operation in order and stops at the first that fails. The caller undoes.
pub(crate) async fn batch(
    conn: &mut SqliteConnection,
    batch: &Batch,
) -> Result<Committed, Failure> {
    let mut committed = Committed::default();
    for op in &batch.ops {
        if let Op::InsertReceipt(receipt) = op {
            let original = receipts::insert(conn, receipt).await?;
            committed.duplicates.push(original);
        } else {
            // Boxed: the largest of some thirty operations would otherwise be part of every caller.
            Box::pin(one(conn, op)).await?;
        }
    }
    Ok(committed)
}

async fn one(conn: &mut SqliteConnection, op: &Op) -> Result<(), Failure> {
    match op {
        Op::InsertReceipt(receipt) => receipts::insert(conn, receipt).await.map(|_| ()),
        Op::FinishReceipt {
            id,
            state,
            note,
            at,
        } => receipts::finish(conn, *id, *state, note.as_deref(), *at).await,
        Op::InsertFact(fact) => receipts::insert_fact(conn, fact).await,
        Op::InsertCase(case) => cases::insert(conn, case).await,
        Op::UpdateCase { case, expected } => cases::update(conn, case, *expected).await,
        Op::RequireCase { case, version } => cases::require(conn, *case, *version).await,
        Op::AppendTimeline { case, entry } => cases::append(conn, *case, entry).await,
        Op::PlanEffect(_)
        | Op::Intend(_)
        | Op::EndIntent { .. }
        | Op::MoveEffect { .. }
        | Op::CancelEffect { .. } => effect(conn, op).await,
        Op::Enqueue { job, existing } => jobs::enqueue(conn, job, *existing).await,
        Op::RequireFence(fence) => leases::require(conn, *fence).await,
        Op::FinishJob { fence, end, at } => jobs::finish(conn, *fence, end, *at).await,
        Op::ReplayJob { id, at } => jobs::replay(conn, *id, *at).await,
        Op::CancelJob { id, why, at } => jobs::cancel(conn, *id, why, *at).await,
        Op::CancelJobByKey { key, why, at } => jobs::cancel_by_key(conn, key, why, *at).await,
        Op::OpenWork(item) => work::open(conn, item).await,
        Op::SettleWork { id, settled } => work::settle(conn, *id, settled).await,
        Op::SettleCaseWork { case, settled } => work::settle_case(conn, *case, settled).await,
        Op::SettleWorkByKey {
            dedupe_key,
            settled,
        } => work::settle_by_key(conn, dedupe_key, settled).await,
        Op::RemindWork { id, next, owner } => work::remind(conn, *id, *next, owner).await,
        Op::PutLink(link) => directory::put_link(conn, link).await,
        Op::RemoveLink { client } => directory::remove_link(conn, client).await,
        Op::PutEngagement(told) => engagement::put(conn, told).await,
        Op::PutWatched(watched) => engagement::put_watched(conn, watched).await,
        Op::PutCoach(coach) => directory::put_coach(conn, coach).await,
        Op::PutSetting { key, value } => directory::put_setting(conn, key, value).await,
        Op::PutSettingOnce { key, value } => directory::put_setting_once(conn, key, value).await,
        Op::PutProcedure(version) => directory::put_procedure(conn, version).await,
        Op::PutCredential(new) => credentials::put(conn, new).await,
        Op::LeaseCredential(lease) => credentials::lease(conn, lease).await,
        Op::SettleCredential(settled) => credentials::settle(conn, settled).await,
        Op::BeginAuthorization(begun) => credentials::begin(conn, begun).await,
        Op::UseAuthorization(used) => credentials::use_up(conn, used).await,
        Op::PutPace {
            vendor,
            expected,
            body,
        } => pace::put(conn, vendor, *expected, body).await,
        Op::Audit(entry) => directory::write_audit(conn, entry).await,
    }
}

async fn effect(conn: &mut SqliteConnection, op: &Op) -> Result<(), Failure> {
    match op {
        Op::PlanEffect(planned) => effects::plan(conn, planned).await,
        Op::Intend(intent) => effects::intend(conn, intent).await,
        Op::EndIntent {
            key,
            revision,
            outcome,
        } => effects::end_intent(conn, key, *revision, outcome).await,
        Op::MoveEffect {
            key,
            from,
            to,
            settled,
            request,
            at,
        } => {
            let change = effects::Move {
                from,
                to: *to,
                settled: settled.as_ref(),
                request: request.as_ref(),
                at: *at,
            };
            effects::change(conn, key, &change).await
        }
        Op::CancelEffect { key, why, at } => cancel_effect(conn, key, why, *at).await,
        _ => Ok(()),
    }
}

/// Cancels an effect and, if that was possible, the job that would have carried it out. A job that
/// is running keeps running: its intent will find the effect cancelled.
async fn cancel_effect(
    conn: &mut SqliteConnection,
    key: &EffectKey,
    why: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    if effects::cancel(conn, key, at).await? {
        jobs::cancel_by_key(conn, &effect_job_key(key), why, at).await?;
    }
    Ok(())
}
