//! `demo`: four people, live, in the terminal and on a page.
//!
//! With a terminal (or `--keep`) time passes on the page as a clock shows it, and the page stays
//! after the story's end. Without one, as in a pipe, the story goes from event to event and the
//! command ends with it.

use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::lines::{AlreadyShown, closing};
use crate::cli::process::DemoArgs;
use crate::cli::{CliError, Output};
use crate::lifecycle::{Signals, pause};
use crate::sandbox::cast::Cast;
use crate::sandbox::play::Options;
use crate::stage::show::Show;
use crate::stage::{House, Stage, routes};

/// How long a line stands before the next comes, real time, at the first pace.
const PACE: Duration = Duration::from_millis(650);

/// How often time is moved on, real time.
const TICK: Duration = Duration::from_millis(100);

const OPENING: &str = "\
Maya, Jo and Ana each have a check-in due on Tuesday, November 3. None of them submits it.
Lee moves from the online program to the clinic.
The portal and Keap are stand-ins in this process; days pass in seconds; everybody is invented.
";

/// Shows the four in the terminal and on the page, then who received what and why.
pub async fn live(args: &DemoArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let has_page = !args.no_page && !out.is_json();
    if args.keep && !has_page {
        let why = "--keep keeps the page: leave out --no-page and --json";
        return Err(CliError::Usage(why.to_owned()));
    }
    let cast = Cast::shipped("four").map_err(CliError::Usage)?;
    let options = Options {
        seed: args.seed,
        sabotage: None,
    };
    let show = Show::open(cast, options).await.map_err(CliError::Failed)?;
    out.set_zone(show.play().world.zone().clone());
    let stage = Stage::of_show(show);
    let page = if has_page {
        Some(serve(args.port, &stage).await?)
    } else {
        None
    };
    out.say(OPENING)?;
    if let Some((address, _)) = &page {
        out.say(&format!(
            "Their tools side by side, with buttons to take a hand: http://{address}/"
        ))?;
    }
    let stays = has_page && (args.keep || std::io::stdout().is_terminal());
    let mut signals = Signals::of_process()?;
    let mut verdict = Ok(());
    let ended = tokio::select! {
        ended = tell(&stage, stays, &mut verdict, out) => ended,
        _ = signals.next() => Ok(()),
    };
    stage.close();
    if let Some((_, server)) = page {
        server.abort();
    }
    ended.and(verdict)
}

/// Serves the page on this machine, in the background.
async fn serve(port: u16, stage: &Arc<Stage>) -> Result<(SocketAddr, JoinHandle<()>), CliError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| CliError::Failed(format!("--port: {address}: {error}")))?;
    let here = listener.local_addr()?;
    let router = routes::router(Arc::clone(stage));
    let server = tokio::spawn(async move {
        let never = std::future::pending();
        if let Err(error) = crate::http::serve(listener, router, never).await {
            tracing::error!(%error, "the page is no longer served");
        }
    });
    Ok((here, server))
}

/// Lets the story happen and tells it; forever where the page stays. `verdict` is how the last
/// story compared with what was written down.
async fn tell(
    stage: &Stage,
    stays: bool,
    verdict: &mut Result<(), CliError>,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let House::Whole(show) = stage.house() else {
        return Err(CliError::NotBuilt("demo"));
    };
    show.lock().await.set_running(stays);
    let mut shown = AlreadyShown::default();
    let mut closed = None;
    loop {
        let (news, zone, wait, round, over, moved) = {
            let mut show = show.lock().await;
            let before = show.play().world.now();
            let over = if stays {
                show.drive(TICK).await.map_err(CliError::Failed)?;
                show.is_over()
            } else {
                !show.step().await.map_err(CliError::Failed)?
            };
            let zone = show.play().world.zone().clone();
            let wait = PACE.div_f64(show.haste());
            let moved = show.play().world.now() != before;
            let news = shown.news(&show).await?;
            (news, zone, wait, show.round(), over, moved)
        };
        if moved || !news.is_empty() {
            stage.touch();
        }
        for event in news {
            shown.tell(&event, &zone, out)?;
            if !out.is_json() {
                pause(wait).await;
            }
        }
        if over && closed != Some(round) {
            closed = Some(round);
            *verdict = close(show, out).await?;
            if stays {
                out.say("\nThe page stays: go on there, or begin anew. Ctrl-C ends it.")?;
            }
        }
        if over && !stays {
            return Ok(());
        }
        if stays {
            pause(TICK).await;
        }
    }
}

/// Says who received what and why, and how that compares with what was written down.
async fn close(
    show: &tokio::sync::Mutex<Show>,
    out: &mut Output<'_>,
) -> Result<Result<(), CliError>, CliError> {
    let mut show = show.lock().await;
    let report = show.play_mut().report().await.map_err(CliError::Failed)?;
    drop(show);
    let json = serde_json::to_value(&report).map_err(std::io::Error::from)?;
    out.emit(&json, &closing(&report))?;
    if report.passed {
        return Ok(Ok(()));
    }
    Ok(Err(CliError::Failed(format!(
        "not as written down: {}",
        report.differences().join("; ")
    ))))
}
