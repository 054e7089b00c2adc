//! The connections of all vendors, as one port.

use std::sync::Arc;

use async_trait::async_trait;
use relay_store::StoreError;

use crate::ports::{ConnectionStatus, Connections, NoConnections};

/// Each vendor's connection, by the vendor's name.
#[derive(Debug, Default)]
pub(super) struct AllConnections(pub(super) Vec<(&'static str, Arc<dyn Connections>)>);

#[async_trait]
impl Connections for AllConnections {
    async fn status(&self) -> Result<Vec<ConnectionStatus>, StoreError> {
        let mut all = Vec::new();
        for (_, connections) in &self.0 {
            all.extend(connections.status().await?);
        }
        Ok(all)
    }

    async fn keep_fresh(&self) -> Result<Vec<ConnectionStatus>, StoreError> {
        let mut all = Vec::new();
        for (_, connections) in &self.0 {
            all.extend(connections.keep_fresh().await?);
        }
        Ok(all)
    }

    fn are_renewed(&self) -> bool {
        self.0
            .iter()
            .any(|(_, connections)| connections.are_renewed())
    }

    fn remedy(&self, vendor: &str) -> String {
        let found = self.0.iter().find(|(name, _)| *name == vendor);
        found.map_or_else(
            || NoConnections.remedy(vendor),
            |(_, connections)| connections.remedy(vendor),
        )
    }
}
