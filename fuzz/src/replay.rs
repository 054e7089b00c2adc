//! Each target over its seeds and a few thousand mutations of them, as tests beside the targets.

use crate::drive::{Run, keep};
use crate::{Target, corpus, targets};

/// The seed of ordinary runs. Another one is for the command line.
const SEED: u64 = 20_261_103;

/// Replays the seeds, then runs the target's share of mutations.
pub(crate) fn fuzz(name: &str) {
    let found = targets().into_iter().find(|target| target.name == name);
    let target = found.unwrap_or_else(|| panic!("no such target: {name}"));
    let run = match Run::new(target, SEED).expect("a corpus") {
        Ok(run) => run,
        Err((file, message)) => panic!("{}: {message}", file.display()),
    };
    for execution in 0..target.executions {
        if let Err(failure) = run.check(run.next_input(), &mut |_| {}) {
            let folder = corpus::root().join("target/fuzz-failures");
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

/// Panics unless exactly these targets are run, and each has seeds.
pub(crate) fn check_run(targets: &[Target], run: &[&str]) {
    let names: Vec<&str> = targets.iter().map(|target| target.name).collect();
    assert_eq!(names, run);
    for target in targets {
        let seeds = corpus::seeds(target).expect("a corpus");
        assert!(seeds.len() >= 3, "{}: {} seeds", target.name, seeds.len());
    }
}

macro_rules! fuzzed {
    ($targets:expr; $($test:ident: $target:literal,)*) => {
        $(#[test] fn $test() { crate::replay::fuzz($target); })*

        #[test]
        fn every_target_is_run_and_has_seeds() {
            crate::replay::check_run($targets, &[$($target),*]);
        }
    };
}

pub(crate) use fuzzed;
