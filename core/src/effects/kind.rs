//! The kinds of effect, as a table: one row each. What only one kind needs is matched where it is needed
//! (`EffectKind::` in `src/engine` of the relay).
//!
//! How a newcomer adds a kind, in three places; the compiler names what is forgotten in them:
//! 1. here: a line in the list of kinds, and its row;
//! 2. what is wanted, in [`EffectInput`](super::EffectInput) with what it is about
//!    ([`identity`](super::Identity)), and its struct in [`request`](super::request), what goes out;
//! 3. in the relay, a file in `src/effects/kinds/` and its arm there: the attempt, and the probe or whether
//!    its state holds.
//!
//! What belongs to no case is guarded by its [`Scope`](super::Scope) (`src/engine/effect/scope.rs` of the
//! relay), which reads a contact and no more: a kind that needs more gets its reads there.
//!
//! The follow-up has lists of all kinds, too, and no default in them: what its guard reads (`needs`), how the
//! request is made of the input, and for an outreach which way of reaching her it is (`Outreach`); the ordered
//! procedures hold every kind that is not theirs. Tests demand a sample
//! (`tests/it/corpus/effect_samples.rs`), a row among the faults (`tests/it/faults.rs`) and a story in which a
//! step plans it (`fixtures/casts/`): a kind that no step plans leaves them red.
//!
//! A kind is never taken out while a database may hold one of it: what was planned must still be
//! read, looked for and shown. It only stops being planned.

use serde::{Deserialize, Serialize};

use super::ScopeKind;
use crate::rate_limit::Priority;
use crate::time::SignedDuration;

/// Makes the enum, the list of its members and the way to their rows from one list, so that none of the
/// three can lack a member.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $spec:ident;)*) => {
        /// Every kind of effect.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum EffectKind {
            $($(#[$doc])* $kind,)*
        }

        impl EffectKind {
            /// Every kind.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];

            /// Its row of the table.
            pub const fn spec(self) -> &'static EffectSpec {
                match self {
                    $(Self::$kind => &$spec,)*
                }
            }
        }
    };
}

kinds! {
    /// A message to the client in the portal, as her coach.
    PortalMessage = PORTAL_MESSAGE;
    /// A quiet note for the coach in the portal.
    PortalNote = PORTAL_NOTE;
    /// An email to the client through the CRM, in the coach's name.
    Email = EMAIL;
    /// A call task for the coach in the CRM.
    CallTask = CALL_TASK;
    /// Completing a task of ours that is no longer needed.
    CloseTask = CLOSE_TASK;
    /// Moving an open call task of ours to the new coach.
    ReassignTask = REASSIGN_TASK;
    /// A task for the coach in the CRM: what she is asked about a client, or that more waits than a day may bring.
    WorkTask = WORK_TASK;
    /// A note on the contact in the CRM.
    ContactNote = CONTACT_NOTE;
    /// Putting a tag on the contact.
    AddTag = ADD_TAG;
    /// Taking a tag off the contact.
    RemoveTag = REMOVE_TAG;
    /// Setting the contact type field.
    ContactType = CONTACT_TYPE;
    /// Taking a subscription off auto-charge.
    AutoChargeOff = AUTO_CHARGE_OFF;
    /// Making a subscription inactive.
    DeactivateSubscription = DEACTIVATE_SUBSCRIPTION;
    /// Removing a stored card.
    RemoveCard = REMOVE_CARD;
}

/// What holds of a kind.
#[derive(Debug)]
pub struct EffectSpec {
    /// The stored name. It is part of keys, identities and markers: it never changes.
    pub name: &'static str,
    /// What people call it, with its article: "the call task is planned for …".
    pub words: &'static str,
    /// Who notices it.
    pub audience: Audience,
    /// Whether it reaches out to the client, now or by asking a coach to call. Outreach is guarded by
    /// a fresh read, paused with its case and halted by `stop`.
    pub outreach: bool,
    /// Whether it reaches the client by itself, so that messages of different cases keep a distance
    /// (E66). A call task reaches the coach, who sees the case.
    pub message: bool,
    /// What it may belong to.
    pub scopes: &'static [ScopeKind],
    /// How it is recognized at the vendor.
    pub found_by: FoundBy,
    /// What a read after an unclear outcome can prove.
    pub absence: Absence,
    /// Whom it calls: its guard, its request, its probe.
    pub ports: &'static [Port],
    /// How much it can wait for them.
    pub priority: Priority,
    /// What people hear when it is not done.
    pub failure: Failure,
}

/// What people hear of an effect that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A work item tells of it.
    IsTold,
    /// Nothing by itself: it carries a work item to its owner, and that stands in the list of work in any
    /// case. A failure to deliver an item must not make another.
    IsShownWithItsItem,
}

/// Who notices an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The client. Twice is the worst thing we can do.
    Client,
    /// A coach, the manager, the admin.
    Staff,
    /// Nobody at once; it changes what the client is charged.
    Billing,
}

