//! Every operation that changes the tenant, by the name that faults and accepted requests know it by.
//!
//! The gate refuses a mutating request whose operation is missing here, so a write can't be added
//! without being listed; and a test strikes everything that is listed, before and after it is
//! carried out. So there is no write that a fault can't hit at both moments.

/// The names.
pub const WRITES: &[&str] = &[
    "achieve_goal",
    "add_tag",
    "auto_charge_off",
    "call_task",
    "close_task",
    "contact_note",
    "contact_type",
    "create_hook",
    "create_tag",
    "deactivate_subscription",
    "delete_hook",
    "edit_subscription",
    "edit_task",
    "email",
    "reassign_task",
    "remove_card",
    "remove_tag",
    "update_hook",
    "verify_hook",
    "work_task",
];
