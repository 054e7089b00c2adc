//! Incidents: one failure of a vendor that many cases meet is one thing, not one for each of them.
//!
//! People: *jobs* meet failures at a vendor; an *admin* hears of an incident once when it begins and once when
//! it is over; a *coach* does not hear of it: there is nothing that she could do.
//!
//! ```text
//! a case meets it ─▶ a third one within ten minutes, and no success between ─▶ open: what meets it is held
//!       ▲                                                                       │ three successes in a row
//!       └────── another case meets it (the same incident, no other notice) ◀── answered: what was held goes on
//!                                                                               │ an hour without it
//!                                                                               ▼
//!                                                                              over
//! ```
//!
//! # Rules
//! - What fails is a [`Scope`] of a vendor (one [capability](Capability), or everything) as an
//!   [`IncidentClass`]. Each opens by [so many cases](IncidentNumbers) of its own and ends by successes of its
//!   own. Those of one class at one vendor that overlap are *told* as one ([`Episode`]): an outage that is seen
//!   first by reading contacts and then by sending mail is one outage, with one item.
//! - A case meets a failure from then until ten minutes after it will have tried again. One that has given up
//!   meets it for ten minutes.
//! - A success clears what was met before: three cases whose own fault it is, among others that go well, are
//!   no incident.
//! - An incident holds what meets it. Nothing is given up by it, and none of its tries is used up.
//! - What is refused for good (rejected, forbidden, unreadable) is held for a day at most, and only for three
//!   refusals where the vendor accepts the same of others; then it is the job's own, and a person hears of the
//!   client. What changes money and is rejected is never held: its bill date does not wait.
//! - What writes is tried by one at a time while an incident lasts, at growing distance: a request that may
//!   or may not have been carried out is not asked for again and again, for one client after the other.
//! - What was held, was let go when the vendor answered, and is refused for good once more is refused for a
//!   reason of its own.
//! - An incident that nobody meets any more and for which nothing waits ends, whatever was counted.
//!
//! # Not guaranteed
//! That an incident is seen that fewer cases meet: each of those is told by itself, as ever. That what so many
//! are refused alike one after the other, with no success between, is one thing: it is taken for one until
//! there are successes, and who is refused then is told by herself.
//!
//! Everything here is a function of a stored value and an instant (procedure time); nothing reads a clock.

mod episode;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, JobId};
use crate::time::{SignedDuration, Timestamp, later};

pub use episode::{Episode, HeldJob, QUIET};
pub use words::{Capability, IncidentClass, Scope};

use episode::Failing;

/// When an incident opens and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentNumbers {
    /// So many cases have to meet it.
    pub cases: u32,
    /// Within this time.
    pub within: SignedDuration,
    /// So many successes in a row end it.
    pub successes: u32,
}

impl IncidentNumbers {
    /// Three cases within ten minutes; three successes.
    pub const fn standard() -> Self {
        Self {
            cases: 3,
            within: SignedDuration::from_mins(10),
            successes: 3,
        }
    }
}

impl Default for IncidentNumbers {
    fn default() -> Self {
        Self::standard()
    }
}

/// A job has met a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meeting<'a> {
    /// As what it fails.
    pub class: IncidentClass,
    /// What of the vendor.
    pub scope: Scope,
    /// Whose job it is. One that is nobody's opens no incident, and is held where what it needs is the matter of
    /// one, or where the vendor does not answer.
    pub client: Option<&'a ClientId>,
    /// The job.
    pub job: JobId,
    /// When it would come again without an incident; `None`: never.
    pub again: Option<Timestamp>,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It is the job's own.
    Own,
    /// It belongs to an incident: the job waits for so long.
    Held {
        /// The pause until it is tried again.
        pause: SignedDuration,
        /// Whether a person must be told: it was not known before.
        opened: bool,
    },
}

/// What a success has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answered {
    /// A success was counted that ends nothing yet: the next that waits may try.
    pub counted: bool,
    /// Something has ended: what it held goes on.
    pub ended: bool,
}

/// The incidents of a vendor: everything that is kept of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VendorIncidents {
    classes: BTreeMap<IncidentClass, Episode>,
}

