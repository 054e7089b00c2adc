//! Carries out a batch, operation by operation. Each operation's statement lives with its topic.

use relay_core::ids::EffectKey;
use relay_core::time::Timestamp;
use relay_store::{Batch, Committed, Op, StoreError, effect_job_key};
use sqlx::SqliteConnection;

use crate::failure::Failure;
use crate::script::Script;
use crate::{
    cases, credentials, directory, effects, engagement, incidents, jobs, leases, pace, receipts,
    work,
};

/// A batch with its statements written down: by whoever asks, so that the writer only carries out.
#[derive(Debug)]
pub(crate) struct Prepared {
    batch: Batch,
    /// `None` once it was carried out: a second time they are written anew.
    parts: Option<Vec<Part>>,
}

/// What a batch consists of, in order.
#[derive(Debug)]
enum Part {
    /// Operations whose statements are known beforehand.
    Script(Script),
    /// The operation at this place in the batch, which has to look first.
    Decide(usize),
    /// An operation that can't be written: the batch ends here.
    Refused(Failure),
}

impl Prepared {
    /// Writes the batch's statements down.
    pub(crate) fn new(batch: Batch) -> Self {
        let parts = Some(write_down(&batch));
        Self { batch, parts }
    }

    /// What is to be carried out.
    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Carries out every operation in order; the answer is that of the first that fails. The caller
    /// undoes.
    pub(crate) async fn carry_out(
        &mut self,
        conn: &mut SqliteConnection,
    ) -> Result<Committed, Failure> {
        let mut committed = Committed::default();
        let parts = self.parts.take();
        for part in parts.unwrap_or_else(|| write_down(&self.batch)) {
            match part {
                Part::Script(script) => script.run(conn).await?,
                Part::Refused(failure) => return Err(failure),
                Part::Decide(place) => match self.batch.ops.get(place) {
                    Some(Op::InsertReceipt(receipt)) => {
                        let original = receipts::insert(conn, receipt).await?;
                        committed.duplicates.push(original);
                    }
                    // Boxed: the largest of some operations would otherwise be part of every caller.
                    Some(op) => Box::pin(decide(conn, op)).await?,
                    None => {}
                },
            }
        }
        Ok(committed)
    }
}

fn write_down(batch: &Batch) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut script = Script::default();
    for (place, op) in batch.ops.iter().enumerate() {
        let written = write(&mut script, op);
        // What was written before is carried out before, also before a failure to write.
        if script.is_full() || (!script.is_empty() && !matches!(written, Ok(true))) {
            parts.push(Part::Script(std::mem::take(&mut script)));
        }
        match written {
            Ok(true) => {}
            Ok(false) => parts.push(Part::Decide(place)),
            Err(failure) => {
                // What can't be bound may stand half written: nothing is carried out.
                if !matches!(failure, Failure::Store(StoreError::Conflict { .. })) {
                    parts.clear();
                }
                parts.push(Part::Refused(failure));
                return parts;
            }
        }
    }
    if !script.is_empty() {
        parts.push(Part::Script(script));
    }
    parts
}

