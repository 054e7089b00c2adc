//! Every text that the code stores for people, or hears from a vendor's refusal, made meaningless.
//!
//! What is stored under a closed list of names (states, kinds, actions, classes, outcomes) is left, and so
//! is what goes out to a vendor. A text of equal words stays equal, so that one wish is one wish.
//!
//! Not covered: errors that the code makes itself, between where they are made and where they are stored.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use relay_core::case::{Case, CaseStatus, TimelineEntry, Wait};
use relay_core::clients::Coach;
use relay_core::effects::{EffectKind, Identity, Settled};
use relay_core::ids::{
    CaseId, ClientId, CoachId, ContactId, EffectKey, JobId, ReceiptId, TaskId, WorkItemId,
};
use relay_core::time::Timestamp;
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_store::{
    Attempt, AuditEntry, Authorization, Batch, CaseFilter, Claim, ClientView, Committed,
    Credential, Damage, Effect, EffectView, Engagement, FactRow, Fence, FileFault, Health,
    IncidentsRow, Intent, Job, JobEnd, JobFilter, LimiterRow, Link, NamelessSetting, Op, Page,
    ProcedureVersion, Receipt, ReceiptState, Remedied, RemedyOrder, Store, StoreError,
    WatchedContact, WorkItem, WorkSettled,
};

/// Who settles what nobody has to look at.
const RELAY: &str = "relay";

/// The members of an item's detail that are sentences.
const SENTENCES: [&str; 6] = ["reason", "remedy", "evidence", "alarm", "meaning", "sop"];

/// A text that says nothing, of another length.
fn reword(text: &mut String) {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let hash = hasher.finish();
    *text = format!("zq{hash:016x}{}", "-".repeat(text.len() % 7));
}

fn reword_status(status: &mut CaseStatus) {
    match status {
        CaseStatus::Open => {}
        CaseStatus::Paused { reason }
        | CaseStatus::Held { reason }
        | CaseStatus::Closed { reason } => reword(reason),
    }
}

fn reword_case(case: &mut Case) {
    reword_status(&mut case.status);
    match &mut case.wait {
        Some(Wait::Timer { why, .. } | Wait::Person { why, .. }) => reword(why),
        Some(Wait::Effect { .. } | Wait::Read { .. }) | None => {}
    }
}

fn reword_settled(settled: &mut Settled) {
    match settled {
        Settled::Overtaken { by: text }
        | Settled::Held { reason: text, .. }
        | Settled::Dead { reason: text, .. }
        | Settled::Unclear { evidence: text } => reword(text),
        Settled::Done { .. }
        | Settled::AlreadyTrue
        | Settled::Proposed
        | Settled::ByHand(_)
        | Settled::Cancelled => {}
    }
}

fn reword_end(end: &mut JobEnd) {
    match end {
        JobEnd::Done => {}
        JobEnd::Again { error, .. } | JobEnd::Parked { error } | JobEnd::Dead { error } => {
            reword(&mut error.message);
        }
        JobEnd::Snooze { why, .. } | JobEnd::Cancelled { why } => reword(why),
    }
}

fn reword_item(item: &mut WorkItem) {
    reword(&mut item.title);
    for name in SENTENCES {
        if let Some(serde_json::Value::String(text)) = item.detail.get_mut(name) {
            reword(text);
        }
    }
}

/// What a person chose is a name; how the relay says that nobody needs to is a sentence.
fn reword_how(settled: &mut WorkSettled) {
    if settled.by == RELAY {
        reword(&mut settled.action);
    }
}

fn reword_op(op: &mut Op) {
    match op {
        Op::FinishReceipt { note, .. } => note.iter_mut().for_each(reword),
        Op::InsertCase(case) | Op::UpdateCase { case, .. } => reword_case(case),
        Op::AppendTimeline { entry, .. } => reword(&mut entry.text),
        Op::MoveEffect { settled, .. } => settled.iter_mut().for_each(reword_settled),
        Op::CancelEffect { why, .. }
        | Op::CancelJob { why, .. }
        | Op::CancelJobByKey { why, .. } => reword(why),
        Op::FinishJob { end, .. } => reword_end(end),
        Op::OpenWork(item) => reword_item(item),
        Op::SettleWork { settled, .. }
        | Op::SettleCaseWork { settled, .. }
        | Op::SettleWorkByKey { settled, .. } => reword_how(settled),
        _ => {}
    }
}

#[derive(Debug)]
struct Reworded<T: ?Sized>(Arc<T>);

/// A store that is given no sentence as it was said.
pub(crate) fn store(inner: Arc<dyn Store>) -> Arc<dyn Store> {
    Arc::new(Reworded(inner))
}

