//! The page's values, made of what the tools hold.

use relay_core::time::Timestamp;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn reader(zone: &TimeZone) -> Reader<'_> {
    Reader {
        zone,
        today: "2026-11-04".parse().expect("a day"),
    }
}

fn check_in(id: &str, due: &str, submitted: bool, withdrawn: bool) -> portal::SeenCheckIn {
    portal::SeenCheckIn {
        id: id.to_owned(),
        due: due.parse().expect("a day"),
        submitted_at: submitted.then(|| at("2026-11-04T16:00:00Z")),
        withdrawn,
    }
}

fn maya() -> portal::Seen {
    let message = |id: &str, coach: Option<&str>, read: bool| portal::SeenMessage {
        id: id.to_owned(),
        coach: coach.map(str::to_owned),
        at: at("2026-11-04T16:00:00Z"),
        text: "Hi".to_owned(),
        read_at: read.then(|| at("2026-11-04T17:00:00Z")),
    };
    portal::Seen {
        id: "maya".to_owned(),
        first_name: Some("Maya".to_owned()),
        last_name: Some("Reyes".to_owned()),
        status: "on_break".to_owned(),
        coach: Some("Beth".to_owned()),
        contact: Some("101".to_owned()),
        regimen: None,
        check_ins: vec![
            check_in("a", "2026-11-01", true, false),
            check_in("b", "2026-11-02", false, true),
            check_in("c", "2026-11-03", false, false),
            check_in("d", "2026-11-04", false, false),
            check_in("e", "2026-11-05", false, false),
        ],
        messages: vec![message("1", Some("Beth"), false), message("2", None, false)],
        notes: Vec::new(),
    }
}

fn contact() -> keap::Seen {
    let email = |id: u64, listed: bool, html: Option<&str>| keap::SeenEmail {
        id,
        subject: format!("mail {id}"),
        from: String::new(),
        sent: Some(at("2026-11-04T16:00:00Z")),
        opened: None,
        clicked: None,
        listed,
        html: html.map(str::to_owned),
    };
    keap::Seen {
        id: 101,
        fields: vec![("Contact Type".to_owned(), "Online".to_owned())],
        emails: vec![email(1, true, None), email(2, false, Some("<div>Hi</div>"))],
        tags: Vec::new(),
        tasks: Vec::new(),
        notes: Vec::new(),
        subscriptions: vec![keap::SeenSubscription {
            id: 901,
            product: COACHING_PRODUCT.to_string(),
            name: "Coaching".to_owned(),
            active: true,
            auto_charge: true,
        }],
        cards: Vec::new(),
    }
}

fn shown(contact: Option<&keap::Seen>, relay: Option<RelayView>) -> Person {
    let zone = TimeZone::get("America/Denver").expect("a zone");
    person(
        &Someone::of_portal(&maya()),
        &maya(),
        contact,
        relay,
        reader(&zone),
    )
}

#[test]
fn a_check_in_is_missed_from_the_day_after_it_was_due() {
    let portal = shown(None, None).portal;
    let states: Vec<_> = portal.check_ins.iter().map(|one| one.state).collect();
    assert_eq!(
        states,
        [
            "submitted",
            "withdrawn",
            "missed",
            "due today",
            "not due yet"
        ]
    );
    assert_eq!(portal.status, "on break");
}

#[test]
fn times_are_the_clinics_and_her_own_message_counts_as_read() {
    let portal = shown(None, None).portal;
    assert_eq!(portal.messages[0].at, "Wed Nov 4 09:00");
    let read: Vec<_> = portal
        .messages
        .iter()
        .map(|one| (&*one.who, one.read))
        .collect();
    assert_eq!(read, [("Beth", false), ("Maya", true)]);
}

#[test]
fn mail_is_in_her_box_before_the_crm_lists_it_and_old_mail_has_no_content() {
    let person = shown(Some(&contact()), None);
    let listed = person.keap.expect("a panel").emails;
    assert_eq!(listed.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["1"]);
    let mailbox = person.mailbox;
    assert_eq!(
        mailbox.iter().map(|one| &*one.id).collect::<Vec<_>>(),
        ["2"]
    );
}

#[test]
fn a_button_can_be_used_where_it_does_something() {
    let nobody = shown(None, Some(RelayView::default())).can;
    assert!(nobody.check_in);
    assert!(!nobody.open_email && !nobody.stop_fee && !nobody.move_to_clinic && !nobody.call);
    let here = shown(Some(&contact()), Some(RelayView::default())).can;
    assert!(here.open_email && here.stop_fee && here.move_to_clinic && !here.replay);
    let elsewhere = shown(Some(&contact()), None).can;
    assert!(elsewhere.open_email && !elsewhere.stop_fee && !elsewhere.move_to_clinic);
    let mut moved = contact();
    moved.fields[0].1 = "In-Person".to_owned();
    moved.subscriptions[0].active = false;
    let dead = RelayView {
        dead: 1,
        ..RelayView::default()
    };
    let moved = shown(Some(&moved), Some(dead)).can;
    assert!(!moved.stop_fee && !moved.move_to_clinic && moved.replay);
}

#[test]
fn a_fault_on_order_is_told_in_words() {
    let rule = |operation: &str, moment, act, times| FaultRule {
        operation: operation.to_owned(),
        moment,
        act,
        skip: 0,
        times,
    };
    let down = || FaultAct::Status {
        code: 503,
        retry_after: None,
        body: None,
    };
    assert_eq!(
        trouble(&[
            rule("*", Moment::Before, down(), UNTIL_HEALED),
            rule("*", Moment::Before, down(), 3),
            rule("email", Moment::After, FaultAct::Hang, 1),
            rule("call_task", Moment::After, FaultAct::Hang, 1),
        ]),
        [
            "answers 503",
            "answers 503 to the next 3 requests",
            "carries out the next change of each kind, then does not answer",
        ]
    );
    assert!(trouble(&[]).is_empty());
}

#[test]
fn a_pace_is_told_in_words() {
    for (scale, words) in [
        (1, "the pace of life"),
        (60, "a minute a second"),
        (1800, "30 minutes a second"),
        (3600, "an hour a second"),
        (43_200, "12 hours a second"),
        (86_400, "a day a second"),
        (90, "90 seconds a second"),
    ] {
        assert_eq!(pace_in_words(scale), words);
    }
}
