//! A store that says *stored* and stores nothing: what our routes cost without a database.

use async_trait::async_trait;
use relay_core::case::{Case, TimelineEntry};
use relay_core::clients::Coach;
use relay_core::effects::{EffectKind, Identity};
use relay_core::ids::{
    CaseId, ClientId, CoachId, ContactId, EffectKey, JobId, ReceiptId, TaskId, WorkItemId,
};
use relay_core::time::Timestamp;
use relay_store::{
    Attempt, AuditEntry, Authorization, Batch, CaseFilter, Claim, Committed, Credential, Effect,
    Engagement, FactRow, Fence, Health, IncidentsRow, Intent, Job, JobFilter, LimiterRow, Link,
    Page, ProcedureVersion, Receipt, ReceiptState, Store, StoreError, WatchedContact, WorkItem,
};

/// The store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NullStore;

/// Whatever is not receiving: a measurement that asks for it measures the wrong thing.
fn nothing<T>() -> Result<T, StoreError> {
    Err(StoreError::Driver("the null store only receives".into()))
}

#[async_trait]
impl Store for NullStore {
    async fn commit(&self, _batch: Batch) -> Result<Committed, StoreError> {
        Ok(Committed::default())
    }
    async fn claim(&self, _claim: Claim) -> Result<Vec<Job>, StoreError> {
        nothing()
    }
    async fn renew(&self, _fence: Fence, _lease_until: Timestamp) -> Result<bool, StoreError> {
        nothing()
    }
    async fn rescue(&self, _real_now: Timestamp, _now: Timestamp) -> Result<u64, StoreError> {
        nothing()
    }
    async fn hand_back(&self, _worker: &str, _now: Timestamp) -> Result<u64, StoreError> {
        nothing()
    }
    async fn receipt(&self, _id: ReceiptId) -> Result<Option<Receipt>, StoreError> {
        nothing()
    }
    async fn receipts(
        &self,
        _state: ReceiptState,
        _page: Page,
    ) -> Result<Vec<Receipt>, StoreError> {
        nothing()
    }
    async fn facts(&self, _client: &ClientId) -> Result<Vec<FactRow>, StoreError> {
        nothing()
    }
    async fn clients_told_of(
        &self,
        _kind: &str,
        _after: Option<&ClientId>,
        _limit: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        nothing()
    }
    async fn facts_of_receipt(&self, _id: ReceiptId) -> Result<Vec<FactRow>, StoreError> {
        nothing()
    }
    async fn case(&self, _id: CaseId) -> Result<Option<Case>, StoreError> {
        nothing()
    }
    async fn open_cases(&self, _client: &ClientId) -> Result<Vec<Case>, StoreError> {
        nothing()
    }
    async fn cases(&self, _filter: &CaseFilter, _page: Page) -> Result<Vec<Case>, StoreError> {
        nothing()
    }
    async fn timeline(&self, _case: CaseId) -> Result<Vec<TimelineEntry>, StoreError> {
        nothing()
    }
    async fn effect(&self, _key: &EffectKey) -> Result<Option<Effect>, StoreError> {
        nothing()
    }
    async fn effects(&self, _case: CaseId) -> Result<Vec<Effect>, StoreError> {
        nothing()
    }

