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

/// Every row that contradicts another one: by the first row of the same subject, and where it agrees with
/// that one, by the first that doesn't. So each row that something else stands against is told or named.
pub(crate) fn contradictions<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Contradiction> {
    let rows: Vec<&Row> = rows.collect();
    let mut clients: BTreeMap<&ClientId, Vec<usize>> = BTreeMap::new();
    let mut check_ins: BTreeMap<(&ClientId, &CheckInId), Vec<usize>> = BTreeMap::new();
    let mut spelt: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut spelt_check_ins: BTreeMap<(&ClientId, String), Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let id = row.client.as_str().to_ascii_lowercase();
        spelt.entry(id).or_default().push(index);
        if row.about.is_some() {
            clients.entry(&row.client).or_default().push(index);
        }
        if let Some(check_in) = &row.check_in {
            let key = (&row.client, &check_in.id);
            check_ins.entry(key).or_default().push(index);
            let key = (&row.client, check_in.id.as_str().to_ascii_lowercase());
            spelt_check_ins.entry(key).or_default().push(index);
        }
    }
    let clients = clients.values().map(|group| Group {
        subject: "client",
        places: group,
        differ: about,
    });
    let check_ins = check_ins.values().map(|group| Group {
        subject: "check-in",
        places: group,
        differ: check_in,
    });
    // Ids that differ in upper and lower case only are a slip: which spelling is the id, nobody can say.
    let spelt = spelt.values().map(|group| Group {
        subject: "client",
        places: group,
        differ: |one, other| (one.client != other.client).then_some(Column::Client),
    });
    let spelt_check_ins = spelt_check_ins.values().map(|group| Group {
        subject: "check-in",
        places: group,
        differ: |one, other| {
            let [one, other] = [one, other].map(|row| row.check_in.as_ref().map(|told| &told.id));
            (one != other).then_some(Column::CheckIn)
        },
    });
    let mut found = Vec::new();
    for group in clients.chain(check_ins).chain(spelt).chain(spelt_check_ins) {
        group.contradictions(&rows, &mut found);
    }
    found
}

/// Rows of one subject.
struct Group<'g> {
    subject: &'static str,
    places: &'g [usize],
    /// Where two of them differ.
    differ: fn(&Row, &Row) -> Option<Column>,
}

impl Group<'_> {
    fn contradictions(&self, rows: &[&Row], found: &mut Vec<Contradiction>) {
        let [begun, others @ ..] = self.places else {
            return;
        };
        let told = |first: usize, second: usize| {
            let column = (self.differ)(rows.get(first)?, rows.get(second)?)?;
            Some(Contradiction {
                first,
                second,
                column,
                subject: self.subject,
            })
        };
        let against: Vec<Contradiction> = others
            .iter()
            .filter_map(|other| told(*begun, *other))
            .collect();
        let Some(dissent) = against.first().map(|found| found.second) else {
            return;
        };
        found.extend(against);
        // A row that agrees with the first one is as doubtful as that.
        let agree = others
            .iter()
            .filter(|other| told(*begun, **other).is_none());
        found.extend(agree.filter_map(|other| told(dissent, *other)));
    }
}

/// Where two rows' check-ins differ. How exactly one says when it was submitted is no difference.
fn check_in(one: &Row, other: &Row) -> Option<Column> {
    let (one, other) = (one.check_in.as_ref()?, other.check_in.as_ref()?);
    if one.due != other.due {
        return Some(Column::Due);
    }
    match (one.state, other.state) {
        (RowState::Open, RowState::Open)
        | (RowState::Submitted(_), RowState::Submitted(_))
        | (RowState::Withdrawn, RowState::Withdrawn) => None,
        (RowState::Withdrawn, _) | (_, RowState::Withdrawn) => Some(Column::Withdrawn),
        _ => Some(Column::Submitted),
    }
}

/// Where what two rows say of the client differs.
fn about(one: &Row, other: &Row) -> Option<Column> {
    let (one, other) = (one.about.as_ref()?, other.about.as_ref()?);
    (one != other).then(|| differing(one, other))
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

#[cfg(test)]
mod tests {
    use relay_core::time::Date;

    use super::*;
    use crate::row::RowCheckIn;

    fn row(state: RowState) -> Row {
        let due = Date::constant(2026, 11, 3);
        Row {
            client: "c-1".into(),
            about: None,
            check_in: Some(RowCheckIn {
                id: "k-1".into(),
                due,
                state,
            }),
        }
    }

    #[test]
    fn of_rows_that_contradict_each_other_none_is_left_standing() {
        let (open, submitted) = (RowState::Open, RowState::Submitted(None));
        for states in [
            vec![open, submitted],
            vec![open, open, submitted],
            vec![submitted, open, submitted, submitted],
            vec![submitted, submitted, open, RowState::Withdrawn, open],
        ] {
            let rows: Vec<Row> = states.iter().copied().map(row).collect();
            let found = contradictions(rows.iter());
            let mut told: Vec<usize> = found.iter().map(|one| one.second).collect();
            told.push(found[0].first);
            told.sort_unstable();
            let all: Vec<usize> = (0..rows.len()).collect();
            assert_eq!(told, all, "{states:?}");
        }
        let same = [row(submitted), row(submitted), row(submitted)];
        assert_eq!(contradictions(same.iter()), []);
    }
}
