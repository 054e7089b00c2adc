//! Plays a cast in a [`World`], from its first moment to its last.
//!
//! At each moment: what is due is done, then people act, then what follows from that is done; then
//! the clocks jump to the next moment. At the end each client's accepted requests and open work
//! items are compared with what was written down, and nothing may be left over that nobody
//! expected: no dead job, no unread webhook, no act that could not happen.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use relay_core::time::Timestamp;
use relay_store::{JobFilter, JobState, Page, ReceiptState};

use super::acting::{Hands, Stagehand};
use super::cast::{Cast, CastAct, CastClient, instant};
use super::report::{self, Report};
use super::sabotage::Sabotage;
use super::stage;
use super::world::{Setup, World};
use crate::engine::{EngineError, dispatcher};

/// How a cast is played.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What drives ids and jitter.
    pub seed: u64,
    /// What is broken on purpose, if anything is.
    pub sabotage: Option<Sabotage>,
}

/// An act with its time.
#[derive(Debug)]
struct Coming {
    at: Timestamp,
    client: CastClient,
    act: CastAct,
}

/// An act that happened.
#[derive(Debug, Clone)]
pub struct Happened {
    /// When it happened, procedure time.
    pub at: Timestamp,
    /// The client in whose story it happened.
    pub client: CastClient,
    /// The act, as the cast has it.
    pub act: CastAct,
}

/// A cast on its stage. The stagehand holds the relay, which holds the stagehand: whoever is done
/// with a play ends it with [`finish`](Self::finish) or [`dismiss`](Self::dismiss).
#[derive(Debug)]
pub struct Play {
    cast: Cast,
    options: Options,
    /// The clinic it is played in.
    pub world: World,
    hands: Hands,
    stagehand: Arc<Stagehand>,
    coming: VecDeque<Coming>,
    happened: Vec<Happened>,
    problems: Vec<(String, String)>,
    until: Timestamp,
    taken: Taken,
}

/// In whose stories somebody has taken a hand who is not in the cast.
#[derive(Debug, Default)]
struct Taken {
    clients: BTreeSet<String>,
    everybody: bool,
}

impl Play {
    /// Sets the stage. The database is a file at `path`.
    pub async fn new(cast: Cast, options: Options, path: &Path) -> Result<Self, String> {
        let stagehand = Arc::new(Stagehand::default());
        let zone = relay_core::calendar::Calendar::default_denver()
            .zone()
            .clone();
        let mut setup = Setup::new(cast.start(&zone), options.seed);
        setup.failpoints = Arc::clone(&stagehand) as _;
        setup.sabotage = options.sabotage;
        setup.rule.clone_from(&cast.rule);
        setup.ask_first.clone_from(&cast.ask_first);
        setup.manager = cast.manager().cloned();
        setup.tasks_a_day = cast.coach_tasks_a_day;
        setup.told_by = cast.told_by;
        setup.has_crm = cast.has_crm;
        setup.coaches.clone_from(&cast.coaches);
        let world = World::new(setup, path).await?;
        stage::set(&cast, &world.vendors, world.zone())?;
        let hands = Hands {
            vendors: world.vendors.clone(),
            engine: Some(world.relay.engine.clone()),
            transport: Arc::new(world.relay_transport().clone()),
            relay_url: world.relay_url().clone(),
        };
        stagehand.equip(hands.clone());
        let until = cast.until(world.zone());
        let mut coming = Vec::new();
        for client in &cast.clients {
            for act in &client.acts {
                let at = act
                    .at
                    .map_or(Timestamp::MIN, |at| instant(at, world.zone()));
                if act.on.is_some() {
                    stagehand.arm(client, act, at);
                } else {
                    coming.push(Coming {
                        at,
                        client: client.clone(),
                        act: act.clone(),
                    });
                }
            }
        }
        // Stable: acts of the same moment stay in the order of the cast.
        coming.sort_by_key(|coming| coming.at);
        let taken = Taken {
            everybody: !cast.compared,
            ..Taken::default()
        };
        Ok(Self {
            cast,
            options,
            world,
            hands,
            stagehand,
            coming: coming.into(),
            happened: Vec::new(),
            problems: Vec::new(),
            until,
            taken,
        })
    }

    /// The cast.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// The acts that happened at their time, so far.
    pub fn happened(&self) -> &[Happened] {
        &self.happened
    }

    /// Plays the present moment and goes on to the next. `false` at the end.
    pub async fn step(&mut self) -> Result<bool, String> {
        self.moment().await?;
        match self.next_moment().await? {
            Some(at) if at <= self.until => {
                self.world.jump(at);
                Ok(true)
            }
            _ => {
                self.world.jump(self.until);
                Ok(false)
            }
        }
    }

    /// Plays every moment until `to`, and stands there. May go beyond the end of the cast.
    pub async fn go_to(&mut self, to: Timestamp) -> Result<(), String> {
        loop {
            self.moment().await?;
            match self.next_moment().await? {
                Some(at) if at <= to => self.world.jump(at),
                _ => {
                    self.world.jump(to);
                    return Ok(());
                }
            }
        }
    }