/// A way to vendors that refuse, or fail, without a word that can be read. What they say where a thing is
/// not there, or the request is wrong, is input and stays.
pub(crate) fn transport(inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
    Arc::new(Reworded(inner))
}

#[async_trait]
impl Transport for Reworded<dyn Transport> {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let mut answer = self.0.send(call).await?;
        let status = answer.status;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
        if refused.contains(&status) || status.is_server_error() {
            answer.body = "zq zq zq".into();
        }
        Ok(answer)
    }
}

#[async_trait]
impl Store for Reworded<dyn Store> {
    async fn commit(&self, mut batch: Batch) -> Result<Committed, StoreError> {
        batch.ops.iter_mut().for_each(reword_op);
        self.0.commit(batch).await
    }
    async fn claim(&self, claim: Claim) -> Result<Vec<Job>, StoreError> {
        self.0.claim(claim).await
    }
    async fn renew(&self, fence: Fence, lease_until: Timestamp) -> Result<bool, StoreError> {
        self.0.renew(fence, lease_until).await
    }
    async fn rescue(&self, real_now: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        self.0.rescue(real_now, now).await
    }
    async fn hand_back(&self, worker: &str, now: Timestamp) -> Result<u64, StoreError> {
        self.0.hand_back(worker, now).await
    }
    async fn receipt(&self, id: ReceiptId) -> Result<Option<Receipt>, StoreError> {
        self.0.receipt(id).await
    }
    async fn receipts(&self, state: ReceiptState, page: Page) -> Result<Vec<Receipt>, StoreError> {
        self.0.receipts(state, page).await
    }
    async fn receipts_by_key(
        &self,
        verified_by: &str,
        since: Option<Timestamp>,
        page: Page,
    ) -> Result<Vec<Receipt>, StoreError> {
        self.0.receipts_by_key(verified_by, since, page).await
    }
    async fn facts(&self, client: &ClientId) -> Result<Vec<FactRow>, StoreError> {
        self.0.facts(client).await
    }
    async fn clients_told_of(
        &self,
        kind: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        self.0.clients_told_of(kind, after, limit).await
    }
    async fn facts_of_receipt(&self, id: ReceiptId) -> Result<Vec<FactRow>, StoreError> {
        self.0.facts_of_receipt(id).await
    }
    async fn client_view(&self, client: &ClientId) -> Result<ClientView, StoreError> {
        self.0.client_view(client).await
    }
    async fn effect_view(
        &self,
        key: &EffectKey,
        setting: &str,
    ) -> Result<Option<EffectView>, StoreError> {
        self.0.effect_view(key, setting).await
    }
    async fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        self.0.case(id).await
    }
    async fn open_cases(&self, client: &ClientId) -> Result<Vec<Case>, StoreError> {
        self.0.open_cases(client).await
    }
    async fn cases(&self, filter: &CaseFilter, page: Page) -> Result<Vec<Case>, StoreError> {
        self.0.cases(filter, page).await
    }
    async fn timeline(&self, case: CaseId) -> Result<Vec<TimelineEntry>, StoreError> {
        self.0.timeline(case).await
    }
    async fn effect(&self, key: &EffectKey) -> Result<Option<Effect>, StoreError> {
        self.0.effect(key).await
    }
    async fn effects_of_identity(&self, identity: &Identity) -> Result<Vec<Effect>, StoreError> {
        self.0.effects_of_identity(identity).await
    }
    async fn effects(&self, case: CaseId) -> Result<Vec<Effect>, StoreError> {
        self.0.effects(case).await
    }
    async fn effect_of_task(&self, task: &TaskId) -> Result<Option<Effect>, StoreError> {
        self.0.effect_of_task(task).await
    }
    async fn latest_of_client(
        &self,
        client: &ClientId,
        kind: EffectKind,
    ) -> Result<Option<Effect>, StoreError> {
        self.0.latest_of_client(client, kind).await
    }
    async fn vendor_refs(
        &self,
        client: &ClientId,
        kind: EffectKind,
    ) -> Result<Vec<String>, StoreError> {
        self.0.vendor_refs(client, kind).await
    }
    async fn intents(&self, key: &EffectKey) -> Result<Vec<Intent>, StoreError> {
        self.0.intents(key).await
    }
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.0.job(id).await
    }
    async fn job_by_key(&self, key: &str) -> Result<Option<Job>, StoreError> {
        self.0.job_by_key(key).await
    }
    async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        self.0.jobs(filter, page).await
    }
    async fn failing(&self, lane: &str) -> Result<Vec<Job>, StoreError> {
        self.0.failing(lane).await
    }
    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError> {
        self.0.attempts(job).await
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.0.next_due().await
    }
    async fn work_item(&self, id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
        self.0.work_item(id).await
    }
    async fn open_work(
        &self,
        owner: Option<&str>,
        page: Page,
    ) -> Result<Vec<WorkItem>, StoreError> {
        self.0.open_work(owner, page).await
    }
    async fn case_work(&self, case: CaseId) -> Result<Vec<WorkItem>, StoreError> {
        self.0.case_work(case).await
    }
    async fn client_work(&self, client: &ClientId) -> Result<Vec<WorkItem>, StoreError> {
        self.0.client_work(client).await
    }
    async fn work_by_key(&self, dedupe_key: &str) -> Result<Option<WorkItem>, StoreError> {
        self.0.work_by_key(dedupe_key).await
    }
    async fn open_cases_after(
        &self,
        after: Option<CaseId>,
        limit: u32,
    ) -> Result<Vec<Case>, StoreError> {
        self.0.open_cases_after(after, limit).await
    }
    async fn open_work_after(
        &self,
        after: Option<WorkItemId>,
        limit: u32,
    ) -> Result<Vec<WorkItem>, StoreError> {
        self.0.open_work_after(after, limit).await
    }
    async fn effects_in_doubt_after(
        &self,
        after: Option<&EffectKey>,
        limit: u32,
    ) -> Result<Vec<Effect>, StoreError> {
        self.0.effects_in_doubt_after(after, limit).await
    }
    async fn ready_jobs_after(
        &self,
        after: Option<(Timestamp, i64)>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        self.0.ready_jobs_after(after, limit).await
    }
    async fn engagement(
        &self,
        contact: &ContactId,
        since: Timestamp,
    ) -> Result<Vec<Engagement>, StoreError> {
        self.0.engagement(contact, since).await
    }
    async fn watched(
        &self,
        after: Option<&ContactId>,
        limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        self.0.watched(after, limit).await
    }
    async fn watched_unlooked(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        self.0.watched_unlooked(since, limit).await
    }
    async fn watched_at(&self, address: &str) -> Result<Vec<ContactId>, StoreError> {
        self.0.watched_at(address).await
    }
    async fn link(&self, client: &ClientId) -> Result<Option<Link>, StoreError> {
        self.0.link(client).await
    }
    async fn clients_of(&self, contact: &ContactId) -> Result<Vec<ClientId>, StoreError> {
        self.0.clients_of(contact).await
    }
    async fn coach(&self, id: &CoachId) -> Result<Option<Coach>, StoreError> {
        self.0.coach(id).await
    }
    async fn coaches(&self) -> Result<Vec<Coach>, StoreError> {
        self.0.coaches().await
    }
    async fn setting(&self, key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        self.0.setting(key).await
    }
    async fn credential(&self, name: &str) -> Result<Option<Credential>, StoreError> {
        self.0.credential(name).await
    }
    async fn authorization(&self, name: &str) -> Result<Option<Authorization>, StoreError> {
        self.0.authorization(name).await
    }
    async fn limiter_state(&self, vendor: &str) -> Result<Option<LimiterRow>, StoreError> {
        self.0.limiter_state(vendor).await
    }
    async fn limiter_states(&self) -> Result<Vec<LimiterRow>, StoreError> {
        self.0.limiter_states().await
    }
    async fn incidents(&self, vendor: &str) -> Result<Option<IncidentsRow>, StoreError> {
        self.0.incidents(vendor).await
    }
    async fn all_incidents(&self) -> Result<Vec<IncidentsRow>, StoreError> {
        self.0.all_incidents().await
    }
    async fn settings(&self, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
        self.0.settings(prefix).await
    }
    async fn procedure(&self, hash: &str) -> Result<Option<ProcedureVersion>, StoreError> {
        self.0.procedure(hash).await
    }
    async fn audit(&self, page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        self.0.audit(page).await
    }
    async fn health(&self, now: Timestamp) -> Result<Health, StoreError> {
        self.0.health(now).await
    }
    fn noticed(&self) -> Vec<Damage> {
        self.0.noticed()
    }
    fn told(&self, damage: &Damage) {
        self.0.told(damage);
    }
    async fn nameless_settings(&self) -> Result<Vec<NamelessSetting>, StoreError> {
        self.0.nameless_settings().await
    }
    async fn check_rows(&self) -> Result<Vec<Damage>, StoreError> {
        self.0.check_rows().await
    }
    async fn check_pages(&self) -> Result<Option<String>, StoreError> {
        self.0.check_pages().await
    }
    async fn remedy(&self, order: &RemedyOrder) -> Result<Remedied, StoreError> {
        self.0.remedy(order).await
    }
    async fn check_file(&self) -> Result<(), FileFault> {
        self.0.check_file().await
    }
    async fn close(&self) {
        self.0.close().await;
    }
}
