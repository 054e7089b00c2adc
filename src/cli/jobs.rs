//! `jobs`: queued work, its attempts, and what to do with what died.
//!
//! What acts on many jobs tells how it went with each as soon as it is done, goes on after one that fails, and ends
//! with exit code 1 if any did: nine must not wait for the tenth, and nobody must have to guess which were done.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use relay_core::ids::{CaseId, ClientId, JobId};
use relay_store::{Attempt, Job, JobError, JobFilter, JobState, Store};
use serde_json::json;

use super::args::{By, DryRun, Paging};
use super::error::CliError;
use super::output::{Output, Table, or_dash};
use crate::engine::commands::replay;
use crate::engine::commands::replay::Preview;
use crate::engine::error::chain;
use crate::engine::incidents;
use crate::engine::{Engine, EngineError};

/// `jobs …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum JobsCommand {
    /// List jobs, in the order a replay would run them.
    List(ListArgs),
    /// Show a job and its last attempts.
    Show {
        /// The job.
        #[arg(value_name = "JOB")]
        job: JobId,
    },
    /// Run dead or parked jobs again, in their clients' order, under the same effect keys. With
    /// --dry-run: for each, whether it is already done (by asking the vendor), will be sent, or
    /// needs you.
    Replay(SelectArgs),
    /// Give up jobs that are ready, parked or dead.
    Cancel(SelectArgs),
}

/// Which jobs. Without any filter: all.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FilterArgs {
    /// In this state: ready, running, done, parked, dead, cancelled. May be given several times.
    #[arg(long = "state", value_name = "STATE", value_parser = job_state)]
    pub states: Vec<JobState>,
    /// Of this kind only.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Of this client only.
    #[arg(long, value_name = "CLIENT")]
    pub client: Option<ClientId>,
    /// Of this case only.
    #[arg(long, value_name = "CASE")]
    pub case: Option<CaseId>,
    /// Whose last failure is of this class: retryable, unauthorised, permanent, `not_sent`, unclear,
    /// held, `not_listed`, `died_with_process`, internal, unreadable.
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
}

impl FilterArgs {
    /// As the store takes it.
    pub fn filter(&self) -> JobFilter {
        JobFilter {
            states: self.states.clone(),
            kind: self.kind.clone(),
            client: self.client.clone(),
            case: self.case,
            class: self.class.clone(),
        }
    }

    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
            && self.kind.is_none()
            && self.client.is_none()
            && self.case.is_none()
            && self.class.is_none()
    }
}

/// `jobs list`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ListArgs {
    /// Which jobs are listed.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Which part of the list is shown.
    #[command(flatten)]
    pub paging: Paging,
}

/// `jobs replay`, `jobs cancel`: one job, or all that match a filter. Neither means nothing: a
/// forgotten argument must not replay everything.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SelectArgs {
    /// The job. Instead of one: all that match the filters below.
    #[arg(value_name = "JOB", required_unless_present_any = ["states", "kind", "client", "case", "class"])]
    pub job: Option<JobId>,
    /// Or all that match.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

fn job_state(text: &str) -> Result<JobState, String> {
    JobState::from_name(text).ok_or_else(|| {
        let known: Vec<_> = JobState::ALL.iter().map(|state| state.as_str()).collect();
        format!("the states are {}", known.join(", "))
    })
}

/// Lists jobs.
pub async fn list(
    store: &dyn Store,
    args: &ListArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let jobs = store
        .jobs(&args.filter.filter(), args.paging.page())
        .await?;
    let (mut human, stopped) = super::outreach::head(store, out).await?;
    let held = incidents::held_jobs(store).await?;
    let json = json!({ "outreach_stopped": stopped,
                       "jobs": jobs.iter().map(|job| {
                           let mut shown = job_json(job);
                           shown["waits_for"] = json!(held.get(&job.id));
                           shown
                       }).collect::<Vec<_>>() });
    let mut table = Table::new(&["JOB", "STATE", "KIND", "CLIENT", "DUE", "FAILURES", "WHY"]);
    for job in &jobs {
        table.row([
            job.id.to_string(),
            job.state.as_str().to_owned(),
            job.kind.clone(),
            or_dash(job.client.as_ref()),
            out.time(job.run_at),
            job.failures.to_string(),
            match held.get(&job.id) {
                Some(vendor) => format!("waits until {vendor} works again (an incident)"),
                None => why(job.last_error.as_ref(), job.note.as_ref()),
            },
        ]);
    }
    human.push_str(&table.render("no job"));
    Ok(out.emit(&json, &human)?)
}

