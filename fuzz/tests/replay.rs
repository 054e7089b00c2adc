//! The driver: it finds, makes small, repeats itself and keeps. The targets are run beside them, in
//! `src/targets/`.
#![expect(
    clippy::panic,
    reason = "a helper of tests fails by panicking, like the tests"
)]

use relay_fuzz::drive::{Run, keep, run, shrunk};
use relay_fuzz::{Target, targets};

/// The seed of ordinary runs. Another one is for the command line.
const SEED: u64 = 20_261_103;

fn target(name: &str) -> &'static Target {
    let found = targets().into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no such target: {name}"))
}

/// A target that breaks on a word.
const BROKEN: Target = Target {
    name: "edge",
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
        let run = Run::new(target("edge"), seed).expect("a corpus");
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
