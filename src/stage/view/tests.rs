//! The page's values, made of what the tools hold.

use super::*;

fn tools() -> Vec<Panels> {
    vec![
        Panels {
            shown: vec![("portal", Value::from("a panel"))],
            can: vec![("check_in", true)],
            can_order: Vec::new(),
            coach: Some("Beth".to_owned()),
        },
        Panels {
            shown: vec![("mailbox", Value::Null)],
            can: vec![("call", false)],
            can_order: vec![("stop_fee", true), ("move_to_clinic", false)],
            coach: None,
        },
    ]
}

fn maya() -> Someone {
    Someone::of_vendor(&EmulatedClient {
        id: "maya".to_owned(),
        first: Some("Maya".to_owned()),
        last: Some("Reyes".to_owned()),
        contact: Some(101),
    })
}

#[test]
fn a_person_has_the_panels_and_the_coach_of_every_tool() {
    let person = person(&maya(), tools(), None);
    assert_eq!((&*person.name, &*person.coach), ("Maya R.", "Beth"));
    let page = serde_json::to_value(&person).expect("a page");
    assert_eq!(page["portal"], "a panel");
    assert!(page["mailbox"].is_null() && page["relay"].is_null());
    let alone = super::person(&maya(), Vec::new(), None);
    assert_eq!(alone.coach, "");
}

#[test]
fn a_command_to_the_relay_can_be_given_only_where_the_relay_is() {
    let dead = RelayView {
        dead: 1,
        ..RelayView::default()
    };
    let here = person(&maya(), tools(), Some(dead)).can;
    let can = |name: &str| here.get(name).copied();
    assert_eq!(can("check_in"), Some(true));
    assert_eq!(can("call"), Some(false));
    assert_eq!(can("stop_fee"), Some(true));
    assert_eq!(can("move_to_clinic"), Some(false));
    assert_eq!(can("replay"), Some(true));
    let elsewhere = person(&maya(), tools(), None).can;
    assert_eq!(elsewhere.get("check_in"), Some(&true));
    assert_eq!(elsewhere.get("stop_fee"), Some(&false));
    assert_eq!(elsewhere.get("replay"), Some(&false));
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
