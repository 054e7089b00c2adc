//! The invented text-message service: its event.

use std::sync::Arc;

use clear_relay::wiring::textline::TextlineSource;
use relay_textline::webhook::text_id;

use super::{Target, Vendor};

/// What of it is run.
pub const VENDOR: Vendor = Vendor {
    targets: &[Target {
        name: "textline_event",
        run,
        words: &["{\"text\":\"t1\"}", "\"text\"", "null"],
        fixtures: &["fixtures/textline"],
        executions: 500,
    }],
    source: || {
        Some(Arc::new(TextlineSource::new(
            "a-path-secret".to_owned().into(),
        )))
    },
    sign: None,
    words: &["/hooks/textline/a-path-secret"],
};

fn run(data: &[u8]) {
    assert!(text_id(data).is_none_or(|id| id.len() <= 40));
}

#[cfg(test)]
mod tests {
    crate::replay::fuzzed! {
        super::VENDOR.targets;
        no_event_of_textline_breaks_its_reader: "textline_event",
    }
}
