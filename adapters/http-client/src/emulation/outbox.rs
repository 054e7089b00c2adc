//! Deliveries that wait: in order, repeated on a ladder, twice or backwards where that is ordered.

use std::ops::RangeInclusive;

use relay_core::time::Timestamp;

use super::kit::{Kit, seconds_later};

/// How deliveries that are due together arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first due first.
    Due,
    /// The last due first.
    Reversed,
}

/// A delivery that waits.
#[derive(Debug, Clone)]
pub struct Waiting<T> {
    /// Tells two deliveries of one thing apart.
    pub number: u64,
    /// When it is tried next.
    pub due: Timestamp,
    /// Attempts begun.
    pub attempts: usize,
    /// What is delivered.
    pub what: T,
}

/// The deliveries that wait.
///
/// A delivery stays here until [`done`](Self::done): a driver that is cut off between an attempt and
/// its end leaves it due.
#[derive(Debug)]
pub struct Outbox<T> {
    waiting: Vec<Waiting<T>>,
    numbered: u64,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            numbered: 0,
        }
    }
}

impl<T: Clone> Outbox<T> {
    /// Lets something wait until `due`.
    pub fn put(&mut self, due: Timestamp, what: T) {
        self.numbered += 1;
        self.waiting.push(Waiting {
            number: self.numbered,
            due,
            attempts: 0,
            what,
        });
    }

    /// What waits and was never tried: something may still be added to it.
    pub fn untried(&mut self) -> impl Iterator<Item = &mut T> {
        let waiting = self.waiting.iter_mut();
        let untried = waiting.filter(|waiting| waiting.attempts == 0);
        untried.map(|waiting| &mut waiting.what)
    }

    /// When the next delivery is due; `None` if nothing waits.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    /// The numbers of what is due at `now`.
    pub fn due(&self, now: Timestamp, order: Order) -> Vec<u64> {
        let due = self.waiting.iter().filter(|waiting| waiting.due <= now);
        let mut due: Vec<_> = due.map(|waiting| (waiting.due, waiting.number)).collect();
        due.sort_unstable();
        if order == Order::Reversed {
            due.reverse();
        }
        due.into_iter().map(|(_, number)| number).collect()
    }

    /// Begins an attempt; `None` if the delivery is no longer here.
    pub fn attempt(&mut self, number: u64) -> Option<Waiting<T>> {
        let mut waiting = self.waiting.iter_mut();
        let found = waiting.find(|waiting| waiting.number == number)?;
        found.attempts += 1;
        Some(found.clone())
    }

    /// Tries a delivery again at `due`.
    pub fn again(&mut self, number: u64, due: Timestamp) {
        let found = self.waiting.iter_mut().find(|one| one.number == number);
        if let Some(waiting) = found {
            waiting.due = due;
        }
    }

    /// The delivery is over.
    pub fn done(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    /// Keeps only what is still wanted.
    pub fn retain(&mut self, wanted: impl Fn(&T) -> bool) {
        self.waiting.retain(|waiting| wanted(&waiting.what));
    }
}

/// The pauses after failed attempts, in seconds.
#[derive(Debug)]
pub struct Ladder {
    /// After the first, the second, …
    pub pauses: &'static [RangeInclusive<u32>],
    /// Whether the last pause is repeated forever, or the vendor gives up after it.
    pub endless: bool,
}

impl Ladder {
    /// When to try again after so many attempts; `None`: the vendor gives up.
    pub fn after(&self, attempts: usize, kit: &Kit) -> Option<Timestamp> {
        let rung = attempts.saturating_sub(1);
        let last = self.pauses.len().saturating_sub(1);
        let rung = if self.endless { rung.min(last) } else { rung };
        let pause = self.pauses.get(rung)?;
        // A fixed pause takes nothing from the dice.
        let fixed = pause.start() == pause.end();
        let seconds = if fixed {
            *pause.start()
        } else {
            kit.draw(pause)
        };
        Some(seconds_later(kit.now(), seconds))
    }
}
