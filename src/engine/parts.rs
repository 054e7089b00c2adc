//! What all parts of the engine share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relay_core::calendar::Calendar;
use relay_core::clients::Coach;
use relay_core::ids::{ClientId, CoachId};
use relay_core::incidents::IncidentNumbers;
use relay_core::random::Random;
use relay_core::retry::{ProbeSchedule, RetryPolicy};
use relay_core::time::{Clocks, SignedDuration, Timestamp};
use relay_core::time_off::TimeOffList;
use relay_core::workflow::Context;
use relay_core::workflows::PROGRAM_MANAGER;
use relay_http_client::below;
use relay_store::{Batch, Committed, Store, WorkItem};
use tokio::sync::{Mutex, Notify};
use url::Url;

use crate::effects::Perform;
use crate::engine::error::EngineError;
use crate::engine::incidents::empty::Empty;
use crate::engine::job_kinds::{JobKind, JobSpec, JobTable};
use crate::engine::latest::Latest;
use crate::engine::memory::counter::{Counter, GenerationFile};
use crate::engine::registry::ProcedureRegistry;
use crate::failpoint::{Failpoints, Point};
use crate::ports::Ports;
use crate::rate_limit::RateLimiter;
use crate::receipts::Source;

/// Who settles, closes and sets aside where no person does.
pub(crate) const RELAY: &str = "relay";

/// Where a coach finds what she is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CoachChannel {
    /// In the list of work only.
    #[default]
    WorkList,
    /// In tasks of the CRM as well.
    CrmTasks,
}

/// In whose name clients are written to while their coach is away (A25).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MessagesWhileAway {
    /// In her deputy's.
    #[default]
    Deputy,
    /// In her own, all the same.
    Coach,
}

/// Who is who among the staff, for owners of work items.
#[derive(Debug, Clone)]
pub struct People {
    /// The role that broken connections and dead jobs go to.
    pub admin: String,
    /// The role that approves.
    pub program_manager: String,
    /// The address of the user in the CRM who is asked what is the Program Manager's.
    pub manager_user: Option<String>,
    /// Where coaches find what they are asked.
    pub coach_channel: CoachChannel,
    /// How many new tasks a coach gets a day, besides those about what a client wrote.
    pub coach_tasks_a_day: u32,
    /// Where a client's page is in the portal, without her id.
    pub client_page: Option<Url>,
    /// Who acts for a coach who is away, where nobody says otherwise.
    pub deputies: BTreeMap<CoachId, CoachId>,
    /// In whose name clients are written to meanwhile.
    pub messages_while_away: MessagesWhileAway,
    /// For whose clients a follow-up acts; `None`: for every coach's (A39).
    pub act_for: Option<BTreeSet<CoachId>>,
    /// The steps whose coach is asked before a message goes out, by their ids (A30).
    pub ask_first: BTreeSet<String>,
}

impl People {
    /// How many new tasks a coach gets a day, where nobody says otherwise.
    pub const TASKS_A_DAY: u32 = 8;

    /// Where the client's page is in the portal, where that is known.
    pub(crate) fn page_of(&self, client: &ClientId) -> Option<String> {
        let page = below(self.client_page.as_ref()?, &[client.as_str()])?;
        Some(page.to_string())
    }

    /// Whether what `owner` is to do is the Program Manager's.
    pub(crate) fn is_manager(&self, owner: &str) -> bool {
        owner == PROGRAM_MANAGER || owner == self.program_manager
    }

    /// Whether what an item asks about a client comes to the Program Manager as a task.
    pub(crate) fn asks_manager(&self, item: &WorkItem) -> bool {
        self.manager_user.is_some() && item.client.is_some() && self.is_manager(&item.owner)
    }

    /// Whether a follow-up acts for the clients of this coach; else it proposes.
    pub(crate) fn acts_for(&self, coach: Option<&CoachId>) -> bool {
        let listed = |list: &BTreeSet<CoachId>| coach.is_some_and(|coach| list.contains(coach));
        self.act_for.as_ref().is_none_or(listed)
    }
}

impl Default for People {
    fn default() -> Self {
        Self {
            admin: "admin".to_owned(),
            program_manager: "program_manager".to_owned(),
            manager_user: None,
            coach_channel: CoachChannel::default(),
            coach_tasks_a_day: Self::TASKS_A_DAY,
            client_page: None,
            deputies: BTreeMap::new(),
            messages_while_away: MessagesWhileAway::default(),
            act_for: None,
            ask_first: BTreeSet::new(),
        }
    }
}

