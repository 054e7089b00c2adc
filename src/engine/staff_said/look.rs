//! What has a contact's tags looked at.

use relay_core::ids::{ClientId, ContactId};
use relay_store::{Op, WorkSettled};

use crate::engine::sync::hints;
use crate::engine::sync::hints::{ClientHint, Origin};
use crate::engine::{Engine, RELAY};
use crate::receipts::{Hint, HintObject};

/// The job that reads a contact's tags.
pub(crate) fn look_ops(engine: &Engine, client: &ClientId, contact: &ContactId) -> Vec<Op> {
    let told = ClientHint {
        hint: Hint {
            object: HintObject::Tags,
            id: contact.to_string(),
            at: None,
            deleted: false,
            tag: None,
        },
        clients: vec![client.clone()],
    };
    hints::reread_ops(engine, &Origin::tagged(engine.now()), &told)
}

/// The contact is a client's now: the item that said otherwise is settled, and its tags are looked at.
pub(crate) fn linked_ops(engine: &Engine, client: &ClientId, contact: &ContactId) -> Vec<Op> {
    let settled = Op::SettleWorkByKey {
        dedupe_key: nobodys_key(contact),
        settled: WorkSettled {
            at: engine.now(),
            by: RELAY.to_owned(),
            action: "linked".to_owned(),
        },
    };
    let mut ops = vec![settled];
    ops.extend(look_ops(engine, client, contact));
    ops
}

pub(super) fn nobodys_key(contact: &ContactId) -> String {
    format!("tag/{contact}")
}