impl VendorIncidents {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Those that are known to be incidents.
    pub fn told(&self) -> impl Iterator<Item = (IncidentClass, &Episode)> {
        let classes = self.classes.iter();
        classes
            .filter(|(_, episode)| episode.since.is_some())
            .map(|(class, episode)| (*class, episode))
    }

    /// One of them.
    pub fn of(&self, class: IncidentClass) -> Option<&Episode> {
        self.classes.get(&class)
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, class: IncidentClass) -> Option<&mut Episode> {
        self.classes.get_mut(&class)
    }

    /// Whether an incident of this class holds what meets it.
    pub fn is_open(&self, class: IncidentClass) -> bool {
        self.of(class).is_some_and(Episode::is_open)
    }

    /// The class of an incident that concerns `capability`, if one lasts.
    pub fn holding(&self, capability: Capability) -> Option<IncidentClass> {
        let mut classes = self.classes.iter();
        let (class, _) = classes.find(|(_, episode)| episode.covers(Scope::Only(capability)))?;
        Some(*class)
    }

    /// A job has met a failure.
    pub fn met(&mut self, meeting: &Meeting<'_>, numbers: IncidentNumbers, now: Timestamp) -> Met {
        let episode = self.classes.entry(meeting.class).or_default();
        episode.correct(now);
        episode.met(meeting, numbers, now)
    }

    /// A job that met one is put off until then.
    pub fn hold(&mut self, class: IncidentClass, job: JobId, until: Timestamp) {
        if let Some(episode) = self.classes.get_mut(&class) {
            episode.hold(job, until);
        }
    }

    /// A run of a job has ended in which these worked and those failed.
    pub fn answered(
        &mut self,
        worked: &[Capability],
        failed: &[Capability],
        numbers: IncidentNumbers,
        now: Timestamp,
    ) -> Answered {
        let mut all = Answered::default();
        for episode in self.classes.values_mut() {
            let change = episode.answered(worked, failed, numbers, now);
            all.counted |= change.counted;
            all.ended |= change.ended;
        }
        self.forget();
        all
    }

    /// Whether a request that needs `capability` may be made now; if so, it is the one that tries, where an
    /// incident lasts. Else until when to wait, and for which class.
    pub fn try_write(
        &mut self,
        capability: Capability,
        now: Timestamp,
    ) -> Result<(), (IncidentClass, Timestamp)> {
        for episode in self.classes.values_mut() {
            episode.correct(now);
        }
        let concerned = |failing: &Failing| {
            failing.open_since.is_some()
                && failing.scope == Scope::Only(capability)
                && failing.successes == 0
        };
        for (class, episode) in &self.classes {
            let mut failing = episode.failing.iter().filter(|one| concerned(one));
            let waits = failing.find_map(|one| one.try_at.filter(|at| *at > now));
            if let Some(at) = waits {
                return Err((*class, at));
            }
        }
        for (class, episode) in &mut self.classes {
            for failing in episode.failing.iter_mut().filter(|one| concerned(one)) {
                let pause = failing.between_tries(*class, now);
                failing.try_at = Some(later(now, pause));
            }
        }
        Ok(())
    }

    /// A person wants everything to be tried now. Returns what is held.
    pub fn try_now(&mut self, class: IncidentClass) -> Vec<JobId> {
        let Some(episode) = self.classes.get_mut(&class) else {
            return Vec::new();
        };
        for failing in &mut episode.failing {
            failing.try_at = None;
        }
        episode.waiting().map(|held| held.job).collect()
    }

    /// Looks whether the incident of a class is over; `waits`: whether anything that it holds still waits. What
    /// is over is returned, and kept no longer.
    pub fn look(&mut self, class: IncidentClass, waits: bool, now: Timestamp) -> Option<Episode> {
        let episode = self.classes.get_mut(&class)?;
        episode.correct(now);
        let over = episode.look(waits, now);
        episode.forget(now);
        let over = if over {
            self.classes.remove(&class)
        } else {
            None
        };
        self.forget();
        over
    }

    fn forget(&mut self) {
        self.classes
            .retain(|_, episode| episode.since.is_some() || !episode.failing.is_empty());
    }
}
