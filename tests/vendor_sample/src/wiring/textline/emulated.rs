//! The service as the sandbox emulates it.

use std::sync::Arc;

use relay_http_client::emulation::Emulator;
use relay_textline::emulator::Textline;
use serde_json::{Map, Value};
use url::Url;

use crate::wiring::emulated::{Clinic, Emulated};

#[derive(Debug)]
struct EmulatedTextline(Arc<Textline>);

/// An account that has sent nothing.
pub(super) fn start(clinic: &Clinic<'_>) -> Arc<dyn Emulated> {
    Arc::new(EmulatedTextline(Textline::new(
        Arc::clone(clinic.clock),
        Arc::clone(clinic.random),
    )))
}

impl Emulated for EmulatedTextline {
    fn emulator(&self) -> Arc<dyn Emulator> {
        Arc::<Textline>::clone(&self.0)
    }

    fn section(&self, base: &Url, _furnished: &Map<String, Value>) -> String {
        format!("[textline]\nmode = \"on\"\nbase_url = \"{base}\"\ntoken = \"sandbox\"\n")
    }
}
