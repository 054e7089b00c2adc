//! The port, word for word: reads go to the readers, changes to the writer.

use std::sync::Arc;

use async_trait::async_trait;
use relay_core::case::{Case, TimelineEntry};
use relay_core::clients::Coach;
use relay_core::effects::{EffectKind, Identity};
use relay_core::ids::{
    CaseId, ClientId, CoachId, ContactId, EffectKey, JobId, ReceiptId, TaskId, WorkItemId,
};
use relay_core::time::Timestamp;
use relay_store::{
    Attempt, AuditEntry, Authorization, Batch, CaseFilter, Claim, ClientView, Committed,
    Credential, Damage, Effect, EffectView, Engagement, FactRow, Fence, FileFault, Health,
    IncidentsRow, Intent, Job, JobFilter, LimiterRow, Link, NamelessSetting, Page,
    ProcedureVersion, Receipt, ReceiptState, Remedied, Remedy, RemedyOrder, Store, StoreError,
    WatchedContact, WorkItem,
};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::apply::Prepared;
use crate::scan::TABLES;
use crate::writer::{Answer, Work};
use crate::{
    SqliteStore, attempts, cases, credentials, directory, effect_lookups, effects, engagement,
    incidents, job_lists, jobs, leases, look, pace, receipts, scan, views, work,
};

/// The writer answered another question than it was asked: a bug of this crate.
fn mismatch() -> StoreError {
    StoreError::Driver("the writer gave an answer of another kind".into())
}

/// Asks a reading connection one thing.
macro_rules! read {
    ($store:ident, $topic:ident::$what:ident($($with:expr),*)) => {{
        let mut reader = $store.reads.take().await?;
        let found = $topic::$what(&mut reader, $($with),*).await;
        $store.noticed.answer(reader.done(found))
    }};
}

/// Asks a reading connection for a list: what can't be read is left out, and noted.
macro_rules! list {
    ($store:ident, $topic:ident::$what:ident($($with:expr),*)) => {
        read!($store, $topic::$what($($with),*)).map(|listed| $store.noticed.listed(listed))
    };
}

