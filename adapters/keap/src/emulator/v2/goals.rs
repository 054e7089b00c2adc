//! Goals of automations: achieved by name, and 200 whether or not there is one.

use serde_json::json;

use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::world::World;

/// `POST /v2/automations/goals/achieve`: ids are integers here. Nothing tells a second achievement
/// from the first: an automation runs again.
pub(crate) fn achieve(world: &mut World<'_>, request: &Incoming) -> Handled {
    let contact = request
        .member("contact_id")
        .and_then(serde_json::Value::as_u64)
        .ok_or_else(|| Reply::bad("contact_id is required"))?;
    let integration = request.required("integration")?;
    let call_name = request.required("call_name")?;
    let known = world.state.contacts.get(contact).is_some();
    let goal = world
        .state
        .goals
        .iter()
        .position(|goal| goal.integration == integration && goal.call_name == call_name);
    let content = json!({ "integration": integration, "call_name": call_name });
    let Some(goal) = goal.filter(|_| known) else {
        world.accept("achieve_goal_missed", &contact, content);
        let result = json!({ "success": false, "message": "No goal was achieved" });
        return Reply::ok(json!({ "results": [result] }));
    };
    world.accept("achieve_goal", &contact, content);
    Reply::ok(json!({ "results": [{
        "success": true,
        "message": "Goal achieved successfully",
        "automation_id": goal + 1,
        "goal_id": goal + 1,
        "flow_start_results": [],
        "flow_stop_results": [],
    }] }))
}
