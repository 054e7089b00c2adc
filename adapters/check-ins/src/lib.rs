//! Who is expected and who has checked in, told by a clinic without a portal interface.
//!
//! **People.** Whoever keeps the clinic's list: a developer, whose program sends a signed webhook when
//! a row changes, or a person, who exports a CSV file every day. The client, who must not be asked for a
//! check-in that she has submitted; her coach, in whose name she would be asked.
//!
//! **Whose contract.** Ours: `openapi.yaml` describes the webhook, the README the file. Both have the
//! same columns ([`Column`]) and say the same by them; what is read is a list of [`Row`]s.
//!
//! | module | what it holds |
//! |---|---|
//! | [`webhook`] | a signed delivery to us: verification of the raw bytes, then reading; writing one |
//! | [`csv`] | a file: every error in it at once, with its line |
//! | `emulator` | a stand-in for the clinic's list (feature `emulator`) |
//!
//! **Rules.**
//! - A row says who, and then one or both of: what is known of her ([`About`]), and how one check-in of
//!   hers stands ([`RowCheckIn`]). What a row doesn't say stays as it is.
//! - A guess never makes a check-in *missed*: what stands in `due`, `submitted` or `withdrawn` and can't
//!   be read is an error, and so is a column that is almost one of ours.
//! - Two rows that contradict each other are an error: which of them is right is not ours to say. A file,
//!   whose author is there to correct it, is read whole or not at all; of a delivery the other rows are read.
//! - A file has an author in front of it, so that a status word, a name or an address that nothing could
//!   be done with is an error there, too; from a webhook it is kept as told, as from the portal.
//! - An id is the clinic's own, and stands in logs, commands and addresses: it is never an email address.
//!
//! **Guarantees.** Every reader is total; no error quotes a cell. What [`webhook::write`] writes is read
//! as the same rows, and a file says the same as a delivery with its cells.
//!
//! **Not guaranteed.** That a list is complete: a client who is not in it is not heard of. That rows come
//! in order: [`webhook::Delivery::made_at`] tells which of two deliveries is the later one.

mod cells;
mod columns;
pub mod csv;
#[cfg(feature = "emulator")]
pub mod emulator;
mod row;
mod together;
pub mod webhook;

pub use columns::Column;
pub use row::{About, Row, RowCheckIn, RowState, SubmittedAt};

/// The clinic's list's name to the relay: in stored errors, in notes and in the log.
pub const VENDOR: &str = "check-ins";
