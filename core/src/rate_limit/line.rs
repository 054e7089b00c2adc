//! Turns of those who wait: each gets an instant of its own, one step behind the one before.
//!
//! Nobody is remembered, only the last turn that was given in each priority. Who comes at its turn
//! is not sent to the end again for those behind it; who comes new is; and nobody goes before a
//! turn that was given to something more urgent.

use serde::{Deserialize, Serialize};

use super::{Ask, Priority};
use crate::time::{SignedDuration, Timestamp, later};

/// The last turns that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    background: Option<Last>,
    normal: Option<Last>,
    deadline: Option<Last>,
}

/// The end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    /// The last turn.
    turn: Timestamp,
    /// The end of the obstacle that it was given for: before that, nobody could be let in.
    behind: Timestamp,
}

impl Line {
    fn of(&mut self, priority: Priority) -> Option<&mut Option<Last>> {
        match priority {
            Priority::Background => Some(&mut self.background),
            Priority::Normal => Some(&mut self.normal),
            Priority::Deadline => Some(&mut self.deadline),
            Priority::Ordered => None,
        }
    }

    /// Whether somebody else goes first, at a moment when nothing stops anybody. A line that waits
    /// for an obstacle which is gone is none.
    pub(super) fn is_behind(&mut self, ask: Ask, now: Timestamp) -> bool {
        for line in [&mut self.background, &mut self.normal, &mut self.deadline] {
            *line = line.filter(|last| last.turn >= now && last.behind <= now);
        }
        let normal = ask.priority < Priority::Normal && self.normal.is_some();
        let deadline = ask.priority < Priority::Deadline && self.deadline.is_some();
        let own = self.of(ask.priority).is_some_and(|own| own.is_some());
        normal || deadline || (own && !ask.waited)
    }

    /// Gives a turn: at `at` or behind the last one that is still to come. `behind` is the end of
    /// the obstacle.
    pub(super) fn stand(
        &mut self,
        ask: Ask,
        (at, behind): (Timestamp, Timestamp),
        step: SignedDuration,
        now: Timestamp,
    ) -> Timestamp {
        let urgent = [
            (Priority::Background, self.background),
            (Priority::Normal, self.normal),
            (Priority::Deadline, self.deadline),
        ];
        let last = urgent
            .into_iter()
            .filter(|(priority, _)| *priority >= ask.priority)
            .filter_map(|(_, last)| last)
            .filter(|last| last.turn >= now)
            .map(|last| last.turn)
            .max();
        let turn = last.map_or(at, |last| at.max(later(last, step)));
        if let Some(own) = self.of(ask.priority) {
            *own = Some(Last { turn, behind });
        }
        turn
    }
}
