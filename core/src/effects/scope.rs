//! What an effect belongs to: who planned it, and so what is read again before it goes out.
//!
//! | scope | guarded by | goes no further once | told how it ended |
//! |---|---|---|---|
//! | case | the procedure of the case, on what it needs read | the case is over or has moved on | the case |
//! | client | her contact in the CRM being there; a note: her coach having a user, too; what a coach is asked: that, the contact being hers, the coach having a user, and what is asked being open | what is asked is settled | people, if it fails, unless it only carries an item |
//! | work item | the item being open, and the contact of its client; the completion of its task: nothing | the item is settled | people, if it fails, unless it only carries the item |
//! | installation | its kind having a request without anybody's contact: a coach's summary of what waits (on her being asked in the CRM, her having a user, its day, and something waiting) and the completion of it | – | people, if it fails |
//!
//! Which scopes a kind may have stands in its row. Outreach and what a client pays belong to cases only:
//! only a procedure decides on them.
//!
//! [`Scope::key`] writes the key of an effect and [`KeyParts::of`] reads it. Nothing else takes a key apart.

use crate::ids::{CaseId, ClientId, EffectKey, WorkItemId};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One run of a procedure.
    Case {
        /// The run, by its case's id.
        case: CaseId,
        /// The client whom it is about.
        client: ClientId,
    },
    /// A client, whatever becomes of her cases.
    Client {
        /// The client whom it is about.
        client: ClientId,
    },
    /// Something that a person must do.
    WorkItem {
        /// What must be done, by its item's id.
        item: WorkItemId,
        /// The client whom it is about, if it is about one.
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

    /// The key of effect `name` planned by `step` on its `visit`th visit. A step has no slash in its name,
    /// and neither has the name of an effect whose scope is a client.
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

/// What the key of an effect tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// The kind of its scope.
    pub scope: ScopeKind,
    /// The case that planned it, if one did.
    pub case: Option<CaseId>,
    /// The step that planned it.
    pub step: &'a str,
    /// How often that step had been entered; what is made for a client counts in its own way.
    pub visit: u32,
    /// Its name within the step. The closing of a task ([`EffectKey::closing`]) has the name of the task and
    /// `/close`; where the scope is a client, the name alone.
    pub name: &'a str,
}

impl<'a> KeyParts<'a> {
    /// `None` for a key that [`Scope::key`] did not write. A client's id is not told: it may hold anything, so
    /// that it can't be told where it ends.
    pub fn of(key: &'a EffectKey) -> Option<Self> {
        let (first, rest) = key.as_str().split_once('/')?;
        let named = |kind: ScopeKind| first == kind.as_str();
        let (scope, case, rest) = if named(ScopeKind::Client) {
            (ScopeKind::Client, None, rest)
        } else if named(ScopeKind::Installation) {
            (ScopeKind::Installation, None, rest)
        } else if named(ScopeKind::WorkItem) {
            let (item, rest) = rest.split_once('/')?;
            item.parse::<WorkItemId>().ok()?;
            (ScopeKind::WorkItem, None, rest)
        } else {
            (ScopeKind::Case, Some(first.parse().ok()?), rest)
        };
        let (step, rest) = rest.split_once('/')?;
        let (visit, name) = rest.split_once('/')?;
        let name = match scope {
            ScopeKind::Client => name.split_once('/')?.0,
            ScopeKind::Case | ScopeKind::WorkItem | ScopeKind::Installation => name,
        };
        Some(Self {
            scope,
            case,
            step,
            visit: visit.parse().ok()?,
            name,
        })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn ids() -> impl Strategy<Value = Uuid> {
        any::<u128>().prop_map(Uuid::from_u128)
    }

    fn scopes() -> impl Strategy<Value = Scope> {
        let client = || any::<String>().prop_map(ClientId::from);
        prop_oneof![
            (ids(), client()).prop_map(|(id, client)| Scope::Case {
                case: CaseId(id),
                client,
            }),
            client().prop_map(|client| Scope::Client { client }),
            (ids(), proptest::option::of(client())).prop_map(|(id, client)| Scope::WorkItem {
                item: WorkItemId(id),
                client,
            }),
            Just(Scope::Installation),
        ]
    }

    proptest! {
        #[test]
        fn what_a_key_is_written_from_is_read_from_it(
            scope in scopes(),
            step in "[a-z_]{1,20}",
            visit in any::<u32>(),
            name in "[a-z0-9_-]{1,20}",
        ) {
            let key = scope.key(&step, visit, &name);
            let wanted = KeyParts {
                scope: scope.kind(),
                case: scope.case(),
                step: &step,
                visit,
                name: &name,
            };
            prop_assert_eq!(KeyParts::of(&key), Some(wanted));

            let closing = EffectKey::closing(&key);
            let name = match scope.kind() {
                ScopeKind::Client => name.clone(),
                ScopeKind::Case | ScopeKind::WorkItem | ScopeKind::Installation => {
                    format!("{name}/close")
                }
            };
            prop_assert_eq!(KeyParts::of(&closing), Some(KeyParts { name: &name, ..wanted }));
        }

        #[test]
        fn any_other_text_is_no_key(text in any::<String>()) {
            let key = EffectKey(text);
            prop_assert_eq!(KeyParts::of(&key), None);
        }
    }

    #[test]
    fn the_name_may_hold_a_vendors_id_with_a_slash() {
        let case = CaseId(Uuid::from_u128(7));
        let client = ClientId::from("maya");
        let scope = Scope::Case { case, client };
        let key = scope.key("stop", 2, "auto_charge_off-a/b");
        let name = KeyParts::of(&key).map(|parts| parts.name);
        assert_eq!(name, Some("auto_charge_off-a/b"));
    }

    #[test]
    fn what_is_cut_short_or_names_nothing_known_is_no_key() {
        for text in [
            "client/inbox/1/task",
            "client/inbox/one/task/maya",
            "work_item/7/inbox/1/task",
            "installation/inbox",
            "no-case/inbox/1/task",
        ] {
            assert_eq!(KeyParts::of(&EffectKey(text.to_owned())), None, "{text}");
        }
    }
}
