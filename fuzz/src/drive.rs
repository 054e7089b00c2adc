//! Running a target: the seeds as they are, then mutations of them, and a failure made small.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::{fs, io};

use sha2::{Digest as _, Sha256};

use crate::mutate::Mutator;
use crate::{Target, corpus};

/// How many runs making an input small may take.
const SHRINKS: usize = 2_000;

/// An input that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The input, as small as it could be made.
    pub input: Vec<u8>,
    /// What the target said.
    pub message: String,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Lets panics of this module's own runs pass without a word: making an input small panics a
/// thousand times.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
}

/// Runs one input. The error is what the target said when it broke.
pub fn run(target: &Target, data: &[u8]) -> Result<(), String> {
    hush();
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(data)));
    QUIET.set(false);
    result.map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").to_owned()
}

/// A run of mutations that can be taken further one by one.
#[derive(Debug)]
pub struct Run<'a> {
    target: &'a Target,
    inputs: Vec<Vec<u8>>,
    mutator: Mutator,
}

impl<'a> Run<'a> {
    /// A run over the target's seeds, each of which is replayed first. The error names the seed
    /// that broke something.
    pub fn new(target: &'a Target, seed: u64) -> io::Result<Result<Self, (PathBuf, String)>> {
        let seeds = corpus::seeds(target)?;
        for seed in &seeds {
            if let Err(message) = run(target, &seed.data) {
                return Ok(Err((seed.file.clone(), message)));
            }
        }
        Ok(Ok(Self {
            target,
            inputs: seeds.into_iter().map(|seed| seed.data).collect(),
            mutator: Mutator::new(seed, &target.all_words()),
        }))
    }

    /// The next input.
    pub fn next_input(&self) -> Vec<u8> {
        self.mutator.next(&self.inputs)
    }

    /// Runs an input; a failure is made small. `begins` is told of each input before it is run.
    pub fn check(&self, data: Vec<u8>, begins: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        begins(&data);
        match run(self.target, &data) {
            Ok(()) => Ok(()),
            Err(_) => Err(shrunk(self.target, data, begins)),
        }
    }
}

/// The smallest input found that still breaks the target.
pub fn shrunk(target: &Target, mut data: Vec<u8>, begins: &mut dyn FnMut(&[u8])) -> Failure {
    let mut message = run(target, &data).err().unwrap_or_default();
    let mut left = SHRINKS;
    let mut size = data.len().div_ceil(2);
    while size > 0 && left > 0 {
        let mut at = 0;
        let mut helped = false;
        while at < data.len() && left > 0 {
            left -= 1;
            let mut smaller = data.clone();
            smaller.drain(at..(at + size).min(data.len()));
            begins(&smaller);
            match run(target, &smaller) {
                Err(said) => {
                    (data, message, helped) = (smaller, said, true);
                }
                Ok(()) => at += size,
            }
        }
        if !helped || size == 1 {
            size /= 2;
        }
    }
    Failure {
        input: data,
        message,
    }
}

/// Keeps a failing input in `folder`, under a name that its bytes give. Returns the file.
pub fn keep(folder: &Path, target: &Target, input: &[u8]) -> io::Result<PathBuf> {
    let folder = folder.join(target.name);
    fs::create_dir_all(&folder)?;
    let name = hex::encode(&Sha256::digest(input)[..6]);
    let file = folder.join(name);
    fs::write(&file, input)?;
    Ok(file)
}
