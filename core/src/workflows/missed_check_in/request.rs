//! From a planned effect and a reading to the exact words and ids it goes out with.
//!
//! Names, addresses and numbers come from the reading and from nowhere else: the coach of the
//! moment signs (E41), the linked contact receives (E21). What comes from outside is judged and put
//! on one line before it stands in a text ([`outside`]): a task's lines are ours, so that the line
//! in which the coach answers can't be written by anybody else.

use super::guard::RenderedRequest;
use super::state::State;
use crate::clients::{Coach, ContactSnapshot};
use crate::effects::{EffectInput, HandOver, PlannedEffect, Request as Wire, request};
use crate::ids::{ClientId, CoachId, ContactId, CrmUserId};
use crate::outside::{self, NameFault};
use crate::procedure::MissedCheckInProcedure;
use crate::scripts::{Script, Values, date_words, moment_words, weekday_words};
use crate::time::{Date, Timestamp};
use crate::workflow::{Context, GuardReading, HoldReason};

/// What she may learn in a call, or have learned before it.
const INSTEAD: &str = "If she wants to leave, has a complaint, is unwell or asks for no contact, write that instead; if \
     she has answered you elsewhere, write replied.";

/// Everything a request is made of.
pub(super) struct Request<'a> {
    pub(super) procedure: &'a MissedCheckInProcedure,
    pub(super) cx: Context<'a>,
    pub(super) client: &'a ClientId,
    pub(super) state: &'a State,
    pub(super) effect: &'a PlannedEffect,
    pub(super) reading: &'a GuardReading,
}

impl<'a> Request<'a> {
    /// The request with the script as asked for, whatever it claims: for a person to look at.
    pub(super) fn as_asked(&self) -> RenderedRequest {
        let id = self.effect.input.script().ok_or("it has no script")?;
        let script = self.procedure.scripts.get(id);
        self.outreach(id, script.ok_or("there is no such script")?)
    }

    /// An outreach with the text of `script`.
    pub(super) fn outreach(&self, id: &str, script: &Script) -> RenderedRequest {
        let text = script
            .render(id, &self.values())
            .map_err(|error| HoldReason::from(error.to_string()))?
            .text;
        self.made(Some(text))
    }

    /// Everything that no client sees.
    pub(super) fn aside(&self) -> RenderedRequest {
        self.made(None)
    }

    /// The request that is made of the effect's input, and of `text` where it has a script.
    fn made(&self, text: Option<String>) -> RenderedRequest {
        let text = || text.ok_or("it has no script");
        match &self.effect.input {
            EffectInput::PortalMessage { .. } => Ok(Wire::PortalMessage(request::PortalMessage {
                client: self.client.clone(),
                author: self.author()?,
                text: text()?,
            })),
            EffectInput::Email { due, .. } => self.email(*due, text()?),
            EffectInput::CallTask {
                due,
                reason,
                call_by,
                ..
            } => self.call_task(*due, reason, *call_by, &text()?),
            EffectInput::PortalNote { text, .. } => Ok(Wire::PortalNote(request::PortalNote {
                client: self.client.clone(),
                author: None,
                text: text.clone(),
            })),
            EffectInput::ContactNote { title, text, .. } => {
                Ok(Wire::ContactNote(request::ContactNote {
                    contact: self.contact_id()?,
                    user: self.user()?,
                    title: title.clone(),
                    text: text.clone(),
                }))
            }
            input @ (EffectInput::AddTag { .. } | EffectInput::RemoveTag { .. }) => {
                let made = request::of_contact(input, &self.contact_id()?);
                made.ok_or_else(|| "it needs more than a contact".into())
            }
            EffectInput::CloseTask {
                called, went_out, ..
            } => Ok(Wire::CloseTask(request::CloseTask {
                task: self.reading.task.clone().ok_or("the task is not known")?,
                called: *called,
                went_out: *went_out,
            })),
            EffectInput::ReassignTask { .. } => Ok(Wire::ReassignTask(request::ReassignTask {
                task: self.reading.task.clone().ok_or("the task is not known")?,
                user: self.user()?,
            })),
            EffectInput::WorkTask { .. }
            | EffectInput::ContactType { .. }
            | EffectInput::AutoChargeOff { .. }
            | EffectInput::DeactivateSubscription { .. }
            | EffectInput::RemoveCard { .. } => Err("it is no effect of this procedure".into()),
        }
    }

    fn email(&self, due: Date, text: String) -> RenderedRequest {
        let contact = self.contact()?;
        if !contact.address.accepts_mail() {
            return Err(format!(
                "mail can't reach her ({}): if it continues, the channel is decided anew",
                contact.address.words()
            )
            .into());
        }
        self.address_is_hers(contact)?;
        let subject = self.subject(due)?;
        Ok(Wire::Email(request::Email {
            contact: contact.id.clone(),
            user: self.user()?,
            subject,
            text,
        }))
    }

