//! How many tasks a coach is given: what it costs her that the relay asks.

use std::collections::BTreeMap;

use relay_core::effects::EffectKind;
use relay_core::time::{Date, TimeZone};
use relay_http_client::emulation::Accepted;
use serde::Serialize;

use super::cast::Cast;
use super::vendors::Vendors;
use crate::wiring::emulated::StaffTask;

/// How many tasks somebody was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TaskCount {
    /// In all.
    pub made: usize,
    /// On the day on which it were most, clinic time.
    pub most_on_a_day: usize,
    /// The most about one client that were open at one time.
    pub most_open_about_one: usize,
}

/// By the name of whoever was given them.
pub(super) fn counted(
    cast: &Cast,
    vendors: &Vendors,
    zone: &TimeZone,
    accepted: &[Accepted],
) -> BTreeMap<String, TaskCount> {
    let mut by_day: BTreeMap<(String, Date), usize> = BTreeMap::new();
    let asks = [EffectKind::CallTask, EffectKind::WorkTask].map(EffectKind::as_str);
    for entry in accepted {
        if !asks.contains(&entry.operation.as_str()) {
            continue;
        }
        let user = entry.content["user_id"].as_str().unwrap_or_default();
        let mut coaches = cast.coaches.iter();
        let coach = coaches.find(|coach| coach.user == user);
        let name = coach.map_or_else(|| user.to_owned(), |coach| coach.name.clone());
        let day = zone.to_datetime(entry.at).date();
        *by_day.entry((name, day)).or_default() += 1;
    }
    let mut counted: BTreeMap<String, TaskCount> = BTreeMap::new();
    for ((name, _), made) in by_day {
        let count = counted.entry(name).or_default();
        count.made += made;
        count.most_on_a_day = count.most_on_a_day.max(made);
    }
    for client in &cast.clients {
        let Ok(contact) = client.contact.parse() else {
            continue;
        };
        let tasks = vendors.tasks_about(contact);
        for task in &tasks {
            if let Some(count) = counted.get_mut(&task.owner) {
                count.most_open_about_one = count.most_open_about_one.max(beside(task, &tasks));
            }
        }
    }
    counted
}

/// How many of her tasks were open when this one was made, with it.
fn beside(task: &StaffTask, all: &[StaffTask]) -> usize {
    let hers = all.iter().filter(|other| other.owner == task.owner);
    let is_open = |other: &&StaffTask| {
        other.made <= task.made && other.completed.is_none_or(|over| over > task.made)
    };
    hers.filter(is_open).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_count_as_beside_each_other_only_where_both_are_open() {
        let task = |owner: &str, made: &str, completed: Option<&str>| {
            let at = |text: &str| format!("2026-11-05T{text}Z").parse().expect("a time");
            StaffTask {
                owner: owner.to_owned(),
                made: at(made),
                completed: completed.map(at),
            }
        };
        let first = task("Beth", "09:00:00", Some("11:00:00"));
        let after = task("Beth", "11:00:00", None);
        let anothers = task("Dana", "11:00:00", None);
        let all = [first.clone(), after.clone(), anothers.clone()];
        assert_eq!(all.each_ref().map(|task| beside(task, &all)), [1, 1, 1]);
        let during = task("Beth", "10:59:00", None);
        let all = [first, during.clone(), after.clone()];
        assert_eq!((beside(&during, &all), beside(&after, &all)), (2, 2));
    }
}
