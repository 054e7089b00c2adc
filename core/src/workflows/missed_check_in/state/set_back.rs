//! A state that was written while the clock ran ahead.

use super::{Progress, State};
use crate::time::{SignedDuration, Timestamp, earlier};

impl State {
    /// The state with no moment in it later than `now`: the clock ran ahead when those were written.
    /// What she wrote while it did was not seen in its order: a day of it counts as news again, for a
    /// coach to look at once too often rather than never.
    pub(in super::super) fn set_back(mut self, now: Timestamp) -> Self {
        self.due_told_at = self.due_told_at.min(now);
        self.client_told_at = self.client_told_at.min(now);
        let day_ago = earlier(now, SignedDuration::from_hours(24));
        if self.since > now {
            self.since = day_ago;
        }
        if self.counts_from.is_some_and(|from| from > now) {
            self.counts_from = Some(day_ago);
        }
        let stood = [&mut self.anyway_at, &mut self.by_hand_at];
        for at in stood.into_iter().flatten() {
            *at = (*at).min(now);
        }
        for at in self.unanswered.values_mut() {
            *at = (*at).min(now);
        }
        for progress in [&mut self.first_message, &mut self.follow_up] {
            if let Progress::Done { at, .. } = progress {
                *at = (*at).min(now);
            }
        }
        self
    }
}
