//! The relay as a whole, through its public seams.

#[cfg(test)]
mod boundaries;
#[cfg(test)]
mod check_ins;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod config;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod drills;
#[cfg(test)]
mod dry_runs;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod edge_cases;
#[cfg(test)]
mod engagement;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hook_watch;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod portal_alone;
#[cfg(test)]
mod procedures;
#[cfg(test)]
mod process;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod remedies;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod together;
#[cfg(test)]
mod twice;
#[cfg(test)]
mod vendors;
