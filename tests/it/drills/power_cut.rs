//! The third forgetting: the power fails at any write of the disk, what was not synced is there or not as
//! it happens, and the relay goes on.
//!
//! Each seed is the story of one client (`support/story.rs`), played by a relay whose database, log and
//! generation file lie on a recorded disk. At a random write or sync of the story the power fails: from
//! then on nothing of that life reaches a vendor or a sender, and the next life starts on a disk that the
//! cut allows, torn where sectors end. The vendors are as they were at that moment. In some of the seeds
//! the power fails again while the relay recovers.
//!
//! Judged by what the vendors accepted, as in `crash.rs`:
//! - nothing is there twice and nothing is missing, but an email whose intent was stored and whose request
//!   nobody saw: then a person is asked;
//! - no webhook that was acknowledged is lost;
//! - a power cut is no forgetting: the database is never taken for an earlier one, so nothing waits in the
//!   list of what may have gone out.
//!
//! More seeds by command, on the release build:
//!
//! ```sh
//! RELAY_POWER_CUTS=50 cargo test --release --test it drills::power_cut -- --nocapture
//! ```

use clear_relay::engine::memory::counter::{GenerationFile as _, GenerationReading};
use clear_relay::engine::memory::old_memory;
use clear_relay::wiring::generation::NumberFile;
use relay_core::effects::EffectKind;
use relay_core::random::{Random, SeededRandom};
use relay_disk_recorder::{Event, Luck, Recorder};
use relay_store::JobState;

use crate::support::story::{STORIES, Story};

/// How often each story is cut off where nobody says otherwise.
const SEEDS: u64 = 3;

fn seeds() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how many seeds a person asks for by command"
    )]
    let told = std::env::var("RELAY_POWER_CUTS").ok();
    told.map_or(SEEDS, |told| told.parse().expect("a number of seeds"))
}

fn below(random: &dyn Random, limit: usize) -> usize {
    let limit = u64::try_from(limit).expect("a small number");
    usize::try_from(random.next_u64() % limit).expect("a small number")
}

/// Plays a story, and says what was wrong and how often the power failed.
async fn play(name: &str, seed: u64, cuts: &[usize]) -> (Vec<String>, Story) {
    let mut story = Story::under_power(name, seed, cuts).await;
    story.play().await;
    let mut wrong = Vec::new();
    story.no_webhook_is_lost().await;
    if let Some(old) = old_memory(story.store()).await.expect("a store") {
        wrong.push(format!("taken for an earlier one: {old:?}"));
    }
    let stuck = story.jobs(&[JobState::Running, JobState::Dead]).await;
    wrong.extend(stuck.iter().map(|job| format!("{} is stuck", job.key)));
    let mut differences = story.differences();
    let kinds = story.open_kinds().await;
    let email = story.client.expects.iter().any(|e| e.what == "email");
    let asked = kinds.iter().any(|kind| kind == "unsettled");
    if email && asked && story.deaths > 0 && story.accepted(EffectKind::Email).is_empty() {
        // Died with the intent stored and the request not made: nobody can know, so nobody sends.
        differences.retain(|line| !line.starts_with("missing: "));
    } else if kinds != story.client.work {
        wrong.push(format!("open work: {kinds:?}"));
    }
    wrong.extend(differences);
    (wrong, story)
}

async fn cut_off(names: &[&str]) {
    let (mut failed, mut deaths, mut asked) = (Vec::new(), 0, 0);
    for name in names {
        let (wrong, story) = play(name, 1, &[]).await;
        assert_eq!(wrong, Vec::<String>::new(), "{name} without a cut");
        let written = story.written();
        drop(story);
        for seed in 0..seeds() {
            let random = SeededRandom::new(seed);
            let mut cuts = vec![below(&random, written)];
            if seed.is_multiple_of(3) {
                // While it recovers.
                cuts.push(below(&random, 40));
            }
            let (wrong, story) = play(name, seed, &cuts).await;
            deaths += story.deaths;
            let missing = story.accepted(EffectKind::Email).is_empty();
            let email = story.client.expects.iter().any(|e| e.what == "email");
            asked += usize::from(email && missing);
            if !wrong.is_empty() {
                failed.push((*name, seed, cuts, wrong));
            }
        }
        println!("{name}: {written} events of the disk");
    }
    println!("the power failed {deaths} times; a person was asked for {asked} emails");
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn nothing_twice_and_nobody_forgotten_when_the_power_fails_in_some_stories() {
    cut_off(&STORIES[..3]).await;
}

#[tokio::test]
async fn nothing_twice_and_nobody_forgotten_when_the_power_fails_in_the_others() {
    cut_off(&STORIES[3..]).await;
}

/// The file that tells an earlier copy from the database: one number or the next, and never none.
#[tokio::test]
async fn a_generation_file_holds_one_number_or_the_next_whatever_the_disk_has_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::start(folder.path()).expect("a record");
    let file = NumberFile::beside(&folder.path().join("relay.db"));
    for generation in 1..=4 {
        file.write(generation).await.expect("written");
        recorder.mark(generation);
    }
    let record = recorder.stop();
    let mut written = 0;
    let mut images = 0;
    for (at, event) in record.events().iter().enumerate() {
        if let Event::Mark(mark) = event {
            written = *mark;
        }
        let random = SeededRandom::new(u64::try_from(at).expect("a small number"));
        for image in record.images(at + 1, 16, &random) {
            images += 1;
            let folder = tempfile::tempdir().expect("a folder");
            image.write_to(folder.path()).expect("a disk");
            let file = NumberFile::beside(&folder.path().join("relay.db"));
            let told = match file.read().await {
                GenerationReading::Generation(told) => told,
                GenerationReading::Missing => 0,
                GenerationReading::Unreadable => panic!("cut {at}: unreadable"),
            };
            assert!(
                (written..=written + 1).contains(&told),
                "cut {at}: {told} after {written}"
            );
        }
    }
    println!("{} events, {images} images", record.events().len());
    // Each is written, synced, named and its folder synced.
    assert!(record.events().len() >= 20, "{:?}", record.events());
    assert!(record.disk(usize::MAX).image(Luck::Nothing).files.len() == 1);
}
