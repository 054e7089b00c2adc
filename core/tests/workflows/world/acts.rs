//! What the people of the story do, and what can be seen of it.

use relay_core::case::{CaseStatus, Mode, Wait};
use relay_core::clients::{Author, PortalMessage};
use relay_core::effects::EffectInput;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{EffectKey, MessageId};
use relay_core::time::SignedDuration;
use relay_core::workflow::{Input, NewWork, Silence};
use relay_core::workflows::missed_check_in::{Notice, goes_out, notice};

use super::World;

impl World {
    pub(crate) fn client_writes(&mut self) {
        self.writes(Author::Client);
    }

    pub(crate) fn coach_writes(&mut self) {
        self.writes(Author::Coach);
    }

    fn writes(&mut self, author: Author) {
        self.messages.push(PortalMessage {
            id: format!("m{}", self.messages.len()).as_str().into(),
            author,
            coach: None,
            sent_at: self.now,
            text: "words".into(),
            key: None,
        });
    }

    /// She writes, unless she has in this very moment, and the relay is told.
    pub(crate) fn replies(&mut self) -> bool {
        let now = self.now;
        let last = self.messages.last();
        if last.is_none_or(|last| last.author != Author::Client || last.sent_at != now) {
            self.client_writes();
        }
        let last = self.messages.len() - 1;
        self.hears_of(last)
    }

    /// The relay is told of a message, now or as late as it likes.
    pub(crate) fn hears_of(&mut self, index: usize) -> bool {
        let message = self.messages[index].clone();
        let body = match message.author {
            Author::Client => FactBody::ClientReplied {
                message: Some(message.id.clone()),
                channel: "portal".into(),
            },
            Author::Coach => FactBody::CoachWrote {
                message: message.id.clone(),
                coach: message.coach.clone(),
            },
        };
        let fact = Fact {
            client: self.client.id.clone(),
            object: message.id.to_string(),
            source_time: message.sent_at,
            body,
        };
        self.step(&Input::Fact { fact })
    }

    /// The portal is read: every message of both sides. The client's that were news.
    pub(crate) fn read_messages(&mut self) -> Vec<MessageId> {
        let mut news = Vec::new();
        for index in 0..self.messages.len() {
            let message = self.messages[index].clone();
            if self.hears_of(index) && message.author == Author::Client {
                news.push(message.id);
            }
        }
        news
    }

    pub(crate) fn checks_in(&mut self) -> bool {
        self.check_ins[0].submitted_at = Some(self.now);
        self.learn(FactBody::CheckInSubmitted {
            check_in: "c1".into(),
            complete: true,
        })
    }

    pub(crate) fn update(&mut self) -> bool {
        let client = Box::new(self.client.clone());
        self.learn(FactBody::ClientUpdated { client })
    }

    pub(crate) fn reason(&self) -> &str {
        match &self.case.status {
            CaseStatus::Open => "",
            CaseStatus::Paused { reason }
            | CaseStatus::Held { reason }
            | CaseStatus::Closed { reason } => reason,
        }
    }

    pub(crate) fn is(&self, status: &str) -> bool {
        self.case.status.as_str() == status
    }

    /// A message that her coach has a say in goes out at the moment that she has read, and could read for two hours of the
    /// office's time, or by her word.
    pub(crate) fn was_asked_first(&self, key: &EffectKey) {
        let acts = self.case.mode == Mode::Act && self.planned[key].kind().is_message();
        if acts && self.asks.contains(&self.case.step) {
            let said = self.case.data["anyway"] == key.as_str();
            let two_hours = SignedDuration::from_hours(2);
            let told = self.told.filter(|_| self.silence_counts);
            let in_time = told.is_some_and(|(told, moment)| {
                let earliest = self.calendar.office_time_after(told, two_hours);
                moment.is_some_and(|moment| earliest <= moment && moment <= self.now)
            });
            assert!(said || in_time, "{key} was not asked about");
        }
    }

    /// What the engine would tell the guard of her coach's silence.
    pub(super) fn silence(&self) -> Silence {
        let consent = self.told.and_then(|(told, moment)| {
            let moment = moment?;
            let in_time = notice(&self.calendar, told, moment, self.now) == Notice::InTime;
            in_time.then_some(Silence::Consent { from: moment })
        });
        match consent {
            _ if !self.silence_counts => Silence::Nothing,
            Some(consent) => consent,
            None => Silence::NotYet,
        }
    }

    /// Carries on with the effect that is waited for, if one is.
    pub(crate) fn carry_out_if_waiting(&mut self) {
        if matches!(self.case.wait, Some(Wait::Effect { .. })) {
            self.carry_out();
        }
    }

    /// Whoever acts for her coach can see what is asked: the task was written half a minute ago.
    pub(crate) fn is_told(&mut self) {
        let mut asked = self.work.iter().filter(|work| work.kind == "ask_first");
        if let Some(work) = asked.next() {
            let kind = serde_json::from_value(work.detail["goes_out"]["kind"].clone()).ok();
            let zone = self.client.time_zone.as_deref();
            let moment = kind.map(|kind| goes_out(&self.calendar, kind, zone, self.now));
            self.now += SignedDuration::from_secs(30);
            self.told = Some((self.now, moment));
        }
    }

    pub(crate) fn asked(&self, kind: &str) -> &NewWork {
        let mut found = self.work.iter().filter(|work| work.kind == kind);
        found
            .next()
            .unwrap_or_else(|| panic!("no {kind} in {:?}", self.work))
    }

    pub(crate) fn said(&self, words: &str) -> bool {
        self.timeline.iter().any(|line| line.text.contains(words))
    }

    pub(crate) fn plans(&self, wanted: impl Fn(&EffectInput) -> bool) -> bool {
        self.planned.values().any(|effect| wanted(&effect.input))
    }

    /// Outreach that is planned, has not settled and is still wanted.
    pub(crate) fn live_outreach(&self) -> usize {
        let wanted = self.planned.values().filter(|effect| {
            effect.kind().is_outreach()
                && !self.cancelled.contains(&effect.key)
                && !self.settled.contains(&effect.key)
        });
        wanted.count()
    }

    /// How many outreaches were ever planned.
    pub(crate) fn outreach_planned(&self) -> usize {
        let outreach = self.planned.values();
        outreach
            .filter(|effect| effect.kind().is_outreach())
            .count()
    }

    pub(crate) fn mode(mut self, mode: Mode) -> Self {
        self.case.mode = mode;
        self
    }
}
