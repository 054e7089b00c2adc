//! `[store]`: where everything is kept.

use std::path::PathBuf;

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[store]
# The database file. The folder must exist; the file is made by `clear-relay migrate`.
path = "clear-relay.db"
"#;

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The database file; a relative path starts from the working directory.
    pub path: PathBuf,
}

impl StoreConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let path = reader
            .text("path")
            .unwrap_or_else(|| "clear-relay.db".to_owned());
        if path.contains("://") {
            // Not shown: an address of a database may hold a password.
            reader.mistake(
                "path",
                "is an address, not a file",
                "write the path of a file",
            );
        }
        reader.finish();
        Self { path: path.into() }
    }
}
