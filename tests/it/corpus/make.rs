//! Makes the corpus of this version: a clinic lives for three weeks, and is cut off mid-stride.
//!
//! Whatever the engine can be brought to do, it does here, against the emulated vendors; the rest is
//! added by `by_hand`, from the same types that the engine stores. One seed, one worker, clocks moved
//! by hand: the same code makes the same rows.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use clear_relay::engine::commands::cases;
use clear_relay::engine::{Engine, dispatcher};
use clear_relay::failpoint::{ATTEMPT, Failpoints};
use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::play::{Options, Play};
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use relay_core::calendar::Calendar;
use relay_core::case::Case;
use relay_core::effects::CardRemoval;
use relay_core::facts::Order;
use relay_core::time::Timestamp;
use relay_core::workflow::Action;
use relay_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{about, by_hand, cast, rows, texts};
use crate::edge::clinic::at;
use crate::support::tools::Tools as _;

/// What drives ids and jitter.
const SEED: u64 = 12;

/// Stops the relay at a place, once it is told to; the future that was running is then dropped, as
/// by the death of the process.
#[derive(Debug, Default)]
struct Brakes {
    at: Mutex<Option<(&'static str, u32)>>,
    stopped: Notify,
}

impl Brakes {
    /// The place `name` is not passed, after `skip` times that it is.
    fn set(&self, name: &'static str, skip: u32) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, skip));
    }
}

#[async_trait]
impl Failpoints for Brakes {
    async fn reach(&self, name: &'static str) {
        let stops = {
            let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
            match at.as_mut() {
                Some((set, 0)) if *set == name => at.take().is_some(),
                Some((set, skip)) if *set == name => {
                    *skip -= 1;
                    false
                }
                _ => false,
            }
        };
        if stops {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// The last moments: one client at a time.
struct Ending<'a> {
    world: &'a World,
    brakes: Arc<Brakes>,
}

impl Ending<'_> {
    fn engine(&self) -> &Engine {
        &self.world.relay.engine
    }

    /// What is due of a client is done.
    async fn goes_on(&self, who: &str) {
        let ran = dispatcher::drain(self.engine(), Some(who)).await;
        ran.expect("a working store");
    }

    /// The same, and the process dies right before its request number `skip`.
    async fn dies_before_request(&self, who: &str, skip: u32) {
        self.brakes.set(ATTEMPT.before, skip);
        tokio::select! {
            biased;
            () = self.brakes.stopped.notified() => {}
            _ = dispatcher::drain(self.engine(), Some(who)) => panic!("{who} made no request"),
        }
    }

    /// The same, while one kind of request fails.
    async fn fails(&self, who: &str, vendor: &str, fault: Value) {
        let rule = serde_json::from_value(fault).expect("a fault");
        self.world.vendors.order(vendor, rule).expect("a vendor");
        self.goes_on(who).await;
        self.world.vendors.keap().faults().clear();
        self.world.vendors.portal().faults().clear();
    }

    async fn loses_the_answer(&self, who: &str, vendor: &str, operation: &str) {
        let fault = json!({ "operation": operation, "moment": "after", "act": "hang" });
        self.fails(who, vendor, fault).await;
    }

    async fn is_refused(&self, who: &str, vendor: &str, operation: &str) {
        let fault = json!({ "operation": operation, "moment": "before", "act": "status",
                            "code": 400, "times": 50 });
        self.fails(who, vendor, fault).await;
    }

    async fn case(&self, who: &str) -> Case {
        let open = self.engine().store.open_cases(&who.into()).await;
        let open = open.expect("a store");
        open.into_iter()
            .next()
            .unwrap_or_else(|| panic!("no open case of {who}"))
    }

    async fn decide(&self, who: &str, action: Action) {
        let case = self.case(who).await;
        let done = cases::decide_case(self.engine(), case.id, "Robin", action).await;
        done.unwrap_or_else(|error| panic!("{who}: {error}"));
    }

    async fn pause(&self, who: &str) {
        let reason = "she is traveling".to_owned();
        self.decide(who, Action::Pause { reason }).await;
    }

    async fn close(&self, who: &str) {
        let reason = "she called the clinic".to_owned();
        self.decide(who, Action::Close { reason }).await;
    }

    async fn order(&self, who: &str, order: Order) {
        let ordered = cases::order(self.engine(), &who.into(), "Robin", order).await;
        ordered.unwrap_or_else(|error| panic!("{who}: {error}"));
    }

    async fn play(&self) {
        self.follow_ups().await;
        self.fees().await;
        self.contact_types().await;
    }

    async fn follow_ups(&self) {
        // By hand, and a day after the follow-up.
        self.pause("abby").await;
        self.close("adah").await;
        self.pause("britt").await;
        self.close("bina").await;
        self.pause("celle").await;
        self.close("cilla").await;
        self.goes_on("cilla").await;
        // The channel is being chosen.
        let down = json!({ "operation": "*", "moment": "before", "act": "status", "code": 503,
                           "times": 50 });
        for who in ["edie", "effy", "elsa"] {
            self.fails(who, "keap", down.clone()).await;
        }
        self.pause("effy").await;
        self.close("elsa").await;
        self.is_refused("enid", "keap", "*").await;
        // The follow-up is under way.
        self.dies_before_request("faye", 0).await;
        self.loses_the_answer("fern", "keap", "email").await;
        self.dies_before_request("gaia", 0).await;
        self.loses_the_answer("gemma", "keap", "call_task").await;
        // The first message is about to go out; hope's is left as it is.
        self.dies_before_request("hulda", 0).await;
        self.loses_the_answer("inga", "portal", "portal_message")
            .await;
        self.pause("isla").await;
        self.close("ivana").await;
    }

    async fn fees(&self) {
        let stop = |card| Order::CancelSubscription {
            reason: "Program ended".to_owned(),
            card,
        };
        for who in ["kara", "kira", "kyla", "lana", "lotte", "lucy", "nina"] {
            self.order(who, stop(CardRemoval::Keep)).await;
        }
        self.order("leah", stop(CardRemoval::Delete)).await;
        self.order("lilo", stop(CardRemoval::Deactivate)).await;
        // Kara's fee is not read yet.
        self.dies_before_request("kira", 0).await;
        self.loses_the_answer("kyla", "keap", "auto_charge_off")
            .await;
        self.dies_before_request("lana", 1).await;
        self.dies_before_request("leah", 2).await;
        self.loses_the_answer("lilo", "keap", "remove_card").await;
        self.is_refused("lotte", "keap", "auto_charge_off").await;
        self.close("lucy").await;
    }

    async fn contact_types(&self) {
        for who in ["mabel", "maud", "mavis", "milly", "myra", "nola"] {
            let value = "In-Person".to_owned();
            self.order(who, Order::SetContactType { value }).await;
        }
        // Mabel's and Nola's are left as they are.
        self.dies_before_request("maud", 0).await;
        self.loses_the_answer("mavis", "keap", "contact_type").await;
        self.is_refused("milly", "keap", "contact_type").await;
        self.close("myra").await;
    }
}

/// The relay only proposes, under another version of the procedure.
async fn propose(path: &Path) {
    let cast = Cast::parse(&cast::proposing()).expect("a cast");
    let zone = Calendar::default_denver().zone().clone();
    let mut setup = Setup::new(cast.start(&zone), SEED);
    setup.rule = Some("strict".to_owned());
    setup.amend = |text| text.replace("mode = \"act\"", "mode = \"propose\"");
    let world = World::new(setup, path).await.expect("a world");
    stage::set(&cast, &world.vendors, &zone).expect("a stage");
    world
        .run_until(at("2026-11-01 12:00"))
        .await
        .expect("a run");
}

/// Makes the corpus in `folder`, which is empty.
pub(crate) async fn make(folder: &Path) {
    let ground = tempfile::tempdir().expect("a folder");
    let path = ground.path().join(about::DATABASE);
    Box::pin(propose(&path)).await;
    let everybody = cast::everybody();
    let cast = Cast::parse(&everybody).expect("a cast");
    let options = Options {
        seed: SEED + 1,
        sabotage: None,
    };
    let play = Play::new(cast, options, &path).await;
    let mut play = play.expect("a play");
    let until = at(about::UNTIL);
    let eve: Timestamp = at("2026-11-13 08:59");
    Box::pin(play.go_to(eve)).await.expect("played");
    // It has worked through the night: a relay that starts after an hour of silence would hold back
    // every email that may have gone out meanwhile.
    play.world.settle().await.expect("a run");
    let brakes = Arc::new(Brakes::default());
    let restarted = play.world.restart_with(Arc::clone(&brakes) as _).await;
    restarted.expect("another life");
    play.world.settle().await.expect("a run");
    play.world.jump(until);
    let ending = Ending {
        world: &play.world,
        brakes,
    };
    Box::pin(ending.play()).await;
    Box::pin(by_hand::add(&play.world)).await;
    cases::set_stopped(
        &play.world.relay.engine,
        true,
        "Robin",
        Some("the office is closed"),
    )
    .await
    .expect("stopped");
    play.dismiss();
    put_away(&path, &folder.join(about::DATABASE)).await;
    about::write(folder, &everybody);
    texts::write(folder);
}

/// Copies the database, with what stands in its log only, to a file that is whole by itself.
async fn put_away(from: &Path, to: &Path) {
    let log = |path: &Path| path.with_extension("sqlite-wal");
    std::fs::copy(from, to).expect("copied");
    std::fs::copy(log(from), log(to)).expect("copied");
    // Whoever closes a database last folds its log in.
    let store = SqliteStore::open(to).await.expect("opened");
    rows::cases(&store).await;
    store.close().await;
    assert!(!log(to).exists(), "the log is folded in");
}
