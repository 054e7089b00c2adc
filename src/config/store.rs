//! `[store]`: where everything is kept.

use std::path::PathBuf;

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[store]
# The database file, from the folder of this file. Its folder must exist; the file is made by
# `clear-relay migrate`.
path = "clear-relay.db"
"#;

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The database file; a relative path starts from the configuration's folder.
    pub path: PathBuf,
}

impl StoreConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let path = reader
            .text("path")
            .unwrap_or_else(|| "clear-relay.db".to_owned());
        if path.trim_end().ends_with('/') {
            reader.mistake("path", "is a folder", "write the path of a file in it");
        }
        if path.contains("://") {
            // Not shown: an address of a database may hold a password.
            reader.mistake(
                "path",
                "is an address, not a file",
                "write the path of a file",
            );
        }
        let place = reader.kept_place("path", &path);
        reader.finish();
        Self {
            path: place.unwrap_or_else(|| path.into()),
        }
    }
}
