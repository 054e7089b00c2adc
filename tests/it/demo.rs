//! The cast, played.

use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::play::{Options, Play};
use clear_relay::sandbox::report::Report;
use clear_relay::sandbox::sabotage::Sabotage;
use relay_core::effects::EffectKind;

async fn play(cast: Cast, seed: u64, sabotage: Option<Sabotage>) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relay.sqlite");
    let options = Options { seed, sabotage };
    Play::new(cast, options, &path)
        .await
        .expect("a stage")
        .run()
        .await
        .expect("a play")
}

#[tokio::test]
async fn every_story_of_the_full_cast_goes_as_written_down() {
    let report = play(Cast::shipped("full").expect("a cast"), 1, None).await;
    assert_eq!(report.differences(), Vec::<String>::new());
}

#[tokio::test]
async fn every_story_under_the_strict_rule_goes_as_written_down() {
    let report = play(Cast::shipped("strict").expect("a cast"), 1, None).await;
    assert_eq!(report.differences(), Vec::<String>::new());
}

#[tokio::test]
async fn maya_and_jo_end_as_written_down() {
    let report = play(Cast::shipped("short").expect("a cast"), 1, None).await;
    assert_eq!(report.differences(), Vec::<String>::new());
}
