//! Whether the file under a store is still the one it was opened on.

use std::path::PathBuf;

use thiserror::Error;

/// What has happened to a database's file while it was open. Nothing that is written from then on
/// would be found after the next start, so nothing is written and nobody is told that it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileFault {
    /// It was deleted or moved away.
    #[error("{} is gone: it was deleted or moved while the relay had it open", .0.display())]
    Missing(PathBuf),
    /// Another file stands in its place.
    #[error("{} is another file than the one the relay has open", .0.display())]
    Replaced(PathBuf),
    /// It has become shorter.
    #[error("{} was cut short while the relay had it open", .0.display())]
    Truncated(PathBuf),
    /// Somebody has written other content into it.
    #[error("{} was overwritten while the relay had it open", .0.display())]
    Overwritten(PathBuf),
    /// The system does not let us look.
    #[error("{} can't be looked at: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}
