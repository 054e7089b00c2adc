//! Clear Relay: takes in webhooks from a clinic's tools and carries out the clinic's procedures.
//!
//! One page for whoever reads this for the first time. A webhook comes in by [`http`] and is
//! stored by [`receipts`] before it is acknowledged; from there on it is read, decided upon and
//! acted on by the [`engine`], which knows the world through [`ports`] only and acts on clients, staff and
//! fees through [`effects`] only. (Webhook subscriptions and tokens it looks after through ports.)
//!
//! The parts, from the top down; each may use those below it and none above (`tests/it/structure.rs`):
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the commands |
//! | [`stage`] | the page that shows the tools side by side, for sandbox and demo |
//! | [`sandbox`] | emulated vendors and invented people, for tests and demo |
//! | [`wiring`] | puts a relay together from vendors and a database |
//! | [`doctor`] | what is wrong, and what to do about it |
//! | [`config`] | `clear-relay.toml` and the environment, checked |
//! | [`http`] | the routes |
//! | [`self_check`] | what a serving relay looks at by itself |
//! | [`engine`] | intake, steps, queue, dispatcher, guard and probe of effects, comparison with the vendors, what people do |
//! | [`effects`] | what each kind of effect does through the ports, and by what it is recognized there |
//! | [`credentials`] | tokens: sealed, refreshed by one at a time, connected by a person |
//! | [`ports`] | what we need of the world, named by need |
//! | [`receipts`] | verify, store, acknowledge |
//! | [`rate_limit`] | rate limiter, circuit breaker and quota of each vendor, shared by all workers |
//! | [`telemetry`] | logging, and its rules |
//! | [`remedy`] | commands of ours, as people are told to type them |
//! | [`settings`] | settings of the store, read with care |
//! | [`lifecycle`] | starting, ending, signals |
//! | [`failpoint`] | where a test may cut us off |
//!
//! Without I/O, in the crate `relay_core`: procedures and their steps, scripts, calendar, retry policy, rate
//! limits as rules, effect kinds, the clock and randomness as traits.
//!
//! Words, as code, documents, commands and pages use them:
//!
//! *receipt* an inbound webhook as received · *fact* what a receipt, a read, an order or a result taught · *case* one
//! run of a procedure for one client · *step*, *wait*, *hold* · *evidence* what a decision stands on · *effect*
//! something done to the outside world, under a key; its *scope* is a case, a client, a work item or the installation
//! · *intent* the stored right to one mutating request · *guard* the re-read before an effect · *probe* the read
//! after an unclear outcome · *job* queued work with *attempts*: ready → running → done, ready again, parked, dead
//! (the *dead letters*) or cancelled · *periodic job* · *snooze* a postponement that is no failure · *dispatcher*
//! what claims jobs and runs them · *lease*, *fence* · *lane* a client's own order of work · *rate limiter*,
//! *permit*, *circuit breaker*, *quota* per vendor · *incident* a failure of a vendor that many cases meet, held and
//! told as one · *replay* dead jobs back in their lane, same effect keys · *work item* what a person must do, with
//! owner, due time, reminder and the actions that settle it; *inbox* where a coach finds hers · *script* a message
//! text · *procedure* steps, parameters and scripts, versioned; *procedure registry* · *workflow* its code ·
//! *outreach* any message to a client, and asking a coach to call · *reconcile* compare what is stored with what must
//! hold and with the vendors; repair or report · *change notification* a webhook that names an object and no content
//! · *failpoint* a place where a test may cut the process off; a *checkpoint* is SQLite's · *transient* (stored as
//! `retryable`), *permanent*, *unclear* error, told by `retry::Class` · *severity*: error, warning.

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
