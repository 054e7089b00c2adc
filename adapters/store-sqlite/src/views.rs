//! Many questions in one walk: what a step stands on, and what an effect is looked at with.

use relay_core::clients::Coach;
use relay_core::effects::EffectKind;
use relay_core::ids::{ClientId, CoachId, CrmUserId, EffectKey};
use relay_store::{CASES_IN_VIEW, ClientView, EffectView, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, SqliteConnection};

use crate::cases::CaseRow;
use crate::effects::EffectRow;
use crate::failure::Failure;
use crate::receipts::FactColumns;
use crate::script::{Script, question};
use crate::values::Reading;

#[derive(FromRow)]
struct CoachRow {
    id: String,
    name: String,
    email: String,
    crm_user: Option<String>,
}

impl CoachRow {
    fn read(self) -> Coach {
        Coach {
            id: CoachId(self.id),
            name: self.name,
            email: self.email,
            crm_user: self.crm_user.map(CrmUserId),
        }
    }
}

#[derive(FromRow)]
struct MessageRow {
    // As the checked statement names it.
    #[sqlx(rename = "vendor_ref!")]
    vendor_ref: String,
}

#[derive(FromRow)]
struct SettingRow {
    value: String,
}

/// What a client's cases are stepped on.
pub(crate) async fn client(
    conn: &mut SqliteConnection,
    client: &ClientId,
) -> Result<ClientView, Failure> {
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
    Ok(ClientView {
        open_cases: each(found.next(), CaseRow::read)?,
        facts: each(found.next(), FactColumns::read)?,
        coaches: each(found.next(), |row: CoachRow| Ok(row.read()))?,
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
        "SELECT seq, key, case_id, client, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, created_at, changed_at
         FROM effects WHERE case_id = (SELECT case_id FROM effects WHERE key = ?1) ORDER BY seq",
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
        r#"SELECT vendor_ref AS "vendor_ref!" FROM effects
         WHERE client = (SELECT client FROM effects WHERE key = ?1) AND kind = ?2
           AND vendor_ref IS NOT NULL AND state = 'done'
         ORDER BY seq"#,
        name,
        kind
    )?;
    question!(
        script,
        SettingRow,
        "SELECT value FROM settings WHERE key = ?1",
        setting
    )?;
    let mut found = script.ask(conn).await?;
    let of_case = each(found.next(), EffectRow::read)?;
    let cases = each(found.next(), CaseRow::read)?;
    let case = each(found.next(), CaseRow::read)?.pop();
    let messages = each(found.next(), |row: MessageRow| Ok(row.vendor_ref))?;
    let value = |row: SettingRow| Reading::new("settings", setting).json("value", &row.value);
    let setting = each(found.next(), value)?.pop();
    let this = of_case.iter().find(|effect| effect.key() == key).cloned();
    Ok(this.map(|effect| EffectView {
        effect,
        case,
        of_case,
        cases,
        messages,
        setting,
    }))
}

/// The rows of one question, read.
fn each<R, T>(
    rows: Option<Vec<SqliteRow>>,
    read: impl Fn(R) -> Result<T, StoreError>,
) -> Result<Vec<T>, Failure>
where
    R: for<'r> FromRow<'r, SqliteRow>,
{
    let rows = rows.unwrap_or_default();
    rows.iter()
        .map(|row| Ok(read(R::from_row(row)?)?))
        .collect()
}
