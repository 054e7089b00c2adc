//! What a server does with the outcomes that an emulator asks for, where [`RouterTransport`] would
//! turn them into errors at once: it hangs and cuts for real.
//!
//! [`RouterTransport`]: crate::RouterTransport

use std::io;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use crate::TransportFault;

/// A middleware for emulators that are served over TCP
/// (`router.layer(axum::middleware::from_fn(realize_outcomes))`).
///
/// `Late` answers after its time, real time. `Hang` never answers; the caller's own limit ends it. `Reset` and
/// `Refuse` cut the connection in the middle of an answer, which a caller classifies like a cut before it. Not
/// guaranteed: that `Refuse` looks like a refused connection; an open port can't refuse.
pub async fn realize_outcomes(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match response.extensions().get::<TransportFault>() {
        None => response,
        Some(TransportFault::Hang) => std::future::pending().await,
        Some(TransportFault::Reset | TransportFault::Refuse) => Response::new(severed()),
        Some(TransportFault::Late(wait)) => {
            // Nothing completes, so this is the wait itself; a caller who gives up ends it.
            let _ = tokio::time::timeout(*wait, std::future::pending::<()>()).await;
            response
        }
    }
}

/// A body that breaks before its first byte; the server then closes the connection.
fn severed() -> Body {
    let cut = io::Error::from(io::ErrorKind::ConnectionReset);
    Body::from_stream(stream::iter([Err::<Bytes, _>(cut)]))
}