/// Everything the engine needs, put together by `wiring`.
#[derive(Debug, Clone)]
pub struct EngineParts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The world.
    pub ports: Ports,
    /// What carries effects out. Made from `ports`, except where a test or the demo stands in.
    pub perform: Arc<dyn Perform>,
    /// How much each vendor may be asked.
    pub limiter: Arc<RateLimiter>,
    /// The procedures.
    pub registry: Arc<ProcedureRegistry>,
    /// What holds of each kind of job, and what runs it.
    pub jobs: JobTable,
    /// The senders of webhooks.
    pub sources: Vec<Arc<dyn Source>>,
    /// The clinic's days and hours.
    pub calendar: Calendar,
    /// The two clocks.
    pub clocks: Clocks,
    /// Ids and jitter.
    pub random: Arc<dyn Random>,
    /// Who is who.
    pub people: People,
    /// When to try again.
    pub retry: RetryPolicy,
    /// When failures of a vendor that many cases meet are one incident, and when it ends.
    pub incidents: IncidentNumbers,
    /// How long a message waits after one of another case to the same client (E66).
    pub contact_gap: SignedDuration,
    /// When to look after an unclear outcome.
    pub probes: ProbeSchedule,
    /// Told of every place the flow passes.
    pub failpoints: Arc<dyn Failpoints>,
    /// Notified whenever there is new work.
    pub wake: Arc<Notify>,
    /// The name this process leases under.
    pub worker: String,
    /// How many seconds of procedure time pass in one real second; 1 except in a sandbox.
    pub time_scale: u32,
    /// How often it is looked who has opened or clicked; `None`: never.
    pub poll_opens: Option<SignedDuration>,
    /// How long a list of check-ins may tell nothing before an admin is asked; `None`: there is no list.
    pub list_silence: Option<SignedDuration>,
    /// How often it is read who has missed a check-in; `None`: only daily, because it is told in between.
    pub check_in_list: Option<SignedDuration>,
}

/// The engine. Cheap to clone; every clone works on the same store.
#[derive(Debug, Clone)]
pub struct Engine {
    parts: Arc<EngineParts>,
    pub(crate) latest: Arc<Latest>,
    pub(crate) counter: Counter,
    pub(crate) no_incidents: Arc<Empty>,
    /// Held while a coach's new task is counted and planned, so that no two are counted as one.
    pub(crate) counting_tasks: Arc<Mutex<()>>,
}

impl std::ops::Deref for Engine {
    type Target = EngineParts;
    fn deref(&self) -> &EngineParts {
        &self.parts
    }
}

impl Engine {
    /// An engine made of `parts`.
    pub fn new(parts: EngineParts) -> Self {
        Self {
            parts: Arc::new(parts),
            latest: Arc::default(),
            counter: Counter::default(),
            no_incidents: Arc::default(),
            counting_tasks: Arc::default(),
        }
    }

    /// The same, counting the generations of its database with `file` (see [`memory`](crate::engine::memory)).
    #[must_use]
    pub fn counted_with(self, file: Arc<dyn GenerationFile>) -> Self {
        Self {
            counter: Counter::with(file),
            ..self
        }
    }

    /// What holds of a kind of job.
    pub fn job_spec(&self, kind: JobKind) -> &'static JobSpec {
        (self.jobs)(kind)
    }

    /// Procedure time.
    pub fn now(&self) -> Timestamp {
        self.clocks.procedure.now()
    }

    /// What a pure function may know besides its case, at `now`.
    pub(crate) fn context<'a>(
        &'a self,
        coaches: &'a [Coach],
        time_off: &'a TimeOffList,
        now: Timestamp,
    ) -> Context<'a> {
        Context {
            calendar: &self.calendar,
            coaches,
            time_off,
            now,
            not_offered: self.ports.not_offered(),
            ask_first: &self.people.ask_first,
        }
    }

    /// Commits a batch between the two places of `point`.
    pub(crate) async fn commit(
        &self,
        point: Point,
        batch: impl Into<Batch>,
    ) -> Result<Committed, EngineError> {
        self.failpoints.reach(point.before).await;
        let committed = self.store.commit(batch.into()).await?;
        self.failpoints.reach(point.after).await;
        Ok(committed)
    }

    /// Awaits a call to a vendor between the two places of `point`.
    pub(crate) async fn call<T>(&self, point: Point, call: impl Future<Output = T>) -> T {
        self.failpoints.reach(point.before).await;
        let answer = call.await;
        self.failpoints.reach(point.after).await;
        answer
    }
}
