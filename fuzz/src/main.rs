//! The long run: mutations of one target or of all, until the time is over.
//!
//! It keeps what broke something, made small, and goes on. An execution that takes longer than
//! [`PATIENCE`] is a failure, too: its input is kept and the process ends, because nothing can
//! stop it from within.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use clap::Parser;
use relay_core::time::{Clock as _, SignedDuration, SystemClock};
use relay_fuzz::drive::{Failure, Run, keep};
use relay_fuzz::{Target, targets};

/// How long one execution may take, real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs mutations of the corpus through the parsers of untrusted input.
#[derive(Debug, Parser)]
#[command(name = "relay-fuzz")]
struct Arguments {
    /// The target; every one in turn if left out.
    target: Option<String>,
    /// Minutes per target.
    #[arg(long, default_value_t = 1)]
    minutes: u32,
    /// The first seed. The same seed gives the same inputs in the same order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where failing inputs are kept.
    #[arg(long, default_value = "target/fuzz-failures")]
    failures: PathBuf,
}

/// What the worker tells.
enum News {
    /// It begins an execution.
    Begins(Vec<u8>),
    /// An input broke the target.
    Broke(Failure),
    /// It ran so many and stopped.
    Done(u64),
    /// The target can't be run at all.
    Stuck(String),
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command, and these are its words"
)]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = |target: &&Target| {
        let name = arguments.target.as_deref();
        name.is_none_or(|name| name == target.name)
    };
    let chosen: Vec<&'static Target> = targets().into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = targets().iter().map(|target| target.name).collect();
        eprintln!("there is no such target; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut broken = 0;
    for target in chosen {
        println!("{}, seed {}", target.name, arguments.seed);
        match watch(target, &arguments) {
            Ok((executions, files)) => {
                println!("{}: {executions} executions", target.name);
                for file in &files {
                    println!("{}: broken by {}", target.name, file.display());
                }
                broken += files.len();
            }
            Err(message) => {
                eprintln!("{}: {message}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Lets a worker run and keeps what it finds. The error is a hang, or a target that can't be run.
fn watch(target: &'static Target, arguments: &Arguments) -> Result<(u64, Vec<PathBuf>), String> {
    let (sender, news) = channel();
    let (seed, minutes) = (arguments.seed, arguments.minutes);
    thread::spawn(move || work(target, seed, minutes, &sender));
    let mut files = Vec::new();
    let kept =
        |input: &[u8]| keep(&arguments.failures, target, input).map_err(|error| error.to_string());
    let mut current = Vec::new();
    loop {
        match next(&news) {
            Some(News::Begins(input)) => current = input,
            Some(News::Broke(failure)) => {
                let file = kept(&failure.input)?;
                if !files.contains(&file) {
                    files.push(file);
                }
            }
            Some(News::Done(executions)) => return Ok((executions, files)),
            Some(News::Stuck(message)) => return Err(message),
            None => {
                let file = kept(&current)?;
                return Err(format!("no end in sight with {}", file.display()));
            }
        }
    }
}

/// The next news; `None` if none came in time.
fn next(news: &Receiver<News>) -> Option<News> {
    match news.recv_timeout(PATIENCE) {
        Ok(news) => Some(news),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(News::Stuck("the worker died".to_owned())),
    }
}

fn work(target: &'static Target, seed: u64, minutes: u32, sender: &Sender<News>) {
    // Whoever listens has gone only when the process ends.
    let tell = |news| drop(sender.send(news));
    let run = match Run::new(target, seed) {
        Ok(Ok(run)) => run,
        Ok(Err((file, message))) => {
            return tell(News::Stuck(format!("{}: {message}", file.display())));
        }
        Err(error) => return tell(News::Stuck(error.to_string())),
    };
    let until = SystemClock.now() + SignedDuration::from_mins(minutes.into());
    let mut executions = 0;
    while SystemClock.now() < until {
        let mut begins = |input: &[u8]| tell(News::Begins(input.to_vec()));
        if let Err(failure) = run.check(run.next_input(), &mut begins) {
            tell(News::Broke(failure));
        }
        executions += 1;
    }
    tell(News::Done(executions));
}
