//! The stage: one page that shows the clinic's tools side by side, live.
//!
//! For whoever wants to see in a minute what the relay does, without an account: the portal, the
//! CRM, the client's phone and mailbox, and the relay's own line with the sentence of the clinic's
//! document beside each step. Buttons let the visitor play the client, the coach and a bad day at
//! a vendor. `demo` shows it over a whole clinic in one process; `sandbox` shows the vendors only,
//! because its relay is another process.
//!
//! | module | what it holds |
//! |---|---|
//! | [`view`] | what the page shows, and how it is made of what vendors and relay hold |
//! | [`relay`] | the relay's own line: cases, steps, waits, work items, troubles |
//! | [`show`] | a play whose time the visitor has in her hand |
//! | [`scene`] | reads a view; each vendor's panels are made in its own folder (`panel.rs`) |
//! | [`buttons`], [`bad_day`], [`fee`] | what can be pressed, and what happens then |
//! | [`live`] | the stream of views |
//! | [`routes`] | the routes, the files of the page, and who may press |
//!
//! **Rules.** Nothing is scripted into the page: everything on it is read from the emulators' state
//! and the relay's store, each time. A button does what its person would do in her tool, or gives
//! the relay a person's command; it never changes what a tool shows by itself. This machine only,
//! and no page of another origin can press ([`routes`]).
//!
//! **Guarantees.** A view is of one moment: while it is read nothing moves. Whoever connects anew
//! gets the whole view.
//!
//! **Not guaranteed.** Every moment between two views: many things may happen in one.
//!
//! `serve` never reaches this module: it belongs to the sandbox's side.

pub mod bad_day;
pub mod buttons;
pub mod fee;
pub mod live;
pub mod relay;
pub mod routes;
pub mod scene;
pub mod show;
pub mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use relay_core::time::{Clock, TimeZone};
use scene::Scene;
use show::Show;
use tokio::sync::{Mutex, watch};
use view::{ShownTime, Someone, View, pace_in_words};

use crate::sandbox::acting::Hands;
use crate::sandbox::cast::Cast;
use crate::sandbox::report::short_name;
use crate::wiring::emulated::EmulatedClient;

/// What stands behind the page.
#[derive(Debug)]
pub enum House {
    /// Vendors and relay in this process, and time in the visitor's hand.
    Whole(Box<Mutex<Show>>),
    /// The vendors only, on a clock that nobody moves.
    Vendors(Box<Beside>),
}

/// The vendors of a sandbox, whose relay is another process.
#[derive(Debug)]
pub struct Beside {
    /// What people act with.
    pub hands: Hands,
    /// The cast that is played, if one is.
    pub cast: Option<Cast>,
    /// The sandbox's clock.
    pub clock: Arc<dyn Clock>,
    /// How fast it runs.
    pub scale: u32,
    /// The clinic's zone.
    pub zone: TimeZone,
}

/// The page's state. Shared by its routes and whoever drives the house.
#[derive(Debug)]
pub struct Stage {
    house: House,
    changed: watch::Sender<u64>,
    closed: watch::Sender<bool>,
    presses: AtomicU64,
}

impl Stage {
    /// The page over `house`.
    pub fn new(house: House) -> Arc<Self> {
        Arc::new(Self {
            house,
            changed: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            presses: AtomicU64::new(0),
        })
    }

    /// The page over a whole clinic.
    pub fn of_show(show: Show) -> Arc<Self> {
        Self::new(House::Whole(Box::new(Mutex::new(show))))
    }

    /// What stands behind the page.
    pub fn house(&self) -> &House {
        &self.house
    }

    /// Something may have changed: whoever looks, looks again.
    pub fn touch(&self) {
        self.changed
            .send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Ends every stream, so that a server that waits for its connections can end.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// What is on the stage now: these people whole, or the first few where none is named.
    pub async fn view(&self, who: &[String]) -> Result<View, String> {
        // Read first: what was pressed before it was read shows for sure.
        let presses = self.presses.load(Ordering::SeqCst);
        let mut view = match &self.house {
            House::Whole(show) => {
                let show = show.lock().await;
                show.view(who).await
            }
            House::Vendors(beside) => beside.view(who).await,
        }?;
        view.clock.presses = presses;
        Ok(view)
    }

    /// A press has been carried out. Returns how many have.
    fn carried_out(&self) -> u64 {
        let presses = self.presses.fetch_add(1, Ordering::SeqCst) + 1;
        self.touch();
        presses
    }
}

impl Beside {
    async fn view(&self, who: &[String]) -> Result<View, String> {
        let scene = Scene {
            vendors: &self.hands.vendors,
            engine: None,
            people: self.people(),
            zone: &self.zone,
            time: self.time(),
        };
        scene.view(who).await
    }

    fn time(&self) -> ShownTime {
        ShownTime {
            now: self.clock.now(),
            running: true,
            pace: pace_in_words(self.scale),
            in_hand: None,
        }
    }

    /// Everybody whom a vendor knows, with her story where a cast tells one.
    fn people(&self) -> Vec<Someone> {
        let someone = |known: EmulatedClient| {
            let cast = self.cast.as_ref();
            let cast = cast.and_then(|cast| cast.clients.iter().find(|one| one.id == known.id));
            cast.map_or_else(|| Someone::of_vendor(&known), Someone::of_cast)
        };
        let known = self.hands.vendors.clients().into_iter();
        known.map(someone).collect()
    }
}

impl Someone {
    /// Somebody of a cast.
    pub fn of_cast(client: &crate::sandbox::cast::CastClient) -> Self {
        Self {
            id: client.id.clone(),
            name: short_name(client),
            story: client.story.clone(),
            contact: client.contact.parse().ok(),
            taken_over: false,
        }
    }
}
