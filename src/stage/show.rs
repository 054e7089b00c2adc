//! A play whose time the visitor has in her hand: paused, slower, faster, on to the next event,
//! from the beginning.
//!
//! The clocks of a play are moved by hand, so a pace is nothing but how far they are moved each
//! time the show is [driven](Show::drive). Between two moves the clinic stands still.

use std::time::Duration;

use relay_core::time::{SignedDuration, Timestamp, later};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::scene::Scene;
use super::view::{InHand, Person, ShownTime, Someone, View, pace_in_words};
use crate::sandbox::cast::Cast;
use crate::sandbox::play::{Options, Play};

/// The paces: seconds of clinic time in a second.
const PACES: [u32; 5] = [1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600];

/// The pace at the beginning.
const FIRST_PACE: usize = 3;

/// How many moments are looked at for the next event: a month of quiet days, and more.
const MOMENTS: usize = 120;

/// What a visitor did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// When, on the clinic's clock.
    pub at: Timestamp,
    /// In whose story; `None`: everybody's.
    pub client: Option<String>,
    /// What, in words.
    pub what: String,
}

/// A play with its time.
#[derive(Debug)]
pub struct Show {
    play: Play,
    folder: TempDir,
    running: bool,
    pace: usize,
    over: bool,
    round: u64,
    pressed: Vec<Pressed>,
}

impl Show {
    /// A cast at its first moment, its time standing still.
    pub async fn open(cast: Cast, options: Options) -> Result<Self, String> {
        let (folder, play) = set(cast, options).await?;
        Ok(Self {
            play,
            folder,
            running: false,
            pace: FIRST_PACE,
            over: false,
            round: 0,
            pressed: Vec::new(),
        })
    }

    /// The play.
    pub fn play(&self) -> &Play {
        &self.play
    }

    /// The play, to be played on.
    pub fn play_mut(&mut self) -> &mut Play {
        &mut self.play
    }

    /// How often it has begun anew.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Whether the cast's story has come to its end.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether time passes.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Lets time pass, or not.
    pub fn set_running(&mut self, running: bool) {
        self.running = running;
    }

    /// By how much the pace differs from the first: what else has a pace follows.
    pub fn haste(&self) -> f64 {
        f64::from(PACES[self.pace]) / f64::from(PACES[FIRST_PACE])
    }

    /// What visitors did in this round, in order.
    pub fn pressed(&self) -> &[Pressed] {
        &self.pressed
    }

    /// Writes down what a visitor did.
    pub fn note(&mut self, client: Option<&str>, what: String) {
        self.pressed.push(Pressed {
            at: self.play.world.now(),
            client: client.map(str::to_owned),
            what,
        });
    }

    /// A pace slower, or faster; the slowest and the fastest stay.
    pub fn change_pace(&mut self, faster: bool) {
        self.pace = if faster {
            (self.pace + 1).min(PACES.len() - 1)
        } else {
            self.pace.saturating_sub(1)
        };
    }

    /// Lets as much time pass as `real` is worth. Stops at the end of the story, once.
    pub async fn drive(&mut self, real: Duration) -> Result<(), String> {
        if !self.running {
            return Ok(());
        }
        let worth = real.saturating_mul(PACES[self.pace]);
        let worth = SignedDuration::try_from(worth).unwrap_or(SignedDuration::MAX);
        let now = self.play.world.now();
        let mut to = later(now, worth);
        // A moment at a time, so that whoever watches sees each.
        if let Some(next) = self.play.next_moment().await?
            && next > now
        {
            to = to.min(next);
        }
        if !self.over {
            to = to.min(self.play.until());
        }
        self.play.go_to(to).await?;
        self.end();
        Ok(())
    }

    /// Plays the next moment of the cast, without time in between. `false` at the end.
    pub async fn step(&mut self) -> Result<bool, String> {
        let more = self.play.step().await?;
        self.end();
        Ok(more)
    }

    /// Goes on to the next moment at which something that is shown changes.
    pub async fn next(&mut self) -> Result<(), String> {
        self.play.moment().await?;
        let before = self.people().await?;
        for _ in 0..MOMENTS {
            let Some(at) = self.play.next_moment().await? else {
                return Err("nothing is due any more".to_owned());
            };
            self.play.go_to(at).await?;
            if self.people().await? != before {
                break;
            }
        }
        self.end();
        Ok(())
    }

    /// Does what is due now, after somebody acted.
    pub async fn settle(&mut self) -> Result<(), String> {
        self.play.moment().await
    }

    /// Begins anew: nobody knows of what was before.
    pub async fn again(&mut self) -> Result<(), String> {
        let options = self.play.options().clone();
        let (folder, play) = set(self.play.cast().clone(), options).await?;
        std::mem::replace(&mut self.play, play).dismiss();
        self.folder = folder;
        self.over = false;
        self.running = true;
        self.round += 1;
        self.pressed.clear();
        Ok(())
    }

    /// What is on the stage now.
    pub async fn view(&self, who: &[String]) -> Result<View, String> {
        self.scene().view(who).await
    }

    async fn people(&self) -> Result<Vec<Person>, String> {
        Ok(self.view(&[]).await?.people)
    }

    fn end(&mut self) {
        if !self.over && self.play.world.now() >= self.play.until() {
            self.over = true;
            self.running = false;
        }
    }

    fn scene(&self) -> Scene<'_> {
        let play = &self.play;
        let people = play.cast().clients.iter().map(|client| Someone {
            taken_over: play.is_taken_over(&client.id),
            ..Someone::of_cast(client)
        });
        Scene {
            vendors: &play.world.vendors,
            engine: Some(&play.world.relay.engine),
            people: people.collect(),
            zone: play.world.zone(),
            time: ShownTime {
                now: play.world.now(),
                running: self.running,
                pace: pace_in_words(PACES[self.pace]),
                in_hand: Some(InHand {
                    slower: self.pace > 0,
                    faster: self.pace + 1 < PACES.len(),
                    over: self.over,
                    round: self.round,
                }),
            },
        }
    }
}

async fn set(cast: Cast, options: Options) -> Result<(TempDir, Play), String> {
    let folder = tempfile::Builder::new().prefix("clear-relay-").tempdir();
    let folder = folder.map_err(|error| error.to_string())?;
    let path = folder.path().join("relay.sqlite");
    // The driver's future of a migration can't move between threads; a button's must.
    let runtime = Handle::current();
    let opening = move || runtime.block_on(Play::new(cast, options, &path));
    let opened = tokio::task::spawn_blocking(opening).await;
    let play = opened.map_err(|error| error.to_string())??;
    Ok((folder, play))
}
