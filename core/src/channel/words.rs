//! The decision in words for a coach: plain, short, no more than the evidence says.

use super::{
    Channel, ChannelDecision, EmailEngagement, FOR_PEOPLE, MachineRule, MailEvidence, Obstacle,
};
use crate::channel::{ChannelRule, JudgedEmail};
use crate::clients::AddressState;
use crate::time::{TimeZone, Timestamp};

/// What the words are about.
pub(super) struct Words<'a> {
    /// The decision, complete but for its words.
    pub(super) decision: &'a ChannelDecision,
    /// What it was made from.
    pub(super) evidence: &'a MailEvidence,
    /// What stood in the way of an answer.
    pub(super) obstacle: Option<&'a Obstacle>,
    /// Whether a last regimen change was given and lies in the future.
    pub(super) regimen_ignored: bool,
    /// The clinic's zone.
    pub(super) zone: &'a TimeZone,
}

impl Words<'_> {
    /// Why, in a few words.
    pub(super) fn reason(&self) -> String {
        if let Some(told) = self.reason_from_told() {
            return told;
        }
        match self.obstacle {
            Some(Obstacle::NotTold) if self.decision.channel == Channel::Hold => {
                "no phone number and no email address of hers is on file".to_owned()
            }
            Some(Obstacle::NotTold) => {
                "nobody tells the relay which of the clinic's emails she opened".to_owned()
            }
            Some(Obstacle::Unreadable(_)) if self.for_people() => {
                "her email history could not be read".to_owned()
            }
            Some(Obstacle::Unreadable(why)) => format!("email history could not be read: {why}"),
            Some(Obstacle::Address(state)) if self.for_people() => state.words().to_owned(),
            Some(Obstacle::Address(state)) => address(state),
            Some(Obstacle::NothingSent) => {
                let since = self.day(self.decision.considered_since);
                format!("no email was sent since {since}")
            }
            None => self.reason_from_mails(),
        }
    }

    fn for_people(&self) -> bool {
        self.decision.logic >= FOR_PEOPLE
    }

    /// Why, where there were mails to judge.
    fn reason_from_mails(&self) -> String {
        match self.decision.seen {
            EmailEngagement::NotSeen => format!("{} unopened", self.last_emails()),
            EmailEngagement::Seen => self.deeds(self.decision.rule == ChannelRule::Strict),
            EmailEngagement::CannotTell => {
                format!("{}, but only as machines do", self.deeds(false))
            }
        }
    }

    /// "opened 2 and clicked 1 of the last 3 emails"; under `strict` only events that count there.
    fn deeds(&self, strict: bool) -> String {
        let count = |did: &dyn Fn(&JudgedEmail) -> bool| {
            self.decision.considered().filter(|mail| did(mail)).count()
        };
        let opened = count(&|mail| {
            if strict {
                mail.open_counts
            } else {
                mail.email.opened_at.is_some()
            }
        });
        let clicked = count(&|mail| {
            if strict {
                mail.click_counts
            } else {
                mail.email.clicked_at.is_some()
            }
        });
        let replied = count(&JudgedEmail::replied);
        let all = self.considered();
        let deeds: Vec<String> = [
            ("opened", opened),
            ("clicked in", clicked),
            ("replied to", replied),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(deed, count)| {
            if all == 1 {
                deed.to_owned()
            } else {
                format!("{deed} {count}")
            }
        })
        .collect();
        let deeds = deeds.join(" and ");
        if all == 1 {
            format!("{deeds} the last email")
        } else {
            format!("{deeds} of the {}", self.last_emails())
        }
    }

    /// What the coach should know.
    pub(super) fn cautions(&self) -> Vec<String> {
        let decision = self.decision;
        let mut cautions = self.cautions_of_told();
        let shown =
            decision.as_shown == EmailEngagement::Seen && decision.strict != EmailEngagement::Seen;
        if shown && !self.only_told() {
            cautions.push(
                "every open and click looks like a machine's: perhaps nobody read these emails"
                    .to_owned(),
            );
        }
        if decision
            .considered()
            .any(|mail| mail.shows(MachineRule::ClickWithoutOpen))
        {
            cautions.push(
                "a click without an open: images were blocked, or a scanner followed the link"
                    .to_owned(),
            );
        }
        cautions.extend(self.newsletters_only());
        let (have, want) = (self.considered(), decision.parameters.emails);
        if self.obstacle.is_none() && u32::try_from(have).is_ok_and(|have| have < want) {
            cautions.push(format!("only {} to tell from", count(have)));
        }
        if self.regimen_ignored {
            cautions.push(
                "the last regimen change on file can't be used: it lies in the future".to_owned(),
            );
        }
        cautions.extend(self.no_number());
        cautions
    }

    /// What the coach is told where a call was due and there is no number (E13).
    fn no_number(&self) -> Option<String> {
        if self.evidence.has_phone || self.decision.seen == EmailEngagement::Seen {
            return None;
        }
        Some(match self.decision.channel {
            Channel::Hold if self.obstacle == Some(&Obstacle::NotTold) => {
                "no number to call, and nowhere to write to: decide by hand".to_owned()
            }
            Channel::Email if self.obstacle == Some(&Obstacle::NotTold) => {
                "no number to call: an email instead".to_owned()
            }
            Channel::Hold => {
                "no number to call, and no address that takes mail: decide by hand".to_owned()
            }
            Channel::Email | Channel::Phone => {
                "no number to call: the email goes out instead".to_owned()
            }
        })
    }

    /// What would have led to another channel.
    pub(super) fn would_change(&self) -> String {
        let decision = self.decision;
        let called = decision.seen != EmailEngagement::Seen;
        match (decision.channel, self.evidence.has_phone) {
            (Channel::Email, true) if self.only_told() => {
                "had nobody told that, it would have led to a call".to_owned()
            }
            (Channel::Email, true) if decision.told().next().is_some() => format!(
                "no open, click or reply in {}, and none told otherwise, would have led to a call",
                self.these_emails()
            ),
            (Channel::Email, true) => format!(
                "no open, click or reply in {} would have led to a call",
                self.these_emails()
            ),
            (Channel::Email, false) if called => {
                "a phone number on file would have led to a call".to_owned()
            }
            (Channel::Email, false) => {
                "nothing in the emails: there is no number to call".to_owned()
            }
            (Channel::Phone, _) => format!("{} would have led to email", self.missing()),
            (Channel::Hold, _) => format!(
                "a phone number on file would have led to a call; {} would have led to email",
                self.missing()
            ),
        }
    }

    /// What was missing for the email scenario.
    fn missing(&self) -> String {
        match self.obstacle {
            Some(Obstacle::NotTold) if self.decision.channel == Channel::Hold => {
                "an email address on file".to_owned()
            }
            Some(Obstacle::NotTold) => {
                "a tool that tells the relay of the clinic's emails, and one that she opened,"
                    .to_owned()
            }
            Some(Obstacle::Unreadable(_)) => {
                "an email history that can be read and shows one open, click or reply".to_owned()
            }
            Some(Obstacle::Address(_)) => {
                "an address that takes mail, and one email opened there,".to_owned()
            }
            Some(Obstacle::NothingSent) => {
                let since = self.day(self.decision.considered_since);
                format!("one email sent since {since} and opened")
            }
            None if self.decision.seen == EmailEngagement::NotSeen => {
                format!("one open, click or reply in {}", self.these_emails())
            }
            None => format!(
                "one open, click or reply in {} that doesn't look like a machine's",
                self.these_emails()
            ),
        }
    }

    /// How many mails were considered.
    fn considered(&self) -> usize {
        self.decision.considered().count()
    }

    /// "last 3 emails", "last email".
    fn last_emails(&self) -> String {
        match self.considered() {
            1 => "last email".to_owned(),
            many => format!("last {many} emails"),
        }
    }

    /// "the email of Oct 29", "the 3 emails sent since Oct 29".
    fn these_emails(&self) -> String {
        let oldest = self.decision.considered().map(|mail| mail.email.sent_at);
        let since = self.day(oldest.min().unwrap_or(self.decision.considered_since));
        match self.considered() {
            1 => format!("the email of {since}"),
            many => format!("the {many} emails sent since {since}"),
        }
    }

    /// The date at the clinic, as staff write it: `Oct 29`.
    fn day(&self, at: Timestamp) -> String {
        self.zone
            .to_datetime(at)
            .date()
            .strftime("%b %-d")
            .to_string()
    }
}

/// Why mail can't reach her, as decisions said it before [`FOR_PEOPLE`]. The word in brackets is the CRM's own.
fn address(state: &AddressState) -> String {
    match state {
        AddressState::Undeliverable(word) => format!("email can't be delivered ({word})"),
        AddressState::OptedOut(word) => format!("opted out of email ({word})"),
        AddressState::Missing => "no email address on file".to_owned(),
        AddressState::Unknown(word) => format!("unknown email status ({word})"),
        // No obstacle, so never asked about.
        AddressState::Deliverable | AddressState::NeverMailed => "email can arrive".to_owned(),
    }
}

/// "1 email", "2 emails".
fn count(emails: usize) -> String {
    match emails {
        1 => "1 email".to_owned(),
        many => format!("{many} emails"),
    }
}
