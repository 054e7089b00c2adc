//! The clinic's check-ins: a delivery, and a file.

pub mod file;
pub mod hook;

use super::Vendor;

/// What of them is run.
pub const VENDOR: Vendor = Vendor {
    targets: &[hook::TARGET, file::TARGET],
    source: || None,
    sign: None,
    words: &["/hooks/check-ins"],
};

#[cfg(test)]
mod tests {
    crate::replay::fuzzed! {
        super::VENDOR.targets;
        no_delivery_of_rows_breaks_its_reader: "check_ins_hook",
        no_file_of_rows_breaks_its_reader: "check_ins_file",
    }
}
