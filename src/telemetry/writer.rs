//! Log lines leave the process on a thread of their own.
//!
//! People: whoever runs the relay with a log that fills its disk, a pipe whose reader is gone, or a
//! terminal that somebody has stopped with Ctrl-S; and the senders, who must be answered meanwhile.
//!
//! Rules:
//! - A line is handed over, never waited for: where [`LINES`] are queued already it is dropped and
//!   counted.
//! - A line that can't be written is counted, too. Nothing here panics, and nothing prints.
//! - As soon as a line can be written again, the number of lines that were lost is told.
//!
//! Not guaranteed: that the last lines before a crash of the process arrive. An orderly end waits
//! for them up to [`FLUSH`].
//!
//! Why not `tracing-appender`: its guard prints to standard output when its queue is full at the end,
//! which panics where that is closed; it doesn't count what could not be written; and its file
//! rotation, which we don't use, brings seven crates.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written, at most: about a megabyte.
pub const LINES: usize = 4096;

/// Bytes that are written at once, about: what is queued is written together.
const PORTION: usize = 32 * 1024;

/// How long lines are gathered before they are written together, real time. Waking the thread for each
/// line would cost more than the line, and on a quiet day lines come in handfuls.
const GATHER: Duration = Duration::from_millis(5);

/// How long an orderly end waits for the lines that are queued, real time.
pub const FLUSH: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    /// Everything before it is to be written; then this is answered.
    Flush(Sender<()>),
}

/// Where lines are handed over. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogWriter {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl LogWriter {
    /// Writes to `sink` from now on, on a thread of its own. `tell` is called on that thread with the
    /// number of lines that were lost so far, once a line could be written again.
    pub fn start(
        sink: impl Write + Send + 'static,
        tell: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, lines) = sync_channel(LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let mut thread = Thread {
            lines,
            sink,
            lost: Arc::clone(&lost),
        };
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || thread.run(tell))?;
        Ok(Self { queue, lost })
    }

    /// How many lines were lost so far: dropped, or not written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until what was handed over is written, at most [`FLUSH`]. Not at all where the queue is
    /// full: nobody reads the log.
    pub fn flush(&self) {
        let (done, written) = channel();
        if self.queue.try_send(Message::Flush(done)).is_ok() {
            // An error is a log that is stuck; there is nobody left to tell.
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Message::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for LogWriter {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Flushes what is queued when the process ends in order.
#[derive(Debug)]
#[must_use = "the last lines are written when it is dropped"]
pub struct LogGuard(pub(super) LogWriter);

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.flush();
    }
}

struct Thread<W> {
    lines: Receiver<Message>,
    sink: W,
    lost: Arc<AtomicU64>,
}

impl<W: Write> Thread<W> {
    fn run(&mut self, tell: impl Fn(u64)) {
        let mut told = 0;
        let mut portion = Vec::new();
        while let Ok(first) = self.lines.recv() {
            if matches!(first, Message::Line(_)) {
                std::thread::park_timeout(GATHER);
            }
            let (lines, flushed) = self.gather(first, &mut portion);
            if self.write(&portion) {
                let lost = self.lost.load(Ordering::Relaxed);
                if lost > told {
                    told = lost;
                    tell(lost);
                }
            } else {
                self.lost.fetch_add(lines, Ordering::Relaxed);
            }
            portion.clear();
            for done in flushed {
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    /// Puts what is queued into `portion`. Returns how many lines, and who waits for them.
    fn gather(&self, first: Message, portion: &mut Vec<u8>) -> (u64, Vec<Sender<()>>) {
        let (mut lines, mut flushed) = (0, Vec::new());
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => {
                    portion.extend_from_slice(&line);
                    lines += 1;
                }
                Message::Flush(done) => flushed.push(done),
            }
            if portion.len() >= PORTION {
                break;
            }
            next = self.lines.try_recv().ok();
        }
        (lines, flushed)
    }

    fn write(&mut self, portion: &[u8]) -> bool {
        portion.is_empty() || (self.sink.write_all(portion).is_ok() && self.sink.flush().is_ok())
    }
}
