//! A store in memory that knows the few operations the edge needs, and can fail.
//!
//! What it doesn't know it refuses, so that a test can't pass on an operation that did nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use relay_core::case::{Case, TimelineEntry};
use relay_core::clients::Coach;
use relay_core::effects::Identity;
use relay_core::ids::{
    CaseId, ClientId, CoachId, ContactId, EffectKey, JobId, ReceiptId, TaskId, WorkItemId,
};
use relay_core::time::Timestamp;
use relay_store::{
    Attempt, AuditEntry, Authorization, Batch, CaseFilter, Claim, Committed, Credential, Effect,
    Engagement, FactRow, Fence, FileFault, Health, IncidentsRow, Intent, Job, JobFilter,
    LimiterRow, Link, Op, Page, ProcedureVersion, Receipt, ReceiptState, Store, StoreError,
    WatchedContact, WorkItem,
};

/// What is stored.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) cases: Vec<Case>,
    pub(crate) timeline: Vec<(CaseId, TimelineEntry)>,
    pub(crate) work: Vec<WorkItem>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) links: Vec<Link>,
    pub(crate) engagement: Vec<Engagement>,
    pub(crate) settings: BTreeMap<String, serde_json::Value>,
    pub(crate) limiters: Vec<LimiterRow>,
    pub(crate) audit: Vec<AuditEntry>,
    pub(crate) health: Health,
    /// How often `health` was asked for.
    pub(crate) counted: u32,
    pub(crate) next_due: Option<Timestamp>,
    pub(crate) file_fault: Option<FileFault>,
    /// The disk does not answer.
    pub(crate) file_hangs: bool,
    /// How often `commit` was called.
    pub(crate) commits: u32,
    /// Every commit fails while this is set.
    pub(crate) read_only: bool,
}

/// The store.
#[derive(Debug, Default)]
pub(crate) struct FakeStore(Mutex<State>);

impl FakeStore {
    /// What is stored, to look at or to change.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn do_commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let mut state = self.state();
        state.commits += 1;
        if state.read_only {
            return Err(StoreError::Unavailable("disk full".into()));
        }
        let mut committed = Committed::default();
        for op in batch.ops {
            match op {
                Op::InsertReceipt(receipt) => {
                    let original = insert_receipt(&mut state.receipts, receipt);
                    committed.duplicates.push(original);
                }
                Op::PutSetting { key, value } => {
                    state.settings.insert(key, value);
                }
                Op::PutLimiterState { vendor, body, .. } => {
                    let version = 1 + state.limiters.iter().map(|p| p.version).max().unwrap_or(0);
                    state.limiters.retain(|row| row.vendor != vendor);
                    state.limiters.push(LimiterRow {
                        vendor,
                        version,
                        body,
                    });
                }
                Op::Audit(entry) => state.audit.push(entry),
                _ => return unfaked(),
            }
        }
        Ok(committed)
    }
}

fn insert_receipt(receipts: &mut Vec<Receipt>, mut receipt: Receipt) -> Option<ReceiptId> {
    let original = receipts
        .iter()
        .find(|r| {
            r.source == receipt.source
                && r.dedupe_key == receipt.dedupe_key
                && r.state != ReceiptState::Duplicate
                && (r.dedupe_forever || r.state == ReceiptState::New)
        })
        .map(|r| r.id);
    if original.is_some() {
        receipt.state = ReceiptState::Duplicate;
        receipt.duplicate_of = original;
    }
    receipts.push(receipt);
    original
}

fn cut<T>(rows: impl Iterator<Item = T>, page: Page) -> Vec<T> {
    rows.skip(page.offset as usize)
        .take(page.limit as usize)
        .collect()
}

fn unfaked<T>() -> Result<T, StoreError> {
    Err(StoreError::Driver("this operation is not faked".into()))
}

