//! The ports against the emulator: what the relay hears of Keap.

use relay_core::channel::EmailSender;
use relay_core::effects::request;
use relay_core::random::SeededRandom;
use relay_core::time::{ManualClock, SignedDuration};
use relay_http_client::RouterTransport;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_keap::emulator::{
    Act, Keap, NewContact, NewEmailRecord, NewOrder, NewPaymentMethod, NewProduct, NewSubscription,
    NewUser, Settings as Tenant,
};
use relay_keap::{HeaderStyle, Settings};
use secrecy::SecretString;

use super::*;
use crate::ports::{Tasks, TasksOf};

struct Setup {
    keap: Arc<Keap>,
    clock: Arc<ManualClock>,
    ports: KeapPorts,
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid time")
}

fn maya() -> ContactId {
    ContactId::from("1001")
}

fn setup() -> Setup {
    let clock = Arc::new(ManualClock::new(at("2026-11-03T16:00:00Z")));
    let keap = Keap::new(
        clock.clone(),
        Arc::new(SeededRandom::new(7)),
        Tenant::default(),
    );
    let transport = RouterTransport::new();
    transport.serve("keap.test", keap.router());
    let settings = Settings {
        base: "http://keap.test/crm".parse().expect("a valid address"),
        header: HeaderStyle::Bearer,
        ..Settings::live(SecretString::from("KeapAK-emulated")).expect("settings")
    };
    let client = KeapClient::new(Arc::new(transport), clock.clone(), settings).expect("a client");
    let coaching = CoachingPlans {
        products: ["11".to_owned()].into(),
        plans: ["71".to_owned()].into(),
    };
    let setup = Setup {
        ports: KeapPorts::new(
            Arc::new(client),
            coaching,
            WordNames::default(),
            clock.clone(),
        ),
        keap,
        clock,
    };
    setup.does(Act::AddUser(NewUser {
        id: Some(7),
        email: "coach@example.test".to_owned(),
        ..NewUser::default()
    }));
    setup.does(contact(1001, Some("maya@example.test")));
    setup
}

fn contact(id: u64, email: Option<&str>) -> Act {
    Act::AddContact(NewContact {
        id: Some(id),
        given_name: Some("Maya".to_owned()),
        email: email.map(str::to_owned),
        email_status: email.map(|_| "SINGLE_OPT_IN".to_owned()),
        phone: Some("303-555-0134".to_owned()),
        ..NewContact::default()
    })
}

impl Setup {
    fn does(&self, act: Act) {
        self.keap.perform(act).expect("possible");
    }

    fn operations(&self) -> Vec<String> {
        let accepted = self.keap.accepted();
        accepted.into_iter().map(|entry| entry.operation).collect()
    }
}

#[tokio::test]
async fn a_contact_comes_with_its_address_state_and_its_twins() {
    let setup = setup();
    setup.does(contact(1002, Some("MAYA@example.test")));
    setup.does(contact(1003, None));
    let alone = setup
        .ports
        .contact(&maya(), false)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(alone.first_name.as_deref(), Some("Maya"));
    assert_eq!(alone.address, AddressState::Deliverable);
    assert!(alone.twins.is_empty());
    let twins = setup
        .ports
        .contact(&maya(), true)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(twins.twins, [ContactId::from("1002")]);
    let bare = setup
        .ports
        .contact(&"1003".into(), true)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(bare.address, AddressState::Missing);
    assert!(bare.twins.is_empty(), "no address is no address in common");
    let gone = setup.ports.contact(&"99".into(), true).await.expect("read");
    assert!(gone.is_none());
}

#[tokio::test]
async fn a_contact_found_by_a_second_address_is_told_apart_from_one_found_by_its_first() {
    let setup = setup();
    setup.does(contact(1002, Some("husband@example.test")));
    let slots = serde_json::json!([
        { "email": "husband@example.test", "field": "EMAIL1" },
        { "email": "Hers@example.test", "field": "EMAIL2" },
    ]);
    let changes = [("email_addresses".to_owned(), slots)]
        .into_iter()
        .collect();
    setup.does(Act::EditContact {
        contact: 1002,
        changes,
    });
    for (address, first) in [("hers@example.test", false), ("husband@example.test", true)] {
        let found = setup.ports.by_email(address).await.expect("an answer");
        let id = ContactId::from("1002");
        assert_eq!(found, [ContactMatch { id, first }], "{address}");
    }
    // Mail goes to the first slot: an empty one is not stood in for by the second.
    let slots = serde_json::json!([{ "email": "hers@example.test", "field": "EMAIL2" }]);
    let changes = [("email_addresses".to_owned(), slots)]
        .into_iter()
        .collect();
    setup.does(Act::EditContact {
        contact: 1002,
        changes,
    });
    let shown = setup.ports.contact(&"1002".into(), false).await;
    assert_eq!(shown.expect("an answer").expect("a contact").email, None);
}

