//! `cases`: where each client's procedure stands, and why.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use relay_core::case::{Case, CaseStatus, TimelineEntry, Wait};
use relay_core::ids::{CaseId, CheckInId, ClientId};
use relay_core::time::Date;
use relay_core::work_kinds;
use relay_core::workflow::Action;
use relay_store::{CaseFilter, Effect, Page, Store, WorkItem};
use serde_json::json;

use super::args::{By, DryRun, Paging, words};
use super::error::CliError;
use super::output::{Output, Table};
use super::repin::{self, RepinArgs};
use super::{decision, messages, told, work};
use crate::engine::Engine;
use crate::engine::commands::{cases, open, preview};
use crate::remedy::RemedyCommand;

/// `cases …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CasesCommand {
    /// List cases, newest change first; says so if outreach is stopped.
    List(ListArgs),
    /// Show a case: where it stands, its history, its effects, what people must do.
    Show {
        /// The case.
        #[arg(value_name = "CASE")]
        case: CaseId,
    },
    /// Show why: the history with the sentence of the SOP and the stored evidence of each line.
    Explain {
        /// The case.
        #[arg(value_name = "CASE")]
        case: CaseId,
    },
    /// Open a case for a client who has missed a check-in and is not followed up.
    Open(OpenArgs),
    /// Pause all outreach of a case.
    Pause(PauseArgs),
    /// Let a paused or held case go on with its next step.
    Resume(ResumeArgs),
    /// Close a case for good.
    Close(CloseArgs),
    /// Move an open case to the version of its procedure that is in force.
    Repin(RepinArgs),
}

/// `cases list`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ListArgs {
    /// Of this client only.
    #[arg(long, value_name = "CLIENT")]
    pub client: Option<ClientId>,
    /// Of this procedure only.
    #[arg(long, value_name = "NAME")]
    pub procedure: Option<String>,
    /// Also closed ones.
    #[arg(long)]
    pub all: bool,
    /// Which part of the list is shown.
    #[command(flatten)]
    pub paging: Paging,
}

