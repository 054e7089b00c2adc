//! Setting the contact type.

use relay_core::case::Mode;
use relay_core::effects::{Request, Settled, request};
use relay_core::facts::{FactBody, Order};
use relay_core::workflow::{Action, Verdict};
use relay_core::workflows::set_contact_type::SetContactType;

use crate::world::World;

fn ordered(value: &str) -> Result<World, String> {
    let mut world = World::running(Box::new(SetContactType::new(Mode::Act)));
    let order = Order::SetContactType {
        value: value.into(),
    };
    let by = "Ola".into();
    world.open_on(FactBody::Ordered { by, order })?;
    Ok(world)
}

#[test]
fn the_type_is_set_once_and_the_case_is_over() {
    let mut world = ordered("In-Person").unwrap();
    world.carry_out();
    assert!(world.is("closed"));
    assert_eq!(
        world.sent,
        [Request::ContactType(request::ContactType {
            contact: "41".into(),
            value: "In-Person".into()
        })]
    );
}

#[test]
fn a_value_that_is_there_already_or_only_shown_ends_the_case_too() {
    for settled in [Settled::AlreadyTrue, Settled::Proposed] {
        let mut world = ordered("In-Person").unwrap();
        let key = world.current();
        world.settle(&key, settled);
        assert!(world.is("closed"));
    }
}

#[test]
fn a_refused_value_holds_and_can_be_tried_again_or_done_by_hand() {
    let mut world = ordered("In-Persn").unwrap();
    let key = world.current();
    let reason = "the field offers Online, In-Person".into();
    world.settle(
        &key,
        Settled::Dead {
            reason,
            technical: None,
        },
    );
    assert!(world.is("held"));
    assert!(world.person(Action::Resume));
    assert_ne!(world.current(), key);
    let key = world.current();
    world.settle(
        &key,
        Settled::Unclear {
            evidence: "cut off".into(),
        },
    );
    assert!(world.person(Action::DoneByHand));
    assert!(world.is("closed"));
}

#[test]
fn without_a_contact_or_a_value_nothing_is_written() {
    assert!(ordered(" ").is_err());
    let mut world = ordered("Online").unwrap();
    world.contact = None;
    let key = world.current();
    assert!(matches!(world.guard(&key), Verdict::Hold { .. }));
    world.learn(FactBody::ContactGone);
    assert!(world.is("held"));
    assert!(world.learn(FactBody::ContactSeen));
    assert!(world.is("open"));
    assert_ne!(world.current(), key, "planned anew");
    assert!(!world.learn(FactBody::ContactSeen));
}