/// How an effect is recognized at the vendor, whoever looks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// By a marker made of its [`Identity`](super::Identity): what is seen twice is one effect.
    Identity,
    /// The same; and the relay itself takes the thing away again, so that another may follow it under
    /// the next number.
    NumberedIdentity,
    /// It is a desired state: reading it is the answer.
    State,
}

/// What a read after an unclear outcome can prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Not there after this long means it did not happen; it may then be sent.
    ProvenAfter(SignedDuration),
    /// The vendor's list never proves that it did not happen: a person decides.
    Never,
    /// The effect is a desired state: reading the state is the answer.
    DesiredState,
}

/// A side of the world that is called, whichever vendor stands there. What is called is counted and
/// limited by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// The client portal.
    Portal,
    /// The customer relationship system.
    Crm,
}

impl Port {
    /// The name under which it is counted.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Crm => "crm",
        }
    }
}

/// The portal lists what it accepted at once; the CRM within minutes.
const AFTER_2_MINUTES: Absence = Absence::ProvenAfter(SignedDuration::from_mins(2));
const AFTER_5_MINUTES: Absence = Absence::ProvenAfter(SignedDuration::from_mins(5));

/// Its guard also reads the task in which her coach is asked something, while there is one.
const PORTAL_ONLY: &[Port] = &[Port::Portal];
/// What goes through the CRM has a guard that reads the portal, too.
const BOTH: &[Port] = &[Port::Portal, Port::Crm];

const CASE_ONLY: &[ScopeKind] = &[ScopeKind::Case];
/// About a client, about one of the things that a person must do, or about nobody.
const OF_WORK: &[ScopeKind] = &[
    ScopeKind::Client,
    ScopeKind::WorkItem,
    ScopeKind::Installation,
];
/// Also the completion of a task that is about nobody.
const TASK_OF_OURS: &[ScopeKind] = &ScopeKind::ALL;
const OF_A_CLIENT: &[ScopeKind] = &[ScopeKind::Case, ScopeKind::Client];
const WITH_A_CONTACT: &[ScopeKind] = &[ScopeKind::Case, ScopeKind::Client, ScopeKind::WorkItem];

/// A row of a desired state in the CRM: read, changed if it differs, read back. No client sees it as a
/// thing of its own.
const fn desired(
    name: &'static str,
    words: &'static str,
    audience: Audience,
    scopes: &'static [ScopeKind],
    priority: Priority,
) -> EffectSpec {
    EffectSpec {
        name,
        words,
        audience,
        outreach: false,
        message: false,
        scopes,
        found_by: FoundBy::State,
        absence: Absence::DesiredState,
        ports: BOTH,
        priority,
        failure: Failure::IsTold,
    }
}

const PORTAL_MESSAGE: EffectSpec = EffectSpec {
    name: "portal_message",
    words: "the message in the portal",
    audience: Audience::Client,
    outreach: true,
    message: true,
    scopes: CASE_ONLY,
    found_by: FoundBy::Identity,
    absence: AFTER_2_MINUTES,
    ports: PORTAL_ONLY,
    priority: Priority::Deadline,
    failure: Failure::IsTold,
};
const PORTAL_NOTE: EffectSpec = EffectSpec {
    name: "portal_note",
    words: "the coach's note in the portal",
    audience: Audience::Staff,
    outreach: false,
    message: false,
    scopes: CASE_ONLY,
    found_by: FoundBy::Identity,
    absence: AFTER_2_MINUTES,
    ports: PORTAL_ONLY,
    priority: Priority::Normal,
    failure: Failure::IsTold,
};
const EMAIL: EffectSpec = EffectSpec {
    name: "email",
    words: "the email to the client",
    audience: Audience::Client,
    outreach: true,
    message: true,
    scopes: CASE_ONLY,
    found_by: FoundBy::Identity,
    absence: Absence::Never,
    ports: BOTH,
    priority: Priority::Deadline,
    failure: Failure::IsTold,
};
const CALL_TASK: EffectSpec = EffectSpec {
    name: "call_task",
    words: "the coach's call task",
    audience: Audience::Staff,
    outreach: true,
    message: false,
    scopes: CASE_ONLY,
    found_by: FoundBy::NumberedIdentity,
    absence: AFTER_5_MINUTES,
    ports: BOTH,
    priority: Priority::Deadline,
    failure: Failure::IsTold,
};
const CLOSE_TASK: EffectSpec = desired(
    "close_task",
    "the completion of a task that is no longer needed",
    Audience::Staff,
    TASK_OF_OURS,
    Priority::Normal,
);
const REASSIGN_TASK: EffectSpec = desired(
    "reassign_task",
    "the move of a call task to the new coach",
    Audience::Staff,
    CASE_ONLY,
    Priority::Normal,
);
const WORK_TASK: EffectSpec = EffectSpec {
    name: "work_task",
    words: "the coach's task about what she is asked",
    audience: Audience::Staff,
    outreach: false,
    message: false,
    scopes: OF_WORK,
    found_by: FoundBy::Identity,
    absence: AFTER_5_MINUTES,
    ports: BOTH,
    priority: Priority::Normal,
    failure: Failure::IsShownWithItsItem,
};
const CONTACT_NOTE: EffectSpec = EffectSpec {
    name: "contact_note",
    words: "the note on the contact",
    audience: Audience::Staff,
    outreach: false,
    message: false,
    scopes: OF_A_CLIENT,
    found_by: FoundBy::Identity,
    absence: AFTER_5_MINUTES,
    ports: BOTH,
    priority: Priority::Normal,
    failure: Failure::IsTold,
};
const ADD_TAG: EffectSpec = desired(
    "add_tag",
    "the tag on the contact",
    Audience::Staff,
    WITH_A_CONTACT,
    Priority::Normal,
);
const REMOVE_TAG: EffectSpec = desired(
    "remove_tag",
    "the removal of a tag from the contact",
    Audience::Staff,
    WITH_A_CONTACT,
    Priority::Normal,
);
const CONTACT_TYPE: EffectSpec = desired(
    "contact_type",
    "the change of the contact type",
    Audience::Staff,
    OF_A_CLIENT,
    Priority::Normal,
);
const AUTO_CHARGE_OFF: EffectSpec = desired(
    "auto_charge_off",
    "taking the subscription off auto-charge",
    Audience::Billing,
    CASE_ONLY,
    Priority::Deadline,
);
const DEACTIVATE_SUBSCRIPTION: EffectSpec = desired(
    "deactivate_subscription",
    "the end of the subscription",
    Audience::Billing,
    CASE_ONLY,
    Priority::Deadline,
);
const REMOVE_CARD: EffectSpec = desired(
    "remove_card",
    "the removal of the stored card",
    Audience::Billing,
    CASE_ONLY,
    Priority::Deadline,
);

