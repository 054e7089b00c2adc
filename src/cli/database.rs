//! `database check`, `database mend`, `database discard`: rows that can't be read.

use clap::{Args, Subcommand};
use relay_core::time::Timestamp;
use relay_store::{
    AuditEntry, Batch, Damage, Op, Remedied, Remedy, RemedyOrder, Store, WorkSettled,
};
use serde_json::{Value, json};

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::{Output, Table};
use crate::engine::{damage_key, meaning};

/// `database ...`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DatabaseCommand {
    /// Read every row, and name those that can't be read.
    Check,
    /// Make what can't be read in a row anew from the rest of the database; what stood there is kept.
    Mend(RowArgs),
    /// Take a row out that can't be read, where nothing can be sent twice for the lack of it, and mend
    /// it else; what stood there is kept.
    Discard(RowArgs),
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RowArgs {
    /// The table, as `database check` names it.
    pub table: String,
    /// The row, as `database check` names it.
    pub row: String,
    /// Who.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Carries out a command; `now` is procedure time.
pub(super) async fn run(
    store: &dyn Store,
    command: &DatabaseCommand,
    now: Timestamp,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    match command {
        DatabaseCommand::Check => check(store, out).await,
        DatabaseCommand::Mend(args) => remedy(store, args, Remedy::Mend, now, out).await,
        DatabaseCommand::Discard(args) => remedy(store, args, Remedy::Discard, now, out).await,
    }
}

async fn check(store: &dyn Store, out: &mut Output<'_>) -> Result<(), CliError> {
    let damage = store.check_rows().await?;
    let document: Vec<Value> = damage.iter().map(described).collect();
    let mut table = Table::new(&["TABLE", "ROW", "COLUMN", "WHAT IT IS"]);
    for damage in &damage {
        let Damage {
            table: of,
            row,
            column,
        } = damage;
        let what = meaning(of).to_owned();
        table.row([of.clone(), row.clone(), column.clone(), what]);
    }
    let mut text = table.render("every row can be read");
    if !damage.is_empty() {
        text.push_str(
            "\n`clear-relay database mend TABLE ROW --by NAME --dry-run` shows what can be done",
        );
    }
    out.emit(&json!({ "unreadable": document }), &text)?;
    match damage.len() {
        0 => Ok(()),
        1 => Err(CliError::Failed("1 row can't be read".to_owned())),
        many => Err(CliError::Failed(format!("{many} rows can't be read"))),
    }
}

fn described(damage: &Damage) -> Value {
    let Damage { table, row, column } = damage;
    json!({ "table": table, "row": row, "column": column, "meaning": meaning(table) })
}

async fn remedy(
    store: &dyn Store,
    args: &RowArgs,
    remedy: Remedy,
    now: Timestamp,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let damage = Damage {
        table: args.table.clone(),
        row: args.row.clone(),
        column: String::new(),
    };
    let dry_run = args.dry_run.dry_run;
    let order = RemedyOrder {
        damage: damage.clone(),
        remedy,
        by: args.by.by.clone(),
        now,
        dry_run,
    };
    let done = store.remedy(&order).await?;
    let (RowArgs { table, row, .. }, would) = (args, if dry_run { "would be " } else { "" });
    let (what, columns, text) = match &done {
        Remedied::Nothing => {
            return Err(CliError::Failed(format!(
                "row {row} of {table} can be read, or is not there; `clear-relay database check` \
                 names the rows that can't"
            )));
        }
        Remedied::SetAside => ("set_aside", Vec::new(), format!("{would}set aside")),
        Remedied::Mended(columns) => {
            let named = columns.join(", ");
            ("mended", columns.clone(), format!("{would}mended: {named}"))
        }
        Remedied::Discarded => ("discarded", Vec::new(), format!("{would}taken out")),
    };
    if !dry_run {
        settle(store, &damage, what, &args.by.by, now).await?;
    }
    let document = json!({ "table": table, "row": row, "done": what, "columns": columns,
                           "dry_run": dry_run });
    Ok(out.emit(&document, &format!("row {row} of {table}: {text}"))?)
}

/// The item about the row is settled, and the audit log says who did it.
async fn settle(
    store: &dyn Store,
    damage: &Damage,
    what: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), CliError> {
    let ops = vec![
        Op::SettleWorkByKey {
            dedupe_key: damage_key(damage),
            settled: WorkSettled {
                at: now,
                by: by.to_owned(),
                action: what.to_owned(),
            },
        },
        Op::Audit(AuditEntry {
            at: now,
            who: by.to_owned(),
            what: format!("database.{what}"),
            object: format!("{}/{}", damage.table, damage.row),
            detail: json!({}),
        }),
    ];
    store.commit(Batch::from(ops)).await?;
    Ok(())
}
