//! The one writer: every change goes through one task that owns one connection.
//!
//! ```text
//! requests ──queue──▶ BEGIN IMMEDIATE
//!                       webhooks 1, 4 and 5 in one statement
//!                       request 2
//!                       request 3                     (a precondition did not hold: ROLLBACK)
//!                     BEGIN IMMEDIATE
//!                       webhooks 1, 4 and 5 in one statement
//!                       SAVEPOINT  request 2  RELEASE
//!                       SAVEPOINT  request 3  ROLLBACK TO
//!                     COMMIT ──▶ answers to all five
//! ```
//!
//! The writer never waits for company: it takes whatever queued up while the last group was being
//! committed, 256 at most. Alone, a request costs one commit; under load the cost of a commit is
//! shared by all that waited for it.
//!
//! It is a task among those that serve. On a thread of its own, measured, each group cost two more
//! walks between threads, and each answer a wake-up by the system.
//!
//! Guarantees: nobody is told `Ok` before the COMMIT returned; a request that fails undoes only
//! itself; if the group as a whole fails, everybody in it is told, and nobody is told `Ok`; the
//! next group starts on a fresh connection, so the writer recovers as soon as the disk does. A group
//! is begun only while the file is still ours, and answered `Ok` only if it was afterwards too
//! ([`Place`]).
//!
//! Not guaranteed: that a group whose COMMIT failed is gone. The write-ahead log may hold it whole
//! when the machine dies right then. To the requester that is the same as a lost answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use relay_core::time::Timestamp;
use relay_store::{
    Claim, Committed, Damage, Fence, FileFault, Job, Op, Receipt, Remedied, RemedyOrder, StoreError,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, Transaction};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::apply::Prepared;
use crate::failure::{Failure, closed};
use crate::place::Place;
use crate::rows::ListedRows;
use crate::{bulk, checkpoint, leases, remedy, turn};

/// The most requests that share one COMMIT. More would make the first of them wait too long.
const GROUP: usize = 256;

/// Requests that may wait; whoever comes next waits for room, which slows the senders down.
const QUEUE: usize = 4 * GROUP;

/// After so much weight (see [`weight`]) the log is worth folding into the file.
const PORTION: usize = 1_000;

/// Bytes of a webhook that fill a page.
const PAGE: usize = 4_096;

/// What is asked of the writer.
#[derive(Debug)]
pub(crate) enum Work {
    /// Carry out a batch.
    Commit(Box<Prepared>),
    /// Claim due jobs.
    Claim(Claim),
    /// Prolong a lease.
    Renew(Fence, Timestamp),
    /// Take back jobs whose lease ended before the first (real) time, ready at the second.
    Rescue(Timestamp, Timestamp),
    /// Hand back the jobs of a worker.
    HandBack(String, Timestamp),
    /// Do something about a row that can't be read.
    Remedy(Box<RemedyOrder>),
}

/// What it answers, in the same order.
#[derive(Debug)]
pub(crate) enum Answer {
    Committed(Committed),
    Claimed(ListedRows<Job>),
    Rescued(u64, Vec<Damage>),
    Remedied(Remedied),
    Renewed(bool),
    Freed(u64),
}

type Reply = Result<Answer, StoreError>;

struct Request {
    work: Work,
    reply: oneshot::Sender<Reply>,
}

/// What the writer has done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterStats {
    /// Requests carried out, whether they succeeded or not.
    pub requests: u64,
    /// Transactions committed.
    pub transactions: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    transactions: AtomicU64,
}

/// The other end of the writer's queue.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    queue: mpsc::Sender<Request>,
    closing: Arc<Notify>,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A batch holds messages to clients.
        f.write_str("Request")
    }
}

