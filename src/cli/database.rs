//! `database check`, `database mend`, `database discard`: rows that can't be read.

use clap::{Args, Subcommand};
use relay_core::time::Timestamp;
use relay_store::{
    AuditEntry, Batch, CarefulWord, Damage, Op, Remedied, Remedy, RemedyOrder, Store, StoredWord,
    WorkSettled,
};
use serde_json::{Value, json};

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::{Output, Table};
use crate::engine::damage::{damage_key, meaning};
use crate::remedy::RemedyCommand;

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
    /// Who does it, for the audit log.
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
    let follows = match table.as_str() {
        "settings" => follows(store, args, remedy).await?,
        _ => Vec::new(),
    };
    let document = json!({ "table": table, "row": row, "done": what, "columns": columns,
                           "follows": follows, "dry_run": dry_run });
    let mut text = format!("row {row} of {table}: {text}");
    for follows in follows {
        text.push('\n');
        text.push_str(&follows);
    }
    Ok(out.emit(&document, &text)?)
}

/// What the careful words say that stand in the place of a setting, now or after a dry run.
async fn follows(
    store: &dyn Store,
    args: &RowArgs,
    remedy: Remedy,
) -> Result<Vec<String>, CliError> {
    let RowArgs { row, dry_run, .. } = args;
    let mut follows = Vec::new();
    for word in CarefulWord::ALL {
        let named = word.key() == *row;
        // One without a name may have been any of those that nobody has said.
        let nameless = row.starts_with("x'");
        let careful = match word.ask(store).await? {
            StoredWord::Unreadable(damage) => damage.row == *row,
            // It is taken for what it says, and so it is mended; taken out it may have said anything.
            StoredWord::Word(_) if dry_run.dry_run => {
                let taken_out = nameless && remedy == Remedy::Discard;
                taken_out && store.setting(word.key()).await?.is_none()
            }
            StoredWord::Word(said) => (named || nameless) && is_careful(word, &said),
            StoredWord::Nothing => false,
        };
        if careful {
            follows.push(match word {
                CarefulWord::Outreach => format!("outreach counts as stopped until: {}", RemedyCommand::Resume),
                CarefulWord::OldMemory => "the database counts as one that may not know what was sent, \
                                           without end: an email whose absence can't be proven waits for \
                                           a word in `work list`"
                    .to_owned(),
                CarefulWord::Generation => "the next start counts the database as one that may not know \
                                            what was sent until then"
                    .to_owned(),
                CarefulWord::ClosedPaths => "every webhook path but the current one is closed; `clear-relay \
                                             hooks sync --finish-rotation` stores which"
                    .to_owned(),
            });
        }
    }
    Ok(follows)
}

/// Whether it is what takes the place of a word that can't be read.
fn is_careful(word: CarefulWord, said: &Value) -> bool {
    let careful = word.careful(Timestamp::UNIX_EPOCH);
    let (Some(said), Some(careful)) = (said.as_object(), careful.as_object()) else {
        return false;
    };
    let mut members = careful.iter().filter(|(name, _)| *name != "at");
    members.all(|(name, value)| said.get(name) == Some(value))
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
