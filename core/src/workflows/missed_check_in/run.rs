//! The moves that every step of the procedure is made of.

use super::closing::Closing;
use super::known::{add_what_is_known, leaves_stop};
use super::state::{Call, Hold, How, LastCall, Pending, Progress, State, Step};
use crate::case::{Case, CaseStatus, Wait};
use crate::effects::{About, EffectInput, EffectKind};
use crate::ids::{CoachId, EffectKey, TaskId};
use crate::outside;
use crate::procedure::MissedCheckInProcedure;
use crate::scripts::date_words;
use crate::time::{Date, Timestamp, later};
use crate::work_kinds;
use crate::workflow::{Answers, Context, NewWork, Transition};
use crate::workflows::PROGRAM_MANAGER;
use crate::workflows::draft::Draft;

/// The first decision code whose waits end within their window (A2). Older cases end theirs as they
/// did.
pub(super) const ENDS_IN_WINDOW_SINCE: u32 = 3;

/// One run of the step function: the procedure, the state, and the transition in the making.
#[derive(Debug)]
pub(super) struct MissedCheckInRun<'a> {
    pub(super) procedure: &'a MissedCheckInProcedure,
    pub(super) draft: Draft<'a>,
    pub(super) state: State,
    /// The date that the check-in is being moved to, while that closes the case.
    pub(super) moved_to: Option<Date>,
    /// What a case does that enters a step. The steps are made of the moves here, so they are handed in.
    begin: Begin,
}

