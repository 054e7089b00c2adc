//! `work`: what people must do.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use relay_core::case::CaseStatus;
use relay_core::clients::Coach;
use relay_core::effects::{EffectInput, EffectKind, Settled};
use relay_core::ids::{CoachId, WorkItemId};
use relay_core::outside::short_line;
use relay_core::time::Date;
use relay_core::time_off::TimeOffList;
use relay_core::workflows::PROGRAM_MANAGER;
use relay_store::{Effect, EffectState, Page, Store, WorkItem};
use serde_json::{Value, json};

use super::args::{By, DryRun, Paging};
use super::clocks;
use super::error::CliError;
use super::output::{Output, Table, or_dash};
use crate::effects::vendor_ref;
use crate::engine::Engine;
use crate::engine::commands::cases::parse_action;
use crate::engine::commands::work;
use crate::engine::inbox;
use crate::engine::incidents;
use crate::engine::ready::checked;
use crate::engine::time_off;
use crate::remedy::RemedyCommand;

/// `work …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum WorkCommand {
    /// List what is open, by due time.
    List(ListArgs),
    /// Show an item with all that is needed to do it: the text that is ready, number, evidence.
    Show {
        /// The item.
        #[arg(value_name = "ITEM")]
        item: WorkItemId,
    },
    /// Settle an item by one of its actions.
    Done(DoneArgs),
}

/// `work list`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ListArgs {
    /// Of this owner only: a coach's id, or a role such as `program_manager`, admin. Of a coach who acts for another
    /// one, also what is that one's.
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// Which part of the list is shown.
    #[command(flatten)]
    pub paging: Paging,
}

/// `work done`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DoneArgs {
    /// The item.
    #[arg(value_name = "ITEM")]
    pub item: WorkItemId,
    /// Which of the item's actions, where it has more than one.
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// What the action needs to know: a date for `promised`, an outcome for a call.
    #[arg(long, value_name = "TEXT")]
    pub with: Option<String>,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Lists open items.
pub async fn list(
    store: &dyn Store,
    args: &ListArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let acting = ActingNow::read(store, out).await?;
    let items = match &args.owner {
        None => store.open_work(None, args.paging.page()).await?,
        Some(owner) => acting.items(store, owner, args.paging.page()).await?,
    };
    let (mut human, stopped) = super::outreach::head(store, out).await?;
    let json = json!({ "outreach_stopped": stopped,
                       "work": acting.json(&items) });
    human.push_str(&table(&items, &acting, out).render("nothing to be done"));
    Ok(out.emit(&json, &human)?)
}

/// Who acts for whom today (A25), and what coaches are called.
pub(super) struct ActingNow {
    time_off: TimeOffList,
    today: Date,
    coaches: Vec<Coach>,
}

impl ActingNow {
    /// As it is stored.
    pub(super) async fn read(store: &dyn Store, out: &Output<'_>) -> Result<Self, CliError> {
        let (clocks, _) = clocks::of_command(store).await?;
        Ok(Self {
            time_off: time_off::list(store).await?,
            today: out.zone().to_datetime(clocks.procedure.now()).date(),
            coaches: store.coaches().await?,
        })
    }

    /// Who acts for an item's owner, where somebody does.
    fn acting(&self, item: &WorkItem) -> Option<CoachId> {
        let owner = CoachId::from(item.owner.as_str());
        let acting = self.time_off.acting_for(&owner, self.today);
        acting.while_away.map(|_| acting.coach.clone())
    }

    /// An item's owner, and who acts for her, where somebody does.
    fn owner(&self, item: &WorkItem) -> String {
        let owner = self.named(&item.owner);
        match self.acting(item) {
            Some(acting) => format!("{owner}, {} acts", self.named(acting.as_str())),
            None => owner,
        }
    }

    /// Somebody as staff know her, with the id that commands take where she is a coach.
    fn named(&self, owner: &str) -> String {
        let coach = self.coaches.iter().find(|coach| coach.id.as_str() == owner);
        coach.map_or_else(
            || owner.to_owned(),
            |coach| format!("{} ({owner})", short_line(&coach.name, 60)),
        )
    }

    /// Items as documents.
    pub(super) fn json(&self, items: &[WorkItem]) -> Vec<Value> {
        items.iter().map(|item| self.item_json(item)).collect()
    }

