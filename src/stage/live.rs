//! The stream of views: the whole view whenever something of it changed, and the clock by itself
//! while nothing else did.
//!
//! Server-Sent Events, because a browser connects them anew by itself, and a view that is sent
//! whole needs nothing remembered between two connections. A page that can't have a stream asks
//! for `/stage/state` instead.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::Stage;
use super::view::View;

/// How often an idle stream says that it is there, real time.
const ALIVE: Duration = Duration::from_secs(10);

/// How soon a browser connects anew after its stream broke, real time.
const RETRY: Duration = Duration::from_millis(500);

/// What one connection has been told.
struct StreamState {
    stage: Arc<Stage>,
    who: Vec<String>,
    changed: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
    last: Option<View>,
}

/// The stream of one connection.
pub fn stream(
    stage: Arc<Stage>,
    who: Vec<String>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream_state = StreamState {
        changed: stage.changed.subscribe(),
        closed: stage.closed.subscribe(),
        stage,
        who,
        last: None,
    };
    let events = unfold(stream_state, |mut stream_state| async move {
        let event = stream_state.next().await?;
        Some((Ok(event), stream_state))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}

impl StreamState {
    /// The next event; `None` once the stage is closed, or can't be read.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if *self.closed.borrow() {
                return None;
            }
            self.changed.borrow_and_update();
            let view = self.stage.view(&self.who).await.ok()?;
            if let Some(event) = self.news(view) {
                return Some(event);
            }
            tokio::select! {
                changed = self.changed.changed() => changed.ok()?,
                closed = self.closed.changed() => closed.ok()?,
            }
        }
    }

    /// What `view` has that was not told yet.
    fn news(&mut self, view: View) -> Option<Event> {
        let event = match &self.last {
            Some(last) if *last == view => return None,
            Some(last) if last.is_but_for_the_clock(&view) => {
                Event::default().event("clock").json_data(&view.clock)
            }
            Some(_) => Event::default().event("view").json_data(&view),
            None => Event::default().event("view").retry(RETRY).json_data(&view),
        };
        self.last = Some(view);
        event.ok()
    }
}

impl View {
    /// Whether `other` shows the same at another time.
    fn is_but_for_the_clock(&self, other: &Self) -> bool {
        let Self {
            clock: _,
            relay_here,
            trouble,
            roster,
            people,
        } = self;
        *relay_here == other.relay_here
            && *trouble == other.trouble
            && *roster == other.roster
            && *people == other.people
    }
}