    async fn effects_of_identity(&self, _identity: &Identity) -> Result<Vec<Effect>, StoreError> {
        nothing()
    }
    async fn effect_of_task(&self, _task: &TaskId) -> Result<Option<Effect>, StoreError> {
        nothing()
    }
    async fn latest_of_client(
        &self,
        _client: &ClientId,
        _kind: EffectKind,
    ) -> Result<Option<Effect>, StoreError> {
        nothing()
    }
    async fn vendor_refs(
        &self,
        _client: &ClientId,
        _kind: EffectKind,
    ) -> Result<Vec<String>, StoreError> {
        nothing()
    }
    async fn intents(&self, _key: &EffectKey) -> Result<Vec<Intent>, StoreError> {
        nothing()
    }
    async fn job(&self, _id: JobId) -> Result<Option<Job>, StoreError> {
        nothing()
    }
    async fn job_by_key(&self, _key: &str) -> Result<Option<Job>, StoreError> {
        nothing()
    }
    async fn jobs(&self, _filter: &JobFilter, _page: Page) -> Result<Vec<Job>, StoreError> {
        nothing()
    }
    async fn failing(&self, _lane: &str) -> Result<Vec<Job>, StoreError> {
        nothing()
    }
    async fn attempts(&self, _job: JobId) -> Result<Vec<Attempt>, StoreError> {
        nothing()
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        nothing()
    }
    async fn work_item(&self, _id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
        nothing()
    }
    async fn open_work(
        &self,
        _owner: Option<&str>,
        _page: Page,
    ) -> Result<Vec<WorkItem>, StoreError> {
        nothing()
    }
    async fn case_work(&self, _case: CaseId) -> Result<Vec<WorkItem>, StoreError> {
        nothing()
    }
    async fn client_work(&self, _client: &ClientId) -> Result<Vec<WorkItem>, StoreError> {
        nothing()
    }
    async fn work_by_key(&self, _dedupe_key: &str) -> Result<Option<WorkItem>, StoreError> {
        nothing()
    }
    async fn open_cases_after(
        &self,
        _after: Option<CaseId>,
        _limit: u32,
    ) -> Result<Vec<Case>, StoreError> {
        nothing()
    }
    async fn open_work_after(
        &self,
        _after: Option<WorkItemId>,
        _limit: u32,
    ) -> Result<Vec<WorkItem>, StoreError> {
        nothing()
    }
    async fn effects_in_doubt_after(
        &self,
        _after: Option<&EffectKey>,
        _limit: u32,
    ) -> Result<Vec<Effect>, StoreError> {
        nothing()
    }
    async fn ready_jobs_after(
        &self,
        _after: Option<(Timestamp, i64)>,
        _limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        nothing()
    }
    async fn link(&self, _client: &ClientId) -> Result<Option<Link>, StoreError> {
        nothing()
    }
    async fn clients_of(&self, _contact: &ContactId) -> Result<Vec<ClientId>, StoreError> {
        nothing()
    }
    async fn coach(&self, _id: &CoachId) -> Result<Option<Coach>, StoreError> {
        nothing()
    }
    async fn coaches(&self) -> Result<Vec<Coach>, StoreError> {
        nothing()
    }
    async fn setting(&self, _key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        nothing()
    }
    async fn settings(
        &self,
        _prefix: &str,
    ) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
        nothing()
    }
    async fn credential(&self, _name: &str) -> Result<Option<Credential>, StoreError> {
        nothing()
    }
    async fn authorization(&self, _name: &str) -> Result<Option<Authorization>, StoreError> {
        nothing()
    }
    async fn limiter_state(&self, _vendor: &str) -> Result<Option<LimiterRow>, StoreError> {
        nothing()
    }
    async fn limiter_states(&self) -> Result<Vec<LimiterRow>, StoreError> {
        nothing()
    }
    async fn incidents(&self, _vendor: &str) -> Result<Option<IncidentsRow>, StoreError> {
        Ok(None)
    }
    async fn all_incidents(&self) -> Result<Vec<IncidentsRow>, StoreError> {
        Ok(Vec::new())
    }
    async fn engagement(
        &self,
        _contact: &ContactId,
        _since: Timestamp,
    ) -> Result<Vec<Engagement>, StoreError> {
        nothing()
    }
    async fn watched(
        &self,
        _after: Option<&ContactId>,
        _limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        nothing()
    }
    async fn watched_unlooked(
        &self,
        _since: Timestamp,
        _limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        nothing()
    }
    async fn watched_at(&self, _address: &str) -> Result<Vec<ContactId>, StoreError> {
        nothing()
    }
    async fn receipts_by_key(
        &self,
        _verified_by: &str,
        _since: Option<Timestamp>,
        _page: Page,
    ) -> Result<Vec<Receipt>, StoreError> {
        nothing()
    }
    async fn procedure(&self, _hash: &str) -> Result<Option<ProcedureVersion>, StoreError> {
        nothing()
    }
    async fn audit(&self, _page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        nothing()
    }
    async fn health(&self, _now: Timestamp) -> Result<Health, StoreError> {
        nothing()
    }
}