    fn item_json(&self, item: &WorkItem) -> Value {
        json!({
            "id": item.id,
            "kind": item.kind,
            "owner": item.owner,
            "acting": self.acting(item),
            "title": item.title,
            "detail": checked(&item.detail, self.today),
            "actions": item.actions,
            "client": item.client,
            "case": item.case,
            "effect": item.effect,
            "opened_at": item.opened_at,
            "due": item.due,
            "remind_at": item.remind_at,
            "reminders": item.reminders,
            "settled": item.settled,
        })
    }

    /// What is open for `owner`: her own, and that of every coach for whom she acts.
    async fn items(
        &self,
        store: &dyn Store,
        owner: &str,
        page: Page,
    ) -> Result<Vec<WorkItem>, CliError> {
        let herself = CoachId::from(owner);
        let acts_for =
            |coach: &&CoachId| *self.time_off.acting_for(coach, self.today).coach == herself;
        let relying = self.time_off.relying_on(&herself, self.today);
        let owners = [&herself]
            .into_iter()
            .chain(relying.into_iter().filter(acts_for));
        let first = Page {
            offset: 0,
            limit: page.offset.saturating_add(page.limit),
        };
        let mut items = Vec::new();
        for owner in owners {
            items.extend(store.open_work(Some(owner.as_str()), first).await?);
        }
        items.sort_by_key(|item| (item.due, item.id));
        let (skip, limit) = (page.offset as usize, page.limit as usize);
        Ok(items.into_iter().skip(skip).take(limit).collect())
    }
}

/// Settles an item by one of its actions, or says what that would do.
pub async fn done(engine: &Engine, args: &DoneArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let item = find(engine.store.as_ref(), args.item).await?;
    let action = match (&args.action, item.actions.as_slice()) {
        (Some(action), known) if known.contains(action) => action.clone(),
        (Some(action), known) => {
            return Err(CliError::Usage(format!(
                "{action:?} is not one of this item's actions: {}",
                known.join(", ")
            )));
        }
        (None, [only]) => only.clone(),
        (None, several) => {
            return Err(CliError::Usage(format!(
                "this item can be settled in several ways; add --action with one of: {}",
                several.join(", ")
            )));
        }
    };
    if action == "linked" {
        // Settling it would only hide that she has no contact.
        return Err(CliError::Usage(format!(
            "this item ends with the link itself: {}",
            RemedyCommand::ClientsLink(item.client.as_ref())
        )));
    }
    let text = args.with.as_deref();
    if let Some(decision) = parse_action(&action, text)? {
        super::cases::refuse_past(engine, &decision)?;
    }
    if args.dry_run.dry_run {
        let mut lines = Vec::new();
        if item.kind != incidents::INCIDENT {
            lines.push(format!("the item is settled as {action} by {}", args.by.by));
        }
        let does = work::preview_settling(engine, args.item, &args.by.by, &action, text);
        lines.extend(does.await?);
        return Ok(out.emit(&json!({ "would": lines }), &lines.join("\n"))?);
    }
    work::settle_work(engine, args.item, &args.by.by, &action, text).await?;
    let paused = still_paused(engine.store.as_ref(), &item).await?;
    // An incident's item ends with the incident, whatever a person has tried.
    let open = find(engine.store.as_ref(), args.item)
        .await?
        .settled
        .is_none();
    let mut human = if open {
        format!("done: {action}; the item stays until what it is about is over")
    } else {
        format!("settled: {action}")
    };
    if let Some(reason) = &paused {
        let more = RemedyCommand::WorkList;
        let _ = write!(
            human,
            "\nher case is still paused: {reason}; `{more}` shows what is asked"
        );
    }
    let json = json!({ "settled": (!open).then_some(args.item), "action": action,
                       "still_paused": paused });
    Ok(out.emit(&json, &human)?)
}

/// What the item's case is paused for besides: one answer lifts one pause.
async fn still_paused(store: &dyn Store, item: &WorkItem) -> Result<Option<String>, CliError> {
    let Some(case) = item.case else {
        return Ok(None);
    };
    let case = store.case(case).await?;
    Ok(case.and_then(|case| match case.status {
        CaseStatus::Paused { reason } => Some(reason),
        _ => None,
    }))
}

async fn find(store: &dyn Store, id: WorkItemId) -> Result<WorkItem, CliError> {
    store
        .work_item(id)
        .await?
        .ok_or_else(|| CliError::NotFound {
            what: "work item",
            id: id.to_string(),
        })
}

