//! Every parser of untrusted input, run on input that nobody would send.
//!
//! For whoever adds a parser, or mends one. A [`Target`] is a function of bytes that panics where
//! a promise is broken: no panic, bounded output, what is written is read back, no word of a
//! person in an error. It has seeds in `corpus/NAME`, kept with the code, and the repository's
//! fixtures. The [`drive`]r replays the seeds and runs mutations of them; where one breaks a
//! promise it makes it small, and names the file it is in.
//!
//! Rules:
//! - The same seed gives the same inputs: a failure is replayed by its number, or by its file.
//! - A run is counted in executions, never in time; only the long run from the command line is
//!   told when to end.
//! - An input that broke something stays in the corpus for good.
//!
//! Not guaranteed: coverage. Mutation is blind: it knows the form of JSON and the words of each
//! grammar, and nothing of what the code did with them. `README.md` says how to attach a fuzzer
//! that sees.

pub mod corpus;
pub mod drive;
pub mod json;
pub mod mutate;
#[cfg(test)]
mod replay;
pub mod targets;

pub use targets::{Target, targets};