/// How many attempts are shown: a periodic job has one every few minutes, for years.
const SHOWN: usize = 20;

/// Shows a job and its last attempts.
pub async fn show(store: &dyn Store, id: JobId, out: &mut Output<'_>) -> Result<(), CliError> {
    let job = store.job(id).await?.ok_or_else(|| CliError::NotFound {
        what: "job",
        id: id.to_string(),
    })?;
    let all = store.attempts(id).await?;
    let attempts = &all[all.len().saturating_sub(SHOWN)..];
    let json = json!({
        "job": job_json(&job),
        "attempts": attempts.iter().map(attempt_json).collect::<Vec<_>>(),
        "attempts_in_all": all.len(),
    });
    let mut human = format!(
        "job       {}\nkey       {}\nkind      {}\nstate     {}\nclient    {}\ncase      {}\n\
         due       {}\nfailures  {}\n",
        job.id,
        job.key,
        job.kind,
        job.state.as_str(),
        or_dash(job.client.as_ref()),
        or_dash(job.case),
        out.time(job.run_at),
        job.failures,
    );
    // Writing to a string can't fail.
    let _ = writeln!(
        human,
        "why       {}\n\n{}",
        why(job.last_error.as_ref(), job.note.as_ref()),
        if all.len() > attempts.len() {
            format!("The last {} of {} attempts", attempts.len(), all.len())
        } else {
            "Attempts".to_owned()
        },
    );
    human.push_str(&attempt_table(attempts, out).render("none\n"));
    Ok(out.emit(&json, &human)?)
}

/// The jobs a command is about, in their clients' order. Read at once: page by page, a job that
/// changes its state meanwhile would move the pages behind it, and one of them would be passed over.
async fn select(store: &dyn Store, args: &SelectArgs) -> Result<Vec<Job>, CliError> {
    if let Some(id) = args.job {
        let job = store.job(id).await?;
        return Ok(vec![job.ok_or_else(|| CliError::NotFound {
            what: "job",
            id: id.to_string(),
        })?]);
    }
    let all = relay_store::Page {
        offset: 0,
        limit: u32::MAX,
    };
    Ok(store.jobs(&args.filter.filter(), all).await?)
}

/// How an action on one job of several ended.
type One = Result<(String, serde_json::Value), EngineError>;

/// What was done with each job: a line for people as soon as it is done, so that whoever stops the
/// command, or loses the terminal, knows how far it came; the document for programs at the end.
struct JobActionReport {
    table: Table,
    rows: Vec<serde_json::Value>,
    failed: usize,
    /// The first line that could not be written. The work goes on all the same.
    unwritten: Option<std::io::Error>,
}

impl JobActionReport {
    fn new(head: &'static str, jobs: &[Job]) -> Self {
        let mut table = Table::new(&["JOB", "CLIENT", "KIND", head]);
        for job in jobs {
            table.row([
                job.id.to_string(),
                or_dash(job.client.as_ref()),
                job.kind.clone(),
                String::new(),
            ]);
        }
        Self {
            table,
            rows: Vec::new(),
            failed: 0,
            unwritten: None,
        }
    }

    /// Tells how it went with the next job.
    fn add(&mut self, job: &Job, member: &str, one: One, out: &mut Output<'_>) {
        let (words, value) = one.unwrap_or_else(|error| {
            self.failed += 1;
            let text = chain(&error);
            (format!("failed: {text}"), json!({ "failed": text }))
        });
        let number = self.rows.len();
        self.table.set_last(number, &words);
        if number == 0 {
            self.say(&self.table.head_line(), out);
        }
        self.say(&self.table.row_line(number), out);
        let mut row = json!({ "job": job.id, "client": job.client, "kind": job.kind });
        row[member] = value;
        self.rows.push(row);
    }

    fn say(&mut self, line: &str, out: &mut Output<'_>) {
        if let Err(error) = out.say(line) {
            self.unwritten.get_or_insert(error);
        }
    }