impl EffectKind {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// The kind with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// See [`EffectSpec::audience`].
    pub const fn audience(self) -> Audience {
        self.spec().audience
    }

    /// See [`EffectSpec::outreach`].
    pub const fn is_outreach(self) -> bool {
        self.spec().outreach
    }

    /// See [`EffectSpec::message`].
    pub const fn is_message(self) -> bool {
        self.spec().message
    }

    /// See [`EffectSpec::absence`].
    pub const fn absence(self) -> Absence {
        self.spec().absence
    }

    /// Whether effects of this kind have an [`Identity`](super::Identity).
    pub const fn has_identity(self) -> bool {
        match self.spec().found_by {
            FoundBy::Identity | FoundBy::NumberedIdentity => true,
            FoundBy::State => false,
        }
    }

    /// Whether another may follow one that the relay has taken away.
    pub const fn has_ordinals(self) -> bool {
        matches!(self.spec().found_by, FoundBy::NumberedIdentity)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_of_the_table_is_careful_by_the_same_rules() {
        for kind in EffectKind::ALL {
            let name = kind.as_str();
            let spec = kind.spec();
            if spec.audience == Audience::Client {
                assert!(spec.outreach && spec.message, "{name}: halted and counted");
                assert_ne!(spec.found_by, FoundBy::State, "{name}: twice is seen");
            }
            assert!(!spec.message || spec.outreach, "{name}");
            if spec.outreach || spec.audience == Audience::Billing {
                assert_eq!(
                    spec.scopes, CASE_ONLY,
                    "{name}: only a procedure decides on it"
                );
            }
            let desired = spec.absence == Absence::DesiredState;
            assert_eq!(desired, spec.found_by == FoundBy::State, "{name}");
            assert_eq!(desired, !kind.has_identity(), "{name}");
            if matches!(spec.absence, Absence::ProvenAfter(_)) {
                assert!(kind.has_identity(), "{name}: absence of what has no mark");
            }
            if spec.outreach || spec.audience == Audience::Billing {
                assert_eq!(spec.priority, Priority::Deadline, "{name}");
            }
            assert!(
                spec.ports.contains(&Port::Portal),
                "{name}: the guard reads it"
            );
        }
    }

    #[test]
    fn no_two_kinds_have_one_name_and_each_is_known_by_its_own() {
        let names: BTreeSet<_> = EffectKind::ALL.map(EffectKind::as_str).into();
        assert_eq!(names.len(), EffectKind::ALL.len());
        let words: BTreeSet<_> = EffectKind::ALL.map(|kind| kind.spec().words).into();
        assert_eq!(words.len(), EffectKind::ALL.len());
        for kind in EffectKind::ALL {
            assert_eq!(EffectKind::from_name(kind.as_str()), Some(kind));
            let stored = serde_json::to_value(kind).expect("a name");
            assert_eq!(stored, kind.as_str());
        }
    }
}
