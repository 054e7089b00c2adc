//! What becomes of a setting that can't be read.
//!
//! | the setting | its value | without a key |
//! |---|---|---|
//! | a word of which the careful reading wins ([`CarefulWord`]) | the careful word takes its place, also where it is discarded | it gets its name again, or the careful word is said in its place |
//! | since when a procedure is on | since its first case | the same |
//! | what the relay finds out again by itself | goes at once | goes when a person says so |
//! | anything else | goes when a person says so | the same |

use relay_core::time::Timestamp;
use relay_store::CarefulWord;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::damaged_row::{Anew, DamagedRow, quoted};
use crate::failure::Failure;
use crate::values::json as text_of;

/// How the keys begin of what the relay finds out again: nothing is decided for the lack of it.
const FOUND_AGAIN: [&str; 7] = [
    "clock/latest",
    "engagement_",
    "file/looked_at",
    "hook_handshake/",
    "hook_watch",
    "readiness.",
    "seen/",
];

/// How the keys begin that say since when a procedure is on in a mode.
const SWITCHED_ON: &str = "switched_on/";

/// What is done about a setting before anybody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtOnce {
    /// Nothing: a person says.
    Nothing,
    /// It is made anew.
    Mend,
    /// It goes.
    TakeOut,
}

/// A word that is lost with a row, and what takes its place.
#[derive(Debug)]
pub(crate) struct Lost {
    key: String,
    instead: Value,
}