#[tokio::test]
async fn a_tag_that_is_not_there_is_made_first_and_put_on_by_the_next_attempt() {
    let setup = setup();
    let tag = "Follow-up: phone";
    let first = setup.ports.add(&maya(), tag).await.expect("no failure");
    assert_eq!(first, TagAdded::MadeFirst);
    assert_eq!(setup.operations(), ["create_tag"]);
    let second = setup.ports.add(&maya(), tag).await.expect("put on");
    assert_eq!(second, TagAdded::Done);
    setup.ports.add(&maya(), tag).await.expect("nothing to do");
    assert_eq!(setup.operations(), ["create_tag", "add_tag"]);
    assert!(setup.ports.has(&maya(), tag).await.expect("read"));
    setup.ports.remove(&maya(), tag).await.expect("taken off");
    setup
        .ports
        .remove(&maya(), tag)
        .await
        .expect("nothing to do");
    assert_eq!(setup.operations(), ["create_tag", "add_tag", "remove_tag"]);
}

#[tokio::test]
async fn a_tag_whose_making_was_unclear_is_not_yet_on_the_contact() {
    let setup = setup();
    setup.keap.faults().order(FaultRule {
        operation: "create_tag".to_owned(),
        moment: Moment::After,
        act: FaultAct::Hang,
        skip: 0,
        times: 1,
    });
    let first = setup.ports.add(&maya(), "VIP").await.expect_err("lost");
    assert_eq!(first.class, Class::NotSent);
    setup.ports.add(&maya(), "VIP").await.expect("put on");
    assert_eq!(setup.operations(), ["create_tag", "add_tag"]);
}

#[tokio::test]
async fn a_tag_that_is_refused_as_there_already_counts_as_a_failure_until_it_is_found() {
    let setup = setup();
    let refused = |times| FaultRule {
        operation: "create_tag".to_owned(),
        moment: Moment::Before,
        act: FaultAct::Status {
            code: 409,
            retry_after: None,
            body: None,
        },
        skip: 0,
        times,
    };
    // However often: a list that never shows the tag must not be asked forever.
    setup.keap.faults().order(refused(3));
    for _ in 0..3 {
        let error = setup.ports.add(&maya(), "VIP").await.expect_err("refused");
        assert_eq!((error.class, error.status), (Class::NotSent, Some(409)));
    }
    for expected in [TagAdded::MadeFirst, TagAdded::Done] {
        let added = setup.ports.add(&maya(), "VIP").await.expect("no failure");
        assert_eq!(added, expected);
    }
}

#[tokio::test]
async fn a_tag_whose_name_differs_in_the_case_of_a_letter_is_the_same_tag() {
    let setup = setup();
    let made = setup.ports.add(&maya(), "Follow-up: Email").await;
    assert_eq!(made.expect("made"), TagAdded::MadeFirst);
    let tag = "Follow-up: email";
    for _ in 0..2 {
        let added = setup.ports.add(&maya(), tag).await.expect("put on");
        assert_eq!(added, TagAdded::Done);
    }
    assert!(setup.ports.has(&maya(), tag).await.expect("read"));
    assert_eq!(setup.operations(), ["create_tag", "add_tag"]);
    setup.ports.remove(&maya(), tag).await.expect("taken off");
    assert_eq!(setup.operations(), ["create_tag", "add_tag", "remove_tag"]);
}

