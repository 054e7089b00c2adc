//! Paths in the configuration.
//!
//! A relative path starts from the folder of the configuration file, whoever runs a command and
//! wherever: `clear-relay --config /clinic/clear-relay.toml stop`, typed in another folder, must
//! stop the relay of /clinic, and not an empty database beside the person who typed it.
//!
//! Earlier releases read the database and the procedure's folder from the working directory. Where
//! something lies at that old place and nothing at the new one, the configuration is refused and
//! the command that moves it is named: to go on would begin with an empty memory.

use std::path::{Path, PathBuf};

use super::reader::Reader;
use crate::remedy;

impl Reader<'_> {
    /// A path as it is meant. What only a shell would understand is refused: a folder named `~`
    /// is nobody's home.
    pub(super) fn place(&self, key: &str, written: &str) -> Option<PathBuf> {
        let written = written.trim();
        let wrong = if written.starts_with('~') || written.contains('$') {
            "is written for a shell, and no shell reads it"
        } else if written.starts_with("file:") || written == ":memory:" {
            "is not the path of a file"
        } else if written.chars().any(char::is_control) {
            "holds a character that can't be seen"
        } else {
            return Some(self.base.join(written));
        };
        self.mistake(key, wrong, "write the whole path: /FOLDER/FILE");
        None
    }

    /// The path of what the relay keeps, unless it still lies where an earlier release read it.
    pub(super) fn kept_place(&self, key: &str, written: &str) -> Option<PathBuf> {
        let new = self.place(key, written)?;
        if let Some(old) = self
            .working
            .and_then(|w| old_place(w, &new, written.trim()))
        {
            self.mistake(
                key,
                format!(
                    "starts from the folder of the configuration file: there is no {}, and there \
                     is {}, where an earlier release read it",
                    new.display(),
                    old.display()
                ),
                format!("stop the relay, then: {}", moving(&old, &new)),
            );
        }
        Some(new)
    }
}

/// Where an earlier release looked, if something is there and nothing at the new place.
fn old_place(working: &Path, new: &Path, written: &str) -> Option<PathBuf> {
    let old = working.join(written);
    (old != new && old.exists() && !new.exists()).then_some(old)
}

/// The command that moves a file, or a folder, with what lies beside it under its name: a database
/// without its log has lost what was written last.
fn moving(old: &Path, new: &Path) -> String {
    let shown = |path: &Path| remedy::shell_word(&path.display().to_string());
    let name = old.file_name().unwrap_or_default().to_string_lossy();
    let folder = old.parent().unwrap_or(Path::new("/"));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut beside: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let other = path.file_name().unwrap_or_default().to_string_lossy();
            let rest = other.strip_prefix(&*name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        })
        .collect();
    beside.sort();
    let what: Vec<String> = beside.iter().map(|path| shown(path)).collect();
    let to = new.parent().unwrap_or(Path::new("/"));
    let (what, to) = (what.join(" "), shown(to));
    format!("mkdir -p {to} && mv {what} {to}/")
}
