//! The generation file of a world, which has no folder to lie in.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::engine::memory::counter::{GenerationFile, GenerationReading};

/// The generation file of a world: as lasting as the world.
#[derive(Debug, Default)]
pub(super) struct Generation(Mutex<Option<u64>>);

#[async_trait]
impl GenerationFile for Generation {
    async fn read(&self) -> GenerationReading {
        let told = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.map_or(GenerationReading::Missing, GenerationReading::Generation)
    }

    async fn write(&self, generation: u64) -> Result<(), String> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(generation);
        Ok(())
    }
}
