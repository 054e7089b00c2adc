//! One incident: what of a vendor fails as one class, since when, and what it holds.

use serde::{Deserialize, Serialize};

use super::{Answered, Capability, IncidentClass, IncidentNumbers, Meeting, Met, Scope};
use crate::ids::{ClientId, JobId};
use crate::time::{SignedDuration, Timestamp, later};

/// So long without being met ends what has been answered, so that a vendor that comes and goes is one
/// incident.
pub const QUIET: SignedDuration = SignedDuration::from_hours(1);

/// What nobody has met for so long and for which nothing waits is over: more than the longest pause between
/// two tries.
const STALE: SignedDuration = SignedDuration::from_hours(2);

/// The shortest and the longest pause between two tries while an incident lasts.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// The shortest and the longest time between two tries of what leaves a question to a person each time that it
/// is not answered.
const COSTLY_TRY: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(1), SignedDuration::from_hours(4));

/// What is refused for good so often, while the vendor accepts the same of others, is refused for a reason of its
/// own.
const REFUSED_ALONE: u32 = 3;

/// What is refused for good is held no longer than that: a person hears of the client herself then.
const REFUSED_LONG: SignedDuration = SignedDuration::from_hours(24);

/// So many held jobs are known by name; more are held all the same, and not counted.
const MOST_NAMED: usize = 1_000;

/// A case that meets a failure at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Meets {
    /// `None`: nobody's, and no case more.
    #[serde(default)]
    client: Option<ClientId>,
    job: JobId,
    since: Timestamp,
    until: Timestamp,
    /// Whether its job has given up.
    #[serde(default)]
    dead: bool,
}

/// A scope that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failing {
    pub(super) scope: Scope,
    /// The cases that meet it, while it is not open; those that had given up, once it is.
    #[serde(default)]
    met: Vec<Meets>,
    /// Since when it holds what meets it; `None`: not yet.
    #[serde(default)]
    pub(super) open_since: Option<Timestamp>,
    /// When it was met last.
    last: Timestamp,
    /// Successes in a row.
    #[serde(default)]
    pub(super) successes: u32,
    /// Whether there has been a success at all since it opened.
    #[serde(default)]
    accepts: bool,
    /// Before that nobody else may try to write.
    #[serde(default)]
    pub(super) try_at: Option<Timestamp>,
}

impl Failing {
    fn new(scope: Scope, now: Timestamp) -> Self {
        Self {
            scope,
            met: Vec::new(),
            open_since: None,
            last: now,
            successes: 0,
            accepts: false,
            try_at: None,
        }
    }

    fn pause(&self, now: Timestamp) -> SignedDuration {
        (self.age(now) / 4).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// How long it is until the next may try to write.
    pub(super) fn between_tries(&self, class: IncidentClass, now: Timestamp) -> SignedDuration {
        match self.scope {
            // Each try that is not answered costs a client.
            Scope::Only(capability)
                if capability.leaves_a_question() && class == IncidentClass::NoAnswer =>
            {
                self.age(now).clamp(COSTLY_TRY.0, COSTLY_TRY.1)
            }
            Scope::Only(_) | Scope::Everything => self.pause(now),
        }
    }

    fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.open_since.unwrap_or(now))
    }
}

/// A job that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldJob {
    /// The job, by its id.
    pub job: JobId,
    /// Until when it was put off by this. One that comes later is put off by something else, and has gone on.
    pub until: Timestamp,
    /// Whether it has gone on.
    #[serde(default)]
    pub gone_on: bool,
    /// How often it was refused for good, and since when.
    #[serde(default)]
    refused: u32,
    #[serde(default)]
    refused_since: Option<Timestamp>,
}

/// One incident, as people are told of it: everything of one class that fails at a vendor at the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Episode {
    pub(super) failing: Vec<Failing>,
    /// Since when, once it is one.
    pub(super) since: Option<Timestamp>,
    /// When the vendor had answered, while nothing of it is open.
    answered_at: Option<Timestamp>,
    held: Vec<HeldJob>,
    /// Whether what is held may all try now: something of it has ended.
    let_go: bool,
    /// Whether it has ended only because nobody meets it any more.
    unproven: bool,
    /// When it was met last, if so.
    met_last: Option<Timestamp>,
}

impl Episode {
    /// Since when it lasts; `None`: it is no incident yet.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// When the vendor answered again, if it does.
    pub fn answered_at(&self) -> Option<Timestamp> {
        self.answered_at.filter(|_| !self.is_open())
    }

    /// Whether it holds what meets it.
    pub fn is_open(&self) -> bool {
        self.failing
            .iter()
            .any(|failing| failing.open_since.is_some())
    }

    /// What fails, while it does; everything alone where it is everything.
    pub fn scopes(&self) -> Vec<Scope> {
        let open = self.failing.iter().filter(|f| f.open_since.is_some());
        let scopes: Vec<Scope> = open.map(|failing| failing.scope).collect();
        if scopes.contains(&Scope::Everything) {
            return vec![Scope::Everything];
        }
        scopes
    }

