//! A case whose stored state can't be read: it does nothing, a person is told, and can close it.

use relay_core::case::Mode;
use relay_core::effects::CardRemoval;
use relay_core::facts::{FactBody, Order};
use relay_core::workflow::{Action, Verdict};
use relay_core::workflows::cancel_subscription::CancelSubscription;
use relay_core::workflows::set_contact_type::SetContactType;
use serde_json::json;

use crate::world::World;

/// An open case of each procedure.
fn each() -> Vec<World> {
    let ordered = |mut world: World, order: Order| {
        let by = "Ola".into();
        world.open_on(FactBody::Ordered { by, order }).unwrap();
        world
    };
    vec![
        World::new().open(),
        ordered(
            World::running(Box::new(SetContactType::new(Mode::Act))),
            Order::SetContactType {
                value: "In-Person".into(),
            },
        ),
        ordered(
            World::running(Box::new(CancelSubscription::new(Mode::Act))),
            Order::CancelSubscription {
                reason: "Program ended".into(),
                card: CardRemoval::Keep,
            },
        ),
    ]
}

#[test]
fn a_person_is_told_and_can_close_it() {
    for mut world in each() {
        world.case.data = json!({ "from": "elsewhere" });
        assert!(world.learn(FactBody::ContactGone));
        assert!(world.is("held"));
        assert_eq!(world.asked("hold").actions, ["close"]);
        assert!(!world.learn(FactBody::ContactGone), "told once");
        assert!(!world.person(Action::Resume), "nothing can go on");
        let reason = "looked after by hand".to_owned();
        assert!(world.person(Action::Close { reason }));
        assert!(world.is("closed"));
        assert_eq!(world.reason(), "closed by Dana: looked after by hand");
        assert!(!world.learn(FactBody::ContactGone));
        let reason = "twice".to_owned();
        assert!(!world.person(Action::Close { reason }));
    }
}

#[test]
fn nothing_planned_for_it_goes_out() {
    for mut world in each() {
        let Some(key) = world.order.first().cloned() else {
            continue;
        };
        world.case.data = json!({ "from": "elsewhere" });
        assert!(!matches!(world.guard(&key), Verdict::Go(_)));
    }
}
