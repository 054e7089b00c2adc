//! What lies in a folder of the corpus beside the rows.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The database.
pub(crate) const DATABASE: &str = "relay.sqlite";
/// The people, as the vendors know them.
pub(crate) const CAST: &str = "cast.toml";
/// What there is to know about it.
const ABOUT: &str = "about.json";

/// The moment at which the clinic of this version's corpus is cut off, clinic time.
pub(crate) const UNTIL: &str = "2026-11-13 09:00";
/// The invented key under which the corpus's tokens are sealed.
pub(crate) const SEAL_KEY: &str = crate::credentials::rig::KEY;

/// What there is to know about one corpus.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct About {
    /// The version that made it.
    pub(crate) version: String,
    /// The moment at which its clinic is cut off, clinic time.
    pub(crate) until: String,
    /// The invented key under which its tokens are sealed.
    pub(crate) seal_key: String,
}

/// One folder of the corpus.
#[derive(Debug, Clone)]
pub(crate) struct Corpus {
    pub(crate) folder: PathBuf,
    pub(crate) about: About,
}

impl Corpus {
    pub(crate) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join(ABOUT));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        Self {
            folder: folder.to_owned(),
            about: serde_json::from_str(&text).expect("what it is"),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Every frozen corpus, oldest first.
pub(crate) fn all() -> Vec<Corpus> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus");
    let entries = std::fs::read_dir(&root).expect("fixtures/corpus");
    let entries = entries.map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    let all: Vec<_> = folders.iter().map(|folder| Corpus::read(folder)).collect();
    assert!(!all.is_empty(), "there is no corpus");
    all
}

/// Writes what there is to know about the corpus of this version.
pub(crate) fn write(folder: &Path, cast: &str) {
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        until: UNTIL.to_owned(),
        seal_key: SEAL_KEY.to_owned(),
    };
    let about = serde_json::to_string_pretty(&about).expect("text");
    std::fs::write(folder.join(ABOUT), about).expect("written");
    std::fs::write(folder.join(CAST), cast).expect("written");
}