    /// Whether a success has been counted since it was met last.
    pub fn is_answering(&self) -> bool {
        let mut failing = self.failing.iter();
        failing.any(|failing| failing.open_since.is_some() && failing.successes > 0)
    }

    /// What it has held.
    pub fn held(&self) -> &[HeldJob] {
        &self.held
    }

    /// What it holds.
    pub fn waiting(&self) -> impl Iterator<Item = &HeldJob> {
        self.held.iter().filter(|held| !held.gone_on)
    }

    /// Whether what is held may all try now.
    pub fn lets_go(&self) -> bool {
        self.let_go
    }

    /// Whether it has ended without a success, because nobody meets it any more.
    pub fn is_unproven(&self) -> bool {
        self.unproven
    }

    /// When it was met last, if it has ended so.
    pub fn met_last(&self) -> Option<Timestamp> {
        self.met_last.filter(|_| self.unproven)
    }

    /// They have been told.
    pub fn have_been_let_go(&mut self) {
        self.let_go = false;
    }

    /// The jobs that had given up before it was known to be an incident.
    pub fn given_up(&self) -> Vec<JobId> {
        let open = self.failing.iter().filter(|f| f.open_since.is_some());
        open.flat_map(|failing| &failing.met)
            .map(|met| met.job)
            .collect()
    }

    /// One of them has been taken up again, or was none any more.
    pub fn taken_up(&mut self, job: JobId) {
        for failing in &mut self.failing {
            if failing.open_since.is_some() {
                failing.met.retain(|met| met.job != job);
            }
        }
    }

    /// A job is held until then.
    pub(super) fn hold(&mut self, job: JobId, until: Timestamp) {
        if let Some(held) = self.held.iter_mut().find(|held| held.job == job) {
            (held.until, held.gone_on) = (until, false);
        } else if self.held.len() < MOST_NAMED {
            self.held.push(HeldJob {
                job,
                until,
                gone_on: false,
                refused: 0,
                refused_since: None,
            });
        }
    }

    /// A job is refused for good by what is open. Whether that is the job's own by now; else, whether it was
    /// refused so before.
    fn refused(&mut self, meeting: &Meeting<'_>, now: Timestamp) -> (bool, bool) {
        let accepts = self.failing.iter().any(|failing| {
            failing.open_since.is_some() && failing.scope == meeting.scope && failing.accepts
        });
        self.hold(meeting.job, now);
        let Some(held) = self.held.iter_mut().find(|held| held.job == meeting.job) else {
            return (false, false);
        };
        let before = held.refused > 0;
        held.refused = held.refused.saturating_add(1);
        let since = *held.refused_since.get_or_insert(now);
        let own = (accepts && held.refused >= REFUSED_ALONE) || now >= later(since, REFUSED_LONG);
        held.gone_on = own;
        (own, before)
    }

    /// A job that was held has gone on.
    pub fn gone_on(&mut self, job: JobId) {
        if let Some(held) = self.held.iter_mut().find(|held| held.job == job) {
            held.gone_on = true;
        }
    }

    pub(super) fn covers(&self, scope: Scope) -> bool {
        self.failing.iter().any(|failing| {
            failing.open_since.is_some()
                && (failing.scope == scope || failing.scope == Scope::Everything)
        })
    }

    pub(super) fn met(
        &mut self,
        meeting: &Meeting<'_>,
        numbers: IncidentNumbers,
        now: Timestamp,
    ) -> Met {
        let Meeting {
            class, scope, job, ..
        } = *meeting;
        let known = self.since.is_some();
        if class == IncidentClass::Rejected && scope.is_of_money() {
            return Met::Own;
        }
        // A vendor that does not answer one does not answer whom nobody is waiting for, either.
        let nobodys =
            meeting.client.is_none() && class == IncidentClass::NoAnswer && self.is_open();
        if !self.covers(scope) && !nobodys {
            // It was held, and goes on being refused although others are not.
            if self.held.iter().any(|held| held.job == job) && meeting.again.is_none() {
                return Met::Own;
            }
            if !self.counts(meeting, numbers, now) {
                return Met::Own;
            }
        }
        let mut before = false;
        if class.ends_at_once() {
            let own;
            (own, before) = self.refused(meeting, now);
            if own {
                return Met::Own;
            }
        }
        let mut pause = SHORTEST_PAUSE;
        for failing in &mut self.failing {
            let concerned = failing.scope == scope || failing.scope == Scope::Everything;
            if failing.open_since.is_none() || !(concerned || nobodys) {
                continue;
            }
            pause = pause.max(failing.pause(now));
            if concerned {
                failing.last = now;
                // That it is refused is known: it says nothing against what works for others.
                if !before {
                    failing.successes = 0;
                }
            }
        }
        Met::Held {
            pause,
            opened: !known,
        }
    }

