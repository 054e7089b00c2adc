//! The generator of load: keep-alive connections that each send, wait for the answer, and send
//! the next.
//!
//! One thread, the same in every variant. It reads of an answer what it must: the status and where
//! the answer ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clear_relay::lifecycle::pause;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::figures::Latencies;
use crate::{Trouble, clock};

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// When the first request was sent.
    pub(crate) begun: Instant,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// From sending to the answer, one per acknowledged request.
    pub(crate) latencies: Latencies,
    /// Answers other than 200.
    pub(crate) refused: usize,
}

impl Outcome {
    fn begun(begun: Instant) -> Self {
        Self {
            begun,
            took: Duration::ZERO,
            latencies: Latencies::default(),
            refused: 0,
        }
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }
}

/// Sends every request once, over `connections` connections, as fast as answers come; with
/// `per_second` no faster than that, each latency then counting from when it was to be sent.
pub(crate) async fn run(
    to: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
    per_second: Option<f64>,
) -> Result<Outcome, Trouble> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let begun = clock::now();
    let mut running = JoinSet::new();
    for mut stream in streams {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        running.spawn(async move {
            let mut outcome = Outcome::begun(begun);
            let mut buffer = Vec::with_capacity(1024);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(index) else {
                    return Ok::<_, Trouble>(outcome);
                };
                let mut since = clock::now();
                if let Some(rate) = per_second {
                    let due = begun + Duration::from_secs_f64(index as f64 / rate);
                    pause(due.saturating_duration_since(since)).await;
                    since = due;
                }
                stream.write_all(request).await?;
                if answer(&mut stream, &mut buffer).await? == 200 {
                    outcome.latencies.add(since.elapsed());
                } else {
                    outcome.refused += 1;
                }
            }
        });
    }
    let mut all = Outcome::begun(begun);
    while let Some(done) = running.join_next().await {
        let done = done??;
        all.latencies.extend(done.latencies);
        all.refused += done.refused;
    }
    all.took = begun.elapsed();
    all.latencies.sort();
    Ok(all)
}

/// Reads one answer to its end. Its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16, Trouble> {
    buffer.clear();
    loop {
        if let Some((status, length)) = head(buffer)?
            && buffer.len() >= length
        {
            return Ok(status);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server hung up".into());
        }
    }
}

/// The status, and how long the whole answer is, once its head is there.
fn head(buffer: &[u8]) -> Result<Option<(u16, usize)>, Trouble> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&buffer[..end])?;
    let status = text
        .get(9..12)
        .ok_or("an answer without a status")?
        .parse()?;
    let length: usize = text
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length: "))
        .ok_or("an answer without a length")?
        .parse()?;
    Ok(Some((status, end + 4 + length)))
}

/// One request, on a connection of its own.
pub(crate) async fn once(to: SocketAddr, request: &[u8]) -> Result<u16, Trouble> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(request).await?;
    answer(&mut stream, &mut Vec::new()).await
}

/// A request without a body.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: relay.test\r\n\r\n").into_bytes()
}

/// A request with a body.
pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: relay.test\r\n");
    for (name, value) in headers {
        // Writing to a text can't fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "content-length: {}\r\n\r\n", body.len());
    let mut request = head.into_bytes();
    request.extend_from_slice(body);
    request
}
