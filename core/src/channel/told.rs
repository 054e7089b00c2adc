//! What was told beside the history, in words: who told it, when, and of which mail.

use super::engagement::{EngagementEvent, EngagementKind, EngagementSource, JudgedEvent};
use super::words::Words;
use super::{ChannelDecision, ChannelRule, EmailEngagement, JudgedEmail, MailEvidence, Obstacle};
use crate::clients::AddressState;
use crate::time::{TimeZone, Timestamp};

impl EngagementEvent {
    /// `an automation post of Nov 4 10:12 says that she clicked 'Welcome 3'`, in the clinic's time.
    pub fn words(&self, zone: &TimeZone) -> String {
        let did = match (self.kind, &self.label) {
            (EngagementKind::Open, Some(label)) => format!("opened '{label}'"),
            (EngagementKind::Open, None) => "opened an email".to_owned(),
            (EngagementKind::Click, Some(label)) => format!("clicked '{label}'"),
            (EngagementKind::Click, None) => "clicked in an email".to_owned(),
        };
        match self.source {
            EngagementSource::Post => {
                let at = minute(self.seen_at, zone);
                format!("an automation post of {at} says that she {did}")
            }
            EngagementSource::Poll | EngagementSource::History => {
                let (seen, at) = (minute(self.seen_at, zone), minute(self.at, zone));
                format!("a look on {seen} showed that she {did} on {at}")
            }
        }
    }
}

impl MailEvidence {
    /// What is there where no tool tells of mail: whether an address and a number are on file.
    pub fn not_told(at: Timestamp, has_address: bool, has_phone: bool) -> Self {
        Self {
            read_at: at,
            address: if has_address {
                AddressState::NeverMailed
            } else {
                AddressState::Missing
            },
            has_phone,
            emails: Vec::new(),
            unreadable: None,
            engagement: Vec::new(),
            address_unread: false,
            not_told: true,
        }
    }
}

impl Words<'_> {
    /// Whether no mail of the history has led to *seen*: then what was told has.
    pub(super) fn only_told(&self) -> bool {
        let strict = self.decision.rule == ChannelRule::Strict;
        let counts = |mail: &JudgedEmail| {
            if strict {
                mail.counts_strict()
            } else {
                mail.counts_as_shown()
            }
        };
        let mails = self.obstacle.is_none() && self.decision.emails.iter().any(counts);
        self.decision.seen == EmailEngagement::Seen && !mails
    }

    /// Why, where what was told beside the history has a part in the answer.
    pub(super) fn reason_from_told(&self) -> Option<String> {
        let decision = self.decision;
        if self.only_told() {
            let told = decision.told().next()?;
            let words = told.event.words(self.zone);
            if self.unread() {
                return Some(format!("email history could not be read; {words}"));
            }
            let read = minute(self.decision.read_at, self.zone);
            let not_shown = format!("which the email history read on {read} does not show");
            return Some(format!("{words}, {not_shown}"));
        }
        let undecided = decision.seen == EmailEngagement::CannotTell;
        let no_mail = self.obstacle.is_some() || !shows_anything(decision);
        let discounted = newest_as_shown(decision).filter(|_| undecided && no_mail)?;
        let (words, why) = (
            discounted.event.words(self.zone),
            &discounted.signs.first()?.says,
        );
        Some(if self.unread() {
            format!("email history could not be read; {words}, but {why}")
        } else {
            format!("{words}, but {why}")
        })
    }

    fn unread(&self) -> bool {
        matches!(
            self.obstacle,
            Some(Obstacle::Unreadable(_) | Obstacle::NotTold)
        )
    }

    /// What the coach should know of an answer that what was told has led to.
    pub(super) fn cautions_of_told(&self) -> Vec<String> {
        let mut cautions = Vec::new();
        if !self.only_told() {
            return cautions;
        }
        if let Some(Obstacle::Unreadable(why)) = self.obstacle {
            cautions.push(format!("decided without the email history ({why})"));
        }
        let discounted = newest_as_shown(self.decision).filter(|told| !told.counts);
        if let Some(why) = discounted.and_then(|told| told.signs.first())
            && self.decision.strict != EmailEngagement::Seen
        {
            cautions.push(format!("perhaps nobody read it: {}", why.says));
        }
        cautions
    }
}

/// Whether a considered mail shows an open, a click or a reply.
fn shows_anything(decision: &ChannelDecision) -> bool {
    decision.emails.iter().any(JudgedEmail::counts_as_shown)
}

fn newest_as_shown(decision: &ChannelDecision) -> Option<&JudgedEvent> {
    let mut told = decision.engagement.iter();
    told.find(|told| told.counts_as_shown())
}

/// `Nov 4 10:12`.
fn minute(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%b %-d %H:%M").to_string()
}
