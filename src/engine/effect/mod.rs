//! Effects: done to the outside world once, whatever crashes, time-outs and replays occur.
//!
//! No vendor offers an idempotency key that can be relied on, so an effect goes this way:
//!
//! ```text
//! guard ─▶ intent stored ─▶ ONE mutating request ─▶ done
//!   │        (with the case version          ├─ not sent ─▶ planned again: guard again
//!   │         the guard saw)                 ├─ refused for good ─▶ dead + work item
//!   │                                        └─ unclear ─▶ probe ─▶ done
//!   ├─ overtaken: nothing is sent                            ├─ absence proven ─▶ planned again
//!   ├─ hold: a person, with the text ready                   └─ can't tell ─▶ a person decides
//!   └─ later: at its time
//! ```
//!
//! What the guard reads and says depends on what the effect belongs to: a case, a client, a work item or
//! the installation (`scope.rs`). The rest of the way is the same for all.
//!
//! Guarantees:
//! - A guard that could not read never sends: a failed read is a failed try of the job, or puts it off if the
//!   vendor kept it back.
//! - Between the intent and its outcome nothing else is sent under the same key. An intent found
//!   without an outcome (a crash) is treated as unclear.
//! - After an unclear outcome the request's bytes are frozen; only a definite "not sent" or a
//!   proven absence leads back to the guard.
//! - Before any request of something that is seen, the first too, the vendor is looked at for its
//!   marker (`first.rs`), and for what earlier requests of the same identity may have left, whatever
//!   they were answered and under whatever key (`again.rs`): a refusal may have come after the work
//!   was done, and the database may be an earlier copy of itself.
//! - What is cancelled although it may have been carried out is looked for all the same (*withdrawn*),
//!   never sent again, and its case hears of it if it was.
//!
//! Not guaranteed: that an effect whose vendor can't prove absence is carried out without a person
//! once its outcome was lost. That two things of one purpose about one check-in both go out: they
//! are one, even if the clinic had reworded the script between.

pub(crate) mod again;
pub(crate) mod attempt;
mod contact_gap;
pub(crate) mod first;
pub(crate) mod guard;
pub(crate) mod moves;
pub(crate) mod naming;
pub(crate) mod probe;
pub(crate) mod release;
pub(crate) mod run;
mod scope;
pub(crate) mod settle;
mod without_crm;

use relay_core::time::SignedDuration;

/// How often a halted outreach looks whether it may go on.
pub(crate) const STOPPED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How much earlier than the intent a probe looks: the vendor's clock is not ours.
pub(crate) const SKEW: SignedDuration = SignedDuration::from_mins(2);
