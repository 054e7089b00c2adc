//! One type per kind of id, so that a contact is never passed where a client is meant.
//!
//! Ids that we make are time-ordered UUIDs; ids that a vendor makes are kept as the text the
//! vendor sent, because the same object may be a number in one answer and a string in the next.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::random::Random;
use crate::time::Timestamp;

macro_rules! ours {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id for an object made at `now`.
            pub fn new(random: &dyn Random, now: Timestamp) -> Self {
                Self(random.uuid(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

macro_rules! theirs {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as the vendor wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )*};
}

ours! {
    /// An inbound webhook as received.
    ReceiptId,
    /// One run of a procedure for one client.
    CaseId,
    /// A piece of queued work.
    JobId,
    /// Something a person must do.
    WorkItemId,
    /// The right to mutate once: one try of one effect.
    IntentId,
}

theirs! {
    /// A client of the clinic, by the portal's id.
    ClientId,
    /// A coach, by the portal's id.
    CoachId,
    /// A check-in, by the portal's id.
    CheckInId,
    /// A message in the portal.
    MessageId,
    /// A contact in the CRM.
    ContactId,
    /// A user (staff member) in the CRM.
    CrmUserId,
    /// A task in the CRM.
    TaskId,
    /// A subscription in the CRM.
    SubscriptionId,
    /// A stored card in the CRM.
    PaymentMethodId,
    /// An email as the CRM lists it.
    EmailId,
}

/// The name of one effect for all time: `scope/step/visit/name`.
///
/// The scope is a case, a client, a work item or the installation
/// ([`Scope::key`](crate::effects::Scope::key) makes it). Two decisions to do the same thing
/// get the same key, so a replay finds the first one's outcome instead of acting again. The content is
/// never part of the key: a reworded text would otherwise go out twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectKey(pub String);

impl EffectKey {
    /// The key of completing the task that `made_by` made: an effect makes one task, and two reasons
    /// to complete it are one completion.
    pub fn closing(made_by: &Self) -> Self {
        Self(format!("{made_by}/close"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