    /// Counts a case that meets what is not open. Whether it is now.
    fn counts(&mut self, meeting: &Meeting<'_>, numbers: IncidentNumbers, now: Timestamp) -> bool {
        let index = self.failing.iter().position(|f| f.scope == meeting.scope);
        let index = index.unwrap_or_else(|| {
            self.failing.push(Failing::new(meeting.scope, now));
            self.failing.len() - 1
        });
        let Some(failing) = self.failing.get_mut(index) else {
            return false;
        };
        failing.last = now;
        failing.successes = 0;
        failing.met.retain(|met| met.until >= now);
        let earlier = failing
            .met
            .iter()
            .find(|met| met.client.as_ref() == meeting.client);
        let since = earlier.map_or(now, |met| met.since);
        failing.met.retain(|met| met.job != meeting.job);
        failing.met.push(Meets {
            client: meeting.client.cloned(),
            job: meeting.job,
            since,
            until: later(meeting.again.unwrap_or(now).max(now), numbers.within),
            dead: meeting.again.is_none(),
        });
        let clients = failing.met.iter().filter_map(|met| met.client.as_ref());
        let mut clients: Vec<&ClientId> = clients.collect();
        clients.sort();
        clients.dedup();
        let cases = usize::try_from(numbers.cases.max(1)).unwrap_or(usize::MAX);
        if clients.len() < cases {
            return false;
        }
        let since = failing.met.iter().map(|met| met.since).min();
        let since = since.unwrap_or(now);
        failing.open_since = Some(since);
        failing.accepts = false;
        failing.try_at = Some(later(now, failing.between_tries(meeting.class, now)));
        // The others come again by themselves, and are held then.
        failing.met.retain(|met| met.dead && met.job != meeting.job);
        self.since.get_or_insert(since);
        self.answered_at = None;
        self.unproven = false;
        self.met_last = None;
        true
    }

    /// Something worked that was asked for in one run of a job.
    pub(super) fn answered(
        &mut self,
        worked: &[Capability],
        failed: &[Capability],
        numbers: IncidentNumbers,
        now: Timestamp,
    ) -> Answered {
        let mut change = Answered::default();
        for failing in &mut self.failing {
            let works = match failing.scope {
                Scope::Everything => failed.is_empty() && !worked.is_empty(),
                Scope::Only(capability) => {
                    worked.contains(&capability) && !failed.contains(&capability)
                }
            };
            if !works {
                continue;
            }
            failing.try_at = None;
            if failing.open_since.is_none() {
                failing.met.clear();
                continue;
            }
            failing.accepts = true;
            failing.successes = failing.successes.saturating_add(1);
            if failing.successes >= numbers.successes.max(1) {
                failing.open_since = None;
                failing.met.clear();
                change.ended = true;
                self.let_go = true;
                self.unproven = false;
            } else {
                change.counted = true;
            }
        }
        if change.ended && !self.is_open() {
            self.answered_at = Some(now);
        }
        self.forget(now);
        change
    }

    /// Drops what is nothing any more.
    pub(super) fn forget(&mut self, now: Timestamp) {
        for failing in &mut self.failing {
            if failing.open_since.is_none() {
                failing.met.retain(|met| met.until >= now);
            }
        }
        self.failing
            .retain(|failing| failing.open_since.is_some() || !failing.met.is_empty());
    }

    /// What nobody has met for long ends; what has ended is over after a while. `waits`: whether anything
    /// that it holds still waits. Returns whether it is over.
    pub(super) fn look(&mut self, waits: bool, now: Timestamp) -> bool {
        for failing in &mut self.failing {
            if failing.open_since.is_some() && !waits && now >= later(failing.last, STALE) {
                failing.open_since = None;
                failing.met.clear();
                self.let_go = true;
                self.unproven = true;
                self.met_last = self.met_last.max(Some(failing.last));
            }
        }
        if self.since.is_none() || self.is_open() {
            return false;
        }
        let answered = *self.answered_at.get_or_insert(now);
        !waits && now >= later(answered, QUIET)
    }

    /// Nothing of it lies after `now`: the clock ran ahead.
    pub(super) fn correct(&mut self, now: Timestamp) {
        for failing in &mut self.failing {
            failing.last = failing.last.min(now);
            failing.open_since = failing.open_since.map(|at| at.min(now));
            let latest = later(now, COSTLY_TRY.1);
            failing.try_at = failing.try_at.map(|at| at.min(latest));
            for met in &mut failing.met {
                met.since = met.since.min(now);
            }
        }
        for held in &mut self.held {
            held.refused_since = held.refused_since.map(|at| at.min(now));
        }
        self.met_last = self.met_last.map(|at| at.min(now));
        self.since = self.since.map(|at| at.min(now));
        self.answered_at = self.answered_at.map(|at| at.min(now));
    }
}
