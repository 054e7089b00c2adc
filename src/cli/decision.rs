//! The choice between email and phone, in sentences, for `cases explain`.
//!
//! The stored record is for programs (`--json` has all of it); whoever asks why reads what was seen
//! of each email, what counted, and what would have led to another choice.

use std::fmt::Write as _;

use relay_core::channel::{
    Channel, ChannelDecision, ChannelRule, EmailEngagement, EmailSender, JudgedEmail, JudgedEvent,
};
use serde::Serialize;
use serde_json::Value;

use super::output::Output;

/// The sentences of the decision that a line of the history holds, one a line; `None` where it
/// holds none that this release can read.
pub(super) fn in_sentences(detail: &Value, out: &Output<'_>) -> Option<String> {
    let decision: ChannelDecision = serde_json::from_value(detail.get("decision")?.clone()).ok()?;
    let mut text = String::new();
    let mut add = |line: String| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{line}");
    };
    let way = match decision.channel {
        Channel::Email => "by email",
        Channel::Phone => "by phone",
        Channel::Hold => "neither by email nor by phone",
    };
    let not_told = detail["evidence"]["not_told"] == true;
    let seen_where = if not_told {
        "what the portal has on file"
    } else {
        "what the CRM showed"
    };
    add(format!(
        "Decided {} on {seen_where} {}: {way}. Why: {}.",
        out.time(decision.decided_at),
        out.time(decision.read_at),
        decision.reason
    ));
    if not_told {
        // No rule was applied, and there was no email to judge.
        add_what_else(&mut add, &decision);
        return Some(text);
    }
    let (rule, other, others) = match decision.rule {
        ChannelRule::AsShown => (
            "what the CRM shows",
            "without what machines do",
            decision.strict,
        ),
        ChannelRule::Strict => (
            "without what machines do",
            "what the CRM shows",
            decision.as_shown,
        ),
    };
    add(format!(
        "By the rule in force ({rule}), {}; by the other ({other}), {}.",
        seen(decision.seen),
        seen(others)
    ));
    add(format!(
        "Emails since {}:",
        out.time(decision.considered_since)
    ));
    if decision.emails.is_empty() {
        add("  none was listed".to_owned());
    }
    for mail in &decision.emails {
        add(format!("  {}", email(mail, out)));
    }
    for told in &decision.engagement {
        add(format!("  {}", event(told, out)));
    }
    add_what_else(&mut add, &decision);
    Some(text)
}

fn add_what_else(add: &mut impl FnMut(String), decision: &ChannelDecision) {
    for caution in &decision.cautions {
        add(format!("Look at this: {caution}."));
    }
    add(format!(
        "It would have been otherwise: {}.",
        decision.would_change
    ));
}

fn seen(seen: EmailEngagement) -> &'static str {
    match seen {
        EmailEngagement::Seen => "she has been looking at our email",
        EmailEngagement::NotSeen => "nothing shows that she looked",
        EmailEngagement::CannotTell => "it can't be told whether she looked",
    }
}

fn email(mail: &JudgedEmail, out: &Output<'_>) -> String {
    let sent = out.time(mail.email.sent_at);
    let subject = mail.email.subject.as_deref().unwrap_or("without a subject");
    let deeds: Vec<String> = [
        ("opened", mail.email.opened_at),
        ("clicked", mail.email.clicked_at),
        ("answered", mail.email.replied_at),
    ]
    .into_iter()
    .filter_map(|(deed, at)| Some(format!("{deed} {}", out.time(at?))))
    .collect();
    let from = match mail.email.sender {
        Some(EmailSender::Clinic) => " from the clinic's own address",
        Some(EmailSender::Staff) => " from a coach or another member of staff",
        None => "",
    };
    let mut text = format!("{sent}  {subject:?}{from}: ");
    text.push_str(&if deeds.is_empty() {
        "unopened".to_owned()
    } else {
        deeds.join(", ")
    });
    if let Some(left_out) = &mail.left_out {
        let _ = write!(text, " (not considered: {})", word(left_out));
    }
    for sign in &mail.signs {
        let _ = write!(text, " (perhaps a machine: {})", word(&sign.rule));
    }
    text
}

fn event(told: &JudgedEvent, out: &Output<'_>) -> String {
    let mut text = told.event.words(out.zone());
    if let Some(left_out) = &told.left_out {
        let _ = write!(text, " (not counted: {})", word(left_out));
    }
    text
}

/// A stored word as it is read aloud.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value
        .as_str()
        .unwrap_or("for a reason of its own")
        .replace('_', " ")
}