/// What is done at once.
pub(crate) async fn at_once(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<AtOnce, Failure> {
    if is_text(damaged)
        && FOUND_AGAIN
            .iter()
            .any(|begin| damaged.row.starts_with(begin))
    {
        return Ok(AtOnce::TakeOut);
    }
    // Everybody waits for it, and what takes its place is more careful than what stood there.
    let heals = |key: &str| key.starts_with(SWITCHED_ON) || key == CarefulWord::Generation.key();
    let lost = lost_with(conn, damaged).await?;
    Ok(match lost.as_slice() {
        [one] if heals(&one.key) => AtOnce::Mend,
        _ => AtOnce::Nothing,
    })
}

/// How a column of a setting gets a value again.
pub(crate) async fn anew(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
    column: &str,
) -> Result<Anew, Failure> {
    let lost = lost_with(conn, damaged).await?;
    let [Lost { key, instead }] = lost.as_slice() else {
        return Ok(Anew::Nothing);
    };
    if column == "value" {
        return Ok(Anew::Value(text_of(instead)?));
    }
    let name = quoted(key);
    Ok(Anew::By(match value(conn, damaged).await? {
        Some(_) => format!("key = {name}"),
        None => format!("key = {name}, value = {}", quoted(&instead.to_string())),
    }))
}

/// The words that are lost when this row goes.
pub(crate) async fn lost_with(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<Vec<Lost>, Failure> {
    let careful = |word: CarefulWord| Lost {
        key: word.key().to_owned(),
        instead: word.careful(damaged.now),
    };
    if is_text(damaged) {
        if let Some(word) = CarefulWord::of_key(damaged.row) {
            return Ok(vec![careful(word)]);
        }
        return Ok(since(conn, damaged.row, damaged.now)
            .await?
            .into_iter()
            .collect());
    }
    let (bytes, _) = damaged.table.values(damaged.row);
    let said = value(conn, damaged).await?;
    let mut may_be = Vec::new();
    for word in CarefulWord::ALL {
        let fits = said.as_ref().is_none_or(|said| word.may_be(said));
        if fits && !is_there(conn, word.key()).await? {
            may_be.push(word);
        }
    }
    let near: Vec<_> = may_be
        .iter()
        .filter(|word| is_near(&bytes, word.key()))
        .collect();
    if let [word] = near.as_slice() {
        return Ok(vec![careful(**word)]);
    }
    if let Some(since) = switched_on(conn, &bytes, damaged.now).await? {
        return Ok(vec![since]);
    }
    Ok(may_be.into_iter().map(careful).collect())
}

/// A row is gone: what it may have said is said carefully.
pub(crate) async fn say_instead(conn: &mut SqliteConnection, lost: &[Lost]) -> Result<(), Failure> {
    for Lost { key, instead } in lost {
        let value = text_of(instead)?;
        sqlx::query!(
            "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
            key,
            value
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Whether the row's key is a text: one that is none is named by its bytes.
fn is_text(damaged: DamagedRow<'_>) -> bool {
    let (bytes, _) = damaged.table.values(damaged.row);
    std::str::from_utf8(&bytes).is_ok()
}

/// What the row says, if that can be read.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
async fn value(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<Option<Value>, Failure> {
    let condition = damaged.table.condition();
    let text = format!("SELECT CAST(value AS BLOB) FROM settings WHERE {condition}");
    let (first, second) = damaged.table.values(damaged.row);
    let value = sqlx::query_scalar::<_, Vec<u8>>(AssertSqlSafe(text))
        .bind(first)
        .bind(second)
        .fetch_optional(conn)
        .await?;
    Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
}

async fn is_there(conn: &mut SqliteConnection, key: &str) -> Result<bool, Failure> {
    let found = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!: i64" FROM settings WHERE key = ?1"#,
        key
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Since when a procedure is on, by this key: since its first case in that mode, which is never too
/// early. Where there is none, from now on.
async fn since(
    conn: &mut SqliteConnection,
    key: &str,
    now: Timestamp,
) -> Result<Option<Lost>, Failure> {
    let Some((name, mode)) = key
        .strip_prefix(SWITCHED_ON)
        .and_then(|rest| rest.rsplit_once('/'))
    else {
        return Ok(None);
    };
    let first = sqlx::query_scalar!(
        r#"SELECT min(opened_at) AS "first: i64" FROM cases WHERE procedure = ?1 AND mode = ?2"#,
        name,
        mode
    )
    .fetch_one(conn)
    .await?;
    let first = first.and_then(|first| Timestamp::from_microsecond(first).ok());
    Ok(Some(Lost {
        key: key.to_owned(),
        instead: json!(first.map_or(now, |first| first.min(now))),
    }))
}

/// The same by the bytes of a key, if they were such a key.
async fn switched_on(
    conn: &mut SqliteConnection,
    bytes: &[u8],
    now: Timestamp,
) -> Result<Option<Lost>, Failure> {
    let names = sqlx::query_scalar!("SELECT DISTINCT name FROM procedures")
        .fetch_all(&mut *conn)
        .await
        .unwrap_or_default();
    for name in names {
        for mode in ["propose", "act"] {
            let key = format!("{SWITCHED_ON}{name}/{mode}");
            if is_near(bytes, &key) && !is_there(conn, &key).await? {
                return since(conn, &key, now).await;
            }
        }
    }
    Ok(None)
}

/// Whether the bytes are the key's but for one that changed, came in or was lost.
fn is_near(bytes: &[u8], key: &str) -> bool {
    let key = key.as_bytes();
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let begin = bytes.iter().zip(key).take_while(same).count();
    let end = bytes
        .iter()
        .rev()
        .zip(key.iter().rev())
        .take_while(same)
        .count();
    bytes.len().abs_diff(key.len()) <= 1 && begin + end + 1 >= key.len()
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn one_byte_makes_a_key_unreadable_and_not_another_one() {
        for bytes in [
            &b"\xffoutreach"[..],
            b"outr\xe5ach",
            b"\xefutreach",
            b"outreac\xe8",
        ] {
            assert!(is_near(bytes, "outreach"), "{bytes:?}");
            assert!(!is_near(bytes, "memory/old"), "{bytes:?}");
        }
        assert!(!is_near(b"o\xffutr\xffeach", "outreach"));
        assert!(!is_near(b"\xffseen/contact/1", "outreach"));
    }
}