#[tokio::test]
async fn only_what_is_configured_counts_as_coaching_and_unknowns_keep_the_card() {
    let setup = setup();
    setup.does(Act::AddProduct(NewProduct {
        id: Some(11),
        name: "Monthly Coaching Support Fee".to_owned(),
        plan: Some(61),
    }));
    setup.does(Act::AddPaymentMethod(NewPaymentMethod {
        id: Some(301),
        contact: 1001,
        ..NewPaymentMethod::default()
    }));
    for (id, product, plan) in [
        (501, Some(11), None),
        (502, None, Some(71)),
        (503, Some(12), Some(71)),
        (504, None, None),
    ] {
        setup.does(Act::AddSubscription(NewSubscription {
            id: Some(id),
            contact: 1001,
            product,
            plan,
            payment_method: Some(301),
            ..NewSubscription::default()
        }));
    }
    setup.does(Act::AddOrder(NewOrder {
        id: Some(9),
        contact: 1001,
        title: "Peel".to_owned(),
        ..NewOrder::default()
    }));
    let read = setup.ports.snapshot(&maya()).await.expect("read");
    let coaching: Vec<&str> = read
        .subscriptions
        .iter()
        .filter(|s| s.coaching)
        .map(|s| s.id.as_str())
        .collect();
    assert_eq!(coaching, ["501", "502"]);
    assert_eq!(read.subscriptions[0].name, "Monthly Coaching Support Fee");
    assert_eq!(read.subscriptions[2].name, "product 12");
    let card = Some(PaymentMethodId::from("301"));
    assert!(read.subscriptions.iter().all(|s| s.payment_method == card));
    assert!(read.subscriptions.iter().all(|s| s.active && s.auto_charge));
    assert_eq!(read.cards.len(), 1);
    assert_eq!(read.open_orders, ["order 9: Peel (SENT)"]);
}

#[tokio::test]
async fn the_history_is_what_keap_sent_within_the_window() {
    let setup = setup();
    for (subject, sent_at, provider) in [
        ("Old", "2026-09-01T12:00:00Z", None),
        ("Just before", "2026-10-03T23:00:00Z", None),
        ("Welcome", "2026-10-30T12:00:00Z", None),
        ("Re: Welcome", "2026-10-30T13:00:00Z", Some("GOOGLE")),
    ] {
        setup.does(Act::AddEmailRecord(NewEmailRecord {
            contact: 1001,
            subject: subject.to_owned(),
            sent_at: Some(at(sent_at)),
            clicked_at: Some(at("2026-10-30T14:00:00Z")),
            provider: provider.map(str::to_owned),
            ..NewEmailRecord::default()
        }));
    }
    let since = at("2026-10-04T00:00:00Z");
    let history = setup.ports.history(&maya(), since).await.expect("read");
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].subject.as_deref(), Some("Welcome"));
    assert_eq!(history[0].clicked_at, Some(at("2026-10-30T14:00:00Z")));
    assert_eq!(history[0].opened_at, None);
}

#[tokio::test]
async fn whose_emails_they_were_is_kept_for_an_hour_and_no_reason_not_to_read_them() {
    let setup = setup();
    let since = at("2026-10-04T00:00:00Z");
    let senders = async || -> Vec<_> {
        let history = setup.ports.history(&maya(), since).await.expect("read");
        history.into_iter().map(|email| email.sender).collect()
    };
    let failing = || {
        setup.keap.faults().clear();
        setup.keap.faults().order(FaultRule {
            operation: "list_users".to_owned(),
            moment: Moment::Before,
            act: FaultAct::Status {
                code: 500,
                retry_after: None,
                body: None,
            },
            skip: 0,
            times: 1,
        });
    };
    let sent = |day: u8, from: Option<&str>| {
        setup.does(Act::AddEmailRecord(NewEmailRecord {
            contact: 1001,
            sent_at: Some(at(&format!("2026-10-{day:02}T12:00:00Z"))),
            from: from.map(str::to_owned),
            ..NewEmailRecord::default()
        }));
    };
    sent(20, None);
    failing();
    assert_eq!(senders().await, [None]);
    assert_eq!(setup.keap.faults().left().len(), 1, "nobody was asked");
    sent(21, Some("news@example.test"));
    assert_eq!(senders().await, [None, None], "asked, and no answer");
    let (clinic, staff) = (Some(EmailSender::Clinic), Some(EmailSender::Staff));
    sent(22, Some("Coach <coach@example.test>"));
    assert_eq!(senders().await, [staff, clinic, None]);
    failing();
    setup.clock.advance(SignedDuration::from_mins(59));
    assert_eq!(senders().await, [staff, clinic, None], "kept");
    setup.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(senders().await, [None, None, None], "asked for again");
    assert_eq!(senders().await, [staff, clinic, None]);
}

