//! The channel decision case by case; every expectation is written by hand.

use relay_core::channel::{
    Channel, ChannelDecision, ChannelParameters, ChannelRule, EmailEngagement, EmailRecord, LOGIC,
    LeftOut, MailEvidence,
};
use relay_core::clients::AddressState;
use relay_core::time::SignedDuration;

use crate::channel_support::{Mail, NOW, at, evidence, left_out, sent, shown, since, strict};

#[test]
fn opened_mail_leads_to_email() {
    let decision = shown(&evidence([
        sent("10-29").opened(4_000),
        sent("10-25"),
        sent("10-22").opened(90_000),
    ]));
    assert_eq!(decision.seen, EmailEngagement::Seen);
    assert_eq!(decision.channel, Channel::Email);
    assert_eq!(decision.reason, "opened 2 of the last 3 emails");
    assert_eq!(decision.cautions, Vec::<String>::new());
    assert_eq!(
        decision.would_change,
        "no open, click or reply in the 3 emails sent since Oct 22 would have led to a call"
    );
    assert_eq!(decision.logic, LOGIC);
    let delays: Vec<_> = decision
        .emails
        .iter()
        .map(|mail| mail.open_delay_secs)
        .collect();
    assert_eq!(delays, [Some(4_000), None, Some(90_000)]);
}

#[test]
fn unopened_mail_leads_to_a_call() {
    let decision = shown(&evidence([sent("10-29"), sent("10-25"), sent("10-22")]));
    assert_eq!(decision.seen, EmailEngagement::NotSeen);
    assert_eq!(decision.strict, EmailEngagement::NotSeen);
    assert_eq!(decision.channel, Channel::Phone);
    assert_eq!(decision.reason, "last 3 emails unopened");
    assert_eq!(
        decision.would_change,
        "one open, click or reply in the 3 emails sent since Oct 22 would have led to email"
    );
}

#[test]
fn a_single_mail_is_enough_and_is_said_to_be_single() {
    let unopened = shown(&evidence([sent("10-29")]));
    assert_eq!(unopened.seen, EmailEngagement::NotSeen);
    assert_eq!(unopened.reason, "last email unopened");
    assert_eq!(unopened.cautions, ["only 1 email to tell from"]);
    assert_eq!(
        unopened.would_change,
        "one open, click or reply in the email of Oct 29 would have led to email"
    );
    let opened = shown(&evidence([sent("10-29").opened(500).replied(900)]));
    assert_eq!(opened.reason, "opened and replied to the last email");
}

#[test]
fn a_reply_counts_under_both_rules() {
    let evidence = evidence([sent("10-29").replied(3), sent("10-25")]);
    for decision in [shown(&evidence), strict(&evidence)] {
        assert_eq!(decision.seen, EmailEngagement::Seen);
        assert_eq!(decision.reason, "replied to 1 of the last 2 emails");
    }
}

#[test]
fn only_the_newest_mails_are_considered() {
    let decision = shown(&evidence([
        sent("10-29"),
        sent("10-27"),
        sent("10-25"),
        sent("10-22").opened(4_000),
    ]));
    assert_eq!(decision.seen, EmailEngagement::NotSeen);
    assert_eq!(
        left_out(&decision),
        [
            ("mail-10-29", None),
            ("mail-10-27", None),
            ("mail-10-25", None),
            ("mail-10-22", Some(LeftOut::OlderThanConsidered)),
        ]
    );
}

#[test]
fn mail_from_before_the_last_regimen_change_is_not_considered() {
    let evidence = evidence([sent("10-22"), sent("10-21").opened(4_000)]);
    let decision = since("2026-10-22", &evidence);
    assert_eq!(decision.seen, EmailEngagement::NotSeen);
    // The day begins at midnight in Denver, not in London.
    assert_eq!(decision.considered_since, at("2026-10-22T06:00:00Z"));
    assert_eq!(
        left_out(&decision),
        [
            ("mail-10-22", None),
            ("mail-10-21", Some(LeftOut::BeforeRegimenChange)),
        ]
    );
    assert_eq!(since("2026-10-21", &evidence).seen, EmailEngagement::Seen);
}

#[test]
fn the_window_is_thirty_days_and_includes_its_first_instant() {
    let edge = Mail(EmailRecord {
        sent_at: at(NOW) - SignedDuration::from_hours(30 * 24),
        ..sent("10-07").0
    });
    let decision = since("2026-09-01", &evidence([edge.opened(4_000)]));
    assert_eq!(decision.seen, EmailEngagement::Seen);
    let decision = since("2026-09-01", &evidence([sent("10-07").opened(4_000)]));
    assert_eq!(decision.emails[0].left_out, Some(LeftOut::BeforeWindow));
    assert_eq!(decision.seen, EmailEngagement::CannotTell);
}

