//! The relay as a whole, through its public seams.

#[cfg(test)]
mod hooks;
#[cfg(test)]
mod support;