impl Handle {
    /// Hands work to the writer and waits for its answer. What was handed over is carried out even
    /// if nobody waits any more.
    pub(crate) async fn ask(&self, work: Work) -> Reply {
        let (reply, answer) = oneshot::channel();
        self.queue
            .send(Request { work, reply })
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Lets the writer end once it has carried out what is queued.
    pub(crate) fn close(&self) {
        self.closing.notify_one();
    }

    /// The counters.
    pub(crate) fn stats(&self) -> WriterStats {
        WriterStats {
            requests: self.counters.requests.load(Ordering::Relaxed),
            transactions: self.counters.transactions.load(Ordering::Relaxed),
        }
    }
}

/// The task's state.
#[derive(Debug)]
pub(crate) struct Writer {
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
    queue: mpsc::Receiver<Request>,
    closing: Arc<Notify>,
    counters: Arc<Counters>,
    /// Rung when the log has grown.
    grown: Arc<Notify>,
    since_rung: usize,
    /// Set when nearly all of the log is in the file: what is left is folded before the next group.
    folded: Arc<AtomicBool>,
    /// Where the files are.
    place: Arc<Place>,
    /// Whether the next group takes the file's turn one further: once for each time it is folded.
    turn: bool,
}

/// Why a group did not happen.
#[derive(Debug, thiserror::Error)]
enum GroupError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    File(#[from] FileFault),
}

impl Writer {
    /// A writer on this connection, and the handle to ask it by. `options` open the next one;
    /// `grown` is rung whenever a portion of changes has been written to the log, and `folded` set
    /// when that is in the file.
    pub(crate) fn new(
        options: SqliteConnectOptions,
        conn: SqliteConnection,
        grown: Arc<Notify>,
        folded: Arc<AtomicBool>,
        place: Arc<Place>,
    ) -> (Self, Handle) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let closing = Arc::new(Notify::new());
        let counters = Arc::new(Counters::default());
        let handle = Handle {
            queue: sender,
            closing: Arc::clone(&closing),
            counters: Arc::clone(&counters),
        };
        let writer = Self {
            options,
            conn: Some(conn),
            queue,
            closing,
            counters,
            grown,
            since_rung: 0,
            folded,
            place,
            turn: false,
        };
        (writer, handle)
    }

    /// Works until the store is closed, or every handle dropped, and the queue is empty. What it leaves is
    /// to be [put away](Self::put_away).
    pub(crate) async fn run(mut self) -> Self {
        let mut group = Vec::with_capacity(GROUP);
        loop {
            tokio::select! {
                count = self.queue.recv_many(&mut group, GROUP) => {
                    if count == 0 {
                        break;
                    }
                    self.carry_out(group.drain(..)).await;
                }
                // Nothing more gets in; what is in is still received above.
                () = self.closing.notified() => self.queue.close(),
            }
        }
        self
    }

    /// Brings what the log holds into the file and closes it. The last connection of all removes the log.
    /// To be called when every other connection of the store is closed.
    ///
    /// Nobody waits for it. Where somebody else has the file open, only what nobody reads just then is
    /// folded: to empty the log would keep everybody from writing until the last reader is done. Whoever
    /// else has it open folds the rest.
    pub(crate) async fn put_away(mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        if self.place.check().is_ok() {
            let folded = if self.place.is_shared() {
                checkpoint::pass(&mut conn).await.map(|left| left == 0)
            } else {
                checkpoint::all(&mut conn).await
            };
            match folded {
                Ok(true) => {}
                Ok(false) => tracing::warn!("somebody reads the database; its log stays beside it"),
                Err(error) => tracing::error!(%error, "the log could not be folded into the file"),
            }
        }
        if let Err(error) = conn.close().await {
            tracing::warn!(error = %error, "the database was not closed properly");
        }
    }

    /// Folds what little the checkpointer has left of the log, so that it begins anew.
    async fn fold_rest(&mut self) {
        let Some(conn) = &mut self.conn else { return };
        if self.folded.swap(false, Ordering::Relaxed)
            && let Err(error) = checkpoint::pass(conn).await
        {
            // The group below meets the same disk, and says so to those who wait.
            tracing::debug!(%error, "the log can't be folded now");
        }
    }

