//! Strangers at the doors: what their many slow requests do to genuine senders and to the memory.
//!
//! `serve` in a process of its own. Strangers hold some hundred connections, each with a request whose
//! body trickles, and open a new one whenever they are thrown out; meanwhile genuine events come at a
//! steady rate, each on a connection of its own, as from a sender without a pool.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clear_relay::lifecycle::pause;
use relay_core::random::SeededRandom;
use relay_core::time::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::figures::{Aim, Figure, Latencies, Report, millis};
use crate::process::{answers, start};
use crate::signed::Signer;
use crate::{Extent, Trouble, clock, load, setup};

/// Connections that strangers hold.
const STRANGERS: usize = 540;
/// How soon one that was thrown out is back.
const BACK: Duration = Duration::from_millis(100);
/// Genuine events a second.
const RATE: f64 = 50.0;
/// How long a sender waits for its answer.
const SENDER: Duration = Duration::from_secs(10);

/// What a stranger sends: a head, the beginning of a body, and so many bytes of it every second.
struct Attack {
    name: &'static str,
    opening: Vec<u8>,
    trickle: usize,
}

fn attacks() -> Vec<Attack> {
    let opening = |path: &str, headers: &[(&str, &str)], length: usize, sent: usize| {
        // The announced length is that of the whole body; only its beginning is sent.
        let mut request = load::post(path, headers, &vec![b'x'; length]);
        request.truncate(request.len() - length + sent);
        request
    };
    let now = SystemClock.now().as_second().to_string();
    let signature = format!("v1,{}=", "A".repeat(43));
    let signed = [
        ("webhook-id", "stranger"),
        ("webhook-timestamp", now.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let portal = "/hooks/clear-connection";
    vec![
        Attack {
            name: "wrong path, a byte of 1,000",
            opening: opening("/hooks/keap/WRONG", &[], 1_000, 1),
            trickle: 1,
        },
        Attack {
            name: "wrong path, 1 MiB",
            opening: opening("/hooks/keap/WRONG", &[], 1024 * 1024, 512 * 1024),
            trickle: 10_000,
        },
        Attack {
            name: "headers that look right, 250 KB",
            opening: opening(portal, &signed, 250_000, 200_000),
            trickle: 2_000,
        },
        Attack {
            name: "half a head",
            opening: b"POST /hooks/clear-connection HTTP/1.1\r\nhost: relay.test\r\nx: ".to_vec(),
            trickle: 1,
        },
    ]
}

pub(crate) fn measure(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    setup::runtime()?.block_on(async {
        for attack in attacks() {
            under(Arc::new(attack), extent, report).await?;
        }
        Ok(())
    })
}

async fn under(attack: Arc<Attack>, extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    let folder = setup::folder()?;
    let process = start(&folder.path().join("fresh.db"), folder.path())?;
    answers(process.address, "/readyz").await?;
    let mut strangers = JoinSet::new();
    for _ in 0..STRANGERS {
        strangers.spawn(stranger(process.address, Arc::clone(&attack)));
    }
    pause(Duration::from_secs(1)).await;
    let count = extent.events / 10;
    let (signer, random) = (Signer::new()?, SeededRandom::new(std::process::id().into()));
    let requests = signer.requests(count, SystemClock.now(), &random);
    let begun = clock::now();
    let mut senders = JoinSet::new();
    let mut most: f64 = 0.0;
    for (index, request) in requests.into_iter().enumerate() {
        let due = begun + Duration::from_secs_f64(index as f64 / RATE);
        pause(due.saturating_duration_since(clock::now())).await;
        let to = process.address;
        senders.spawn(async move {
            let (took, answer) = clock::timed(timeout(SENDER, load::once(to, &request))).await;
            matches!(answer, Ok(Ok(200))).then_some(took)
        });
        if index % 10 == 0 {
            most = most.max(process.usage()?.resident);
        }
    }
    let mut latencies = Latencies::default();
    while let Some(answered) = senders.join_next().await {
        if let Some(took) = answered? {
            latencies.add(took);
        }
    }
    latencies.sort();
    let name = |what: &str| format!("{}: {what}", attack.name);
    let share = latencies.len() as f64 * 100.0 / count as f64;
    report.add(Figure::new(name("answered"), share, "%").aim(Aim::AtLeast(98.0)))?;
    let figure = Figure::new(name("p99"), millis(latencies.percentile(990)), "ms");
    report.add(figure)?;
    report.add(Figure::new(name("memory"), most, "MiB").aim(Aim::AtMost(150.0)))
}

/// Comes back forever.
async fn stranger(to: SocketAddr, attack: Arc<Attack>) {
    loop {
        // However it ended, it is tried again.
        let _ = visit(to, &attack).await;
        pause(BACK).await;
    }
}

async fn visit(to: SocketAddr, attack: &Attack) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    let (mut reading, mut writing) = stream.split();
    let slowly = async {
        writing.write_all(&attack.opening).await?;
        loop {
            pause(Duration::from_secs(1)).await;
            writing.write_all(&vec![b'x'; attack.trickle]).await?;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        ended = slowly => ended,
        read = reading.read_to_end(&mut answer) => read.map(|_| ()),
    }
}
