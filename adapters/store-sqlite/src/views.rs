//! Many questions in one walk: what a step stands on, and what an effect is looked at with.

use relay_core::effects::EffectKind;
use relay_core::ids::{ClientId, EffectKey};
use relay_store::{CASES_IN_VIEW, ClientView, EffectView};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::cases::CaseRow;
use crate::directory::{CoachRow, SettingRow};
use crate::effects::{self, EffectRow, MessageRow};
use crate::failure::Failure;
use crate::receipts::FactColumns;
use crate::rows::{ListedRows, Rows, Stored};
use crate::script::{Script, question};

/// What a client's cases are stepped on.
pub(crate) async fn client(
    conn: &mut SqliteConnection,
    client: &ClientId,
) -> Result<ListedRows<ClientView>, Failure> {
    let client = client.as_str();
    let mut script = Script::default();
    question!(
        script,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases WHERE client = ?1 AND status <> 'closed' ORDER BY opened_at, seq",
        client
    )?;
    question!(
        script,
        FactColumns,
        "SELECT seq, object, source_time, client, body, receipt, learned_at
         FROM facts WHERE client = ?1 ORDER BY source_time, seq",
        client
    )?;
    question!(
        script,
        CoachRow,
        "SELECT id, name, email, crm_user FROM coaches ORDER BY name, id"
    )?;
    let mut found = script.ask(conn).await?;
    let (open_cases, facts) = (
        all::<CaseRow>(found.next())?,
        all::<FactColumns>(found.next())?,
    );
    // The directory is everybody's: a coach who can't be read stops nobody but her own clients.
    let coaches = Rows::<CoachRow>::new(found.next().unwrap_or_default()).readable()?;
    Ok(ListedRows {
        found: vec![ClientView {
            open_cases,
            facts,
            coaches: coaches.found,
        }],
        damage: coaches.damage,
    })
}

/// What is looked at before an effect is carried out.
pub(crate) async fn effect(
    conn: &mut SqliteConnection,
    key: &EffectKey,
    setting: &str,
) -> Result<Option<EffectView>, Failure> {
    let name = key.as_str();
    let limit = i64::from(CASES_IN_VIEW);
    let mut script = Script::default();
    question!(
        script,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects WHERE case_id = (SELECT case_id FROM effects WHERE key = ?1) ORDER BY seq",
        name
    )?;
    question!(
        script,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects WHERE identity = (SELECT identity FROM effects WHERE key = ?1) ORDER BY seq",
        name
    )?;
    // The sum keeps SQLite from planning the statement anew for each limit.
    question!(
        script,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases WHERE client = (SELECT client FROM effects WHERE key = ?1)
         ORDER BY changed_at DESC, seq DESC LIMIT ?2 + 0",
        name,
        limit
    )?;
    question!(
        script,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases WHERE id = (SELECT case_id FROM effects WHERE key = ?1)",
        name
    )?;
    let kind = EffectKind::PortalMessage.as_str();
    question!(
        script,
        MessageRow,
        r#"SELECT seq, vendor_ref AS "vendor_ref!" FROM effects
         WHERE client = (SELECT client FROM effects WHERE key = ?1) AND kind = ?2
           AND vendor_ref IS NOT NULL AND state = 'done'
         ORDER BY seq"#,
        name,
        kind
    )?;
    question!(
        script,
        SettingRow,
        "SELECT key, value FROM settings WHERE key = ?1",
        setting
    )?;
    let mut found = script.ask(conn).await?;
    let of_case = all::<EffectRow>(found.next())?;
    let same = all::<EffectRow>(found.next())?;
    let cases = all::<CaseRow>(found.next())?;
    let case = all::<CaseRow>(found.next())?.pop();
    let messages = all::<MessageRow>(found.next())?;
    let setting = all::<SettingRow>(found.next())?.pop();
    let this = match of_case.iter().find(|effect| effect.key() == key) {
        Some(effect) => Some(effect.clone()),
        // It belongs to no case.
        None => effects::get(conn, key).await?,
    };
    Ok(this.map(|effect| EffectView {
        effect,
        case,
        of_case,
        same,
        cases,
        messages,
        setting: setting.map(|(_, value)| value),
    }))
}

/// The rows of one question, read: a decision is taken on them.
fn all<R: Stored>(rows: Option<Vec<SqliteRow>>) -> Result<Vec<R::Value>, Failure> {
    Rows::<R>::new(rows.unwrap_or_default()).all()
}