/// Writes an operation into the script. `false`: it is none whose statements are known beforehand.
fn write(script: &mut Script, op: &Op) -> Result<bool, Failure> {
    match op {
        Op::FinishReceipt {
            id,
            state,
            note,
            at,
        } => receipts::finish(script, *id, *state, note.as_deref(), *at)?,
        Op::InsertFact(fact) => receipts::insert_fact(script, fact)?,
        Op::InsertCase(case) => cases::insert(script, case)?,
        Op::UpdateCase { case, expected } => cases::update(script, case, *expected)?,
        Op::RequireCase { case, version } => cases::require(script, *case, *version)?,
        Op::RequireOpenWork { item } => work::require_open(script, *item)?,
        Op::AppendTimeline { case, entry } => cases::append(script, *case, entry)?,
        Op::OpenWork(item) => work::open(script, item)?,
        Op::SettleWork { id, settled } => work::settle(script, *id, settled)?,
        Op::SettleCaseWork { case, settled } => work::settle_case(script, *case, settled)?,
        Op::SettleWorkByKey {
            dedupe_key,
            settled,
        } => work::settle_by_key(script, dedupe_key, settled)?,
        Op::ListInWork {
            dedupe_key,
            entry,
            value,
        } => work::list_in(script, dedupe_key, entry, value.as_ref())?,
        Op::RemindWork { id, next, owner } => work::remind(script, *id, *next, owner)?,
        Op::PutLink(link) => directory::put_link(script, link)?,
        Op::RemoveLink { client } => directory::remove_link(script, client)?,
        Op::PutWatched(watched) => engagement::put_watched(script, watched)?,
        Op::PutCoach(coach) => directory::put_coach(script, coach)?,
        Op::PutSetting { key, value } => directory::put_setting(script, key, value)?,
        Op::PutSettingOnce { key, value } => directory::put_setting_once(script, key, value)?,
        Op::PutProcedure(version) => directory::put_procedure(script, version)?,
        Op::Audit(entry) => directory::write_audit(script, entry)?,
        Op::PlanEffect(_)
        | Op::Intend(_)
        | Op::EndIntent { .. }
        | Op::MoveEffect { .. }
        | Op::Enqueue { .. }
        | Op::Remind { .. }
        | Op::RequireFence(_)
        | Op::FinishJob { .. }
        | Op::ReplayJob { .. }
        | Op::CancelJob { .. }
        | Op::CancelJobByKey { .. } => return write_effect_or_job(script, op),
        Op::InsertReceipt(_)
        | Op::CancelEffect { .. }
        | Op::PutEngagement(_)
        | Op::PutCredential(_)
        | Op::LeaseCredential(_)
        | Op::SettleCredential(_)
        | Op::BeginAuthorization(_)
        | Op::UseAuthorization(_)
        | Op::PutLimiterState { .. }
        | Op::PutIncidents { .. } => return Ok(false),
    }
    Ok(true)
}

fn write_effect_or_job(script: &mut Script, op: &Op) -> Result<bool, Failure> {
    match op {
        Op::PlanEffect(planned) => effects::plan(script, planned)?,
        Op::Intend(intent) => effects::intend(script, intent)?,
        Op::EndIntent {
            key,
            revision,
            outcome,
        } => effects::end_intent(script, key, *revision, outcome)?,
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
            effects::change(script, key, &change)?;
        }
        Op::Enqueue { job, existing } => jobs::enqueue(script, job, *existing)?,
        Op::Remind { item, job } => jobs::remind(script, job, *item)?,
        Op::RequireFence(fence) => leases::require(script, *fence)?,
        Op::FinishJob { fence, end, at } => jobs::finish(script, *fence, end, *at)?,
        Op::ReplayJob { id, at } => jobs::replay(script, *id, *at)?,
        Op::CancelJob { id, why, at } => jobs::cancel(script, *id, why, *at)?,
        Op::CancelJobByKey { key, why, at } => jobs::cancel_by_key(script, key, why, *at)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Carries out an operation that has to look before it knows what to do.
async fn decide(conn: &mut SqliteConnection, op: &Op) -> Result<(), Failure> {
    match op {
        Op::CancelEffect { key, why, at } => cancel_effect(conn, key, why, *at).await,
        Op::PutEngagement(told) => engagement::put(conn, told).await,
        Op::PutCredential(new) => credentials::put(conn, new).await,
        Op::LeaseCredential(lease) => credentials::lease(conn, lease).await,
        Op::SettleCredential(settled) => credentials::settle(conn, settled).await,
        Op::BeginAuthorization(begun) => credentials::begin(conn, begun).await,
        Op::UseAuthorization(used) => credentials::use_up(conn, used).await,
        Op::PutLimiterState {
            vendor,
            expected,
            body,
        } => pace::put(conn, vendor, *expected, body).await,
        Op::PutIncidents {
            vendor,
            expected,
            body,
        } => incidents::put(conn, vendor, *expected, body).await,
        // Everything else is written into a script; one that is not must not be passed over.
        _ => Err(StoreError::Driver("an operation that nobody carries out".into()).into()),
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
    let job = effect_job_key(key);
    let mut script = Script::default();
    if effects::withdraw(conn, key, at).await? {
        jobs::ready_by_key(&mut script, &job, at)?;
    } else if effects::cancel(conn, key, at).await? {
        jobs::cancel_by_key(&mut script, &job, why, at)?;
    }
    script.run(conn).await?;
    Ok(())
}
