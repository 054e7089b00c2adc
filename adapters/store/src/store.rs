//! The trait every store implements.

use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::case::{Case, TimelineEntry};
use relay_core::clients::Coach;
use relay_core::effects::{EffectKind, Identity};
use relay_core::ids::{
    CaseId, ClientId, CoachId, ContactId, EffectKey, JobId, ReceiptId, TaskId, WorkItemId,
};
use relay_core::time::Timestamp;

use crate::batch::{Batch, Fence};
use crate::credentials::{Authorization, Credential};
use crate::damage::{Damage, Remedied, RemedyOrder};
use crate::effect::{Effect, Intent};
use crate::engagement::{Engagement, WatchedContact};
use crate::error::StoreError;
use crate::file::FileFault;
use crate::records::{
    Attempt, AuditEntry, FactRow, IncidentsRow, Job, JobState, LimiterRow, Link, ProcedureVersion,
    Receipt, ReceiptState, WorkItem,
};
use crate::views::{CASES_IN_VIEW, ClientView, EffectView};
use crate::words::NamelessSetting;

/// A page of a list: at most `limit` rows after `offset`.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Rows to skip.
    pub offset: u32,
    /// Rows to return.
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 100,
        }
    }
}

/// What a commit did beyond what was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// For each `InsertReceipt`, in order: the original, when it turned out to be a duplicate.
    pub duplicates: Vec<Option<ReceiptId>>,
}

/// A claim of due jobs.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who claims.
    pub worker: String,
    /// Procedure time: jobs due at or before it.
    pub now: Timestamp,
    /// The lease, real time.
    pub lease_until: Timestamp,
    /// At most so many.
    pub limit: u32,
    /// Only jobs of this lane, if given.
    pub lane: Option<String>,
    /// Of that lane only jobs of this case, if given: what one command may run, and no more. Not
    /// looked at without a lane.
    pub case: Option<CaseId>,
    /// Only jobs of these kinds; empty: of any. A kind that is not named, because only a newer
    /// version knows it, neither runs nor stands in the way of what comes after it in its lane.
    pub kinds: Vec<String>,
}

/// A filter over jobs. Empty members match everything.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// In one of these states.
    pub states: Vec<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this client.
    pub client: Option<ClientId>,
    /// Of this case.
    pub case: Option<CaseId>,
    /// Whose last error has this class.
    pub class: Option<String>,
}

/// A filter over cases. Empty members match everything.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// Of this client.
    pub client: Option<ClientId>,
    /// Of this procedure.
    pub procedure: Option<String>,
    /// Also closed ones.
    pub closed: bool,
}