#[tokio::test]
async fn an_email_a_task_and_a_note_are_found_again_by_the_callers_marker() {
    let setup = setup();
    let since = setup.clock.now();
    let user = setup
        .ports
        .user_by_email("coach@example.test")
        .await
        .expect("read");
    let user = user.expect("a user");
    let email = request::Email {
        contact: maya(),
        user: user.clone(),
        subject: "Your check-in".to_owned(),
        text: "Hi Maya".to_owned(),
    };
    let task = request::CallTask {
        contact: maya(),
        user: user.clone(),
        title: "CALL Maya R.".to_owned(),
        description: "Call her.".to_owned(),
        due: since,
    };
    let note = request::ContactNote {
        contact: maya(),
        user,
        title: "Missed check-in".to_owned(),
        text: "Opened 2 of 3.".to_owned(),
    };
    let marker = "relay:0123456789abcdef0123";
    setup.ports.send(&email, marker).await.expect("sent");
    let made = Tasks::create(&setup.ports, (&task).into(), marker)
        .await
        .expect("made");
    let noted = Notes::create(&setup.ports, &note, marker)
        .await
        .expect("made");
    setup.clock.advance(SignedDuration::from_secs(121));
    assert!(
        setup
            .ports
            .find_sent(&email.contact, &email.subject, &[marker.to_owned()], since)
            .await
            .expect("read")
            .is_some()
    );
    let markers = ["another".to_owned(), marker.to_owned()];
    let found = Tasks::find(
        &setup.ports,
        TasksOf::Contact(&task.contact),
        &markers,
        since,
    )
    .await;
    let found = found.expect("read");
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].id, found[0].marker), (&made, 1));
    let found = Notes::find(&setup.ports, &note.contact, &markers, since).await;
    assert_eq!(found.expect("read").map(|found| found.id), Some(noted));
    let accepted = setup.keap.accepted();
    assert_eq!(
        accepted[1].content["description"],
        "Call her.\n\nClear Relay, ref. 3FCF-THS9-E13F"
    );
    let shown = setup
        .ports
        .task(&made, None)
        .await
        .expect("read")
        .expect("there");
    assert_eq!((shown.completed, shown.outcome), (false, None));
    assert_eq!(shown.contact, Some(maya()));
}

#[tokio::test]
async fn of_a_contacts_tags_only_the_words_of_staff_are_told_with_their_time() {
    let setup = setup();
    for tag in [
        "Follow-up: email",
        "FOLLOW-UP: PAUSE",
        "Follow-up: pause, old",
    ] {
        setup.does(Act::ApplyTag {
            contact: 1001,
            tag: tag.to_owned(),
        });
    }
    let words = setup.ports.words(&maya()).await.expect("an answer");
    let [word] = words.as_slice() else {
        panic!("{words:?}")
    };
    assert_eq!(word.word.as_str(), "pause");
    assert_eq!(word.tag, "Follow-up: pause");
    assert_eq!(word.at, Some(at("2026-11-03T16:00:00Z")));
    let gone = setup.ports.words(&"9999".into()).await;
    assert!(gone.expect("no failure").is_empty());
    let ids = setup.ports.word_ids().await.expect("an answer");
    assert_eq!(ids.len(), 1, "those that are there: {ids:?}");
}

#[tokio::test]
async fn a_tag_of_staff_counts_from_its_first_use_and_so_does_each_of_one_name() {
    let setup = setup();
    let ids = async || setup.ports.word_ids().await.expect("an answer");
    setup.does(Act::AddTag {
        name: "Follow-up: pause".to_owned(),
    });
    assert_eq!(ids().await.len(), 1);
    setup.does(Act::ApplyTag {
        contact: 1001,
        tag: "Follow-up: replied".to_owned(),
    });
    assert_eq!(ids().await.len(), 2, "it was made just now");
    for _ in 0..2 {
        setup.does(Act::AddTag {
            name: "Follow-up: resume".to_owned(),
        });
    }
    assert_eq!(ids().await.len(), 4, "either may be the one in use");
}
