//! What was told beside the history, case by case; every expectation is written by hand.

use relay_core::channel::{
    Channel, ChannelDecision, EmailEngagement, EngagementEvent, EngagementKind, EngagementSource,
    EventLeftOut, MachineRule, MailEvidence,
};
use relay_core::clients::AddressState;

use crate::channel_support::{Mail, at, evidence, sent, shown, strict};

fn post(kind: EngagementKind, time: &str, label: Option<&str>) -> EngagementEvent {
    EngagementEvent {
        at: at(time),
        kind,
        exact: false,
        seen_at: at(time),
        source: EngagementSource::Post,
        email: None,
        sent_at: None,
        label: label.map(str::to_owned),
        link: None,
    }
}

fn click(time: &str, label: Option<&str>) -> EngagementEvent {
    post(EngagementKind::Click, time, label)
}

/// What a look between decisions found in `mail`.
fn polled(mail: &Mail) -> Vec<EngagementEvent> {
    let seen_at = at("2026-11-05T18:00:00Z");
    EngagementEvent::shown_by(&mail.0, EngagementSource::Poll, seen_at).collect()
}

fn unreadable(told: Vec<EngagementEvent>) -> MailEvidence {
    MailEvidence {
        unreadable: Some("the CRM answered 500".to_owned()),
        engagement: told,
        ..evidence([])
    }
}

fn lagging(told: Vec<EngagementEvent>) -> MailEvidence {
    MailEvidence {
        engagement: told,
        ..evidence([sent("10-29"), sent("10-25"), sent("10-22")])
    }
}

fn left_out(decision: &ChannelDecision) -> Vec<Option<EventLeftOut>> {
    let told = decision.engagement.iter();
    told.map(|told| told.left_out).collect()
}

#[test]
fn a_post_decides_where_the_history_cannot_be_read_and_the_record_says_so() {
    let told = vec![click("2026-11-04T17:12:31Z", Some("Welcome 3"))];
    let decision = shown(&unreadable(told));
    assert_eq!(
        (decision.seen, decision.channel),
        (EmailEngagement::Seen, Channel::Email)
    );
    assert_eq!(
        decision.reason,
        "email history could not be read; an automation post of Nov 4 10:12 says that she clicked \
         'Welcome 3'"
    );
    assert_eq!(
        decision.cautions,
        [
            "decided without the email history (the CRM answered 500)",
            "perhaps nobody read it: when that email was sent is not known, so that a machine's \
             can't be told from hers"
        ]
    );
    assert_eq!(
        decision.would_change,
        "had nobody told that, it would have led to a call"
    );
}

#[test]
fn a_history_that_lags_is_overtaken_by_a_newer_post() {
    let decision = shown(&lagging(vec![click("2026-11-04T17:12:31Z", None)]));
    assert_eq!(
        (decision.seen, decision.channel),
        (EmailEngagement::Seen, Channel::Email)
    );
    assert_eq!(
        decision.reason,
        "an automation post of Nov 4 10:12 says that she clicked in an email, which the email \
         history read on Nov 6 08:59 does not show"
    );
}

#[test]
fn what_the_history_shows_already_counts_there_and_not_twice() {
    let opened = sent("10-29").opened(86_400);
    let mut told = polled(&opened);
    // 86,400 s after sending is October 30, 15:00; the post of the same open came 70 s later.
    told.push(post(
        EngagementKind::Open,
        "2026-10-30T15:01:10Z",
        Some(" your CHECK-IN"),
    ));
    told.push(post(EngagementKind::Open, "2026-10-30T15:02:00Z", None));
    let decision = shown(&MailEvidence {
        engagement: told,
        ..evidence([opened, sent("10-25")])
    });
    assert_eq!(
        left_out(&decision),
        [Some(EventLeftOut::ShownByHistory); 3],
        "{:?}",
        decision.engagement
    );
    assert_eq!(decision.reason, "opened 1 of the last 2 emails");
    assert_eq!(
        decision.would_change,
        "no open, click or reply in the 2 emails sent since Oct 25 would have led to a call"
    );
}

#[test]
fn events_of_other_mails_of_other_days_or_of_the_future_do_not_count() {
    let told = vec![
        click("2026-11-06T16:00:01Z", None),
        // Before the oldest considered mail was sent.
        click("2026-10-22T14:00:00Z", None),
        click("2026-10-01T15:00:00Z", None),
    ];
    let decision = shown(&lagging(told));
    assert_eq!(
        left_out(&decision),
        [
            Some(EventLeftOut::AfterDecision),
            Some(EventLeftOut::OfAnotherEmail),
            Some(EventLeftOut::BeforeWindow),
        ]
    );
    assert_eq!(decision.channel, Channel::Phone);
    assert_eq!(decision.reason, "last 3 emails unopened");
}

#[test]
fn a_mail_that_is_not_considered_is_none_by_whatever_name_it_is_told() {
    let older = sent("10-20");
    let mut named = click("2026-11-04T17:00:00Z", None);
    named.email = Some(older.0.id.clone());
    let mut unlisted = named.clone();
    unlisted.email = Some("unlisted".into());
    unlisted.sent_at = Some(older.0.sent_at);
    let decision = shown(&MailEvidence {
        engagement: vec![named, unlisted],
        ..evidence([sent("10-29"), sent("10-25"), sent("10-22"), older])
    });
    assert_eq!(left_out(&decision), [Some(EventLeftOut::OfAnotherEmail); 2]);
    assert_eq!(decision.channel, Channel::Phone);
}

