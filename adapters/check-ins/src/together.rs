//! Rows that contradict each other: which of them is right is not ours to say.

use std::collections::BTreeMap;

use relay_core::ids::{CheckInId, ClientId};

use crate::cells::Cells;
use crate::columns::Column;
use crate::row::{About, Row, RowState};

/// Two rows that say different things of one client or check-in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// The index of the one that was there first.
    pub(crate) first: usize,
    /// The index of the other.
    pub(crate) second: usize,
    /// Where they differ.
    pub(crate) column: Column,
    /// Of what they speak.
    pub(crate) subject: &'static str,
}

impl Contradiction {
    /// What to do about one.
    pub(crate) const REMEDY: &'static str = "keep the one that is right, or let both say the same";
}

/// Every row that contradicts an earlier one, by the first earlier one.
pub(crate) fn contradictions<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Contradiction> {
    let mut clients: BTreeMap<&ClientId, (usize, &About)> = BTreeMap::new();
    let mut check_ins: BTreeMap<(&ClientId, &CheckInId), (usize, &Row)> = BTreeMap::new();
    let mut found = Vec::new();
    for (second, row) in rows.enumerate() {
        if let Some(about) = &row.about {
            let (first, earlier) = *clients.entry(&row.client).or_insert((second, about));
            if earlier != about {
                found.push(Contradiction {
                    first,
                    second,
                    column: differing(earlier, about),
                    subject: "client",
                });
            }
        }
        if let Some(check_in) = &row.check_in {
            let key = (&row.client, &check_in.id);
            let (first, earlier) = *check_ins.entry(key).or_insert((second, row));
            let Some(earlier) = &earlier.check_in else {
                continue;
            };
            let column = if earlier.due == check_in.due {
                match (earlier.state, check_in.state) {
                    (RowState::Open, RowState::Open)
                    | (RowState::Submitted(_), RowState::Submitted(_))
                    | (RowState::Withdrawn, RowState::Withdrawn) => continue,
                    (RowState::Withdrawn, _) | (_, RowState::Withdrawn) => Column::Withdrawn,
                    _ => Column::Submitted,
                }
            } else {
                Column::Due
            };
            found.push(Contradiction {
                first,
                second,
                column,
                subject: "check-in",
            });
        }
    }
    found
}

/// The first column in which two statements differ.
fn differing(one: &About, other: &About) -> Column {
    let cells = |about: &About| {
        Cells::of(&Row {
            client: ClientId::from("any"),
            about: Some(about.clone()),
            check_in: None,
        })
    };
    let (one, other) = (cells(one), cells(other));
    let mut columns = Column::ALL.into_iter();
    let found = columns.find(|column| one.get(*column) != other.get(*column));
    found.unwrap_or(Column::FirstName)
}