#[test]
fn e16_no_mail_in_the_window_cannot_tell_and_leads_to_a_call() {
    let decision = shown(&evidence([]));
    assert_eq!(decision.seen, EmailEngagement::CannotTell);
    assert_eq!(decision.strict, EmailEngagement::CannotTell);
    assert_eq!(decision.channel, Channel::Phone);
    assert_eq!(decision.reason, "no email was sent since Oct 7");
    assert_eq!(
        decision.would_change,
        "one email sent since Oct 7 and opened would have led to email"
    );
    assert_eq!(decision.cautions, Vec::<String>::new());
}

#[test]
fn e15_mail_that_cannot_arrive_is_never_called_not_opened() {
    let cases = [
        (
            AddressState::Undeliverable("HARD_BOUNCE".to_owned()),
            "her address bounced",
            "email can't be delivered (HARD_BOUNCE)",
        ),
        (
            AddressState::OptedOut("LIST_UNSUBSCRIBE".to_owned()),
            "she has opted out of email",
            "opted out of email (LIST_UNSUBSCRIBE)",
        ),
        (
            AddressState::Missing,
            "no email address on file",
            "no email address on file",
        ),
        (
            AddressState::Unknown("WEIRD".to_owned()),
            "it can't be told whether her address takes email",
            "unknown email status (WEIRD)",
        ),
    ];
    for (address, reason, before) in cases {
        // Whether or not something was opened before it bounced.
        for mails in [vec![sent("10-29")], vec![sent("10-29").opened(4_000)]] {
            let evidence = MailEvidence {
                address: address.clone(),
                ..evidence(mails)
            };
            let decision = shown(&evidence);
            let stored = ChannelDecision {
                logic: 2,
                ..decision.clone()
            };
            let stored = stored.recompute(&evidence).map(|stored| stored.reason);
            assert_eq!(stored.as_deref(), Some(before), "as it was said then");
            assert_eq!(decision.seen, EmailEngagement::CannotTell, "{reason}");
            assert_eq!(decision.strict, EmailEngagement::CannotTell, "{reason}");
            assert_eq!(decision.channel, Channel::Phone, "{reason}");
            assert_eq!(decision.reason, reason);
            assert_eq!(
                decision.would_change,
                "an address that takes mail, and one email opened there, would have led to email"
            );
        }
    }
}

#[test]
fn an_address_never_mailed_before_takes_mail() {
    let decision = shown(&MailEvidence {
        address: AddressState::NeverMailed,
        has_phone: false,
        ..evidence([])
    });
    assert_eq!(decision.channel, Channel::Email);
}

#[test]
fn a_history_that_cannot_be_read_leads_to_a_call() {
    let decision = shown(&MailEvidence {
        unreadable: Some("the CRM answered 500".to_owned()),
        ..evidence([])
    });
    assert_eq!(decision.seen, EmailEngagement::CannotTell);
    assert_eq!(decision.channel, Channel::Phone);
    assert_eq!(decision.reason, "her email history could not be read");
}

#[test]
fn e13_without_a_number_the_email_goes_out_and_the_coach_is_told() {
    for mails in [vec![sent("10-29")], vec![]] {
        let decision = shown(&MailEvidence {
            has_phone: false,
            ..evidence(mails)
        });
        assert_ne!(decision.seen, EmailEngagement::Seen);
        assert_eq!(decision.channel, Channel::Email);
        let told = "no number to call: the email goes out instead";
        assert_eq!(decision.cautions.last().unwrap(), told);
        assert_eq!(
            decision.would_change,
            "a phone number on file would have led to a call"
        );
    }
}

#[test]
fn e13_without_a_number_and_without_an_address_it_holds() {
    let decision = shown(&MailEvidence {
        has_phone: false,
        address: AddressState::Undeliverable("INVALID".to_owned()),
        ..evidence([sent("10-29").opened(4_000)])
    });
    assert_eq!(decision.channel, Channel::Hold);
    assert_eq!(
        decision.cautions,
        ["no number to call, and no address that takes mail: decide by hand"]
    );
    assert_eq!(
        decision.would_change,
        "a phone number on file would have led to a call; an address that takes mail, and one \
         email opened there, would have led to email"
    );
}

