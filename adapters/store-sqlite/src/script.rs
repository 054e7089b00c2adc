//! Many statements in one walk to the connection's thread.
//!
//! SQLite runs on a thread of its own, and each question walks there and back. For most statements
//! the walk costs more than the work. So the operations of a batch write down what they want done,
//! and what must come of it, and the whole script is handed over at once.
//!
//! Rules:
//! - Every statement is checked against the migrations when this crate is compiled, by itself; see
//!   [`statement!`].
//! - Parameters are numbered (`?1`), in each statement from one. The script numbers them through.
//! - What a statement must bring about is said with it ([`Expect`]). The first that does not is the
//!   script's failure.
//!
//! Not guaranteed: that nothing after the failed statement was carried out. Whoever runs a script
//! undoes all of it, by the transaction or by a savepoint.
//!
//! Several statements in one prepared text is a thing of this driver's alone, and it says that it may
//! go. The tests beside this crate would not pass without it.

use futures_util::TryStreamExt as _;
use relay_store::StoreError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Either, Encode, Executor as _, Sqlite, SqliteConnection, Type,
};

use crate::failure::Failure;

/// After so many statements a script is full; the operation that fills it is written to its end. A
/// longer one saves no more, and the driver keeps each text it has seen with its prepared statements.
const LENGTH: usize = 16;

/// Puts a statement into a script: the script, what is expected, the text, its values. Fails if a
/// value can't be bound.
macro_rules! statement {
    ($script:expr, $expect:expr, $sql:literal $(, $value:expr)* $(,)?) => {{
        // Never run: this is what has the statement checked.
        let _ = || sqlx::query!($sql $(, $value)*);
        $script.begin($expect, $sql);
        $($script.bind(&$value)?;)*
        Ok::<(), $crate::failure::Failure>(())
    }};
}
pub(crate) use statement;

/// Puts a question into a script: the script, the rows' type, the text, its values.
macro_rules! question {
    ($script:expr, $row:ty, $sql:literal $(, $value:expr)* $(,)?) => {{
        let _ = || sqlx::query_as!($row, $sql $(, $value)*);
        $script.begin($crate::script::Expect::Anything, $sql);
        $($script.bind(&$value)?;)*
        Ok::<(), $crate::failure::Failure>(())
    }};
}
pub(crate) use question;

/// What a statement must bring about.
#[derive(Debug)]
pub(crate) enum Expect {
    /// Nothing in particular.
    Anything,
    /// A change of exactly one row; else this is the answer.
    OneChange(StoreError),
    /// The same, and the second is the answer if the row's place is taken.
    OneChangeOrTaken(StoreError, StoreError),
    /// That it finds a row; else this is the answer.
    ARow(StoreError),
}

impl Expect {
    fn judge(self, found: usize, changed: u64) -> Result<(), StoreError> {
        match self {
            Self::OneChange(otherwise) | Self::OneChangeOrTaken(otherwise, _) if changed != 1 => {
                Err(otherwise)
            }
            Self::ARow(otherwise) if found == 0 => Err(otherwise),
            _ => Ok(()),
        }
    }

    fn refused(self, error: sqlx::Error) -> Failure {
        match self {
            Self::OneChangeOrTaken(_, taken) if Failure::is_taken(&error) => taken.into(),
            _ => error.into(),
        }
    }
}

/// Statements to be carried out in order.
#[derive(Default)]
pub(crate) struct Script {
    text: String,
    values: SqliteArguments,
    expected: Vec<Expect>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its values are messages to clients.
        f.write_str("Script")
    }
}

impl Script {
    /// Begins a statement. Use [`statement!`], which has it checked.
    pub(crate) fn begin(&mut self, expect: Expect, sql: &'static str) {
        let before = self.values.len();
        let mut pieces = sql.split('?');
        self.text.extend(pieces.next());
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_digit());
            let (number, rest) = piece.split_at(end.unwrap_or(piece.len()));
            debug_assert!(!number.is_empty(), "a parameter without a number: {sql}");
            // To SQLite `?17` is the seventeenth of as many, to be bound or not; `$17` is a name. The
            // driver takes either for the number of the value.
            self.text.push('$');
            match number.parse::<usize>() {
                Ok(number) => self.text.push_str(&(before + number).to_string()),
                Err(_) => self.text.push_str(number),
            }
            self.text.push_str(rest);
        }
        self.text.push(';');
        self.expected.push(expect);
    }

    /// The next value of the statement begun last.
    pub(crate) fn bind<'t, T>(&mut self, value: T) -> Result<(), Failure>
    where
        T: Encode<'t, Sqlite> + Type<Sqlite>,
    {
        let bound = self.values.add(value);
        bound.map_err(|error| StoreError::Driver(error).into())
    }

    /// Whether nothing is written in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// Whether nothing more should be written into it.
    pub(crate) fn is_full(&self) -> bool {
        self.expected.len() >= LENGTH
    }

    /// Asks its questions: the rows of each, in order.
    pub(crate) async fn ask(
        self,
        conn: &mut SqliteConnection,
    ) -> Result<std::vec::IntoIter<Vec<SqliteRow>>, Failure> {
        let questions = self.expected.len();
        let query = sqlx::query_with(AssertSqlSafe(self.text), self.values);
        let mut answers = conn.fetch_many(query);
        let mut all = Vec::with_capacity(questions);
        let mut rows = Vec::new();
        while let Some(answer) = answers.try_next().await? {
            match answer {
                Either::Right(row) => rows.push(row),
                Either::Left(_) => all.push(std::mem::take(&mut rows)),
            }
        }
        if all.len() == questions {
            Ok(all.into_iter())
        } else {
            Err(sqlx::Error::Protocol("a question was given no answer".to_owned()).into())
        }
    }

    /// Carries it out. On a failure any part of it may have been done.
    pub(crate) async fn run(self, conn: &mut SqliteConnection) -> Result<(), Failure> {
        let Self {
            text,
            values,
            expected,
        } = self;
        // Put together from literals of this crate; every value is bound.
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let mut answers = conn.fetch_many(query);
        for expect in expected {
            let mut found = 0;
            let changed = loop {
                match answers.try_next().await {
                    Ok(Some(Either::Right(_))) => found += 1,
                    Ok(Some(Either::Left(done))) => break done.rows_affected(),
                    Ok(None) => {
                        let what = "a statement was given no answer".to_owned();
                        return Err(sqlx::Error::Protocol(what).into());
                    }
                    Err(error) => return Err(expect.refused(error)),
                }
            };
            expect.judge(found, changed)?;
        }
        Ok(())
    }
}