    /// Nobody is mailed or called by a contact whose address the portal does not have for her: it may
    /// be shared, or somebody else's, and so may its number. A person who links her by hand says that it is hers all
    /// the same.
    fn address_is_hers(&self, contact: &ContactSnapshot) -> Result<(), HoldReason> {
        let folded = |address: &str| address.trim().to_lowercase();
        let portal = self.reading.portal.as_ref();
        let told = portal.and_then(|portal| portal.client.email.as_deref());
        let same = told.zip(contact.email.as_deref());
        if same.is_some_and(|(told, used)| folded(told) == folded(used))
            || self.reading.address_confirmed
        {
            return Ok(());
        }
        let records = self.records();
        let what = match told {
            Some(_) => format!("{records} and the CRM have different email addresses for her"),
            None => format!("{records} has no email address of hers to compare the CRM's with"),
        };
        let (client, contact) = (self.client, &contact.id);
        Err(HoldReason {
            reason: format!(
                "{what}: correct the wrong one, or ask your admin to say that the CRM's is hers; then it can \
                 continue"
            ),
            command: Some(format!(
                "clear-relay clients link {client} {contact} --by NAME"
            )),
            minor: None,
            lifts: false,
        })
    }

    fn call_task(&self, due: Date, reason: &str, call_by: Date, script: &str) -> RenderedRequest {
        let contact = self.contact()?;
        // A contact without an address has none that could be another's: the link alone says whose it is.
        if contact.email.is_some() {
            self.address_is_hers(contact)?;
        }
        let portal = self.reading.portal.as_ref();
        let phone = contact.phone.as_deref().and_then(outside::phone);
        let phone = phone.or_else(|| {
            let told = portal.and_then(|portal| portal.client.phone.as_deref());
            told.and_then(outside::phone)
        });
        let phone = phone.ok_or(
            "she has no phone number: add one in the CRM; if it continues without, the channel is decided \
             anew",
        )?;
        let who = portal.and_then(|portal| portal.client.short_name());
        let who = who.ok_or_else(|| {
            let first = portal.and_then(|portal| portal.client.first_name.as_deref());
            let fault = outside::name(first).err().unwrap_or(NameFault::Missing);
            let (fault, records) = (fault.words(), self.records());
            format!("her first name {fault}: correct it in {records}")
        })?;
        let reason = &outside::one_line(reason);
        let due_words = date_words(due);
        let why = if reason.is_empty() {
            String::new()
        } else {
            format!(", {reason}")
        };
        let today = self.cx.calendar.date_of(self.cx.now);
        Ok(Wire::CallTask(request::CallTask {
            contact: contact.id.clone(),
            user: self.user()?,
            title: format!("CALL {who}: check-in due {}{why}", short(&due_words)),
            description: self.call_description(&due_words, reason, &phone, script),
            due: self.closing(call_by.max(today)),
        }))
    }

    fn subject(&self, due: Date) -> Result<String, HoldReason> {
        let subject = outside::one_line(&self.procedure.parameters.email_subject);
        let subject = subject.replace("{date}", &date_words(due));
        if outside::has_merge_field(&subject) {
            return Err(
                "the subject has a merge field that nobody fills: correct email.subject in the \
                 procedure"
                    .into(),
            );
        }
        Ok(subject)
    }

    /// What her coach needs to mail or call her where the relay has no CRM: what the portal knows of her. The words
    /// are made ready where she is asked.
    pub(super) fn hand_over(&self) -> Result<HandOver, HoldReason> {
        self.coach()?;
        let told = self.reading.portal.as_ref().map(|portal| &portal.client);
        let number = told.and_then(|told| told.phone.as_deref());
        let number = number.and_then(outside::phone);
        let address = told.and_then(|told| told.email.as_deref());
        let address = address
            .map(outside::one_line)
            .filter(|address| !address.is_empty());
        let mut hand_over = HandOver {
            number,
            address,
            subject: None,
        };
        let missing = match &self.effect.input {
            EffectInput::CallTask { .. } => hand_over.number.is_none().then_some("phone number"),
            EffectInput::Email { due, .. } => {
                hand_over.subject = Some(self.subject(*due)?);
                hand_over.address.is_none().then_some("email address")
            }
            other => return Err(format!("{} goes no other way", other.kind().spec().words).into()),
        };
        match missing {
            None => Ok(hand_over),
            Some(what) => Err(format!(
                "she has no {what} in {}: add one there; if it continues without, the channel is decided anew",
                self.records()
            )
            .into()),
        }
    }

    fn closing(&self, day: Date) -> Timestamp {
        self.cx.calendar.office_closing(day)
    }