/// `cases open`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct OpenArgs {
    /// The client, by her id in the portal.
    #[arg(value_name = "CLIENT")]
    pub client: ClientId,
    /// The check-in; without: the latest that is open and overdue.
    #[arg(long, value_name = "ID")]
    pub check_in: Option<CheckInId>,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `cases pause`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PauseArgs {
    /// The case.
    #[arg(value_name = "CASE")]
    pub case: CaseId,
    /// Why, in one line.
    #[arg(long, value_name = "TEXT", value_parser = words)]
    pub reason: String,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `cases resume`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ResumeArgs {
    /// The case.
    #[arg(value_name = "CASE")]
    pub case: CaseId,
    /// Not at once: the client promised to check in by this date.
    #[arg(long, value_name = "DATE")]
    pub promised: Option<Date>,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `cases close`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CloseArgs {
    /// The case.
    #[arg(value_name = "CASE")]
    pub case: CaseId,
    /// Why, in one line.
    #[arg(long, value_name = "TEXT", value_parser = words)]
    pub reason: String,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Lists cases.
pub async fn list(
    store: &dyn Store,
    args: &ListArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let filter = CaseFilter {
        client: args.client.clone(),
        procedure: args.procedure.clone(),
        closed: args.all,
    };
    let cases = store.cases(&filter, args.paging.page()).await?;
    let (mut human, stopped) = super::outreach::head(store, out).await?;
    human.push_str(&table(&cases, out).render("no case"));
    if cases.is_empty() {
        human.push_str(&overdue_from_before(store).await?);
    }
    Ok(out.emit(
        &json!({ "outreach_stopped": stopped, "cases": cases }),
        &human,
    )?)
}

/// That check-ins from before stand in the list of work, where nobody is followed up.
async fn overdue_from_before(store: &dyn Store) -> Result<String, CliError> {
    let open = store.open_work(None, Page::default()).await?;
    let listed = open
        .iter()
        .filter(|item| item.kind == work_kinds::BACKLOG)
        .count();
    Ok(match listed {
        0 => String::new(),
        1 => format!(
            "\none check-in was overdue before the follow-up was switched on: `{}`\n",
            RemedyCommand::WorkList
        ),
        more => format!(
            "\n{more} check-ins were overdue before the follow-up was switched on: `{}`\n",
            RemedyCommand::WorkList
        ),
    })
}

pub(super) fn table(cases: &[Case], out: &Output<'_>) -> Table {
    let mut table = Table::new(&[
        "CASE",
        "CLIENT",
        "STATUS",
        "STEP",
        "MODE",
        "CHANGED",
        "WAITS FOR, OR WHY CLOSED",
    ]);
    for case in cases {
        table.row([
            case.id.to_string(),
            case.client.to_string(),
            case.status.as_str().to_owned(),
            case.step.clone(),
            format!("{:?}", case.mode).to_lowercase(),
            out.time(case.changed_at),
            waits_for(case, out),
        ]);
    }
    table
}

fn waits_for(case: &Case, out: &Output<'_>) -> String {
    match (&case.wait, &case.status) {
        (Some(Wait::Timer { until, why }), _) => format!("{}: {why}", out.time(*until)),
        (Some(Wait::Person { who, why, .. }), _) => format!("{who}: {why}"),
        (Some(Wait::Effect { key }), _) => format!("effect {key}"),
        (Some(Wait::Read { what }), _) => format!("read of {what}"),
        (None, CaseStatus::Closed { reason }) => reason.clone(),
        (None, _) => "-".to_owned(),
    }
}

/// Shows a case.
pub async fn show(store: &dyn Store, id: CaseId, out: &mut Output<'_>) -> Result<(), CliError> {
    let case = find(store, id).await?;
    let timeline = store.timeline(id).await?;
    let effects = store.effects(id).await?;
    let items = store.case_work(id).await?;
    let acting = work::ActingNow::read(store, out).await?;
    let json = json!({
        "case": case,
        "timeline": timeline,
        "effects": effects.iter().map(effect_json).collect::<Vec<_>>(),
        "work": acting.json(&items),
    });
    let mut human = head(&case, out);
    human.push_str(&history(&timeline, out, false));
    human.push_str("\nEffects\n");
    human.push_str(&effect_table(&effects, out).render("none\n"));
    let open: Vec<WorkItem> = items
        .into_iter()
        .filter(|item| item.settled.is_none())
        .collect();
    human.push_str("\nTo be done by people\n");
    human.push_str(&work::table(&open, &acting, out).render("nothing\n"));
    Ok(out.emit(&json, &human)?)
}

/// Shows a case's history with the evidence of each line.
pub async fn explain(store: &dyn Store, id: CaseId, out: &mut Output<'_>) -> Result<(), CliError> {
    let case = find(store, id).await?;
    let timeline = store.timeline(id).await?;
    let mut human = head(&case, out);
    human.push_str(&history(&timeline, out, true));
    let effects = store.effects(id).await?;
    human.push_str(&messages::as_text(&effects, out));
    let told = told::of_case(store, &case).await?;
    human.push_str(&told::as_text(&told, out));
    let told = told::as_json(&told);
    let all = json!({ "case": case, "timeline": timeline, "messages": messages::as_json(&effects),
                      "engagement": told });
    Ok(out.emit(&all, &human)?)
}

async fn find(store: &dyn Store, id: CaseId) -> Result<Case, CliError> {
    store.case(id).await?.ok_or_else(|| CliError::NotFound {
        what: "case",
        id: id.to_string(),
    })
}

fn head(case: &Case, out: &Output<'_>) -> String {
    format!(
        "case       {}\nclient     {}\nprocedure  {} ({}, {:?} mode)\nstatus     {} in {}\n\
         {}  {}\nopened     {}\n",
        case.id,
        case.client,
        case.procedure,
        case.procedure_hash
            .get(..12)
            .unwrap_or(&case.procedure_hash),
        case.mode,
        case.status.as_str(),
        case.step,
        if case.status.is_closed() {
            "because  "
        } else {
            "waits for"
        },
        waits_for(case, out),
        out.time(case.opened_at),
    )
    .replace("Propose mode", "propose mode")
    .replace("Act mode", "act mode")
}

fn history(timeline: &[TimelineEntry], out: &Output<'_>, evidence: bool) -> String {
    let mut text = "\nHistory\n".to_owned();
    for entry in timeline {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{}  {}: {}",
            out.time(entry.at),
            entry.step,
            entry.text
        );
        if let (true, Some(sop)) = (evidence, &entry.sop) {
            let _ = writeln!(text, "    SOP: {sop}");
        }
        if let (true, Some(detail)) = (evidence, &entry.detail) {
            let words = decision::in_sentences(detail, out).unwrap_or_else(|| {
                let mut words = String::new();
                work::outline(&mut words, detail, 0);
                words
            });
            for line in words.lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    text
}

fn effect_table(effects: &[Effect], out: &Output<'_>) -> Table {
    let mut table = Table::new(&["KIND", "STATE", "INTENTS", "CHANGED", "KEY"]);
    for effect in effects {
        table.row([
            effect.kind().as_str().to_owned(),
            effect.state.as_str().to_owned(),
            effect.revision.to_string(),
            out.time(effect.changed_at),
            effect.key().to_string(),
        ]);
    }
    table
}

fn effect_json(effect: &Effect) -> serde_json::Value {
    let planned = &effect.planned;
    json!({
        "key": effect.key(),
        "kind": effect.kind(),
        "state": effect.state,
        "planned": {
            "key": planned.key,
            "client": planned.scope.client(),
            "blocking": planned.blocking,
            "not_before": planned.not_before,
            "input": planned.input,
        },
        "revision": effect.revision,
        "request": effect.request,
        "settled": effect.settled,
        "created_at": effect.created_at,
        "changed_at": effect.changed_at,
    })
}

/// Pauses, resumes or closes a case, or says what that would do.
pub async fn decide(
    engine: &Engine,
    command: &CasesCommand,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (case, action, by, dry_run) = match command {
        CasesCommand::Pause(args) => {
            let reason = args.reason.clone();
            (args.case, Action::Pause { reason }, &args.by, args.dry_run)
        }
        CasesCommand::Resume(args) => {
            let action = match args.promised {
                Some(until) => Action::Promised { until },
                None => Action::Resume,
            };
            (args.case, action, &args.by, args.dry_run)
        }
        CasesCommand::Close(args) => {
            let reason = args.reason.clone();
            (args.case, Action::Close { reason }, &args.by, args.dry_run)
        }
        CasesCommand::Open(args) => return open(engine, args, out).await,
        CasesCommand::Repin(args) => return repin::repin(engine, args, out).await,
        CasesCommand::List(_) | CasesCommand::Show { .. } | CasesCommand::Explain { .. } => {
            return Err(CliError::NotBuilt("cases"));
        }
    };
    refuse_past(engine, &action)?;
    if dry_run.dry_run {
        let lines = preview::preview_decision(engine, case, &by.by, &action).await?;
        return Ok(out.emit(&json!({ "would": lines }), &lines.join("\n"))?);
    }
    cases::decide_case(engine, case, &by.by, action).await?;
    show(engine.store.as_ref(), case, out).await
}

/// Opens a case, or says what that would do.
async fn open(engine: &Engine, args: &OpenArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let check_in = args.check_in.as_ref();
    if args.dry_run.dry_run {
        let lines = open::preview_open(engine, &args.client, check_in).await?;
        return Ok(out.emit(&json!({ "would": lines }), &lines.join("\n"))?);
    }
    let case = open::open_case(engine, &args.client, check_in, &args.by.by).await?;
    show(engine.store.as_ref(), case, out).await
}

/// A promise is about a day to come; one of the past is a slip of the hand.
pub(super) fn refuse_past(engine: &Engine, action: &Action) -> Result<(), CliError> {
    let today = engine.calendar.date_of(engine.now());
    match action {
        Action::Promised { until } if *until < today => Err(CliError::Usage(format!(
            "she can't have promised {until}: today is {today}"
        ))),
        _ => Ok(()),
    }
}
