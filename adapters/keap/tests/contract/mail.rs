//! Mail: sent once, found again, and its history.

use relay_core::clients::AddressState;
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::CustomFieldsMode;
use relay_keap::emulator::{Act, NewEmailRecord};
use relay_keap::marker::Marker;

use super::support::{COACH, MAYA, Setup, at, now, setup, setup_with, status};

const TEXT: &str = "Hi Maya,\n\nwe <missed> your check-in & wonder how you're doing.\n\nJo";

async fn send(setup: &Setup, marker: &str) -> Result<(), relay_http_client::CallError> {
    let marker = Marker::new(marker);
    setup
        .client
        .send_email(MAYA, COACH, "Your check-in", TEXT, &marker)
        .await
}

async fn find(setup: &Setup, marker: &str) -> Option<String> {
    let marker = Marker::new(marker);
    let found = setup
        .client
        .find_email(MAYA, "Your check-in", std::slice::from_ref(&marker), now())
        .await;
    found.expect("an answer").map(|found| found.id)
}

#[tokio::test]
async fn a_mail_arrives_to_the_character_and_its_marker_is_invisible() {
    let setup = setup();
    send(&setup, "case/step/1/email").await.expect("sent");
    let accepted = setup.accepted("email");
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].who, MAYA);
    assert_eq!(accepted[0].content["text"], TEXT);
    assert_eq!(accepted[0].content["subject"], "Your check-in");
    assert_eq!(accepted[0].content["user_id"], COACH);
    let html = accepted[0].content["html"].as_str().expect("a part");
    let shown = html.split("<!--").next().unwrap_or_default();
    assert_eq!(
        shown,
        "<div>Hi Maya,<br>\n<br>\nwe &lt;missed&gt; your check-in &amp; wonder how you&#39;re \
         doing.<br>\n<br>\nJo</div>\n"
    );
    assert!(Marker::new("case/step/1/email").is_in_html(html));
}

#[tokio::test]
async fn a_sent_mail_is_found_by_its_marker_once_it_is_listed_and_no_other_is() {
    let setup = setup();
    send(&setup, "case/step/1/email").await.expect("sent");
    assert_eq!(
        find(&setup, "case/step/1/email").await,
        None,
        "not listed yet"
    );
    setup.clock.advance(SignedDuration::from_secs(121));
    assert!(find(&setup, "case/step/1/email").await.is_some());
    assert_eq!(find(&setup, "case/step/2/email").await, None);
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_unclear_and_the_probe_finds_it() {
    for act in [FaultAct::Hang, FaultAct::Reset, status(500), status(502)] {
        let setup = setup();
        setup.fault("email", Moment::After, act.clone());
        let error = send(&setup, "case/step/1/email").await.expect_err("lost");
        assert_eq!(error.class, Class::Unclear, "{act:?}");
        setup.clock.advance(SignedDuration::from_secs(121));
        assert!(find(&setup, "case/step/1/email").await.is_some(), "{act:?}");
        assert_eq!(setup.accepted("email").len(), 1);
    }
}

#[tokio::test]
async fn a_text_with_a_merge_field_is_refused_unsent() {
    let setup = setup();
    let marker = Marker::new("case/step/1/email");
    for (subject, text) in [
        ("Your check-in", "Hi ~Contact.FirstName~"),
        ("For ~Contact.FirstName~", "Hi"),
        ("two\nlines", "Hi"),
        ("", "Hi"),
    ] {
        let sent = setup
            .client
            .send_email(MAYA, COACH, subject, text, &marker)
            .await;
        assert_eq!(
            sent.expect_err("refused").class,
            Class::Permanent,
            "{subject:?}"
        );
    }
    assert!(setup.transport.asked().is_empty());
}

#[tokio::test]
async fn the_history_holds_this_contacts_mail_with_its_times() {
    let setup = setup();
    let sent = |subject: &str, provider: Option<&str>| NewEmailRecord {
        contact: 1001,
        subject: subject.to_owned(),
        sent_at: Some(at("2026-10-30T12:00:00Z")),
        opened_at: Some(at("2026-10-30T14:00:00Z")),
        provider: provider.map(str::to_owned),
        from: Some("news@clinic.example.test".to_owned()),
        ..NewEmailRecord::default()
    };
    setup.does(Act::AddEmailRecord(sent("Welcome", None)));
    setup.does(Act::AddEmailRecord(sent("Re: Welcome", Some("GOOGLE"))));
    setup.does(Act::AddEmailRecord(sent("Odd", Some("A_NEW_WORD"))));
    let mails = setup
        .client
        .emails(MAYA, at("2026-10-04T00:00:00Z"))
        .await
        .expect("mails");
    let own: Vec<_> = mails.iter().filter(|mail| mail.is_sent_by_keap()).collect();
    assert_eq!(mails.len(), 3);
    assert_eq!(own.len(), 1, "only what Keap says it sent");
    assert_eq!(own[0].subject.as_deref(), Some("Welcome"));
    assert_eq!(own[0].opened_time, Some(at("2026-10-30T14:00:00Z")));
    assert_eq!(own[0].clicked_time, None);
    let from = own[0].sent_from_address.as_deref();
    assert_eq!(from, Some("news@clinic.example.test"));
}

#[tokio::test]
async fn an_address_is_deliverable_bounced_opted_out_never_mailed_or_unknown() {
    let setup = setup_with(|_| (), CustomFieldsMode::Full);
    let state = async |email: &str| {
        let status = setup.client.address_status(email).await;
        status.expect("an answer").state
    };
    assert_eq!(state("maya@example.test").await, AddressState::Deliverable);
    assert_eq!(
        state("nobody+new@example.test").await,
        AddressState::NeverMailed
    );
    assert_eq!(state(" ").await, AddressState::Missing);
    for (word, expected) in [
        (
            "HARD_BOUNCE",
            AddressState::Undeliverable("HARD_BOUNCE".to_owned()),
        ),
        (
            "LIST_UNSUBSCRIBE",
            AddressState::OptedOut("LIST_UNSUBSCRIBE".to_owned()),
        ),
        ("SPAM", AddressState::OptedOut("SPAM".to_owned())),
        ("A_NEW_WORD", AddressState::Unknown("A_NEW_WORD".to_owned())),
    ] {
        setup.does(Act::SetAddressStatus {
            email: "maya@example.test".to_owned(),
            status: word.to_owned(),
        });
        assert_eq!(state("maya@example.test").await, expected);
    }
}
