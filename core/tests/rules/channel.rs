//! The channel decision case by case; every expectation is written by hand.

use relay_core::channel::{
    Channel, ChannelParameters, ChannelRule, Decision, EmailRecord, LOGIC, LeftOut, MachineRule,
    MailEvidence, Seen, decide,
};
use relay_core::clients::AddressState;
use relay_core::time::{Date, SignedDuration, TimeZone, Timestamp};

/// The decision is made on Friday, November 6, at 9:00 in Denver.
const NOW: &str = "2026-11-06T16:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A mail sent at 9:00 in Denver on a day of October or November 2026, before the clock change.
struct Mail(EmailRecord);

fn sent(day: &str) -> Mail {
    Mail(EmailRecord {
        id: format!("mail-{day}").into(),
        subject: Some("Your check-in".to_owned()),
        sent_at: at(&format!("2026-{day}T15:00:00Z")),
        opened_at: None,
        clicked_at: None,
        replied_at: None,
    })
}

impl Mail {
    fn after(&self, secs: i64) -> Timestamp {
        self.0.sent_at + SignedDuration::from_secs(secs)
    }

    fn opened(mut self, secs: i64) -> Self {
        self.0.opened_at = Some(self.after(secs));
        self
    }

    fn clicked(mut self, secs: i64) -> Self {
        self.0.clicked_at = Some(self.after(secs));
        self
    }

    fn replied(mut self, secs: i64) -> Self {
        self.0.replied_at = Some(self.after(secs));
        self
    }
}

fn evidence(mails: impl IntoIterator<Item = Mail>) -> MailEvidence {
    MailEvidence {
        read_at: at("2026-11-06T15:59:30Z"),
        address: AddressState::Deliverable,
        has_phone: true,
        emails: mails.into_iter().map(|mail| mail.0).collect(),
        unreadable: None,
    }
}

fn denver() -> TimeZone {
    TimeZone::get("America/Denver").unwrap()
}

fn by(rule: ChannelRule, evidence: &MailEvidence) -> Decision {
    let parameters = ChannelParameters {
        rule,
        ..ChannelParameters::default()
    };
    decide(evidence, None, &parameters, &denver(), at(NOW))
}

fn since(regimen: &str, evidence: &MailEvidence) -> Decision {
    let regimen: Date = regimen.parse().unwrap();
    let parameters = ChannelParameters::default();
    decide(evidence, Some(regimen), &parameters, &denver(), at(NOW))
}

fn shown(evidence: &MailEvidence) -> Decision {
    by(ChannelRule::AsShown, evidence)
}

fn strict(evidence: &MailEvidence) -> Decision {
    by(ChannelRule::Strict, evidence)
}

/// The rules that hit each considered mail, newest first.
fn hits(decision: &Decision) -> Vec<Vec<MachineRule>> {
    decision
        .considered()
        .map(|mail| mail.signs.iter().map(|sign| sign.rule).collect())
        .collect()
}

fn left_out(decision: &Decision) -> Vec<(&str, Option<LeftOut>)> {
    decision
        .emails
        .iter()
        .map(|mail| (mail.email.id.as_str(), mail.left_out))
        .collect()
}

#[test]
fn opened_mail_leads_to_email() {
    let decision = shown(&evidence([
        sent("10-29").opened(4_000),
        sent("10-25"),
        sent("10-22").opened(90_000),
    ]));
    assert_eq!(decision.seen, Seen::Seen);
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
    assert_eq!(decision.seen, Seen::NotSeen);
    assert_eq!(decision.strict, Seen::NotSeen);
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
    assert_eq!(unopened.seen, Seen::NotSeen);
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
        assert_eq!(decision.seen, Seen::Seen);
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
    assert_eq!(decision.seen, Seen::NotSeen);
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
    assert_eq!(decision.seen, Seen::NotSeen);
    // The day begins at midnight in Denver, not in London.
    assert_eq!(decision.considered_since, at("2026-10-22T06:00:00Z"));
    assert_eq!(
        left_out(&decision),
        [
            ("mail-10-22", None),
            ("mail-10-21", Some(LeftOut::BeforeRegimenChange)),
        ]
    );
    assert_eq!(since("2026-10-21", &evidence).seen, Seen::Seen);
}

#[test]
fn the_window_is_thirty_days_and_includes_its_first_instant() {
    let edge = Mail(EmailRecord {
        sent_at: at(NOW) - SignedDuration::from_hours(30 * 24),
        ..sent("10-07").0
    });
    let decision = since("2026-09-01", &evidence([edge.opened(4_000)]));
    assert_eq!(decision.seen, Seen::Seen);
    let decision = since("2026-09-01", &evidence([sent("10-07").opened(4_000)]));
    assert_eq!(decision.emails[0].left_out, Some(LeftOut::BeforeWindow));
    assert_eq!(decision.seen, Seen::CannotTell);
}