/// A database.
///
/// Reads see every commit that returned before they began. Writes go through
/// [`commit`](Self::commit), the lease operations (claim, renew, rescue, hand back) and
/// [`remedy`](Self::remedy) only.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Carries out a batch, all or nothing, durably.
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError>;

    /// Claims due jobs: ready, `run_at <= now`, whose lane has no running job and no other due
    /// ready job of smaller `seq`; ordered by `run_at`, then `seq`; at most one per lane. Each is
    /// marked running with a raised fence and the lease, and keeps the note of its last end.
    ///
    /// A job that was rescued [`SUSPECT`](crate::SUSPECT) times in a row or more is claimed only
    /// while no job runs, whatever lies before it in its lane; while one such is due or runs,
    /// nothing else is claimed.
    async fn claim(&self, claim: Claim) -> Result<Vec<Job>, StoreError>;

    /// Prolongs a lease. `false` when the job is no longer held under this fence: stop working.
    async fn renew(&self, fence: Fence, lease_until: Timestamp) -> Result<bool, StoreError>;

    /// Takes back jobs whose lease ended before `real_now`: ready at `now`, without a failure
    /// more, with one rescue more in a row and an attempt row `rescued`. A lease of more than a day
    /// was taken by a clock that ran ahead, and has ended too. Returns how many.
    async fn rescue(&self, real_now: Timestamp, now: Timestamp) -> Result<u64, StoreError>;

    /// Hands back every job leased by `worker` as ready at `now`, without a failure more.
    async fn hand_back(&self, worker: &str, now: Timestamp) -> Result<u64, StoreError>;

    /// A receipt.
    async fn receipt(&self, id: ReceiptId) -> Result<Option<Receipt>, StoreError>;
    /// Receipts in a state, oldest first.
    async fn receipts(&self, state: ReceiptState, page: Page) -> Result<Vec<Receipt>, StoreError>;
    /// Receipts that the key or secret `verified_by` let in at or after `since`, of every sender and
    /// in every state, oldest first: what must be looked at when a key has leaked (E74). An
    /// emergency's question: it may read the whole table.
    async fn receipts_by_key(
        &self,
        verified_by: &str,
        since: Option<Timestamp>,
        page: Page,
    ) -> Result<Vec<Receipt>, StoreError>;
    /// Facts about a client, by source time, then order of learning.
    async fn facts(&self, client: &ClientId) -> Result<Vec<FactRow>, StoreError>;
    /// Facts that a receipt taught.
    async fn facts_of_receipt(&self, id: ReceiptId) -> Result<Vec<FactRow>, StoreError>;

    /// The clients about whom a fact of this kind is known, by id, after the one given: at most `limit`.
    async fn clients_told_of(
        &self,
        kind: &str,
        after: Option<&ClientId>,
        limit: u32,
    ) -> Result<Vec<ClientId>, StoreError>;

    /// What a client's cases are stepped on.
    ///
    /// By default each part is asked for; a store that can answers them all at once. The parts need
    /// not be of one moment: whoever decides on them commits with the versions seen.
    async fn client_view(&self, client: &ClientId) -> Result<ClientView, StoreError> {
        Ok(ClientView {
            open_cases: self.open_cases(client).await?,
            facts: self.facts(client).await?,
            coaches: self.coaches().await?,
        })
    }

    /// What is looked at before an effect is carried out, with one setting; `None` if no such effect is
    /// planned. As [`client_view`](Self::client_view).
    async fn effect_view(
        &self,
        key: &EffectKey,
        setting: &str,
    ) -> Result<Option<EffectView>, StoreError> {
        let Some(effect) = self.effect(key).await? else {
            return Ok(None);
        };
        let same = match effect.planned.identity() {
            Some(identity) => self.effects_of_identity(&identity).await?,
            None => Vec::new(),
        };
        let (case, of_case) = match effect.scope().case() {
            Some(case) => (self.case(case).await?, self.effects(case).await?),
            None => (None, Vec::new()),
        };
        let (cases, messages) = match effect.scope().client() {
            Some(client) => {
                let filter = CaseFilter {
                    client: Some(client.clone()),
                    closed: true,
                    ..CaseFilter::default()
                };
                let page = Page {
                    offset: 0,
                    limit: CASES_IN_VIEW,
                };
                (
                    self.cases(&filter, page).await?,
                    self.vendor_refs(client, EffectKind::PortalMessage).await?,
                )
            }
            None => (Vec::new(), Vec::new()),
        };
        Ok(Some(EffectView {
            case,
            same,
            of_case,
            cases,
            messages,
            setting: self.setting(setting).await?,
            effect,
        }))
    }

    /// A case.
    async fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError>;
    /// Cases of a client that are not closed, oldest first.
    async fn open_cases(&self, client: &ClientId) -> Result<Vec<Case>, StoreError>;
    /// Cases matching a filter, newest change first. Those of one client are decided on: there a row that
    /// can't be read is the answer, and not left out.
    async fn cases(&self, filter: &CaseFilter, page: Page) -> Result<Vec<Case>, StoreError>;
    /// The history of a case, oldest first.
    async fn timeline(&self, case: CaseId) -> Result<Vec<TimelineEntry>, StoreError>;

    /// An effect.
    async fn effect(&self, key: &EffectKey) -> Result<Option<Effect>, StoreError>;
    /// Every effect that is one thing to whoever sees it, of whatever case, in order of planning.
    async fn effects_of_identity(&self, identity: &Identity) -> Result<Vec<Effect>, StoreError>;
    /// The effects of a case, in order of planning.
    async fn effects(&self, case: CaseId) -> Result<Vec<Effect>, StoreError>;
    /// The latest effect of one kind that belongs to a client and to no case.
    async fn latest_of_client(
        &self,
        client: &ClientId,
        kind: EffectKind,
    ) -> Result<Option<Effect>, StoreError>;
    /// The done effect whose vendor reference is this CRM task.
    async fn effect_of_task(&self, task: &TaskId) -> Result<Option<Effect>, StoreError>;
    /// The vendor references of done effects of one kind for a client (our own messages, …).
    async fn vendor_refs(
        &self,
        client: &ClientId,
        kind: EffectKind,
    ) -> Result<Vec<String>, StoreError>;
    /// The intents of an effect, by revision.
    async fn intents(&self, key: &EffectKey) -> Result<Vec<Intent>, StoreError>;

    /// A job.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;
    /// A job by key.
    async fn job_by_key(&self, key: &str) -> Result<Option<Job>, StoreError>;
    /// Jobs matching a filter, by lane, then `seq`: the order a replay runs them in.
    async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError>;
    /// The ready jobs of a lane that have failed and are to be tried again, in their order. Reads that lane alone.
    async fn failing(&self, lane: &str) -> Result<Vec<Job>, StoreError>;
    /// The tries of a job, oldest first.
    async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError>;
    /// When the next ready job is due, if any is waiting.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// A work item.
    async fn work_item(&self, id: WorkItemId) -> Result<Option<WorkItem>, StoreError>;
    /// Open work items, by due time, of one owner if given.
    async fn open_work(&self, owner: Option<&str>, page: Page)
    -> Result<Vec<WorkItem>, StoreError>;
    /// Every work item of a case, oldest first.
    async fn case_work(&self, case: CaseId) -> Result<Vec<WorkItem>, StoreError>;
    /// Open work items about a client, oldest first. They are decided on: a row that can't be read is the
    /// answer, and not left out.
    async fn client_work(&self, client: &ClientId) -> Result<Vec<WorkItem>, StoreError>;
    /// The work item that was opened last under a dedupe key, open or settled: whether somebody
    /// has been told already.
    async fn work_by_key(&self, dedupe_key: &str) -> Result<Option<WorkItem>, StoreError>;

    /// Cases that are not closed, by id, after the one given: at most `limit`. A walk by these pages
    /// meets every case that is open from its beginning to its end, whatever moves meanwhile.
    async fn open_cases_after(
        &self,
        after: Option<CaseId>,
        limit: u32,
    ) -> Result<Vec<Case>, StoreError>;
    /// Open work items, by id, after the one given: at most `limit`.
    async fn open_work_after(
        &self,
        after: Option<WorkItemId>,
        limit: u32,
    ) -> Result<Vec<WorkItem>, StoreError>;
    /// Effects that may have gone out and whose outcome is not known (intended, unclear,
    /// unsettled), by key, after the one given: at most `limit`.
    async fn effects_in_doubt_after(
        &self,
        after: Option<&EffectKey>,
        limit: u32,
    ) -> Result<Vec<Effect>, StoreError>;
    /// Ready jobs by due time, then `seq`, after the one with these two: at most `limit`.
    async fn ready_jobs_after(
        &self,
        after: Option<(Timestamp, i64)>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError>;

    /// Opens and clicks of a contact at or after `since`, oldest first.
    async fn engagement(
        &self,
        contact: &ContactId,
        since: Timestamp,
    ) -> Result<Vec<Engagement>, StoreError>;
    /// Contacts linked to clients with an open case, by id, after the one given: at most `limit`.
    async fn watched(
        &self,
        after: Option<&ContactId>,
        limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError>;
    /// Those of them whose address was not looked at since a moment, longest ago first.
    async fn watched_unlooked(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<WatchedContact>, StoreError>;
    /// Those of them whose address has this digest, by id.
    async fn watched_at(&self, address: &str) -> Result<Vec<ContactId>, StoreError>;

    /// Which contact a client is.
    async fn link(&self, client: &ClientId) -> Result<Option<Link>, StoreError>;
    /// Which clients a contact is.
    async fn clients_of(&self, contact: &ContactId) -> Result<Vec<ClientId>, StoreError>;
    /// A coach of the directory.
    async fn coach(&self, id: &CoachId) -> Result<Option<Coach>, StoreError>;
    /// The directory.
    async fn coaches(&self) -> Result<Vec<Coach>, StoreError>;
    /// A setting.
    async fn setting(&self, key: &str) -> Result<Option<serde_json::Value>, StoreError>;
    /// A credential that changes under way.
    async fn credential(&self, name: &str) -> Result<Option<Credential>, StoreError>;
    /// The authorization that was begun last and is not used up.
    async fn authorization(&self, name: &str) -> Result<Option<Authorization>, StoreError>;
    /// What is kept of a vendor's rate limiter.
    async fn limiter_state(&self, vendor: &str) -> Result<Option<LimiterRow>, StoreError>;
    /// What is kept of every vendor's rate limiter, by name.
    async fn limiter_states(&self) -> Result<Vec<LimiterRow>, StoreError>;
    /// What is kept of a vendor's incidents.
    async fn incidents(&self, vendor: &str) -> Result<Option<IncidentsRow>, StoreError>;
    /// What is kept of every vendor's incidents, by name.
    async fn all_incidents(&self) -> Result<Vec<IncidentsRow>, StoreError>;
    /// The settings whose names begin with `prefix`, by name.
    async fn settings(&self, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError>;
    /// A procedure version.
    async fn procedure(&self, hash: &str) -> Result<Option<ProcedureVersion>, StoreError>;
    /// The audit log, newest first.
    async fn audit(&self, page: Page) -> Result<Vec<AuditEntry>, StoreError>;
    /// How many jobs are in each state, and when the oldest due one was due.
    async fn health(&self, now: Timestamp) -> Result<Health, StoreError>;

    /// What was met that can't be read, and is not [`told`](Self::told) yet: lists leave such rows out,
    /// everything else fails by them.
    ///
    /// By default a store reads everything.
    fn noticed(&self) -> Vec<Damage> {
        Vec::new()
    }

    /// Somebody was told of this damage. It is not noticed again while the store is open, unless
    /// something was done about its row.
    fn told(&self, damage: &Damage) {
        let _ = damage;
    }

    /// The settings whose keys can't be read: one that is not found may be among them
    /// ([`CarefulWord`](crate::CarefulWord)). Found by the first who asks since the store was opened, and
    /// by [`check_rows`](Self::check_rows); to ask again costs nothing.
    ///
    /// By default a store reads everything.
    async fn nameless_settings(&self) -> Result<Vec<NamelessSetting>, StoreError> {
        Ok(Vec::new())
    }

    /// Reads every row of every table and says what can't be read. Takes as long as the database is
    /// large, and holds up nobody.
    ///
    /// By default a store reads everything.
    async fn check_rows(&self) -> Result<Vec<Damage>, StoreError> {
        Ok(Vec::new())
    }

    /// Reads the whole file through, row by row or not, and says what is damaged in it (a page, an index),
    /// in the database's own words. As [`check_rows`](Self::check_rows) it takes a while and holds up
    /// nobody.
    ///
    /// By default a store has no file to be damaged.
    async fn check_pages(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Does something about a row that can't be read. What stood in it is kept beside, byte for byte,
    /// before anything of it is changed (what is set aside only keeps its bytes where they are).
    ///
    /// Whatever is asked, it never brings a second sending about: an effect that may have gone out
    /// stays, for a person to answer for.
    ///
    /// By default a store has nothing to do.
    async fn remedy(&self, order: &RemedyOrder) -> Result<Remedied, StoreError> {
        let _ = order;
        Ok(Remedied::Nothing)
    }

    /// Whether what the store writes will be found again: its file is still the one that was opened.
    /// Cheap enough for every request (no transaction, some calls to the system, which hold up no thread
    /// of the runtime). Takes as long as the disk does: the caller sets the limit. After a fault
    /// [`commit`](Self::commit) and the lease operations end in [`StoreError::Unavailable`] until
    /// the file is back, or for good where it can't come back.
    ///
    /// By default a store has no file to lose.
    async fn check_file(&self) -> Result<(), FileFault> {
        Ok(())
    }

    /// Carries out what is queued and puts everything away, so that what was committed stands in the
    /// database's own file. To be called last: what is asked afterwards ends in
    /// [`StoreError::Unavailable`].
    ///
    /// By default a store has nothing to put away.
    async fn close(&self) {}
}

/// What operations look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Jobs by state.
    pub jobs: Vec<(JobState, u64)>,
    /// `run_at` of the oldest ready job that is due.
    pub oldest_due: Option<Timestamp>,
    /// Receipts not yet read.
    pub unread_receipts: u64,
    /// Open work items.
    pub open_work: u64,
    /// Cases not closed.
    pub open_cases: u64,
}
