//! placeholder
#[cfg(feature = "emulator")]
pub mod emulator;
