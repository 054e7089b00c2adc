//! The port, word for word: reads go to the pool, changes to the writer.

use async_trait::async_trait;
use relay_core::case::{Case, TimelineEntry};
use relay_core::clients::Coach;
use relay_core::effects::EffectKind;
use relay_core::ids::{
    CaseId, ClientId, CoachId, ContactId, EffectKey, JobId, ReceiptId, TaskId, WorkItemId,
};
use relay_core::time::Timestamp;
use relay_store::{
    Attempt, AuditEntry, Authorization, Batch, CaseFilter, Claim, Committed, Credential, Effect,
    Engagement, FactRow, Fence, Health, Intent, Job, JobFilter, Link, PaceRow, Page,
    ProcedureVersion, Receipt, ReceiptState, Store, StoreError, Watched, WorkItem,
};
use serde_json::Value;

use crate::writer::{Answer, Work};
use crate::{
    SqliteStore, cases, credentials, directory, effects, engagement, jobs, leases, pace, receipts,
    work,
};

/// The writer answered another question than it was asked: a bug of this crate.
fn mismatch() -> StoreError {
    StoreError::Driver("the writer gave an answer of another kind".into())
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        match self.writer.ask(Work::Commit(batch)).await? {
            Answer::Committed(committed) => Ok(committed),
            _ => Err(mismatch()),
        }
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Job>, StoreError> {
        match self.writer.ask(Work::Claim(claim)).await? {
            Answer::Claimed(jobs) => Ok(jobs),
            _ => Err(mismatch()),
        }
    }

    async fn renew(&self, fence: Fence, lease_until: Timestamp) -> Result<bool, StoreError> {
        match self.writer.ask(Work::Renew(fence, lease_until)).await? {
            Answer::Renewed(held) => Ok(held),
            _ => Err(mismatch()),
        }
    }

    async fn rescue(&self, real_now: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        match self.writer.ask(Work::Rescue(real_now, now)).await? {
            Answer::Freed(count) => Ok(count),
            _ => Err(mismatch()),
        }
    }

    async fn hand_back(&self, worker: &str, now: Timestamp) -> Result<u64, StoreError> {
        let work = Work::HandBack(worker.to_owned(), now);
        match self.writer.ask(work).await? {
            Answer::Freed(count) => Ok(count),
            _ => Err(mismatch()),
        }
    }

    async fn receipt(&self, id: ReceiptId) -> Result<Option<Receipt>, StoreError> {
        Ok(receipts::get(&self.reads, id).await?)
    }

    async fn receipts(&self, state: ReceiptState, page: Page) -> Result<Vec<Receipt>, StoreError> {
        Ok(receipts::list(&self.reads, state, page).await?)
    }

    async fn receipts_by_key(
        &self,
        verified_by: &str,
        since: Option<Timestamp>,
        page: Page,
    ) -> Result<Vec<Receipt>, StoreError> {
        Ok(receipts::by_key(&self.reads, verified_by, since, page).await?)
    }

    async fn facts(&self, client: &ClientId) -> Result<Vec<FactRow>, StoreError> {
        Ok(receipts::facts(&self.reads, client).await?)
    }

    async fn facts_of_receipt(&self, id: ReceiptId) -> Result<Vec<FactRow>, StoreError> {
        Ok(receipts::facts_of(&self.reads, id).await?)
    }

    async fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        Ok(cases::get(&self.reads, id).await?)
    }

    async fn open_cases(&self, client: &ClientId) -> Result<Vec<Case>, StoreError> {
        Ok(cases::open_of(&self.reads, client).await?)
    }

    async fn cases(&self, filter: &CaseFilter, page: Page) -> Result<Vec<Case>, StoreError> {
        Ok(cases::list(&self.reads, filter, page).await?)
    }

    async fn timeline(&self, case: CaseId) -> Result<Vec<TimelineEntry>, StoreError> {
        Ok(cases::timeline(&self.reads, case).await?)
    }

    async fn effect(&self, key: &EffectKey) -> Result<Option<Effect>, StoreError> {
        Ok(effects::get(&self.reads, key).await?)
    }

    async fn effects(&self, case: CaseId) -> Result<Vec<Effect>, StoreError> {
        Ok(effects::of_case(&self.reads, case).await?)
    }

    async fn effect_of_task(&self, task: &TaskId) -> Result<Option<Effect>, StoreError> {
        Ok(effects::of_task(&self.reads, task).await?)
    }

    async fn vendor_refs(
        &self,
        client: &ClientId,
        kind: EffectKind,
    ) -> Result<Vec<String>, StoreError> {
        Ok(effects::vendor_refs(&self.reads, client, kind).await?)
    }

    async fn intents(&self, key: &EffectKey) -> Result<Vec<Intent>, StoreError> {
        Ok(effects::intents(&self.reads, key).await?)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(jobs::get(&self.reads, id).await?)
    }

    async fn job_by_key(&self, key: &str) -> Result<Option<Job>, StoreError> {
        Ok(jobs::by_key(&self.reads, key).await?)
    }

    async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        Ok(jobs::list(&self.reads, filter, page).await?)
    }

    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError> {
        Ok(jobs::attempts(&self.reads, job).await?)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(leases::next_due(&self.reads).await?)
    }

    async fn work_item(&self, id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
        Ok(work::get(&self.reads, id).await?)
    }

    async fn open_work(
        &self,
        owner: Option<&str>,
        page: Page,
    ) -> Result<Vec<WorkItem>, StoreError> {
        Ok(work::list_open(&self.reads, owner, page).await?)
    }

    async fn case_work(&self, case: CaseId) -> Result<Vec<WorkItem>, StoreError> {
        Ok(work::of_case(&self.reads, case).await?)
    }

    async fn engagement(
        &self,
        contact: &ContactId,
        since: Timestamp,
    ) -> Result<Vec<Engagement>, StoreError> {
        Ok(engagement::list(&self.reads, contact, since).await?)
    }

    async fn watched(
        &self,
        after: Option<&ContactId>,
        limit: u32,
    ) -> Result<Vec<Watched>, StoreError> {
        Ok(engagement::watched(&self.reads, after, limit).await?)
    }

    async fn watched_unlooked(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Watched>, StoreError> {
        Ok(engagement::watched_unlooked(&self.reads, since, limit).await?)
    }

    async fn watched_at(&self, address: &str) -> Result<Vec<ContactId>, StoreError> {
        Ok(engagement::watched_at(&self.reads, address).await?)
    }

    async fn link(&self, client: &ClientId) -> Result<Option<Link>, StoreError> {
        Ok(directory::link(&self.reads, client).await?)
    }

    async fn clients_of(&self, contact: &ContactId) -> Result<Vec<ClientId>, StoreError> {
        Ok(directory::clients_of(&self.reads, contact).await?)
    }

    async fn coach(&self, id: &CoachId) -> Result<Option<Coach>, StoreError> {
        Ok(directory::coach(&self.reads, id).await?)
    }

    async fn coaches(&self) -> Result<Vec<Coach>, StoreError> {
        Ok(directory::coaches(&self.reads).await?)
    }

    async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        Ok(directory::setting(&self.reads, key).await?)
    }

    async fn credential(&self, name: &str) -> Result<Option<Credential>, StoreError> {
        Ok(credentials::get(&self.reads, name).await?)
    }

    async fn authorization(&self, name: &str) -> Result<Option<Authorization>, StoreError> {
        Ok(credentials::begun(&self.reads, name).await?)
    }

    async fn pace(&self, vendor: &str) -> Result<Option<PaceRow>, StoreError> {
        Ok(pace::get(&self.reads, vendor).await?)
    }

    async fn paces(&self) -> Result<Vec<PaceRow>, StoreError> {
        Ok(pace::list(&self.reads).await?)
    }

    async fn settings(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError> {
        Ok(directory::settings(&self.reads, prefix).await?)
    }

    async fn procedure(&self, hash: &str) -> Result<Option<ProcedureVersion>, StoreError> {
        Ok(directory::procedure(&self.reads, hash).await?)
    }

    async fn audit(&self, page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(directory::audit(&self.reads, page).await?)
    }

    async fn health(&self, now: Timestamp) -> Result<Health, StoreError> {
        Ok(leases::health(&self.reads, now).await?)
    }
}
