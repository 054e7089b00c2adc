//! A vendor's bad day: how it breaks.

use relay_core::effects::EffectKind;
use relay_http_client::emulation::{FaultAct, FaultRule, Faults, Moment};
use serde::Deserialize;

use super::view::UNTIL_HEALED;
use crate::sandbox::vendors::Vendors;

/// How a vendor breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breakage {
    /// Every request is answered 503 and not carried out.
    Unavailable,
    /// The next change of each kind is carried out, and never answered.
    Hang,
}

/// The faults of a vendor that is named.
pub(super) fn faults<'a>(vendors: &'a Vendors, vendor: &str) -> Result<&'a Faults, String> {
    let faults = vendors.faults(vendor);
    faults.map_err(|error| format!("vendor: {error}"))
}

/// Breaks a vendor.
pub(super) fn break_it(faults: &Faults, how: Breakage, times: Option<u32>) -> Result<(), String> {
    if times == Some(0) {
        return Err("times: at least 1".to_owned());
    }
    match how {
        Breakage::Unavailable => faults.order(FaultRule {
            operation: "*".to_owned(),
            moment: Moment::Before,
            act: FaultAct::Status {
                code: 503,
                retry_after: None,
                body: None,
            },
            skip: 0,
            times: times.unwrap_or(UNTIL_HEALED),
        }),
        Breakage::Hang => {
            if times.is_some() {
                return Err("times: a hang strikes the next change of each kind".to_owned());
            }
            for kind in EffectKind::ALL {
                faults.order(FaultRule {
                    operation: kind.as_str().to_owned(),
                    moment: Moment::After,
                    act: FaultAct::Hang,
                    skip: 0,
                    times: 1,
                });
            }
        }
    }
    Ok(())
}
