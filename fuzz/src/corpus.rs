//! The seeds of a target: its folder in the corpus, and files of the repository.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Target;

/// A seed and the file it came from.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The file, from the root of the repository.
    pub file: PathBuf,
    /// What it holds.
    pub data: Vec<u8>,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every seed of a target, in the order of their names. A folder that is named and can't be read
/// is an error: a target without seeds proves little.
pub fn seeds(target: &Target) -> io::Result<Vec<Seed>> {
    let own = format!("fuzz/corpus/{}", target.name);
    let mut files = Vec::new();
    for place in std::iter::once(own.as_str()).chain(target.fixtures.iter().copied()) {
        let path = root().join(place);
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                files.push(Path::new(place).join(entry?.file_name()));
            }
        } else {
            files.push(PathBuf::from(place));
        }
    }
    files.sort();
    let read = |file: PathBuf| {
        let data = fs::read(root().join(&file))?;
        Ok(Seed { file, data })
    };
    files.into_iter().map(read).collect()
}
