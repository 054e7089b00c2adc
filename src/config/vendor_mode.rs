//! Whether a vendor is used.

use super::reader::Reader;

/// Whether a vendor is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendorMode {
    /// It is called, and its webhooks are accepted.
    On,
    /// Its steps become work items.
    Off,
}

impl VendorMode {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        reader.choice("mode", &[("on", Self::On), ("off", Self::Off)], Self::Off)
    }
}
