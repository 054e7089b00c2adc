//! The frozen corpus: databases that earlier versions have left behind, which this one must migrate,
//! read, show, go on with and close. `fixtures/corpus/README.md` says what it is and how a release
//! adds its own.
//!
//! | module | what it does |
//! |---|---|
//! | `about` | finds the folders of the corpus |
//! | `live` | lives on with every corpus: the tests that every version must pass |
//! | `decoding` | reads every stored text |
//! | `make` | makes the corpus of this version (`cast`: who is in it; `by_hand`, `samples`, `texts`: what the engine can't be brought to leave behind) |

pub(crate) mod about;
mod by_hand;
mod cast;
mod decoding;
mod effect_samples;
mod live;
mod make;
pub(crate) mod rows;
mod samples;
mod texts;

pub(crate) use samples::fact_bodies;

use std::collections::BTreeSet;
use std::path::Path;

use relay_core::case::Mode;
use relay_core::effects::{EffectKind, Scope, ScopeKind};
use relay_core::workflows;
use relay_core::workflows::missed_check_in::{self, Hold, State, Step};
use relay_store::{Effect, EffectState, JobState, ReceiptState, Store};
use relay_store_sqlite::SqliteStore;

/// What this version would add to the corpus; `fixtures/corpus/README.md` says when it is kept.
#[tokio::test]
async fn this_version_makes_a_corpus_that_leaves_out_nothing() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("corpus")
        .join(env!("CARGO_PKG_VERSION"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("removed");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    Box::pin(make::make(&folder)).await;
    let scratch = tempfile::tempdir().expect("a folder");
    let path = scratch.path().join(about::DATABASE);
    std::fs::copy(folder.join(about::DATABASE), &path).expect("copied");
    let store = SqliteStore::open(&path).await.expect("opened");
    leaves_out_nothing(&store).await;
    store.close().await;
}

/// Asserts that `there` has everything that is `wanted`.
fn has_all(what: &str, there: &BTreeSet<String>, wanted: impl IntoIterator<Item = String>) {
    let missing: Vec<String> = wanted
        .into_iter()
        .filter(|one| !there.contains(one))
        .collect();
    assert!(missing.is_empty(), "no {what}: {missing:#?}");
}

async fn leaves_out_nothing(store: &dyn Store) {
    follow_ups(store).await;
    let cases = rows::cases(store).await;
    let steps = cases
        .iter()
        .map(|case| format!("{} {}", case.procedure, case.step));
    let wanted = workflows::registry().into_iter().flat_map(|procedure| {
        // The opening is over when a case is stored.
        let steps = procedure.steps.iter().filter(|step| step.id != "open");
        steps.map(move |step| format!("{} {}", procedure.name, step.id))
    });
    has_all("case in", &steps.collect(), wanted);

    let effects = rows::effects(store).await;
    let there = effects
        .iter()
        .map(|effect| format!("{} {}", effect.kind().as_str(), effect.state.as_str()));
    let wanted = EffectKind::ALL.into_iter().flat_map(|kind| {
        EffectState::ALL
            .iter()
            .map(move |state| format!("{} {}", kind.as_str(), state.as_str()))
    });
    has_all("effect", &there.collect(), wanted);
    let scopes = effects.iter().map(Effect::scope).map(Scope::kind);
    let there = scopes.map(|kind| kind.as_str().to_owned());
    let wanted = ScopeKind::ALL.map(|kind| kind.as_str().to_owned());
    has_all("effect of a", &there.collect(), wanted);

    let jobs = rows::jobs(store).await;
    let there = jobs
        .iter()
        .map(|job| format!("{} {}", job.kind, job.state.as_str()));
    let wanted = by_hand::JOB_KINDS.iter().flat_map(|kind| {
        JobState::ALL
            .iter()
            .map(move |state| format!("{kind} {}", state.as_str()))
    });
    has_all("job", &there.collect(), wanted);

    let work = rows::work(store).await;
    let there = work
        .iter()
        .map(|item| format!("{} {}", item.kind, item.settled.is_some()));
    let of_cases = ["held", "missed_too", "overlap", "stale"];
    let wanted = by_hand::WORK_KINDS.iter().flat_map(|kind| {
        // A settled item that belongs to no case stands in no list.
        let settled = of_cases.contains(kind).then(|| format!("{kind} true"));
        [Some(format!("{kind} false")), settled]
            .into_iter()
            .flatten()
    });
    has_all("work item", &there.collect(), wanted);

    let receipts = rows::receipts(store).await;
    let there = receipts
        .iter()
        .map(|receipt| format!("{} {}", receipt.source, receipt.state.as_str()));
    let wanted = ["clear-connection", "keap", "keap-automation"]
        .into_iter()
        .flat_map(|source| {
            ReceiptState::ALL
                .iter()
                .map(move |state| format!("{source} {}", state.as_str()))
        });
    has_all("receipt", &there.collect(), wanted);
}

/// Follow-ups in every step and status, with every kind of hold, wait, mode and earlier version.
async fn follow_ups(store: &dyn Store) {
    let mut cases = rows::cases(store).await;
    cases.retain(|case| case.procedure == missed_check_in::NAME);
    let there = cases
        .iter()
        .map(|case| format!("{} {}", case.step, case.status.as_str()));
    let wanted = Step::ALL.into_iter().flat_map(|step| {
        // What is done by hand is not carried out, so nothing of it can go wrong.
        ["open", "paused", "held", "closed"]
            .into_iter()
            .filter(move |status| (step, *status) != (Step::ByHand, "held"))
            .map(move |status| format!("{} {status}", step.as_str()))
    });
    has_all("follow-up", &there.collect(), wanted);

    let state = |data: &serde_json::Value| serde_json::from_value::<State>(data.clone());
    let holds = cases
        .iter()
        .filter(|case| case.status.as_str() == "held")
        .filter_map(|case| state(&case.data).expect("a state").hold)
        .map(|hold| format!("{hold:?}"));
    let wanted = [Hold::NotSent, Hold::Unread, Hold::Unclear].map(|hold| format!("{hold:?}"));
    has_all("hold", &holds.collect(), wanted);

    let waits = cases.iter().filter_map(|case| {
        let wait = serde_json::to_value(case.wait.as_ref()?).expect("JSON");
        Some(wait["wait"].as_str().expect("a wait").to_owned())
    });
    let wanted = ["timer", "person", "effect", "read"].map(str::to_owned);
    has_all("wait", &waits.collect(), wanted);

    let modes = cases.iter().map(|case| format!("{:?}", case.mode));
    let wanted = [Mode::Propose, Mode::Act].map(|mode| format!("{mode:?}"));
    has_all("mode", &modes.collect(), wanted);
    let open = || cases.iter().filter(|case| !case.status.is_closed());
    assert!(open().any(|case| case.logic == 1), "no earlier logic");
    let versions: BTreeSet<&str> = open().map(|case| case.procedure_hash.as_str()).collect();
    assert!(versions.len() > 1, "no earlier version of the procedure");
}
