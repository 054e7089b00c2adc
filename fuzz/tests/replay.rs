//! Each target over its seeds and a few thousand mutations of them.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests fails by panicking, like the tests"
)]

use std::path::Path;

use relay_fuzz::drive::{Run, keep, run, shrunk};
use relay_fuzz::{TARGETS, Target, corpus};

/// The seed of ordinary runs. Another one is for the command line.
const SEED: u64 = 20_261_103;

fn target(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no such target: {name}"))
}

/// Replays the seeds, then runs the target's share of mutations.
fn fuzz(name: &str) {
    let target = target(name);
    let run = match Run::new(target, SEED).expect("a corpus") {
        Ok(run) => run,
        Err((file, message)) => panic!("{}: {message}", file.display()),
    };
    for execution in 0..target.executions {
        if let Err(failure) = run.check(run.next_input(), &mut |_| {}) {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
            let file = keep(&folder, target, &failure.input).expect("a place for the input");
            panic!(
                "{name}, seed {SEED}, execution {execution}: {}\nthe input is in {}; mend it, \
                 and keep the input in fuzz/corpus/{name}",
                failure.message,
                file.display()
            );
        }
    }
}

macro_rules! fuzzed {
    ($($test:ident: $target:literal,)*) => {
        $(#[test] fn $test() { fuzz($target); })*

        #[test]
        fn every_target_is_run_and_has_seeds() {
            let run = [$($target),*];
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, run);
            for target in TARGETS {
                let seeds = corpus::seeds(target).expect("a corpus");
                assert!(seeds.len() >= 3, "{}: {} seeds", target.name, seeds.len());
            }
        }
    };
}

fuzzed! {
    no_cast_breaks_the_sandbox: "cast_toml",
    no_configuration_is_wrong_without_a_word: "config_toml",
    no_request_breaks_the_edge: "edge",
    no_request_breaks_the_stand_in_for_the_crm: "emulator",
    no_answer_of_the_crm_breaks_a_call: "keap_answer",
    no_post_of_an_automation_breaks_its_reader: "keap_automation",
    no_delivery_of_the_crm_breaks_its_reader: "keap_delivery",
    no_text_breaks_the_readers_of_small_things: "keap_texts",
    no_answer_of_the_portal_breaks_a_call: "portal_answer",
    no_event_of_the_portal_breaks_its_reader: "portal_event",
    no_procedure_is_accepted_that_cannot_be_rendered: "procedure_toml",
    no_headers_pass_without_their_signature: "signature",
    no_answer_of_the_token_endpoint_breaks_a_connection: "tokens",
}

/// A target that breaks on a word.
const BROKEN: Target = Target {
    name: "keap_texts",
    run: |data| assert!(!data.windows(4).any(|word| word == b"bang"), "it went off"),
    words: &["ba", "ng"],
    fixtures: &[],
    executions: 0,
};

#[test]
fn a_broken_target_is_found_and_its_input_made_small() {
    assert_eq!(run(&BROKEN, b"quiet"), Ok(()));
    let long = [
        &b"a long line before "[..],
        b"bang",
        b" and a long one behind",
    ]
    .concat();
    let failure = shrunk(&BROKEN, long, &mut |_| {});
    assert_eq!(failure.input, b"bang");
    assert_eq!(failure.message, "it went off");
}

#[test]
fn mutations_find_what_no_seed_holds() {
    let run = Run::new(&BROKEN, SEED)
        .expect("a corpus")
        .expect("sound seeds");
    let found = (0..200_000).find_map(|_| run.check(run.next_input(), &mut |_| {}).err());
    assert_eq!(found.expect("two words side by side").input, b"bang");
}

#[test]
fn the_same_seed_gives_the_same_inputs_and_another_gives_others() {
    let inputs = |seed| {
        let run = Run::new(target("portal_event"), seed).expect("a corpus");
        let run = run.expect("sound seeds");
        (0..50).map(|_| run.next_input()).collect::<Vec<_>>()
    };
    assert_eq!(inputs(1), inputs(1));
    assert_ne!(inputs(1), inputs(2));
}

#[test]
fn a_failing_input_is_kept_under_a_name_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = keep(folder.path(), &BROKEN, b"bang").expect("a file");
    let two = keep(folder.path(), &BROKEN, b"bang!").expect("a file");
    assert_ne!(one, two);
    assert_eq!(std::fs::read(one).expect("its bytes"), b"bang");
}