#[async_trait]
impl Store for FakeStore {
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.do_commit(batch)
    }
    async fn claim(&self, _claim: Claim) -> Result<Vec<Job>, StoreError> {
        unfaked()
    }
    async fn renew(&self, _fence: Fence, _lease_until: Timestamp) -> Result<bool, StoreError> {
        unfaked()
    }
    async fn rescue(&self, _real_now: Timestamp, _now: Timestamp) -> Result<u64, StoreError> {
        unfaked()
    }
    async fn hand_back(&self, _worker: &str, _now: Timestamp) -> Result<u64, StoreError> {
        unfaked()
    }
    async fn receipt(&self, id: ReceiptId) -> Result<Option<Receipt>, StoreError> {
        Ok(self.state().receipts.iter().find(|r| r.id == id).cloned())
    }
    async fn receipts(&self, state: ReceiptState, page: Page) -> Result<Vec<Receipt>, StoreError> {
        Ok(cut(
            self.state()
                .receipts
                .iter()
                .filter(|r| r.state == state)
                .cloned(),
            page,
        ))
    }
    async fn receipts_by_key(
        &self,
        verified_by: &str,
        since: Option<Timestamp>,
        page: Page,
    ) -> Result<Vec<Receipt>, StoreError> {
        let state = self.state();
        let wanted = |r: &&Receipt| {
            r.verified_by == verified_by && since.is_none_or(|since| r.received_at >= since)
        };
        Ok(cut(state.receipts.iter().filter(wanted).cloned(), page))
    }
    async fn facts(&self, _client: &ClientId) -> Result<Vec<FactRow>, StoreError> {
        unfaked()
    }
    async fn clients_told_of(
        &self,
        _kind: &str,
        _after: Option<&ClientId>,
        _limit: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        unfaked()
    }
    async fn facts_of_receipt(&self, _id: ReceiptId) -> Result<Vec<FactRow>, StoreError> {
        unfaked()
    }
    async fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        Ok(self.state().cases.iter().find(|c| c.id == id).cloned())
    }
    async fn open_cases(&self, _client: &ClientId) -> Result<Vec<Case>, StoreError> {
        unfaked()
    }
    async fn cases(&self, filter: &CaseFilter, page: Page) -> Result<Vec<Case>, StoreError> {
        Ok(cut(
            self.state()
                .cases
                .iter()
                .filter(|c| filter.closed || !c.status.is_closed())
                .filter(|c| {
                    filter
                        .client
                        .as_ref()
                        .is_none_or(|client| c.client == *client)
                })
                .cloned(),
            page,
        ))
    }
    async fn timeline(&self, case: CaseId) -> Result<Vec<TimelineEntry>, StoreError> {
        Ok(self
            .state()
            .timeline
            .iter()
            .filter(|(id, _)| *id == case)
            .map(|(_, e)| e.clone())
            .collect())
    }
    async fn effect(&self, _key: &EffectKey) -> Result<Option<Effect>, StoreError> {
        // It plans nothing.
        Ok(None)
    }
    async fn effects_of_identity(&self, _identity: &Identity) -> Result<Vec<Effect>, StoreError> {
        unfaked()
    }
    async fn effects(&self, case: CaseId) -> Result<Vec<Effect>, StoreError> {
        let _ = case;
        Ok(Vec::new())
    }
    async fn effect_of_task(&self, _task: &TaskId) -> Result<Option<Effect>, StoreError> {
        unfaked()
    }
    async fn latest_of_client(
        &self,
        _client: &ClientId,
        _kind: relay_core::effects::EffectKind,
    ) -> Result<Option<Effect>, StoreError> {
        // It plans nothing.
        Ok(None)
    }
    async fn vendor_refs(
        &self,
        _client: &ClientId,
        _kind: relay_core::effects::EffectKind,
    ) -> Result<Vec<String>, StoreError> {
        unfaked()
    }
    async fn intents(&self, _key: &EffectKey) -> Result<Vec<Intent>, StoreError> {
        unfaked()
    }
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.state().jobs.iter().find(|j| j.id == id).cloned())
    }
    async fn job_by_key(&self, _key: &str) -> Result<Option<Job>, StoreError> {
        unfaked()
    }
    async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        Ok(cut(
            self.state()
                .jobs
                .iter()
                .filter(|j| filter.states.is_empty() || filter.states.contains(&j.state))
                .cloned(),
            page,
        ))
    }
    async fn failing(&self, _lane: &str) -> Result<Vec<Job>, StoreError> {
        unfaked()
    }
    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError> {
        Ok(self
            .state()
            .attempts
            .iter()
            .filter(|a| a.job == job)
            .cloned()
            .collect())
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state().next_due)
    }
    async fn check_file(&self) -> Result<(), FileFault> {
        let hangs = self.state().file_hangs;
        if hangs {
            std::future::pending::<()>().await;
        }
        self.state().file_fault.clone().map_or(Ok(()), Err)
    }
    async fn work_item(&self, id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
        Ok(self.state().work.iter().find(|w| w.id == id).cloned())
    }
    async fn open_work(
        &self,
        owner: Option<&str>,
        page: Page,
    ) -> Result<Vec<WorkItem>, StoreError> {
        Ok(cut(
            self.state()
                .work
                .iter()
                .filter(|w| w.settled.is_none() && owner.is_none_or(|owner| w.owner == owner))
                .cloned(),
            page,
        ))
    }
    async fn case_work(&self, case: CaseId) -> Result<Vec<WorkItem>, StoreError> {
        Ok(self
            .state()
            .work
            .iter()
            .filter(|w| w.case == Some(case))
            .cloned()
            .collect())
    }
    async fn client_work(&self, _client: &ClientId) -> Result<Vec<WorkItem>, StoreError> {
        unfaked()
    }
    async fn work_by_key(&self, dedupe_key: &str) -> Result<Option<WorkItem>, StoreError> {
        let state = self.state();
        let mut items = state.work.iter().rev();
        Ok(items.find(|item| item.dedupe_key == dedupe_key).cloned())
    }
    async fn open_cases_after(
        &self,
        _after: Option<CaseId>,
        _limit: u32,
    ) -> Result<Vec<Case>, StoreError> {
        unfaked()
    }
    async fn open_work_after(
        &self,
        _after: Option<WorkItemId>,
        _limit: u32,
    ) -> Result<Vec<WorkItem>, StoreError> {
        unfaked()
    }
    async fn effects_in_doubt_after(
        &self,
        _after: Option<&EffectKey>,
        _limit: u32,
    ) -> Result<Vec<Effect>, StoreError> {
        unfaked()
    }
    async fn ready_jobs_after(
        &self,
        _after: Option<(Timestamp, i64)>,
        _limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        unfaked()
    }
    async fn engagement(
        &self,
        contact: &ContactId,
        since: Timestamp,
    ) -> Result<Vec<Engagement>, StoreError> {
        let state = self.state();
        let all = state
            .engagement
            .iter()
            .filter(|told| told.contact == *contact && told.event.at >= since);
        Ok(all.cloned().collect())
    }
    async fn watched(
        &self,
        _after: Option<&ContactId>,
        _limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        unfaked()
    }
    async fn watched_unlooked(
        &self,
        _since: Timestamp,
        _limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        unfaked()
    }
    async fn watched_at(&self, _address: &str) -> Result<Vec<ContactId>, StoreError> {
        unfaked()
    }
    async fn link(&self, client: &ClientId) -> Result<Option<Link>, StoreError> {
        let links = &self.state().links;
        Ok(links.iter().find(|link| link.client == *client).cloned())
    }
    async fn clients_of(&self, _contact: &ContactId) -> Result<Vec<ClientId>, StoreError> {
        unfaked()
    }
    async fn coach(&self, _id: &CoachId) -> Result<Option<Coach>, StoreError> {
        unfaked()
    }
    async fn coaches(&self) -> Result<Vec<Coach>, StoreError> {
        Ok(Vec::new())
    }
    async fn setting(&self, key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        Ok(self.state().settings.get(key).cloned())
    }
    async fn credential(&self, _name: &str) -> Result<Option<Credential>, StoreError> {
        unfaked()
    }
    async fn authorization(&self, _name: &str) -> Result<Option<Authorization>, StoreError> {
        unfaked()
    }
    async fn limiter_state(&self, vendor: &str) -> Result<Option<LimiterRow>, StoreError> {
        let state = self.state();
        Ok(state.limiters.iter().find(|p| p.vendor == vendor).cloned())
    }
    async fn limiter_states(&self) -> Result<Vec<LimiterRow>, StoreError> {
        Ok(self.state().limiters.clone())
    }
    async fn incidents(&self, _vendor: &str) -> Result<Option<IncidentsRow>, StoreError> {
        Ok(None)
    }
    async fn all_incidents(&self) -> Result<Vec<IncidentsRow>, StoreError> {
        Ok(Vec::new())
    }
    async fn settings(&self, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
        let state = self.state();
        let named = state.settings.iter();
        let wanted = named.filter(|(key, _)| key.starts_with(prefix));
        Ok(wanted.map(|(k, v)| (k.clone(), v.clone())).collect())
    }
    async fn procedure(&self, _hash: &str) -> Result<Option<ProcedureVersion>, StoreError> {
        unfaked()
    }
    async fn audit(&self, _page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        unfaked()
    }
    async fn health(&self, _now: Timestamp) -> Result<Health, StoreError> {
        let mut state = self.state();
        state.counted += 1;
        Ok(state.health.clone())
    }
}
