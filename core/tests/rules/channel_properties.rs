//! What holds for every evidence, not only for the cases someone thought of.

use proptest::prelude::*;
use relay_core::channel::{
    ChannelDecision, ChannelParameters, ChannelRule, EmailEngagement, EmailRecord, EmailSender,
    EngagementEvent, EngagementKind, EngagementSource, MailEvidence, decide,
};
use relay_core::clients::AddressState;
use relay_core::time::{Date, SignedDuration, TimeZone, Timestamp};

fn now() -> Timestamp {
    "2026-11-06T16:00:00Z".parse().unwrap()
}

/// Delays around every threshold, so that the machine rules are met often.
fn delays() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        2 => Just(None),
        1 => (-2..70i64).prop_map(Some),
        1 => (3_598..3_606i64).prop_map(Some),
        1 => (0..200_000i64).prop_map(Some),
    ]
}

prop_compose! {
    fn mails()(
        // Few ids, so that copies of one mail occur.
        id in 0..8u8,
        hours_ago in -10..900i64,
        opened in delays(),
        clicked in delays(),
        replied in proptest::option::weighted(0.1, 0..100_000i64),
        sender in proptest::option::of(prop_oneof![
            2 => Just(EmailSender::Clinic),
            1 => Just(EmailSender::Staff),
        ]),
    ) -> EmailRecord {
        let sent_at = now() - SignedDuration::from_hours(hours_ago);
        let after = |secs: Option<i64>| secs.map(|secs| sent_at + SignedDuration::from_secs(secs));
        EmailRecord {
            id: id.to_string().into(),
            subject: None,
            sent_at,
            opened_at: after(opened),
            clicked_at: after(clicked),
            replied_at: after(replied),
            sender,
        }
    }
}

prop_compose! {
    fn events()(
        id in proptest::option::of(0..8u8),
        label in proptest::option::of("[a-b]"),
        click in any::<bool>(),
        exact in any::<bool>(),
        hours_ago in -10..900i64,
        delay in proptest::option::of(-2..70i64),
    ) -> EngagementEvent {
        let at = now() - SignedDuration::from_hours(hours_ago);
        EngagementEvent {
            at,
            kind: if click { EngagementKind::Click } else { EngagementKind::Open },
            exact,
            seen_at: at,
            source: if exact { EngagementSource::Poll } else { EngagementSource::Post },
            email: id.map(|id| id.to_string().into()),
            sent_at: delay.map(|secs| at - SignedDuration::from_secs(secs)),
            label,
            link: None,
        }
    }
}

fn addresses() -> impl Strategy<Value = AddressState> {
    prop_oneof![
        6 => Just(AddressState::Deliverable),
        1 => Just(AddressState::NeverMailed),
        1 => Just(AddressState::Missing),
        1 => "[A-Z_]{1,8}".prop_map(AddressState::Undeliverable),
        1 => "[A-Z_]{1,8}".prop_map(AddressState::OptedOut),
        1 => "[A-Z_]{1,8}".prop_map(AddressState::Unknown),
    ]
}

prop_compose! {
    fn evidences_of(least: usize)(
        address in addresses(),
        has_phone in any::<bool>(),
        emails in proptest::collection::vec(mails(), least..9),
        unreadable in proptest::option::weighted(0.2, "[a-z ]{1,12}"),
        engagement in proptest::collection::vec(events(), 0..4),
        address_unread in any::<bool>(),
        not_told in proptest::bool::weighted(0.1),
    ) -> MailEvidence {
        // An address is read before the history: one that could not be read means that neither was.
        let address_unread = address_unread && unreadable.is_some();
        MailEvidence {
            read_at: now(), address, has_phone, emails, unreadable, engagement, address_unread,
            not_told,
        }
    }
}

fn evidences() -> impl Strategy<Value = MailEvidence> {
    evidences_of(0)
}

fn regimens() -> impl Strategy<Value = Option<Date>> {
    let first: Date = "2026-10-01".parse().unwrap();
    proptest::option::of(0..50i64).prop_map(move |days| {
        days.map(|days| first.saturating_add(SignedDuration::from_hours(24 * days)))
    })
}

prop_compose! {
    fn parameters()(
        strict in any::<bool>(),
        emails in 0..6u32,
        window_days in 0..40u32,
    ) -> ChannelParameters {
        let rule = if strict { ChannelRule::Strict } else { ChannelRule::AsShown };
        ChannelParameters { rule, emails, window_days, ..ChannelParameters::default() }
    }
}

fn judged(
    evidence: &MailEvidence,
    regimen: Option<Date>,
    parameters: &ChannelParameters,
) -> ChannelDecision {
    let zone = TimeZone::get("America/Denver").unwrap();
    decide(evidence, regimen, parameters, &zone, now())
}

