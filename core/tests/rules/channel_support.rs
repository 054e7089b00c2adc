//! Mails and evidence for the channel tests, and the decision about them.

use relay_core::channel::{
    ChannelDecision, ChannelParameters, ChannelRule, EmailRecord, LeftOut, MachineRule,
    MailEvidence, decide,
};
use relay_core::clients::AddressState;
use relay_core::time::{Date, SignedDuration, TimeZone, Timestamp};

/// The decision is made on Friday, November 6, at 9:00 in Denver.
pub(crate) const NOW: &str = "2026-11-06T16:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A mail sent at 9:00 in Denver on a day of October or November 2026, before the clock change.
pub(crate) struct Mail(pub(crate) EmailRecord);

pub(crate) fn sent(day: &str) -> Mail {
    Mail(EmailRecord {
        id: format!("mail-{day}").into(),
        subject: Some("Your check-in".to_owned()),
        sent_at: at(&format!("2026-{day}T15:00:00Z")),
        opened_at: None,
        clicked_at: None,
        replied_at: None,
        sender: None,
    })
}

impl Mail {
    pub(crate) fn after(&self, secs: i64) -> Timestamp {
        self.0.sent_at + SignedDuration::from_secs(secs)
    }

    pub(crate) fn opened(mut self, secs: i64) -> Self {
        self.0.opened_at = Some(self.after(secs));
        self
    }

    pub(crate) fn clicked(mut self, secs: i64) -> Self {
        self.0.clicked_at = Some(self.after(secs));
        self
    }

    pub(crate) fn replied(mut self, secs: i64) -> Self {
        self.0.replied_at = Some(self.after(secs));
        self
    }
}

pub(crate) fn evidence(mails: impl IntoIterator<Item = Mail>) -> MailEvidence {
    MailEvidence {
        read_at: at("2026-11-06T15:59:30Z"),
        address: AddressState::Deliverable,
        has_phone: true,
        emails: mails.into_iter().map(|mail| mail.0).collect(),
        unreadable: None,
        engagement: Vec::new(),
        address_unread: false,
        not_told: false,
    }
}

pub(crate) fn denver() -> TimeZone {
    TimeZone::get("America/Denver").unwrap()
}

pub(crate) fn by(rule: ChannelRule, evidence: &MailEvidence) -> ChannelDecision {
    let parameters = ChannelParameters {
        rule,
        ..ChannelParameters::default()
    };
    decide(evidence, None, &parameters, &denver(), at(NOW))
}

pub(crate) fn since(regimen: &str, evidence: &MailEvidence) -> ChannelDecision {
    let regimen: Date = regimen.parse().unwrap();
    let parameters = ChannelParameters::default();
    decide(evidence, Some(regimen), &parameters, &denver(), at(NOW))
}

pub(crate) fn shown(evidence: &MailEvidence) -> ChannelDecision {
    by(ChannelRule::AsShown, evidence)
}

pub(crate) fn strict(evidence: &MailEvidence) -> ChannelDecision {
    by(ChannelRule::Strict, evidence)
}

/// The rules that hit each considered mail, newest first.
pub(crate) fn hits(decision: &ChannelDecision) -> Vec<Vec<MachineRule>> {
    decision
        .considered()
        .map(|mail| mail.signs.iter().map(|sign| sign.rule).collect())
        .collect()
}

pub(crate) fn left_out(decision: &ChannelDecision) -> Vec<(&str, Option<LeftOut>)> {
    decision
        .emails
        .iter()
        .map(|mail| (mail.email.id.as_str(), mail.left_out))
        .collect()
}
