//! How an effect of ours ended, and what follows from it.
//!
//! The outcome of an effect is taken in wherever the case stands by then: a message that was under
//! way when the check-in came has been sent all the same, and must be known to have been (E4).

use super::hand_over::{ask_to_call, ask_to_mail};
use super::outreach::Outreach;
use super::run::{Ask, MissedCheckInRun};
use super::send_by_hand::ask_to_send;
use super::state::{Hold, How, Pending, Progress};
use crate::case::{CaseStatus, Wait};
use crate::effects::{EffectKind, HandOver, Settled};
use crate::ids::{EffectKey, TaskId};
use crate::time::Timestamp;
use crate::work_kinds;
use crate::workflow::Answers;

impl MissedCheckInRun<'_> {
    /// Takes an outcome in; `false` if it changes nothing.
    pub(super) fn settled(&mut self, key: &EffectKey, settled: &Settled) -> bool {
        let Some(pending) = self.state.pending.get(key).copied() else {
            return self.call_closed(key, settled);
        };
        match settled {
            Settled::Done { at, vendor_ref, .. } => {
                let task = vendor_ref.clone().map(TaskId);
                self.done(key, pending, *at, How::Sent, task.as_ref());
            }
            Settled::AlreadyTrue => self.done(key, pending, self.now(), How::Sent, None),
            Settled::Proposed => self.done(key, pending, self.now(), How::Proposed, None),
            Settled::Cancelled => self.not_done(key, pending, "it was cancelled"),
            Settled::Overtaken { by } => {
                // Told even if what overtook it has withdrawn it already (E3).
                let pending = Pending {
                    cancelled: false,
                    ..pending
                };
                self.not_done(key, pending, &format!("overtaken by {by}"));
            }
            Settled::Held {
                reason,
                command,
                minor,
                lifts,
            } => {
                let command = command.as_deref().map(|command| ("command", command));
                if minor.is_some() {
                    // The guard has read it; no event may have told.
                    self.state.client.minor = Some(true);
                }
                let minor = minor.as_deref().map(|minor| ("minor", minor));
                self.stuck(
                    key,
                    pending,
                    reason,
                    *lifts,
                    command.into_iter().chain(minor),
                );
            }
            Settled::ByHand(with) => by_hand(self, key, pending, with),
            Settled::Dead { reason, technical } => {
                let technical = technical.as_deref().map(|call| ("technical", call));
                let Some(way) = Outreach::of(pending.kind) else {
                    let what = pending.kind.spec().words;
                    let reason = format!("{what} could not be carried out: {reason}");
                    self.stuck(key, pending, &reason, false, technical.into_iter());
                    return true;
                };
                let reason = format!("{} ({reason})", way.not_taken());
                let remedy = ("remedy", way.by_hand_instead());
                self.stuck(
                    key,
                    pending,
                    &reason,
                    false,
                    technical.into_iter().chain([remedy]),
                );
            }
            Settled::Unclear { evidence } => self.unclear(key, pending, evidence),
        }
        true
    }

    pub(super) fn is_current(&self, key: &EffectKey) -> bool {
        self.state.current.as_ref() == Some(key)
    }

    /// Whether a step may move the case: a paused or closed one stays where a person put it.
    pub(super) fn moves(&self) -> bool {
        matches!(
            self.draft.status,
            CaseStatus::Open | CaseStatus::Held { .. }
        )
    }

    fn done(
        &mut self,
        key: &EffectKey,
        pending: Pending,
        at: Timestamp,
        how: How,
        task: Option<&TaskId>,
    ) {
        self.state.pending.remove(key);
        let Some(outreach) = Outreach::of(pending.kind) else {
            return;
        };
        if !self.is_current(key) {
            // Withdrawn while it was under way. If its step was planned anew meanwhile, the new
            // plan must not go out too: this one takes its place.
            let replaced = self.state.current.clone().and_then(|current| {
                let other = self.state.pending.get(&current)?;
                (other.kind == pending.kind).then_some(current)
            });
            if replaced.is_none() || !self.moves() {
                self.overlap(key, outreach, at, how, task);
                return;
            }
            self.withdraw_current();
        }
        self.state.hold = None;
        self.draft.status = CaseStatus::Open;
        self.stop_asking();
        match (outreach, how) {
            (Outreach::PortalMessage, _) => self.portal_message_done(at, how),
            (Outreach::Email, _) => self.email_done(at, how),
            (Outreach::CallTask, How::Proposed) => self.call_task_proposed(),
            (Outreach::CallTask, How::Sent | How::ByHand | How::Skipped) => {
                self.call_task_made(key, task);
            }
        }
    }

    /// E4: it went out although it was no longer wanted. It can't be recalled; it is recorded, so
    /// that it is never sent again, and the coach hears of it.
    fn overlap(
        &mut self,
        key: &EffectKey,
        outreach: Outreach,
        at: Timestamp,
        how: How,
        task: Option<&TaskId>,
    ) {
        if how == How::Proposed {
            return;
        }
        let what = outreach.words();
        match outreach {
            Outreach::PortalMessage => self.state.first_message = Progress::Done { at, how },
            Outreach::Email => self.state.follow_up = Progress::Done { at, how },
            Outreach::CallTask => {
                self.draft
                    .say("The call task was under way already: it is completed again");
                if task.is_some() {
                    self.close_task(key, "it was no longer needed when it was made", false);
                }
                return;
            }
        }
        self.draft
            .say(format!("{what} was under way already and has been sent"));
        let remind_at = self.working_days_from_now(1);
        self.tell(Ask {
            kind: work_kinds::OVERLAP,
            owner: self.owner(),
            title: format!(
                "{}: {what} was under way when the follow-up stopped, and has reached her. A word to \
                 her is yours to write",
                self.state.who()
            ),
            detail: serde_json::json!({ "sent_at": at, "contact": self.state.client.contact }),
            answers: Answers::Notice,
            remind_at,
        });
    }

    /// It was not carried out, and won't be.
    fn not_done(&mut self, key: &EffectKey, pending: Pending, why: &str) {
        self.state.pending.remove(key);
        let waits = matches!(&self.draft.wait, Some(Wait::Effect { key: waited }) if waited == key);
        if self.is_current(key) && self.is_open() && waits {
            // What overtook it is expected to have moved the case before this is told. If it has
            // not, the case must not wait for an effect that is over.
            self.state.current = None;
            let reason = format!("{} was not sent: {why}", pending.kind.spec().words);
            self.hold(Hold::NotSent, &reason, serde_json::json!({ "effect": key }));
        } else if pending.kind.is_outreach() && !pending.cancelled {
            self.draft
                .say(format!("{} was not sent: {why}", pending.kind.spec().words));
        }
    }

    /// The guard held it, or every try failed. It may still be carried out by a replay, so it
    /// stays remembered.
    fn stuck<'t>(
        &mut self,
        key: &EffectKey,
        pending: Pending,
        reason: &str,
        lifts: bool,
        besides: impl Iterator<Item = (&'t str, &'t str)>,
    ) {
        if !self.is_current(key) {
            self.state.pending.remove(key);
            if !pending.cancelled {
                let what = pending.kind.spec().words;
                self.draft.say(format!("{what} was not done: {reason}"));
            }
            return;
        }
        if self.moves() {
            let mut extra = self.ready_for(pending.kind, key);
            if let Some(extra) = extra.as_object_mut() {
                extra.extend(besides.map(|(name, said)| (name.to_owned(), said.into())));
                extra.insert("lifts".into(), lifts.into());
            }
            self.hold(Hold::NotSent, reason, extra);
        }
    }

    fn unclear(&mut self, key: &EffectKey, pending: Pending, evidence: &str) {
        let progress = match Outreach::of(pending.kind) {
            Some(Outreach::PortalMessage) => Some(&mut self.state.first_message),
            Some(Outreach::Email) => Some(&mut self.state.follow_up),
            Some(Outreach::CallTask) | None => None,
        };
        if let Some(progress) = progress
            && *progress == Progress::Pending
        {
            *progress = Progress::Unclear;
        }
        let what = pending.kind.spec().words;
        if self.is_current(key) && self.moves() {
            let mut extra = self.ready_for(pending.kind, key);
            if let Some(extra) = extra.as_object_mut() {
                extra.insert("evidence".into(), evidence.into());
                let remedy = Outreach::of(pending.kind).map(Outreach::look_whether_it_arrived);
                extra.extend(remedy.map(|remedy| ("remedy".into(), remedy.into())));
            }
            let reason = format!("it can't be told whether {what} arrived");
            self.hold(Hold::Unclear, &reason, extra);
        } else {
            self.draft.say(format!(
                "It can't be told whether {what} arrived: {evidence}"
            ));
        }
    }

    /// What a person needs to do it herself.
    fn ready_for(&self, kind: EffectKind, key: &EffectKey) -> serde_json::Value {
        let Some(outreach) = Outreach::of(kind) else {
            return serde_json::json!({ "effect": key });
        };
        serde_json::json!({ "effect": key, "ready": self.ready_text(outreach.script()) })
    }
}

/// No tool lets the relay send it: the coach is asked to, and says when she has.
fn by_hand(run: &mut MissedCheckInRun<'_>, key: &EffectKey, pending: Pending, with: &HandOver) {
    let Some(outreach) = Outreach::of(pending.kind) else {
        let reason = format!(
            "no tool lets the relay carry out {}",
            pending.kind.spec().words
        );
        run.stuck(key, pending, &reason, false, std::iter::empty());
        return;
    };
    if !run.is_current(key) {
        run.state.pending.remove(key);
    } else if run.moves() {
        match outreach {
            Outreach::PortalMessage => ask_to_send(run, key),
            Outreach::Email => ask_to_mail(run, key, with),
            Outreach::CallTask => ask_to_call(run, key, with),
        }
    }
}
