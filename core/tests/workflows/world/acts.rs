//! What the people of the story do, and what can be seen of it.

use relay_core::case::{CaseStatus, Mode};
use relay_core::clients::{Author, PortalMessage};
use relay_core::effects::EffectInput;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::MessageId;
use relay_core::workflow::{Input, NewWork};

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