    async fn carry_out(&mut self, requests: impl Iterator<Item = Request>) {
        let (mut group, senders): (Vec<_>, Vec<_>) = requests
            .map(|request| (request.work, request.reply))
            .unzip();
        let count = u64::try_from(group.len()).unwrap_or(u64::MAX);
        self.counters.requests.fetch_add(count, Ordering::Relaxed);
        let done = self.commit_ours(&mut group).await;
        match done {
            Ok(answers) => {
                self.counters.transactions.fetch_add(1, Ordering::Relaxed);
                for (sender, answer) in senders.into_iter().zip(answers.unwrap_or_default()) {
                    // Nobody waits any more: the change stands all the same.
                    let _ = sender.send(answer);
                }
                self.since_rung += group.iter().map(weight).sum::<usize>();
                if self.since_rung >= PORTION {
                    self.since_rung = 0;
                    self.turn = true;
                    self.grown.notify_one();
                }
            }
            Err(error) => {
                if let GroupError::Sql(error) = &error {
                    self.drop_connection().await;
                    tracing::error!(%error, "a group of changes could not be committed");
                }
                let error = Arc::new(error);
                for sender in senders {
                    let shared = Shared(Arc::clone(&error));
                    let _ = sender.send(Err(StoreError::Unavailable(Box::new(shared))));
                }
            }
        }
    }

    /// Whatever state the connection is in, it is not used again. While it is open its log is there;
    /// the next one may find a new log. So its end is waited for: a log that goes after the next look
    /// would be taken for one that somebody has replaced.
    async fn drop_connection(&mut self) {
        let is_ours = self.place.check().is_ok();
        if let Some(conn) = self.conn.take() {
            // It failed before; that it fails once more says nothing.
            let _ = conn.close().await;
        }
        if is_ours {
            self.place.renew();
        }
    }

    /// Carries out every request, in a file that is ours before and after.
    async fn commit_ours(&mut self, group: &mut [Work]) -> Result<Option<Vec<Reply>>, GroupError> {
        self.place.check()?;
        self.fold_rest().await;
        let mut done = self.commit(group, Trust::Full).await?;
        if done.is_none() {
            // Somebody's precondition did not hold: once more, each in a savepoint of its own.
            done = self.commit(group, Trust::None).await?;
        }
        self.place.check()?;
        Ok(done)
    }

    /// Carries out every request in one transaction. `None`: with `trust`, one failed and nothing
    /// was committed. An error means that none of them happened.
    async fn commit(
        &mut self,
        group: &mut [Work],
        trust: Trust,
    ) -> Result<Option<Vec<Reply>>, sqlx::Error> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.options.connect().await?,
        };
        let conn = self.conn.insert(conn);
        // Not deferred: a read that turns into a write can fail at once, whatever the time-out.
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        let mut webhooks = insert_webhooks(&mut tx, group).await?.into_iter();
        let mut answers = Vec::with_capacity(group.len());
        for work in group {
            // The outcomes of the webhooks stand in the order of the group.
            let answer = if webhook(work).is_some() {
                webhooks.next().unwrap_or_else(|| Err(closed()))
            } else if let Some(answer) = attempt(&mut tx, work, trust).await? {
                answer
            } else {
                tx.rollback().await?;
                return Ok(None);
            };
            answers.push(answer);
        }
        if self.turn {
            turn::next(&mut tx).await?;
        }
        tx.commit().await?;
        self.turn = false;
        Ok(Some(answers))
    }
}

/// Whether requests are believed to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nearly all do. None gets a savepoint, whose two statements would cost more than many a
    /// request; the first that fails takes the transaction with it.
    Full,
    /// One has failed: each gets a savepoint.
    None,
}