    fn show(self, dry_run: bool, out: &mut Output<'_>) -> Result<(), CliError> {
        let (all, failed) = (self.rows.len(), self.failed);
        let json = json!({ "dry_run": dry_run, "failed": failed, "jobs": self.rows });
        if out.is_json() || all == 0 {
            out.emit(&json, "no job matches")?;
        }
        if failed > 0 {
            return Err(CliError::Failed(format!(
                "{failed} of {all} jobs failed; the others are done as the list says"
            )));
        }
        self.unwritten.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Replays jobs as their previews say, or only previews them.
pub async fn replay(
    engine: &Engine,
    args: &SelectArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let dry_run = args.dry_run.dry_run;
    let jobs = select(engine.store.as_ref(), args).await?;
    let mut report = JobActionReport::new("REPLAY", &jobs);
    for job in &jobs {
        let preview = if dry_run {
            replay::preview(engine, job).await
        } else {
            replay::replay(engine, job.id, &args.by.by).await
        };
        let one = preview.map(|preview| (in_words(&preview, dry_run), json!(preview)));
        report.add(job, "preview", one, out);
    }
    report.show(dry_run, out)
}

fn in_words(preview: &Preview, dry_run: bool) -> String {
    let (will, is) = if dry_run {
        ("will", "would be")
    } else {
        ("is to", "is")
    };
    match preview {
        Preview::AlreadyDone { vendor_ref } => format!(
            "already done, as the vendor shows ({}); {is} recorded",
            or_dash(vendor_ref.as_ref())
        ),
        Preview::WillSend => format!("{will} be guarded again, then sent"),
        Preview::WillRun => format!("{will} run again; it sends nothing by itself"),
        Preview::NeedsYou { why } => format!("needs you: {why}"),
        Preview::Nothing { why } => format!("nothing to do: {why}"),
    }
}

/// Cancels jobs, or says which would be. Both ask the same check.
pub async fn cancel(
    engine: &Engine,
    args: &SelectArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let dry_run = args.dry_run.dry_run;
    let jobs = select(engine.store.as_ref(), args).await?;
    let mut report = JobActionReport::new("RESULT", &jobs);
    for job in &jobs {
        let done = if dry_run {
            replay::check_cancel(engine, job.id, &args.by.by).await
        } else {
            replay::cancel_job(engine, job.id, &args.by.by).await
        };
        let one = match done {
            Ok(()) if dry_run => Ok("would be cancelled".to_owned()),
            Ok(()) => Ok("cancelled".to_owned()),
            // Of many, one that can't be is left; asked for by name, it is a refusal.
            Err(EngineError::Refused(why)) if args.job.is_none() => Ok(format!("left: {why}")),
            Err(error @ EngineError::Refused(_)) => return Err(error.into()),
            Err(error) => Err(error),
        };
        let one = one.map(|words| (words.clone(), json!(words)));
        report.add(job, "result", one, out);
    }
    report.show(dry_run, out)
}

fn attempt_table(attempts: &[Attempt], out: &Output<'_>) -> Table {
    let mut table = Table::new(&["ENDED", "FENCE", "RESULT", "WHY"]);
    for attempt in attempts {
        table.row([
            out.time(attempt.ended_at),
            attempt.fence.to_string(),
            attempt.result.clone(),
            why(attempt.error.as_ref(), attempt.note.as_ref()),
        ]);
    }
    table
}

/// Why it failed, else why it was put off or cancelled.
fn why(error: Option<&JobError>, note: Option<&String>) -> String {
    let error = error.map(|error| format!("{}: {}", error.class, error.message));
    or_dash(error.or_else(|| note.cloned()))
}

fn job_json(job: &Job) -> serde_json::Value {
    json!({
        "id": job.id,
        "key": job.key,
        "kind": job.kind,
        "lane": job.lane,
        "seq": job.seq,
        "state": job.state,
        "run_at": job.run_at,
        "fence": job.fence,
        "failures": job.failures,
        "failing_since": job.failing_since,
        "leased_by": job.leased_by,
        "lease_until": job.lease_until,
        "client": job.client,
        "case": job.case,
        "payload": job.payload,
        "last_error": job.last_error,
        "note": job.note,
        "created_at": job.created_at,
        "changed_at": job.changed_at,
    })
}

fn attempt_json(attempt: &Attempt) -> serde_json::Value {
    json!({
        "fence": attempt.fence,
        "ended_at": attempt.ended_at,
        "result": attempt.result,
        "error": attempt.error,
        "note": attempt.note,
    })
}
