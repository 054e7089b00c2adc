//! What looks like a machine, rule by rule; every expectation is written by hand.

use relay_core::channel::{Channel, EmailEngagement, MachineRule};
use relay_core::time::SignedDuration;

use crate::channel_support::{evidence, hits, sent, shown, strict};

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
        (EmailEngagement::Seen, EmailEngagement::CannotTell)
    );
    assert_eq!(
        lenient.cautions,
        ["every open and click looks like a machine's: perhaps nobody read these emails"]
    );
    assert_eq!(lenient.emails[0].signs[0].says, "opened 4 s after sending");

    let hard = strict(&evidence);
    assert_eq!(hard.channel, Channel::Phone);
    assert_eq!(
        (hard.as_shown, hard.strict),
        (EmailEngagement::Seen, EmailEngagement::CannotTell)
    );
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
    assert_eq!(decision.seen, EmailEngagement::Seen);
    assert_eq!(decision.reason, "opened 1 of the last 3 emails");
    assert_eq!(decision.cautions, Vec::<String>::new());
}

#[test]
fn strict_does_not_speak_of_a_click_that_it_does_not_count() {
    let mail = || sent("10-29").opened(5_000).clicked(2);
    assert_eq!(strict(&evidence([mail()])).reason, "opened the last email");
    assert_eq!(
        shown(&evidence([mail()])).reason,
        "opened and clicked in the last email"
    );
}

#[test]
fn the_same_second_is_the_same_whatever_its_fraction() {
    let mut mail = sent("10-29").opened(500).clicked(500);
    mail.0.clicked_at = mail
        .0
        .clicked_at
        .map(|at| at + SignedDuration::from_millis(900));
    assert_eq!(
        hits(&strict(&evidence([mail]))),
        [[MachineRule::OpenWithClick]]
    );
}

#[test]
fn e18_a_click_without_an_open_is_seen() {
    let evidence = evidence([sent("10-29").clicked(7_200), sent("10-25"), sent("10-22")]);
    for decision in [shown(&evidence), strict(&evidence)] {
        assert_eq!(decision.seen, EmailEngagement::Seen);
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
    assert_eq!(decision.seen, EmailEngagement::CannotTell);
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
        (
            sent("10-29").opened(29),
            vec![EarlyOpen],
            EmailEngagement::CannotTell,
        ),
        (sent("10-29").opened(30), vec![], EmailEngagement::Seen),
        (
            sent("10-29").opened(-5),
            vec![EarlyOpen],
            EmailEngagement::CannotTell,
        ),
        (
            sent("10-29").opened(40).clicked(59),
            vec![EarlyClick],
            EmailEngagement::Seen,
        ),
        (
            sent("10-29").opened(10).clicked(59),
            vec![EarlyOpen, EarlyClick],
            EmailEngagement::CannotTell,
        ),
        (
            sent("10-29").opened(10).clicked(60),
            vec![EarlyOpen],
            EmailEngagement::Seen,
        ),
        (
            sent("10-29").clicked(59),
            vec![EarlyClick, ClickWithoutOpen],
            EmailEngagement::CannotTell,
        ),
        (
            sent("10-29").clicked(60),
            vec![ClickWithoutOpen],
            EmailEngagement::Seen,
        ),
        (
            sent("10-29").opened(500).clicked(500),
            vec![OpenWithClick],
            EmailEngagement::CannotTell,
        ),
        (
            sent("10-29").opened(500).clicked(501),
            vec![],
            EmailEngagement::Seen,
        ),
    ];
    for (mail, rules, seen) in cases {
        let record = mail.0.clone();
        let decision = strict(&evidence([mail]));
        assert_eq!(hits(&decision), [rules], "{record:?}");
        assert_eq!(decision.seen, seen, "{record:?}");
        assert_eq!(decision.as_shown, EmailEngagement::Seen, "{record:?}");
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
    assert_eq!(decision.seen, EmailEngagement::CannotTell);
    assert_eq!(
        decision.emails[2].signs[0].says,
        "all 3 emails opened after the same delay (3600 to 3605 s), none clicked"
    );
    assert_eq!(
        strict(&regular(3_606)).seen,
        EmailEngagement::Seen,
        "six seconds apart"
    );
}

#[test]
fn a_regular_delay_needs_three_mails_and_no_other_deed() {
    let two = evidence([sent("10-29").opened(3_600), sent("10-25").opened(3_600)]);
    assert_eq!(strict(&two).seen, EmailEngagement::Seen);
    let clicked = evidence([
        sent("10-29").opened(3_600),
        sent("10-25").opened(3_600).clicked(3_700),
        sent("10-22").opened(3_600),
    ]);
    assert_eq!(hits(&strict(&clicked)), [vec![], vec![], vec![]]);
    let replied = evidence([
        sent("10-29").opened(3_600),
        sent("10-25").opened(3_600).replied(3_700),
        sent("10-22").opened(3_600),
    ]);
    assert_eq!(hits(&strict(&replied)), [vec![], vec![], vec![]]);
    let unopened = evidence([
        sent("10-29").opened(3_600),
        sent("10-25"),
        sent("10-22").opened(3_600),
    ]);
    assert_eq!(strict(&unopened).seen, EmailEngagement::Seen);
}