    /// What the coach needs on one screen. The last line is hers to fill in. Everything that comes
    /// from outside is on one line behind words of ours; what she answers is, besides, only what is
    /// in the task and was not in it when it was made.
    fn call_description(&self, due: &str, reason: &str, phone: &str, script: &str) -> String {
        let mut lines = Vec::new();
        if let Some(stands_in) = &self.reading.stands_in {
            lines.push(format!("{}: you call for her.", stands_in.words()));
        }
        if !reason.is_empty() {
            lines.push(format!("Why a call: {reason}."));
        }
        let chosen = self.state.decision.iter();
        for caution in chosen.flat_map(|chosen| &chosen.cautions) {
            lines.push(format!("Note: {}.", outside::one_line(caution)));
        }
        for (what, at) in self.state.had() {
            lines.push(format!("She has had: {what}, {}.", self.moment(at)));
        }
        lines.push(format!("Check-in due: {due}."));
        lines.push(format!("Regimen: {}.", self.window()));
        let told = self.reading.portal.as_ref();
        let known = told.map(|told| self.state.client.told(&told.client));
        lines.extend(known.and_then(|known| known.as_minor(self.reading.not_offered.records)));
        lines.push(format!("Number: {phone}"));
        let page = told.and_then(|told| told.page.as_deref());
        lines.extend(
            page.map(|page| format!("Her page in the portal: {}", outside::one_line(page))),
        );
        lines.extend(self.her_clock());
        lines.push(format!("\nWhat to say:\n{script}\n"));
        lines.push("To a voicemail, say your name and number only.".into());
        lines.push(
            "After the call, write spoke, voicemail, no answer or wrong number in the line below, \
             and complete this task."
                .into(),
        );
        lines.push(INSTEAD.into());
        lines.push("Outcome:".into());
        lines.join("\n")
    }

    /// What is known of the three weeks.
    fn window(&self) -> String {
        let today = self.cx.calendar.date_of(self.cx.now);
        let days = self.procedure.parameters.window_days;
        self.state.window_words(days, today)
    }

    /// A moment as staff read it, clinic time.
    fn moment(&self, at: Timestamp) -> String {
        moment_words(self.cx.calendar.zone().to_datetime(at))
    }

    /// What the clock shows where she lives, if that is elsewhere (E24).
    fn her_clock(&self) -> Option<String> {
        let portal = self.reading.portal.as_ref();
        let zone = portal.and_then(|portal| portal.client.time_zone.as_deref());
        let calendar = self.cx.calendar;
        let clock = calendar.clock_elsewhere(self.cx.now, zone)?;
        let city = outside::city(zone.unwrap_or_default());
        Some(format!(
            "Where she lives ({city}) it was {}, {}:{:02} when this task was made.",
            weekday_words(clock.weekday()),
            clock.hour(),
            clock.minute()
        ))
    }

    fn values(&self) -> Values {
        let portal = self.reading.portal.as_ref();
        Values {
            client_name: portal.and_then(|portal| portal.client.first_name.clone()),
            coach_name: self.reading.coach.as_ref().map(|coach| coach.name.clone()),
            coach_unknown: self.names_a_coach(),
            due: Some(self.state.due),
            records: self.reading.not_offered.records,
        }
    }

    /// What to call the place where what is known of her is put right.
    fn records(&self) -> &'static str {
        self.reading.not_offered.records.words()
    }

    /// The portal names a coach, whoever that is.
    fn names_a_coach(&self) -> bool {
        let portal = self.reading.portal.as_ref();
        portal.is_some_and(|portal| portal.client.coach.is_some())
    }

    fn coach(&self) -> Result<&'a Coach, HoldReason> {
        self.reading.coach.as_ref().ok_or_else(|| {
            if self.names_a_coach() {
                let records = self.records();
                format!("{records} names a coach for her, but lists no coach with that id").into()
            } else {
                format!("she has no coach: assign one in {}", self.records()).into()
            }
        })
    }

    fn author(&self) -> Result<CoachId, HoldReason> {
        Ok(self.coach()?.id.clone())
    }

    /// E42: no other sender steps in without permission.
    fn user(&self) -> Result<CrmUserId, HoldReason> {
        let coach = self.coach()?;
        coach.crm_user.clone().ok_or_else(|| {
            format!(
                "{} has no active user in the CRM: give her one with the address that {} has",
                outside::short_line(&coach.name, 60),
                self.records()
            )
            .into()
        })
    }

    fn contact(&self) -> Result<&'a ContactSnapshot, HoldReason> {
        let contact = self.reading.contact.as_ref();
        let contact = contact.ok_or_else(|| self.reading.no_contact())?;
        let told = self.reading.portal.as_ref();
        let told = told.and_then(|portal| portal.client.contact.as_ref());
        if told.is_some_and(|told| *told != contact.id) {
            let (client, contact) = (self.client, &contact.id);
            return Err(HoldReason {
                reason: format!(
                    "{} names another contact than the one she is linked to: ask your admin to settle which is hers",
                    self.records()
                ),
                command: Some(format!(
                    "clear-relay clients link {client} {contact} --by NAME"
                )),
                minor: None,
                lifts: false,
            });
        }
        Ok(contact)
    }

    fn contact_id(&self) -> Result<ContactId, HoldReason> {
        Ok(self.contact()?.id.clone())
    }
}

/// `November 3` as `Nov 3`.
fn short(date_words: &str) -> String {
    match date_words.split_once(' ') {
        Some((month, day)) => {
            let month: String = month.chars().take(3).collect();
            format!("{month} {day}")
        }
        None => date_words.to_owned(),
    }
}
