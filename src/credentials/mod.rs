//! Credentials that change under way: tokens, kept so that they are never lost.
//!
//! A vendor's refresh token works once. Whoever uses it twice, loses the answer, or lets two
//! processes use it at the same time, loses the connection, and a person has to sign in again.
//!
//! ```text
//!            ┌──────── new pair stored ◀─────── answer ────────┐
//!            ▼                                                 │
//!  fresh ──lease: "one is under way" is stored──▶ uncertain ──request──▶ no answer
//!    ▲                                                │            │
//!    │ refused for now, not sent                      │            └─▶ once more, later ──▶ dead
//!    └────────────────────────────────────────────────┘                refused, or no answer again
//! ```
//!
//! People: the *keeper* of a connection gives tokens to the vendor's client and buys new ones; a
//! person *connects* (prints a page's address, agrees there); the periodic job `credential` keeps
//! idle connections alive and raises the alarm in time.
//!
//! Rules:
//! - One refresh at a time: in a process by a lock, across processes by a lease in the row. Whoever
//!   comes second reads what the first one brought.
//! - That a refresh is under way is stored before its request; a new pair is stored before it is
//!   used.
//! - A refresh is a task of its own: a job that is dropped in the middle does not take the answer
//!   with it.
//! - After a lost answer the same token is tried once more, not sooner than it must be, and then
//!   never again.
//! - Tokens are sealed at rest, and stand in no log, error or URL.
//!
//! Guarantees: a crash at any place leaves a row that says so. While an access token is good, work
//! goes on, whatever became of a refresh.
//!
//! Not guaranteed: that a lost answer can be made up for. If the vendor has rotated and knows no
//! grace, a person must connect anew; then it is the alarm that is guaranteed.

mod connect;
mod keeper;
mod pair;
mod refresh;
mod seal;

pub use keeper::{Keeper, KeeperParts};
pub use pair::{ALARM, AUTHORIZATION, IDLE, RealRefreshWait, RefreshWait};
pub use seal::{KEY_BYTES, SealError, SealKey, Sealer, new_key};
