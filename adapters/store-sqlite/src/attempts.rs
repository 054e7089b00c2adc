//! The tries of jobs, as they are read. [`crate::jobs::finish`] writes them.

use relay_core::ids::JobId;
use relay_store::{Attempt, StoreError};
use sqlx::SqliteConnection;

use crate::failure::Failure;
use crate::rows::{ListedRows, Stored, rows};
use crate::values::{RowName, job_error};

/// The columns of a try.
#[derive(sqlx::FromRow)]
struct AttemptRow {
    #[sqlx(rename = "name!: String")]
    name: String,
    id: Vec<u8>,
    fence: i64,
    ended_at: i64,
    result: String,
    error_class: Option<String>,
    error_message: Option<String>,
    error_vendor: Option<String>,
    note: Option<String>,
}

impl Stored for AttemptRow {
    const TABLE: &'static str = "attempts";
    const NAME: &'static str = "name!: String";
    type Value = Attempt;

    fn read(self) -> Result<Attempt, StoreError> {
        let row = RowName::new("attempts", self.name);
        Ok(Attempt {
            job: JobId(row.uuid("job", &self.id)?),
            fence: row.number("fence", self.fence)?,
            ended_at: row.time("ended_at", self.ended_at)?,
            result: self.result,
            error: job_error(self.error_class, self.error_message, self.error_vendor),
            note: self.note,
        })
    }
}

/// The tries of a job, oldest first.
pub(crate) async fn attempts(
    conn: &mut SqliteConnection,
    job: JobId,
) -> Result<ListedRows<Attempt>, Failure> {
    let id = job.0.as_bytes().as_slice();
    rows!(
        conn,
        AttemptRow,
        r#"SELECT a.job || '/' || a.fence AS "name!: String", j.id, a.fence, a.ended_at, a.result,
             a.error_class, a.error_message, a.error_vendor, a.note
         FROM attempts a JOIN jobs j ON j.seq = a.job
         WHERE j.id = ?1 ORDER BY a.fence"#,
        id
    )?
    .readable()
}
