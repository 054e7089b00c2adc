//! Whose emails they were (A37), case by case; every expectation is written by hand.

use relay_core::channel::{
    ChannelDecision, EmailSender, EngagementEvent, EngagementSource, MailEvidence,
};
use relay_core::clients::AddressState;

use crate::channel_support::{Mail, at, evidence, sent, shown, strict};

fn clinic(day: &str) -> Mail {
    from(EmailSender::Clinic, sent(day))
}

fn coach(day: &str) -> Mail {
    from(EmailSender::Staff, sent(day))
}

fn from(sender: EmailSender, mut mail: Mail) -> Mail {
    mail.0.sender = Some(sender);
    mail
}

fn newsletters(decision: &ChannelDecision) -> Option<&str> {
    let mut cautions = decision.cautions.iter();
    let said = cautions.find(|line| line.starts_with("newsletters only"));
    said.map(String::as_str)
}

const SEEN_ALL: &str = "newsletters only, it seems: the emails she looked at came from the clinic's own address, none from a coach's";
const SEEN_ONE: &str = "newsletters only, it seems: the email she looked at came from the clinic's own address, not from a coach's";
const ALL: &str = "newsletters only, it seems: these emails came from the clinic's own address, none from a coach's";
const ONE: &str =
    "newsletters only, it seems: this email came from the clinic's own address, not from a coach's";

/// A day, hours later.
const LATER: i64 = 30_000;

#[test]
fn newsletters_only_is_said_where_every_sender_is_known_to_be_the_clinic() {
    let table: Vec<(&str, Vec<Mail>, Option<&str>)> = vec![
        (
            "the one that she opened is a newsletter, the coach's stayed unopened",
            vec![coach("10-29"), clinic("10-25").opened(LATER)],
            Some(SEEN_ONE),
        ),
        (
            "all that she opened are newsletters",
            vec![
                clinic("10-29").opened(LATER),
                sent("10-25"),
                clinic("10-22").clicked(LATER),
            ],
            Some(SEEN_ALL),
        ),
        (
            "one that she opened is the coach's",
            vec![
                clinic("10-29").opened(LATER),
                coach("10-25").opened(LATER),
                clinic("10-22"),
            ],
            None,
        ),
        (
            "the sender of one that she opened is not known",
            vec![clinic("10-29").opened(LATER), sent("10-25").opened(LATER)],
            None,
        ),
        (
            "nothing opened, and nothing but newsletters",
            vec![clinic("10-29"), clinic("10-25"), clinic("10-22")],
            Some(ALL),
        ),
        ("one newsletter, unopened", vec![clinic("10-29")], Some(ONE)),
        (
            "nothing opened, and one is the coach's",
            vec![clinic("10-29"), coach("10-25")],
            None,
        ),
        (
            "nothing opened, and the sender of one is not known",
            vec![clinic("10-29"), sent("10-25")],
            None,
        ),
        (
            "the coach's is too old to be considered",
            vec![
                clinic("10-29"),
                clinic("10-25"),
                clinic("10-22"),
                coach("10-20"),
            ],
            Some(ALL),
        ),
        ("nothing was sent", vec![], None),
    ];
    for (case, mails, expected) in table {
        let decision = shown(&evidence(mails));
        assert_eq!(newsletters(&decision), expected, "{case}");
    }
}

#[test]
fn strict_speaks_of_what_counts_there() {
    // The newsletter's open is a machine's, the coach's a person's.
    let mails = || [clinic("10-29").opened(2), coach("10-25").opened(LATER)];
    assert_eq!(newsletters(&strict(&evidence(mails()))), None);
    // The other way round, only the newsletter is left.
    let mails = || [coach("10-29").opened(2), clinic("10-25").opened(LATER)];
    assert_eq!(newsletters(&strict(&evidence(mails()))), Some(SEEN_ONE));
    assert_eq!(newsletters(&shown(&evidence(mails()))), None);
    // Nothing counts: it is about all of them.
    let mails = [clinic("10-29").opened(2), clinic("10-25")];
    assert_eq!(newsletters(&strict(&evidence(mails))), Some(ALL));
}

#[test]
fn where_mail_cannot_tell_anything_nothing_is_said_of_it() {
    let bounced = MailEvidence {
        address: AddressState::Undeliverable("HARD_BOUNCE".to_owned()),
        ..evidence([clinic("10-29")])
    };
    let unread = MailEvidence {
        unreadable: Some("the CRM answered 500".to_owned()),
        ..evidence([])
    };
    for evidence in [bounced, unread] {
        assert_eq!(newsletters(&shown(&evidence)), None);
    }
}

#[test]
fn what_was_told_has_the_sender_of_its_email() {
    let look = at("2026-11-05T18:00:00Z");
    let told = |mail: &Mail| {
        EngagementEvent::shown_by(&mail.0, EngagementSource::Poll, look).collect::<Vec<_>>()
    };
    let case = |listed: Mail, opened: Mail| MailEvidence {
        engagement: told(&opened),
        ..evidence([listed, coach("10-25")])
    };
    // The history lists the email and lags with the open.
    let lagging = case(clinic("10-29"), clinic("10-29").opened(LATER));
    assert_eq!(newsletters(&shown(&lagging)), Some(SEEN_ONE));
    let coachs = case(coach("10-29"), coach("10-29").opened(LATER));
    assert_eq!(newsletters(&shown(&coachs)), None);
    // An email that the history doesn't list: nobody knows whose it was.
    let unlisted = case(clinic("10-22"), clinic("10-30").opened(LATER));
    assert_eq!(newsletters(&shown(&unlisted)), None);
}

#[test]
fn it_changes_nothing_but_the_words_and_earlier_versions_never_say_it() {
    let mails = || [clinic("10-29").opened(LATER), clinic("10-25")];
    let known = shown(&evidence(mails()));
    let unknown = shown(&evidence(mails().map(|mut mail| {
        mail.0.sender = None;
        mail
    })));
    assert_eq!(
        (known.seen, known.channel, &known.reason),
        (unknown.seen, unknown.channel, &unknown.reason)
    );
    assert_eq!(newsletters(&unknown), None);
    for logic in 1..=3 {
        let stored = ChannelDecision {
            logic,
            ..known.clone()
        };
        let again = stored.recompute(&evidence(mails())).expect("known logic");
        assert_eq!(newsletters(&again), None, "logic {logic}");
    }
    assert_eq!(known.recompute(&evidence(mails())), Some(known.clone()));
}

#[test]
fn where_copies_of_an_email_differ_it_is_a_persons() {
    let both = || [clinic("10-29"), coach("10-29")];
    assert_eq!(newsletters(&shown(&evidence(both()))), None);
    let mut turned = both();
    turned.reverse();
    assert_eq!(shown(&evidence(turned)), shown(&evidence(both())));
    // One copy that doesn't tell says nothing against the other.
    let untold = [sent("10-29"), clinic("10-29")];
    assert_eq!(newsletters(&shown(&evidence(untold))), Some(ONE));
}