/// Asks for a page of a list. What can't be read is left out, and made up for by what follows: a page
/// that is short is the last one.
macro_rules! page {
    ($store:ident, $page:ident, $topic:ident::$what:ident($($with:expr),*)) => {{
        let (mut found, mut page) = (Vec::new(), $page);
        loop {
            let listed = read!($store, $topic::$what($($with,)* page))?;
            let lacking = u32::try_from(listed.damage.len()).unwrap_or(u32::MAX);
            found.extend($store.noticed.listed(listed));
            if lacking == 0 {
                break Ok(found);
            }
            page = Page {
                offset: page.offset.saturating_add(page.limit),
                limit: lacking,
            };
        }
    }};
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        match self
            .writer
            .ask(Work::Commit(Box::new(Prepared::new(batch))))
            .await?
        {
            Answer::Committed(committed) => Ok(committed),
            _ => Err(mismatch()),
        }
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Job>, StoreError> {
        match self.writer.ask(Work::Claim(claim)).await? {
            Answer::Claimed(listed) => Ok(self.noticed.listed(listed)),
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
            Answer::Rescued(count, damage) => {
                self.noticed.note(damage);
                Ok(count)
            }
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
        read!(self, receipts::get(id))
    }

    async fn receipts(&self, state: ReceiptState, page: Page) -> Result<Vec<Receipt>, StoreError> {
        page!(self, page, receipts::list(state))
    }

    async fn receipts_by_key(
        &self,
        verified_by: &str,
        since: Option<Timestamp>,
        page: Page,
    ) -> Result<Vec<Receipt>, StoreError> {
        page!(self, page, receipts::by_key(verified_by, since))
    }

    async fn facts(&self, client: &ClientId) -> Result<Vec<FactRow>, StoreError> {
        read!(self, receipts::facts(client))
    }

    async fn clients_told_of(
        &self,
        kind: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        list!(self, receipts::clients_told_of(kind, after, limit))
    }

    async fn facts_of_receipt(&self, id: ReceiptId) -> Result<Vec<FactRow>, StoreError> {
        read!(self, receipts::facts_of(id))
    }

    async fn client_view(&self, client: &ClientId) -> Result<ClientView, StoreError> {
        let view = list!(self, views::client(client))?.pop();
        view.ok_or_else(mismatch)
    }

    async fn effect_view(
        &self,
        key: &EffectKey,
        setting: &str,
    ) -> Result<Option<EffectView>, StoreError> {
        read!(self, views::effect(key, setting))
    }

    async fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        read!(self, cases::get(id))
    }

    async fn open_cases(&self, client: &ClientId) -> Result<Vec<Case>, StoreError> {
        read!(self, cases::open_of(client))
    }

    async fn cases(&self, filter: &CaseFilter, page: Page) -> Result<Vec<Case>, StoreError> {
        page!(self, page, cases::list(filter))
    }

    async fn timeline(&self, case: CaseId) -> Result<Vec<TimelineEntry>, StoreError> {
        list!(self, cases::timeline(case))
    }

    async fn effect(&self, key: &EffectKey) -> Result<Option<Effect>, StoreError> {
        read!(self, effects::get(key))
    }

    async fn effects(&self, case: CaseId) -> Result<Vec<Effect>, StoreError> {
        read!(self, effects::of_case(case))
    }

    async fn effects_of_identity(&self, identity: &Identity) -> Result<Vec<Effect>, StoreError> {
        read!(self, effects::of_identity(identity))
    }

    async fn latest_of_client(
        &self,
        client: &ClientId,
        kind: EffectKind,
    ) -> Result<Option<Effect>, StoreError> {
        read!(self, effect_lookups::latest_of_client(client, kind))
    }

    async fn effect_of_task(&self, task: &TaskId) -> Result<Option<Effect>, StoreError> {
        read!(self, effect_lookups::of_task(task))
    }

    async fn vendor_refs(
        &self,
        client: &ClientId,
        kind: EffectKind,
    ) -> Result<Vec<String>, StoreError> {
        read!(self, effects::vendor_refs(client, kind))
    }

    async fn intents(&self, key: &EffectKey) -> Result<Vec<Intent>, StoreError> {
        read!(self, effects::intents(key))
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        read!(self, jobs::get(id))
    }

    async fn job_by_key(&self, key: &str) -> Result<Option<Job>, StoreError> {
        read!(self, jobs::by_key(key))
    }

    async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        page!(self, page, job_lists::list(filter))
    }

    async fn failing(&self, lane: &str) -> Result<Vec<Job>, StoreError> {
        list!(self, job_lists::failing(lane))
    }

    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError> {
        list!(self, attempts::attempts(job))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        read!(self, leases::next_due())
    }

    async fn work_item(&self, id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
        read!(self, work::get(id))
    }

    async fn open_work(
        &self,
        owner: Option<&str>,
        page: Page,
    ) -> Result<Vec<WorkItem>, StoreError> {
        page!(self, page, work::list_open(owner))
    }

    async fn case_work(&self, case: CaseId) -> Result<Vec<WorkItem>, StoreError> {
        list!(self, work::of_case(case))
    }

    async fn client_work(&self, client: &ClientId) -> Result<Vec<WorkItem>, StoreError> {
        read!(self, work::of_client(client))
    }

    async fn work_by_key(&self, dedupe_key: &str) -> Result<Option<WorkItem>, StoreError> {
        read!(self, work::by_key(dedupe_key))
    }

    async fn open_cases_after(
        &self,
        after: Option<CaseId>,
        limit: u32,
    ) -> Result<Vec<Case>, StoreError> {
        list!(self, cases::open_after(after, limit))
    }

    async fn open_work_after(
        &self,
        after: Option<WorkItemId>,
        limit: u32,
    ) -> Result<Vec<WorkItem>, StoreError> {
        list!(self, work::open_after(after, limit))
    }

    async fn effects_in_doubt_after(
        &self,
        after: Option<&EffectKey>,
        limit: u32,
    ) -> Result<Vec<Effect>, StoreError> {
        list!(self, effects::in_doubt_after(after, limit))
    }

    async fn ready_jobs_after(
        &self,
        after: Option<(Timestamp, i64)>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        list!(self, job_lists::ready_after(after, limit))
    }

    async fn engagement(
        &self,
        contact: &ContactId,
        since: Timestamp,
    ) -> Result<Vec<Engagement>, StoreError> {
        read!(self, engagement::list(contact, since))
    }

    async fn watched(
        &self,
        after: Option<&ContactId>,
        limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        list!(self, engagement::watched(after, limit))
    }

    async fn watched_unlooked(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError> {
        list!(self, engagement::watched_unlooked(since, limit))
    }

    async fn watched_at(&self, address: &str) -> Result<Vec<ContactId>, StoreError> {
        list!(self, engagement::watched_at(address))
    }

    async fn link(&self, client: &ClientId) -> Result<Option<Link>, StoreError> {
        read!(self, directory::link(client))
    }

    async fn clients_of(&self, contact: &ContactId) -> Result<Vec<ClientId>, StoreError> {
        list!(self, directory::clients_of(contact))
    }

    async fn coach(&self, id: &CoachId) -> Result<Option<Coach>, StoreError> {
        read!(self, directory::coach(id))
    }

    async fn coaches(&self) -> Result<Vec<Coach>, StoreError> {
        list!(self, directory::coaches())
    }

    async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        read!(self, directory::setting(key))
    }

    async fn credential(&self, name: &str) -> Result<Option<Credential>, StoreError> {
        read!(self, credentials::get(name))
    }

    async fn authorization(&self, name: &str) -> Result<Option<Authorization>, StoreError> {
        read!(self, credentials::begun(name))
    }

    async fn limiter_state(&self, vendor: &str) -> Result<Option<LimiterRow>, StoreError> {
        read!(self, pace::get(vendor))
    }

    async fn limiter_states(&self) -> Result<Vec<LimiterRow>, StoreError> {
        list!(self, pace::list())
    }

    async fn incidents(&self, vendor: &str) -> Result<Option<IncidentsRow>, StoreError> {
        read!(self, incidents::get(vendor))
    }

    async fn all_incidents(&self) -> Result<Vec<IncidentsRow>, StoreError> {
        list!(self, incidents::list())
    }

    async fn settings(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError> {
        list!(self, directory::settings(prefix))
    }

    async fn procedure(&self, hash: &str) -> Result<Option<ProcedureVersion>, StoreError> {
        read!(self, directory::procedure(hash))
    }

    async fn audit(&self, page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        page!(self, page, directory::audit())
    }

    async fn health(&self, now: Timestamp) -> Result<Health, StoreError> {
        read!(self, leases::health(now))
    }

    fn noticed(&self) -> Vec<Damage> {
        self.noticed.fresh()
    }

    fn told(&self, damage: &Damage) {
        self.noticed.told(damage);
    }

    async fn nameless_settings(&self) -> Result<Vec<NamelessSetting>, StoreError> {
        if let Some(known) = self.noticed.nameless() {
            return Ok(known);
        }
        let found = read!(self, directory::nameless())?;
        self.noticed.set_nameless(Some(found.clone()));
        Ok(found)
    }

    async fn check_rows(&self) -> Result<Vec<Damage>, StoreError> {
        let mut damage = Vec::new();
        self.noticed.set_nameless(None);
        for table in TABLES {
            let mut after = Some(0);
            // A page at a time: nobody else waits for a reader for long.
            while let Some(from) = after {
                let page = read!(self, scan::page(table, from))?;
                damage.extend(page.damage);
                after = page.next;
            }
        }
        self.noticed.note(damage.iter().cloned());
        Ok(damage)
    }

    async fn check_pages(&self) -> Result<Option<String>, StoreError> {
        read!(self, look::damage())
    }

    async fn remedy(&self, order: &RemedyOrder) -> Result<Remedied, StoreError> {
        match self
            .writer
            .ask(Work::Remedy(Box::new(order.clone())))
            .await?
        {
            Answer::Remedied(done) => {
                if order.remedy != Remedy::SetAside && !order.dry_run {
                    self.noticed.forget(&order.damage);
                }
                if order.damage.table == "settings" {
                    self.noticed.set_nameless(None);
                }
                Ok(done)
            }
            _ => Err(mismatch()),
        }
    }

    async fn check_file(&self) -> Result<(), FileFault> {
        // A disk that does not answer holds up whoever asks it: that must be no thread of the runtime.
        let place = Arc::clone(&self.place);
        let looked = spawn_blocking(move || place.check()).await;
        looked.unwrap_or_else(|_| {
            Err(FileFault::Unreadable {
                path: self.place.path().to_owned(),
                reason: "the look at it did not come to its end".to_owned(),
            })
        })
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}