    /// Plays the present moment: what is due is done, people act, what follows is done.
    pub async fn moment(&mut self) -> Result<(), String> {
        self.settle().await?;
        let before = self.happened.len();
        while self
            .coming
            .front()
            .is_some_and(|coming| coming.at <= self.world.now())
        {
            self.act().await;
        }
        if self.happened.len() > before {
            self.settle().await?;
        }
        Ok(())
    }

    /// When something happens next: something is due, or somebody acts.
    pub async fn next_moment(&self) -> Result<Option<Timestamp>, String> {
        let due = self.world.next_due().await.map_err(told)?;
        let act = self.coming.front().map(|coming| coming.at);
        Ok([due, act].into_iter().flatten().min())
    }

    /// When the cast's story ends.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// What the people of the cast act with.
    pub fn hands(&self) -> &Hands {
        &self.hands
    }

    /// Somebody takes a hand in `client`'s story, or in everybody's. From now on she does no more
    /// of what the cast wrote down for her, and what reaches her is not compared with it. With
    /// everybody's stories it is only the latter: people go on as far as they can.
    pub fn take_over(&mut self, client: Option<&str>) {
        match client {
            Some(client) => {
                self.taken.clients.insert(client.to_owned());
            }
            None => self.taken.everybody = true,
        }
    }

    /// Whether somebody took a hand in the story of `client`.
    pub fn is_taken_over(&self, client: &str) -> bool {
        self.taken.clients.contains(client)
    }

    /// Whether what reached `client` (empty: nobody's) is compared with what was written down.
    pub fn is_compared(&self, client: &str) -> bool {
        let touched = self.taken.clients.contains(client);
        let anybody = client.is_empty() && !self.taken.clients.is_empty();
        !(self.taken.everybody || touched || anybody)
    }

    async fn act(&mut self) {
        let Some(Coming { at, client, act }) = self.coming.pop_front() else {
            return;
        };
        if self.is_taken_over(&client.id) {
            return;
        }
        if let Err(error) = self.hands.carry_out(&client, &act).await {
            if !self.is_compared(&client.id) {
                return;
            }
            let local = self.world.zone().to_datetime(at).strftime("%b %-d %H:%M");
            self.problems
                .push((client.id.clone(), format!("act of {local}: {error}")));
        }
        self.happened.push(Happened { at, client, act });
    }

    /// Does what is due now until nothing is. Clients with an act at a failpoint have their work
    /// done first and apart, so that the act meets their work and nobody else's.
    async fn settle(&self) -> Result<(), String> {
        let now = self.world.now();
        let vendors = &self.world.vendors;
        let engine = &self.world.relay.engine;
        loop {
            vendors.deliver_due().await;
            for client in self.stagehand.waiting_for(now) {
                self.stagehand.working_for(Some(&client));
                let ran = dispatcher::drain(engine, Some(&client)).await;
                self.stagehand.working_for(None);
                ran.map_err(told)?;
            }
            dispatcher::drain(engine, None).await.map_err(told)?;
            if vendors.next_due().is_none_or(|at| at > now) {
                return Ok(());
            }
        }
    }

    /// Plays to the end.
    pub async fn run(mut self) -> Result<Report, String> {
        while self.step().await? {}
        self.finish().await
    }

    /// Compares, and clears the stage.
    pub async fn finish(mut self) -> Result<Report, String> {
        let report = self.report().await;
        self.stagehand.dismiss();
        report
    }

    /// Clears the stage.
    pub fn dismiss(self) {
        self.stagehand.dismiss();
    }

    /// Compares what there is so far.
    pub async fn report(&mut self) -> Result<Report, String> {
        let lasting = self.problems.len();
        self.problems.extend(self.stagehand.problems());
        self.problems.extend(self.stagehand.left());
        let report = match self.left_over().await {
            Ok(()) => report::of(self).await.map_err(told),
            Err(error) => Err(told(error)),
        };
        self.problems.truncate(lasting);
        report
    }

    /// What nobody expected to be there at the end.
    async fn left_over(&mut self) -> Result<(), EngineError> {
        let page = Page {
            offset: 0,
            limit: 1000,
        };
        let store = Arc::clone(self.world.store());
        let filter = JobFilter {
            states: vec![JobState::Dead],
            ..JobFilter::default()
        };
        for job in store.jobs(&filter, page).await? {
            let who = job
                .client
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let why = job
                .last_error
                .as_ref()
                .map_or("no reason", |error| &error.message);
            self.problems
                .push((who, format!("a dead {} job {}: {why}", job.kind, job.key)));
        }
        for state in [ReceiptState::New, ReceiptState::Quarantined] {
            for receipt in store.receipts(state, page).await? {
                let line = format!("a webhook of {} stays {}", receipt.source, state.as_str());
                self.problems.push((String::new(), line));
            }
        }
        Ok(())
    }

    /// The seed and the sabotage.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What could not happen or was left over, by client (empty: nobody's).
    pub(super) fn problems(&self) -> &[(String, String)] {
        &self.problems
    }

    /// How often each place of the relay was passed.
    pub(super) fn passed(&self) -> std::collections::BTreeMap<&'static str, u64> {
        self.stagehand.passed()
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