#[test]
fn e16_no_mail_in_the_window_cannot_tell_and_leads_to_a_call() {
    let decision = shown(&evidence([]));
    assert_eq!(decision.seen, Seen::CannotTell);
    assert_eq!(decision.strict, Seen::CannotTell);
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
            "email can't be delivered (HARD_BOUNCE)",
        ),
        (
            AddressState::OptedOut("LIST_UNSUBSCRIBE".to_owned()),
            "opted out of email (LIST_UNSUBSCRIBE)",
        ),
        (AddressState::Missing, "no email address on file"),
        (
            AddressState::Unknown("WEIRD".to_owned()),
            "unknown email status (WEIRD)",
        ),
    ];
    for (address, reason) in cases {
        // Whether or not something was opened before it bounced.
        for mails in [vec![sent("10-29")], vec![sent("10-29").opened(4_000)]] {
            let decision = shown(&MailEvidence {
                address: address.clone(),
                ..evidence(mails)
            });
            assert_eq!(decision.seen, Seen::CannotTell, "{reason}");
            assert_eq!(decision.strict, Seen::CannotTell, "{reason}");
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
    assert_eq!(decision.seen, Seen::CannotTell);
    assert_eq!(decision.channel, Channel::Phone);
    assert_eq!(
        decision.reason,
        "email history could not be read: the CRM answered 500"
    );
}

#[test]
fn e13_without_a_number_the_email_goes_out_and_the_coach_is_told() {
    for mails in [vec![sent("10-29")], vec![]] {
        let decision = shown(&MailEvidence {
            has_phone: false,
            ..evidence(mails)
        });
        assert_ne!(decision.seen, Seen::Seen);
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
fn e17_opens_by_a_proxy_are_seen_with_a_caution_or_cannot_tell_under_strict() {
    let evidence = evidence([
        sent("10-29").opened(4),
        sent("10-25").opened(11),
        sent("10-22").opened(29),
    ]);
    let lenient = shown(&evidence);
    assert_eq!(lenient.channel, Channel::Email);
    assert_eq!(
        (lenient.as_shown, lenient.strict),
        (Seen::Seen, Seen::CannotTell)
    );
    assert_eq!(
        lenient.cautions,
        ["every open and click looks like a machine's: perhaps nobody read these emails"]
    );
    assert_eq!(lenient.emails[0].signs[0].says, "opened 4 s after sending");

    let hard = strict(&evidence);
    assert_eq!(hard.channel, Channel::Phone);
    assert_eq!((hard.as_shown, hard.strict), (Seen::Seen, Seen::CannotTell));
    assert_eq!(
        hard.reason,
        "opened 3 of the last 3 emails, but only as machines do"
    );
    assert_eq!(
        hard.would_change,
        "one open, click or reply in the 3 emails sent since Oct 22 that doesn't look like a \
         machine's would have led to email"
    );
}

#[test]
fn strict_counts_the_one_open_that_looks_human() {
    let decision = strict(&evidence([
        sent("10-29").opened(4),
        sent("10-25").opened(5_000),
        sent("10-22"),
    ]));
    assert_eq!(decision.seen, Seen::Seen);
    assert_eq!(decision.reason, "opened 1 of the last 3 emails");
    assert_eq!(decision.cautions, Vec::<String>::new());
}

#[test]
fn e18_a_click_without_an_open_is_seen() {
    let evidence = evidence([sent("10-29").clicked(7_200), sent("10-25"), sent("10-22")]);
    for decision in [shown(&evidence), strict(&evidence)] {
        assert_eq!(decision.seen, Seen::Seen);
        assert_eq!(decision.reason, "clicked in 1 of the last 3 emails");
        assert_eq!(hits(&decision)[0], [MachineRule::ClickWithoutOpen]);
        assert_eq!(
            decision.cautions,
            ["a click without an open: images were blocked, or a scanner followed the link"]
        );
    }
}

#[test]
fn e19_a_scanner_that_follows_every_link_cannot_tell_under_strict() {
    let evidence = evidence([
        sent("10-29").opened(2).clicked(2),
        sent("10-25").opened(3).clicked(4),
        sent("10-22").clicked(59),
    ]);
    assert_eq!(shown(&evidence).channel, Channel::Email);
    let decision = strict(&evidence);
    assert_eq!(decision.seen, Seen::CannotTell);
    assert_eq!(decision.channel, Channel::Phone);
    assert_eq!(
        hits(&decision),
        [
            vec![
                MachineRule::EarlyOpen,
                MachineRule::EarlyClick,
                MachineRule::OpenWithClick
            ],
            vec![MachineRule::EarlyOpen, MachineRule::EarlyClick],
            vec![MachineRule::EarlyClick, MachineRule::ClickWithoutOpen],
        ]
    );
}

/// Each machine rule at the edge where it begins to hit, one mail at a time.
#[test]
fn every_machine_rule_hits_exactly_where_it_says() {
    use MachineRule::{ClickWithoutOpen, EarlyClick, EarlyOpen, OpenWithClick};
    let cases = [
        (sent("10-29").opened(29), vec![EarlyOpen], Seen::CannotTell),
        (sent("10-29").opened(30), vec![], Seen::Seen),
        (sent("10-29").opened(-5), vec![EarlyOpen], Seen::CannotTell),
        (
            sent("10-29").opened(40).clicked(59),
            vec![EarlyClick],
            Seen::Seen,
        ),
        (
            sent("10-29").opened(10).clicked(59),
            vec![EarlyOpen, EarlyClick],
            Seen::CannotTell,
        ),
        (
            sent("10-29").opened(10).clicked(60),
            vec![EarlyOpen],
            Seen::Seen,
        ),
        (
            sent("10-29").clicked(59),
            vec![EarlyClick, ClickWithoutOpen],
            Seen::CannotTell,
        ),
        (
            sent("10-29").clicked(60),
            vec![ClickWithoutOpen],
            Seen::Seen,
        ),
        (
            sent("10-29").opened(500).clicked(500),
            vec![OpenWithClick],
            Seen::CannotTell,
        ),
        (sent("10-29").opened(500).clicked(501), vec![], Seen::Seen),
    ];
    for (mail, rules, seen) in cases {
        let record = mail.0.clone();
        let decision = strict(&evidence([mail]));
        assert_eq!(hits(&decision), [rules], "{record:?}");
        assert_eq!(decision.seen, seen, "{record:?}");
        assert_eq!(decision.as_shown, Seen::Seen, "{record:?}");
    }
}

#[test]
fn opens_after_always_the_same_delay_look_like_a_schedule() {
    let regular = |third: i64| {
        evidence([
            sent("10-29").opened(3_600),
            sent("10-25").opened(3_603),
            sent("10-22").opened(third),
        ])
    };
    let decision = strict(&regular(3_605));
    assert_eq!(decision.seen, Seen::CannotTell);
    assert_eq!(
        decision.emails[2].signs[0].says,
        "all 3 emails opened after the same delay (3600 to 3605 s), none clicked"
    );
    assert_eq!(
        strict(&regular(3_606)).seen,
        Seen::Seen,
        "six seconds apart"
    );
}

#[test]
fn a_regular_delay_needs_three_mails_and_no_other_deed() {
    let two = evidence([sent("10-29").opened(3_600), sent("10-25").opened(3_600)]);
    assert_eq!(strict(&two).seen, Seen::Seen);
    let clicked = evidence([
        sent("10-29").opened(3_600),
        sent("10-25").opened(3_600).clicked(3_700),
        sent("10-22").opened(3_600),
    ]);
    assert_eq!(hits(&strict(&clicked)), [vec![], vec![], vec![]]);
    let unopened = evidence([
        sent("10-29").opened(3_600),
        sent("10-25"),
        sent("10-22").opened(3_600),
    ]);
    assert_eq!(strict(&unopened).seen, Seen::Seen);
}

#[test]
fn e26_a_regimen_change_in_the_future_is_ignored_with_a_caution() {
    let evidence = evidence([sent("10-29").opened(4_000), sent("10-25"), sent("10-22")]);
    let decision = since("2026-12-01", &evidence);
    assert_eq!(decision.seen, Seen::Seen);
    assert_eq!(
        decision.cautions,
        ["the last regimen change on file can't be used: it lies in the future"]
    );
}

#[test]
fn e34_a_mail_from_the_future_is_left_out() {
    let decision = shown(&evidence([sent("11-07").opened(4_000), sent("10-29")]));
    assert_eq!(decision.emails[0].left_out, Some(LeftOut::AfterDecision));
    assert_eq!(decision.seen, Seen::NotSeen);
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
fn parameters_tell_their_mistakes_and_refuse_unknown_keys() {
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
    assert!(toml::from_str::<ChannelParameters>("emials = 3").is_err());
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
