//! Whether a planned effect may be carried out, now that the world was read again.
//!
//! In this order, each only if the ones before let it pass: is it still wanted; has the world moved
//! on (a check-in, a reply, another status, another date: E3); is she a minor, whom only the portal
//! reaches until a person says otherwise (A36); did the coach write by hand (E43);
//! is this an allowed hour; is every sentence true; can every gap be filled and is there somebody
//! to send it to and to sign it (E21, E22, E42); can the relay send it at all, or is it a person who does; is her coach
//! to be asked first, and was she, early enough (A30).
//! A portal that shows nothing never lets an outreach pass.

use super::ask_first::{goes_out, is_overdue, moment_of, too_late};
use super::outreach::Outreach;
use super::request::Request as Render;
use super::state::{Progress, State};
use crate::case::{Case, CaseStatus, Mode};
use crate::clients::{Author, CheckIn, ClientStatus, is_in_person};
use crate::effects::{EffectKind, HandOver, PlannedEffect, Request};
use crate::facts::{Fact, FactBody};
use crate::procedure::MissedCheckInProcedure;
use crate::scripts::date_words;
use crate::time::{SignedDuration, Timestamp, earlier, later};
use crate::workflow::{
    Context, GuardReading, HoldReason, NewWork, PortalReading, Silence, Verdict,
};

/// See [`Workflow::guard`](crate::workflow::Workflow::guard).
pub(super) fn guard(
    procedure: &MissedCheckInProcedure,
    cx: Context<'_>,
    case: &Case,
    state: &State,
    effect: &PlannedEffect,
    reading: &GuardReading,
) -> Verdict {
    let guard = Guard {
        procedure,
        cx,
        case,
        state,
        effect,
        reading,
    };
    if effect.kind().is_outreach() {
        guard.outreach()
    } else if reading.not_offered.includes(effect.kind()) {
        // It only shows what people know otherwise: the contact tells the same as the portal, and what they
        // are asked stands in the list of work.
        let by = if effect.kind() == EffectKind::PortalNote {
            "the portal taking no notes"
        } else {
            "the relay having no CRM"
        };
        Verdict::Overtaken {
            by: by.into(),
            facts: Vec::new(),
        }
    } else {
        match guard.render().aside() {
            Ok(request) => Verdict::Go(request),
            Err(reason) => reason.hold(None),
        }
    }
}

/// What overtook, where it was not the missed check-in itself.
const LATER: &str = "a later check-in";

/// How much of the office's time passes before it is looked again whether her coach has been told.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

struct Guard<'a> {
    procedure: &'a MissedCheckInProcedure,
    cx: Context<'a>,
    case: &'a Case,
    state: &'a State,
    effect: &'a PlannedEffect,
    reading: &'a GuardReading,
}

