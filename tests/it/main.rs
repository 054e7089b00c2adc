//! The relay as a whole, through its public seams.

#[cfg(test)]
mod boundaries;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod config;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telemetry;
