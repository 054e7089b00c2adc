//! The emulators themselves, for a test that looks into one or sets its switches.

use std::sync::Arc;

use clear_relay::sandbox::vendors::Vendors;
use relay_clear_connection::emulator::Portal;
use relay_keap::emulator::Keap;

pub(crate) trait Tools {
    fn keap(&self) -> Arc<Keap>;
    fn portal(&self) -> Arc<Portal>;
}

impl Tools for Vendors {
    fn keap(&self) -> Arc<Keap> {
        self.emulator().expect("an emulated CRM")
    }

    fn portal(&self) -> Arc<Portal> {
        self.emulator().expect("an emulated portal")
    }
}