#[test]
fn where_nobody_tells_of_the_clinics_mail_it_is_a_call_an_email_or_a_hold_by_what_is_on_file() {
    let reason = "nobody tells the relay which of the clinic's emails she opened";
    let anew = "a tool that tells the relay of the clinic's emails, and one that she opened, would have led to \
                email";
    let number = "a phone number on file would have led to a call";
    for (address, phone, channel, reason, cautions, would_change) in [
        (true, true, Channel::Phone, reason, vec![], anew.to_owned()),
        (false, true, Channel::Phone, reason, vec![], anew.to_owned()),
        (
            true,
            false,
            Channel::Email,
            reason,
            vec!["no number to call: an email instead"],
            number.to_owned(),
        ),
        (
            false,
            false,
            Channel::Hold,
            "no phone number and no email address of hers is on file",
            vec!["no number to call, and nowhere to write to: decide by hand"],
            format!("{number}; an email address on file would have led to email"),
        ),
    ] {
        let evidence = MailEvidence::not_told(at("2026-11-06T15:59:30Z"), address, phone);
        let decision = shown(&evidence);
        assert_eq!(decision.seen, EmailEngagement::CannotTell);
        assert_eq!(decision.strict, EmailEngagement::CannotTell);
        assert_eq!(decision.channel, channel);
        assert_eq!(decision.reason, reason);
        assert_eq!(decision.cautions, cautions);
        assert_eq!(decision.would_change, would_change);
        // As it is stored, and read by whoever explains it.
        let stored = serde_json::to_string(&evidence).unwrap();
        let read: MailEvidence = serde_json::from_str(&stored).unwrap();
        assert_eq!(decision.recompute(&read).as_ref(), Some(&decision));
    }
}

#[test]
fn no_number_needs_no_word_where_the_mail_was_seen() {
    let decision = shown(&MailEvidence {
        has_phone: false,
        ..evidence([sent("10-29").opened(4_000), sent("10-25"), sent("10-22")])
    });
    assert_eq!(decision.channel, Channel::Email);
    assert_eq!(decision.cautions, Vec::<String>::new());
    assert_eq!(
        decision.would_change,
        "nothing in the emails: there is no number to call"
    );
}

#[test]
fn e26_a_regimen_change_in_the_future_is_ignored_with_a_caution() {
    let evidence = evidence([sent("10-29").opened(4_000), sent("10-25"), sent("10-22")]);
    let decision = since("2026-12-01", &evidence);
    assert_eq!(decision.seen, EmailEngagement::Seen);
    assert_eq!(
        decision.cautions,
        ["the last regimen change on file can't be used: it lies in the future"]
    );
}

#[test]
fn e34_a_mail_from_the_future_is_left_out() {
    let decision = shown(&evidence([sent("11-07").opened(4_000), sent("10-29")]));
    assert_eq!(decision.emails[0].left_out, Some(LeftOut::AfterDecision));
    assert_eq!(decision.seen, EmailEngagement::NotSeen);
}

#[test]
fn a_mail_sent_in_the_moment_of_the_decision_is_considered() {
    let mail = Mail(EmailRecord {
        sent_at: at(NOW),
        ..sent("11-06").0
    });
    assert_eq!(shown(&evidence([mail])).seen, EmailEngagement::NotSeen);
}

#[test]
fn a_mail_listed_more_than_once_counts_once_with_every_event() {
    let decision = shown(&evidence([
        sent("10-29"),
        sent("10-29").opened(4_000),
        sent("10-29").clicked(5_000),
    ]));
    assert_eq!(decision.emails.len(), 1);
    assert_eq!(decision.reason, "opened and clicked in the last email");
}

#[test]
fn parameters_tell_their_mistakes_and_ignore_what_later_versions_know() {
    assert_eq!(
        ChannelParameters::default().mistakes(),
        Vec::<String>::new()
    );
    let parameters: ChannelParameters =
        toml::from_str("rule = \"strict\"\nemails = 0\nwindow_days = 31").unwrap();
    assert_eq!(parameters.rule, ChannelRule::Strict);
    let mistakes = parameters.mistakes();
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes[0].starts_with("emails:"));
    assert!(mistakes[1].starts_with("window_days:"));
    let plain: ChannelParameters = toml::from_str("rule = \"as_keap_shows\"").unwrap();
    assert_eq!(plain, ChannelParameters::default());
    // Stored parameters outlive the code that knew them all; the file is held to its keys by its
    // reader.
    let newer: ChannelParameters = toml::from_str("emails = 3\nof_a_later_version = 3").unwrap();
    assert_eq!(newer, ChannelParameters::default());
}

#[test]
fn a_record_of_another_logic_is_not_recomputed_by_this_one() {
    let evidence = evidence([sent("10-29")]);
    let mut decision = shown(&evidence);
    assert_eq!(decision.recompute(&evidence).as_ref(), Some(&decision));
    decision.logic = LOGIC + 1;
    assert_eq!(decision.recompute(&evidence), None);
}

#[test]
fn the_record_is_stored_under_the_names_that_people_configure() {
    let stored = serde_json::to_value(shown(&evidence([sent("10-29").opened(4)]))).unwrap();
    assert_eq!(stored["rule"], "as_keap_shows");
    assert_eq!(stored["as_keap_shows"], "seen");
    assert_eq!(stored["strict"], "cannot_tell");
    assert_eq!(stored["channel"], "email");
    assert_eq!(stored["emails"][0]["signs"][0]["rule"], "early_open");
    assert_eq!(stored["emails"][0]["open_delay_secs"], 4);
}
