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
//! | [`pace`] | how much a vendor may be asked, shared by all workers |
//! | [`ports`] | what we need of the world, named by need |
//! | [`wiring`] | the only place that names vendors and databases |
//! | [`sandbox`] | emulated vendors and invented people, for tests and demo |
//! | [`stage`] | the page that shows the tools side by side, for sandbox and demo |
//! | [`lifecycle`] | starting, ending, signals |
//! | [`self_check`] | what a serving relay looks at by itself |
//! | [`telemetry`] | logging, and its rules |
//! | [`checkpoint`] | where a test may cut us off |

pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod doctor;
pub mod effects;
pub mod engine;
pub mod http;
pub mod lifecycle;
pub mod pace;
pub mod ports;
pub mod receipts;
pub mod remedy;
pub mod sandbox;
pub mod self_check;
pub mod stage;
pub mod telemetry;
pub mod wiring;
