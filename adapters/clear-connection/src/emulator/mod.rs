//! A stand-in for the portal: an axum router over a state machine.
//!
//! **People.** Tests, the demo and the sandbox play the clinic's people through
//! [`acts`](Portal::act): the client checks in, writes, reads; the coach writes and changes the
//! regimen. The relay meets only the router and the events, as it would meet the portal.
//!
//! **Rules.** It shares no reading code with the client: answers are written here by hand from
//! the contract. Time and ids come from the injected clock and random source, so one seed replays
//! everything. It keeps a [`Book`] of every write it accepted (`portal_message`, `portal_note`),
//! which is what expectations are compared with; a repeat that it recognised by its
//! `Idempotency-Key` is not accepted again and not in the book.
//!
//! **Events** are signed afresh at each attempt and repeated on the schedule that Standard
//! Webhooks suggests, then daily; none is ever dropped. `check_in.due` comes at the due instant,
//! or at the start of the due day in the clinic's zone. Nothing happens by itself: whoever drives
//! the emulator asks [`next_due`](Portal::next_due) and calls
//! [`deliver_due`](Portal::deliver_due).
//!
//! **Hardness on order**: [`Switches`] for how a young portal may behave all the time, [`Faults`]
//! for single requests, before or after they are carried out.

mod acts;
mod hooks;
mod http;
mod look;
mod state;
mod writes;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relay_core::random::Random;
use relay_core::time::{Clock, Date, SignedDuration, TimeZone, Timestamp};
use relay_http_client::emulation::{Accepted, Book, Faults};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use look::{Seen, SeenCheckIn, SeenMessage, SeenNote};

use hooks::Outbox;
use state::State;

/// What an emulated portal is set up with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bearer token that callers must show.
    pub token: SecretString,
    /// The clinic's zone: where a due day begins.
    pub zone: TimeZone,
    /// Entries per page of a list; at least 1.
    pub page_size: usize,
}

impl Settings {
    /// The clinic in Denver, 100 entries per page.
    pub fn new(token: SecretString) -> Self {
        Self {
            token,
            zone: TimeZone::get("America/Denver").unwrap_or(TimeZone::UTC),
            page_size: 100,
        }
    }
}

/// How a young portal may behave. Everything off is the contract to the letter.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each on or off"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// `Idempotency-Key` is ignored: the same key makes a second message.
    pub key_ignored: bool,
    /// Keys are forgotten after so many seconds.
    pub key_expires_after_seconds: Option<u32>,
    /// Lists do not show the key that a message or note was written with.
    pub keys_not_shown: bool,
    /// No events; they are not made up for when it is switched off again.
    pub events_off: bool,
    /// Every event is delivered twice, with the same `webhook-id`.
    pub duplicate_events: bool,
    /// Events that are due together come in reverse order.
    pub reorder_events: bool,
    /// Events are first attempted so many seconds late.
    pub event_delay_seconds: u32,
    /// Messages and notes show up in lists only so many seconds after they were made.
    pub list_lag_seconds: u32,
    /// Ids that look like numbers are sent as numbers, and members nobody knows are added.
    pub odd_shapes: bool,
    /// Filters and paging parameters other than `cursor` are ignored.
    pub filters_ignored: bool,
}

/// A client to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Her id.
    pub id: String,
    /// Her given name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Her family name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// The status word; `online` if not given.
    #[serde(default)]
    pub status: Option<String>,
    /// Her coach's id.
    #[serde(default)]
    pub coach: Option<String>,
    /// Her address.
    #[serde(default)]
    pub email: Option<String>,
    /// Her number.
    #[serde(default)]
    pub phone: Option<String>,
    /// Her IANA zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The CRM contact she is linked to.
    #[serde(default)]
    pub keap_contact_id: Option<String>,
    /// `R`.
    #[serde(default)]
    pub last_regimen_change: Option<Date>,
    /// End of a break.
    #[serde(default)]
    pub break_until: Option<Date>,
}

/// An emulated portal. Held in an [`Arc`], shared by its router and whoever plays the people.
pub struct Portal {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: Settings,
    state: Mutex<State>,
    outbox: Outbox,
    book: Book,
    faults: Faults,
    acknowledged: Book<String>,
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal").finish_non_exhaustive()
    }
}

impl Portal {
    /// A portal where nobody is yet.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            clock,
            random,
            settings,
            state: Mutex::default(),
            outbox: Outbox::default(),
            book: Book::default(),
            faults: Faults::default(),
            acknowledged: Book::default(),
        })
    }

    /// Every write it accepted, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.book.all()
    }

    /// The faults on order. Operations: `get_client`, `find_clients`, `list_check_ins`,
    /// `list_open_check_ins`, `list_messages`, `portal_message`, `list_notes`, `portal_note`,
    /// `list_coaches`.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How it behaves now.
    pub fn switches(&self) -> Switches {
        self.state().switches
    }

    /// Changes how it behaves from now on.
    pub fn set_switches(&self, switches: Switches) {
        self.state().switches = switches;
    }

    /// Forgets everybody and everything, the book, the faults and the switches included; where
    /// events go to stays.
    pub fn reset(&self) {
        *self.state() = State::default();
        self.outbox.clear();
        self.book.clear();
        self.faults.clear();
        self.acknowledged.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id that says what it names. 48 random bits: enough for an emulated clinic.
    fn fresh(&self, what: &str) -> String {
        format!("{what}_{:012x}", self.random.next_u64() >> 16)
    }
}

fn seconds(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(seconds.into())
}

/// `at` plus `by`; stays within representable time.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