/// Shows an item with its detail.
pub async fn show(store: &dyn Store, id: WorkItemId, out: &mut Output<'_>) -> Result<(), CliError> {
    let item = find(store, id).await?;
    let acting = ActingNow::read(store, out).await?;
    let settled = item.settled.as_ref();
    let mut human = format!(
        "{}\n\nitem      {}\nkind      {}\nowner     {}\nclient    {}\ncase      {}\n\
         due       {}\nactions   {}\nsettled   {}\n\n",
        title(&item),
        item.id,
        item.kind,
        acting.owner(&item),
        or_dash(item.client.as_ref()),
        or_dash(item.case),
        out.time(item.due),
        item.actions.join(", "),
        or_dash(settled.map(|end| format!("{} by {}, {}", end.action, end.by, out.time(end.at)))),
    );
    outline(&mut human, &checked(&item.detail, acting.today), 0);
    let task = inbox_task(store, &item).await?;
    if let Some(told) = &task {
        // Writing to a string can't fail.
        let _ = writeln!(human, "\n{told}");
    }
    if settled.is_none() {
        for action in item.actions.iter().filter(|action| *action != "linked") {
            // Writing to a string can't fail.
            let _ = writeln!(human, "\n{}", RemedyCommand::WorkDone(item.id, action));
        }
    }
    Ok(out.emit(
        &json!({ "work": acting.item_json(&item), "task": task }),
        &human,
    )?)
}

/// Whether an open item stands in a task of whoever is asked, or why not.
async fn inbox_task(store: &dyn Store, item: &WorkItem) -> Result<Option<String>, CliError> {
    let Some(client) = item.client.as_ref().filter(|_| item.settled.is_none()) else {
        return Ok(None);
    };
    // The manager's own task of it, else that of the client's coach.
    let (_, of_manager) = inbox::manager::latest(store, client, item.id).await?;
    let of_coach = store.latest_of_client(client, EffectKind::WorkTask).await?;
    let shows = |effect: &Effect| match &effect.planned.input {
        EffectInput::WorkTask { items, .. } => items.contains(&item.id),
        _ => false,
    };
    let mut tasks = of_coach.into_iter().chain(of_manager).filter(shows);
    let Some(effect) = tasks.next_back() else {
        return Ok(None);
    };
    let EffectInput::WorkTask { coach, .. } = &effect.planned.input else {
        return Ok(None);
    };
    let coach = match coach.as_str() {
        PROGRAM_MANAGER => "the Program Manager",
        coach => coach,
    };
    Ok(Some(match (effect.state, &effect.settled) {
        (EffectState::Done, _) => match vendor_ref(&effect) {
            Some(task) => format!("asked of {coach} in task {task} of the CRM"),
            None => format!("asked of {coach} in a task of the CRM"),
        },
        (EffectState::Proposed, _) => {
            "would be asked in a task of the CRM (propose mode)".to_owned()
        }
        (_, Some(Settled::Overtaken { by })) => {
            format!("not in a task of the CRM, for {by}; the daily comparison tries again")
        }
        (state, _) => format!("a task of the CRM for {coach} is {}", state.as_str()),
    }))
}

/// Stored detail for a person's eyes: a name and its value a line, texts as they are.
pub(super) fn outline(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (format!("{}:", name.replace('_', " ")), member))
            .collect(),
        Value::Array(items) => items.iter().map(|item| ("-".to_owned(), item)).collect(),
        _ => Vec::new(),
    };
    for (name, member) in members {
        // Writing to a string can't fail.
        let _ = match member {
            Value::Null => Ok(()),
            Value::Object(_) | Value::Array(_) => {
                let written = writeln!(text, "{indent}{name}");
                outline(text, member, depth + 1);
                written
            }
            Value::String(said) => writeln!(text, "{indent}{name} {said}"),
            other => writeln!(text, "{indent}{name} {other}"),
        };
    }
}

/// What an item is called. Of a proposal the client has had nothing, and nobody is to go on as if she had.
fn title(item: &WorkItem) -> String {
    if item.detail["proposal"] == true {
        format!("[proposal, nothing was sent] {}", item.title)
    } else {
        item.title.clone()
    }
}

pub(super) fn table(items: &[WorkItem], acting: &ActingNow, out: &Output<'_>) -> Table {
    let mut table = Table::new(&["ITEM", "DUE", "OWNER", "CLIENT", "KIND", "ACTIONS", "WHAT"]);
    for item in items {
        table.row([
            item.id.to_string(),
            out.time(item.due),
            acting.owner(item),
            or_dash(item.client.as_ref()),
            item.kind.clone(),
            item.actions.join(","),
            title(item),
        ]);
    }
    table
}
