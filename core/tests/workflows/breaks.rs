//! Agreed breaks (E12).

use relay_core::case::Wait;
use relay_core::clients::ClientStatus;
use relay_core::facts::FactBody;
use relay_core::workflow::{Action, Recheck};

use crate::world::{World, at, date};

#[test]
fn e12_a_break_pauses_until_its_end_and_then_it_goes_on_by_itself() {
    let on_break = || {
        let mut world = World::at_email();
        world.client.status = ClientStatus::OnBreak;
        world.client.break_until = Some(date("2026-11-21"));
        assert!(world.update());
        assert!(world.is("paused"));
        let asked = world.asked("break");
        assert_eq!(
            asked.remind_at,
            at("2026-11-20 09:00"),
            "the working day before Sunday"
        );
        assert_eq!(world.live_outreach(), 0);
        assert_eq!(world.timer(), at("2026-11-22 09:00"));
        world
    };
    // By its date, whatever the portal says.
    let mut world = on_break();
    world.wait_over();
    assert!(world.is("open"));
    assert_eq!(world.case.step, "choose_channel");
    assert!(!world.work.iter().any(|work| work.kind == "break"));

    // By her status, before or after.
    let mut world = on_break();
    world.client.status = ClientStatus::Online;
    world.client.break_until = None;
    assert!(world.update());
    assert_eq!(world.case.step, "choose_channel");

    // Its end moves.
    let mut world = on_break();
    world.client.break_until = Some(date("2026-11-23"));
    assert!(world.update());
    assert_eq!(world.timer(), at("2026-11-24 09:00"));
    assert_eq!(world.asked("break").remind_at, at("2026-11-23 09:00"));
    // Another coach has it now, and it goes on all the same.
    world.client.coach = Some("ivy".into());
    assert!(world.update());
    assert_eq!(world.asked("break").owner, "ivy");
    world.wait_over();
    assert_eq!(world.case.step, "choose_channel");
}

#[test]
fn e12_a_break_without_an_end_asks_the_coach_or_ends_by_her_status() {
    let mut world = World::at_email();
    world.client.status = ClientStatus::OnBreak;
    world.client.break_until = None;
    assert!(world.update());
    assert!(matches!(world.case.wait, Some(Wait::Person { .. })));
    assert!(!world.asked("break").title.is_empty());
    world.client.status = ClientStatus::Online;
    assert!(world.update());
    assert_eq!(world.case.step, "choose_channel");
}

#[test]
fn e12_what_stands_still_for_another_reason_does_not_go_on_when_a_break_ends() {
    let mut world = World::at_email();
    assert!(world.replies());
    world.client.status = ClientStatus::OnBreak;
    world.client.break_until = Some(date("2026-11-21"));
    world.update();
    assert!(matches!(world.case.wait, Some(Wait::Person { .. })));
    assert!(!world.asked("reply").title.is_empty());
    world.now = at("2026-11-25 09:00");
    world.client.status = ClientStatus::Online;
    world.update();
    assert!(world.is("paused"), "a reply never resumes by itself");

    // A reply in the break needs its person as well.
    let mut world = World::at_email();
    world.client.status = ClientStatus::OnBreak;
    world.client.break_until = Some(date("2026-11-21"));
    world.update();
    world.now = at("2026-11-12 09:00");
    assert!(world.replies());
    assert!(matches!(world.case.wait, Some(Wait::Person { .. })));
}

#[test]
fn e12_a_case_of_older_decision_code_still_asks_after_a_break() {
    let mut world = World::at_email();
    world.case.logic = 2;
    world.client.status = ClientStatus::OnBreak;
    world.client.break_until = Some(date("2026-11-21"));
    assert!(world.update());
    assert_eq!(world.asked("break").remind_at, at("2026-11-23 09:00"));
    world.client.status = ClientStatus::Online;
    world.client.break_until = None;
    world.update();
    assert!(world.is("paused"));
    assert!(world.person(Action::Resume));
    assert_eq!(world.case.step, "choose_channel");
}

#[test]
fn e12_a_case_opens_when_the_break_is_over_by_date_or_status_and_the_guard_lets_it_pass() {
    for (status, until, rechecks) in [
        (
            ClientStatus::OnBreak,
            Some("2026-11-04"),
            Some(Recheck::AfterBreak(Some(date("2026-11-04")))),
        ),
        (ClientStatus::OnBreak, None, Some(Recheck::AfterBreak(None))),
        (
            ClientStatus::Unknown("active".into()),
            None,
            Some(Recheck::UnknownWord("active".into())),
        ),
        (ClientStatus::InPerson, None, Some(Recheck::WhileStatus)),
        (ClientStatus::OnBreak, Some("2026-11-03"), None),
        (ClientStatus::Online, Some("2026-11-30"), None),
    ] {
        let mut world = World::new();
        world.client.status = status.clone();
        world.client.break_until = until.map(date);
        let fact = world.fact(FactBody::CheckInMissed {
            check_in: world.check_ins[0].clone(),
            client: Box::new(world.client.clone()),
        });
        let opened = world.workflow.open(world.cx(), &world.case, &fact);
        assert_eq!(
            opened.err().map(|refused| refused.recheck),
            rechecks,
            "{status:?}"
        );
        if rechecks.is_none() {
            world.try_open().unwrap();
            world.carry_out();
            assert_eq!(world.sent.len(), 1, "{status:?} {until:?}");
        }
    }
}
