//! Reading a body with a cap on its length and on the time it takes.
//!
//! The cap counts bytes as they arrive, so a body that declares no length (chunked) or a false
//! one is cut at the same place as an honest one. A body that is too long is read on for a while
//! and thrown away: a sender that is still writing would else meet a reset and never see the 413.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Longer than the cap.
    TooLong,
    /// Not whole within the limit.
    TooSlow,
    /// The connection or the encoding broke.
    CutOff,
}

/// Reads at most `cap` bytes within `limit`, real time.
pub(super) async fn read(body: Body, cap: usize, limit: Duration) -> Result<Bytes, BodyError> {
    timeout(limit, collect(body, cap))
        .await
        .unwrap_or(Err(BodyError::TooSlow))
}

async fn collect(mut body: Body, cap: usize) -> Result<Bytes, BodyError> {
    let mut kept = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::CutOff)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen <= cap {
            kept.extend_from_slice(&data);
        } else {
            kept = BytesMut::new();
        }
        if seen > cap.saturating_mul(2) {
            break;
        }
    }
    if seen > cap {
        return Err(BodyError::TooLong);
    }
    Ok(kept.freeze())
}
