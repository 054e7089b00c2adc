//! Clear Relay: what a clinic's tools are told, and what is done about it.
//!
//! One page for whoever reads this for the first time. A webhook comes in by [`http`] and is
//! stored by [`receipts`] before it is acknowledged; from there on it is read, decided upon and
//! acted on by the [`engine`], which knows the world through [`ports`] only and acts on it through
//! [`effects`] only.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the commands |
//! | [`config`] | `clear-relay.toml` and the environment, checked |
//! | [`doctor`] | what is wrong, and what to do about it |
//! | [`http`] | the routes |
//! | [`remedy`] | commands of ours, as people are told to type them |
//! | [`receipts`] | verify, store, acknowledge |
//! | [`engine`] | intake, steps, queue, what people do |
//! | [`effects`] | guard, intent, one attempt, probe |
//! | [`credentials`] | tokens: sealed, refreshed by one at a time, connected by a person |
//! | [`rate_limit`] | how much a vendor may be asked, shared by all workers |
//! | [`ports`] | what we need of the world, named by need |
//! | [`wiring`] | the only place that names vendors and databases |
//! | [`sandbox`] | emulated vendors and invented people, for tests and demo |
//! | [`stage`] | the page that shows the tools side by side, for sandbox and demo |
//! | [`lifecycle`] | starting, ending, signals |
//! | [`self_check`] | what a serving relay looks at by itself |
//! | [`telemetry`] | logging, and its rules |
//! | [`failpoint`] | where a test may cut us off |
//!
//! Words, as code, documents, commands and pages use them:
//!
//! *receipt* an inbound webhook as received · *fact* what a receipt or a read taught · *case* one run of a
//! procedure for one client · *step*, *wait*, *hold* · *evidence* what a decision stands on · *effect*
//! something done to the outside world, under a key · *intent* the stored right to one mutating request ·
//! *guard* the re-read before an effect · *probe* the read after an unclear outcome · *job* queued work
//! with *attempts*: ready → running → done, ready again, parked, dead (the *dead letters*) or cancelled ·
//! *periodic job* · *snooze* a postponement that is no failure · *dispatcher* what claims jobs and runs
//! them · *lease*, *fence* · *lane* a client's own order of work · *rate limiter*, *permit*, *circuit
//! breaker*, *quota* per vendor · *replay* dead jobs back in their lane, same effect keys · *work item* what
//! a person must do, with owner, due time, reminder and the actions that settle it · *script* a message
//! text · *procedure* parameters and scripts, versioned; *procedure registry* · *outreach* any message to a
//! client, and asking a coach to call · *reconcile* compare what is stored with what must hold and with the
//! vendors; repair or report · *change notification* a webhook that names an object and no content ·
//! *failpoint* a place where a test may cut the process off; a *checkpoint* is SQLite's · *transient*,
//! *permanent*, *unclear* error · *severity*: error, warning.

pub mod cli;
pub mod config;
pub mod credentials;
pub mod doctor;
pub mod effects;
pub mod engine;
pub mod failpoint;
pub mod http;
pub mod lifecycle;
pub mod ports;
pub mod rate_limit;
pub mod receipts;
pub mod remedy;
pub mod sandbox;
pub mod self_check;
pub mod settings;
pub mod stage;
pub mod telemetry;
pub mod wiring;