#[test]
fn e15_an_address_that_takes_no_mail_stays_an_obstacle() {
    for unreadable_too in [false, true] {
        let decision = shown(&MailEvidence {
            address: AddressState::Undeliverable("HARD_BOUNCE".to_owned()),
            unreadable: unreadable_too.then(|| "the CRM answered 500".to_owned()),
            ..lagging(vec![click("2026-11-04T17:12:31Z", None)])
        });
        assert_eq!(decision.seen, EmailEngagement::CannotTell);
        assert_eq!(decision.channel, Channel::Phone);
    }
}

#[test]
fn an_address_that_could_not_be_read_is_shown_to_take_mail_by_what_was_opened_there() {
    let none = MailEvidence::unread(at("2026-11-06T16:00:00Z"), true, "503".to_owned(), vec![]);
    assert_eq!(shown(&none).channel, Channel::Phone);
    let told = vec![click("2026-11-04T17:12:31Z", None)];
    let some = MailEvidence::unread(at("2026-11-06T16:00:00Z"), true, "503".to_owned(), told);
    assert_eq!(shown(&some).channel, Channel::Email);
    // Under strict it does not count, so it shows nothing.
    assert_eq!(strict(&some).channel, Channel::Phone);
}

#[test]
fn e17_strict_hears_a_known_mail_opened_hours_later_and_no_proxy() {
    let human = strict(&unreadable(polled(&sent("10-29").opened(7_201))));
    assert_eq!(
        (human.seen, human.channel),
        (EmailEngagement::Seen, Channel::Email)
    );
    let proxy = strict(&unreadable(polled(&sent("10-29").opened(4))));
    assert_eq!(
        (proxy.as_shown, proxy.seen),
        (EmailEngagement::Seen, EmailEngagement::CannotTell)
    );
    assert_eq!(proxy.channel, Channel::Phone);
    assert_eq!(
        proxy.reason,
        "email history could not be read; a look on Nov 5 11:00 showed that she opened 'Your \
         check-in' on Oct 29 09:00, but opened 4 s after sending"
    );
    // A proxy that fetches on a schedule shows in all of them together.
    let regular = [sent("10-29"), sent("10-25"), sent("10-22")];
    let told = regular.map(|mail| polled(&mail.opened(3_600)));
    let regular = strict(&unreadable(told.concat()));
    assert_eq!(regular.seen, EmailEngagement::CannotTell);
    let rule = regular.engagement[0].signs[0].rule;
    assert_eq!(rule, MachineRule::RegularOpens);
}

#[test]
fn e18_a_click_told_without_an_open_is_seen() {
    let told = polled(&sent("10-29").clicked(7_200));
    for decision in [shown(&unreadable(told.clone())), strict(&unreadable(told))] {
        assert_eq!(decision.seen, EmailEngagement::Seen);
    }
}

#[test]
fn e19_strict_takes_a_click_posted_soon_after_sending_for_a_scanner() {
    // Sent at 15:00; a scanner clicks at once, and the automation takes five minutes to say so.
    let soon = lagging(vec![click("2026-10-29T15:05:00Z", Some("Your check-in"))]);
    let decision = strict(&soon);
    assert_eq!(
        (decision.as_shown, decision.seen),
        (EmailEngagement::Seen, EmailEngagement::CannotTell)
    );
    assert_eq!(
        decision.reason,
        "an automation post of Oct 29 09:05 says that she clicked 'Your check-in', but told 300 s \
         after sending, which may have been a machine on delivery"
    );
    assert_eq!(shown(&soon).channel, Channel::Email);
    let later = lagging(vec![click("2026-10-29T17:05:00Z", Some("Your check-in"))]);
    assert_eq!(strict(&later).channel, Channel::Email);
    // Opened and clicked by one program, as a look between decisions found it.
    let both = sent("10-29").opened(7_200).clicked(7_200);
    assert_eq!(
        strict(&unreadable(polled(&both))).seen,
        EmailEngagement::CannotTell
    );
}

#[test]
fn what_was_stored_by_logic_1_is_read_and_recomputed() {
    let evidence: MailEvidence = serde_json::from_str(V1_EVIDENCE).unwrap();
    let stored: ChannelDecision = serde_json::from_str(V1_DECISION).unwrap();
    assert_eq!(stored.logic, 1);
    let again = stored.recompute(&evidence).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), V1_DECISION);
    assert_eq!(serde_json::to_string(&evidence).unwrap(), V1_EVIDENCE);
}

/// As the first release stored them.
const V1_EVIDENCE: &str = r#"{"read_at":"2026-11-06T15:59:30Z","address":{"state":"deliverable"},"has_phone":true,"emails":[{"id":"mail-10-29","subject":"Your check-in","sent_at":"2026-10-29T15:00:00Z","opened_at":null,"clicked_at":null,"replied_at":null}],"unreadable":null}"#;
const V1_DECISION: &str = r#"{"logic":1,"rule":"as_keap_shows","seen":"not_seen","as_keap_shows":"not_seen","strict":"not_seen","channel":"phone","reason":"last email unopened","cautions":["only 1 email to tell from"],"emails":[{"email":{"id":"mail-10-29","subject":"Your check-in","sent_at":"2026-10-29T15:00:00Z","opened_at":null,"clicked_at":null,"replied_at":null},"open_delay_secs":null,"click_delay_secs":null,"left_out":null,"signs":[],"open_counts":false,"click_counts":false}],"would_change":"one open, click or reply in the email of Oct 29 would have led to email","decided_at":"2026-11-06T16:00:00Z","read_at":"2026-11-06T15:59:30Z","considered_since":"2026-10-07T16:00:00Z","last_regimen_change":null,"parameters":{"rule":"as_keap_shows","emails":3,"window_days":30,"machine_open_within_secs":30,"machine_click_within_secs":60,"machine_regular_within_secs":5},"zone":"America/Denver"}"#;
