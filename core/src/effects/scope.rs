//! What an effect belongs to: who planned it, and so what is read again before it goes out.
//!
//! | scope | guarded by | goes no further once | told how it ended |
//! |---|---|---|---|
//! | case | the procedure of the case, on what it needs read | the case is over or has moved on | the case |
//! | client | her contact in the CRM being there; a note: her coach having a user, too; what a coach is asked: that, the contact being hers, the coach having a user, and what is asked being open | what is asked is settled | people, if it fails, unless it only carries an item |
//! | work item | the item being open, and the contact of its client | the item is settled | people, if it fails |
//! | installation | its kind having a request without anybody's contact: none has yet | – | people, if it fails |
//!
//! Which scopes a kind may have stands in its row. Outreach and what a client pays belong to cases only:
//! only a procedure decides on them.

use crate::ids::{CaseId, ClientId, EffectKey, WorkItemId};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One run of a procedure.
    Case {
        /// Which.
        case: CaseId,
        /// Whom it is about.
        client: ClientId,
    },
    /// A client, whatever becomes of her cases.
    Client {
        /// Which.
        client: ClientId,
    },
    /// Something that a person must do.
    WorkItem {
        /// Which.
        item: WorkItemId,
        /// Whom it is about, if it is about a client.
        client: Option<ClientId>,
    },
    /// The relay as a whole.
    Installation,
}

impl Scope {
    /// Without what it names.
    pub const fn kind(&self) -> ScopeKind {
        match self {
            Self::Case { .. } => ScopeKind::Case,
            Self::Client { .. } => ScopeKind::Client,
            Self::WorkItem { .. } => ScopeKind::WorkItem,
            Self::Installation => ScopeKind::Installation,
        }
    }

    /// The case that it belongs to.
    pub const fn case(&self) -> Option<CaseId> {
        match self {
            Self::Case { case, .. } => Some(*case),
            Self::Client { .. } | Self::WorkItem { .. } | Self::Installation => None,
        }
    }

    /// The client that it names.
    pub const fn client(&self) -> Option<&ClientId> {
        match self {
            Self::Case { client, .. } | Self::Client { client } => Some(client),
            Self::WorkItem { client, .. } => client.as_ref(),
            Self::Installation => None,
        }
    }

    /// The work item that it belongs to.
    pub const fn work_item(&self) -> Option<WorkItemId> {
        match self {
            Self::WorkItem { item, .. } => Some(*item),
            Self::Case { .. } | Self::Client { .. } | Self::Installation => None,
        }
    }

    /// The key of effect `name` planned by `step` on its `visit`th visit.
    pub fn key(&self, step: &str, visit: u32, name: &str) -> EffectKey {
        EffectKey(match self {
            Self::Case { case, .. } => format!("{case}/{step}/{visit}/{name}"),
            // The client last: her id is the vendor's and may hold anything.
            Self::Client { client } => format!("client/{step}/{visit}/{name}/{client}"),
            Self::WorkItem { item, .. } => format!("work_item/{item}/{step}/{visit}/{name}"),
            Self::Installation => format!("installation/{step}/{visit}/{name}"),
        })
    }

    /// The lane in whose order it is carried out: the client's own, where it is about one.
    pub fn lane(&self) -> String {
        match self {
            Self::Case { client, .. }
            | Self::Client { client }
            | Self::WorkItem {
                client: Some(client),
                ..
            } => client.to_string(),
            Self::WorkItem { item, client: None } => format!("work_item/{item}"),
            Self::Installation => "installation".to_owned(),
        }
    }
}

/// A [`Scope`] without what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKind {
    /// See [`Scope::Case`].
    Case,
    /// See [`Scope::Client`].
    Client,
    /// See [`Scope::WorkItem`].
    WorkItem,
    /// See [`Scope::Installation`].
    Installation,
}

impl ScopeKind {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Case, Self::Client, Self::WorkItem, Self::Installation];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Client => "client",
            Self::WorkItem => "work_item",
            Self::Installation => "installation",
        }
    }
}