impl<'a> Guard<'a> {
    fn render(&self) -> Render<'a> {
        Render {
            procedure: self.procedure,
            cx: self.cx,
            client: &self.case.client,
            state: self.state,
            effect: self.effect,
            reading: self.reading,
        }
    }

    fn outreach(&self) -> Verdict {
        if let Some(by) = self.unwanted() {
            return Verdict::Overtaken {
                by,
                facts: Vec::new(),
            };
        }
        let Some(portal) = &self.reading.portal else {
            let records = self.reading.not_offered.records.words();
            let reason = format!("{records} does not show the client: nothing is sent unread");
            return HoldReason::from(reason).hold(None);
        };
        if let Some(verdict) = self.overtaken(portal) {
            return verdict;
        }
        if let Some(reason) = self.objection(portal) {
            return reason.hold(self.render().as_asked().ok());
        }
        if let Some((at, reason)) = self.too_early() {
            return Verdict::Later { at, reason };
        }
        self.truthful()
    }

    /// The case has gone another way since the effect was planned. One that is held may still wait
    /// for this very effect: an admin replays what had died.
    fn unwanted(&self) -> Option<String> {
        match self.case.status {
            CaseStatus::Open | CaseStatus::Held { .. } => {
                let current = self.state.current.as_ref() == Some(&self.effect.key);
                (!current).then(|| "a later plan".into())
            }
            CaseStatus::Paused { .. } | CaseStatus::Closed { .. } => {
                Some(format!("the case being {}", self.case.status.as_str()))
            }
        }
    }

    /// What the portal shows that the case does not know. Any of it stops the effect; all of it is
    /// handed back, so that the case can follow.
    fn overtaken(&self, portal: &PortalReading) -> Option<Verdict> {
        let mut found: Vec<(String, Fact)> = Vec::new();
        for check_in in &portal.check_ins {
            found.extend(self.moved(check_in));
            found.extend(self.later(check_in));
        }
        let ours = portal
            .check_ins
            .iter()
            .any(|one| one.id == self.state.check_in);
        if !ours && found.is_empty() {
            // Deleted, or a read that left it out: the one must not be messaged about, the other
            // must not close the case.
            let records = self.reading.not_offered.records.words();
            let reason = format!("{records} does not show the check-in any more");
            return Some(HoldReason::from(reason).hold(None));
        }
        for message in &portal.messages {
            let unseen = self.state.is_unseen(&message.id, message.sent_at);
            if message.author == Author::Client && unseen {
                let body = FactBody::ClientReplied {
                    message: Some(message.id.clone()),
                    channel: "portal".into(),
                };
                let fact = self.fact(message.id.as_str(), message.sent_at, body);
                found.push(("a reply".into(), fact));
            }
        }
        let client = &portal.client;
        let today = self.cx.calendar.date_of(self.cx.now);
        let break_over =
            self.case.logic >= super::breaks::GOES_ON_SINCE && client.break_is_over(today);
        if client.status != ClientStatus::Online && !break_over {
            let body = FactBody::ClientUpdated {
                client: Box::new(client.clone()),
            };
            let fact = self.fact(client.id.as_str(), self.reading.read_at, body);
            found.push((format!("her status ({})", client.status.as_str()), fact));
        }
        let contact_type = self.reading.contact_type.as_deref();
        if let Some(value) = contact_type.filter(|value| is_in_person(value)) {
            let body = FactBody::ContactType {
                value: Some(value.to_owned()),
            };
            let fact = self.fact(client.id.as_str(), self.reading.read_at, body);
            found.push(("her contact type (In-Person)".into(), fact));
        }
        let mut by: Vec<_> = found.iter().map(|(by, _)| by.clone()).collect();
        by.dedup();
        (!found.is_empty()).then(|| Verdict::Overtaken {
            by: by.join(", "),
            facts: found.into_iter().map(|(_, fact)| fact).collect(),
        })
    }

    /// The date of a later check-in that was submitted, which its event does not tell (E7).
    fn later(&self, check_in: &CheckIn) -> Option<(String, Fact)> {
        let at = check_in.submitted_at?;
        (check_in.id != self.state.check_in && check_in.due > self.state.due).then(|| {
            let body = FactBody::CheckInDue {
                check_in: check_in.id.clone(),
                due: check_in.due,
                due_at: check_in.due_at,
            };
            let fact = self.fact(check_in.id.as_str(), at, body);
            (LATER.to_owned(), fact)
        })
    }

    fn moved(&self, check_in: &CheckIn) -> Option<(String, Fact)> {
        let id = check_in.id.clone();
        let object = id.to_string();
        let read_at = self.reading.read_at;
        let ours = check_in.id == self.state.check_in;
        if let Some(at) = check_in.submitted_at
            && (ours || check_in.due > self.state.due)
        {
            // What the list does not say is whether it is complete; submitted is what counts (E5).
            let body = FactBody::CheckInSubmitted {
                check_in: id,
                complete: true,
            };
            let by = if ours { "a check-in" } else { LATER };
            return Some((by.into(), self.fact(&object, at, body)));
        }
        if ours && check_in.withdrawn {
            let body = FactBody::CheckInWithdrawn { check_in: id };
            return Some(("withdrawal".into(), self.fact(&object, read_at, body)));
        }
        if ours && check_in.due != self.state.due {
            let by = format!("another due date ({})", date_words(check_in.due));
            let body = FactBody::CheckInRescheduled {
                check_in: id,
                due: check_in.due,
            };
            return Some((by, self.fact(&object, read_at, body)));
        }
        None
    }

    fn fact(&self, object: &str, source_time: Timestamp, body: FactBody) -> Fact {
        Fact {
            client: self.case.client.clone(),
            object: object.to_owned(),
            source_time,
            body,
        }
    }

    /// What a person must settle before anything goes out.
    fn objection(&self, portal: &PortalReading) -> Option<HoldReason> {
        let may_have_arrived = match Outreach::of(self.effect.kind()) {
            Some(Outreach::PortalMessage) => self.state.first_message != Progress::Pending,
            Some(Outreach::Email | Outreach::CallTask) | None => {
                self.state.follow_up != Progress::Pending
            }
        };
        if may_have_arrived {
            return Some("an earlier one has arrived, or may have".into());
        }
        // "All the same" is said of what she had written by then; what comes after is another word.
        let anyway = self.state.anyway.as_ref() == Some(&self.effect.key);
        let lifted_until = anyway.then(|| self.state.anyway_at.unwrap_or(Timestamp::MAX));
        let hours = self.procedure.parameters.coach.wrote_within_hours;
        let recent = earlier(self.cx.now, SignedDuration::from_hours(hours));
        let wrote = portal.messages.iter().any(|message| {
            message.author == Author::Coach
                && message.sent_at > recent
                && lifted_until.is_none_or(|until| message.sent_at > until)
                && self.state.is_objection(&message.id, message.sent_at)
        });
        let wrote = wrote.then(|| {
            format!(
                "the coach wrote to her by hand in the last {hours} hours: send it all the same?"
            )
        });
        let minor = self.is_minor(portal);
        let lifted = anyway && self.state.anyway_of_minor;
        let whom = minor.as_ref().filter(|_| !lifted);
        let whom = whom.map(|_| "she is a minor: whom may the clinic mail or call?".to_owned());
        let reasons: Vec<_> = whom.into_iter().chain(wrote).collect();
        (!reasons.is_empty()).then(|| HoldReason {
            reason: reasons.join(" And "),
            command: None,
            minor,
            lifts: true,
        })
    }

    /// What is told of a minor before anything but a message in the portal: that is her own; an address
    /// and a number may be a parent's, and which of them may hear of her treatment only a person can say
    /// (A36). What an event told counts where the read leaves it out.
    fn is_minor(&self, portal: &PortalReading) -> Option<String> {
        let in_portal = Outreach::of(self.effect.kind()) == Some(Outreach::PortalMessage);
        let known = self.state.client.told(&portal.client);
        known
            .as_minor(self.reading.not_offered.records)
            .filter(|_| !in_portal)
    }

    /// The hours: portal messages in portal hours, mail in outreach hours where she lives, calls in
    /// office hours that are hours for calls where she lives (A1, A26, E24).
    fn too_early(&self) -> Option<(Timestamp, String)> {
        let calendar = self.cx.calendar;
        let now = self.cx.now;
        let (slot, hours) = match Outreach::of(self.effect.kind())? {
            Outreach::PortalMessage => {
                let after = self
                    .procedure
                    .parameters
                    .waits
                    .first_message_after_due_hours;
                let earliest = self.state.due_at.map_or(now, |due_at| {
                    later(due_at, SignedDuration::from_hours(after)).max(now)
                });
                if self.by_hand().is_some() {
                    // She is asked when she is there, so that the text is true when she reads it.
                    let office = calendar.office_slot(calendar.portal_slot(earliest));
                    (calendar.portal_slot(office), "her coach's hours")
                } else {
                    (calendar.portal_slot(earliest), "portal hours")
                }
            }
            Outreach::Email => {
                let portal = self.reading.portal.as_ref();
                let zone = portal.and_then(|portal| portal.client.time_zone.as_deref());
                (calendar.outreach_slot(now, zone), "hours for mail")
            }
            Outreach::CallTask => {
                let portal = self.reading.portal.as_ref();
                let zone = portal.and_then(|portal| portal.client.time_zone.as_deref());
                (calendar.call_slot(now, zone), "hours for calls")
            }
        };
        (slot > now).then(|| (slot, format!("outside {hours}")))
    }

    /// Every sentence is true, or it is not sent.
    fn truthful(&self) -> Verdict {
        let render = self.render();
        let days = self.procedure.parameters.window_days;
        let true_on = |at| self.state.truth(self.cx.calendar.date_of(at), days);
        let truth = true_on(self.true_at());
        let input = &self.effect.input;
        let chosen = input
            .script()
            .map(|id| self.procedure.scripts.choose(id, &truth));
        let outcome = match (self.by_hand(), chosen) {
            // Her coach has words of her own. As a proposal nobody is shown what would not be true.
            (Some(Outreach::PortalMessage), Some(Err(_))) => {
                let ready = (self.case.mode == Mode::Act).then(|| render.as_asked().ok());
                return Verdict::ByHand {
                    ready: ready.flatten(),
                    hand_over: HandOver::default(),
                };
            }
            (Some(Outreach::Email | Outreach::CallTask), Some(_)) => return self.handed_over(),
            (_, Some(Ok((id, script)))) => render.outreach(id, script),
            (_, Some(Err(error))) => {
                let id = input.script().unwrap_or_default();
                let is_true_now = self.procedure.scripts.choose(id, &true_on(self.cx.now));
                Err(match is_true_now {
                    Ok(_) => too_late(self.cx.calendar, input.kind(), &error, self.cx.now).into(),
                    Err(_) => error.to_string().into(),
                })
            }
            (_, None) => Err("it has no script".into()),
        };
        match outcome {
            Ok(request) if self.by_hand().is_some() => Verdict::ByHand {
                ready: Some(request),
                hand_over: HandOver::default(),
            },
            Ok(request) => self.let_out(request),
            Err(reason) => reason.hold(render.as_asked().ok()),
        }
    }

    /// When it has to be true: now, or when it goes out at the earliest, where her coach's silence is waited for.
    fn true_at(&self) -> Timestamp {
        let now = self.cx.now;
        if !self.asks_first() || !self.waits_for_silence() {
            return now;
        }
        match self.reading.silence {
            Silence::Consent { from } if self.to_ask().is_none() => from.max(now),
            Silence::Consent { .. } | Silence::NotYet | Silence::Nothing => self.goes_out(),
        }
    }

    /// Out with it, unless her coach is to be asked first, or has not been told for long enough.
    fn let_out(&self, request: Request) -> Verdict {
        let now = self.cx.now;
        if !self.asks_first() {
            return Verdict::Go(request);
        }
        if let Some(facts) = self.to_ask() {
            return Verdict::Ask {
                at: self.goes_out(),
                silence: self.waits_for_silence(),
                facts,
                ready: request,
            };
        }
        let calendar = self.cx.calendar;
        let (at, reason) = match self.reading.silence {
            _ if !self.waits_for_silence() => (
                calendar.next_working_morning(now),
                "it waits for her coach's word",
            ),
            Silence::Consent { from } if from <= now => return Verdict::Go(request),
            Silence::Consent { from } => (from, "her coach was told, and may still stop it"),
            Silence::NotYet | Silence::Nothing => (
                calendar.office_time_after(now, LOOK_AGAIN),
                "her coach has not been told for long enough",
            ),
        };
        Verdict::Later {
            at,
            reason: reason.into(),
        }
    }

    /// Whether her coach has a say before it goes out (A30), and has not said yet that it may. A question that is open is
    /// ended as it was asked. In propose mode nothing goes out, and nobody is asked.
    fn asks_first(&self) -> bool {
        let said = self.state.anyway.as_ref() == Some(&self.effect.key);
        let acts = self.case.mode == Mode::Act;
        let is_message = self.effect.kind().is_message();
        let is_set = self.cx.ask_first.contains(&self.case.step) || self.asked().is_some();
        acts && is_message && !said && is_set
    }

    /// The open question about this one.
    fn asked(&self) -> Option<&NewWork> {
        let is_it = self.state.asked_first.as_ref() == Some(&self.effect.key);
        self.state.asked.as_ref().filter(|_| is_it)
    }

    /// Whether silence may let it go: not where nobody can tell whether she knows, nor where nobody could tell her for
    /// days.
    fn waits_for_silence(&self) -> bool {
        let now = self.cx.now;
        let counts = self.reading.silence != Silence::Nothing;
        let overdue = match self.asked().map(moment_of) {
            None => false,
            // It waits for her word already, perhaps because it was overdue.
            Some(None) => self.reading.silence == Silence::NotYet,
            Some(Some(moment)) => {
                self.reading.silence == Silence::NotYet && is_overdue(self.cx.calendar, moment, now)
            }
        };
        counts && !overdue
    }

    /// What is to be learned first where she is to be asked, anew perhaps: another coach is, or by other words. `None`: she
    /// is asked already.
    fn to_ask(&self) -> Option<Vec<Fact>> {
        let portal = self.reading.portal.as_ref()?;
        let client = &portal.client;
        let has_another = client.coach != self.state.client.coach;
        let facts = has_another.then(|| {
            let body = FactBody::ClientUpdated {
                client: Box::new(client.clone()),
            };
            self.fact(client.id.as_str(), self.reading.read_at, body)
        });
        let as_asked = self
            .asked()
            .is_some_and(|work| moment_of(work).is_some() == self.waits_for_silence());
        (has_another || !as_asked).then(|| facts.into_iter().collect())
    }

    /// When it goes out for a coach who is told now.
    fn goes_out(&self) -> Timestamp {
        let zone = self.state.client.zone.as_deref();
        goes_out(self.cx.calendar, self.effect.kind(), zone, self.cx.now)
    }

    /// An email or a call of the coach's own, if there is somebody to make it and somebody to reach. What the
    /// text claims and is not so stands beside it: she decides about the words.
    fn handed_over(&self) -> Verdict {
        match self.render().hand_over() {
            Ok(hand_over) => Verdict::ByHand {
                ready: None,
                hand_over,
            },
            Err(reason) => reason.hold(None),
        }
    }

    /// The way of reaching her, where a person goes it, since no tool lets the relay.
    fn by_hand(&self) -> Option<Outreach> {
        let kind = self.effect.kind();
        Outreach::of(kind).filter(|_| self.reading.not_offered.includes(kind))
    }
}

/// A rendered request, or why there can be none, with the remedy.
pub(super) type RenderedRequest = Result<Request, HoldReason>;
