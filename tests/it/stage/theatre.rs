//! A show with its page, served on this machine, and a visitor in front of it.
//!
//! Time stands still but where the visitor moves it: she goes from event to event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::play::Options;
use clear_relay::sandbox::vendors::Vendors;
use clear_relay::stage::show::Show;
use clear_relay::stage::{House, Stage, routes};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::browser::Browser;

/// How many events a visitor goes on at most.
const EVENTS: usize = 150;

/// The page and its visitor.
pub(super) struct Theatre {
    pub(super) visitor: Browser,
    stage: Arc<Stage>,
    server: JoinHandle<()>,
}

/// A show of some of the four, its time standing still.
pub(super) async fn show(who: &[&str]) -> Show {
    show_of("four", who).await
}

/// The same of some of another cast.
async fn show_of(cast: &str, who: &[&str]) -> Show {
    let cast = Cast::shipped(cast).expect("a cast");
    let cast = cast.only(|client| who.contains(&client.id.as_str()));
    let options = Options {
        seed: 1,
        sabotage: None,
    };
    Show::open(cast, options).await.expect("a show")
}

impl Theatre {
    /// Opens the page over some of the four.
    pub(super) async fn open(who: &[&str]) -> Self {
        let stage = Stage::of_show(show(who).await);
        let router = routes::router(Arc::clone(&stage));
        Self::serve(stage, router).await
    }

    /// Opens it over some of another cast.
    pub(super) async fn open_of(cast: &str, who: &[&str]) -> Self {
        let stage = Stage::of_show(show_of(cast, who).await);
        let router = routes::router(Arc::clone(&stage));
        Self::serve(stage, router).await
    }

    /// The same, and the first stream breaks after its first event.
    pub(super) async fn open_over_a_bad_line(who: &[&str]) -> Self {
        let stage = Stage::of_show(show(who).await);
        let broken = Arc::new(AtomicBool::new(false));
        let cut = from_fn(move |request: Request, next: Next| {
            let broken = Arc::clone(&broken);
            async move {
                let stream = request.uri().path() == "/stage/live";
                let answer = next.run(request).await;
                if !stream || broken.swap(true, Ordering::SeqCst) {
                    return answer;
                }
                let (head, mut body) = answer.into_parts();
                let first = body.frame().await.expect("an event").expect("an event");
                let first = first.into_data().expect("an event");
                Response::from_parts(head, Body::from(first))
            }
        });
        let router = routes::router(Arc::clone(&stage)).layer(cut);
        Self::serve(stage, router).await
    }

    async fn serve(stage: Arc<Stage>, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("a server");
        });
        Self {
            visitor: Browser::open(&address, 1440, 900).await,
            stage,
            server,
        }
    }

    /// Clicks, and waits until what that causes shows.
    pub(super) async fn press(&mut self, selector: &str) {
        self.visitor.click(selector).await;
        self.visitor.wait("document.body.ariaBusy !== 'true'").await;
    }

    /// Goes on from event to event until the page shows what is waited for.
    pub(super) async fn go_on_until(&mut self, expression: &str) {
        for _ in 0..EVENTS {
            if self.visitor.is(expression).await {
                return;
            }
            self.press("[aria-label='On to the next event']").await;
        }
        let shown = self.visitor.text("main").await;
        panic!("{expression} did not come about: {shown}");
    }

    /// Chooses somebody.
    pub(super) async fn choose(&mut self, id: &str) {
        self.visitor
            .click(&format!("[data-person='{id}'].card"))
            .await;
        self.visitor
            .wait(&format!(
                "document.querySelector('article[data-person={id}]')"
            ))
            .await;
    }

    /// The vendors behind the page.
    pub(super) async fn vendors(&self) -> Vendors {
        let House::Whole(show) = self.stage.house() else {
            panic!("no show");
        };
        show.lock().await.play().world.vendors.clone()
    }

    /// What vendors accepted for a client or contact, by name, in order.
    pub(super) async fn accepted(&self, who: [&str; 2]) -> Vec<String> {
        let all = self.vendors().await.accepted().into_iter();
        let hers = all.filter(|entry| who.contains(&entry.who.as_str()));
        hers.map(|entry| entry.operation).collect()
    }

    /// The end: nothing may have failed in the page, and the browser goes.
    pub(super) async fn end(self) {
        assert_eq!(self.visitor.complaints(), [""; 0]);
        self.visitor.end().await;
        self.server.abort();
    }
}
