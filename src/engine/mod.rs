//! The engine: what turns stored events into effects.
//!
//! Roles: the *intake* reads stored receipts; the *stepper* runs pure steps and
//! stores what they want; the *worker* claims due jobs, one per client at a time; the *rescuer*
//! takes back the jobs of a worker that died; *commands* are what people do.
//!
//! ```text
//! receipts ──intake──▶ facts ──stepper──▶ one batch: case, timeline, effects, jobs, work items
//!                                ▲                                  │
//!         timers, reads, effects └────────── worker ◀───────────────┘
//! ```
//!
//! | file or folder | what is in it |
//! |---|---|
//! | `start` | what must be so before the first job runs |
//! | `dispatcher`, `run` | claims due jobs under leases, renews them, runs them; the rescuer of a dead worker's jobs |
//! | `jobs/` | one file per kind of job |
//! | `commands/` | what people do: decide, settle, replay, cancel, repin, stop |
//! | `effect/` | one effect from its guard to its outcome: guard, intent, attempt, probe, settling |
//! | `inbox/` | what a coach is asked, in one task of the CRM for each client, and her answer |
//! | `staff_said/` | what staff begin by themselves, by a tag or by a command |
//! | `incidents/` | what many cases meet alike at a vendor: held, told once, and let go on |
//! | `sync/` | comparison with the vendors: reconcile, conversation, hints, subscriptions, presence |
//! | `intake`, `stepper`, `watch` | receipts become facts, facts become steps, due dates become looks |
//! | `admission` | may a job run now, by the rate limits of the vendors it calls |
//! | `finish` | how a run ends: done, snoozed, tried again, parked, dead, cancelled |
//! | `memory/` | a database that is older than it should be |
//! | `items`, `damage`, `link`, `clock`, `wake` | work items; rows that can't be read; who is who; clocks that disagree or were set |
//! | `case_jobs`, `client_effects`, `days`, `drift`, `held_back`, `latest`, `outreach`, `words` | helpers of those above |
//! | `job_kinds`, `periodic`, `registry`, `parts`, `error` | what all of these share |
//!
//! Each is a module of functions over [`Engine`], which holds what they share and decides nothing. An import
//! says who calls whom. The table goes roughly from callers to callees; what is checked
//! (`tests/it/structure.rs`) is that no circle of imports has more than two files.
//!
//! Rules:
//! - Nothing is decided on what was not stored first, and nothing is stored half: every arrow
//!   above is one [`Batch`](relay_store::Batch).
//! - A decision names the version of the case it was made on. If the case has moved, the batch is
//!   refused and the decision is made again on what is there now.
//! - A worker's batch names its fence: a run that lost its lease stores nothing, but for three things that
//!   are true whoever holds it: that a request was carried out (`effect/settle.rs`), a reconcile's repairs,
//!   and a link that was learned before a read failed.
//!
//! Not guaranteed: order between clients. Within a client, work runs one at a time.

pub(crate) mod admission;
mod case_jobs;
mod client_effects;
pub mod clock;
pub mod commands;
pub mod damage;
mod days;
pub mod dispatcher;
mod drift;
pub(crate) mod effect;
pub mod error;
pub(crate) mod finish;
pub mod held_back;
pub mod inbox;
pub(crate) mod inbox_job;
pub mod incidents;
pub mod intake;
pub(crate) mod items;
pub mod job_kinds;
pub mod jobs;
mod latest;
pub mod link;
pub mod memory;
pub mod outreach;
mod parts;
pub mod periodic;
pub(crate) mod ready;
pub mod registry;
pub(crate) mod run;
pub mod staff_said;
pub mod start;
pub mod stepper;
pub mod sync;
pub mod time_off;
pub mod wake;
mod watch;
mod words;

pub use error::EngineError;
pub(crate) use parts::RELAY;
pub use parts::{CoachChannel, Engine, EngineParts, MessagesWhileAway, People};
