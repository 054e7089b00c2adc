//! The relay as a whole, through its public seams.

mod hooks;
mod support;
