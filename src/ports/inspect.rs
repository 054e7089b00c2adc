//! A vendor looked at, for the doctor.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::ports::finding::Finding;

/// Looks at one vendor, and says what it finds. Every request it makes is a read.
#[async_trait]
pub trait Inspect: Debug + Send + Sync {
    /// Everything that is found. A vendor that can't be reached is one finding.
    async fn inspect(&self) -> Vec<Finding>;
}
