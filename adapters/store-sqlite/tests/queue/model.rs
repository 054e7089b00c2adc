//! What may happen to a queue, and what must come of it.

use proptest::prelude::*;
use relay_core::ids::JobId;
use relay_store::{Fence, JobState, SUSPECT};

pub(crate) const LANES: usize = 3;
pub(crate) const WORKERS: usize = 3;
/// Minutes a lease holds.
pub(crate) const LEASE: i64 = 5;

/// What may happen next. Indices are taken modulo what there is.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Enqueue {
        lane: usize,
        delay: i64,
    },
    Claim {
        worker: usize,
        limit: u32,
        lane: Option<usize>,
    },
    Renew {
        held: usize,
    },
    /// By any right ever given, so most often by a stale one.
    Finish {
        held: usize,
        end: End,
    },
    /// As above, but the worker dies while it waits for the answer.
    FinishAndDie {
        held: usize,
        end: End,
    },
    Rescue,
    HandBack {
        worker: usize,
    },
    Replay {
        job: usize,
        delay: i64,
    },
    Cancel {
        job: usize,
    },
    CancelByKey {
        job: usize,
    },
    Pass {
        minutes: i64,
    },
    /// The process ends and starts again.
    Restart,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Done,
    Again(i64),
    Snooze(i64),
    Parked,
    Dead,
    Cancelled,
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![
        2 => Just(End::Done),
        2 => (0..4i64).prop_map(End::Again),
        1 => (0..4i64).prop_map(End::Snooze),
        1 => Just(End::Parked),
        1 => Just(End::Dead),
        1 => Just(End::Cancelled),
    ]
}

pub(crate) fn acts() -> impl Strategy<Value = Act> {
    let any = any::<usize>;
    let lane = prop::option::of(0..LANES);
    prop_oneof![
        6 => (0..LANES, 0..8i64).prop_map(|(lane, delay)| Act::Enqueue { lane, delay }),
        6 => (0..WORKERS, 0..4u32, lane)
            .prop_map(|(worker, limit, lane)| Act::Claim { worker, limit, lane }),
        2 => any().prop_map(|held| Act::Renew { held }),
        6 => (any(), ends()).prop_map(|(held, end)| Act::Finish { held, end }),
        1 => (any(), ends()).prop_map(|(held, end)| Act::FinishAndDie { held, end }),
        2 => Just(Act::Rescue),
        1 => (0..WORKERS).prop_map(|worker| Act::HandBack { worker }),
        2 => (any(), 0..4i64).prop_map(|(job, delay)| Act::Replay { job, delay }),
        1 => any().prop_map(|job| Act::Cancel { job }),
        1 => any().prop_map(|job| Act::CancelByKey { job }),
        4 => (1..6i64).prop_map(|minutes| Act::Pass { minutes }),
        1 => Just(Act::Restart),
    ]
}

/// What the model knows of a job. Its order is its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: JobId,
    pub(crate) lane: String,
    pub(crate) state: JobState,
    pub(crate) run_at: i64,
    pub(crate) fence: u64,
    pub(crate) failures: u32,
    /// The worker, and the minute the lease ends.
    pub(crate) lease: Option<(String, i64)>,
    pub(crate) attempts: usize,
    /// How often in a row its worker died.
    pub(crate) rescues: u32,
}

impl Row {
    fn free(&mut self, state: JobState, run_at: i64) {
        self.state = state;
        self.run_at = run_at;
        self.lease = None;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) rows: Vec<Row>,
}

impl Model {
    fn is_due(&self, row: &Row) -> bool {
        row.state == JobState::Ready && row.run_at <= self.now
    }

    fn is_suspect(&self, row: &Row) -> bool {
        row.rescues >= SUSPECT && (self.is_due(row) || row.state == JobState::Running)
    }