fn stored<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_stored_decision_is_recomputed_bit_for_bit_from_stored_evidence(
        evidence in evidences(),
        regimen in regimens(),
        parameters in parameters(),
    ) {
        let decision = judged(&evidence, regimen, &parameters);
        let record: ChannelDecision = stored(&decision);
        let again = record.recompute(&stored(&evidence)).unwrap();
        let bytes = |decision: &ChannelDecision| serde_json::to_string(decision).unwrap();
        prop_assert_eq!(bytes(&again), bytes(&decision));
    }

    #[test]
    fn the_order_of_the_mails_does_not_matter(
        (evidence, shuffled) in evidences().prop_flat_map(|evidence| {
            let emails = Just(evidence.emails.clone()).prop_shuffle();
            (Just(evidence), emails)
        }),
        regimen in regimens(),
        parameters in parameters(),
    ) {
        let other = MailEvidence { emails: shuffled, ..evidence.clone() };
        prop_assert_eq!(
            judged(&evidence, regimen, &parameters),
            judged(&other, regimen, &parameters)
        );
    }

    #[test]
    fn what_strict_has_seen_is_seen_as_shown(
        evidence in evidences(),
        regimen in regimens(),
        parameters in parameters(),
    ) {
        let decision = judged(&evidence, regimen, &parameters);
        if decision.strict == EmailEngagement::Seen {
            prop_assert_eq!(decision.as_shown, EmailEngagement::Seen);
        }
        // Nothing at all is the one thing that both call by the same name.
        prop_assert_eq!(decision.strict == EmailEngagement::NotSeen, decision.as_shown == EmailEngagement::NotSeen);
    }

    #[test]
    fn an_open_that_looks_human_never_turns_seen_into_anything_else(
        mut evidence in evidences_of(1),
        regimen in regimens(),
        parameters in parameters(),
        which in any::<prop::sample::Index>(),
        delay in 0..200_000i64,
    ) {
        let which = which.index(evidence.emails.len());
        evidence.emails[which].opened_at = None;
        let before = judged(&evidence, regimen, &parameters);
        let mail = &mut evidence.emails[which];
        let (id, opened) = (mail.id.clone(), mail.sent_at + SignedDuration::from_secs(delay));
        mail.opened_at = Some(opened);
        let after = judged(&evidence, regimen, &parameters);
        prop_assert!(before.as_shown != EmailEngagement::Seen || after.as_shown == EmailEngagement::Seen);
        let human = after.considered().any(|mail| {
            mail.email.id == id && mail.email.opened_at == Some(opened) && mail.open_counts
        });
        // The stronger half: such an open alone is enough, wherever mail can tell anything.
        let tells = evidence.unreadable.is_none() && !evidence.not_told;
        if human && evidence.address.accepts_mail() && tells {
            prop_assert_eq!(after.strict, EmailEngagement::Seen);
        }
    }

    #[test]
    fn nobody_is_mailed_where_mail_cannot_arrive_or_called_without_a_number(
        evidence in evidences(),
        regimen in regimens(),
        parameters in parameters(),
    ) {
        use relay_core::channel::Channel;
        let decision = judged(&evidence, regimen, &parameters);
        match decision.channel {
            Channel::Email => prop_assert!(evidence.address.accepts_mail()
                || (evidence.address_unread && decision.seen == EmailEngagement::Seen)),
            Channel::Phone => prop_assert!(evidence.has_phone && decision.seen != EmailEngagement::Seen),
            Channel::Hold => prop_assert!(!evidence.has_phone && !evidence.address.accepts_mail()),
        }
        let considered = decision.considered().count();
        prop_assert!(considered <= usize::try_from(parameters.emails).unwrap());
        for text in [&decision.reason, &decision.would_change] {
            prop_assert!(!text.is_empty() && !text.contains('\n'));
        }
    }

    #[test]
    fn what_is_told_only_ever_turns_a_call_into_an_email(
        evidence in evidences(),
        event in events(),
        regimen in regimens(),
        parameters in parameters(),
    ) {
        use relay_core::channel::Channel;
        let before = judged(&evidence, regimen, &parameters);
        let mut more = evidence.clone();
        more.engagement.push(event);
        let after = judged(&more, regimen, &parameters);
        // More opens may show a machine's pattern, which strict discounts; as shown, nothing does.
        if parameters.rule == ChannelRule::AsShown {
            prop_assert!(before.channel != Channel::Email || after.channel == Channel::Email);
            prop_assert!(before.seen != EmailEngagement::Seen || after.seen == EmailEngagement::Seen);
        }
    }

    #[test]
    fn without_a_word_from_elsewhere_logic_1_is_recomputed_bit_for_bit(
        mut evidence in evidences(),
        regimen in regimens(),
        parameters in parameters(),
    ) {
        evidence.engagement.clear();
        evidence.address_unread = false;
        evidence.not_told = false;
        let now = judged(&evidence, regimen, &parameters);
        let stored = ChannelDecision { logic: 1, ..now.clone() };
        let then = stored.recompute(&evidence).expect("a known logic");
        // Only the words of why mail can't tell anything are others now, and it never knew of newsletters.
        let cautions: Vec<String> = stored.cautions.iter().filter(|line| !line.starts_with("newsletters only")).cloned().collect();
        prop_assert_eq!(ChannelDecision { reason: then.reason.clone(), cautions, ..stored }, then.clone());
        // It never knew of anything else.
        let told = EngagementEvent {
            at: now.decided_at, kind: EngagementKind::Click, exact: false,
            seen_at: now.decided_at, source: EngagementSource::Post,
            email: None, sent_at: None, label: None, link: None,
        };
        evidence.engagement.push(told);
        prop_assert_eq!(then.recompute(&evidence), Some(then.clone()));
    }
}