/// How much a request adds to the log: one, and each page that a webhook's body fills. In groups it is
/// about the pages; alone, a request changes six to twenty.
fn weight(work: &Work) -> usize {
    webhook(work).map_or(0, |receipt| receipt.body.len() / PAGE) + 1
}

/// The receipt, if the work is to store one and nothing else.
fn webhook(work: &Work) -> Option<&Receipt> {
    match work {
        Work::Commit(prepared) => match prepared.batch().ops.as_slice() {
            [Op::InsertReceipt(receipt)] => Some(receipt),
            _ => None,
        },
        _ => None,
    }
}

/// Stores the webhooks of a group, before anything else of it: none of its requests has been
/// answered, so any order of them is a true one.
async fn insert_webhooks(
    tx: &mut Transaction<'_, Sqlite>,
    group: &[Work],
) -> Result<Vec<Reply>, sqlx::Error> {
    let receipts: Vec<_> = group.iter().filter_map(webhook).collect();
    let outcomes = bulk::insert(tx, &receipts).await?;
    let told = outcomes.into_iter().map(|outcome| {
        let original = outcome?;
        Ok(Answer::Committed(Committed {
            duplicates: vec![original],
        }))
    });
    Ok(told.collect())
}

/// Carries out one request. `None`: it failed and was trusted, so the transaction holds half of it.
/// The error means that the whole transaction is lost.
async fn attempt(
    tx: &mut Transaction<'_, Sqlite>,
    work: &mut Work,
    trust: Trust,
) -> Result<Option<Reply>, sqlx::Error> {
    if is_single_statement(work) {
        // SQLite undoes a failed statement by itself: a savepoint would double the work.
        return match perform(tx, work).await {
            Ok(answer) => Ok(Some(Ok(answer))),
            Err(failure) if failure.spares_transaction() => Ok(Some(Err(failure.into()))),
            Err(Failure::Sql(error)) => Err(error),
            Err(Failure::Store(error)) => Ok(Some(Err(error))),
        };
    }
    if trust == Trust::Full {
        return match perform(tx, work).await {
            Ok(answer) => Ok(Some(Ok(answer))),
            Err(_) => Ok(None),
        };
    }
    let mut savepoint = tx.begin().await?;
    match perform(&mut savepoint, work).await {
        Ok(answer) => {
            savepoint.commit().await?;
            Ok(Some(Ok(answer)))
        }
        Err(failure) => {
            // If SQLite has dropped the transaction the savepoint is gone too, and this fails.
            savepoint.rollback().await?;
            Ok(Some(Err(failure.into())))
        }
    }
}

/// Whether the work changes the database by one statement only: all or nothing by itself.
fn is_single_statement(work: &Work) -> bool {
    match work {
        Work::Renew(..) | Work::HandBack(..) => true,
        // A claim may change rows and then find one that can't be read.
        Work::Commit(_) | Work::Claim(_) | Work::Rescue(..) | Work::Remedy(_) => false,
    }
}

async fn perform(conn: &mut SqliteConnection, work: &mut Work) -> Result<Answer, Failure> {
    match work {
        Work::Commit(prepared) => prepared.carry_out(conn).await.map(Answer::Committed),
        Work::Claim(claim) => leases::claim(conn, claim).await.map(Answer::Claimed),
        Work::Renew(fence, until) => leases::renew(conn, *fence, *until)
            .await
            .map(Answer::Renewed),
        Work::Rescue(real_now, now) => leases::rescue(conn, *real_now, *now)
            .await
            .map(|(count, damage)| Answer::Rescued(count, damage)),
        // Boxed: the rarest of all would otherwise be part of every caller.
        Work::Remedy(order) => Box::pin(remedy::carry_out(conn, order))
            .await
            .map(Answer::Remedied),
        Work::HandBack(worker, now) => leases::hand_back(conn, worker, *now)
            .await
            .map(Answer::Freed),
    }
}

/// One failure told to many.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the group of changes could not be committed")]
struct Shared(#[source] Arc<GroupError>);
