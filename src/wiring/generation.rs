//! The generation file: a number in a file beside the database.
//!
//! `relay.db` has `relay.db.generation`. It is not copied with the database, by nobody's backup of it
//! and by no command of the relay: its whole use is to stay where it is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::engine::memory::counter::{GenerationFile, GenerationReading};

/// The file of the database at `path`.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".generation");
    PathBuf::from(name)
}

/// A number in a file.
#[derive(Debug, Clone)]
pub struct NumberFile {
    path: PathBuf,
}

impl NumberFile {
    /// The file of the database at `path`.
    pub fn beside(path: &Path) -> Self {
        Self { path: beside(path) }
    }
}

#[async_trait]
impl GenerationFile for NumberFile {
    async fn read(&self) -> GenerationReading {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || fs::read_to_string(path)).await;
        match read {
            Ok(Ok(text)) => text
                .trim()
                .parse()
                .map_or(GenerationReading::Unreadable, GenerationReading::Generation),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => GenerationReading::Missing,
            Ok(Err(_)) | Err(_) => GenerationReading::Unreadable,
        }
    }

    async fn write(&self, generation: u64) -> Result<(), String> {
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || replace(&path, generation)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.kind().to_string()),
            Err(_) => Err("interrupted".to_owned()),
        }
    }
}

/// Writes a new file and puts it in the old one's place, so that a power cut leaves one of the two.
fn replace(path: &Path, generation: u64) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    writeln!(file, "{generation}")?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_number_comes_back_and_what_is_none_is_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("relay.db");
        let file = NumberFile::beside(&database);
        assert_eq!(file.read().await, GenerationReading::Missing);
        for generation in [1, 2, u64::MAX] {
            file.write(generation).await.expect("written");
            assert_eq!(file.read().await, GenerationReading::Generation(generation));
        }
        fs::write(beside(&database), "seven").expect("written");
        assert_eq!(file.read().await, GenerationReading::Unreadable);
        let nowhere = NumberFile::beside(&folder.path().join("no/such/relay.db"));
        assert!(nowhere.write(1).await.is_err());
    }
}
