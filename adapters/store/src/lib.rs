//! The storage port: what the relay needs of a database, and nothing about any of them.
//!
//! Named reads, [`Store::commit`] of a [`Batch`], the lease operations (claim, renew, rescue, hand back),
//! [`Store::remedy`] for damaged rows, and looks at the file. A batch is a list of typed
//! operations with preconditions (a case version, a job's fence, a state), carried out all or
//! nothing. There is no transaction object, so nothing can hold one across an await, and a slow
//! vendor can never hold the database.
//!
//! Guarantees every store gives, and [`conformance`] checks:
//! - When `commit` returns `Ok`, the batch survives a crash of the process and of the machine.
//! - A failed precondition changes nothing and says which one failed ([`StoreError::Conflict`]).
//! - A batch that names a fence changes nothing once the lease is lost ([`Precondition::JobFence`]).
//! - Rows are returned in the order asked for, never in the order of chance.
//!
//! How a newcomer adds an operation: a variant of [`Op`] with its precondition in the doc; in each `store-*`
//! crate the statement in the file of its topic and an arm in `apply.rs` (`write`, or `decide` if it has to
//! look first); a case in [`conformance`].

pub mod batch;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod copy;
pub mod credentials;
pub mod damage;
pub mod effect;
pub mod engagement;
pub mod error;
pub mod file;
pub mod records;
pub mod store;
pub mod views;
pub mod words;

pub use batch::{Batch, Deferral, Existing, Fence, JobEnd, Op};
pub use copy::{Copied, CopyError, Restored};
pub use credentials::{
    Authorization, Credential, CredentialLease, CredentialSettled, CredentialState, NewCredential,
};
pub use damage::{Damage, Remedied, Remedy, RemedyOrder};
pub use effect::{Effect, Intent};
pub use engagement::{Engagement, WatchedContact};
pub use error::{Precondition, StoreError};
pub use file::FileFault;
pub use records::*;
pub use store::{CaseFilter, Claim, Committed, Health, JobFilter, Page, Store};
pub use views::{CASES_IN_VIEW, ClientView, EffectView};
pub use words::{CarefulWord, NamelessSetting, StoredWord};