    /// A suspect runs alone: it waits for everybody who runs, and everybody else waits for it.
    fn may_run(&self, place: usize, of_lane: bool) -> bool {
        let row = &self.rows[place];
        let mut others = self.rows.iter().enumerate().filter(|(at, _)| *at != place);
        if self.is_due(row) && self.is_suspect(row) {
            let nobody_runs = self
                .rows
                .iter()
                .all(|other| other.state != JobState::Running);
            return nobody_runs && (!of_lane || !others.any(|(_, other)| self.is_suspect(other)));
        }
        if others.any(|(_, other)| self.is_suspect(other)) {
            return false;
        }
        let same_lane = || {
            self.rows
                .iter()
                .enumerate()
                .filter(|(_, other)| other.lane == row.lane)
        };
        self.is_due(row)
            && same_lane().all(|(_, other)| other.state != JobState::Running)
            && same_lane().all(|(other, earlier)| other >= place || !self.is_due(earlier))
    }

    pub(crate) fn claim(&mut self, worker: &str, limit: u32, lane: Option<&str>) -> Vec<Fence> {
        let mut places: Vec<_> = (0..self.rows.len())
            .filter(|place| self.may_run(*place, lane.is_some()))
            .filter(|place| lane.is_none_or(|lane| self.rows[*place].lane == lane))
            .collect();
        places.sort_by_key(|place| (self.rows[*place].run_at, *place));
        let alone = places
            .first()
            .is_some_and(|first| self.is_suspect(&self.rows[*first]));
        places.truncate(usize::try_from(if alone { limit.min(1) } else { limit }).unwrap());
        let mut held = Vec::new();
        for place in places {
            let row = &mut self.rows[place];
            row.state = JobState::Running;
            row.fence += 1;
            row.lease = Some((worker.to_owned(), self.now + LEASE));
            held.push(Fence {
                job: row.id,
                fence: row.fence,
            });
        }
        held
    }

    pub(crate) fn holder(&mut self, fence: Fence) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| {
            row.id == fence.job && row.fence == fence.fence && row.state == JobState::Running
        })
    }

    pub(crate) fn finish(&mut self, fence: Fence, end: End) -> bool {
        let now = self.now;
        let Some(row) = self.holder(fence) else {
            return false;
        };
        row.attempts += 1;
        row.rescues = 0;
        let due = row.run_at;
        match end {
            End::Done => row.free(JobState::Done, due),
            End::Again(delay) | End::Snooze(delay) => row.free(JobState::Ready, now + delay),
            End::Parked => row.free(JobState::Parked, due),
            End::Dead => row.free(JobState::Dead, due),
            End::Cancelled => row.free(JobState::Cancelled, due),
        }
        if matches!(end, End::Again(_) | End::Parked | End::Dead) {
            row.failures += 1;
        }
        true
    }

    pub(crate) fn rescue(&mut self) -> u64 {
        let now = self.now;
        let mut count = 0;
        for row in &mut self.rows {
            if row.lease.as_ref().is_some_and(|(_, until)| *until < now) {
                row.free(JobState::Ready, now);
                row.attempts += 1;
                row.rescues += 1;
                count += 1;
            }
        }
        count
    }

    pub(crate) fn hand_back(&mut self, worker: &str) -> u64 {
        let now = self.now;
        let mut count = 0;
        for row in &mut self.rows {
            if row.lease.as_ref().is_some_and(|(by, _)| by == worker) {
                row.free(JobState::Ready, now);
                count += 1;
            }
        }
        count
    }

    pub(crate) fn replay(&mut self, place: usize, run_at: i64) -> bool {
        let row = &mut self.rows[place];
        match row.state {
            JobState::Running | JobState::Done => return false,
            JobState::Ready => {}
            JobState::Parked | JobState::Dead | JobState::Cancelled => {
                row.failures = 0;
                row.rescues = 0;
            }
        }
        row.free(JobState::Ready, run_at);
        true
    }

    pub(crate) fn cancel(&mut self, place: usize) -> bool {
        let row = &mut self.rows[place];
        let may = !matches!(row.state, JobState::Running | JobState::Done);
        if may {
            row.state = JobState::Cancelled;
        }
        may
    }
}
