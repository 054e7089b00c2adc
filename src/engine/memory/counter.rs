//! What an engine counts the generations of its database with.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use relay_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

/// What the generation file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationReading {
    /// This generation.
    Generation(u64),
    /// There is no file.
    Missing,
    /// There is one, and it can't be read.
    Unreadable,
}

/// The number that lies beside the database.
#[async_trait]
pub trait GenerationFile: Debug + Send + Sync {
    /// What it says.
    async fn read(&self) -> GenerationReading;
    /// Replaces it, durably. An error tells why it could not be, without a path.
    async fn write(&self, generation: u64) -> Result<(), String>;
}

/// The count of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// Raised by one each time.
    pub(crate) generation: u64,
    /// When, real time.
    pub(crate) at: Timestamp,
}

/// What an engine counts with; none where nobody asked for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(pub(crate) Option<Arc<Counting>>);

impl Counter {
    /// One that counts with `file`.
    pub(crate) fn with(file: Arc<dyn GenerationFile>) -> Self {
        let last = Mutex::new(None);
        Self(Some(Arc::new(Counting { file, last })))
    }
}

#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) file: Arc<dyn GenerationFile>,
    /// The last count of this process. Held while it is stored, so that counts are stored in order.
    pub(crate) last: Mutex<Option<Count>>,
}