/// What a case does that enters a step.
pub(super) type Begin = fn(&mut MissedCheckInRun<'_>, Step);

/// Something that a person is asked.
pub(super) struct Ask {
    pub(super) kind: &'static str,
    pub(super) owner: String,
    pub(super) title: String,
    pub(super) detail: serde_json::Value,
    pub(super) answers: Answers<'static>,
    pub(super) remind_at: Timestamp,
}

impl<'a> MissedCheckInRun<'a> {
    pub(super) fn new(
        procedure: &'a MissedCheckInProcedure,
        cx: Context<'a>,
        case: &'a Case,
        state: State,
        begin: Begin,
    ) -> Self {
        Self {
            procedure,
            draft: Draft::new(cx, case),
            state,
            moved_to: None,
            begin,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.draft.cx.now
    }

    pub(super) fn today(&self) -> Date {
        self.draft.cx.calendar.date_of(self.now())
    }

    pub(super) fn is_open(&self) -> bool {
        self.draft.status == CaseStatus::Open
    }

    pub(super) fn finish(self) -> Option<Transition> {
        self.draft.finish(&self.state)
    }

    /// Whose the case is: her coach, or the Program Manager while she has none.
    pub(super) fn owner(&self) -> String {
        self.state
            .client
            .coach
            .as_ref()
            .map_or_else(|| PROGRAM_MANAGER.to_owned(), CoachId::to_string)
    }

    /// Enters `step` as a new visit.
    pub(super) fn enter(&mut self, step: Step) {
        self.withdraw_current();
        let visit = self.state.visits.entry(step).or_insert(0);
        *visit = visit.saturating_add(1);
        self.draft.visit = *visit;
        step.as_str().clone_into(&mut self.draft.step);
        self.state.hold = None;
        self.state.anyway = None;
        self.state.anyway_of_minor = false;
        self.state.resting = None;
        self.state.later = None;
        self.state.paused_for.clear();
        self.draft.status = CaseStatus::Open;
        (self.begin)(self, step);
    }

    /// The step that the case is in.
    pub(super) fn step(&self) -> Option<Step> {
        Step::ALL
            .into_iter()
            .find(|step| step.as_str() == self.draft.step)
    }

    /// Plans an effect of the present step and remembers it until it settles.
    pub(super) fn plan(
        &mut self,
        name: &str,
        blocking: bool,
        not_before: Timestamp,
        input: EffectInput,
    ) -> EffectKey {
        let kind = input.kind();
        let key = self.draft.plan(name, blocking, not_before, input);
        if let Some(step) = self.step() {
            let pending = Pending {
                kind,
                step,
                cancelled: false,
            };
            self.state.pending.insert(key.clone(), pending);
        }
        key
    }

    /// Plans the effect that this visit waits for.
    pub(super) fn plan_and_wait(&mut self, name: &str, not_before: Timestamp, input: EffectInput) {
        let key = self.plan(name, true, not_before, input);
        self.state.current = Some(key.clone());
        self.stop_asking();
        self.draft.wait = Some(Wait::Effect { key });
    }

    /// Plans an effect that nothing waits for.
    pub(super) fn plan_aside(&mut self, name: &str, input: EffectInput) {
        if self.draft.cx.not_offered.is_in_crm(input.kind()) {
            return;
        }
        let now = self.now();
        self.plan(name, false, now, input);
    }

    /// The effect that this visit waits for is no longer wanted. It stays remembered: it may be
    /// under way, and then its outcome is reported (E4).
    pub(super) fn withdraw_current(&mut self) {
        let Some(key) = self.state.current.take() else {
            return;
        };
        if let Some(pending) = self.state.pending.get_mut(&key) {
            pending.cancelled = true;
            self.draft.cancel(key);
        }
    }

    /// Waits until `until`; what comes then follows from what has been done.
    pub(super) fn wait_until(&mut self, until: Timestamp, why: &str) {
        self.stop_asking();
        self.state.paused_for.clear();
        self.draft.status = CaseStatus::Open;
        self.draft.wait = Some(Wait::Timer {
            until,
            why: why.to_owned(),
        });
    }

    /// How long to wait after something that happened at `at` (A2, E26, E27).
    ///
    /// The usual 48 hours, unless `W` is near or over: then 24. Near means that fewer than
    /// `near_days` days would lie between the day on which the usual wait ends and `W`, by the
    /// clinic's calendar. While `R` is not known, nothing is shortened.
    pub(super) fn wait_after(&self, at: Timestamp) -> Timestamp {
        let waits = &self.procedure.parameters.waits;
        let usual = later(at, waits.usual());
        let Some(end) = self.window_end() else {
            return usual;
        };
        let left = days_between(self.draft.cx.calendar.date_of(usual), end);
        if left < waits.near_days {
            later(at, waits.short())
        } else {
            usual
        }
    }

    /// When the wait for an answer to something of `at` ends (A2): at its usual end if something may
    /// go out then, else at the last allowed moment within the shortest and the usual wait; where `W`
    /// is near, at the first. If that window holds none, the first allowed moment after it, which the
    /// history says.
    pub(super) fn wait_for_answer(
        &mut self,
        at: Timestamp,
        slot: impl Fn(&Self, Timestamp) -> Timestamp,
    ) -> Timestamp {
        let waits = &self.procedure.parameters.waits;
        let (short, usual) = (waits.short_hours, waits.usual_hours);
        let now = self.now();
        let latest = later(at, waits.usual());
        let (from, to) = (later(at, waits.short()).max(now), latest.max(now));
        let wanted = self.wait_after(at).max(now);
        let calendar = self.draft.cx.calendar;
        let slot = |at| slot(self, at);
        let end = if self.draft.case.logic < ENDS_IN_WINDOW_SINCE {
            return slot(wanted);
        } else if wanted < to {
            slot(from)
        } else {
            calendar
                .last_in_window(from, to, slot)
                .unwrap_or_else(|| slot(to))
        };
        if end > latest {
            let day = date_words(calendar.date_of(end));
            self.draft.say(format!(
                "Nothing may go out {short} to {usual} hours after it: the next step comes later, {day}"
            ));
        }
        end
    }

    /// The first moment at or after `at` at which mail may reach her and a coach may call her, if
    /// there is one within some days; else the first for mail.
    pub(super) fn mail_and_office_slot(&self, at: Timestamp) -> Timestamp {
        let calendar = self.draft.cx.calendar;
        let zone = self.state.client.zone.as_deref();
        let mut tried = at;
        for _ in 0..8 {
            let mail = calendar.outreach_slot(tried, zone);
            tried = calendar.office_slot(mail);
            if tried == mail {
                return mail;
            }
        }
        calendar.outreach_slot(at, zone)
    }

    pub(super) fn window_end(&self) -> Option<Date> {
        self.state.window_end(self.procedure.parameters.window_days)
    }

    /// What people are told about the three weeks, in a few words.
    pub(super) fn window_words(&self) -> String {
        let days = self.procedure.parameters.window_days;
        self.state.window_words(days, self.today())
    }

    /// The coach hears once that the three weeks are over (E27), quietly.
    pub(super) fn tell_window(&mut self) {
        let over = self.window_end().is_some_and(|end| end < self.today());
        if !over || self.state.window_told {
            return;
        }
        self.state.window_told = true;
        let words = self.window_words();
        self.draft.say(format!("{words}: waits are shortened"));
        let due = date_words(self.state.due);
        let text = format!("Check-in due {due}: {words}. Waits are shortened.");
        let about = Some(About::new("window_over", self.state.due));
        self.plan_aside("window_note", EffectInput::PortalNote { text, about });
    }

    /// The opening of the office on the `days`th working day from the one on which she can read it (A42).
    pub(super) fn working_days_from_now(&self, days: i32) -> Timestamp {
        let calendar = self.draft.cx.calendar;
        let from = calendar.date_of(calendar.office_slot(self.now()));
        calendar.office_opening(calendar.add_working_days(from, days))
    }

    /// Asks a person and waits for her.
    pub(super) fn ask(&mut self, mut ask: Ask) {
        self.stop_asking();
        add_what_is_known(self, &mut ask.detail);
        self.ask_for(ask.into_work());
    }

    /// Waits for the owner of `work`.
    pub(super) fn ask_for(&mut self, work: NewWork) {
        self.draft.wait = Some(Wait::Person {
            who: work.owner.clone(),
            why: work.title.clone(),
            remind_at: work.remind_at,
        });
        self.state.asked = Some(work.clone());
        self.draft.ask(work);
    }

    /// Tells a person something that the case does not wait for.
    pub(super) fn tell(&mut self, ask: Ask) {
        self.draft.ask(ask.into_work());
    }

    /// What a person was asked needs no answer any more.
    pub(super) fn stop_asking(&mut self) {
        self.state.asked_first = None;
        if self.state.asked.take().is_some() {
            self.draft.settle_work();
        }
    }

    /// Stops with the case held until a person decides.
    pub(super) fn hold(&mut self, hold: Hold, reason: &str, extra: serde_json::Value) {
        let actions: &[&str] = match hold {
            // Nothing is rendered before the channel is chosen: there is nothing to send anyway.
            // "Send" where it can be lifted: else the same would be held again for the same reason.
            Hold::NotSent if self.state.current.is_some() && extra["lifts"] == true => {
                &["resume", "send_anyway", "done_by_hand", "skip", "close"]
            }
            Hold::NotSent | Hold::Unread => &["resume", "done_by_hand", "skip", "close"],
            Hold::Unclear | Hold::ByHand => &["done_by_hand", "skip", "close"],
        };
        self.state.hold = Some(hold);
        self.state.later = None;
        self.state.waits_for_contact = false;
        self.draft.status = CaseStatus::Held {
            reason: reason.to_owned(),
        };
        self.draft.say(format!("Held: {reason}"));
        let mut detail = serde_json::json!({
            "reason": reason,
            "check_in_due": date_words(self.state.due),
            "window": self.window_words(),
            "contact": self.state.client.contact,
            "resume": "this step is tried again; it goes on once what stands above is put right",
        });
        if let (Some(detail), serde_json::Value::Object(extra)) = (detail.as_object_mut(), extra) {
            detail.extend(extra);
        }
        let days = self.procedure.parameters.coach.hold_reminder_days;
        self.ask(Ask {
            kind: work_kinds::HOLD,
            owner: self.owner(),
            title: format!("{}: {reason}", self.state.who()),
            detail,
            answers: Answers::Of(actions),
            remind_at: self.working_days_from_now(days),
        });
    }

    /// Ends the case: nothing planned goes out, our tags and our open call task go away.
    pub(super) fn close(&mut self, why: Closing, reason: &str) {
        self.state.closed = Some(why);
        self.state.resting = None;
        self.state.later = None;
        self.withdraw_current();
        let open: Vec<_> = self.state.pending.iter_mut().collect();
        for (key, pending) in open {
            if !pending.cancelled {
                pending.cancelled = true;
                self.draft.cancel(key.clone());
            }
        }
        let stop = leaves_stop(self, why);
        self.draft.settle_work();
        self.state.asked = None;
        self.state.paused_for.clear();
        if let Some(ask) = stop {
            self.tell(ask);
        }
        self.withdraw_call(reason);
        for (index, tag) in std::mem::take(&mut self.state.tags).into_iter().enumerate() {
            self.plan_at_close(&format!("untag-{index}"), EffectInput::RemoveTag { tag });
        }
        let touched = self.state.first_message != Progress::Pending
            || self.state.follow_up != Progress::Pending;
        if touched && !self.state.contact_gone {
            let due = date_words(self.state.due);
            self.plan_at_close(
                "note",
                EffectInput::ContactNote {
                    title: "Missed check-in: follow-up ended".into(),
                    text: outside::one_line(&format!(
                        "Follow-up of the check-in due {due} has ended: {reason}."
                    )),
                    about: Some(About::new(&self.ended(why), self.state.due)),
                },
            );
        }
        self.draft.status = CaseStatus::Closed {
            reason: reason.to_owned(),
        };
        self.draft.wait = None;
        self.state.hold = None;
        self.draft.say(format!("Closed: {reason}"));
    }

    /// What the note of the closing is about: another end of the same follow-up, after it was opened
    /// again, is another note.
    fn ended(&self, why: Closing) -> String {
        match (why, self.moved_to) {
            (Closing::Rescheduled, Some(date)) => format!("follow_up_ended_moved_to_{date}"),
            _ => format!("follow_up_ended_{}", why.as_str()),
        }
    }

    /// An effect of the closing. A case closes once, so its visit is the first and only.
    fn plan_at_close(&mut self, name: &str, input: EffectInput) {
        if self.draft.cx.not_offered.is_in_crm(input.kind()) {
            return;
        }
        let key = self.draft.scope().key("close", 1, name);
        let now = self.now();
        self.draft.plan_as(key, false, now, input);
    }

    /// The open call task, if there is one, is completed by us. "Tasks closed by us don't count":
    /// the call is forgotten, so that the completion is not taken for the coach's.
    pub(super) fn withdraw_call(&mut self, reason: &str) {
        let Some(call) = self.state.call.take() else {
            return;
        };
        if call.by_hand {
            call_is_over(self, &call);
        } else if let Some(task) = call.task {
            let closing = self.close_task(&call.made_by, reason, false);
            self.state.last_call = Some(LastCall::new(task, self.now(), Some(closing)));
        }
    }

    /// Completes the task that `made_by` made. `called`: the coach has called. Returns the key of the
    /// closing.
    pub(super) fn close_task(
        &mut self,
        made_by: &EffectKey,
        reason: &str,
        called: bool,
    ) -> EffectKey {
        let key = EffectKey::closing(made_by);
        let now = self.now();
        let input = EffectInput::CloseTask {
            made_by: made_by.clone(),
            reason: reason.to_owned(),
            called,
            went_out: None,
        };
        self.draft.plan_as(key.clone(), false, now, input);
        key
    }

    /// How what goes out by an effect of `kind` was carried out, for the timeline.
    pub(super) fn said_how(&self, how: How, kind: EffectKind, what: &str) -> String {
        let (cx, step) = (self.draft.cx, &self.draft.step);
        match how {
            How::Sent => format!("{what}: sent"),
            How::Proposed if cx.not_offered.includes(kind) => {
                format!(
                    "{what}: her coach would be asked to send it (propose mode); goes on as if she had"
                )
            }
            How::Proposed if cx.ask_first.contains(step) => format!(
                "{what}: her coach would be told first, and it would have been sent unless she stopped it (propose \
                 mode)"
            ),
            How::Proposed => format!("{what}: would have been sent (propose mode)"),
            How::ByHand => format!("{what}: done by hand"),
            How::Skipped => format!("{what}: left out"),
        }
    }
}

impl Ask {
    pub(super) fn into_work(self) -> NewWork {
        NewWork {
            kind: self.kind.to_owned(),
            owner: self.owner,
            title: self.title,
            detail: self.detail,
            actions: self.answers.names(),
            notice: self.answers == Answers::Notice,
            due: self.remind_at,
            remind_at: self.remind_at,
        }
    }
}

/// A call that was asked for by hand is not waited for any more, and there is no task to be completed. Her word of it
/// may still come.
pub(super) fn call_is_over(run: &mut MissedCheckInRun<'_>, call: &Call) {
    // No task of the CRM bears the name of an effect.
    let task = TaskId(call.made_by.as_str().to_owned());
    run.state.last_call = Some(LastCall::new(task, run.now(), None));
    run.draft.cancel(call.made_by.clone());
}

fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}
