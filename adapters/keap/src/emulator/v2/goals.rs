//! Goals of automations: achieved by name, and 200 whether or not there is one. This tenant has none.

use serde_json::{Value, json};

use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::world::World;

/// `POST /v2/automations/goals/achieve`: ids are integers here.
pub(crate) fn achieve(world: &mut World<'_>, request: &Incoming) -> Handled {
    let contact = request.member("contact_id").and_then(Value::as_u64);
    let contact = contact.ok_or_else(|| Reply::bad("contact_id is required"))?;
    let integration = request.required("integration")?;
    let call_name = request.required("call_name")?;
    let content = json!({ "integration": integration, "call_name": call_name });
    world.accept("achieve_goal_missed", &contact, content);
    let result = json!({ "success": false, "message": "No goal was achieved" });
    Reply::ok(json!({ "results": [result] }))
}
