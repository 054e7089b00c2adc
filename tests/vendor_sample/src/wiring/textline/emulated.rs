//! The service as the sandbox emulates it.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use relay_core::time::Timestamp;
use relay_http_client::Transport;
use relay_http_client::emulation::{Accepted, Emulator as _, Faults};
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

#[async_trait]
impl Emulated for EmulatedTextline {
    fn emulator(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::<Textline>::clone(&self.0)
    }

    fn router(&self) -> Router {
        Arc::clone(&self.0).router()
    }

    fn section(&self, base: &Url, _furnished: &Map<String, Value>) -> String {
        format!("[textline]\nmode = \"on\"\nbase_url = \"{base}\"\ntoken = \"sandbox\"\n")
    }

    fn set_hook_transport(&self, _transport: Arc<dyn Transport>) {}

    fn act(&self, what: Value) -> Result<Value, String> {
        self.0.act(what)
    }

    fn faults(&self) -> &Faults {
        self.0.faults()
    }

    fn accepted(&self) -> Vec<Accepted> {
        self.0.accepted()
    }

    fn acknowledged(&self) -> Vec<String> {
        Vec::new()
    }

    fn next_due(&self) -> Option<Timestamp> {
        None
    }

    async fn deliver_due(&self) -> usize {
        0
    }

    fn reset(&self) {
        self.0.reset();
    }
}
