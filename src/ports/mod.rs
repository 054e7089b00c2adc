//! What the relay needs of the world, named by need.
//!
//! The engine, the effects and the receipts know these traits and no vendor; `wiring` is the only
//! place that implements them with vendor clients. Each mutating method makes **one** mutating
//! request and classifies its failure; nothing here repeats anything. Reads are free.
//!
//! Every `find_*` method is a probe: it answers whether an earlier mutating call with the same
//! marker was carried out. `None` means *not found in what the vendor shows*; whether that proves
//! anything is the effect's business (`EffectKind::absence`).

mod connections;
mod crm;
mod engagement;
pub mod finding;
mod hooks;
mod inspect;
mod no_crm;
mod portal;
mod stores;

use std::sync::Arc;

use relay_core::clients::Records;
use relay_core::workflow::NotOffered;

pub use connections::{
    Authorize, Begun, CameBack, ConnectError, ConnectionState, ConnectionStatus, Connections,
    IssuedPair, NoConnections, NoTokens, TokenEndpoint, TokenFate,
};
pub use crm::{
    Billing, CardRemoved, ContactMatch, ContactType, ContactTypeWrite, Contacts, FoundByMarker,
    FoundTask, Mail, NewTask, Notes, Staff, TagAdded, Tags, Task, TaskEnd, Tasks, TasksOf, WordTag,
};
pub use engagement::{Activity, Addresses};
pub use hooks::{Among, Changed, HookRegistry, HookStatus, SubscriptionState, SyncWish, Synced};
pub use inspect::Inspect;
pub use no_crm::{NoCrm, NoHooks, NoStaffTools};
pub use portal::{OpenCheckIns, Portal, PortalNote, Undated};
pub use relay_http_client::CallError;
pub use stores::{DatabaseInspection, Stores, Version};

/// Every port, as the engine holds them.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The client portal.
    pub portal: Arc<dyn Portal>,
    /// Contacts and their type.
    pub contacts: Arc<dyn Contacts>,
    /// Email history and sending.
    pub mail: Arc<dyn Mail>,
    /// Addresses, and what was opened there lately.
    pub addresses: Arc<dyn Addresses>,
    /// Tasks of staff.
    pub tasks: Arc<dyn Tasks>,
    /// Notes on contacts.
    pub notes: Arc<dyn Notes>,
    /// Tags on contacts.
    pub tags: Arc<dyn Tags>,
    /// Subscriptions and cards.
    pub billing: Arc<dyn Billing>,
    /// Staff users of the CRM.
    pub staff: Arc<dyn Staff>,
    /// How the connections to vendors stand.
    pub connections: Arc<dyn Connections>,
    /// The subscriptions by which the CRM tells us of changes.
    pub hooks: Arc<dyn HookRegistry>,
}

impl Ports {
    /// Where the clinic keeps what people put right about a client.
    pub fn records(&self) -> Records {
        self.portal.not_offered().records
    }

    /// What the clinic's tools don't let the relay do.
    pub fn not_offered(&self) -> NotOffered {
        NotOffered {
            crm: !self.contacts.are_there(),
            ..self.portal.not_offered()
        }
    }
}
